"""matmul on batches: each product of a batch has the bits that it has alone."""

import numpy as np
import pytest
from kernels.test_matmul import REAL, product
from kernels.twins import assert_one_answer, bits, every_variant, needs_native

import minigrad.kernels as K
from minigrad.errors import ShapeError

pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def batches(seed, dtype):
    """(a, b) with batches: broadcast, strided, transposed, of vectors, shared, and empty."""
    r = np.random.default_rng(seed)

    def one(*shape):
        return r.standard_normal(shape).astype(dtype)

    yield one(3, 5, 7), one(3, 7, 4)
    yield one(4, 1, 5, 7), one(3, 7, 33)
    yield one(2, 3, 17, 40), one(40, 9)
    yield one(17, 40), one(2, 40, 1)
    yield one(7, 2, 3, 40).transpose(2, 1, 0, 3)[:, ::-1], one(3, 2, 5, 40).swapaxes(-1, -2)
    yield np.broadcast_to(one(6, 8), (5, 6, 8)), one(5, 8, 70)[:, :, ::2]
    yield one(4, 70, 40), one(4, 40, 70)
    yield one(3, 2, 600), one(3, 600, 1)
    yield one(4, 9, 40)[:, :5], one(40, 6)
    yield one(0, 2, 3), one(3, 4)
    yield one(2, 2, 0), one(2, 0, 4)
    yield one(70, 1, 64), one(70, 64, 1)  # dot products: evenly apart, many, another way round, one operand for several
    yield one(3000, 1, 64), one(3000, 64, 1)
    yield one(3, 9, 1, 1100)[:, ::-1], one(3, 9, 1100, 1)[:, ::-1]
    yield one(3, 9, 1, 40)[:, ::-1], one(3, 9, 40, 1)
    yield one(3, 9, 1, 40), one(3, 9, 40, 1)[:, ::-1]
    yield one(5, 1, 33), one(33, 1)
    yield one(1, 33), one(5, 33, 1)
    yield one(4, 1, 1, 33), one(1, 5, 33, 1)
    yield one(33, 1, 5).T, one(33, 5, 1).swapaxes(0, 1)


@pytest.mark.parametrize("dtype", REAL)
def test_a_batch_is_its_products(dtype):
    """Every variant and thread count; the bits of the product made alone, wherever the operands lie."""
    for a, b in batches(1, dtype):
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        shape = (*batch, a.shape[-2], b.shape[-1])
        bias, c = np.linspace(-1, 1, shape[-1]).astype(dtype), np.ones(shape, dtype)

        def compute(a=a, b=b, shape=shape, bias=bias, c=c):
            plain, biased, summed = np.full(shape, 7, dtype), np.full(shape, 7, dtype), c.copy()
            K.matmul(a, b, plain)
            K.matmul(a, b, biased, bias=bias, activation="relu")
            K.matmul(a, b, summed, accumulate=True)
            return plain, biased, summed

        plain, biased, summed = assert_one_answer(compute)
        for i in np.ndindex(batch):
            x, y = np.broadcast_to(a, (*batch, *a.shape[-2:]))[i], np.broadcast_to(b, (*batch, *b.shape[-2:]))[i]
            assert bits(plain[i]) == bits(product(x, y))
            assert bits(biased[i]) == bits(product(x, y, bias=bias, activation="relu"))
            assert bits(summed[i]) == bits(product(x, y, c=c[i], accumulate=True))
        np.testing.assert_allclose(plain, a @ b, rtol=1e-4, atol=1e-4)


def test_a_batch_over_threads_changes_nothing():
    """Large enough for threads, with copies of b; items of one batch start on and off cache lines."""
    r = np.random.default_rng(4)
    a, b = r.standard_normal((6, 70, 131)).astype(np.float32), r.standard_normal((6, 131, 67)).astype(np.float32)
    answers = set()
    for variant, _ in every_variant(threads=(1, 2, 3)):
        if variant not in ("naive", "generic"):
            out = np.empty((6, 70, 67), np.float32)
            K.matmul(a, b, out)
            answers.add(bits(out))
    assert len(answers) <= 1
    assert answers <= {bits(np.stack([product(x, y) for x, y in zip(a, b)]))}


X, Y = np.ones((3, 4), np.float32), np.ones((4, 2), np.float32)


@pytest.mark.parametrize(
    ("a", "b", "out", "says"),
    [
        (X[None], Y, np.zeros((3, 2)), r"the batch \(1,\) .* does not broadcast to \(\) of out"),
        (X, Y, np.zeros((1, 2, 2)), r"need out \(1, 3, 2\)"),
        (X[None], Y, np.zeros((1, 3, 3)), r"need out \(1, 3, 2\)"),
        (X[None][[0, 0]], Y, np.zeros((3, 3, 2)), r"the batch \(2,\)"),
        (X[None], X[None], np.zeros((1, 3, 2)), r"need a.shape\[2\] == b.shape\[1\]"),
        (X[None], Y[:, 0], np.zeros((1, 3, 2)), "need two dimensions each"),
    ],
)
def test_batches_that_do_not_fit(a, b, out, says):
    out = out.astype(np.float32)
    with pytest.raises(ShapeError, match=says):
        K.matmul(a, b, out)
    assert not out.any()


def test_as_many_dimensions_as_numpy_has():
    a = np.ones((1,) * 60 + (2, 1, 2, 3), np.float32)
    out = np.empty((1,) * 60 + (2, 1, 2, 2), np.float32)
    K.matmul(a, np.ones((3, 2), np.float32), out)
    assert (out == 3).all()


def test_out_must_be_apart_from_all_of_a_batch():
    memory = np.ones((4, 3, 3), np.float32)
    with pytest.raises(ValueError, match="shares memory"):
        K.matmul(memory[1:], memory[1:].copy(), memory[:3])
