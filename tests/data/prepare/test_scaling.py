"""scaling: the numbers of the training rows shift and scale all rows, also where columns are constant."""

import numpy as np
import pytest

import minigrad.kernels as K
from minigrad.data import Standardizer, standardize
from minigrad.errors import DTypeError, NonFiniteError, ShapeError

X = np.random.default_rng(0).normal([1.0, -50.0, 1e3], [1e-3, 2.0, 1e3], (200, 3))


@pytest.mark.parametrize("backend", ["reference", K.backend()])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-3)])
def test_columns_get_mean_0_and_deviation_1(backend, dtype, tolerance):
    with K.use_backend(backend):
        scale = Standardizer(X.astype(dtype))
        z = scale(X.astype(dtype))
    assert z.dtype == scale.mean.dtype == scale.std.dtype == dtype
    np.testing.assert_allclose(z.mean(0), 0, atol=tolerance * 10)
    np.testing.assert_allclose(z.std(0), 1, rtol=tolerance)
    np.testing.assert_allclose(
        scale.inverse(z), X, rtol=1e-12 if dtype == "float64" else 1e-5, atol=1e-12 if dtype == "float64" else 1e-4
    )


def test_others_are_scaled_by_the_training_rows():
    train, other = standardize(X[:100], X[100:])
    np.testing.assert_allclose(train, (X[:100] - X[:100].mean(0)) / X[:100].std(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other, (X[100:] - X[:100].mean(0)) / X[:100].std(0), rtol=1e-9, atol=1e-9)
    assert standardize(X)[0].shape == X.shape


def test_agrees_with_scikit_learn():
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="needs the extra sklearn")
    oracle = preprocessing.StandardScaler().fit(X)
    scale = Standardizer(X)
    np.testing.assert_allclose(scale.mean, oracle.mean_, rtol=1e-14)
    np.testing.assert_allclose(scale.std, oracle.scale_, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30, -1e-30, 1e300])
def test_a_constant_column_is_shifted_to_zero_and_not_scaled(value):
    x = np.full((7, 2), value)
    x[:, 1] = range(7)
    scale = Standardizer(x)
    assert (scale.mean[0], scale.std[0]) == (value, 1)
    np.testing.assert_array_equal(scale(x)[:, 0], 0)
    assert scale(np.array([[value + 1, 0.0]]))[0, 0] == (value + 1) - value


def test_rows_of_any_shape():
    images = np.arange(24.0).reshape(2, 1, 3, 4)
    scale = Standardizer(images)
    assert scale.mean.shape == (1, 3, 4)
    np.testing.assert_array_equal(scale(images), np.stack([np.full((1, 3, 4), -1.0), np.full((1, 3, 4), 1.0)]))
    assert Standardizer([1.0, 3.0])([5.0]).tolist() == [3.0]
    assert Standardizer(np.array([[0], [2]], np.uint8))([[4]]).dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("power", [1, -1])
def test_squares_may_leave_the_range(dtype, power):
    """The deviation is right where its square is no number of the dtype: 2^±70 of float32, 2^±600 of float64."""
    scale = np.ldexp(np.ones((), dtype), power * (70 if dtype == "float32" else 600))
    x = X.astype(dtype)
    plain, scaled = Standardizer(x), Standardizer(x * scale)
    assert (scaled.std == plain.std * np.where(plain.std == 1, 1, scale)).all()
    np.testing.assert_array_equal(scaled(x * scale), plain(x))


def test_what_cannot_be_centred_is_an_error_with_the_column():
    with pytest.raises(NonFiniteError, match="column 1"), np.errstate(over="ignore"):
        Standardizer(np.array([[1.0, 1.7e308], [2.0, -1.7e308], [3.0, -1.7e308]]))


def test_what_does_not_fit_is_refused():
    scale = Standardizer(X)
    for use in (scale, scale.inverse):
        with pytest.raises(ShapeError, match=r"x is \(4, 2\); it was fitted on rows of shape \(3,\)"):
            use(np.ones((4, 2)))
    with pytest.raises(NonFiniteError, match="row 1, column 0 is nan"):
        Standardizer([[1.0], [np.nan]])
    with pytest.raises(NonFiniteError, match="row 0, column 2 is inf"):
        scale([[0, 1, np.inf]])
    with pytest.raises(ShapeError, match=r"x is \(0, 3\)"):
        Standardizer(np.ones((0, 3)))
    with pytest.raises(DTypeError, match="<U1"):
        Standardizer([["a"]])


def test_integers_that_float32_does_not_hold():
    """Times in seconds differ by less than float32 can tell apart: their column is not a constant."""
    times = np.array([[1_700_000_000], [1_700_000_010], [1_700_000_020]])
    scale = Standardizer(times)
    assert scale.mean.dtype == np.float64 and scale.mean.item() == 1_700_000_010
    np.testing.assert_allclose(scale(times)[:, 0], [-(1.5**0.5), 0.0, 1.5**0.5], rtol=1e-12)
    assert Standardizer(np.array([[2**24], [0]])).mean.dtype == Standardizer(np.eye(2, dtype=bool)).mean.dtype == "f4"
    assert Standardizer(np.array([[-(2**24) - 1], [0]])).mean.dtype == np.float64


def test_one_that_was_kept():
    x = np.array([[1.0, 5.0], [4.0, 5.0], [3.0, 5.0]])
    fitted = Standardizer(x)
    kept = Standardizer.of(fitted.mean, fitted.std)
    assert kept(x).tobytes() == fitted(x).tobytes() and kept.inverse(x).tobytes() == fitted.inverse(x).tobytes()
    with pytest.raises(ShapeError, match="need one dtype and shape"):
        Standardizer.of(fitted.mean, fitted.std[:1])
    for std in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(NonFiniteError, match="not above 0, or not finite"):
            Standardizer.of(fitted.mean, np.array([1.0, std]))
