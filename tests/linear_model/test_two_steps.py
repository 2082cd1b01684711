"""The adaptive lasso and relaxed fits: what is refused, bounds, the garrote against its own formula."""

import dataclasses
import warnings

import numpy as np
import pytest

from minigrad.errors import NonFiniteError, ShapeError
from minigrad.linear_model import ConvergenceWarning, Logistic, Regression, adaptive, relaxed


def rows(m=60, p=8, classes=0):
    draw = np.random.default_rng(m)
    x = draw.standard_normal((m, p))
    y = 2 * x[:, 0] - x[:, 1] + 0.3 * x[:, 2] + draw.standard_normal(m)
    return x, (np.searchsorted(np.quantile(y, np.arange(1, classes) / classes), y) if classes else y)


def test_adaptive_takes_zeros_and_powers_without_a_warning():
    x, y = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for power in (0.0, 1.0, 4.0, 30.0):
            family = adaptive(Regression(), x, y, first=[2.0, 1e-90, 0, 0, 0, 0, 0, 0], power=power)
            assert family.penalty_factor[0] == pytest.approx(0.5**power, rel=1e-12)
            assert set(family.penalty_factor[2:]) == {1e100}
            assert family.penalty_factor[1] == pytest.approx({0.0: 1.0, 1.0: 1e90}.get(power, 1e100), rel=1e-9)
            assert not family.start(x, y).fit(1e-6).coefficients[2:].any()
        own = adaptive(Regression(penalty_factor=[0, 1e90, 1, 1, 1, 1, 1, 1]), x, y, first=np.full(8, 1e-30))
        assert own.penalty_factor[:3] == pytest.approx((0.0, 1e100, 1e30), rel=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_adaptive_refuses_coefficients_that_are_no_numbers(value):
    x, y = rows()
    first = np.ones(8)
    first[3] = value
    with pytest.raises(NonFiniteError, match=f"adaptive: first: the coefficient of column 3 is {value}; need numbers"):
        adaptive(Regression(), x, y, first=first)
    with pytest.raises(ValueError, match=r"first has the number 3\.0; x has 8 columns"):
        adaptive(Regression(), x, y, first=3.0)


def test_signs_make_the_nonnegative_garrote():
    """Breiman's garrote: w = c w_ols, c >= 0 minimizing 1/2 |y - Z c|²/m + λ Σ c with Z = x w_ols."""
    x, y = rows()
    x = x + 0.8 * x[:, :1]  # correlated, so that without the bounds signs turn
    least = Regression().start(x, y).fit(0.0).coefficients
    family = adaptive(Regression(), x, y, signs=True)
    assert family.lower == tuple(np.where(least > 0, 0.0, -np.inf))
    for lam in (0.01, 0.1, 0.5):
        garrote = Regression(lower=0.0).start(x * least, y).fit(lam).coefficients
        found = family.start(x, y).fit(lam).coefficients
        assert found == pytest.approx(garrote * least, abs=1e-9) and (found * least >= 0).all()
    own = adaptive(Regression(lower=-0.5, upper=0.7), x, y, signs=True)
    assert own.upper == tuple(np.where(least < 0, 0.0, 0.7)) and own.lower == tuple(np.where(least > 0, 0.0, -0.5))
    with pytest.raises(ValueError, match="signs: the first fit has coefficients of 3 classes"):
        adaptive(Logistic(), *rows(classes=3), signs=True)
    assert len(adaptive(Logistic(), *rows(classes=3)).penalty_factor) == 8


def test_relaxed_refuses_what_is_not_of_the_model():
    x, y = rows()
    _, labels = rows(classes=2)
    _, three = rows(classes=3)
    lasso, logistic = Regression().start(x, y).fit(0.3), Logistic().start(x, labels).fit(0.1)
    for other in (x[:, :5], np.hstack([x, x])):
        with pytest.raises(ShapeError, match=rf"relaxed: x is \(60, {other.shape[1]}\); .* fitted on 8 columns"):
            relaxed(Regression(), lasso, other, y)
    with pytest.raises(ValueError, match=r"the model is one of Regression\(...\), the family is Logistic\(...\)"):
        relaxed(Logistic(), lasso, x, labels)
    with pytest.raises(ValueError, match=r"the model is one of Logistic\(...\), the family is Regression\(...\)"):
        relaxed(Regression(), logistic, x, y)
    with pytest.raises(ShapeError, match="the model has one output, y has 3 classes"):
        relaxed(Logistic(), logistic, x, three)
    with pytest.raises(TypeError, match="model is a Regression; need the LinearModel"):
        relaxed(Regression(), Regression(), x, y)
    with pytest.raises(ValueError, match="fitted without an offset; leave offset out"):
        relaxed(Regression(), lasso, x, y, offset=y)
    with pytest.raises(NonFiniteError, match="row 0, column 0 is nan"):
        relaxed(Regression(), lasso, np.where(x == x[0, 0], np.nan, x), y)


def test_a_support_larger_than_the_rows_is_refused():
    x, y = rows(12, 30)
    model = Regression(l1_ratio=0.1).start(x, y).fit(0.1)
    assert model.nonzeros > 12
    with pytest.raises(ValueError, match=rf"support has {model.nonzeros} columns, and 12 rows determine at most 11 .*"):
        relaxed(Regression(), model, x, y)
    with pytest.raises(ValueError, match="12 rows determine at most 12 coefficients without a penalty"):
        relaxed(Regression(fit_intercept=False), model, x, y)
    assert relaxed(Regression(), model, x, y, gamma=1.0) is model


def test_columns_of_the_support_that_depend_on_others_are_told():
    x, y = rows()
    x[:, 3] = x[:, 0]
    model = Regression(l1_ratio=0.5).start(x, y).fit(0.2)
    assert model.coefficients[0] and model.coefficients[3]
    with pytest.warns(ConvergenceWarning, match="relaxed: columns 3 depend on others of the support, so"):
        again = relaxed(Regression(l1_ratio=0.5), model, x, y)
    assert again.coefficients[3] == 0 and "columns 3 depend" in again.trouble


def test_relaxed_keeps_to_bounds_and_offsets():
    x, y = rows()
    family = Regression(upper=[0.5] + [np.inf] * 7)
    model = family.start(x, y).fit(0.2)
    again = relaxed(family, model, x, y)
    assert model.coefficients[0] == again.coefficients[0] == 0.5
    rest = np.flatnonzero(model.coefficients)[1:]
    design = np.column_stack([np.ones(60), x[:, rest]])
    least = np.linalg.lstsq(design, y - 0.5 * x[:, 0], rcond=None)[0]
    assert again.coefficients[rest] == pytest.approx(least[1:], abs=1e-8)
    known = x[:, 0]
    beside = relaxed(Regression(), Regression().start(x, y, offset=known).fit(0.2), x, y, offset=known)
    shifted = relaxed(Regression(), Regression().start(x, y - known).fit(0.2), x, y - known)
    assert beside.coefficients.tolist() == shifted.coefficients.tolist() and beside.offset
    weights = np.arange(60) % 3
    weighted = relaxed(Regression(), model, x, y, weights=weights)
    repeated = relaxed(Regression(), model, np.repeat(x, weights, 0), np.repeat(y, weights))
    assert weighted.coefficients == pytest.approx(repeated.coefficients, abs=1e-10)


def test_models_of_older_files_name_no_family():
    x, y = rows()
    old = dataclasses.replace(Regression().start(x, y).fit(0.3), family="")
    assert relaxed(Regression(), old, x, y).nonzeros == old.nonzeros
