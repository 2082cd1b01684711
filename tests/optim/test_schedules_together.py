"""Several schedules on one optimizer, and rates that were set by hand."""

import copy
import math

import numpy as np
import pytest
from optim.test_schedules import LATER, WARM_UPS, course, make

from minigrad import optim


def test_schedules_act_together():
    """Each is a factor of the rate: the product of both, whichever was made first."""
    for turn in (1, -1):
        optimizer = make(1.0)
        kinds = [lambda o: optim.LinearLR(o, 0.25, total_iters=6), lambda o: optim.ExponentialLR(o, 0.9)][::turn]
        found = course(optimizer, *(kind(optimizer) for kind in kinds))
        right = [(0.25 + 0.75 * min(t, 6) / 6) * 0.9**t for t in range(1, 13)]
        np.testing.assert_allclose(found, right, rtol=1e-12)
    optimizer = make(1.0)
    pair = optim.StepLR(optimizer, 4, 0.5), optim.CosineAnnealingLR(optimizer, 20)
    right = [0.5 ** (t // 4) * (1 + math.cos(math.pi * t / 20)) / 2 for t in range(1, 13)]
    np.testing.assert_allclose(course(optimizer, *pair), right, rtol=1e-12)
    optimizer = make(1.0)
    warm_up, plateau = optim.LinearLR(optimizer, 0.25, total_iters=3), optim.ReduceLROnPlateau(optimizer, patience=1)
    found = []
    for _ in range(6):
        warm_up.step()
        plateau.step(-1.0)
        found.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(found, [0.5, 0.75, 0.1, 0.1, 0.01, 0.01], rtol=1e-12)


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("warm_up", WARM_UPS)
def test_a_schedule_made_in_a_warm_up_from_zero(warm_up, later, turn):
    """The rate is 0 when it is made, whichever of the two then steps first; copies and states go on alike."""
    make_later, share = LATER[later]
    right = [min(1.0, t / 4) * share(t) for t in range(1, 13)]
    optimizer = make(1.0)
    pair = [WARM_UPS[warm_up](optimizer), make_later(optimizer)]
    assert optimizer.param_groups[0]["lr"] == 0
    found = course(optimizer, *pair[::turn])
    # Where the later one steps first, it learns in its second step that the rate is no longer 0.
    np.testing.assert_allclose(found[1:] if turn < 0 else found, right[1:] if turn < 0 else right, rtol=1e-12)
    optimizer, other = make(1.0), make(1.0)
    pair, twins = ([WARM_UPS[warm_up](o), make_later(o)] for o in (optimizer, other))
    for schedule, twin in zip(pair, twins):
        twin.load_state_dict(schedule.state_dict())
    twins = copy.deepcopy((other, twins))
    np.testing.assert_allclose(course(twins[0], *twins[1]), right, rtol=1e-12)


def test_one_cycle_in_a_warm_up_from_zero():
    optimizer = make(1.0)
    optim.LinearLR(optimizer, 0.0)
    with pytest.raises(ValueError, match="OneCycleLR: the rate is 0, because another schedule begins there"):
        optim.OneCycleLR(optimizer, 1.0, total_steps=10, cycle_momentum=False)
    optim.OneCycleLR(make(0.0), 1.0, total_steps=10, cycle_momentum=False)


def test_a_rate_that_was_set_by_hand_stays():
    optimizer = make(1.0)
    found = course(optimizer, optim.StepLR(optimizer, 4, 0.5), by_hand={1: 0.3})
    assert found == [1.0, 0.3, 0.3, *[0.15] * 4, *[0.075] * 4, 0.0375]
    optimizer = make(1.0)
    cosine = optim.CosineAnnealingLR(optimizer, 20, eta_min=0.1)
    shares = [(1 + math.cos(math.pi * t / 20)) / 2 for t in range(13)]
    right = [0.1 + 0.9 * s for s in shares[1:4]] + [0.1 + 0.4 * s / shares[3] for s in shares[4:]]
    np.testing.assert_allclose(course(optimizer, cosine, by_hand={3: 0.5}), right, rtol=1e-12)
    optimizer = make(1.0)
    linear = optim.LinearLR(optimizer, 1.0, 0.0, total_iters=3)  # no share is defined from 0 on
    np.testing.assert_allclose(course(optimizer, linear, steps=6, by_hand={4: 0.2}), [2 / 3, 1 / 3, 0, 0, 0.2, 0.2])
    optimizer = make(1.0)
    cosine = optim.CosineAnnealingLR(optimizer, 4)  # 0 at t = 4, and up again from the rate that was set there
    found = course(optimizer, cosine, steps=6, by_hand={4: 0.2})
    np.testing.assert_allclose(found[3:5], [0.0, 0.2 + (1 - math.cos(math.pi / 4)) / 2], rtol=1e-12)
    optimizer = make(1.0)  # below eta_min, and up again: no negative rate
    cosine = optim.CosineAnnealingLR(optimizer, 4, eta_min=0.1)
    assert min(course(optimizer, cosine, by_hand={5: 0.01})) > 0
    optimizer.param_groups[0]["lr"] = "fast"
    with pytest.raises(ValueError, match="CosineAnnealingLR: lr of a group is 'fast'"):
        cosine.step()
