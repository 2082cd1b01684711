"""The main job in a small size: what it trains is what it says, and its report is whole."""

import json
import sys

import numpy as np
import pytest
from lab.reading import read

import minigrad as mg
from minigrad import cli
from minigrad.data import load_digits
from minigrad.lab.demo import experiment, report, search
from minigrad.lab.pages.statistics import Gain

METHODS = ["none", "L2", "L1 sub-gradient", "L1 proximal", "elastic net", "dropout", "dropout + L2"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the command does by itself: small batches gain nothing from a second one."""
    before = mg.get_num_threads()
    mg.set_num_threads(1)
    yield
    mg.set_num_threads(before)


@pytest.fixture(scope="module")
def results():
    return experiment.run(range(2), epochs=3, say=lambda line: None)


def test_the_data_are_what_the_text_says():
    train, test = experiment.data_for(3)
    x, y = load_digits()
    assert (len(train.x), len(test.x)) == (400, 1397)
    clean = {row.tobytes(): label for row, label in zip(x, y)}
    wrong = [label != clean[row.tobytes()] for row, label in zip(train.x, train.y)]
    assert sum(wrong) == 120  # 30% replaced by another class
    assert all(label == clean[row.tobytes()] for row, label in zip(test.x, test.y))
    assert not {row.tobytes() for row in train.x} & {row.tobytes() for row in test.x}
    other, _ = experiment.data_for(4)
    assert (other.x != train.x).any()
    assert [label != clean[row.tobytes()] for row, label in zip(other.x, other.y)] != wrong


def test_methods_differ_in_the_regularizer_alone():
    """Without a penalty and without dropout the rest of the recipe gives the same bits, run after run."""
    a, b = (experiment.train_one(experiment.Method(name), 0, 2) for name in ("one", "two"))
    assert all((v == w).all() for v, w in zip(a.weights, b.weights))
    mg.manual_seed(0)
    start = [p.data for p in experiment.network(0.0).parameters()]
    mg.manual_seed(0)
    for w, v in zip(start, experiment.network(0.5).parameters()):
        assert (w == v.data).all()


def test_results(results):
    assert list(results) == METHODS == [m.name for m in experiment.METHODS]
    for name, runs in results.items():
        assert [r.seed for r in runs] == [0, 1]
        for r in runs:
            assert r.history.last["val_loss"] == pytest.approx(r.test["loss"], rel=1e-6)
            assert r.norm == pytest.approx(np.sqrt(sum(np.square(w, dtype=np.float64).sum() for w in r.weights)))
            assert len(r.penalties) == (0 if name in ("none", "dropout") else 1)
            assert r.history.penalties == list(r.penalties)
    assert results["L1 proximal"][0].zeros > 0.01 > results["L1 sub-gradient"][0].zeros
    assert results["none"][0].zeros == results["L2"][0].zeros == 0


def test_share_of_zeros_leaves_constant_pixels_out():
    x = np.array([[0.0, 1.0], [0.0, 2.0]])
    weights = [np.array([[0.0, 0.0], [0.0, 5.0]]), np.array([[1.0], [1.0]])]
    assert experiment.share_of_zeros(weights, x) == 1 / 4


def test_the_settings_come_from_the_grid():
    tried = {(method.name, method.setting) for method in search.grid()}
    assert {(method.name, method.setting) for method in experiment.METHODS[1:]} <= tried
    assert not set(search.SEEDS) & set(range(100))


def test_search_prints_a_line_per_setting(capsys):
    search.search(search.grid()[:1], seeds=[1000], epochs=1)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("L2 ") and "L2(0.00125)" in line and "accuracy" in line


def test_report_says_what_was_measured(results, tmp_path):
    """Numbers in the text are those of the results, and a verdict follows its interval."""
    path = report.write(results, tmp_path, False, 1.0)
    text = " ".join(read(path.read_text(encoding="utf-8")).text)
    gain = report.gains(results, "accuracy", 100.0)["L2"]
    assert f"{gain.mean:+.2f} ± {gain.half:.2f} points" in text
    assert ("does not exclude 0" in text) == (gain.verdict == "undecided")
    for method in METHODS:
        assert method in text
    assert "nan" not in text


def test_words_follow_the_intervals():
    up, down, open_ = Gain(2.0, 1.0), Gain(-2.0, 1.0), Gain(0.5, 1.0)
    assert "lies above 0: it helps" in report._excludes({"L2": up})
    assert "lies below 0: it harms" in report._excludes({"L2": down})
    assert "does not exclude 0" in report._excludes({"L2": open_})
    others = report._others({"L2": up, "a": up, "b": down, "c": open_, "d": open_})
    assert others == "Of the others, the interval lies above 0 for a; below 0 for b; on both sides of 0 for c and d."
    assert "a strong penalty" in report._loss_says({"L2": up}, {"L2": open_})
    assert "a strong penalty" not in report._loss_says({"L2": up}, {"L2": down})


@pytest.mark.parametrize("figures", [True, False])
def test_command(tmp_path, capsys, monkeypatch, figures):
    """minigrad demo prints the table and writes the report; without matplotlib it says which extra draws figures."""
    if figures:
        pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    else:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cli.main(["demo", "--seeds", "1", "--epochs", "1", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert str(tmp_path / "report.html") in out
    assert all(f"\n{method} " in out for method in METHODS)
    assert ("minigrad[figures]" in out) == (not figures)
    page = read((tmp_path / "report.html").read_text(encoding="utf-8"))
    pictures = sorted(tmp_path.glob("*.svg"))
    if figures:
        assert [p.stem for p in pictures] == ["curves", "gains", "images", "penalties", "weights"]
        assert all(p.read_bytes().startswith(b"<svg") for p in pictures)
    assert len(page.images) == len(pictures) == (5 if figures else 0)
    assert page.loads == []
    found = json.loads((tmp_path / "results.json").read_text())
    assert set(found) == set(METHODS) and set(found["L2"][0]["test"]) == {"loss", "accuracy"}
