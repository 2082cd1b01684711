"""Linear models by their optimality, their units, weights, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest
from linear_model.tables import slopes, table

from minigrad import linear_model
from minigrad.errors import NonFiniteError, ShapeError
from minigrad.linear_model.least_squares import solve

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize(("l1", "l2"), [(0.1, 0.0), (0.05, 0.1), (0.0, 0.1)])
def test_optimality(rng, classes, l1, l2):
    """g - l2 w is l1 sign(w), or within ±l1 where w is 0; the intercept is not penalised."""
    x, y = table(rng, classes=classes)
    kind = linear_model.Logistic if classes else linear_model.Regression
    model = kind().start(x, y).solve(l1, l2)
    g, free = slopes(model, x, y)
    w = model.coefficients
    s = g - l2 * w
    np.testing.assert_allclose(s[w != 0], l1 * np.sign(w[w != 0]), atol=1e-8)
    assert (np.abs(s[w == 0]) <= l1 + 1e-9).all() and ((w == 0).any() == (l1 > 0))
    np.testing.assert_allclose(free, 0, atol=1e-9)
    assert (model.gap < 1e-9) == (classes == 0 and l1 > 0)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_all_is_zero_from_lambda_max_on(rng, classes, ratio):
    x, y = table(rng, classes=classes)
    solver = (linear_model.Logistic if classes else linear_model.Regression)(ratio).start(x, y)
    top = solver.lambda_max()
    assert solver.fit(top * (1 + 1e-12)).nonzeros == 0
    assert solver.fit(0.99 * top).nonzeros == 1


def test_ridge_shrinks_along_singular_vectors(rng):
    """Each projection on a right singular vector is s² / (s² + m λ) times that of least squares (claim C2)."""
    x, y = table(rng)
    x, y = x - x.mean(0), y - y.mean()
    _, s, vt = np.linalg.svd(x, full_matrices=False)
    family = linear_model.Regression(0.0, fit_intercept=False)
    free, ridge = (vt @ family.start(x, y).fit(lam).coefficients for lam in (0.0, 0.3))
    np.testing.assert_allclose(ridge / free, s**2 / (s**2 + len(x) * 0.3), rtol=1e-9)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_standardized_models_do_not_depend_on_units(rng, classes):
    x, y = table(rng, classes=classes)
    units = np.array([1, 1e-3, 1e3, 2, 5, 7, 0.1, 10.0])
    family = (linear_model.Logistic if classes else linear_model.Regression)(0.7, standardize=True)
    a, b = (family.start(data, y).fit(0.05) for data in (x, x * units + 4))
    np.testing.assert_allclose(a.output(x), b.output(x * units + 4), atol=1e-8)
    np.testing.assert_allclose((a.coefficients.T / units).T, b.coefficients, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("l1", [0.0, 0.05])
def test_weights_are_repeated_rows(rng, classes, l1):
    x, y = table(rng, m=30, classes=classes)
    times = np.arange(30) % 4
    family = (linear_model.Logistic if classes else linear_model.Regression)(standardize=True)
    weighted = family.start(x, y, times).solve(l1, 0.1)
    repeated = family.start(np.repeat(x, times, 0), np.repeat(y, times)).solve(l1, 0.1)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, atol=1e-8)
    np.testing.assert_allclose(weighted.intercept, repeated.intercept, atol=1e-8)


def test_warm_starts_end_where_cold_ones_do(rng):
    x, y = table(rng, m=20, p=30)  # more columns than rows
    warm = linear_model.Regression().start(x, y)
    for lam in np.linspace(1, 0.1, 10) * warm.lambda_max():
        last = warm.fit(lam)
    cold = linear_model.Regression().start(x, y).fit(lam)
    np.testing.assert_allclose(last.coefficients, cold.coefficients, atol=1e-7)
    assert last.rounds < cold.rounds or last.gap <= cold.gap


@pytest.mark.filterwarnings("ignore::minigrad.linear_model.ConvergenceWarning")
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_the_gap_bounds_what_is_left_to_gain(rng, l2):
    x, y = table(rng)

    def objective(model):
        w = model.coefficients
        return ((y - model.output(x)) ** 2).mean() / 2 + 0.2 * np.abs(w).sum() + l2 / 2 * (w * w).sum()

    best = objective(linear_model.Regression().start(x, y).solve(0.2, l2))
    for rounds in (1, 2, 4, 8):
        model = linear_model.Regression(max_rounds=rounds).start(x, y).solve(0.2, l2)
        assert 0 <= objective(model) - best <= model.gap


@pytest.mark.parametrize(("m", "p"), [(20, 5), (5, 5), (4, 9), (6, 1)])
def test_ridge_solves_its_equations(rng, m, p):
    a, c = rng.standard_normal((m, p)), rng.standard_normal(m)
    w = solve(a, c, 0.3)
    np.testing.assert_allclose(w, np.linalg.solve(a.T @ a + 0.3 * np.eye(p), a.T @ c), atol=1e-12)


def test_columns_that_depend_on_others_get_nothing(rng):
    x = rng.standard_normal((20, 3))
    x = np.column_stack([x, x[:, 0] + x[:, 1], np.full(20, 4.0)])
    y = x[:, 0] - x[:, 2]
    model = linear_model.Regression().start(x, y).fit(0.0)
    np.testing.assert_allclose(model.coefficients, [1, 0, -1, 0, 0], atol=1e-12)
    assert model.coefficients[3] == model.coefficients[4] == 0


def test_constant_columns_stay_out(rng):
    x, y = table(rng)
    x[:, 4] = 0.1
    for family in (linear_model.Regression(standardize=True), linear_model.Logistic(standardize=True)):
        target = y if isinstance(family, linear_model.Regression) else (y > y.mean()).astype(int)
        model = family.start(x, target).fit(0.01)
        assert model.coefficients[4] == 0 and np.isfinite(model.coefficients).all()


def test_separable_classes_without_a_penalty_say_so():
    x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1]
    with pytest.warns(linear_model.ConvergenceWarning, match="separable"):
        assert "no minimum" in linear_model.Logistic().start(x, y).fit(0.0).trouble


def test_too_few_sweeps_say_how_far_they_are(rng):
    x, y = table(rng)
    with pytest.warns(linear_model.ConvergenceWarning, match="duality gap of .*, where w = 0 has"):
        linear_model.Regression(max_rounds=1).start(x, y).fit(0.01)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"x": np.ones(5)}, ShapeError, "need rows and columns"),
        ({"x": np.ones((5, 0))}, ShapeError, "at least one of each"),
        ({"x": [[1.0], [np.nan], [1], [2], [3]]}, NonFiniteError, "row 1, column 0 is nan"),
        ({"x": [[1], [1e301], [1], [2], [3]]}, NonFiniteError, r"x: column 0 reaches 1e\+301, too large"),
        ({"y": [1.0, 2, 3, 4]}, ShapeError, "one target for each of 5 rows"),
        ({"weights": [1.0, 1, 1, 1, -1]}, ShapeError, "none negative"),
        ({"weights": np.zeros(5)}, ShapeError, "not all 0"),
    ],
)
def test_bad_rows(change, error, match):
    good = {"x": np.arange(5.0).reshape(5, 1), "y": np.arange(5.0), "weights": None}
    with pytest.raises(error, match=match):
        linear_model.Regression().start(**(good | change))


def test_models_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr("minigrad.linear_model.logistic.LARGEST", 20)
    with pytest.raises(ValueError, match="7 inputs for 3 logits"):
        linear_model.Logistic().start(np.zeros((30, 7)), np.arange(30) % 3)


def test_bad_strengths_and_classes(rng):
    x, y = table(rng)
    with pytest.raises(ValueError, match="λ is -1; need a finite number, at least 0"):
        linear_model.Regression().start(x, y).fit(-1)
    with pytest.raises(ValueError, match="l1_ratio is 2"):
        linear_model.Regression(2)
    with pytest.raises(ValueError, match="no row is of class 1; need each of 3"):
        linear_model.Logistic().start(x, np.arange(60) % 2 * 2, classes=3)
    with pytest.raises(ShapeError, match="the model was fitted on 8 columns"):
        linear_model.Regression().start(x, y).fit(1.0).output(x[:, :3])


def test_several_classes_have_intercepts_of_mean_zero(rng):
    """A constant beside all logits of a row changes nothing, so it is not left to chance."""
    x, y = table(rng, classes=3)
    assert abs(np.mean(linear_model.Logistic(0.0).start(x - x.mean(0), y).fit(0.1).intercept)) < 1e-12


@pytest.mark.parametrize("family", [linear_model.Regression, linear_model.Logistic])
def test_settings_say_where_fit_and_predict_are(family):
    settings = family()
    for name in ("fit", "predict", "coef_"):
        with pytest.raises(AttributeError, match=rf"{family.__name__} .* no {name}; .*start\(x, y\).*minigrad.sklearn"):
            getattr(settings, name)
    with pytest.raises(AttributeError, match=f"'{family.__name__}' object has no attribute 'shape'"):
        settings.shape  # noqa: B018
    assert not hasattr(settings, "fit") and copy.deepcopy(settings) == settings == pickle.loads(pickle.dumps(settings))
