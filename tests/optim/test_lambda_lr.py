"""LambdaLR against PyTorch's and by hand; its copies; bad functions."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def warm_up(t):
    return min(1.0, (t + 1) / 4)


def make(groups=1):
    return optim.SGD([{"params": mg.nn.Parameter([1.0]), "lr": 0.8 / (1 + i)} for i in range(groups)], lr=0.8)


def rates(schedule, steps=6):
    found = [schedule.get_last_lr()]
    for _ in range(steps):
        schedule.step()
        found.append(schedule.get_last_lr())
    return found


FUNCTIONS = {"one": lambda t: 1 / (1 + t), "from zero": lambda t: t / 5, "a list": [lambda t: 0.9**t, warm_up]}


@pytest.mark.peers
@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_torch(name):
    torch = pytest.importorskip("torch")
    params = [{"params": [torch.zeros(1, requires_grad=True)], "lr": 0.8 / (1 + i)} for i in range(2)]
    theirs = torch.optim.SGD(params, lr=0.8)
    schedule = torch.optim.lr_scheduler.LambdaLR(theirs, FUNCTIONS[name])
    expected = [schedule.get_last_lr()]
    for _ in range(6):
        theirs.step()
        schedule.step()
        expected.append(schedule.get_last_lr())
    np.testing.assert_allclose(rates(optim.LambdaLR(make(2), FUNCTIONS[name])), expected, rtol=1e-14)


def test_by_hand():
    np.testing.assert_allclose(rates(optim.LambdaLR(make(), lambda t: t / 5)), [[0.16 * t] for t in range(7)])
    both = rates(optim.LambdaLR(make(2), [lambda t: 1 / (1 + t), warm_up]))
    np.testing.assert_allclose(both, [[0.8 / (1 + t), 0.4 * warm_up(t)] for t in range(7)], rtol=1e-15)
    optimizer = make()
    schedule = optim.LambdaLR(optimizer, lambda t: 1 / (1 + t))
    optimizer.param_groups[0]["lr"] = 0.08  # a tenth: it stays one
    assert [rate for (rate,) in rates(schedule, 3)] == pytest.approx([0.08, 0.04, 0.08 / 3, 0.02])


def test_state_and_copies():
    schedule, resumed = optim.LambdaLR(make(), warm_up), optim.LambdaLR(make(), warm_up)
    rates(schedule, 2)
    resumed.load_state_dict(schedule.state_dict())
    twins = [copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))]
    right = rates(schedule, 3)
    assert all(rates(twin, 3) == right for twin in (resumed, *twins))
    copy.deepcopy(optim.LambdaLR(make(), lambda t: 0.5)).step()


@pytest.mark.parametrize(
    ("function", "error", "match"),
    [
        (0.95, TypeError, "lr_lambda is 0.95; need a function of t"),
        ([warm_up, None], TypeError, "lr_lambda is None"),
        ([warm_up, warm_up], ValueError, "the optimizer has 1 groups, lr_lambda 2 functions"),
        ([], ValueError, "lr_lambda 0 functions"),
        (lambda t: -1.0, ValueError, r"lr_lambda\(0\) is -1.0"),
        (lambda t: float("nan"), ValueError, r"lr_lambda\(0\) is nan"),
        (lambda t: None, ValueError, r"lr_lambda\(0\) is None"),
    ],
)
def test_bad_functions(function, error, match):
    with pytest.raises(error, match=match):
        optim.LambdaLR(make(), function)


def test_a_bad_value_later_changes_nothing():
    optimizer = make()
    schedule = optim.LambdaLR(optimizer, lambda t: 1.0 if t < 2 else float("inf"))
    schedule.step()
    with pytest.raises(ValueError, match=r"lr_lambda\(2\) is inf"):
        schedule.step()
    assert (schedule.t, schedule.get_last_lr()) == (1, [0.8])
