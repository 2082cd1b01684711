"""Schedules against PyTorch's and their formulas; by hand, resumed, and with bad options."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim.schedules import cos_pi, power


def make(lr=0.8, groups=1):
    params = [{"params": mg.nn.Parameter([1.0]), "lr": lr / (1 + i)} for i in range(groups)]
    return optim.SGD(params, lr=lr)


def rates(schedule, steps=30):
    found = [schedule.get_last_lr()]
    for _ in range(steps):
        schedule.step()
        found.append(schedule.get_last_lr())
    return found


SCHEDULES = {
    "StepLR": ("StepLR", {"step_size": 7, "gamma": 0.3}),
    "CosineAnnealingLR": ("CosineAnnealingLR", {"T_max": 30, "eta_min": 0.01}),
    "odd": ("CosineAnnealingLR", {"T_max": 31}),
    "LinearLR": ("LinearLR", {"start_factor": 0.1, "total_iters": 9}),
    "down": ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 12}),
    "ConstantLR": ("ConstantLR", {"factor": 0.25, "total_iters": 6}),
}


@pytest.mark.peers
@pytest.mark.parametrize("name", SCHEDULES)
def test_against_torch(name):
    torch = pytest.importorskip("torch")
    kind, options = SCHEDULES[name]
    params = [{"params": [torch.zeros(1, requires_grad=True)], "lr": 0.8 / (1 + i)} for i in range(2)]
    theirs = torch.optim.SGD(params, lr=0.8)
    schedule = getattr(torch.optim.lr_scheduler, kind)(theirs, **options)
    expected = [schedule.get_last_lr()]
    for _ in range(30):
        theirs.step()
        schedule.step()
        expected.append(schedule.get_last_lr())
    got = rates(getattr(optim, kind)(make(groups=2), **options))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.peers
def test_warm_up_then_cosine_against_torch():
    torch = pytest.importorskip("torch")

    def chain(module, optimizer):
        parts = [module.LinearLR(optimizer, 0.1, total_iters=5), module.CosineAnnealingLR(optimizer, T_max=20),
                 module.ConstantLR(optimizer, 0.5, total_iters=3)]  # fmt: skip
        return module.SequentialLR(optimizer, parts, milestones=[5, 25])

    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    schedule, expected = chain(torch.optim.lr_scheduler, theirs), []
    for _ in range(30):
        expected.append(schedule.get_last_lr())
        theirs.step()
        schedule.step()
    np.testing.assert_allclose(rates(chain(optim.lr_scheduler, make()), 29), expected, rtol=1e-12, atol=1e-15)


MEASURES = [5, 4, 3, 3, 3, 2.9999, 2.9999, math.nan, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, math.inf, 2, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 0, "factor": 0.5, "min_lr": 0.1},
        {"patience": 1, "cooldown": 3, "factor": 0.5},
        {"patience": 2, "threshold": 0.5, "threshold_mode": "abs"},
        {"patience": 1, "mode": "max", "factor": 0.5},
        {"patience": 0, "factor": 0.1, "eps": 0.05},
    ],
)
@pytest.mark.peers
def test_plateau_against_torch(options):
    torch = pytest.importorskip("torch")
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    schedule, optimizer = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options), make()
    ours = optim.ReduceLROnPlateau(optimizer, **options)
    for measure in MEASURES:
        schedule.step(measure)
        ours.step(measure)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12)


def test_formulas_by_hand():
    """What the peers check, in numbers that a reader can follow and that need no PyTorch."""
    assert [r for (r,) in rates(optim.StepLR(make(), 2, 0.5), 5)] == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    assert [r for (r,) in rates(optim.ConstantLR(make(), 0.5, 2), 3)] == [0.4, 0.4, 0.8, 0.8]
    warm_up = rates(optim.LinearLR(make(), 0.25, total_iters=3), 4)
    np.testing.assert_allclose(warm_up, [[0.2], [0.4], [0.6], [0.8], [0.8]], rtol=1e-15)
    cosine = [[0.1 + 0.7 * (1 + math.cos(math.pi * t / 10)) / 2] for t in range(25)]
    np.testing.assert_allclose(rates(optim.CosineAnnealingLR(make(), 10, 0.1), 24), cosine, rtol=1e-14)
    optimizer = make()
    parts = [optim.ConstantLR(optimizer, 0.5, 9), optim.StepLR(optimizer, 2, 0.25), optim.ConstantLR(optimizer, 0.5, 1)]
    chain = rates(optim.SequentialLR(optimizer, parts, [2, 5]), 6)
    np.testing.assert_allclose(chain, [[0.4], [0.4], [0.8], [0.8], [0.2], [0.4], [0.8]], rtol=1e-15)
    optimizer = make()
    plateau = optim.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    seen = []
    for measure in [3, 2, 2, math.nan, 2, 1, 1, 1]:
        plateau.step(measure)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2]


def test_the_cosine_is_exact_to_two_ulp_and_symmetric():
    for b in (1, 2, 3, 7, 30, 1000, 999_983):
        for a in {0, 1, b // 4, b // 3, b // 2, b // 2 + 1, b - 1, b, b + 1, 2 * b - 1, 2 * b, 5 * b + 3}:
            assert abs(cos_pi(a, b) - math.cos(math.pi * (a % (2 * b)) / b)) < 8e-16, (a, b)
            assert cos_pi(a, b) == cos_pi(a + 2 * b, b) == -cos_pi(b - a, b) == cos_pi(-a, b)
    assert (cos_pi(0, 9), cos_pi(1, 2), cos_pi(9, 9)) == (1.0, 0.0, -1.0)


def test_rates_are_the_same_on_every_machine():
    """Golden: + - × ÷ are exact on every machine, libm's cos and pow are not."""
    assert [cos_pi(t, 13).hex() for t in (1, 4, 6, 9)] == [
        "0x1.f11f493053d00p-1", "0x1.22d961ea71119p-1", "0x1.edb7debaa3ed9p-4", "-0x1.22d961ea71119p-1",
    ]  # fmt: skip
    assert power(0.1, 7).hex() == "0x1.ad7f29abcaf4ep-24"
    assert power(0.7, 0) == 1.0


def test_it_goes_on_where_its_state_was_taken():
    for kind, options in SCHEDULES.values():
        first = getattr(optim, kind)(make(groups=2), **options)
        rates(first, 11)
        resumed = getattr(optim, kind)(make(lr=0.3, groups=2), **options)
        resumed.load_state_dict(first.state_dict())
        assert resumed.get_last_lr() == first.get_last_lr()
        assert rates(resumed, 5) == rates(first, 5)
    optimizers = make(), make()
    plateau = optim.ReduceLROnPlateau(optimizers[0], patience=2)
    for measure in MEASURES[:9]:
        plateau.step(measure)
    resumed = optim.ReduceLROnPlateau(optimizers[1], patience=2)
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    resumed.load_state_dict(plateau.state_dict())
    for measure in MEASURES[9:]:
        plateau.step(measure)
        resumed.step(measure)
        assert optimizers[0].param_groups[0]["lr"] == optimizers[1].param_groups[0]["lr"]


def test_the_rate_acts_in_the_next_step():
    w = mg.nn.Parameter([1.0])
    optimizer = optim.SGD([w], lr=1.0)
    schedule = optim.StepLR(optimizer, 1, 0.5)
    for expected in (0.0, -0.5, -0.75):
        w.grad = mg.tensor([1.0])
        optimizer.step()
        schedule.step()
        assert w.item() == expected


@pytest.mark.parametrize(
    "make_schedule, error, match",
    [
        (lambda o: optim.StepLR("sgd", 3), TypeError, "optimizer is a str; need an Optimizer"),
        (lambda o: optim.StepLR(o, 0), ValueError, "step_size is 0"),
        (lambda o: optim.StepLR(o, 2.5), TypeError, "step_size is 2.5"),
        (lambda o: optim.StepLR(o, 3, math.nan), ValueError, "gamma is nan"),
        (lambda o: optim.CosineAnnealingLR(o, 0), ValueError, "T_max is 0"),
        (lambda o: optim.CosineAnnealingLR(o, 5, -1), ValueError, "eta_min is -1"),
        (lambda o: optim.LinearLR(o, 1.5), ValueError, "start_factor is 1.5"),
        (lambda o: optim.ConstantLR(o, 2), ValueError, "factor is 2"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 2, [3, 4]), ValueError, "2 schedules, milestones"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 3, [4, 3]), ValueError, "each later than the last"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(make(), 1)], []), TypeError, "of this optimizer"),
        (lambda o: optim.SequentialLR(o, [optim.ReduceLROnPlateau(o)], []), TypeError, "known beforehand"),
        (lambda o: optim.ReduceLROnPlateau(None), TypeError, "need an Optimizer"),
        (lambda o: optim.ReduceLROnPlateau(o, "least"), ValueError, "mode is 'least'"),
        (lambda o: optim.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor is 1; need less"),
        (lambda o: optim.ReduceLROnPlateau(o, patience=-1), ValueError, "patience is -1"),
        (lambda o: optim.ReduceLROnPlateau(o, threshold=math.inf), ValueError, "threshold is inf"),
    ],
)
def test_bad_options(make_schedule, error, match):
    optimizer = make()
    with pytest.raises(error, match=match):
        make_schedule(optimizer)
    with pytest.raises(ValueError, match="the state has 2 groups, the optimizer 1"):
        optim.StepLR(optimizer, 1).load_state_dict({"t": 1, "first": [0.1, 0.2]})
