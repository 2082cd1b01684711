"""Logs know what they are of: other code, another score or other data are refused; half a line is computed again."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import linear_model as linear
from minigrad import nn, selection

QUIET = pytest.mark.filterwarnings("ignore::minigrad.selection.SelectionWarning")


def errors(log, penalty=mg.reg.L1, score=None, data=0, **more):
    """The mean of a tiny sweep of networks with a log."""
    x = np.random.default_rng(data).standard_normal((20, 3))
    family = selection.Network(nn_of_three, mg.mse, classifies=False, penalty=penalty, epochs=1, **more)
    options = {"folds": 2, "refit": False, "log": log, "score": score}
    return selection.cross_validate(family, x, x[:, 0], [1e-2, 1e-3], **options).mean


def nn_of_three():
    return nn.Linear(3, 1)


def absolute(output, y):
    return float(np.abs(output[:, 0] - y).mean())


@QUIET
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"penalty": lambda lam: mg.reg.L1(2 * lam)}, "penalty was"),
        ({"penalty": lambda lam: mg.reg.ElasticNet(lam, 0.1)}, "penalty was"),
        ({"score": selection.Score("absolute", lambda output, y: absolute(output, y) + 1)}, "score function was"),
        ({"data": 1}, "data was"),
        ({"patience": 3}, "patience was"),
        ({"options": (("lr", 0.1),)}, "options was"),
    ],
)
def test_a_log_knows_what_it_computed(tmp_path, change, named):
    log = tmp_path / "log.jsonl"
    good = {"penalty": lambda lam: mg.reg.L1(lam), "score": selection.Score("absolute", absolute)}
    first = errors(log, **good)
    assert (errors(log, **good) == first).all()
    before = log.read_bytes()
    with pytest.raises(ValueError, match=f"the log is of another sweep: {named}"):
        errors(log, **(good | change))
    assert log.read_bytes() == before


@QUIET
def test_a_search_knows_its_score_and_its_training(tmp_path):
    x = np.random.default_rng(0).standard_normal((20, 3))

    def run_it(train, score):
        settings = selection.grid(lam=[0.1, 1.0])
        return selection.search(train, settings, x, x[:, 0], score=score, folds=2, log=tmp_path / "log").scores

    def train(x, y, seed, lam):
        return linear.Regression().start(x, y).fit(lam)

    score = selection.Score("s", lambda output, y: float(np.abs(output - y).mean()))
    first = run_it(train, score)
    assert (run_it(train, score) == first).all()
    with pytest.raises(ValueError, match="another sweep: train was"):
        run_it(lambda x, y, seed, lam: linear.Regression().start(x, y).fit(2 * lam), score)
    with pytest.raises(ValueError, match="another sweep: score function was"):
        run_it(train, selection.Score("s", lambda output, y: float(np.square(output - y).mean())))


@QUIET
@pytest.mark.parametrize("left", range(1, 60, 7))
@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_lines_that_were_not_written_to_their_end_are_computed_again(tmp_path, left, ending):
    """Of the last line, or of the first, some bytes are left, with or without an end of line behind them."""
    log, family = tmp_path / "log.jsonl", linear.Regression()
    x = np.random.default_rng(0).standard_normal((20, 3))

    def run_it():
        return selection.cross_validate(family, x, x[:, 0], [0.1], folds=2, refit=False, log=log).scores

    first, lines = run_it(), log.read_bytes().splitlines(keepends=True)
    for kept in (2, 0):
        log.write_bytes(b"".join(lines[:kept]) + lines[kept][:left] + ending)
        assert (run_it() == first).all()
        assert log.read_bytes() == b"".join(lines)
    log.write_bytes(b"".join([lines[0], lines[1][:20] + b"\n", lines[2]]))
    with pytest.raises(ValueError, match=r"log.jsonl:2: not a line of a minigrad sweep"):
        run_it()
