"""Activations: finite where they saturate, NaN for NaN, the documented slope at kinks, and the layers made of them."""

import numpy as np
import pytest
from ops.slopes import check, gradients

import minigrad as mg
from minigrad import nn

pytestmark = pytest.mark.usefixtures("backend")
both = pytest.mark.parametrize("dtype", ["float32", "float64"])
FAR = [-1e4, 1e4, -1e30, 1e30]
SATURATED = {  # function -> its values and slopes at FAR
    "elu": ([-1, 1e4, -1, 1e30], [0, 1, 0, 1]),
    "celu": ([-1, 1e4, -1, 1e30], [0, 1, 0, 1]),
    "gelu": ([0, 1e4, 0, 1e30], [0, 1, 0, 1]),
    "silu": ([0, 1e4, 0, 1e30], [0, 1, 0, 1]),
    "softplus": ([0, 1e4, 0, 1e30], [0, 1, 0, 1]),
    "logsigmoid": ([-1e4, 0, -1e30, 0], [1, 0, 1, 0]),
    "softsign": ([-1, 1, -1, 1], [1e-8, 1e-8, 0, 0]),
    "hardtanh": ([-1, 1, -1, 1], [0, 0, 0, 0]),
    "leaky_relu": ([-100, 1e4, -1e28, 1e30], [0.01, 1, 0.01, 1]),
}
NAMES = [*SATURATED, "gelu_tanh"]


def function(name):
    return (lambda x: mg.gelu(x, approximate="tanh")) if name == "gelu_tanh" else getattr(mg, name)


@both
@pytest.mark.parametrize("name", NAMES)
def test_finite_where_it_saturates(name, dtype):
    values, slopes = SATURATED[name.removesuffix("_tanh")]
    y, dy = gradients(function(name), FAR, dtype=dtype)
    np.testing.assert_allclose(y, np.array(values, dtype), rtol=2e-4)
    np.testing.assert_allclose(dy, slopes, rtol=3e-4, atol=1e-30)
    x = mg.tensor(FAR, dtype=dtype, requires_grad=True)
    (g,) = mg.grad(mg.sum(function(name)(x)), [x], create_graph=True)
    if g.requires_grad:
        assert np.isfinite(mg.grad(mg.sum(g), x).data).all()


@both
@pytest.mark.parametrize("name", NAMES)
def test_nan_and_empty(name, dtype):
    y, dy = gradients(function(name), [np.nan, 0.5], dtype=dtype)
    assert np.isnan(y[0]) and np.isnan(dy[0])
    assert np.isfinite(y[1]) and np.isfinite(dy[1])
    assert function(name)(mg.tensor(np.empty((0, 3), dtype))).shape == (0, 3)


@both
def test_slopes_at_kinks(dtype):
    zero = [0.0, -0.0]
    check(gradients(lambda x: mg.leaky_relu(x, 0.25), zero, dtype=dtype), [0, 0], [0.25, 0.25])
    check(gradients(lambda x: mg.elu(x, 0.25), zero, dtype=dtype), [0, 0], [0.25, 0.25])
    check(gradients(lambda x: mg.celu(x, 0.25), zero, dtype=dtype), [0, 0], [1, 1])
    check(gradients(mg.hardtanh, [-1.0, 1.0, 0.5], dtype=dtype), [-1, 1, 0.5], [0, 0, 1])
    check(gradients(mg.softplus, [20.0, 20.5], dtype=dtype)[0][1:], 20.5)


@both
def test_small_values_keep_their_digits(dtype):
    """Where 1 + e rounds to 1: relative accuracy, not 0."""
    x, rtol = [-30.0, -60.0], 1e-6 if dtype == "float32" else 1e-14
    e = np.exp(np.array(x))
    y = np.log1p(e)
    for op, at, expected in (mg.softplus, x, y), (mg.logsigmoid, [30.0, 60.0], -y), (mg.elu, [-1e-20], [-1e-20]):
        np.testing.assert_allclose(gradients(op, at, dtype=dtype)[0], expected, rtol=rtol)
    np.testing.assert_allclose(gradients(mg.elu, x, dtype=dtype)[1], e, rtol=rtol)


def test_layers_are_the_functions():
    x = mg.tensor([-3.0, -0.5, 0.5, 30.0])
    for layer, expected, text in [
        (nn.LeakyReLU(0.2), mg.leaky_relu(x, 0.2), "LeakyReLU(negative_slope=0.2)"),
        (nn.ELU(0.5), mg.elu(x, 0.5), "ELU(alpha=0.5)"),
        (nn.CELU(0.5), mg.celu(x, 0.5), "CELU(alpha=0.5)"),
        (nn.GELU(), mg.gelu(x), "GELU(approximate='none')"),
        (nn.GELU("tanh"), mg.gelu(x, "tanh"), "GELU(approximate='tanh')"),
        (nn.SiLU(), mg.silu(x), "SiLU()"),
        (nn.Hardtanh(-0.2, 0.2), mg.hardtanh(x, -0.2, 0.2), "Hardtanh(min_val=-0.2, max_val=0.2)"),
        (nn.Softplus(2, 3), mg.softplus(x, 2, 3), "Softplus(beta=2, threshold=3)"),
        (nn.Softsign(), mg.softsign(x), "Softsign()"),
        (nn.LogSigmoid(), mg.logsigmoid(x), "LogSigmoid()"),
    ]:
        assert layer(x).tolist() == expected.tolist()
        assert repr(layer) == text
        assert layer.parameters() == []


def test_bad_arguments():
    x = mg.tensor([1.0])
    for call, match in [
        (lambda: mg.gelu(x, "fast"), "'fast'; need 'none' or 'tanh'"),
        (lambda: nn.GELU(approximate="x"), "GELU: "),
        (lambda: mg.hardtanh(x, 1, -1), "min_val <= max_val"),
        (lambda: nn.Hardtanh(1, 1), "min_val < max_val"),
        (lambda: mg.celu(x, 0), "alpha is 0"),
    ]:
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(mg.DTypeError, match=r"softplus: .*int64.*\.float\(\)"):
        mg.softplus(mg.tensor([1], dtype="int64"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softsign_at_infinities(dtype):
    x = mg.tensor([np.inf, -np.inf, np.finfo(dtype).max, 0.0, -0.0, np.nan, 1e10], dtype=dtype, requires_grad=True)
    y = mg.softsign(x)
    np.testing.assert_array_equal(y.data[:6], [1, -1, 1, 0, 0, np.nan])
    g = mg.grad(y.sum(), x, create_graph=True)
    np.testing.assert_array_equal(g.data[:6], [0, 0, 0, 1, 1, np.nan])
    assert g.data[6] == pytest.approx(1e-20, rel=1e-6)
    np.testing.assert_array_equal(mg.grad(g.sum(), x).data[:5], np.zeros(5))
