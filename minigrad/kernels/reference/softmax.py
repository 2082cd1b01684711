"""Softmax and its logarithm in NumPy, with their gradients: x is (rows, classes)."""

import numpy as np


def softmax(x, out):
    """out[i] = exp(x[i] - max x[i]) / Σ exp(x[i] - max x[i]); a row of only -inf is NaN."""
    e = np.exp(x - x.max(1, keepdims=True, initial=-np.inf))
    np.divide(e, e.sum(1, keepdims=True, dtype=np.float64), out=out, casting="same_kind")


def softmax_grad(g, y, out):
    """out[i] = y[i] (g[i] - Σ g[i] y[i]), with 0 where y is 0 unless g is not finite."""
    out[...] = y * (g - (g * y).sum(1, keepdims=True, dtype=np.float64))


def log_softmax(x, out):
    """out[i] = x[i] - max x[i] - log Σ exp(x[i] - max x[i])."""
    z = x - x.max(1, keepdims=True, initial=-np.inf)
    out[...] = z - np.log(np.exp(z).sum(1, keepdims=True, dtype=np.float64))


def log_softmax_grad(g, y, out):
    """out[i] = g[i] - exp(y[i]) Σ g[i]."""
    out[...] = g - np.exp(y) * g.sum(1, keepdims=True, dtype=np.float64)
