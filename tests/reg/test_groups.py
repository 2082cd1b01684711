"""Norms of groups: values, gradients to second order, kinks, proximal maps against numerical minimization."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.testing import gradcheck

AXIS = {"columns": 0, "rows": 1}
TERMS = [
    reg.Norm(0.7),
    reg.GroupLasso(0.7),
    reg.GroupLasso(0.7, "rows"),
    reg.GroupLasso(0.3, "columns", scaled=True),
    reg.SparseGroupLasso(0.2, 0.5),
    reg.SparseGroupLasso(0.2, 0.5, "rows", scaled=True),
]
each = pytest.mark.parametrize("term", TERMS, ids=lambda t: t.name)


def by_hand(term, w):
    """R(w) in NumPy; w is (rows, columns)."""
    norms = np.sqrt((w * w).sum(AXIS.get(term.groups), keepdims=True))
    root = np.sqrt(w.size / norms.size) if term.scaled else 1
    return term.strength * root * norms.sum() + getattr(term, "l1", 0) * np.abs(w).sum()


@each
def test_values_and_gradients_to_second_order(backend, rng, term):
    w = rng.standard_normal((4, 3)) + 0.2
    assert term.value(w) == pytest.approx(by_hand(term, w), rel=1e-13)
    assert term.value(mg.tensor(w.T).T) == pytest.approx(by_hand(term, w), rel=1e-13)
    assert term(mg.tensor(w)).item() == pytest.approx(by_hand(term, w), rel=1e-13)
    assert gradcheck(term, [w])


@each
def test_the_subgradient_at_zero_is_zero(backend, term):
    """To any order, and beside groups that are not zero."""
    w = mg.tensor(np.array([[3.0, 0.0], [4.0, 0.0]]), requires_grad=True)
    (g,) = mg.grad(term(w), [w], create_graph=True)
    assert np.isfinite(g.data).all()
    assert (g.data[:, 1] == 0).all()
    assert (g.data[:, 0] > 0).all()
    assert np.isfinite(mg.grad((g * g).sum(), w).data).all()
    zero = mg.tensor(np.zeros((2, 2)), requires_grad=True)
    term(zero).backward()
    assert not zero.grad.data.any()


@each
@pytest.mark.parametrize("step", [0.3, 2.0])
def test_prox_is_the_minimum(rng, term, step):
    minimize = pytest.importorskip("scipy.optimize", reason="needs scipy: pip install minigrad[sklearn]").minimize
    v = rng.standard_normal((4, 3)) * [1.0, 0.3, 1.0]
    w = term.prox(v, step).data

    def objective(x):
        return ((x.reshape(v.shape) - v) ** 2).sum() / 2 + step * by_hand(term, x.reshape(v.shape))

    ours = objective(w)
    for start in (w, v, np.zeros_like(v)):
        found = minimize(objective, start.ravel(), method="Powell", options={"ftol": 1e-13, "xtol": 1e-9})
        assert ours <= found.fun + 1e-12
        np.testing.assert_allclose(w.ravel(), found.x, atol=2e-3)
    assert not np.signbit(w[w == 0]).any()


def test_prox_takes_a_step_for_each_group(backend):
    v = np.array([[3.0, 3.0], [4.0, 4.0]])
    w = reg.GroupLasso(1.0).prox(v, np.array([1.0, 6.0]))
    np.testing.assert_allclose(w.data, [[2.4, 0.0], [3.2, 0.0]], rtol=1e-15)
    assert not w.requires_grad
    with pytest.raises(ValueError, match="step is -1"):
        reg.Norm(1.0).prox(v, -1)


def test_groups_of_convolutions(backend, rng):
    w = rng.standard_normal((2, 3, 4, 5))
    norms = np.sqrt((w**2).sum((1, 2, 3))).sum()
    assert reg.GroupLasso(1.0, "rows").value(w) == pytest.approx(norms)
    assert reg.GroupLasso(1.0, "columns").value(w) == pytest.approx(np.sqrt((w**2).sum((0, 1, 2))).sum())


def test_bad_groups(backend):
    with pytest.raises(ValueError, match="groups is 'units'; need one of whole, rows, columns"):
        reg.GroupLasso(0.1, "units")
    with pytest.raises(mg.ShapeError, match=r"a parameter is \(3,\); it has no columns"):
        reg.GroupLasso(0.1).value([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="int64"):
        reg.Norm(0.1).value(np.arange(3))
    for value in (-1.0, float("nan"), "0.1", None):
        with pytest.raises(ValueError, match=r"strength is .*need a finite number"):
            reg.Norm(value)
    with pytest.raises(ValueError, match="l1 is -1"):
        reg.SparseGroupLasso(-1, 0.1)


def test_named_groups_over_several_parameters(backend, rng):
    model = nn.Sequential(nn.Linear(4, 3, dtype="float64"), nn.Linear(3, 2, dtype="float64"))
    units = {f"unit {j}": [("0.weight", np.s_[:, j]), ("0.bias", j), ("1.weight", j)] for j in range(3)}
    terms = reg.on(model, {"units": (reg.everything, reg.NamedGroupLasso(0.3, units, scaled=True))})
    with mg.no_grad():
        model[0].bias.copy_(rng.standard_normal(3))
        model[0].weight.copy_(model[0].weight.data * [1, 1, 0])
    a, b, c = model[0].weight.data, model[0].bias.data, model[1].weight.data
    expected = 0.3 * np.sqrt(7) * np.sqrt((a**2).sum(0) + b**2 + (c**2).sum(1)).sum()
    assert terms.value() == {"units": pytest.approx(expected)}
    terms().backward()
    norm = np.sqrt((a**2).sum(0) + b**2 + (c**2).sum(1))
    np.testing.assert_allclose(model[0].weight.grad.data, 0.3 * np.sqrt(7) * a / norm, rtol=1e-12)
    assert terms.unmatched == ["1.bias"]

    def joint(w, v):
        groups = {"a": [("w", 0), ("v", np.s_[:, 1])], "b": [("w", np.s_[1:])]}
        return reg.NamedGroupLasso(0.5, groups)({"w": w, "v": v})

    assert gradcheck(joint, [rng.standard_normal((3, 2)), rng.standard_normal((2, 3))])
    zero = {"w": mg.tensor([[0.0]], requires_grad=True)}
    reg.NamedGroupLasso(1.0, {"a": [("w", 0)]})(zero).backward()
    assert zero["w"].grad.data.tolist() == [[0.0]]


def test_bad_named_groups():
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"'0.weight' matches no parameter .* there are weight, bias"):
        reg.on(model, reg.everything, reg.NamedGroupLasso(0.1, {"a": [("0.weight", 0)]}))
    with pytest.raises(ValueError, match="a group is empty"):
        reg.NamedGroupLasso(0.1, {"a": []})
    with pytest.raises(IndexError):
        reg.on(model, "weight", reg.NamedGroupLasso(0.1, {"a": [("weight", 5)]}))


# --- in the update ---------------------------------------------------------------------------------------------------

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


def test_bad_steps_and_parameters_without_groups():
    term, w = reg.GroupLasso(0.1), np.ones((3, 2))
    for step in (np.array([0.1, 0.2, 0.3]), np.array([-0.1, 0.2]), np.array([np.nan, 0.2])):
        with pytest.raises(ValueError, match=r"need numbers at least 0, \(2,\), one per group"):
            term.prox(w, step)
    model = nn.Linear(3, 2)
    with pytest.raises(mg.errors.ShapeError, match=r"GroupLasso\(0.1, columns\) on bias: .* it has no columns"):
        reg.on(model, "bias", term)
    with pytest.raises(mg.errors.ShapeError, match=r"Orthogonal\(0.1\): a parameter is \(2,\); need a matrix"):
        reg.on(model, "bias", reg.Orthogonal(0.1))
    assert reg.on(model, "bias", reg.Norm(0.1)).value() == {"Norm(0.1) bias": 0.0}


def test_an_optimizer_that_does_not_tell_its_steps_refuses_groups():
    class Silent(optim.Adam):
        _metric = optim.Optimizer._metric

    model = nn.Linear(3, 2)
    optimizer = Silent(model.parameters(), lr=0.1, prox=reg.on(model, "weight", reg.GroupLasso(0.1)))
    with pytest.raises(TypeError, match="needs the steps of coordinates, which Silent does not tell"):
        optimizer.step()
