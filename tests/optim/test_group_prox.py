"""Terms on groups in the update: solutions, the steps of every optimizer by hand, who moves, what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg

OPTIMIZERS = {
    "SGD": lambda params, **terms: optim.SGD(params, lr=0.3, **terms),
    "momentum": lambda params, **terms: optim.SGD(params, lr=0.05, momentum=0.9, **terms),
    "Adam": lambda params, **terms: optim.Adam(params, lr=0.1, betas=(0.9, 0.99), **terms),
    "AdamW": lambda params, **terms: optim.AdamW(params, lr=0.1, betas=(0.9, 0.99), weight_decay=0.0, **terms),
}


def problem(rng, m=60):
    """Rows of x, targets that need three of six inputs, and ½ mean (y - x w)²."""
    x = rng.standard_normal((m, 6))
    w = np.zeros((6, 4))
    w[:3] = rng.standard_normal((3, 4))
    return x, x @ w + 0.1 * rng.standard_normal((m, 4))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("term", [reg.GroupLasso(0.15, "rows"), reg.SparseGroupLasso(0.05, 0.1, "rows")], ids=str)
def test_whole_groups_go_and_the_solution_is_stationary(rng, name, term):
    """KKT at the end of training, whatever metric the optimizer has: fixed points are those of the objective."""
    x, y = problem(rng)
    model = nn.Linear(6, 4, bias=False, dtype="float64")
    optimizer = OPTIMIZERS[name](model.parameters(), prox=reg.on(model, "weight", term))
    tx, ty = mg.tensor(x), mg.tensor(y)
    for step in range(600):
        if name.startswith("Adam") and step > 300:
            optimizer.param_groups[0]["lr"] *= 0.97
        optimizer.zero_grad()
        (mg.mse(model(tx), ty) * 2.0).backward()  # ½ of the sum over the outputs
        optimizer.step()
    w = model.weight.data
    g = x.T @ (x @ w - y) / len(x)
    l1 = getattr(term, "l1", 0.0)
    empty = ~w.any(1)
    assert empty.tolist() == [False] * 3 + [True] * 3
    soft = np.sign(g) * np.maximum(np.abs(g) - l1, 0)
    assert (np.linalg.norm(soft[empty], axis=1) <= term.strength).all()
    rest = g[~empty] + term.strength * w[~empty] / np.linalg.norm(w[~empty], axis=1, keepdims=True)
    there = w[~empty] != 0
    np.testing.assert_allclose(rest[there], -l1 * np.sign(w[~empty][there]), atol=2e-5)
    assert (np.abs(rest[~there]) <= l1 + 1e-6).all()


def test_group_lasso_against_block_coordinate_descent(backend, rng):
    """One row after the other: with an orthonormal x_j, w_j = soft of its correlation; here x_j has norm √m."""
    x, y = problem(rng)
    m, strength = len(x), 0.2
    w = np.zeros((6, 4))
    for _ in range(300):
        for j in range(6):
            c = x[:, j] @ (y - x @ w + np.outer(x[:, j], w[j])) / m
            size, curvature = np.linalg.norm(c), x[:, j] @ x[:, j] / m
            w[j] = c * max(1 - strength / size, 0) / curvature
    model = nn.Linear(6, 4, bias=False, init="zeros", dtype="float64")
    optimizer = optim.FISTA(model.parameters(), prox=reg.on(model, "weight", reg.GroupLasso(strength, "rows")))
    tx, ty = mg.tensor(x), mg.tensor(y)
    optimizer.minimize(lambda: mg.mse(model(tx), ty) * 2.0, tolerance=1e-12)
    np.testing.assert_allclose(model.weight.data, w, atol=1e-8)
    assert ((model.weight.data == 0) == (w == 0)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_under_adam_a_group_takes_its_smallest_step(backend, rng, dtype):
    """At the first step of Adam, w moves by lr sign(g) where lr / |g| is the step of a coordinate."""
    w0, g = rng.standard_normal((5, 3)).astype(dtype), rng.standard_normal((5, 3)).astype(dtype)
    model = nn.Sequential()
    model.weight = nn.Parameter(w0)
    optimizer = optim.Adam(model.parameters(), lr=0.1, eps=0.0, prox=reg.on(model, "weight", reg.GroupLasso(0.7)))
    model.weight.grad = mg.tensor(g)
    optimizer.step()
    step = 0.1 / np.abs(g.astype(np.float64)).max(0)
    v = w0 - step * g
    expected = v * np.maximum(1 - step * 0.7 / np.linalg.norm(v, axis=0), 0)
    np.testing.assert_allclose(model.weight.data, expected, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-6)


@pytest.mark.parametrize("name", ["AdamW", "AMSGrad", "RMSprop", "centered", "Adagrad", "momentum"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_second_step_by_hand(backend, rng, name, dtype):
    """Every optimizer tells the step that its coordinates took; decay comes before the step, the map after it."""
    w0, *gs = (rng.standard_normal((5, 3)).astype(dtype) for _ in range(3))
    gs[1] *= 0.1  # so that the largest v of AMSGrad is that of the first step
    model = nn.Sequential()
    model.weight = nn.Parameter(w0)
    options = {
        "AdamW": (optim.AdamW, {"lr": 0.1, "weight_decay": 0.5}),
        "AMSGrad": (optim.Adam, {"lr": 0.1, "betas": (0.9, 0.5), "amsgrad": True}),
        "RMSprop": (optim.RMSprop, {"lr": 0.1, "alpha": 0.5}),
        "centered": (optim.RMSprop, {"lr": 0.1, "alpha": 0.5, "centered": True, "momentum": 0.5}),
        "Adagrad": (optim.Adagrad, {"lr": 0.1, "lr_decay": 0.5}),
        "momentum": (optim.SGD, {"lr": 0.1, "momentum": 0.5}),
    }
    kind, settings = options[name]
    optimizer = kind(model.parameters(), **settings, prox=reg.on(model, "weight", reg.GroupLasso(0.7)))
    w, m, v, top, mean, buf = w0.astype(np.float64), 0.0, 0.0, 0.0, 0.0, 0.0
    for t, g in enumerate(gs, 1):
        model.weight.grad = mg.tensor(g)
        optimizer.step()
        g = g.astype(np.float64)
        if name in ("AdamW", "AMSGrad"):
            beta2 = 0.999 if name == "AdamW" else 0.5
            m, v = 0.9 * m + 0.1 * g, beta2 * v + (1 - beta2) * g * g
            top = np.maximum(top, v) if name == "AMSGrad" else v
            steps, move = 0.1 / (np.sqrt(top / (1 - beta2**t)) + 1e-8), m / (1 - 0.9**t)
            w = w * (1 - 0.1 * 0.5) if name == "AdamW" else w
        elif name == "Adagrad":
            v = v + g * g
            steps, move = 0.1 / (1 + (t - 1) * 0.5) / (np.sqrt(v) + 1e-10), g
        elif name == "momentum":
            buf = 0.5 * buf + g
            steps, move = np.full_like(g, 0.1), buf
        else:
            v, mean = 0.5 * v + 0.5 * g * g, 0.5 * mean + 0.5 * g
            steps, move = 0.1 / (np.sqrt(v - mean**2 if name == "centered" else v) + 1e-8), g
            buf = 0.5 * buf + move * steps if name == "centered" else move * steps
            move = buf / steps
        least = steps.min(0)
        u = w - least * move
        last = least * (2 if name in ("momentum", "centered") else 1)  # 1 / (1 - momentum)
        w = u * np.maximum(1 - last * 0.7 / np.linalg.norm(u, axis=0), 0)
    bound = {"rtol": 1e-3, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(model.weight.data, w, **bound)


def test_values_before_the_step_and_frozen_parameters(backend, rng):
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    terms = reg.on(model, {"a": ("0.weight", reg.GroupLasso(0.1)), "b": ("1.weight", reg.Norm(0.2))})
    model[1].weight.requires_grad_(False)
    optimizer = optim.SGD(model.parameters(), lr=0.1, prox=terms)
    assert optimizer.penalty_values() == terms.value()
    for _ in range(3):
        before, frozen = terms.value(), model[1].weight.data.copy()
        optimizer.step()
        assert optimizer.penalty_values() == before
        assert (model[1].weight.data == frozen).all()
    assert terms.value()["a"] < before["a"]


def test_maps_that_do_not_add_up_are_refused(rng):
    model = nn.Linear(3, 2)
    terms = reg.on(model, {"groups": ("weight", reg.GroupLasso(0.1)), "l2": ("weight", reg.L2(0.1))})
    with pytest.raises(ValueError, match=r"'groups' and 'l2' are on one parameter; .*L2 goes into penalty="):
        optim.SGD(model.parameters(), lr=0.1, prox=terms)
    groups = reg.on(model, "weight", reg.GroupLasso(0.1))
    ridge = reg.on(model, "weight", reg.L2(0.1))
    optim.SGD(model.parameters(), lr=0.1, prox=groups, penalty=ridge).step()
    with pytest.raises(TypeError, match=r"has no l2. Use it in the loss, or as prox=."):
        optim.SGD(model.parameters(), lr=0.1, penalty=reg.on(model, "weight", reg.SparseGroupLasso(0.1, 0.1)))


def test_an_optimizer_that_does_not_tell_its_steps_refuses_groups():
    class Silent(optim.Adam):
        metric = optim.Optimizer.metric

    model = nn.Linear(3, 2)
    optimizer = Silent(model.parameters(), lr=0.1, prox=reg.on(model, "weight", reg.GroupLasso(0.1)))
    with pytest.raises(TypeError, match="needs the steps of coordinates, which Silent does not tell"):
        optimizer.step()
