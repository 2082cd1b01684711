"""Which batch made the loss jump: the rows of a batch, or the update before it."""

import numpy as np
import pytest
from train.travel.recorded import X, Y, arguments, plain, record

from minigrad.data import Loader
from minigrad.train import Callback
from minigrad.train.travel.jump import BEFORE, LEAST, jumps


class Shock(Callback):
    """One update with 300 times the rate."""

    def on_gradients(self, run):
        if (run.epoch, run.batch) == (9, 3):
            run.optimizer.param_groups[0]["lr"] *= 300

    def on_batch_end(self, run):
        if (run.epoch, run.batch) == (9, 3):
            run.optimizer.param_groups[0]["lr"] /= 300


def test_the_update_that_did_it(backend, tmp_path):
    def build():
        return {**arguments(plain()()), "callbacks": [Shock()]}

    log, run = record(tmp_path / "run", build)
    answer = run.loss_jump()
    assert (answer.kind, answer.step) == ("update", 43)
    gradients = log.steps[42][1]
    norm = np.sqrt(sum(np.square(g.astype(float)).sum() for g in gradients.values()))
    assert answer.numbers["gradient"] == pytest.approx(norm) and answer.numbers["loss"] == run.losses[43]
    assert set(answer.numbers["rows"]) <= set(run.at(43).rows.tolist())
    assert "The update of step 43 (epoch 9, batch 3) did it" in answer.text
    assert answer.numbers["loss without the update before"] < 1.5 * answer.numbers["median before"]


def test_the_rows_that_did_it(tmp_path):
    y = Y.copy()
    order = Loader(X, y, 15, seed=5).order(10)
    y[order[45:60]] = 1 - y[order[45:60]]  # in the eleventh epoch all of them stand in one batch, the fourth
    _, run = record(tmp_path / "run", plain(lr=0.05), data=(X, y), epochs=11, batch_size=15)
    answer = run.loss_jump(104)
    assert (answer.kind, answer.step) == ("rows", 104) and "are unlike the others" in answer.text
    assert set(answer.numbers["rows"]) <= set(order[45:60].tolist()) and answer.numbers["loss"] == run.losses[103]
    assert run.loss_jump().step == 104


def test_no_jump(tmp_path):
    _, run = record(tmp_path / "run", plain(lr=0.01))
    assert run.loss_jump().kind == "no jump" and run.loss_jump().step is None
    quiet = int(np.argmin(run.losses[20:])) + 21
    assert "which is no jump" in run.loss_jump(quiet).text
    with pytest.raises(ValueError, match="step 61: the training has 60 steps"):
        run.loss_jump(61)
    assert run.loss_jump(1).kind in ("rows", "no jump")


def test_jumps_are_those_of_the_definition(rng):
    losses = rng.normal(size=40000) ** 2
    losses[[5, 77, 16384, 30001]] = np.nan, 50.0, 9.0, np.inf
    size, level = jumps(losses)
    for k in (0, LEAST - 1, LEAST, 40, 77, 78, 16383, 16384, 16390, 30001, 30002, 39999):
        before = losses[max(0, k - BEFORE) : k]
        before = before[np.isfinite(before)]
        if len(before) < LEAST:
            assert np.isnan(size[k]) and np.isnan(level[k])
            continue
        median = np.median(before)
        spread = max(np.abs(before - median).mean(), 1e-3 * median + 1e-12)
        assert level[k] == median and size[k] == pytest.approx((losses[k] - median) / spread)
