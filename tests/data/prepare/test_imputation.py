"""Means in place of gaps, by what the training rows say."""

import numpy as np
import pytest

from minigrad.data import MeanImputer
from minigrad.errors import NonFiniteError, ShapeError


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaps_get_the_means_of_the_fitted_rows(rng, dtype):
    x = rng.standard_normal((50, 3)).astype(dtype)
    x[::5, 0] = x[3:9, 2] = np.nan
    fill = MeanImputer(x)
    np.testing.assert_allclose(fill.mean, np.nanmean(x.astype(np.float64), 0), rtol=1e-6)
    filled = fill(x)
    assert filled.dtype == dtype and (filled[~np.isnan(x)] == x[~np.isnan(x)]).all()
    assert (filled[::5, 0] == fill.mean[0]).all() and np.isnan(x[0, 0])
    assert (fill(np.full((2, 3), np.nan)) == fill.mean).all()


def test_what_is_refused():
    with pytest.raises(NonFiniteError, match="column 1 has no number"):
        MeanImputer([[1.0, np.nan], [2.0, np.nan]])
    with pytest.raises(NonFiniteError, match="row 0, column 0 is inf"):
        MeanImputer([[1.0], [2.0]])([[np.inf]])
    with pytest.raises(ShapeError, match="fitted on 1 columns"):
        MeanImputer([[1.0], [2.0]])([[1.0, 2.0]])
    with pytest.raises(ShapeError, match="need rows and columns"):
        MeanImputer([1.0, 2.0])


def test_integers_that_float32_does_not_hold():
    assert MeanImputer([[2**24 + 1], [2**24 + 3]]).mean.tolist() == [2.0**24 + 2]
    assert MeanImputer([[1], [2]]).mean.dtype == np.float32


def test_one_that_was_kept():
    x = np.array([[1.0, np.nan], [4.0, 5.0]])
    fitted = MeanImputer(x)
    assert MeanImputer.of(fitted.mean)(x).tobytes() == fitted(x).tobytes()
    with pytest.raises(ShapeError, match="need a number for each column"):
        MeanImputer.of([[1.0]])
    with pytest.raises(NonFiniteError):
        MeanImputer.of([np.nan])
