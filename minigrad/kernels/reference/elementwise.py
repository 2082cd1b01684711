"""Elementwise kernels in NumPy: arithmetic, exp, log, square root, activations and their gradients.

Operands may have any strides and broadcast to `out`; a Python number is rounded to out's dtype.
"""

import numpy as np


def add(a, b, out):
    """out = a + b."""
    np.add(a, b, out=out)


def sub(a, b, out):
    """out = a - b."""
    np.subtract(a, b, out=out)


def mul(a, b, out):
    """out = a * b."""
    np.multiply(a, b, out=out)


def div(a, b, out):
    """out = a / b; x/0 is an infinity or NaN, as IEEE 754 says."""
    np.divide(a, b, out=out)


def neg(x, out):
    """out = -x."""
    np.negative(x, out=out)


def abs(x, out):
    """out = |x|."""
    np.abs(x, out=out)


def sign(x, out):
    """out = 1, 0 or -1; NaN for NaN; +0 for either zero."""
    np.sign(x, out=out)


def sqrt(x, out):
    """out = √x, exactly rounded; NaN below 0."""
    np.sqrt(x, out=out)


def exp(x, out):
    """out = eˣ."""
    np.exp(x, out=out)


def log(x, out):
    """out = ln x; -inf at 0, NaN below."""
    np.log(x, out=out)


def tanh(x, out):
    """out = tanh x."""
    np.tanh(x, out=out)


def sigmoid(x, out):
    """out = 1 / (1 + e⁻ˣ), without overflow: (1 or e) / (1 + e) with e = exp(-|x|)."""
    e = np.exp(-np.abs(x))
    np.divide(np.where(np.less(x, 0), e, np.ones_like(e)), 1 + e, out=out)


def relu(x, out):
    """out = x if x > 0 else +0; NaN for NaN."""
    np.copyto(out, np.where(np.greater(x, 0) | np.isnan(x), x, 0))


def relu_grad(g, y, out):
    """out = g where y > 0, else +0; NaN where y is NaN."""
    np.copyto(out, np.where(np.greater(y, 0), g, np.where(np.isnan(y), y, 0)))


def tanh_grad(g, y, out):
    """out = g (1 - y²)."""
    np.multiply(g, 1 - y * y, out=out)


def sigmoid_grad(g, y, out):
    """out = g y (1 - y)."""
    np.multiply(g, y * (1 - y), out=out)


ACTIVATIONS = {"relu": relu, "tanh": tanh, "sigmoid": sigmoid}
