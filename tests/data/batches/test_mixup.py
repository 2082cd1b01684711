"""mixup: shares of the right distribution, the same for rows and targets; bits of a stream alone."""

import numpy as np
import pytest

from minigrad.data import Draws, Loader, Mixup
from minigrad.data.batches.mixup import beta
from minigrad.errors import DTypeError

N = 20_000


def shares(alpha, epoch=0, rows=N):
    return beta(alpha, Draws((4, epoch, 0, 0), rows))


def distance(sample, distribution):
    """Kolmogorov and Smirnov's √n sup |F̂ - F|: above 1.95 once in a thousand samples."""
    x = np.sort(sample)
    f, n = distribution(x), len(x)
    return np.sqrt(n) * max((np.arange(1, n + 1) / n - f).max(), (f - np.arange(n) / n).max())


@pytest.mark.parametrize(
    ("alpha", "distribution"),
    [
        (1.0, lambda x: x),
        (0.5, lambda x: 2 / np.pi * np.arcsin(np.sqrt(x))),
        (2.0, lambda x: x * x * (3 - 2 * x)),
        (3.0, lambda x: x**3 * (10 - 15 * x + 6 * x * x)),
    ],
)
def test_the_distribution(backend, alpha, distribution):
    assert distance(shares(alpha), distribution) < 1.95
    assert distance(shares(alpha, epoch=1), distribution) < 1.95


@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.2, 0.4, 1.0, 5.0, 100.0])
def test_moments(alpha):
    """Mean ½, variance 1 / (4 (2 alpha + 1)); the variance of (λ - ½)² follows from the fourth central moment."""
    x = shares(alpha)
    assert np.isfinite(x).all() and (x >= 0).all() and (x <= 1).all()
    variance = 1 / (4 * (2 * alpha + 1))
    fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3))
    assert abs(x.mean() - 0.5) < 5 * np.sqrt(variance / N)
    assert abs(((x - 0.5) ** 2).mean() - variance) < 5 * np.sqrt((fourth - variance**2) / N)


def test_neighbours_are_independent_and_streams_are_kept():
    x = shares(1.0)
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 5 / np.sqrt(N)
    np.testing.assert_array_equal(shares(1.0, rows=50), x[:50])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_and_targets_are_mixed_alike(backend, dtype):
    n = 60
    x, y = np.eye(n, dtype=dtype), np.arange(n)
    mixed, targets = Mixup(0.4, classes=n)(x, y, (1, 0, 0, 0))
    assert mixed.dtype == targets.dtype == dtype
    np.testing.assert_array_equal(mixed, targets)  # row i is its own one-hot target
    np.testing.assert_allclose(mixed.sum(1), 1, rtol=1e-6)
    assert ((mixed > 0).sum(1) <= 2).all()
    own = np.diag(mixed)
    assert 0.1 < own[own < 1].mean() < 0.9
    partner = np.where(own < 1, (mixed * (1 - np.eye(n))).argmax(1), y)
    assert len(set(partner[own < 0.999].tolist())) == (own < 0.999).sum()  # a permutation of the batch
    real, real_targets = Mixup(0.4)(x, x[:, 0], (1, 0, 0, 0))
    np.testing.assert_array_equal(real, mixed)
    np.testing.assert_array_equal(real_targets, mixed[:, 0])
    np.testing.assert_array_equal(x, np.eye(n))


def test_bad_input():
    for alpha in (-1, float("nan"), float("inf"), "small"):
        with pytest.raises(ValueError, match="alpha is"):
            Mixup(alpha)
    with pytest.raises(ValueError, match="alpha is 0; need more"):
        Mixup(0)
    with pytest.raises(ValueError, match="targets are int64; pass classes="):
        Mixup(1.0)(np.ones((2, 2)), np.array([0, 1]), (0, 0, 0, 0))
    with pytest.raises(ValueError, match="row 1 is 3; need labels from 0 to 1"):
        Mixup(1.0, classes=2)(np.ones((2, 2)), np.array([0, 3]), (0, 0, 0, 0))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
@pytest.mark.parametrize("y", [np.array([0, 1, 0, 1]), np.eye(4)])
def test_there_is_nothing_between_integers(dtype, y):
    loader = Loader(np.ones((4, 2), dtype), y, 4, transform=Mixup(0.4, classes=2))
    with pytest.raises(DTypeError, match=f"x is {dtype}, and there is nothing between integers; pass dtype='float32'"):
        next(iter(loader))
    assert next(iter(Loader(np.ones((4, 2), dtype), y, 4, dtype="float32", transform=Mixup(0.4, classes=2))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mixed_weights(backend, dtype):
    """The weighted cross-entropy is λ wᵢ that of target i plus (1 - λ) wⱼ that of target j, whatever the output is."""
    n, classes = 40, 5
    rng = np.random.default_rng(0)
    x, y, place = np.eye(n, dtype=dtype), rng.integers(0, classes, n), (1, 0, 0, 0)
    weight = rng.uniform(0, 3, n).astype(dtype)
    weight[:10] = 0
    mix = Mixup(0.7, classes=classes)
    plain, _ = mix(x, y, place)
    mixed, targets, weights = mix.weighted(x, y, weight, place)
    assert mixed.dtype == targets.dtype == weights.dtype == dtype
    np.testing.assert_array_equal(mixed, plain)
    # x is the identity, so that row i of the mixed one says the shares of all rows in it.
    tolerance = 1e-5 if dtype is np.float32 else 1e-12
    one_hot = np.eye(classes)[y]
    np.testing.assert_allclose(weights, mixed @ weight, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        weights[:, None] * targets, mixed @ (weight[:, None] * one_hot), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(targets.sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize("weight", [1.0, 0.1, 3.0, 0.0])
def test_equal_weights_change_no_bit(backend, weight):
    x, y, place = np.random.default_rng(1).normal(size=(50, 3)), np.arange(50) % 4, (2, 1, 100, 0)
    mix, weights = Mixup(0.5, classes=4), np.full(50, weight)
    mixed = mix.weighted(x, y, weights, place)
    for found, right in zip(mixed, [*mix(x, y, place), weights]):
        np.testing.assert_array_equal(found, right)
