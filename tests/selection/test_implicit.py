"""Hyper-gradients of linear models against finite differences, a closed form, and what no derivative may do."""

import dataclasses
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import selection
from minigrad.errors import ShapeError
from minigrad.linear_model import Logistic, Regression
from minigrad.selection.implicit import Normal, hypergradient

STEP = 1e-4  # of log λ: the error of a central difference is about STEP² times the third derivative
CLASSES = {"two": [0.0], "three": [-1.0, 1.0]}


def rows(kind, m=60, p=8, held=30, seed=0):
    """(x, y, weights) of rows to fit, and of others; columns of different size."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((m + held, p)) * (1 + np.arange(p))
    truth = np.zeros(p)
    truth[:4] = [2.0, -1.0, 1.0, 0.5]
    y = (x / (1 + np.arange(p))) @ truth + draw.standard_normal(m + held)
    if kind != "numbers":
        y = np.array(["oak", "elm", "fir"])[np.digitize(y, CLASSES[kind])]
    weights = draw.uniform(0.2, 2.0, m + held)
    weights[1] = 0.0  # a row that does not count
    return (x[:m], y[:m], weights[:m]), (x[m:], y[m:], weights[m:])


def slope(value, theta):
    """Central differences of value(theta) by each entry."""
    steps = STEP * np.eye(len(theta))
    return np.array([(value(theta + step) - value(theta - step)) / (2 * STEP) for step in steps])


@pytest.mark.parametrize(("intercept", "standardize"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", [(40, 6), (15, 20)], ids=["tall", "wide"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["numbers", "two", "three"])
def test_equal_to_finite_differences(kind, l1_ratio, shape, intercept, standardize):
    """By log l1 and log l2, by the factor of a column, and of groups of columns: to 1e-6."""
    if kind == "three" and standardize == intercept and mg.kernels.backend() == "reference":
        pytest.skip("the reference kernels take ten times as long")
    (x, y, weights), held_out = rows(kind, *shape)
    factor = np.exp(0.3 * np.random.default_rng(1).standard_normal(shape[1]))
    make = Regression if kind == "numbers" else Logistic
    family = make(l1_ratio, intercept, standardize, penalty_factor=factor)
    top = family.start(x, y if kind == "numbers" else np.unique(y, return_inverse=True)[1], weights).lambda_max()
    lam = (0.05 if standardize else 0.5) if l1_ratio == 0 else 0.15 * top
    l1, l2 = family.strengths(lam)

    def found(log_terms=(0.0, 0.0), log_factors=0.0):
        own = dataclasses.replace(family, penalty_factor=factor * np.exp(log_factors))
        scale = np.exp(log_terms)
        return hypergradient(own, x, y, held_out, l1 * scale[0], l2 * scale[1], weights=weights)

    here = found()
    assert here.terms == pytest.approx(slope(lambda t: found(t).value, np.zeros(2)), abs=1e-6)
    few = np.zeros(shape[1])

    def of_columns(t):
        few[:2] = t
        return found(log_factors=few).value

    assert here.features[:2] == pytest.approx(slope(of_columns, np.zeros(2)), abs=1e-6)
    members = np.arange(shape[1]) % 2
    assert here.groups(members) == pytest.approx(
        slope(lambda t: found(log_factors=t[members]).value, np.zeros(2)), abs=1e-6
    )
    assert here.groups(members).sum() == pytest.approx(sum(here.terms), abs=1e-12)


def test_ridge_equals_its_closed_form(backend):
    """w = (XᵀX + m diag l2)⁻¹ Xᵀy, differentiated by hand, without an intercept."""
    draw = np.random.default_rng(4)
    x, v = draw.standard_normal((30, 5)), draw.standard_normal((12, 5))
    y, u = draw.standard_normal(30), draw.standard_normal(12)
    l2 = np.array([0.1, 0.2, 0.4, 0.8, 1.6])
    found = hypergradient(Regression(0.0, fit_intercept=False, penalty_factor=l2 / 0.1), x, y, (v, u), 0.0, 0.1)
    inverse = np.linalg.inv(x.T @ x + 30 * np.diag(l2))
    w = inverse @ x.T @ y
    by_hand = [2 / 12 * (v @ w - u) @ v @ (-30 * l2[j] * w[j] * inverse[:, j]) for j in range(5)]
    assert found.value == pytest.approx(np.mean((v @ w - u) ** 2), rel=1e-12)
    assert found.l2 == pytest.approx(by_hand, rel=1e-10)
    assert not found.l1.any()


def test_a_column_that_is_never_penalized_moves_with_the_others():
    """It is in the system, and has no derivative of its own."""
    (x, y, _), (hx, hy, _) = rows("numbers")
    family = Regression(0.5, penalty_factor=[0, *[1] * 7])

    def value(log):
        return hypergradient(family, x, y, (hx, hy), 0.2 * np.exp(log[0]), 0.2 * np.exp(log[1])).value

    found = hypergradient(family, x, y, (hx, hy), 0.2, 0.2)
    assert found.model.coefficients[0] != 0 and found.features[0] == 0
    assert found.terms == pytest.approx(slope(value, np.zeros(2)), abs=1e-6)


def test_where_all_coefficients_are_zero_the_slope_is_zero():
    (x, y, _), (hx, hy, _) = rows("numbers")
    found = hypergradient(Regression(), x, y, (hx, hy), 1e4, 0.0)
    assert found.model.nonzeros == 0 and found.terms == (0.0, 0.0) and not found.features.any()


@pytest.mark.parametrize("free", [0, 1, 2])
@pytest.mark.parametrize("shape", [(12, 5), (4, 9), (4, 4)], ids=["tall", "wide", "square"])
def test_normal_equations(shape, free):
    draw = np.random.default_rng(5)
    table, ridge, c = draw.standard_normal(shape), draw.uniform(0.1, 2, shape[1]), draw.standard_normal(shape[1])
    ridge[:free] = 0
    right = np.linalg.solve(table.T @ table + np.diag(ridge), c)
    assert Normal(table, ridge).solve(c) == pytest.approx(right, rel=1e-10)


def test_columns_that_depend_on_others_are_solved_in_their_span():
    """Two equal columns: the product with the table is that of any solution."""
    table = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    c = table.T @ np.array([1.0, 2.0, 3.0])
    v = Normal(table, np.zeros(3)).solve(c)
    assert table.T @ (table @ v) == pytest.approx(c, rel=1e-12)


def test_errors_name_what_came():
    (x, y, weights), (hx, hy, hw) = rows("numbers")
    family = Regression()
    with pytest.raises(TypeError, match=r"held_out is a ndarray; need \(x, y\)"):
        hypergradient(family, x, y, hx, 0.1, 0.1)
    with pytest.raises(ShapeError, match=r"held_out: x is \(30, 7\).*\(8,\)"):
        hypergradient(family, x, y, (hx[:, :7], hy), 0.1, 0.1)
    with pytest.raises(ShapeError, match=r"held_out: weights are \(29,\)"):
        hypergradient(family, x, y, (hx, hy, hw[1:]), 0.1, 0.1)
    with pytest.raises(ValueError, match="missing or not finite"):
        hypergradient(family, x, y, (hx, np.where(hy > 0, np.nan, hy)), 0.1, 0.1)
    with pytest.raises(ValueError, match="l1 is -1"):
        hypergradient(family, x, y, (hx, hy), -1, 0.1)
    with pytest.raises(TypeError, match="family is a Network; need linear_model"):
        hypergradient(selection.Network(lambda: None, None), x, y, (hx, hy), 0.1, 0.1)
    (x, y, _), (hx, hy, _) = rows("two")
    with pytest.raises(ValueError, match="score 'accuracy' has no derivative"):
        hypergradient(Logistic(), x, y, (hx, hy), 0.1, 0.1, score="accuracy")
    with pytest.raises(ValueError, match="y holds 'yew', a class that no row to fit has"):
        hypergradient(Logistic(), x, y, (hx, np.array(["yew"] * 30)), 0.1, 0.1)
    found = hypergradient(Logistic(), x, y, (hx, hy), 0.1, 0.1)
    with pytest.raises(ShapeError, match="a group, 0 or above, for each of 8 columns"):
        found.groups([0, 1])


def test_both_backends_agree():
    (x, y, _), (hx, hy, _) = rows("three")
    found = []
    for name in ("reference", "native"):
        if name == "native" and mg.kernels.runtime is None:
            pytest.skip("no compiled kernels in this installation")
        with mg.use_backend(name), warnings.catch_warnings():
            found.append(hypergradient(Logistic(0.5), x, y, (hx, hy), 0.05, 0.05))
    assert found[0].features == pytest.approx(found[1].features, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("kind", ["numbers", "two", "three"])
@pytest.mark.parametrize("ratio", [0.5, 0.0])
def test_coefficients_at_a_bound_stay_there(kind, ratio):
    (x, y, weights), held_out = rows(kind)
    family = (Regression if kind == "numbers" else Logistic)(ratio, lower=-0.05, upper=[0.2] + [0.1] * 7)

    def value(theta):
        return hypergradient(family, x, y, held_out, *np.exp(theta), weights=weights).value

    theta = np.log([0.02, 0.05])
    found = hypergradient(family, x, y, held_out, *np.exp(theta), weights=weights)
    w = found.model.coefficients
    assert ((w == -0.05) | (w == 0.1)).any() and ((w != 0) & (w > -0.05) & (w < 0.1)).any()
    assert found.terms == pytest.approx(slope(value, theta), abs=1e-6)
