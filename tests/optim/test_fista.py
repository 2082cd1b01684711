"""ISTA and FISTA: the published rates, the Lasso of an ill-conditioned problem, backtracking, restarts, state."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg

KINDS = {
    "ISTA": lambda params, **options: optim.ISTA(params, **options),
    "FISTA": lambda params, **options: optim.FISTA(params, restart=False, **options),
    "restarted": lambda params, **options: optim.FISTA(params, **options),
}


def linear(n):
    return nn.Linear(n, 1, bias=False, init="zeros", dtype="float64")


def regression(rng, m, n, condition):
    """x with singular values from √m down to √m / condition, y of a dense w and noise."""
    u, v = (np.linalg.qr(rng.standard_normal((k, n)))[0] for k in (m, n))
    x = np.sqrt(m) * (u * np.logspace(0, -np.log10(condition), n)) @ v.T
    return x, x @ rng.standard_normal(n) + 0.1 * rng.standard_normal(m)


@pytest.fixture(scope="module")
def ill():
    """An ill-conditioned problem and its Lasso."""
    x, y = regression(np.random.default_rng(3), 60, 24, 300.0)
    return x, y, lasso_by_coordinates(x, y, 1e-3)


def lasso_by_coordinates(x, y, l1, sweeps=20_000):
    """Coordinate descent on 1/(2m) ‖y - x w‖² + l1 ‖w‖₁, until nothing moves."""
    gram, c, w = x.T @ x / len(x), x.T @ y / len(x), np.zeros(x.shape[1])
    for _ in range(sweeps):
        before = w.copy()
        for j in range(len(w)):
            z = c[j] - gram[j] @ w + gram[j, j] * w[j]
            w[j] = np.sign(z) * max(abs(z) - l1, 0) / gram[j, j]
        if np.abs(w - before).max() < 1e-15:
            break
    return w


def objective(x, y, l1, w):
    return ((x @ w - y) ** 2).sum() / (2 * len(x)) + l1 * np.abs(w).sum()


def test_the_objective_is_that_of_coordinate_descent(backend, ill):
    x, y, best = ill
    model = linear(24)
    optimizer = optim.FISTA(model.parameters(), prox=reg.on(model, "weight", reg.L1(1e-3)))
    tx, ty = mg.tensor(x), mg.tensor(y.reshape(-1, 1))
    optimizer.minimize(lambda: mg.mse(model(tx), ty) * 0.5, tolerance=1e-12)
    w = model.weight.data.ravel()
    assert objective(x, y, 1e-3, w) - objective(x, y, 1e-3, best) < 1e-13
    assert ((w == 0) == (best == 0)).all()
    assert 3 < (w == 0).sum() < 20


@pytest.mark.parametrize("name, lr", [("ISTA", None), ("FISTA", None), ("ISTA", 7.0), ("FISTA", 7.0)])
def test_the_published_rates(name, lr):
    """Nesterov's worst quadratic, ½ wᵀAw - bᵀw with A tridiagonal: k steps along gradients cannot do better than 1/k².

    Bounds of Beck and Teboulle 2009, theorems 3.1 and 4.4: α is 1 for the step 1/L, and 1/shrink with backtracking.
    """
    n, steps = 200, 300
    a = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    b = np.eye(n)[:, :1]
    best = np.linalg.solve(a, b)
    least = 0.5 * (best.T @ a @ best) - b.T @ best
    model = nn.Linear(1, n, bias=False, init="zeros", dtype="float64")
    curvature, alpha = 4.0, 1.0 if lr is None else 2.0
    optimizer = KINDS[name](model.parameters(), lr=lr or 1 / curvature)
    ta, tb = mg.tensor(a), mg.tensor(b)

    def f():
        w = model.weight
        return mg.matmul(w, mg.matmul(ta, w, tb=True)).sum() * 0.5 - mg.matmul(w, tb).sum()

    errors = np.array([optimizer.step(f) for _ in range(steps)]) - float(least[0, 0])
    k, distance = np.arange(1, steps + 1), float((best**2).sum())
    bounds = {"ISTA": alpha * curvature * distance / (2 * k), "FISTA": 2 * alpha * curvature * distance / (k + 1) ** 2}
    assert (errors <= bounds[name]).all()
    assert (errors[-1] > bounds["FISTA"][-1] / alpha) == (name == "ISTA")  # the bound tells the two apart
    assert optimizer.param_groups[0]["lr"] * curvature * alpha >= 1


def test_momentum_by_its_formula(rng):
    """Against a transcription: t, the point ahead and the map, for a fixed step."""
    x, y = regression(rng, 30, 6, 10.0)
    model = linear(6)
    terms = reg.on(model, "weight", reg.ElasticNet(0.01, 0.1))
    optimizer = optim.FISTA(model.parameters(), lr=0.9, restart=False, prox=terms)
    tx, ty = mg.tensor(x), mg.tensor(y.reshape(-1, 1))
    w, ahead, t = np.zeros(6), np.zeros(6), 1.0
    for _ in range(25):
        optimizer.step(lambda: mg.mse(model(tx), ty) * 0.5)
        v = ahead - 0.9 * x.T @ (x @ ahead - y) / 30
        new = np.sign(v) * np.maximum(np.abs(v) - 0.9 * 0.01, 0) / (1 + 0.9 * 0.1)
        t_new = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead, w, t = new + (t - 1) / t_new * (new - w), new, t_new
        np.testing.assert_allclose(model.weight.data.ravel(), w, rtol=1e-10, atol=1e-14)
    assert optimizer.state_dict()["state"]["0.t"] == pytest.approx(t)


def test_restarts_make_the_tail_short(ill):
    x, y, best = ill
    tx, ty = mg.tensor(x), mg.tensor(y.reshape(-1, 1))
    least = objective(x, y, 1e-3, best)
    steps = {}
    for name, make in KINDS.items():
        model = linear(24)
        optimizer = make(model.parameters(), prox=reg.on(model, "weight", reg.L1(1e-3)))
        steps[name] = 0
        while objective(x, y, 1e-3, model.weight.data.ravel()) > least + 1e-9 and steps[name] < 2000:
            optimizer.step(lambda: mg.mse(model(tx), ty) * 0.5)
            steps[name] += 1
    assert steps["restarted"] < steps["FISTA"] < steps["ISTA"] == 2000


def test_backtracking_finds_the_curvature_and_only_shrinks(rng):
    x, y = regression(rng, 30, 6, 10.0)  # largest curvature 1
    tx, ty = mg.tensor(x), mg.tensor(y.reshape(-1, 1))
    model = linear(6)
    optimizer = optim.FISTA(model.parameters(), lr=100.0)
    tried = []
    losses = []
    for _ in range(20):
        losses.append(optimizer.step(lambda: mg.mse(model(tx), ty) * 0.5))
        tried.append(optimizer.param_groups[0]["lr"])
    assert tried == sorted(tried, reverse=True)
    assert 0.5 <= tried[-1] <= 4
    assert losses[-1] < losses[0]


def test_logistic_regression_with_groups_and_a_free_bias(backend, rng):
    x = rng.standard_normal((60, 5))
    t = (x[:, :1] + 0.3 * rng.standard_normal((60, 1)) > 0.2).astype(np.float64)
    model = nn.Linear(5, 1, dtype="float64")
    optimizer = optim.FISTA(model.parameters(), prox=reg.on(model, "weight", reg.L1(0.05)))
    tx = mg.tensor(x)
    optimizer.minimize(lambda: mg.bce_with_logits(model(tx), t), tolerance=1e-12)
    w, b = model.weight.data, model.bias.data
    g = 1 / (1 + np.exp(-(x @ w + b))) - t
    assert abs(g.mean()) < 1e-9
    s = -x.T @ g / 60
    np.testing.assert_allclose(s[w != 0], 0.05 * np.sign(w[w != 0]), atol=1e-8)
    assert (np.abs(s[w == 0]) <= 0.05).all()
    assert (w == 0).any()


def test_state_goes_on(rng):
    x, y = regression(rng, 30, 6, 50.0)
    tx, ty = mg.tensor(x), mg.tensor(y.reshape(-1, 1))
    models = [linear(6) for _ in range(2)]
    optimizers = [optim.FISTA(m.parameters(), prox=reg.on(m, "weight", reg.L1(0.01))) for m in models]
    for _ in range(7):
        optimizers[0].step(lambda: mg.mse(models[0](tx), ty))
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    models[1].load_state_dict(models[0].state_dict())
    for _ in range(5):
        for model, optimizer in zip(models, optimizers):
            optimizer.step(lambda model=model: mg.mse(model(tx), ty))
    assert (models[0].weight.data == models[1].weight.data).all()


def test_float32_does_not_shrink_for_ever(rng):
    """Near the minimum the loss cannot tell a step from none; the step stays."""
    x, y = regression(rng, 30, 6, 10.0)
    model = nn.Linear(6, 1, bias=False, init="zeros")
    optimizer = optim.FISTA(model.parameters())
    tx, ty = mg.tensor(x.astype("f4")), mg.tensor(y.reshape(-1, 1).astype("f4"))
    for _ in range(300):
        optimizer.step(lambda: mg.mse(model(tx), ty) * 0.5)
    assert optimizer.param_groups[0]["lr"] >= 0.25
    np.testing.assert_allclose(model.weight.data.ravel(), np.linalg.lstsq(x, y)[0], rtol=1e-3)


def test_errors(rng):
    model = linear(3)
    optimizer = optim.FISTA(model.parameters())
    with pytest.raises(TypeError, match="FISTA: step needs closure"):
        optimizer.step()
    with pytest.raises(ValueError, match="lr is 0; need a first step above 0"):
        optim.FISTA(model.parameters(), lr=0)
    with pytest.raises(ValueError, match="shrink is 1"):
        optim.ISTA(model.parameters(), shrink=1)
    with pytest.raises(ValueError, match="got 2 groups; it has one step"):
        optim.FISTA([{"params": model.weight}, {"params": nn.Parameter([1.0])}])
    with pytest.raises(TypeError, match="unknown keyword 'penalty'"):
        optim.FISTA(model.parameters(), penalty=reg.on(model, "weight", reg.L1(0.1)))
    with pytest.raises(ArithmeticError, match="no step is short enough; the loss at the start is nan"):
        optimizer.step(lambda: mg.sum(model.weight * float("nan")))
