"""Columns that are never penalized: classes that they separate, targets that they fit, factors of extreme size."""

import warnings

import numpy as np
import pytest

import minigrad.kernels as K
from minigrad import selection
from minigrad.errors import NonFiniteError
from minigrad.linear_model import ConvergenceWarning, Logistic, Regression

pytestmark = pytest.mark.usefixtures("backend")


def rows(m=60, p=4, classes=2):
    draw = np.random.default_rng(m + p)
    x = draw.standard_normal((m, p))
    score = x[:, 0] - 0.5 * x[:, 1] + draw.standard_normal(m)
    return x, np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)


def separating(y, kind):
    """A column that tells the last class from the others: wholly, or in a few rows alone."""
    if kind == "complete":
        return np.where(y == y.max(), 1.0, -1.0) * np.random.default_rng(0).uniform(0.5, 2, len(y))
    few = np.zeros(len(y))
    few[np.flatnonzero(y == y.max())[:5]] = 1.0
    return few


@pytest.mark.parametrize("kind", ["complete", "in part"])
@pytest.mark.parametrize("classes", [2, 3])
def test_columns_that_separate_classes_are_refused_where_they_are_never_penalized(classes, kind):
    if kind == "in part" and K.backend() == "reference":
        pytest.skip("100 Newton steps of 1000 sweeps take NumPy 40 s; the kernels alone differ")
    x, y = rows(classes=classes)
    x[:, 1] = separating(y, kind)
    with pytest.raises(ValueError, match=r"the columns 1 of x, which are never penalized: .*separable"):
        Logistic(penalty_factor=[1, 0, 1, 1]).start(x, y)
    with pytest.warns(ConvergenceWarning, match="separable"):
        assert Logistic().start(x, y).fit(0.0).trouble
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not Logistic().start(x, y).fit(0.01).trouble
        assert not Logistic(penalty_factor=[0, 1, 1, 1]).start(x, y).fit(0.01).trouble


def test_rows_that_are_nearly_certain_are_not_taken_for_separated():
    """Far rows of the right class have a loss of 1e-9 and less, and yet there is a minimum."""
    x, y = rows()
    x[0], y[0] = [60.0, 0, 0, 0], 1
    x[1], y[1] = [-60.0, 0, 0, 0], 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Logistic().start(x, y).fit(0.0)
        Logistic(penalty_factor=[0, 1, 1, 1]).start(x, y)
    assert np.log1p(np.exp(-np.abs(model.output(x[:2])))).max() < 1e-7


def test_bounds_give_separated_classes_a_minimum():
    x, y = rows()
    x[:, 1] = separating(y, "complete")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Logistic(penalty_factor=[1, 0, 1, 1], upper=30.0).start(x, y).fit(0.01)
    assert model.coefficients[1] == 30.0


@pytest.mark.parametrize("free", [19, 20, 25])
def test_as_many_free_columns_as_rows_leave_nothing_to_penalize(free):
    draw = np.random.default_rng(free)
    x, y = draw.standard_normal((20, 40)), draw.standard_normal(20)
    family = Regression(penalty_factor=[0] * free + [1] * (40 - free))
    solver = family.start(x, y)
    assert solver.lambda_max() == 0.0
    assert not solver.fit(0.1).coefficients[free:].any()
    for choose in (selection.cross_validate, selection.criteria):
        with pytest.raises(ValueError, match=rf"{free} of 40 columns of x have penalty factor 0, .*nothing is left"):
            choose(family, x, y, **({"folds": 4} if choose is selection.cross_validate else {}))
    assert Regression(penalty_factor=[0] * 5 + [1] * 35).start(x, y).lambda_max() > 0.01


@pytest.mark.parametrize("classes", [False, True])
def test_a_column_that_free_ones_hold_already_does_not_pull(classes):
    x, y = rows(p=3)
    x[:, 2] = x[:, 0] - x[:, 1]
    family = (Logistic if classes else Regression)(penalty_factor=[0, 0, 1])
    assert family.start(x, y if classes else y + x[:, 0]).lambda_max() == 0.0


@pytest.mark.parametrize("family", [Regression, Logistic])
def test_factors_of_extreme_size(family):
    x, y = rows()
    target = y if family is Logistic else y + x[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = family(l1_ratio=0.5, penalty_factor=[1, 1e308, 1, 1]).start(x, target).fit(10.0)
        kept = family(l1_ratio=0.5, penalty_factor=[1, 1e308, 1, 1]).start(x, target).fit(0.01)
        ridge = family(l1_ratio=0.0, penalty_factor=[1, 1e308, 1, 1]).start(x, target).fit(10.0)
    assert model.coefficients[1] == kept.coefficients[1] == 0 and abs(ridge.coefficients[1]) < 1e-150
    assert kept.coefficients[0] and ridge.coefficients[0]
    with pytest.raises(NonFiniteError, match=r"penalty_factor\[2\] is 9.88e-324, so small that λ_max leaves"):
        family(penalty_factor=[1, 1, 1e-323, 1]).start(x, target).lambda_max()
