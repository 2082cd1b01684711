"""Activations beyond relu, tanh and sigmoid. Their gradients are finite where they saturate."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor, differentiable
from .choose import above, at_least, clamp, minimum, where
from .compare import gt
from .elementwise import abs, add, div, exp, mul, neg, sigmoid, square
from .functions import normal_cdf

# 1/2 (1 + tanh u) = sigmoid(2 u), so GELU's tanh form is x sigmoid(x (c + d x²)); c = 2 √(2/π), d = 0.044715 c.
GELU_C, GELU_D = 1.5957691216057308, 0.07135481627260025


def _by_sign(x: Tensor, positive: Tensor, other: Tensor) -> Tensor:
    """`positive` where x > 0, `other` where x ≤ 0, NaN where x is."""
    return where(gt(x, 0.0), positive, at_least(other, 0.0, x))


@differentiable(
    input=lambda g, y, input, negative_slope: _by_sign(input, g, mul(negative_slope, g)),
    negative_slope=None,
)
def leaky_relu(input, negative_slope=0.01):
    """y = x where x > 0, else negative_slope x; the gradient at 0 is negative_slope.

    >>> import minigrad as mg
    >>> mg.leaky_relu(mg.tensor([-1, 2]), 0.1)
    tensor([-0.1,  2. ])
    """
    y = K.empty_for(input, 0.0)
    K.mul(negative_slope, input, y)
    K.where(np.greater(input, 0), input, y, y)
    return y


@differentiable(
    input=lambda g, y, input, alpha, width: _by_sign(
        input, g, mul(g, mul(alpha / width, exp(div(minimum(input, 0.0), width))))
    ),
    alpha=None,
    width=None,
)
def exponential_unit(input, alpha, width):
    """y = x where x > 0, else alpha (exp(x / width) - 1)."""
    y = K.empty_for(input, 0.0)
    K.minimum(input, 0.0, y)
    K.div(y, width, y)
    K.expm1(y, y)
    K.mul(alpha, y, y)
    K.where(np.greater(input, 0), input, y, y)
    return y


def elu(input: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha (eˣ - 1).

    >>> import minigrad as mg
    >>> mg.elu(mg.tensor([-1e4, 0, 2]))
    tensor([-1.,  0.,  2.])
    """
    return exponential_unit(input, alpha, 1.0)


def celu(input: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha (exp(x / alpha) - 1): smooth at 0 for every alpha.

    >>> import minigrad as mg
    >>> mg.celu(mg.tensor([-1e4, 0, 2]), alpha=0.5)
    tensor([-0.5,  0. ,  2. ])
    """
    if alpha == 0:
        raise ValueError("celu: alpha is 0; need another number")
    return exponential_unit(input, alpha, alpha)


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """x Φ(x), Φ the normal distribution function; approximate="tanh": x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).

    >>> import minigrad as mg
    >>> mg.gelu(mg.tensor([0, 1])), mg.gelu(mg.tensor([0, 1]), approximate="tanh")
    (tensor([0.       , 0.8413447]), tensor([0.      , 0.841192]))
    """
    if approximate == "none":
        return mul(input, normal_cdf(input))
    if approximate == "tanh":  # the clamp changes nothing but keeps x² finite
        return mul(input, sigmoid(mul(input, add(GELU_C, mul(GELU_D, square(clamp(input, -100.0, 100.0)))))))
    raise ValueError(f"gelu: approximate is {approximate!r}; need 'none' or 'tanh'")


def silu(input: Any) -> Tensor:
    """x / (1 + e⁻ˣ), also known as swish.

    >>> import minigrad as mg
    >>> mg.silu(mg.tensor([-1e4, 0, 20]))
    tensor([-0.,  0., 20.])
    """
    return mul(input, sigmoid(input))


@differentiable(input=lambda g, y, input: mul(g, sigmoid(neg(input))))
def logsigmoid(input):
    """y = ln(1 / (1 + e⁻ˣ)) = -ln(1 + e⁻ˣ), without overflow; within 2 ulp.

    >>> import minigrad as mg
    >>> mg.logsigmoid(mg.tensor([-40, 0]))
    tensor([-40.       ,  -0.6931472])
    """
    y = K.empty_for(input, 0.0)
    K.neg(input, y)
    K.softplus(y, y)
    K.neg(y, y)
    return y


def _softplus_slope(g, x, beta, threshold):
    z = mul(beta, x)
    return where(gt(z, threshold), g, mul(g, sigmoid(z)))


@differentiable(
    input=lambda g, y, input, beta, threshold: _softplus_slope(g, input, beta, threshold), beta=None, threshold=None
)
def softplus(input, beta=1.0, threshold=20.0):
    """y = ln(1 + exp(beta x)) / beta, without overflow; x itself where beta x > threshold.

    >>> import minigrad as mg
    >>> mg.softplus(mg.tensor([-1e4, 0, 30]))
    tensor([ 0.       ,  0.6931472, 30.       ])
    """
    y = K.empty_for(input, 0.0)
    K.mul(beta, input, y)
    large = np.greater(y, threshold)
    K.softplus(y, y)
    K.div(y, beta, y)
    K.where(large, input, y, y)
    return y


@differentiable(input=lambda g, y, input: div(g, square(add(1.0, abs(input)))))
def softsign(input):
    """y = x / (1 + |x|).

    >>> import minigrad as mg
    >>> mg.softsign(mg.tensor([-1, 3]))
    tensor([-0.5 ,  0.75])
    """
    y = K.empty_for(input, 0.0)
    K.abs(input, y)
    K.add(1.0, y, y)
    K.div(input, y, y)
    return y


@differentiable(
    input=lambda g, y, input, min_val, max_val: above(above(g, input, min_val), max_val, input),
    min_val=None,
    max_val=None,
)
def hardtanh(input, min_val=-1.0, max_val=1.0):
    """y = x between min_val and max_val, else the nearer one; the gradient at the bounds is 0 (that of clamp is not).

    >>> import minigrad as mg
    >>> mg.hardtanh(mg.tensor([-3, 0.5, 3]))
    tensor([-1. ,  0.5,  1. ])
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val is {min_val}, max_val is {max_val}; need min_val <= max_val")
    y = K.empty_for(input, 0.0)
    K.maximum(input, min_val, y)
    K.minimum(y, max_val, y)
    return y
