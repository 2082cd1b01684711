"""images: whole flips and whole shifts, of the right share, in NCHW and flat alike; the input stays as it was."""

import numpy as np
import pytest

from minigrad.data import RandomFlip, RandomShift
from minigrad.errors import DTypeError, ShapeError

N = 400


def apply(transform, x, epoch=0):
    before = x.copy()
    y, target = transform(x, np.arange(len(x)), (1, epoch, 0, 0))
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(target, np.arange(len(x)))
    assert y.shape == x.shape and y.dtype == x.dtype
    return y


def images(shape, dtype=np.float32):
    return np.random.default_rng(0).uniform(1, 2, (N, *shape)).astype(dtype)


@pytest.mark.parametrize("dim", [-1, -2])
def test_flips(dim):
    x = images((3, 8, 8))
    y = apply(RandomFlip(0.3, dim=dim), x)
    flipped = (y == np.flip(x, dim)).all((1, 2, 3))
    kept = (y == x).all((1, 2, 3))
    assert (flipped ^ kept).all()
    assert abs(flipped.mean() - 0.3) < 4.5 * np.sqrt(0.21 / N)
    np.testing.assert_array_equal(apply(RandomFlip(0.0), x), x)
    np.testing.assert_array_equal(apply(RandomFlip(1.0, dim=dim), x), np.flip(x, dim))


def test_shifts():
    x = images((2, 7, 5))
    y = apply(RandomShift(2, fill=9.0), x)
    seen = np.zeros((5, 5), int)
    for before, after in zip(x, y):
        found = []
        for down in range(-2, 3):
            for right in range(-2, 3):
                moved = np.full_like(before, 9.0)
                moved[:, max(down, 0) : 7 + min(down, 0), max(right, 0) : 5 + min(right, 0)] = before[
                    :, max(-down, 0) : 7 + min(-down, 0), max(-right, 0) : 5 + min(-right, 0)
                ]
                if (moved == after).all():
                    found.append((down, right))
        assert len(found) == 1
        seen[found[0][0] + 2, found[0][1] + 2] += 1
    chi2 = ((seen - N / 25) ** 2 / (N / 25)).sum()
    assert abs(chi2 - 24) < 5 * np.sqrt(48)
    np.testing.assert_array_equal(apply(RandomShift(0), x), x)


@pytest.mark.parametrize("transform", [lambda **o: RandomFlip(0.5, **o), lambda **o: RandomShift(2, **o)])
@pytest.mark.parametrize("shape", [(1, 28, 28), (8, 8), (2, 3, 4, 5)])
def test_flat_rows_with_a_shape(transform, shape):
    x = images(shape, np.float64)
    np.testing.assert_array_equal(apply(transform(shape=shape), x.reshape(N, -1)), apply(transform(), x).reshape(N, -1))
    assert (apply(transform(), x, epoch=1) != apply(transform(), x)).any()


@pytest.mark.parametrize("transform", [RandomFlip, RandomShift])
def test_shapes_are_checked(transform):
    with pytest.raises(ShapeError, match=r"x is \(2, 64\); need .rows, ..., height, width., or shape="):
        transform()(np.ones((2, 64)), np.zeros(2), (0, 0, 0, 0))
    with pytest.raises(ShapeError, match=r"rows are \(63,\), shape is \(8, 8\)"):
        transform(shape=(8, 8))(np.ones((2, 63)), np.zeros(2), (0, 0, 0, 0))
    with pytest.raises(ValueError, match="shape is 0"):
        transform(shape=(0, 8))


def test_arguments_are_checked():
    for p in (-0.1, 1.1, float("nan"), "half"):
        with pytest.raises(ValueError, match="RandomFlip: p is"):
            RandomFlip(p)
    with pytest.raises(ValueError, match="dim is 1"):
        RandomFlip(dim=1)
    with pytest.raises(ValueError, match="pixels is -1"):
        RandomShift(-1)
    with pytest.raises(ValueError, match="fill is nan"):
        RandomShift(fill=float("nan"))


def test_integer_images_keep_their_dtype_and_refuse_a_fill_that_it_does_not_hold():
    pixels = np.full((3, 4, 4), 200, np.uint8)
    for transform in (RandomFlip(), RandomShift(2), RandomShift(2, fill=255)):
        x, _ = transform(pixels, np.zeros(3), (0, 0, 0, 0))
        assert x.dtype == np.uint8 and x.shape == pixels.shape
    for fill, dtype in [(0.5, np.uint8), (-1.0, np.uint8), (256.0, np.uint8), (2.0, np.bool_), (1e30, np.int64)]:
        with pytest.raises(DTypeError, match=rf"fill is .*, x is {np.dtype(dtype)}; need a fill that it holds"):
            RandomShift(1, fill=fill)(pixels.astype(dtype), np.zeros(3), (0, 0, 0, 0))
