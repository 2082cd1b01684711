"""OneCycleLR against PyTorch's and by hand, with its momentum; copies, states, bad options."""

import copy
import math
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def make(kind="SGD", groups=1, **options):
    return getattr(optim, kind)([{"params": mg.nn.Parameter([1.0])} for _ in range(groups)], lr=0.1, **options)


def course(optimizer, schedule, steps):
    """(rate, momentum or β1) of each group, at the beginning and after each step."""
    found = []
    for _ in range(steps + 1):
        found.append([(g["lr"], g.get("momentum", g.get("betas", (0,))[0])) for g in optimizer.param_groups])
        if len(found) <= steps:
            schedule.step()
    return found


OPTIONS = {
    "plain": ("SGD", {"max_lr": 2.0, "total_steps": 20}),
    "linear": ("SGD", {"max_lr": 2.0, "total_steps": 17, "anneal_strategy": "linear", "pct_start": 0.45}),
    "three phases": ("Adam", {"max_lr": 2.0, "total_steps": 30, "three_phase": True, "max_momentum": 0.9}),
    "epochs": ("AdamW", {"max_lr": 1.0, "epochs": 3, "steps_per_epoch": 7, "div_factor": 10.0, "final_div_factor": 5}),
    "down alone": ("RMSprop", {"max_lr": 1.0, "total_steps": 9, "pct_start": 0.0}),
    "up alone": ("RMSprop", {"max_lr": 1.0, "total_steps": 9, "pct_start": 1.0}),
    "lists": ("SGD", {"max_lr": [1.0, 0.5], "total_steps": 12, "base_momentum": [0.8, 0.7], "max_momentum": 0.95}),
    "rates alone": ("Adagrad", {"max_lr": 1.0, "total_steps": 12, "cycle_momentum": False}),
}


@pytest.mark.peers
@pytest.mark.parametrize("name", OPTIONS)
def test_against_torch(name):
    torch = pytest.importorskip("torch")
    kind, options = OPTIONS[name]
    params = [{"params": [torch.zeros(1, requires_grad=True)]} for _ in range(2)]
    theirs = getattr(torch.optim, kind)(params, lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(theirs, **options)
    theirs.step()
    mine = make(kind, groups=2)
    ours = optim.OneCycleLR(mine, **options)
    steps = ours.total_steps - 1
    np.testing.assert_allclose(course(mine, ours, steps), course(theirs, schedule, steps), rtol=1e-9, atol=1e-15)


def test_by_hand():
    """Up from 0.04 to 1 until t = 5, down to 0.04 / 1e4 until t = 19, in half cosines; β1 the other way."""
    optimizer = make("Adam")
    found = np.array(course(optimizer, optim.OneCycleLR(optimizer, 1.0, 20), 20))[:, 0]

    def half_cosine(a, b, share):
        return b + (a - b) * (1 + math.cos(math.pi * share)) / 2

    up = [(half_cosine(0.04, 1, t / 5), half_cosine(0.95, 0.85, t / 5)) for t in range(6)]
    down = [(half_cosine(1, 4e-6, s / 14), half_cosine(0.85, 0.95, s / 14)) for s in range(1, 15)]
    np.testing.assert_allclose(found, [*up, *down, down[-1]], rtol=1e-12)  # the last step() of a loop stays at the end
    optimizer = make("SGD", momentum=0.5)
    schedule = optim.OneCycleLR(
        optimizer,
        1.0,
        11,
        pct_start=3 / 11,
        anneal_strategy="linear",
        div_factor=2,
        final_div_factor=2,
        three_phase=True,
        cycle_momentum=False,
    )
    right = [0.5, 0.75, 1.0, 0.75, 0.5, *(0.5 - 0.25 * t / 6 for t in range(1, 7))]
    np.testing.assert_allclose(np.array(course(optimizer, schedule, 10))[:, 0, 0], right, rtol=1e-12)
    assert optimizer.param_groups[0]["momentum"] == 0.5
    schedule = optim.OneCycleLR(optimizer, 1.0, 11, pct_start=3 / 11, anneal_strategy="linear", three_phase=True)
    right = [0.95, 0.9, 0.85, 0.9, 0.95, *[0.95] * 6]
    np.testing.assert_allclose(np.array(course(optimizer, schedule, 10))[:, 0, 1], right, rtol=1e-12)


def test_momentum_and_rate_act_in_the_update(backend):
    w = mg.nn.Parameter([1.0])
    optimizer = optim.SGD([w], lr=0.0, momentum=0.9)
    schedule = optim.OneCycleLR(
        optimizer, 1.0, 5, pct_start=0.6, anneal_strategy="linear", div_factor=4, base_momentum=0.5, max_momentum=0.75
    )
    expected, buf = 1.0, 0.0
    for lr, momentum in ((0.25, 0.75), (0.625, 0.625), (1.0, 0.5)):
        w.grad = mg.tensor([1.0])
        optimizer.step()
        schedule.step()
        buf = momentum * buf + 1
        expected -= lr * buf
        assert w.item() == pytest.approx(expected, rel=1e-6)


def test_it_ends_with_the_cycle():
    optimizer = make(momentum=0.9)
    schedule = optim.OneCycleLR(optimizer, 1.0, epochs=2, steps_per_epoch=3)
    for _ in range(6):
        schedule.step()
    with pytest.raises(ValueError, match="called 6 times before, total_steps is 6; the cycle is over"):
        schedule.step()


def test_state_and_copies():
    def start():
        optimizer = make("AdamW", groups=2)
        return optimizer, optim.OneCycleLR(optimizer, [1.0, 0.5], 20)

    pair, other = start(), start()
    course(*pair, 7)
    other[1].load_state_dict(pair[1].state_dict())
    twins = [other, copy.deepcopy(pair), pickle.loads(pickle.dumps(pair))]
    right = course(*pair, 6)
    assert all(course(*twin, 6) == right for twin in twins)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({}, ValueError, "need total_steps, or epochs and steps_per_epoch"),
        ({"epochs": 3}, ValueError, "need total_steps"),
        ({"total_steps": 0}, ValueError, "total_steps is 0"),
        ({"epochs": 3, "steps_per_epoch": 1.5}, TypeError, "steps_per_epoch is 1.5"),
        ({"total_steps": 9, "pct_start": 1.1}, ValueError, "pct_start is 1.1"),
        ({"total_steps": 9, "anneal_strategy": "cosine"}, ValueError, "anneal_strategy is 'cosine'"),
        ({"total_steps": 9, "div_factor": 0}, ValueError, "div_factor is 0; need a number above 0"),
        ({"total_steps": 9, "max_momentum": 1.0}, ValueError, "max_momentum is 1.0; need less than 1"),
        ({"total_steps": 9, "max_lr": [1.0, 2.0]}, ValueError, "max_lr has 2 values; need a number, or 1"),
        ({"total_steps": 9, "max_lr": "fast"}, ValueError, "max_lr is 'fast'"),
        ({"total_step": 9}, TypeError, "did you mean 'total_steps'"),
    ],
)
def test_bad_options(options, error, match):
    with pytest.raises(error, match=match):
        optim.OneCycleLR(make(), **{"max_lr": 1.0, **options})
    with pytest.raises(ValueError, match="Adagrad has neither momentum nor betas; pass cycle_momentum=False"):
        optim.OneCycleLR(make("Adagrad"), 1.0, 9)
    with pytest.raises(TypeError, match="optimizer is a float; need an Optimizer"):
        optim.OneCycleLR(0.1, 1.0, 9)
