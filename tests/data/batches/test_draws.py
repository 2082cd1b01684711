"""draws: numbers of a place in an epoch, whatever batch it is in; no two draws share any."""

import numpy as np
import pytest

from minigrad import rng
from minigrad.data import Draws


@pytest.mark.parametrize("kind", ["bits", "uniform", "normal"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_batch_is_a_piece_of_the_epoch(backend, kind, count):
    whole = Draws((3, 7, 0, 0), 23)
    part = Draws((3, 7, 5, 0), 9)
    for _ in range(3):
        expected = getattr(whole, kind)(count)
        assert expected.shape == (23, count)
        np.testing.assert_array_equal(getattr(part, kind)(count), expected[5:14])


def test_seed_epoch_transform_and_draw_are_apart():
    found = [Draws((seed, epoch, 0, transform), 100) for seed in (0, 1) for epoch in (0, 1) for transform in (0, 1)]
    numbers = [draws.bits(2) for draws in found for _ in range(3)]
    assert len(np.unique(np.stack(numbers))) == len(numbers) * 200


def test_numbers_are_those_of_the_stream():
    draws = Draws((9, 4, 10, 2), 3)
    draws.bits()
    expected = np.empty(6, np.uint64)
    offset = ((2 << 8 | 1) << 48) + 20
    rng.K.random_bits(expected, key=9, stream=rng.stream(rng.AUGMENT, 4), offset=offset)
    np.testing.assert_array_equal(draws.bits(2).ravel(), expected)


def test_too_many_draws_are_refused():
    draws = Draws((0, 0, 0, 0), 1)
    for _ in range(256):
        draws.bits()
    with pytest.raises(ValueError, match="at most 256 draws"):
        draws.bits()
    with pytest.raises(ValueError, match="128 transforms"):
        Draws((0, 0, 0, 128), 1).uniform()
