"""Taps: what they keep has the bits of the step in Python, at the steps that were asked for; runs begin anywhere."""

import numpy as np
import pytest
from replay.twins import X, Y, classifier, network, state

import minigrad as mg
from minigrad import kernels as K
from minigrad import nn, optim

BATCH = 10


def parts(dropout=0.5):
    return classifier(lambda: network(dropout), lambda m: optim.Adam(m.parameters(), lr=0.01))()


def loader():
    return mg.data.Loader(X, Y, BATCH, seed=5)


def eager(epochs=2):
    """Of each step in Python: the first weights, their gradient, the logits, whose last batch is smaller."""
    model, _, step = parts()
    batches, found = loader(), []
    for _ in range(epochs):
        for x, y in batches:
            logits = step(mg.tensor(x), mg.tensor(y))[1]
            found.append((model[0].weight.data.copy(), model[0].weight.grad.data.copy(), logits.data.copy()))
    return found


def test_taps_have_the_bits_of_the_step_in_python():
    """From the first step on, in Python and replayed, across epochs and a last batch of another shape."""
    expected = eager()
    model, _, step = parts()
    step = mg.compile(step)
    weight = model[0].weight
    all_of_it, gradient = step.tap(weight), step.tap(weight, every=3, grad=True)
    element, row = step.tap(weight, steps=[0, 7, 13, 99], at=(2, 5)), step.tap(weight, at=(slice(1, 5, 2), 3))
    backwards = step.tap(weight, at=(slice(None, None, -1), slice(6, 1, -2)))
    logits = step.tap("matmul:2", steps=range(5, 9))
    batches = loader()
    for _ in range(2):
        step.epoch(batches)
    assert step.number == len(expected) == 16
    assert all_of_it.steps.tolist() == [*range(16)]
    assert all_of_it.values.tobytes() == np.array([w for w, _, _ in expected]).tobytes()
    assert gradient.steps.tolist() == [0, 3, 6, 9, 12, 15]
    assert gradient.values.tobytes() == np.array([g for _, g, _ in expected[::3]]).tobytes()
    assert element.steps.tolist() == [0, 7, 13]
    assert element.values.tolist() == [expected[i][0][2, 5] for i in (0, 7, 13)]
    assert row.values.tobytes() == np.array([w[1:5:2, 3] for w, _, _ in expected]).tobytes()
    assert backwards.values.tobytes() == np.array([w[::-1, 6:1:-2] for w, _, _ in expected]).tobytes()
    assert [a.tobytes() for a in logits.values] == [expected[i][2].tobytes() for i in range(5, 9)]
    assert [a.shape for a in logits.values] == [(10, 3), (10, 3), (4, 3), (10, 3)], "a list where shapes differ"
    assert len(logits) == 4


def test_a_tap_keeps_what_a_call_wrote_before_later_calls_write_there():
    """Gradients of two uses are added up in place: behind the first call stands the first part alone."""
    w = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)

    @mg.compile
    def step(x):
        w.grad = None
        y = (x @ w) @ w
        y.sum().backward()
        return w.grad

    x = np.array([[1.0, 0.0]], np.float32)
    for _ in range(3):
        step(x)
    names = [line.split()[2] for line in step.explain().splitlines()[2:]]
    taps = {name: step.tap(name) for name in names}
    whole = step(x).data
    step.run(2, x)
    parts = [tap.values for tap in taps.values() if tap.values.shape[1:] == (2, 2)]
    assert all((part == part[0]).all() for part in parts)
    assert any((part[0] == whole).all() for part in parts)


def test_every_call_of_explain_can_be_tapped_from_the_first_step_on():
    model, _, step = parts()
    other = mg.compile(parts()[2])
    for _ in range(3):
        other(X[:8], Y[:8])
    names = [line.split()[2] for line in other.explain().splitlines()[2:]]
    assert len(names) == len(set(names))
    assert {"matmul", "matmul:2", "cross_entropy", "adam_update"} <= set(names)
    step = mg.compile(step)
    taps = [step.tap(name) for name in names]
    step.run(4, X[:8], Y[:8])
    assert [tap.steps.tolist() for tap in taps] == [[0, 1, 2, 3]] * len(names)
    mask = taps[names.index("dropout")].values
    assert mask.shape == (4, 8, 8)
    assert len({row.tobytes() for row in mask}) == 4, "another mask in each step"


def test_dropped_units_are_those_of_the_step_in_python():
    """output chooses among the arrays that a call writes."""
    ends = []
    for times in (1, 5):  # recorded alone, or replayed in the end
        model, _, step = parts()
        step = mg.compile(step)
        out, mask = step.tap("dropout"), step.tap("dropout", output=1)
        step.run(5, X[:8], Y[:8]) if times == 1 else [step(X[:8], Y[:8]) for _ in range(times)]
        ends.append((out.values.tobytes(), mask.values.tobytes(), mask.values.dtype))
    assert ends[0] == ends[1]
    assert ends[0][2] == np.uint8


def test_taps_end_and_are_cleared():
    model, _, step = parts()
    step = mg.compile(step)
    tap = step.tap(model[0].bias, every=2)
    assert repr(tap) == "<tap of a tensor (8,): 0 steps>"
    assert tap.values.shape == (0,)
    assert tap.steps.dtype == np.int64
    step.run(6, X[:8], Y[:8])
    assert tap.values.shape == (3, 8)
    tap.clear()
    step.run(3, X[:8], Y[:8])
    assert tap.steps.tolist() == [6, 8]
    step.untap(tap)
    step.run(3, X[:8], Y[:8])
    assert tap.steps.tolist() == [6, 8]
    with pytest.raises(ValueError, match=r"untap: .* is no tap of step, or no longer"):
        step.untap(tap)


def test_a_check_counts_once():
    model, _, step = parts()
    step = mg.compile(step)
    tap = step.tap(model[0].weight)
    step.run(3, X[:8], Y[:8])
    step.check(X[:8], Y[:8])
    step.explain()
    assert step.number == 4
    assert tap.steps.tolist() == [0, 1, 2, 3]
    assert tap.values[-1].tobytes() == model[0].weight.data.tobytes()


def test_a_run_that_ends_early_keeps_the_steps_that_were_made():
    x = mg.tensor([1.0], requires_grad=True)

    @mg.compile
    def step(y):
        with mg.no_grad():
            x.copy_(x * y)
        K.check_finite(x.array)

    tap = step.tap(x)
    with pytest.raises(mg.NonFiniteError, match="in step 1 of the run"):
        step.run(9, 1e10)
    assert np.allclose(tap.values.ravel(), [1e10, 1e20, 1e30])
    assert step.number == 3


@pytest.mark.parametrize(
    ("what", "options", "error", "match"),
    [
        (3, {}, TypeError, r"tap: got a int; need a tensor, .* or the name of a kernel call as explain\(\) prints it"),
        ("matmul", {"grad": True}, ValueError, "'matmul' is a kernel call, which has no gradient"),
        ("matmul", {"every": 0}, ValueError, "tap: every is 0; need at least 1"),
        ("matmul:9", {}, ValueError, r"the step has no kernel call 'matmul:9'; it has .*matmul:2, .*adam_update"),
        ("matmul", {"output": 1}, IndexError, "output=1 of 'matmul', which writes 1 arrays"),
        ("matmul", {"at": [0, 1]}, IndexError, r"at=\[0, 1\] of \(8, 8\) is no part of it; need numbers and slices"),
        ("matmul", {"at": slice(0, 0)}, IndexError, "is no part of it"),
        (mg.tensor([1.0]), {}, ValueError, r"a tensor \(1,\) is used by no kernel of the step; need a parameter"),
        (mg.tensor([1.0]), {"grad": True}, ValueError, r"the gradient of a tensor \(1,\) is"),
    ],
)
def test_what_a_step_does_not_have_is_refused(what, options, error, match):
    """At once where the step is recorded, else behind the first step."""
    step = mg.compile(parts()[2])
    step.run(3, X[:8], Y[:8])
    with pytest.raises(error, match=match):
        step.tap(what, **options)
    step.run(1, X[:8], Y[:8])
    other = mg.compile(parts()[2])
    with pytest.raises(error, match=match):
        other.tap(what, **options)
        other(X[:8], Y[:8])


def test_an_epoch_begins_anywhere_from_a_restored_state():
    """Model, optimizer, streams and the place in the loader, in fresh objects: the same bits, taps and numbers."""
    model, optimizer, step = parts()
    step = mg.compile(step)
    tap, batches = step.tap(model[0].weight), loader()
    losses = np.concatenate([step.epoch(batches)[0] for _ in range(3)])
    expected = state(model, optimizer)
    for stop in (1, 5, 8, 11, 23):
        model, optimizer, step = parts()
        step, batches = mg.compile(step), loader()
        epoch, batch = divmod(stop, 8)
        first = [step.epoch(batches)[0] for _ in range(epoch)]
        first += [step.epoch(batches, last=batch)[0]] if batch else []
        held = model.state_dict(), optimizer.state_dict(), mg.rng.get_state(), (batches.epoch, batches._start)
        step.epoch(batches)  # goes on, and is no part of what is restored

        model, optimizer, step = parts()
        mg.manual_seed(77)
        model.load_state_dict(held[0])
        optimizer.load_state_dict(held[1])
        mg.rng.set_state(held[2])
        step, batches = mg.compile(step), loader()
        batches.set_position(*held[3])
        step.number = stop
        rest = step.tap(model[0].weight, every=2)
        second = [step.epoch(batches)[0] for _ in range(3 - epoch)]
        assert np.concatenate([*first, *second]).tolist() == losses.tolist()
        assert state(model, optimizer) == expected
        assert rest.steps.tolist() == [i for i in range(stop, 24) if i % 2 == 0]
        assert rest.values.tobytes() == tap.values[rest.steps].tobytes()


def test_the_same_step_goes_back_and_on_again():
    """States restored into the model that the step was recorded with."""
    model, optimizer, step = parts()
    step = mg.compile(step)
    x, y = mg.tensor(X[:8]), mg.tensor(Y[:8])
    step.run(4, x, y)
    held = model.state_dict(), optimizer.state_dict(), mg.rng.get_state()
    first = step.run(5, x, y)[0].tolist()
    expected = state(model, optimizer)
    model.load_state_dict(held[0])
    optimizer.load_state_dict(held[1])
    mg.rng.set_state(held[2])
    step.number = 4
    assert step.run(5, x, y)[0].tolist() == first
    assert state(model, optimizer) == expected


def test_a_loader_goes_on_where_the_last_call_ended():
    _, _, step = parts()
    step, batches = mg.compile(step), loader()
    assert len(step.epoch(batches, last=3)[0]) == 3
    assert len(step.epoch(batches)[0]) == 5
    assert batches.epoch == 1
    batches.set_position(4, 6)
    assert len(step.epoch(batches)[0]) == 2
    assert batches.epoch == 5
    with pytest.raises(ValueError, match="epoch: first"):
        step.epoch(batches, first=-1)


def test_the_output_of_a_layer_of_ones_own():
    """A name counts the calls of one kernel, in the order of explain()."""
    layers = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2))
    step = mg.compile(lambda x: layers(x))
    tap = step.tap("tanh", at=(slice(None), 1))
    step.run(4, X[:5])
    expected = mg.tanh(layers[0](mg.tensor(X[:5]))).data[:, 1]
    assert (tap.values == expected).all()
    assert tap.values.shape == (4, 5)
