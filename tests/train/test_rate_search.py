"""find_lr: rates, losses, a suggestion that is of use; and everything is afterwards as it was."""

import copy
import math
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader
from minigrad.train import find_lr, fit
from minigrad.train.rate_search import factor_of

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 5)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def start(optimizer=optim.SGD, **options):
    mg.manual_seed(0)
    layers = nn.Linear(5, 16, activation="tanh"), nn.Dropout(0.2), nn.Linear(16, 2)
    model = nn.Sequential(*layers)
    return model, optimizer(model.parameters(), lr=0.01, **options)


def state(model, optimizer):
    taken = optimizer.state_dict()
    arrays = {**model.state_dict(), **{f"state {k}": v for k, v in taken["state"].items()}}
    return {k: v.tobytes() for k, v in arrays.items()}, taken["groups"], mg.rng.get_state()


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("trained", [False, True])
def test_everything_is_as_it_was(backend, make, trained):
    model, optimizer = start(make)
    if trained:
        fit(model, (X, Y), mg.cross_entropy, optimizer, epochs=1)
    model[1].eval()
    grads = [p.grad for p in model.parameters()]
    loader = Loader(X, Y, 16)
    next(iter(loader))
    before = state(model, optimizer)
    first = find_lr(model, loader, mg.cross_entropy, optimizer, steps=30)
    assert state(model, optimizer) == before and loader.epoch == 1
    assert all(p.grad is g for p, g in zip(model.parameters(), grads))
    assert [m.training for _, m in model.named_modules()] == [True, True, False, True]
    second = find_lr(model, Loader(X, Y, 16), mg.cross_entropy, optimizer, steps=30)
    assert first == second  # the same numbers again
    twin_model, twin = copy.deepcopy((model, optimizer))
    fit(model, (X, Y), mg.cross_entropy, optimizer, epochs=1, seed=5)
    mg.rng.set_state(before[2])
    find_lr(twin_model, (X, Y), mg.cross_entropy, twin, steps=7)
    fit(twin_model, (X, Y), mg.cross_entropy, twin, epochs=1, seed=5)
    for a, b in zip(model.parameters(), twin_model.parameters()):
        assert a.data.tobytes() == b.data.tobytes()


def test_rates_and_losses(backend):
    model, optimizer = start()
    found = find_lr(model, (X, Y), mg.cross_entropy, optimizer, low=1e-4, high=1.0, steps=21, batch_size=20)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) <= 21
    np.testing.assert_allclose(found.rates, np.geomspace(1e-4, 1.0, 21)[: len(found.rates)], rtol=1e-12)
    mg.manual_seed(0)
    model, optimizer = start()
    losses = []
    for (x, y), rate in zip([batch for _ in range(6) for batch in Loader(X, Y, 20)], found.rates):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(mg.tensor(x)), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose(losses[:4], found.losses[:4], rtol=1e-6)


def test_the_suggestion_trains():
    """In three epochs the suggested rate learns more than one a tenth as large, and one ten times as large."""
    x, y = mg.data.load_digits()
    x, y = x[:600], y[:600]

    def model_and(rate):
        mg.manual_seed(1)
        model = nn.Sequential(nn.Linear(64, 32, activation="relu"), nn.Linear(32, 10))
        return model, optim.SGD(model.parameters(), lr=rate, momentum=0.9)

    model, optimizer = model_and(0.1)
    found = find_lr(model, (x, y), mg.cross_entropy, optimizer)
    losses = []
    for rate in (found.suggestion / 10, found.suggestion, found.suggestion * 10):
        model, optimizer = model_and(rate)
        losses.append(fit(model, (x, y), mg.cross_entropy, optimizer, epochs=3)["loss"][-1])
    assert losses[1] < 0.5 * min(losses[0], losses[2])
    assert found.smoothed[-1] > 2 * min(found.smoothed)  # it went on until it diverged


def test_it_ends_where_a_loss_is_not_finite():
    model, optimizer = start()
    found = find_lr(model, (X * 1e6, Y * 1e6), lambda o, y: mg.mean(mg.square(o[:, 0] - y)), optimizer, high=1e30)
    assert np.isfinite(found.losses).all() and len(found.rates) < 100


def test_groups_keep_their_ratio_and_terms_their_strengths():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2))
    terms = reg.on(model, "*.weight", reg.L2(0.1))
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[1].parameters(), "lr": 0.01}]
    optimizer = optim.SGD(groups, lr=1.0, penalty=terms)
    seen = []
    optimizer.before_step(lambda optimizer: seen.append([group["lr"] for group in optimizer.param_groups]))
    found = find_lr(model, (X, Y, np.ones(80)), mg.cross_entropy, optimizer, low=0.01, high=0.1, steps=5)
    assert [pair[0] for pair in seen] == found.rates
    assert all(pair[1] == pytest.approx(pair[0] / 10) for pair in seen)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.01]


def test_an_exception_leaves_everything_too():
    model, optimizer = start()
    before = state(model, optimizer)

    def loss(output, y):
        if len(output.data) == 16:
            raise RuntimeError("a loss of the user")
        return mg.cross_entropy(output, y)

    with pytest.raises(RuntimeError, match="of the user"):
        find_lr(model, Loader(X, Y, 16), loss, optimizer)
    assert state(model, optimizer) == before


def test_bad_arguments():
    model, optimizer = start()
    for options, error, words in [
        ({"low": 1.0, "high": 0.1}, ValueError, "low is 1.0, high is 0.1; need 0 < low < high"),
        ({"low": 0.0}, ValueError, "low is 0.0"),
        ({"steps": 1}, ValueError, "find_lr: steps is 1; need at least 2"),
        ({"step": 10}, TypeError, "unknown keyword 'step'; did you mean 'steps'"),
        ({"high": math.inf}, ValueError, "find_lr: high is inf"),
    ]:
        with pytest.raises(error, match=words):
            find_lr(model, (X, Y), mg.cross_entropy, optimizer, **options)


def test_the_factor():
    assert factor_of(1e-6, 10.0, 8) ** 7 == pytest.approx(1e7, rel=1e-12)


def test_plot(tmp_path, monkeypatch):
    model, optimizer = start()
    found = find_lr(model, (X, Y), mg.cross_entropy, optimizer, steps=20)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(ImportError, match=r"plot needs matplotlib: pip install 'minigrad\[figures\]'"):
            found.plot()
    pytest.importorskip("matplotlib", reason="draws: pip install minigrad[figures]")
    figure = found.plot(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 1000 and figure.axes[0].get_xscale() == "log"
