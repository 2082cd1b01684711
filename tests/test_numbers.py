"""The right number or an exception: one test for each fault that numerical code is known for, on both backends."""

import math
import warnings

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
REALS = pytest.mark.parametrize("dtype", ["float32", "float64"])
NAN, INF = math.nan, math.inf
SURE = 4.248354255291589e-18  # log(1 + exp(-40)) and sigmoid(-40), to 16 digits


def value_and_gradient(function, x, dtype="float64"):
    """function(x) and the gradient of its sum, as arrays."""
    x = mg.tensor(x, dtype=dtype, requires_grad=True)
    y = function(x)
    y.sum().backward()
    return y.data, x.grad.data


@REALS
def test_a_nan_comes_out_of_what_it_goes_into(dtype):
    """Not `x > 0 ? x : 0`, nor a maximum that skips NaN, nor sign(NaN) = 0 that hides it in an L1 gradient."""
    x = [1.0, NAN, -2.0]
    for function in (
        mg.relu,
        mg.abs,
        mg.sign,
        mg.square,
        mg.exp,
        mg.tanh,
        mg.sigmoid,
        mg.softplus,
        mg.elu,
        mg.gelu,
        mg.silu,
        lambda x: mg.clamp(x, -3, 3),
        lambda x: mg.maximum(x, -3.0),
        lambda x: mg.minimum(x, 3.0),
    ):
        y, g = value_and_gradient(function, x, dtype)
        assert np.isnan(y).tolist() == [False, True, False]
        assert np.isnan(g).tolist() == [False, function is not mg.sign, False]  # the gradient of sign is 0 everywhere
    for function in (
        mg.max,
        mg.min,
        mg.amax,
        mg.amin,
        mg.std,
        mg.var,
        mg.norm,
        lambda x: mg.logsumexp(x, 0),
        lambda x: mg.softmax(x),
        lambda x: mg.log_softmax(x),
        lambda x: mg.elastic_net(x, l1=1.0),
        lambda x: mg.elastic_net(x, l2=1.0),
        lambda x: mg.l1_loss(x, [0.0, 0.0, 0.0]),
        lambda x: mg.mse_loss(x, [0.0, 0.0, 0.0]),
        lambda x: mg.huber_loss(x, [0.0, 0.0, 0.0]),
    ):
        y, g = value_and_gradient(function, x, dtype)
        assert np.isnan(y).all()
        assert np.isnan(g[1])
    for function in (mg.sum, mg.mean, mg.prod, lambda x: mg.cumsum(x, 0)):  # their gradients do not depend on x[1]
        assert np.isnan(value_and_gradient(function, x, dtype)[0]).any()


@REALS
def test_zero_times_infinity_in_a_product_of_matrices(dtype):
    """No zero is skipped."""
    for n in (1, 3):
        a, b = np.zeros((2, 2)), np.full((2, n), INF)
        assert np.isnan(mg.matmul(mg.tensor(a, dtype=dtype), mg.tensor(b, dtype=dtype)).data).all()


@REALS
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_large_logits_do_not_overflow(size, dtype):
    x = [[size, 0.0, -size], [size, size, size]]
    p, g = value_and_gradient(mg.softmax, x, dtype)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    assert np.isfinite(g).all()
    for function in (
        mg.log_softmax,
        lambda x: mg.logsumexp(x, 1),
        lambda x: mg.cross_entropy(x, [1, 2]),
        lambda x: mg.cross_entropy(x, [1, 2], weight=[1, 2, 3], label_smoothing=0.1),
        lambda x: mg.nll_loss(mg.log_softmax(x), [1, 2]),
        lambda x: mg.softmax_focal_loss(x, [1, 2]),
        lambda x: mg.binary_cross_entropy_with_logits(x, np.ones((2, 3)), pos_weight=2.0),
    ):
        assert all(np.isfinite(array).all() for array in value_and_gradient(function, x, dtype))


@REALS
def test_a_logit_of_minus_infinity_is_a_probability_of_zero(dtype):
    """Its gradient is 0; a row of nothing else has no distribution: NaN."""
    x = [[0.0, -INF, 0.0]]
    assert value_and_gradient(mg.softmax, x, dtype)[0].tolist() == [[0.5, 0, 0.5]]
    for function in (
        lambda x: mg.cross_entropy(x, [0]),
        lambda x: mg.cross_entropy(x, [0], weight=[1, 2, 3]),
        lambda x: mg.cross_entropy(x, [[0.5, 0.0, 0.5]]),
        lambda x: mg.logsumexp(x, 1),
        lambda x: mg.nll_loss(mg.log_softmax(x), [2]),
        lambda x: mg.softmax_focal_loss(x, [0]),
    ):
        y, g = value_and_gradient(function, x, dtype)
        assert np.isfinite(y).all()
        assert np.isfinite(g).all()
        assert g[0, 1] == 0
    assert np.isnan(mg.softmax(mg.tensor([[-INF, -INF]], dtype=dtype)).data).all()
    y, g = value_and_gradient(lambda x: mg.logsumexp(x, 1), [[-INF, -INF]], dtype)
    assert (y.tolist(), g.tolist()) == ([-INF], [[0, 0]])


@REALS
def test_a_sure_and_right_answer_keeps_its_digits(dtype):
    """(1 - t) x - log sigmoid(x) cancels to 0 at 40."""
    x = [40.0, -40.0]
    for function in (
        lambda x: mg.bce_with_logits(x, [1, 0], reduction="none"),
        lambda x: mg.binary_cross_entropy_with_logits(x, [1, 0], pos_weight=1.0, reduction="none"),
        lambda x: mg.soft_margin_loss(x, [1, -1], reduction="none"),
        lambda x: mg.sigmoid_focal_loss(x, [1, 0], alpha=-1, gamma=0),
    ):
        y, g = value_and_gradient(function, x, dtype)
        np.testing.assert_allclose(y, [SURE, SURE], rtol=1e-6)
        np.testing.assert_allclose(g, [-SURE, SURE], rtol=1e-6)


@REALS
def test_saturated_functions_have_finite_gradients(dtype):
    """Nothing infinite is multiplied with 0."""
    for size in (40.0, 1e4, 1e30):
        for function in (mg.elu, mg.celu, mg.gelu, mg.softplus, mg.logsigmoid, mg.silu, mg.sigmoid, mg.tanh, mg.relu):
            assert np.isfinite(value_and_gradient(function, [size, -size], dtype)[1]).all()
    for function in (mg.sigmoid, mg.tanh, mg.relu):
        assert np.isfinite(value_and_gradient(function, [INF, -INF], dtype)[1]).all()


@REALS
def test_subgradients_at_kinks(dtype):
    """An element of the subdifferential; 0 for penalties, so that zero weights stay zero."""
    zero = [[0.0, -0.0], [0.0, 0.0]]
    for function in (
        mg.abs,
        mg.relu,
        mg.norm,
        mg.std,
        lambda x: mg.norm(x, 1),
        lambda x: mg.norm(x, 3),
        lambda x: mg.norm(x, INF),
        lambda x: mg.norm(x, dim=1),
        lambda x: mg.norm(x, dim=0, keepdim=True),
        lambda x: mg.l1_loss(x, zero),
        lambda x: mg.elastic_net(x, l1=1.0, l2=1.0),
        lambda x: mg.huber_loss(x, zero),
    ):
        assert (value_and_gradient(function, zero, dtype)[1] == 0).all()
    groups = value_and_gradient(lambda x: mg.norm(x, dim=1), [[0.0, 0.0], [3.0, 4.0]], dtype)[1]
    np.testing.assert_allclose(groups, [[0, 0], [0.6, 0.8]], rtol=1e-6)


@REALS
def test_the_root_of_a_sum_of_squares_is_a_norm(dtype):
    """An element of the subdifferential at 0, where the root alone has an infinite slope."""
    x = [[0.0, 0.0], [3.0, 4.0]]
    for root in (
        lambda x: mg.norm(x, dim=1),
        lambda x: mg.sqrt(mg.sum(x * x, dim=1)),
        lambda x: (x**2).sum(1, True).sqrt(),
        lambda x: mg.square(x).sum(dim=1).sqrt(),
    ):
        y, g = value_and_gradient(root, x, dtype)
        assert y.ravel().tolist() == [0, 5]
        np.testing.assert_allclose(g, [[0, 0], [0.6, 0.8]], rtol=1e-6)
        assert np.isnan(value_and_gradient(root, [[NAN, 0.0]], dtype)[1][0, 0])
    assert np.isinf(value_and_gradient(lambda x: mg.sqrt(mg.sum(x, dim=1)), x, dtype)[1][0]).all()


@REALS
def test_the_gradients_of_ties_add_up_to_one(dtype):
    x = [2.0, 2.0, 1.0, 2.0]
    for function in (mg.max, mg.amax, lambda x: mg.max(x, 0).values, lambda x: mg.norm(x, INF)):
        assert value_and_gradient(function, x, dtype)[1].sum() == pytest.approx(1)
    for function in (mg.min, mg.amin, lambda x: mg.min(x, 0).values):
        g = value_and_gradient(function, [1.0, 1.0], dtype)[1]
        assert g.sum() == 1
        assert (g >= 0).all()
    for function in (mg.maximum, mg.minimum):
        assert value_and_gradient(lambda x, f=function: f(x, x), [3.0], dtype)[1].tolist() == [1]


@REALS
def test_the_edges_of_sqrt_and_log_are_not_clipped(dtype):
    y, g = value_and_gradient(mg.sqrt, [0.0, -1.0, 4.0], dtype)
    np.testing.assert_array_equal(y, [0, NAN, 2])
    np.testing.assert_array_equal(g, [INF, NAN, 0.25])
    y, g = value_and_gradient(mg.log, [0.0, -1.0, 1.0], dtype)
    np.testing.assert_array_equal(y, [-INF, NAN, 0])
    np.testing.assert_array_equal(g, [INF, -1, 1])


@REALS
def test_powers_of_zero_and_of_negative_numbers(dtype):
    """Not NaN from the logarithm of the base."""
    for exponent, x, values, slopes in [
        (2, [0.0, -3.0], [0, 9], [0, -6]),
        (3, [-2.0, 0.0], [-8, 0], [12, 0]),
        (0, [0.0, -2.0], [1, 1], [0, 0]),
        (1, [0.0, -2.0], [0, -2], [1, 1]),
        (0.5, [4.0, 0.0], [2, 0], [0.25, INF]),
        (-1, [-2.0], [-0.5], [-0.25]),
    ]:
        y, g = value_and_gradient(lambda x, p=exponent: x**p, x, dtype)
        assert (y.tolist(), g.tolist()) == (values, slopes)
    assert np.isnan((mg.tensor([-1.0], dtype=dtype) ** 0.5).data)
    y, g = value_and_gradient(lambda p: mg.pow(0.0, p), [0.0, 2.0], dtype)
    assert y.tolist() == [1, 0]
    assert np.isfinite(g[1])
    base = mg.tensor([0.0, 0.0], dtype=dtype, requires_grad=True)
    mg.pow(base, mg.tensor([0.0, 2.0], dtype=dtype)).sum().backward()
    assert base.grad.tolist() == [0, 0]


@REALS
def test_a_product_with_zeros_is_not_divided_by_them(dtype):
    for x, expected in [([0.0, 3.0, 4.0], [12, 0, 0]), ([0.0, 3.0, 0.0], [0, 0, 0]), ([2.0, 3.0, 4.0], [12, 8, 6])]:
        assert value_and_gradient(mg.prod, x, dtype)[1].tolist() == expected
    assert mg.testing.gradcheck(mg.prod, [np.array([0.0, 3.0, 0.0, 2.0])])


def test_sums_of_a_million_do_not_drift():
    x = np.full(3_000_000, 0.1, np.float32)
    exact = float(np.float32(0.1))
    assert mg.mean(mg.from_numpy(x)).item() == pytest.approx(exact, rel=1e-7)
    assert mg.sum(mg.from_numpy(x)).item() == pytest.approx(3_000_000 * exact, rel=1e-7)
    assert mg.cumsum(mg.from_numpy(x), 0).data[-1] == pytest.approx(3_000_000 * exact, rel=1e-7)
    assert mg.norm(mg.from_numpy(x)).item() == pytest.approx(exact * math.sqrt(3_000_000), rel=1e-7)
    columns = mg.sum(mg.from_numpy(x.reshape(-1, 3)), dim=0).data
    np.testing.assert_allclose(columns, 1_000_000 * exact, rtol=1e-7)


@REALS
@pytest.mark.parametrize("mean", [1e4, 1e8])
def test_a_variance_survives_a_large_mean(mean, dtype):
    """E[x²] - E[x]² has no digit left."""
    x = (mean + 8 * np.arange(100)).astype(dtype)
    exact = 64 * (100**2 - 1) / 12
    assert mg.var(mg.from_numpy(x), correction=0).item() == pytest.approx(exact, rel=1e-6)
    assert mg.std(mg.from_numpy(x), correction=0).item() == pytest.approx(math.sqrt(exact), rel=1e-6)


@REALS
def test_denormals_are_numbers(dtype):
    """Kernels keep them; only the updates of optimizers flush, by thresholds that they state."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = mg.from_numpy(np.array([4 * tiny, tiny], dtype))
    assert (x + x).tolist() == [8 * tiny, 2 * tiny]
    assert (x * 0.5).tolist() == [2 * tiny, 0]
    assert (mg.relu(x).tolist(), (-x).tolist(), mg.max(x).item()) == (x.tolist(), [-4 * tiny, -tiny], 4 * tiny)
    assert mg.sum(x).item() == 5 * tiny
    assert mg.matmul(x.reshape(1, 2), mg.tensor([[1.0], [1.0]], dtype=dtype)).item() == 5 * tiny
    assert mg.kernels.runtime is None or mg.kernels.runtime.denormals_kept()
    w = mg.nn.Parameter([1.0], dtype=dtype)
    optimizer = mg.optim.Adam([w])
    w.grad = mg.from_numpy(np.array([tiny], dtype))
    optimizer.step()
    assert w.item() == 1


def test_dtypes_promote_as_documented():
    """A Python number does not widen float32; gradients have the dtype of their leaf; what is not taken is refused."""
    single, double = mg.tensor([1.0], requires_grad=True), mg.tensor([1.0], dtype="float64", requires_grad=True)
    for number in (2, 2.5, True, np.float64(2.5), np.int64(3)):
        assert (single * number).dtype == np.float32
        assert (number + double).dtype == np.float64
    y = single * double
    assert y.dtype == np.float64
    y.backward()
    assert (single.grad.dtype, double.grad.dtype) == (np.float32, np.float64)
    integers = mg.tensor([1, 2], dtype="int64")
    assert (mg.sum(integers).dtype, mg.mean(integers).dtype) == (np.int64, np.float32)
    assert (mg.prod(integers).dtype, mg.max(integers).dtype) == (np.int64, np.int64)
    for call in (
        lambda: integers * 2,
        lambda: mg.tensor(np.float16([1])),
        lambda: mg.tensor([1j]),
        lambda: mg.exp(integers),
        lambda: mg.matmul(mg.tensor([[1.0]]), mg.tensor([[1.0]], dtype="float64")),
        lambda: mg.norm(integers),
        lambda: mg.var(integers),
        lambda: mg.l1_loss(integers, [1, 2]),
    ):
        with pytest.raises(mg.DTypeError), warnings.catch_warnings():
            warnings.simplefilter("error")
            call()


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_an_integer_leaf_has_no_gradient(dtype):
    with pytest.raises(mg.DTypeError, match="only float32 and float64 have gradients"):
        mg.tensor([1], dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "uint32"])
def test_an_op_takes_arrays_of_small_integers(dtype):
    """No tensor has these dtypes; beside a tensor the numbers are taken all the same."""
    x = mg.tensor([1.5, 2.5])
    y = mg.add(x, np.array([1, 2], dtype))
    assert y.dtype == np.float32 and y.tolist() == [2.5, 4.5]
    assert mg.eq(np.array([1, 2], dtype), np.array([1, 3], dtype)).tolist() == [True, False]
