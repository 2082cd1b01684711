"""Why a weight is 0: the step and the numbers of the answer against a log of all steps."""

import numpy as np
import pytest
from train.travel.recorded import X, Y, everything, plain, record

import minigrad as mg
from minigrad import optim, reg
from minigrad.train import Callback

NAME = "0.weight"


def became_zero(log, index, name=NAME):
    """By brute force: the step after which the weight is 0 for good, None where it is not 0 at the end."""
    values = log.of(name, index)
    return None if values[-1] != 0 else int(np.flatnonzero(values != 0)[-1]) + 2 if values.any() else 0


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_the_proximal_step_of_sgd_with_the_numbers_put_in(momentum, backend, tmp_path):
    l1 = 0.02 * (1 - momentum)
    log, run = record(tmp_path / "run", plain(prox=lambda: reg.L1(l1), momentum=momentum), epochs=16, compile=False)
    zeros = np.argwhere(log.steps[-1][2][NAME] == 0)
    assert len(zeros) > 3
    steps = set()
    for index in map(tuple, zeros[:: max(1, len(zeros) // 6)]):
        step = became_zero(log, index)
        answer = run.why_zero(NAME, *map(int, index))
        before, gradients, after = log.steps[step - 1]
        assert (answer.kind, answer.step) == ("prox", step), answer
        w, g, numbers = before[NAME][index], gradients[NAME][index], answer.numbers
        assert numbers["before"] == w != 0 and numbers["gradient"] == g and after[NAME][index] == 0
        assert numbers["threshold"] == pytest.approx(0.1 * l1 / (1 - momentum)) and numbers["l1"] == l1
        if momentum == 0:
            assert numbers["free"] == np.float32(w - np.float32(0.1) * g) and "w - lr·g = " in answer.text
        assert abs(numbers["free"]) <= numbers["threshold"] * (1 + 1e-6)
        largest = max([abs(g[NAME][index]) for _, g, _ in log.steps[step:]], default=0.0)
        assert numbers["largest gradient since"] == largest and numbers["steps since"] == 80 - step
        for said in (f"since step {step:,} (epoch", f"{w:.6g}", f"{g:.6g}", f"≤ {numbers['threshold']:.6g}"):
            assert said in answer.text
        steps.add(step)
    assert len(steps) > 1


def test_every_zero_of_adam(tmp_path):
    log, run = record(tmp_path / "run", everything, epochs=16, megabytes=0.05)
    zeros = [tuple(map(int, index)) for index in np.argwhere(log.steps[-1][2][NAME] == 0)]
    assert zeros
    for index in zeros[:6]:
        answer = run.why_zero(NAME, *index)
        assert answer.kind == "prox" and answer.step == became_zero(log, index)
        assert abs(answer.numbers["free"]) <= answer.numbers["threshold"] * (1 + 1e-5)
        assert answer.numbers["step"] != answer.numbers["lr"] and "step of its own coordinate" in answer.text


def test_a_replayed_record_gives_the_same_answers(tmp_path):
    log, _ = record(tmp_path / "eager", plain(prox=lambda: reg.L1(0.02)), epochs=120, seconds=1e3)
    _, run = record(tmp_path / "run", plain(prox=lambda: reg.L1(0.02)), epochs=120, seconds=1e3, compile=True)
    index = tuple(map(int, np.argwhere(log.steps[-1][2][NAME] == 0)[0]))
    answer = run.why_zero(NAME, *index)
    assert answer.step == became_zero(log, index) and answer.kind == "prox"
    largest = max([abs(g[NAME][index]) for _, g, _ in log.steps[answer.step :]], default=0.0)
    assert answer.numbers["largest gradient since"] == largest


def test_the_sub_gradient_passes_through_zero(tmp_path):
    log, run = record(tmp_path / "run", plain(penalty=lambda: reg.L1(0.05)), epochs=16)
    signs = np.sign([after[NAME] for _, _, after in log.steps])
    passed = (signs[1:] * signs[:-1] < 0).sum(0)
    index = tuple(map(int, np.unravel_index(passed.argmax(), passed.shape)))
    answer = run.why_zero(NAME, *index)
    assert answer.kind == "not zero" and answer.numbers["passed"] == passed[index] > 3
    before, _, after = log.steps[answer.step - 1]
    assert before[NAME][index] * after[NAME][index] < 0
    assert "sub-gradient" in answer.text and "lr·l1 = 0.005" in answer.text and "prox=" in answer.text


def test_a_weight_that_is_not_zero(tmp_path):
    log, run = record(tmp_path / "run", plain())
    answer = run.why_zero("2.bias", 1)
    assert answer.kind == "not zero" and answer.numbers["value"] == log.steps[-1][2]["2.bias"][1]


def test_a_projection_puts_it_to_zero(tmp_path):
    log, run = record(tmp_path / "run", plain(constraints=reg.NonNegative))
    zeros = [tuple(map(int, i)) for i in np.argwhere(log.steps[-1][2][NAME] == 0)]
    index = next(i for i in zeros if (became_zero(log, i) or 0) > 1)
    answer = run.why_zero(NAME, *index)
    assert answer.kind == "constraint" and answer.step == became_zero(log, index)
    assert answer.numbers["free"] < 0 and "NonNegative" in answer.text


class Mask(Callback):
    """Holds some weights at 0."""

    def on_batch_end(self, run):
        if run.epoch > 2:
            with mg.no_grad():
                w = run.model[0].weight
                w.copy_(np.where(np.arange(6)[:, None] == 2, 0, w.data))


def test_a_mask_of_a_callback(tmp_path):
    def build():
        return {**dict(zip(("model", "loss", "optimizer"), plain()())), "callbacks": [Mask()]}

    log, run = record(tmp_path / "run", build)
    answer = run.why_zero(NAME, 2, 4)
    assert (answer.kind, answer.step) == ("outside", 11) and became_zero(log, (2, 4)) == 11
    assert answer.numbers["free"] != 0 and "a callback or a mask" in answer.text


def zero_row(model):
    with mg.no_grad():
        model[0].weight.copy_(np.where(np.arange(6)[:, None] == 1, 0, model[0].weight.data))


def test_what_was_zero_before_the_first_step(tmp_path):
    data = X.copy()
    data[:, 1] = 0
    log, run = record(tmp_path / "run", plain(), data=(data, Y), change=zero_row)
    answer = run.why_zero(NAME, 1, 3)
    assert answer.kind == "no gradient" and "column 1 of the data" in answer.text and became_zero(log, (1, 3)) == 0

    log, run = record(tmp_path / "held", plain(prox=lambda: reg.L1(0.5)), change=zero_row)
    answer = run.why_zero(NAME, 1, 3)
    assert answer.kind == "held" and 0 < answer.numbers["largest gradient"] < 0.5 and "L1(0.5)" in answer.text


def test_what_was_never_trained(tmp_path):
    def frozen():
        model, loss, _ = plain()()
        model[0].weight.requires_grad_(False)
        return model, loss, optim.SGD(model.parameters(), lr=0.1)

    def half():
        model, loss, _ = plain()()
        return model, loss, optim.SGD(model[2].parameters(), lr=0.1)

    for name, build, said in (("a", frozen, "it is frozen"), ("b", half, "the optimizer does not hold it")):
        _, run = record(tmp_path / name, build, change=zero_row)
        answer = run.why_zero(NAME, 1, 3)
        assert answer.kind == "never trained" and said in answer.text


def test_a_group_is_emptied(tmp_path):
    log, run = record(tmp_path / "run", plain(prox=lambda: reg.GroupLasso(0.2)), epochs=16)
    zeros = [tuple(map(int, i)) for i in np.argwhere(log.steps[-1][2][NAME] == 0)]
    assert zeros
    answer = run.why_zero(NAME, *zeros[0])
    assert answer.kind == "group" and answer.step == became_zero(log, zeros[0]) and "GroupLasso" in answer.text


def test_names_and_indices_are_checked(tmp_path):
    _, run = record(tmp_path / "run", plain(), epochs=1)
    for index, said in (
        ((NAME, 3), r"0.weight has the shape \(6, 8\): need 2 numbers to name one element, got 1"),
        ((NAME, 6, 0), "index 6 of axis 0 is outside of 0 to 5"),
        (("0.wieght", 0, 0), "there is no parameter '0.wieght'; did you mean '0.weight'"),
    ):
        with pytest.raises(ValueError, match=said):
            run.why_zero(*index)
    assert run.why_zero(NAME, -1, -1).text == run.why_zero(NAME, 5, 7).text
