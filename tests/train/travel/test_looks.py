"""What is kept of each step of a rerun: the same numbers from replayed steps as from steps in Python."""

import numpy as np
import pytest
from train.travel.recorded import everything, plain, record

from minigrad import optim
from minigrad.train.travel.looks import Element, Outputs, Taps
from minigrad.train.travel.rerun import Stop
from minigrad.train.travel.scanning import elements, windows

WANTED = [Element("0.weight", 11), Element("0.weight", 11, gradient=True), Element("2.bias", 1, gradient=True)]


@pytest.mark.parametrize("build", [everything, plain()])
def test_elements_of_replayed_steps(build, backend, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(Taps, "take", lambda self, *given, own=Taps.take: (taken.append(given[1]), own(self, *given)))
    log, run = record(tmp_path / "run", build, epochs=16)
    found = elements(run, WANTED, 8, 80)
    assert sum(taken) > 20  # batches of 32 and the smaller last ones
    assert found.shape == (3, 73)
    for k, (_, gradients, after) in enumerate(log.steps[7:]):
        want = after["0.weight"].flat[11], gradients["0.weight"].flat[11], gradients["2.bias"][1]
        assert found[:, k].tolist() == [float(number) for number in want]


def test_outputs_of_replayed_steps(backend, tmp_path):
    log, run = record(tmp_path / "run", plain(), epochs=16)

    def sums(seen):
        return seen.astype(np.float64).sum((1, 2))

    found = []
    for compile in (True, False):
        looking = Outputs("0", sums, 1, 80)
        run.rerun.go(run.state_after(0), Stop(80), looking, compile=compile)
        found.append(looking.values.tolist())
    assert found[0] == found[1] and not np.isnan(found[0]).any()
    x = run.at(40).batch[0]
    w, b = (log.steps[38][2][f"0.{name}"] for name in ("weight", "bias"))
    assert found[0][39] == pytest.approx(np.maximum(x.astype(float) @ w + b, 0).sum(), rel=1e-5)


def test_what_has_no_gradient_is_nan(tmp_path):
    def build():
        model, loss, _ = plain()()
        model[0].weight.requires_grad_(False)
        return model, loss, optim.SGD(model.parameters(), lr=0.1)

    log, run = record(tmp_path / "run", build)
    found = elements(run, WANTED, 1, 60)
    assert np.isnan(found[1]).all() and not np.isnan(found[[0, 2]]).any()
    assert found[2, -1] == log.steps[-1][1]["2.bias"][1] and found[0, 0] == log.steps[0][2]["0.weight"].flat[11]


def test_windows_cover_all_steps_once(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.train.travel.scanning.SHORTEST", 7)
    _, run = record(tmp_path / "run", plain(), megabytes=0.04)
    found = list(windows(run, 60))
    assert [step for first, last in reversed(found) for step in range(first, last + 1)] == list(range(1, 61))
    assert len(found) > 2 and all(first - 1 in run.marks for first, _ in found)
