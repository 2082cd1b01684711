"""Activations beyond relu, tanh and sigmoid. Their gradients are finite where they saturate."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable, flat
from ..shape.broadcast import match
from .arithmetic import abs, add, div, mul, neg, square, sub
from .exponential import BY_ROOT_2_PI, exp
from .fused_activations import relu_grad, sigmoid
from .where import above, at_least, clamp, minimum

# 1/2 (1 + tanh u) = sigmoid(2 u), so GELU's tanh form is x sigmoid(x (c + d x²)); c = 2 √(2/π), d = 0.044715 c.
GELU_C, GELU_D = 1.5957691216057308, 0.07135481627260025


def _by_sign(x: Tensor, positive: Tensor, other: Tensor) -> Tensor:
    """`positive` where x > 0, `other` where x ≤ 0, NaN where x is."""
    return add(relu_grad(positive, x), at_least(other, 0.0, x))


@differentiable(input=flat, negative_slope=None)
def leaky_slope(input, negative_slope):
    """y = 1 where x > 0, negative_slope where x ≤ 0, NaN where x is."""
    y = K.empty_for(input, 0.0)
    K.leaky_slope(input, negative_slope, y)
    return y


@differentiable(
    input=lambda g, y, input, negative_slope: mul(g, leaky_slope(input, negative_slope)),
    negative_slope=None,
)
def leaky_relu(input, negative_slope=0.01):
    """y = x where x > 0, else negative_slope x; the gradient at 0 is negative_slope.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.leaky_relu(mg.tensor([-1, 2]), 0.1)
    tensor([-0.1,  2. ])
    """
    y = K.empty_for(input, 0.0)
    K.leaky_relu(input, negative_slope, y)
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
    positive = K.empty_for(input, 0.0)
    K.relu(input, positive)
    K.add(positive, y, y)  # one of the two is 0
    return y


def elu(input: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha (eˣ - 1).

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.elu(mg.tensor([-1e4, 0, 2]))
    tensor([-1.,  0.,  2.])
    """
    return exponential_unit(input, alpha, 1.0)


def celu(input: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha (exp(x / alpha) - 1): smooth at 0 for every alpha.

    ValueError for an alpha of 0.

    >>> import minigrad as mg
    >>> mg.celu(mg.tensor([-1e4, 0, 2]), alpha=0.5)
    tensor([-0.5,  0. ,  2. ])
    """
    if alpha == 0:
        raise ValueError("celu: alpha is 0; need another number")
    return exponential_unit(input, alpha, alpha)


def _gelu_curve(x):
    """The second derivative of GELU, φ(x) (2 - x²). The clamp keeps x² finite; beyond ±40 the result is 0 anyway."""
    square_x = square(clamp(x, -40.0, 40.0))
    return mul(mul(BY_ROOT_2_PI, exp(mul(-0.5, square_x))), sub(2.0, square_x))


def _gelu_tanh_curve(x):
    """The second derivative of x s(u), u = x (c + d x²): s (1 - s) (2 u' + x ((1 - 2 s) u'² + 6 d x))."""
    x = clamp(x, -100.0, 100.0)
    square_x = square(x)
    s = sigmoid(mul(x, add(GELU_C, mul(GELU_D, square_x))))
    slope = add(GELU_C, mul(3 * GELU_D, square_x))
    bend = add(mul(sub(1.0, mul(2.0, s)), square(slope)), mul(6 * GELU_D, x))
    return mul(mul(s, sub(1.0, s)), add(mul(2.0, slope), mul(x, bend)))


def _gelu_form(approximate, by_erf, by_tanh):
    """The one of the two forms of GELU that `approximate` names; ValueError for another name."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate is {approximate!r}; need 'none' or 'tanh'")
    return by_tanh if approximate == "tanh" else by_erf


@differentiable(
    g=lambda gg, z, g, x, *, approximate: match(gelu_grad(gg, x, approximate=approximate), g),
    x=lambda gg, z, g, x, *, approximate: match(
        mul(mul(gg, g), _gelu_form(approximate, _gelu_curve, _gelu_tanh_curve)(x)), x
    ),
)
def gelu_grad(g, x, *, approximate="none"):
    """z = g (Φ(x) + x φ(x)), φ = Φ'; for "tanh": g (s + x s (1 - s) u'), s = sigmoid(u), u = x (c + d x²)."""
    z = K.empty_for(g, x)
    _gelu_form(approximate, K.gelu_grad, K.gelu_tanh_grad)(g, x, z)
    return z


@differentiable(input=lambda g, y, input, *, approximate: gelu_grad(g, input, approximate=approximate))
def gelu(input, *, approximate="none"):
    """x Φ(x), Φ the normal distribution function; approximate="tanh": x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).

    ValueError for another approximate than "none" and "tanh"; DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.gelu(mg.tensor([0, 1])), mg.gelu(mg.tensor([0, 1]), approximate="tanh")
    (tensor([0.       , 0.8413447]), tensor([0.      , 0.841192]))
    """
    y = K.empty_for(input, 0.0)
    _gelu_form(approximate, K.gelu, K.gelu_tanh)(input, y)
    return y


def silu(input: Any) -> Tensor:
    """x / (1 + e⁻ˣ), also known as swish.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.silu(mg.tensor([-1e4, 0, 20]))
    tensor([-0.,  0., 20.])
    """
    return mul(input, sigmoid(input))


@differentiable(input=lambda g, y, input: mul(g, sigmoid(neg(input))))
def logsigmoid(input):
    """y = ln(1 / (1 + e⁻ˣ)) = -ln(1 + e⁻ˣ), without overflow; within 2 ulp.

    DTypeError for integers and booleans.

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
    z = x if beta == 1.0 else mul(beta, x)
    return add(above(g, z, threshold), at_least(mul(g, sigmoid(z)), threshold, z))


@differentiable(
    input=lambda g, y, input, beta, threshold: _softplus_slope(g, input, beta, threshold), beta=None, threshold=None
)
def softplus(input, beta=1.0, threshold=20.0):
    """y = ln(1 + exp(beta x)) / beta, without overflow; x itself where beta x > threshold.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.softplus(mg.tensor([-1e4, 0, 30]))
    tensor([ 0.       ,  0.6931472, 30.       ])
    """
    y, large, small = K.empty_for(input, 0.0), K.empty_for(input, 0.0), K.empty_for(input, 0.0)
    z = input
    if beta != 1.0:
        K.mul(beta, input, y)
        z = y
    K.step(z, threshold, large)
    K.sub(large, 0.5, large)
    K.step(threshold, z, small)
    K.softplus(z, y)
    if beta != 1.0:
        K.div(y, beta, y)
    K.relu_grad(input, large, large)  # x where beta x > threshold, else 0
    K.relu_grad(y, small, y)  # and y = 0 where beta x > threshold
    K.add(large, y, y)
    return y


@differentiable(input=lambda g, y, input: mul(g, square(div(1.0, add(1.0, abs(input))))))
def softsign(input):
    """y = x / (1 + |x|); ±1 at ±inf.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.softsign(mg.tensor([-1, 3, float("inf")]))
    tensor([-0.5 ,  0.75,  1.  ])
    """
    x, y = K.empty_for(input, 0.0), K.empty_for(input, 0.0)
    largest = float(np.finfo(y.dtype).max)  # in place of an infinity: inf / inf would be NaN
    K.maximum(input, -largest, x)
    K.minimum(x, largest, x)
    K.abs(x, y)
    K.add(1.0, y, y)
    K.div(x, y, y)
    return y


@differentiable(
    input=lambda g, y, input, min_val, max_val: above(above(g, input, min_val), max_val, input),
    min_val=None,
    max_val=None,
)
def hardtanh(input, min_val=-1.0, max_val=1.0):
    """y = x between min_val and max_val, else the nearer bound; the gradient at the bounds is 0 (that of clamp is not).

    ValueError if min_val is above max_val; DTypeError for integers and booleans.

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
