"""Schedules against PyTorch's and their formulas; by hand, resumed, and with bad options."""

import copy
import math
import pickle

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
    "ExponentialLR": ("ExponentialLR", {"gamma": 0.9}),
    "MultiStepLR": ("MultiStepLR", {"milestones": [12, 3, 12, 20], "gamma": 0.5}),
    "at once": ("MultiStepLR", {"milestones": [0, 5], "gamma": 0.5}),
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


PAIRS = [
    (("LinearLR", {"start_factor": 0.25, "total_iters": 6}), ("ExponentialLR", {"gamma": 0.9})),
    (("StepLR", {"step_size": 4, "gamma": 0.5}), ("CosineAnnealingLR", {"T_max": 31, "eta_min": 0.01})),
    (("MultiStepLR", {"milestones": [2, 9], "gamma": 0.3}), ("ConstantLR", {"factor": 0.5, "total_iters": 7})),
]


@pytest.mark.peers
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "+".join(name for name, _ in pair))
def test_two_together_and_a_rate_by_hand_against_torch(pair):
    torch = pytest.importorskip("torch")

    def course(module, optimizer):
        schedules, found = [getattr(module, name)(optimizer, **options) for name, options in pair], []
        for t in range(28):
            if t == 11:
                optimizer.param_groups[0]["lr"] *= 0.5
            if module is not optim.lr_scheduler:
                optimizer.step()
            for schedule in schedules:
                schedule.step()
            found.append(optimizer.param_groups[0]["lr"])
        return found

    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    expected = course(torch.optim.lr_scheduler, theirs)
    np.testing.assert_allclose(course(optim.lr_scheduler, make()), expected, rtol=1e-9)


@pytest.mark.peers
def test_a_warm_up_with_a_plateau_against_torch():
    torch = pytest.importorskip("torch")

    def course(module, optimizer):
        warm_up = module.LinearLR(optimizer, 0.25, total_iters=8)
        plateau, found = module.ReduceLROnPlateau(optimizer, patience=1, factor=0.5), []
        for measure in MEASURES:
            if module is not optim.lr_scheduler:
                optimizer.step()
            warm_up.step()
            plateau.step(measure)
            found.append(optimizer.param_groups[0]["lr"])
        return found

    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    expected = course(torch.optim.lr_scheduler, theirs)
    np.testing.assert_allclose(course(optim.lr_scheduler, make()), expected, rtol=1e-9)


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
    exponential = [[0.8 * 0.9**t] for t in range(25)]
    np.testing.assert_allclose(rates(optim.ExponentialLR(make(), 0.9), 24), exponential, rtol=1e-14)
    multi = [[0.8 * 0.5 ** sum(m <= t for m in (9, 2, 2, 0))] for t in range(12)]
    np.testing.assert_allclose(rates(optim.MultiStepLR(make(), [9, 2, 2, 0], 0.5), 11), multi, rtol=1e-15)
    assert rates(optim.MultiStepLR(make(), []), 2) == [[0.8]] * 3
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
        "0x1.f11f493053d00p-1",
        "0x1.22d961ea71119p-1",
        "0x1.edb7debaa3ed9p-4",
        "-0x1.22d961ea71119p-1",
    ]
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


def course(optimizer, *schedules, steps=12, by_hand=None):
    """The rate of group 0 after each round of steps; by_hand is {round: the rate that is set before it}."""
    found = []
    for t in range(steps):
        if by_hand and t in by_hand:
            optimizer.param_groups[0]["lr"] = by_hand[t]
        for schedule in schedules:
            schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


WARM_UPS = {
    "linear": lambda o: optim.LinearLR(o, 0.0, total_iters=4),
    "lambda": lambda o: optim.LambdaLR(o, lambda t: min(1.0, t / 4)),
}
LATER = {  # how it is made, and its share of the first rate after t steps
    "cosine": (lambda o: optim.CosineAnnealingLR(o, 20), lambda t: (1 + math.cos(math.pi * t / 20)) / 2),
    "exponential": (lambda o: optim.ExponentialLR(o, 0.5), lambda t: 0.5**t),
    "constant": (lambda o: optim.ConstantLR(o, 0.5, total_iters=6), lambda t: 0.5 if t < 6 else 1.0),
    "sequence": (
        lambda o: optim.SequentialLR(o, [optim.ConstantLR(o, 0.5, 9), optim.ExponentialLR(o, 0.5)], [3]),
        lambda t: 0.5 if t < 3 else 0.5 ** (t - 3),
    ),
}


def test_a_new_schedule_starts_from_the_present_rate():
    optimizer = make(1.0)
    course(optimizer, optim.ExponentialLR(optimizer, 0.5), steps=3)
    assert rates(optim.StepLR(optimizer, 1, 0.1), 1) == [[0.125], [0.0125]]
    optimizer.param_groups[0]["lr"] = 0.4
    cosine = optim.CosineAnnealingLR(optimizer, 2)
    assert rates(cosine, 2) == [[0.4], [0.2], [0.0]]


def test_a_group_that_came_later_takes_part():
    optimizer = make(1.0)
    schedule = optim.ExponentialLR(optimizer, 0.5)
    schedule.step()
    optimizer.add_param_group({"params": mg.nn.Parameter([2.0]), "lr": 0.8})
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 0.4]
    assert schedule.state_dict() == {"name": "ExponentialLR", "t": 2, "first": [1.0, 0.8], "lr": [0.25, 0.4]}
    del optimizer.param_groups[0]
    schedule.step()
    assert schedule.get_last_lr() == [0.2]


def test_last_epoch_goes_on_where_the_rates_began():
    for kind, options in SCHEDULES.values():
        right = rates(getattr(optim, kind)(make(groups=2), **options), 9)
        optimizer = make(groups=2)
        for group, first, now in zip(optimizer.param_groups, (0.8, 0.4), right[5]):
            group["initial_lr"], group["lr"] = first, now
        resumed = getattr(optim, kind)(optimizer, **options, last_epoch=5)
        np.testing.assert_allclose(rates(resumed, 3), right[6:], rtol=1e-15)
    with pytest.raises(ValueError, match="last_epoch is 3, but group 0 has no 'initial_lr'"):
        optim.StepLR(make(), 1, last_epoch=3)


def test_states_of_a_pair_and_after_a_rate_by_hand():
    def pair(optimizer):
        return optim.LinearLR(optimizer, 0.25, total_iters=6), optim.ExponentialLR(optimizer, 0.9)

    first, second = make(), make(0.3)
    ones, others = pair(first), pair(second)
    course(first, *ones, steps=5, by_hand={2: 0.7})
    for one, other in zip(ones, others):
        other.load_state_dict(one.state_dict())
    assert course(second, *others) == course(first, *ones)
    with pytest.raises(ValueError, match="LinearLR: the state is of a ExponentialLR"):
        ones[0].load_state_dict(ones[1].state_dict())
    for wrong in ({}, None, {"t": 1.5, "first": [1.0]}):
        with pytest.raises(ValueError, match="needs what state_dict gives"):
            ones[0].load_state_dict(wrong)
    with pytest.raises(ValueError, match="ReduceLROnPlateau: load_state_dict needs"):
        optim.ReduceLROnPlateau(first).load_state_dict({"best": 1.0})


@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("level", [-3.0, -1e-3, 0.0, 2.0])
def test_a_plateau_at_any_level(mode, threshold_mode, level):
    """A measure that stays, or moves by less than the threshold, is a plateau; one that improves by more is not."""
    better = -1 if mode == "min" else 1
    size = 0.1 * abs(level) if threshold_mode == "rel" else 0.1
    for share, reduced in ((0.0, True), (0.9, True), (1.1, size == 0)):
        optimizer = make(1.0)
        plateau = optim.ReduceLROnPlateau(
            optimizer, mode, 0.5, patience=0, threshold=0.1, threshold_mode=threshold_mode
        )
        plateau.step(level)
        plateau.step(level + better * share * size)
        assert plateau.get_last_lr() == [0.5 if reduced else 1.0], share
    with pytest.raises(TypeError, match="step needs the measure"):
        plateau.step({"loss": 1.0})


def test_copies_of_schedules_go_on_alone():
    for kind, options in SCHEDULES.values():
        optimizer = make(groups=2)
        schedule = getattr(optim, kind)(optimizer, **options)
        rates(schedule, 4)
        for twin_optimizer, twin in (
            copy.deepcopy((optimizer, schedule)),
            pickle.loads(pickle.dumps((schedule, optimizer)))[::-1],
        ):
            assert twin.optimizer is twin_optimizer
            kept = schedule.get_last_lr()
            again = rates(twin, 7)
            assert schedule.get_last_lr() == kept
            assert again == rates(copy.deepcopy(schedule), 7)
    optimizer = make()
    plateau = optim.ReduceLROnPlateau(optimizer, patience=0)
    plateau.step(1.0)
    twin = copy.deepcopy(plateau)
    twin.step(1.0)
    assert (twin.get_last_lr(), plateau.get_last_lr()) == ([pytest.approx(0.08)], [0.8])


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
        (lambda o: optim.ExponentialLR(o, -0.1), ValueError, "gamma is -0.1"),
        (lambda o: optim.ExponentialLR(o), TypeError, "gamma"),
        (lambda o: optim.MultiStepLR(o, 30), TypeError, "milestones is 30; need whole numbers"),
        (lambda o: optim.MultiStepLR(o, "30"), TypeError, "milestones is '30'"),
        (lambda o: optim.MultiStepLR(o, [30, 0.5]), TypeError, "a milestone is 0.5"),
        (lambda o: optim.MultiStepLR(o, [-1]), ValueError, "a milestone is -1"),
        (lambda o: optim.StepLR(o, 1, last_epoch=-2), ValueError, "last_epoch is -2"),
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
