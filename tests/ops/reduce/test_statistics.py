"""Extremes, statistics and norms: ties, zeros, NaN, infinities, nothing, and what they refuse."""

import itertools
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.insight.gradcheck import gradcheck

pytestmark = pytest.mark.usefixtures("backend")
NAN, INF = math.nan, math.inf


def gradient(function, x):
    """The gradient of the sum of function(x)."""
    x = mg.tensor(x, dtype="float64", requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


def test_max_and_min_have_pytorchs_two_faces():
    x = mg.tensor([[1.0, 5.0, 5.0], [2.0, 2.0, 0.0]])
    assert mg.max(x).item() == 5
    values, indices = mg.max(x, 1)
    assert (values.tolist(), indices.tolist()) == ([5, 2], [1, 0])
    found = x.min(dim=0, keepdim=True)
    assert found.values.tolist() == [[1, 2, 0]]
    assert found.indices.tolist() == [[0, 1, 1]]
    assert indices.dtype == np.int64
    assert mg.max(x, x * 0 + 2.0).tolist() == [[2, 5, 5], [2, 2, 2]]
    assert mg.min(x, x * 0 + 2.0).tolist() == [[1, 2, 2], [2, 2, 0]]


@pytest.mark.parametrize(("along", "over"), [(mg.max, mg.amax), (mg.min, mg.amin)])
def test_the_gradient_of_ties_is_one_in_all(along, over):
    x = [[2.0, 2.0, 2.0], [1.0, 1.0, 1.0]]
    assert gradient(lambda x: along(x, 1).values, x) == [[1, 0, 0], [1, 0, 0]]
    np.testing.assert_allclose(gradient(lambda x: over(x, 1), x), np.full((2, 3), 1 / 3))
    row = 0 if along is mg.max else 1
    np.testing.assert_allclose(gradient(along, x)[row], np.full(3, 1 / 3))
    np.testing.assert_allclose(gradient(lambda x: over(x, (0, 1), True), x)[row], np.full(3, 1 / 3))
    assert gradient(lambda x: over(x), [[1.0, -0.0], [1.0, 0.0]]) in ([[0.5, 0], [0.5, 0]], [[0, 0.5], [0, 0.5]])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers_are_compared_counted_and_multiplied(dtype):
    x = mg.tensor([[0, 1, 1], [1, 0, 0]], dtype=dtype)
    assert mg.max(x).dtype == mg.min(x, 0).values.dtype == np.dtype(dtype)
    assert mg.max(x, 1).indices.tolist() == [1, 0]
    assert mg.min(x, 1, True).indices.tolist() == [[0], [1]]
    assert mg.amin(x, 0).tolist() == [0, 0, 0]
    assert mg.count_nonzero(x, 1).tolist() == [2, 1]
    assert mg.prod(x, 0).dtype == mg.cumsum(x, 0).dtype == np.int64
    assert mg.cumsum(x, 1).tolist() == [[0, 1, 2], [1, 1, 1]]
    assert (mg.any(x).item(), mg.all(x).item()) == (True, False)


@pytest.mark.parametrize("p", [None, 1, 3, 0.5, -1, INF, -INF])
def test_nan_in_nan_out(p):
    powers = [mg.max, mg.min, mg.amax, mg.amin, mg.prod, mg.var, mg.std, lambda x: mg.logsumexp(x, 0)]
    for function in powers if p is None else [lambda x: mg.norm(x, p), lambda x: mg.normalize(x, p, 0).sum()]:
        x = mg.tensor([1.0, NAN, 3.0], requires_grad=True)
        y = function(x)
        y.backward()
        assert np.isnan(y.data)
        assert np.isnan(x.grad.data).any()
    assert np.isnan(mg.cumsum(x, 0).data).tolist() == [False, True, True]
    assert np.isnan(mg.norm(x, 0).data)


def test_indices_name_a_nan():
    x = mg.tensor([1.0, NAN, 3.0, NAN])
    for index in (mg.max(x, 0).indices, mg.min(x, 0).indices, mg.argmax(x), mg.argmin(x)):
        assert index.item() == 1
    assert mg.any(mg.tensor([NAN])).item()


def test_nothing():
    nothing = mg.tensor(np.empty((0, 3)))
    assert mg.prod(nothing, 0).tolist() == [1, 1, 1]
    for y in (mg.sum(nothing, dim=0), mg.norm(nothing, 2, 0), mg.norm(nothing, 3, 0), mg.norm(nothing, 1, 0)):
        assert y.tolist() == [0, 0, 0]
    assert mg.logsumexp(nothing, 0).tolist() == [-INF] * 3
    assert np.isnan(mg.var(nothing, 0).data).all()
    assert mg.cumsum(nothing, 0).shape == (0, 3)
    assert (mg.any(nothing).item(), mg.all(nothing).item()) == (False, True)
    for function, name in itertools.product((mg.max, mg.min, mg.amax, mg.amin, mg.argmax, mg.argmin), (0, None)):
        with pytest.raises(mg.ShapeError, match=f"^{function.__name__}: .* has no elements"):
            function(nothing, name)
    assert mg.max(nothing, 1).values.shape == (0,)


def test_zeros_in_a_product_to_second_order():
    for zeros in ([], [1], [0, 2], [0, 1, 2]):
        x = np.array([2.0, -3.0, 5.0, 7.0])
        x[zeros] = 0
        assert gradcheck(mg.prod, [x])
        others = [math.prod(np.delete(x, i)) for i in range(4)]
        assert gradient(mg.prod, x) == others
        t = mg.tensor(x, requires_grad=True)
        (g,) = (mg.grad(mg.prod(t), t, create_graph=True),)
        hessian = [mg.grad(mg.sum(mg.mul(g, row)), t, retain_graph=True).tolist() for row in np.eye(4)]
        expected = [[0 if i == j else math.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)]
        np.testing.assert_allclose(hessian, expected, rtol=1e-14)


def test_the_third_derivative_of_a_product():
    x = mg.tensor([2.0, 0.0, 5.0], dtype="float64", requires_grad=True)
    y = mg.prod(x)
    for expected in ([0, 10, 0], [5, 7, 2], [2, 2, 2]):
        g = mg.grad(y, x, create_graph=True)
        np.testing.assert_allclose(g.data, expected)
        y = mg.sum(g)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0, 1e4, 1e7, 1e8])
def test_the_variance_of_numbers_with_a_large_mean(dtype, offset):
    x = (np.random.default_rng(2).integers(-50, 50, (1000, 3)) * 8 + offset).astype(dtype)
    exact = x.astype(np.longdouble).var(0, ddof=1).astype(float)
    rtol = 5e-7 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(mg.var(mg.tensor(x), 0).data, exact, rtol=rtol)
    np.testing.assert_allclose(mg.std(mg.tensor(x), 0).data, np.sqrt(exact), rtol=rtol)


def test_variance_of_too_few_and_its_two_spellings():
    x = mg.tensor([[1.0], [4.0]])
    assert np.isnan(mg.var(x, 1).data).all()
    assert mg.var(x, 1, unbiased=False).tolist() == mg.var(x, 1, correction=0).tolist() == [0, 0]
    assert mg.std(x, 0, False, True).tolist() == [[1.5]]
    assert gradient(lambda x: mg.std(x, 0), [2.0, 2.0]) == [0, 0]
    with pytest.raises(TypeError, match="unbiased=False means correction=0"):
        mg.var(x, unbiased=False, correction=2)


def test_logsumexp_at_the_edges():
    for size in (1e4, 1e30):
        x = mg.tensor([size, size, -size], requires_grad=True)
        y = mg.logsumexp(x, 0)
        y.backward()
        assert y.item() == pytest.approx(size + math.log(2), rel=1e-6)
        np.testing.assert_allclose(x.grad.data, [0.5, 0.5, 0])
    assert gradient(lambda x: mg.logsumexp(x, 1), [[-INF, -INF], [-INF, 3.0]]) == [[0, 0], [0, 1]]
    assert mg.logsumexp(mg.tensor([[-INF, -INF], [INF, 3.0]]), 1).tolist() == [-INF, INF]


@pytest.mark.parametrize("p", [2, 1, 0, 0.5, 1.5, 3, INF, -INF, "fro", -1])
def test_the_gradient_of_a_norm_at_zero_is_zero(p):
    assert gradient(lambda x: mg.norm(x, p, 1), [[0.0, 0.0], [0.0, -0.0]]) == [[0, 0], [0, 0]]
    x = mg.tensor([0.0, 0.0], requires_grad=True)
    g = mg.grad(mg.norm(x, p), x, create_graph=True)
    assert np.isfinite(mg.grad(g.sum(), x, allow_unused=True).data if g.requires_grad else 0).all()


def test_the_second_derivative_of_a_norm_beside_a_zero():
    assert gradcheck(mg.norm, [np.array([3.0, 0.0, 4.0])])


@pytest.mark.parametrize("size", [1e-30, 1e30])
@pytest.mark.parametrize("p", [2, 3, 0.5, -2])
def test_norms_stay_in_range(p, size):
    x = np.array([3.0, -4.0]) * size
    expected = np.linalg.norm(x / size, p) * size
    for dtype in ("float32", "float64"):
        np.testing.assert_allclose(mg.norm(mg.tensor(x, dtype=dtype), p).item(), expected, rtol=1e-6)
    slopes = [gradient(lambda x: mg.norm(x, p), y) for y in (x, x / size)]
    np.testing.assert_allclose(*slopes, rtol=1e-9)


def test_norms_of_infinities():
    for p, expected in [(3, np.inf), (2, np.inf), (0.5, np.inf), (-1, 1.0)]:
        assert mg.norm(mg.tensor([-np.inf, 1.0]), p).item() == expected
    assert mg.norm(mg.tensor([np.inf, -np.inf]), 3).item() == np.inf


def test_normalize_and_cosine_of_zero_vectors():
    assert gradient(lambda x: mg.normalize(x, eps=0.5), [[0.0, 0.0]]) == [[2, 2]]
    assert mg.cosine_similarity(mg.tensor([[0.0, 0.0]]), mg.tensor([[1.0, 2.0]])).tolist() == [0]
    a, b = np.array([1.0, 2.0]), np.array([[3.0, -1.0]] * 2)
    assert gradcheck(lambda a, b: mg.cosine_similarity(a, b, dim=-1), [a, b])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: mg.max(x, (0, 1)), mg.ShapeError, "max: dim is .* amax takes several"),
        (lambda x: mg.min(x, 2), mg.ShapeError, "min: dim 2 is outside"),
        (lambda x: mg.argmin(x, 3), mg.ShapeError, "argmin: dim 3"),
        (lambda x: mg.prod(x, (0, 0)), mg.ShapeError, "prod: .* twice"),
        (lambda x: mg.cumsum(x, None), mg.ShapeError, "cumsum: dim is None"),
        (lambda x: mg.norm(x, "nuc"), ValueError, "norm: p is 'nuc'"),
        (lambda x: mg.norm(x.long()), mg.DTypeError, r"norm: .*float\(\)"),
        (lambda x: mg.var(x.long()), mg.DTypeError, "var: a tensor is int64"),
        (lambda x: mg.logsumexp(x.long(), 0), mg.DTypeError, "logsumexp: a tensor is int64"),
        (lambda x: mg.cosine_similarity(x, mg.tensor([1.0, 2.0, 3.0])), mg.ShapeError, "cosine_similarity: x1 is"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))


def test_arrays_and_scalars_are_taken():
    assert mg.max(np.array([1.0, 2.0])).item() == 2
    assert mg.prod(3.0).item() == mg.norm(-3.0).item() == mg.amax(3.0).item() == 3
    assert np.isnan(mg.std(3.0).item())


REDUCTIONS = {
    "sum": mg.sum,
    "mean": mg.mean,
    "prod": mg.prod,
    "var": mg.var,
    "std": mg.std,
    "amax": mg.amax,
    "amin": mg.amin,
    "any": mg.any,
    "all": mg.all,
    "count_nonzero": mg.count_nonzero,
    "logsumexp": mg.logsumexp,
    **{f"norm {p}": lambda x, p=p, **o: mg.norm(x, p, **o) for p in (0, 0.5, 1, 2, 3, -1, np.inf, -np.inf)},
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("none", [(), []])
def test_no_dimensions_are_all_of_them(name, none):
    f, x = REDUCTIONS[name], np.arange(1.0, 13.0).reshape(2, 3, 2) / 7
    for array in (x, x[0, 0, 0], x[0]):
        every = tuple(range(array.ndim))
        for keepdim in (False, True) if name != "count_nonzero" else (False,):
            options = {"keepdim": keepdim} if name != "count_nonzero" else {}
            a, b = mg.tensor(array, requires_grad=True), mg.tensor(array, requires_grad=True)
            y, expected = f(a, dim=none, **options), f(b, dim=every, **options)
            assert y.shape == expected.shape == ((1,) * array.ndim if keepdim else ())
            np.testing.assert_array_equal(y.data, expected.data)
            if y.requires_grad:
                y.sum().backward()
                expected.sum().backward()
                np.testing.assert_array_equal(a.grad.data, b.grad.data)
    if name in ("sum", "mean", "prod", "amax", "amin", "any", "all"):
        i = mg.tensor([[1, 2], [3, 4]], dtype="int64")
        assert f(i, dim=none).shape == () and f(i, dim=none).item() == f(i).item()


def test_squeeze_and_flip_of_no_dimensions_change_nothing():
    x = mg.tensor(np.arange(3.0).reshape(1, 3))
    assert mg.squeeze(x, ()).shape == (1, 3) and mg.flip(x, ()).tolist() == x.tolist()


@pytest.mark.parametrize("p", [-0.5, -1, -2, -3])
def test_a_zero_makes_norms_of_negative_order_zero(p):
    for x in ([0.0, 3.0], [0.0, -2.0, 3.0], [0.0, 0.0]):
        t = mg.tensor(x, dtype="float64", requires_grad=True)
        y = mg.norm(t, p)
        y.backward()
        assert y.item() == 0 and t.grad.tolist() == [0] * len(x)
    gradcheck(lambda x: mg.norm(x, p), [np.array([1.0, -2.0, 3.0])])


def test_norms_of_elements_far_apart():
    """An element whose share of the norm underflows, or of an infinite norm, has no slope for p > 1."""
    x = mg.tensor([1e200, 1e-200], dtype="float64", requires_grad=True)
    assert mg.grad(mg.norm(x, 3), x).tolist() == [1, 0]
    x = mg.tensor([np.inf, 1.0], dtype="float64", requires_grad=True)
    assert mg.norm(x, 3).item() == np.inf and mg.grad(mg.norm(x, 3), x).tolist()[1] == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logsumexp_beside_infinities(dtype):
    inf, nan = np.inf, np.nan
    for numbers, value, slopes in [
        ([inf, 1.0], inf, [nan, 0]),
        ([inf, -inf], inf, [nan, 0]),
        ([inf, inf], inf, [nan, nan]),
        ([-inf, 1.0], 1, [0, 1]),
        ([-inf, -inf], -inf, [0, 0]),
        ([nan, 1.0], nan, [nan, nan]),
        ([1e30, 1e30], 1e30, [0.5, 0.5]),
    ]:
        x = mg.tensor(numbers, dtype=dtype, requires_grad=True)
        y = mg.logsumexp(x, 0)
        np.testing.assert_allclose(y.data, value, rtol=1e-6)
        y.backward()
        np.testing.assert_array_equal(x.grad.data, slopes)
