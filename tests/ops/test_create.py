"""Tensors made of sizes: values, dtypes, and what is refused."""

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: mg.zeros(2, 3), np.zeros((2, 3), np.float32)),
        (lambda: mg.zeros((2, 0)), np.zeros((2, 0), np.float32)),
        (lambda: mg.ones(), np.ones((), np.float32)),
        (lambda: mg.ones([2], dtype="bool"), np.ones(2, bool)),
        (lambda: mg.full((2,), 3), np.full(2, 3, np.float32)),
        (lambda: mg.full(2, 0.1, dtype="float64"), np.full(2, 0.1)),
        (lambda: mg.full((1, 2), False), np.zeros((1, 2), bool)),
        (lambda: mg.full_like(mg.tensor([1, 2], dtype="int64"), 7), np.full(2, 7)),
        (lambda: mg.zeros_like(np.ones((2, 1))), np.zeros((2, 1))),
        (lambda: mg.ones_like(mg.tensor([True]), dtype="uint8"), np.ones(1, np.uint8)),
        (lambda: mg.eye(3), np.eye(3, dtype=np.float32)),
        (lambda: mg.eye(2, 4, dtype="float64"), np.eye(2, 4)),
        (lambda: mg.eye(4, 2, dtype="int64"), np.eye(4, 2, dtype=np.int64)),
        (lambda: mg.eye(0), np.eye(0, dtype=np.float32)),
        (lambda: mg.arange(4), np.arange(4)),
        (lambda: mg.arange(5, 1, -2), np.arange(5, 1, -2)),
        (lambda: mg.arange(3, dtype="float64"), np.arange(3.0)),
        (lambda: mg.arange(1.0, 2.0, 0.3), np.array([1.0, 1.3, 1.6, 1.9], np.float32)),
        (lambda: mg.arange(0.0), np.zeros(0, np.float32)),
        (lambda: mg.linspace(1, 2, 4, dtype="float64"), np.linspace(1, 2, 4)),
        (lambda: mg.linspace(0.1, 0.7, 7, dtype="float64"), np.linspace(0.1, 0.7, 7)),
        (lambda: mg.linspace(0, 1, 50, dtype="float64"), np.linspace(0, 1, 50)),  # 49 steps of 1/49 are not 1
        (lambda: mg.linspace(3, 9, 1), np.array([3], np.float32)),
        (lambda: mg.linspace(3, 9, 0), np.zeros(0, np.float32)),
    ],
)
def test_values(made, expected):
    x = made()
    assert (x.shape, x.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(x.data, expected)
    assert x.is_leaf


def test_random_numbers_come_from_the_streams_of_manual_seed():
    mg.manual_seed(3)
    a, b = mg.rand(100, 3), mg.randn(100, dtype="float64")
    mg.manual_seed(3)
    np.testing.assert_array_equal(a.data, mg.rng.uniform((100, 3)))
    np.testing.assert_array_equal(b.data, mg.rng.normal(100, dtype="float64"))
    mg.manual_seed(0)


def test_leaves_may_ask_for_gradients():
    for x in (
        mg.zeros(2, requires_grad=True),
        mg.eye(2, requires_grad=True),
        mg.randn(2, requires_grad=True),
        mg.arange(0.0, 2.0, requires_grad=True),
        mg.full_like(mg.rand(2), 1, requires_grad=True),
    ):
        (x * 3).sum().backward()
        assert (x.grad.data == 3).all()


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: mg.zeros(-1), ValueError, "zeros: a size is -1"),
        (lambda: mg.ones(2.0), TypeError, "ones: a size is 2.0"),
        (lambda: mg.zeros(2, dtype="float16"), mg.DTypeError, "zeros: dtype float16"),
        (lambda: mg.zeros(2, dtype="int64", requires_grad=True), mg.DTypeError, "int64"),
        (lambda: mg.arange(3, requires_grad=True), mg.DTypeError, "int64"),
        (lambda: mg.arange(0.0, 1.0, -0.1), ValueError, "arange: from 0.0 to 1.0 by -0.1"),
        (lambda: mg.arange(0, 5, 0), ValueError, "arange"),
        (lambda: mg.arange(0, 5, -1), ValueError, "arange: from 0 to 5 by -1"),
        (lambda: mg.arange(float("nan")), ValueError, "arange: end"),
        (lambda: mg.linspace(0, 1, -1), ValueError, "linspace: steps"),
        (lambda: mg.zeros(2**40, 2**40), ValueError, "too big"),
        (lambda: mg.zeros(2**45), MemoryError, "memory|allocate"),
    ],
)
def test_what_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()
