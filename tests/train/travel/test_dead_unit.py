"""Since when a unit is dead: the answer against the outputs of all steps for all rows."""

import numpy as np
import pytest
from train.travel.recorded import X, Y, plain, record

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import Callback, open_run


class Fired(Callback):
    """Of each step how many rows of its batch each hidden unit fired for, and of all rows after the step."""

    only_looks = True

    def __init__(self):
        self.batch, self.all = [], []

    def on_train_begin(self, run):
        self.seen = Seen()
        run.model[0].watch(self.seen)

    def on_batch_end(self, run):
        self.batch.append((self.seen.output != 0).sum(0))
        w, b = run.model[0].weight.data, run.model[0].bias.data
        self.all.append((np.maximum(X @ w + b, 0) > 0).sum(0))


class Seen:
    def __call__(self, args, output):
        self.output = output.array.copy()


def hard(lr=12.0):
    def build():
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8, activation="relu"), nn.Linear(8, 2))
        return model, mg.cross_entropy, optim.SGD(model.parameters(), lr=lr)

    return build


@pytest.mark.parametrize("compile", [False, True])
def test_the_last_step_in_which_a_unit_fired(compile, backend, tmp_path):
    fired = Fired()
    record(tmp_path / "log", hard(), epochs=24, more=[fired])
    _, run = record(tmp_path / "run", hard(), epochs=24, compile=compile, seconds=1e3)
    batch, rows = np.array(fired.batch), np.array(fired.all)
    dead = [unit for unit in range(8) if rows[-1, unit] == 0]
    assert dead and len(dead) < 8
    for unit in range(8):
        answer = run.since_dead("0", unit)
        there = np.flatnonzero(batch[:, unit])
        if unit not in dead:
            assert answer.kind == "alive" and answer.numbers["fires"] == rows[-1, unit]
        elif not len(there):
            assert answer.kind == "never"
        else:
            last = int(there[-1]) + 1
            silent = int(np.flatnonzero(rows[:, unit])[-1]) + 2
            assert answer.kind == "dead" and answer.numbers["last fired"] == last, answer
            assert answer.step == max(last, silent) and answer.numbers["rows of the batch"] == batch[last - 1, unit]
            assert (
                f"dead since step {answer.step:,}" in answer.text
                and "largest w·x + b over all rows is -" in answer.text
            )


def test_a_unit_that_would_have_fired_for_rows_of_no_batch(tmp_path):
    """L1 takes its weights away: some steps after the last batch in which it fired, it fires for no row at all."""

    def build():
        model = nn.Sequential(nn.Linear(6, 8, activation="relu"), nn.Linear(8, 2))
        prox = reg.on(model, "*.weight", reg.L1(0.2))
        return model, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.02, prox=prox)

    def change(model):
        with mg.no_grad():
            model[0].bias.copy_(np.full(8, -0.3, np.float32))

    fired = Fired()
    _, run = record(tmp_path / "run", build, epochs=10, batch_size=8, more=[fired], change=change)
    batch, rows = np.array(fired.batch), np.array(fired.all)
    dead = [unit for unit in range(8) if rows[-1, unit] == 0 and batch[:, unit].any()]
    assert len(dead) > 3
    for unit in dead:
        answer = run.since_dead("0", unit)
        last, silent = int(np.flatnonzero(batch[:, unit])[-1]) + 1, int(np.flatnonzero(rows[:, unit])[-1]) + 2
        assert answer.numbers["last fired"] == last < silent == answer.step
        assert (
            "could still have made it fire after step" in answer.text
            and "fired for no row of this batch" in answer.text
        )
        moment = run.at(answer.step)
        moved = (moment.after["0.weight"] - moment.before["0.weight"])[:, unit].astype(float)
        assert answer.numbers["moved by"] == pytest.approx(np.sqrt((moved**2).sum())), "of the step that is named"
        assert answer.numbers["gradient"] == 0 and "What moved the unit is the proximal map of L1(0.2)" in answer.text
        assert "all of its weights are 0" in answer.text


def test_a_dead_unit_of_a_convolution(tmp_path):
    images = np.random.default_rng(0).normal(size=(60, 1, 6, 6)).astype(np.float32)

    def build():
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
        return model, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1)

    def change(model):
        with mg.no_grad():
            model[0].bias.copy_(np.float32([0, -50, 0]))

    _, run = record(tmp_path / "run", build, data=(images, Y[:60]), change=change, epochs=3)
    assert run.since_dead("1", 1).kind == "never" and run.since_dead("1", 0).kind == "alive"
    with pytest.raises(ValueError, match="layer '1' has 3 units, 0 to 2; there is no unit 3"):
        run.since_dead("1", 3)


def test_layers_are_checked(tmp_path):
    _, run = record(tmp_path / "run", plain(), epochs=1)
    with pytest.raises(ValueError, match=r"there is no layer 'hidden' \(layers: 0, 1, 2\)"):
        run.since_dead("hidden", 0)
    with pytest.raises(ValueError, match="there is no unit 8"):
        run.since_dead("0", 8)
    assert open_run(tmp_path / "run", plain(), (X, Y)).since_dead("0", -1).text.startswith("unit 7 of layer '0'")
