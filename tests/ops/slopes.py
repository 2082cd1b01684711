"""Helpers of the tests of ops: a function's values and first derivatives, and their exact comparison."""

import numpy as np

import minigrad as mg


def gradients(function, *values, dtype="float64"):
    """The output and the gradients of its sum."""
    xs = [mg.tensor(v, dtype=dtype, requires_grad=True) for v in values]
    y = function(*xs)
    return [y.data, *(g.data for g in mg.grad(y, xs, mg.tensor(np.ones(y.shape), dtype=dtype)))]


def check(got, *expected):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_array_equal(g, e)
