"""Columns and targets of extreme size: the right coefficients, or an error that names the column."""

import numpy as np
import pytest
from linear_model.tables import table, wide

from minigrad import linear_model
from minigrad.errors import NonFiniteError

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize("p", [4, 40])
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("scale", [2.0**530, 2.0**-530])  # about 1e±160: squares leave the range
def test_columns_of_extreme_size_have_the_right_coefficients(rng, p, ratio, standardize, scale):
    """x times c: λ c and l2 c² give coefficients w / c; where l2 can't be that, it vanishes or is refused."""
    x, y = wide(rng, p=p)
    family = linear_model.Regression(ratio, standardize=standardize)
    lam = 0.1 * family.start(x, y).lambda_max() if ratio else 0.1
    plain = family.start(x, y).fit(lam)
    if standardize:
        scaled = family.start(x * scale, y).fit(lam)
    elif ratio == 1:
        solver = family.start(x * scale, y)
        assert solver.lambda_max() == pytest.approx(scale * family.start(x, y).lambda_max(), rel=1e-12)
        scaled = solver.fit(lam * scale)
    elif scale > 1:  # the ridge on such small coefficients is nothing
        plain = family.start(x, y).solve(lam * ratio, 1e-300) if ratio else None
        scaled = family.start(x * scale, y).solve(lam * ratio * scale, 1e-300)
    else:
        with pytest.raises(NonFiniteError, match="column 0 is so small"):
            family.start(x * scale, y).fit(lam)
        return
    if plain is not None:
        np.testing.assert_allclose(scaled.coefficients * scale, plain.coefficients, rtol=1e-8, atol=1e-10)
        assert scaled.intercept == pytest.approx(plain.intercept, rel=1e-9, abs=1e-9)


def test_one_column_of_extreme_size(rng):
    x, y = table(rng)
    scale = np.ones(8)
    scale[1], scale[2] = 2.0**530, 2.0**-530
    plain, scaled = (linear_model.Regression(standardize=True).start(rows, y).fit(0.05) for rows in (x, x * scale))
    np.testing.assert_allclose(scaled.coefficients * scale, plain.coefficients, rtol=1e-9)
    labels = (y > y.mean()).astype(int)
    plain, scaled = (linear_model.Logistic(standardize=True).start(rows, labels).fit(0.05) for rows in (x, x * scale))
    np.testing.assert_allclose(scaled.coefficients * scale, plain.coefficients, rtol=1e-9)
    large = np.column_stack([x, x[:, 0] * 2.0**530])  # an l1 of 0.1 is nothing for the last column
    model = linear_model.Regression().start(large, x[:, 0]).fit(0.1)
    np.testing.assert_allclose(model.coefficients[-1] * 2.0**530, 1.0, rtol=1e-9)


@pytest.mark.parametrize("scale", [2.0**530, 2.0**-530])
def test_targets_of_extreme_size(rng, scale):
    x, y = table(rng)
    for family in (linear_model.Regression(), linear_model.Regression(0.0)):
        lam = 0.1 if family.l1_ratio == 0 else 0.1 * scale
        plain, scaled = family.start(x, y).fit(0.1), family.start(x, y * scale).fit(lam)
        np.testing.assert_allclose(scaled.coefficients / scale, plain.coefficients, rtol=1e-9)
    with pytest.raises(NonFiniteError, match="coefficient of column 0 leaves the range"):
        linear_model.Regression().start(x * 2.0**-530, y * 2.0**530).fit(0.0)
    with pytest.raises(NonFiniteError, match="products with column 0 of x leave the range"):
        linear_model.Regression().start(x * 2.0**530, y * 2.0**530).lambda_max()
