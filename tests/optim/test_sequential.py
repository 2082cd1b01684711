"""SequentialLR against PyTorch's and by hand; beside others; with bad parts."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def make(lr=0.8):
    return optim.SGD([mg.nn.Parameter([1.0])], lr=lr)


def rates(schedule, steps):
    found = [schedule.get_last_lr()]
    for _ in range(steps):
        schedule.step()
        found.append(schedule.get_last_lr())
    return found


def chain_by_hand(optimizer):
    parts = [optim.ConstantLR(optimizer, 0.5, 9), optim.StepLR(optimizer, 2, 0.25), optim.ConstantLR(optimizer, 0.5, 1)]
    return optim.SequentialLR(optimizer, parts, [2, 5])


@pytest.mark.peers
def test_warm_up_then_cosine_against_torch():
    torch = pytest.importorskip("torch")

    def chain(module, optimizer):
        parts = [
            module.LinearLR(optimizer, 0.1, total_iters=5),
            module.CosineAnnealingLR(optimizer, T_max=20),
            module.ConstantLR(optimizer, 0.5, total_iters=3),
        ]
        return module.SequentialLR(optimizer, parts, milestones=[5, 25])

    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    schedule, expected = chain(torch.optim.lr_scheduler, theirs), []
    for _ in range(30):
        expected.append(schedule.get_last_lr())
        theirs.step()
        schedule.step()
    np.testing.assert_allclose(rates(chain(optim.lr_scheduler, make()), 29), expected, rtol=1e-12, atol=1e-15)


def test_by_hand():
    right = [[0.4], [0.4], [0.8], [0.8], [0.2], [0.4], [0.8]]
    np.testing.assert_allclose(rates(chain_by_hand(make()), 6), right, rtol=1e-15)


def test_it_starts_from_the_rate_before_its_parts():
    """Each part sets the rate when it is made; the rate before the first of them counts, in whatever order they are."""
    optimizer = make(0.8)
    for _ in range(3):
        optimizer.param_groups[0]["lr"] *= 0.5
    halved = optim.ConstantLR(optimizer, 0.5, 9)
    cosine = optim.CosineAnnealingLR(optimizer, 2)
    schedule = optim.SequentialLR(optimizer, [cosine, halved], [2])
    np.testing.assert_allclose(rates(schedule, 3), [[0.1], [0.05], [0.05], [0.05]], rtol=1e-15)


def test_beside_another_and_after_a_rate_by_hand():
    right = rates(chain_by_hand(make()), 6)
    optimizer = make()
    chain, other = chain_by_hand(optimizer), optim.ExponentialLR(optimizer, 0.5)
    for t in range(1, 7):
        chain.step()
        other.step()
        np.testing.assert_allclose(optimizer.param_groups[0]["lr"], right[t][0] * 0.5**t, rtol=1e-12)
    optimizer = make()
    chain = chain_by_hand(optimizer)
    optimizer.param_groups[0]["lr"] = 0.04  # a tenth
    np.testing.assert_allclose(rates(chain, 6), np.array(right) / 10, rtol=1e-12)


def test_its_state():
    chain, resumed = chain_by_hand(make()), chain_by_hand(make(0.1))
    rates(chain, 3)
    resumed.load_state_dict(chain.state_dict())
    assert rates(resumed, 4) == rates(chain, 4)


@pytest.mark.parametrize(
    ("make_schedule", "error", "match"),
    [
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 2, [3, 4]), ValueError, "2 schedules, milestones"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 3, [4, 3]), ValueError, "each later than the last"),
        (lambda o: optim.SequentialLR(o, [], []), ValueError, "0 schedules"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(make(), 1)], []), TypeError, "of this optimizer"),
        (lambda o: optim.SequentialLR(o, [optim.ReduceLROnPlateau(o)], []), TypeError, "known beforehand"),
        (lambda o: optim.SequentialLR(o, [optim.OneCycleLR(o, 1.0, 9)], []), TypeError, "set nothing but rates"),
    ],
)
def test_bad_parts(make_schedule, error, match):
    with pytest.raises(error, match=match):
        make_schedule(make())
