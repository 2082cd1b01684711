"""Bounds of coefficients: the optimality conditions, paths from λ_max, units, and scipy and scikit-learn as oracles."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest
from linear_model.tables import slopes, table, wide

from minigrad import selection
from minigrad.errors import ShapeError
from minigrad.linear_model import Logistic, Regression
from minigrad.linear_model.bounds import Bounds, violations

SIDES = [
    {"lower": 0.0},
    {"upper": 0.0},
    {"lower": -0.1, "upper": 0.2},
    {"lower": [0, -np.inf, -0.3, -1, 0, 0, -0.05, -2], "upper": [np.inf, 0.5, 0, 1, 0, 0.01, np.inf, 3]},
]


def family_of(classes):
    return Logistic if classes else Regression


def expected_violation(model, x, y, sides, factor=1.0):
    """The largest violation of the optimality conditions, from their definition: no feasible small step helps."""
    g, free = slopes(model, x, y)
    w = model.coefficients
    g, w = g.reshape(len(w), -1), w.reshape(len(w), -1)
    lower, upper = (
        np.broadcast_to(sides.get(s, inf), len(w)).reshape(-1, 1) for s, inf in (("lower", -np.inf), ("upper", np.inf))
    )
    assert (w >= lower).all() and (w <= upper).all()
    slope, l1 = g - model.l2 * factor * w, model.l1 * factor
    up = np.where(w < upper, slope - np.where(w >= 0, l1, -l1), 0.0)
    down = np.where(w > lower, -slope - np.where(w <= 0, l1, -l1), 0.0)
    return max(up.max(), down.max(), np.abs(free).max())


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.4, 0.0])
@pytest.mark.parametrize("sides", SIDES, ids=["positive", "negative", "box", "each"])
def test_optimality(rng, sides, ratio, classes):
    x, y = table(rng, classes=classes)
    solver = family_of(classes)(ratio, **sides).start(x, y)
    top = solver.lambda_max()
    for share in (0.3, 0.01):
        model = solver.fit(share * top * max(ratio, 1e-3))
        assert not model.trouble and expected_violation(model, x, y, sides) < 1e-9
    plain = family_of(classes)(ratio).start(x, y).fit(0.01 * top * max(ratio, 1e-3))
    assert np.abs(plain.coefficients - model.coefficients).max() > 1e-3, "the bounds change the model"


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
def test_more_columns_than_rows(rng, ratio, classes):
    x, y = wide(rng, p=120, classes=classes)
    sides = {"lower": 0.0, "upper": 0.02}
    solver = family_of(classes)(ratio, **sides).start(x, y)
    model = solver.fit(0.05 * solver.lambda_max() * max(ratio, 1e-3))
    assert expected_violation(model, x, y, sides) < 1e-8 and (model.coefficients == 0.02).any()


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_only_pulls_that_can_move_count_for_lambda_max(rng, side, classes):
    """The column that pulls most is kept at 0; λ_max is that of the strongest of the others, in its direction."""
    x, y = table(rng, classes=classes)
    g = slopes(family_of(classes)().start(x, y).fit(1e3), x, y)[0].reshape(8, -1)
    expected = np.max(g if side == "lower" else -g)
    family = family_of(classes)(0.5, **{side: 0.0})
    solver = family.start(x, y)
    assert solver.lambda_max() == pytest.approx(expected / 0.5, rel=1e-9)
    assert not solver.fit(solver.lambda_max() * (1 + 1e-9)).nonzeros
    assert solver.fit(solver.lambda_max() * 0.99).nonzeros == 1


def test_lambda_max_beside_free_columns_that_are_bounded(rng):
    x, y = table(rng)
    family = Regression(penalty_factor=[0, 0, 1, 1, 1, 1, 1, 2], lower=0.0, upper=[0.3] + [np.inf] * 7)
    solver = family.start(x, y)
    top = solver.lambda_max()
    at_top = solver.fit(top * (1 + 1e-9))
    assert not at_top.coefficients[2:].any() and at_top.coefficients[0] == 0.3
    assert solver.fit(top * 0.99).coefficients[2:].any()


def test_what_keeps_every_coefficient_at_zero_is_told(rng):
    x, y = table(rng)
    with pytest.raises(ValueError, match="no upper end: no coefficient can move from 0 within its bounds"):
        selection.cross_validate(Regression(lower=0.0), -np.abs(x) * 0 - y.reshape(-1, 1), y)


@pytest.mark.parametrize("classes", [0, 2])
def test_bounds_are_in_the_units_of_the_data(rng, classes):
    """Standardized or not, shifted or scaled, a coefficient at its bound is that number, to the bit."""
    x, y = table(rng, classes=classes)
    scale = np.array([1, 1e-3, 1e3, 2, 5, 7, 0.1, 10.0])
    upper = np.array([0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1])
    for standardize in (False, True):
        family = family_of(classes)(standardize=standardize, upper=upper)
        model = family.start(x, y).fit(1e-3)
        bound = model.coefficients == upper
        assert bound[:3].any()
        if standardize:
            other = family_of(classes)(standardize=True, upper=upper / scale).start(x * scale + 3, y).fit(1e-3)
            assert (other.coefficients == upper / scale).tolist() == bound.tolist()
            np.testing.assert_allclose(other.coefficients * scale, model.coefficients, rtol=1e-7, atol=1e-10)
    large = Regression(upper=0.25 * 2.0**600).start(x, (x[:, 0] + 0.1 * x[:, 1]) * 2.0**600).fit(0.0)
    assert large.coefficients[0] == 0.25 * 2.0**600


def test_bounds_that_do_not_bind_change_nothing(rng):
    x, y = table(rng)
    none = {"lower": -np.inf, "upper": [np.inf] * 8}
    plain, given = (Regression(0.7, **sides).start(x, y).fit(0.05) for sides in ({}, none))
    assert plain.coefficients.tobytes() == given.coefficients.tobytes() and plain.gap == given.gap
    assert Regression(**none) == Regression() and Regression(**none).settings() == Regression().settings()
    far = Regression(0.7, lower=-1e6, upper=1e300).start(x, y).fit(0.05)
    np.testing.assert_allclose(far.coefficients, plain.coefficients, atol=1e-10)
    assert far.gap < 1e-8


@pytest.mark.parametrize(
    ("sides", "match"),
    [
        ({"lower": 0.5}, r"Regression: lower is 0.5; need at most 0, as every path starts at coefficients of 0"),
        ({"upper": [1.0, -1.0]}, r"Regression: upper\[1\] is -1.0; need at least 0"),
        ({"lower": float("nan")}, "lower is nan; need at most 0"),
        ({"upper": "much"}, "upper is much; need at least 0"),
        ({"lower": np.zeros((2, 2))}, r"lower is \(2, 2\); need one number, or one for each column"),
    ],
)
def test_bounds_that_are_none(sides, match):
    with pytest.raises(ValueError, match=match):
        Regression(**sides)


def test_another_number_of_bounds(rng):
    x, y = table(rng)
    with pytest.raises(ValueError, match="upper has 3 numbers; need one, or one for each of 8 columns of x"):
        Regression(upper=[1, 1, 1]).start(x, y)
    with pytest.raises((ShapeError, ValueError), match="lower has 3 numbers"):
        Logistic(lower=[0, 0, 0]).start(x, (y > 0).astype(int))


def test_settings_tell_bounds_and_are_copied():
    family = Regression(lower=[0, -np.inf], upper=3)
    assert family.settings()["lower"] == (0.0, None) and family.settings()["upper"] == 3.0
    json.dumps(family.settings(), allow_nan=False)
    assert copy.deepcopy(family) == family == pickle.loads(pickle.dumps(family)) != Regression(upper=3)


def test_cross_validation_and_criteria_keep_to_bounds(rng):
    """Degrees of freedom: an input at a bound does not follow the rows, as the derivatives of the fit say."""
    x, y = table(rng)
    family = Regression(0.6, lower=0.0, upper=0.8)
    lambdas = [0.3, 0.1, 0.02]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)
        result = selection.cross_validate(family, x, y, lambdas)
    assert all((m.coefficients >= 0).all() and (m.coefficients <= 0.8).all() for m in result.path)
    found = selection.criteria(family, x, y, lambdas)
    for i, lam in enumerate(lambdas):
        base = family.start(x, y).fit(lam).output(x)
        moved = [family.start(x, y + 1e-6 * row).fit(lam).output(x) - base for row in np.eye(60)]
        assert found.df[i] == pytest.approx(np.trace(moved) / 1e-6, rel=1e-4)
    assert (found.path[-1].coefficients == 0.8).any()
    assert found.variance == selection.criteria(Regression(), x, y, lambdas).variance
    ridge = selection.criteria(Regression(0.0, lower=0.0), x, y, lambdas)
    assert np.isnan(ridge.loo).all() and "for ridge without bounds only" in ridge.notes[0]


def test_violations_at_bounds():
    """Each case by hand: v, slope, l1, bounds -> how far."""
    for v, g, lower, upper, far in (
        (0.0, 2.0, 0.0, 1.0, 1.0),
        (0.0, -2.0, 0.0, 1.0, 0.0),
        (0.0, -2.0, -1.0, 0.0, 1.0),
        (0.0, 2.0, 0.0, 0.0, 0.0),
        (1.0, 3.0, 0.0, 1.0, 0.0),
        (1.0, 0.5, 0.0, 1.0, 0.5),
        (-1.0, -3.0, -1.0, 1.0, 0.0),
        (-1.0, -0.5, -1.0, 1.0, 0.5),
        (0.5, 1.5, 0.0, 1.0, 0.5),
        (0.5, 0.5, 0.0, 1.0, 0.5),
        (-0.5, -1.5, -1.0, 1.0, 0.5),
    ):
        found = violations(*(np.array([n]) for n in (v, g, 1.0)), Bounds(np.array([lower]), np.array([upper])))
        assert found.tolist() == [far], (v, g, lower, upper)


@pytest.mark.parametrize("ratio", [1.0, 0.3])
@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_scikit_learn_positive(rng, shape, ratio):
    linear = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn, the extra `sklearn`")
    x, y = table(rng) if shape == "tall" else wide(rng, p=60)
    solver = Regression(ratio, lower=0.0).start(x, y)
    for share in (0.5, 0.1, 0.02):
        lam = share * solver.lambda_max()
        oracle = linear.ElasticNet(lam, l1_ratio=ratio, positive=True, tol=1e-14, max_iter=1_000_000).fit(x, y)
        model = solver.fit(lam)
        np.testing.assert_allclose(model.coefficients, oracle.coef_, atol=1e-8)
        assert model.intercept == pytest.approx(oracle.intercept_, abs=1e-7)


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_scipy_bounded_least_squares(rng, l2):
    optimize = pytest.importorskip("scipy.optimize", reason="needs scipy, which scikit-learn brings")
    x, y = table(rng)
    lower, upper = np.array(SIDES[3]["lower"]), np.array(SIDES[3]["upper"]) + 1e-12
    rows = np.vstack([x - x.mean(0), np.sqrt(60 * l2) * np.eye(8)])
    oracle = optimize.lsq_linear(rows, np.append(y - y.mean(), np.zeros(8)), (lower - 1e-12, upper), tol=1e-14)
    model = Regression(lower=lower, upper=upper).start(x, y).solve(0.0, l2)
    np.testing.assert_allclose(model.coefficients, oracle.x, atol=2e-7)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
def test_scipy_bounded_logistic(rng, ratio):
    """The lasso as w = a - b with a, b >= 0: smooth, with bounds, by L-BFGS-B."""
    optimize = pytest.importorskip("scipy.optimize", reason="needs scipy, which scikit-learn brings")
    x, y = table(rng, classes=2)
    lower, upper = np.array(SIDES[3]["lower"]), np.array(SIDES[3]["upper"])
    l1, l2 = 0.02 * ratio, 0.02 * (1 - ratio)

    def value(v):
        a, b, c = v[:8], v[8:16], v[16]
        logits = x @ (a - b) + c
        loss = np.logaddexp(0, np.where(y == 1, -logits, logits)).mean() + l1 * (a + b).sum()
        left = (1 / (1 + np.exp(-logits)) - y) / len(y)
        g = x.T @ left + l2 * (a - b)
        return loss + l2 / 2 * ((a - b) ** 2).sum(), np.concatenate([g + l1, -g + l1, [left.sum()]])

    ends = [*((0, u) for u in upper), *((0, -low) for low in lower), (None, None)]
    options = {"maxiter": 100_000, "maxfun": 1_000_000, "ftol": 1e-17, "gtol": 1e-12, "maxls": 100}
    oracle = optimize.minimize(value, np.zeros(17), jac=True, bounds=ends, method="L-BFGS-B", options=options)
    model = Logistic(ratio, lower=lower, upper=upper).start(x, y).fit(0.02)
    w = model.coefficients
    ours = value(np.concatenate([np.maximum(w, 0), np.maximum(-w, 0), [model.intercept]]))[0]
    assert ours <= oracle.fun + 1e-13
    np.testing.assert_allclose(w, oracle.x[:8] - oracle.x[8:16], atol=2e-5)


def test_a_coefficient_at_its_bound_is_that_number_to_the_bit():
    """Of 60 columns some have a deviation by which the bound, multiplied and divided, is one rounding off."""
    draw = np.random.default_rng(3)
    x = draw.standard_normal((1500, 60)) * draw.uniform(0.1, 10, 60)
    upper, scale = draw.uniform(0.1, 1, 60), x.std(0)
    assert (upper * scale / scale != upper).any()
    model = Regression(upper=upper, standardize=True).start(x, x @ (upper + 5 / scale)).fit(0.0)
    assert model.coefficients.tolist() == upper.tolist()
