"""Norms of groups: values, gradients to second order, kinks, proximal maps against numerical minimization."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, reg
from minigrad.insight.gradcheck import gradcheck

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


def test_weights_whose_squares_leave_the_range(backend):
    """3-4-5 triangles at 1e200 and 1e-200."""
    for size in (1e200, 1e-200):
        w = np.array([3.0, 4.0]) * size
        assert reg.GroupLasso(2.0, "whole").value(w) == pytest.approx(10 * size, rel=1e-15)
        assert reg.Norm(1.0).value(w) == pytest.approx(5 * size, rel=1e-15)
        np.testing.assert_allclose(reg.Norm(1.0).prox(w, 2.5 * size).data, w / 2, rtol=1e-15)
        assert not reg.Norm(1.0).prox(w, 6 * size).data.any()


def test_groups_of_convolutions(backend, rng):
    w = rng.standard_normal((2, 3, 4, 5))
    norms = np.sqrt((w**2).sum((1, 2, 3))).sum()
    assert reg.GroupLasso(1.0, "rows").value(w) == pytest.approx(norms)
    assert reg.GroupLasso(1.0, "columns").value(w) == pytest.approx(np.sqrt((w**2).sum((0, 1, 2))).sum())


def test_bad_groups(backend):
    with pytest.raises(ValueError, match="groups is 'neurons'; need one of whole, rows, columns, filters"):
        reg.GroupLasso(0.1, "neurons")
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
