"""Masks are fair coins: share, variance, cells of bits, neighbours, runs; layers, calls and seeds are independent.

Bounds are five standard deviations: one of these tests fails by chance once in a million seeds, and the seed is fixed.
"""

import itertools

import numpy as np
import pytest
from nn.dropout.random_layers import LAYERS, MASKING

import minigrad as mg
from minigrad import nn

N = 1 << 17
SIGMAS = 5


def mask(p=0.5, seed=0, call=0, n=N):
    layer = nn.Dropout(p, seed=seed)
    layer.calls.copy_(call)
    layer(mg.tensor(np.ones(n, np.float32)))
    return layer.last_mask()


def near(value, expected, sigma):
    off = abs(value - expected)
    assert off < SIGMAS * sigma, f"{value} is {off / sigma:.1f} sigma off {expected}"


def chi_squared_near(counts, expected):
    """χ² of the counts, whose mean is the number of cells less 1 and whose variance is twice that."""
    freedom = len(counts) - 1
    near(((counts - expected) ** 2 / expected).sum(), freedom, np.sqrt(2 * freedom))


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
def test_share_mean_and_variance(backend, p):
    layer = nn.Dropout(p, seed=1)
    y = layer(mg.tensor(np.ones(N))).data
    sigma = np.sqrt(p * (1 - p) / N)
    near((y == 0).mean(), p, sigma)
    near(y.mean(), 1.0, sigma / (1 - p))
    # y is 0 or 1 / (1 - p); the mean of (y - 1)² spreads as the fourth central moment says.
    variance, kept = p / (1 - p), p / (1 - p)
    fourth = p * 1.0 + (1 - p) * kept**4
    near(((y - 1) ** 2).mean(), variance, np.sqrt((fourth - variance**2) / N) + 1e-12)


def test_gaussian_dropout_has_the_mean_and_variance_of_dropout(backend):
    y = nn.GaussianDropout(0.2, seed=1)(mg.tensor(np.ones(N))).data
    near(y.mean(), 1.0, 0.5 / np.sqrt(N))
    near(y.var(), 0.25, 0.25 * np.sqrt(2 / N))
    z = nn.GaussianNoise(2.0, seed=1)(mg.tensor(np.ones(N))).data
    near(z.mean(), 1.0, 2 / np.sqrt(N))
    near(z.var(), 4.0, 4 * np.sqrt(2 / N))


@pytest.mark.parametrize("width", [4, 8, 12])
def test_words_of_bits_are_uniform(width):
    kept = mask().astype(np.int64)[: N - N % width].reshape(-1, width)
    words = kept @ (1 << np.arange(width))
    chi_squared_near(np.bincount(words, minlength=1 << width), len(words) / (1 << width))


@pytest.mark.parametrize("lag", [1, 2, 3, 8, 16, 31, 32, 64, 127, 128, 129, 1000])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_serial_pairs_are_independent(p, lag):
    kept = mask(p).astype(np.int64)
    pairs = np.bincount(2 * kept[:-lag] + kept[lag:], minlength=4)
    near(pairs[3], len(kept[lag:]) * (1 - p) ** 2, np.sqrt(N * (1 - p) ** 2 * (1 - (1 - p) ** 2) * (1 + 2 * (1 - p))))
    correlation = np.corrcoef(kept[:-lag], kept[lag:])[0, 1]
    near(correlation, 0, 1 / np.sqrt(N))


def test_runs():
    kept = mask().astype(np.int64)
    near(1 + np.count_nonzero(np.diff(kept)), 1 + (N - 1) / 2, np.sqrt((N - 1) / 4))
    lengths = np.diff(np.flatnonzero(np.diff(kept)))
    counts = np.bincount(np.minimum(lengths, 10), minlength=11)[1:]
    shares = np.array([2.0**-k for k in range(1, 10)] + [2.0**-9])
    chi_squared_near(counts, len(lengths) * shares)


def test_layers_calls_and_seeds_are_independent():
    mg.manual_seed(0)
    first, second = nn.Dropout(0.5), nn.Dropout(0.5)
    x = mg.tensor(np.ones(N, np.float32))
    masks = [mask(seed=1), mask(seed=2), mask(seed=1, call=1), mask(seed=1 << 63), mask(seed=1, call=1 << 40)]
    for layer in (first, second, first):
        layer(x)
        masks.append(layer.last_mask())
    for a, b in itertools.combinations(masks, 2):
        near((a == b).mean(), 0.5, 0.5 / np.sqrt(N))
    for a, b, c in itertools.combinations(masks, 3):  # three that are independent in pairs may still add to zero
        near((a ^ b ^ c).mean(), 0.5, 0.5 / np.sqrt(N))


@pytest.mark.parametrize("name", MASKING[:-1])
def test_the_share_of_every_kind(name):
    make, shape = LAYERS[name]
    layer = make(0.3, seed=0)
    x = mg.tensor(np.ones((4, *shape[1:])))
    dropped = []
    for _ in range(200):
        layer(x)
        at = layer.last_mask()
        dropped.append(1 - at.mean())
    share = {"noise_shape": 160, "shared rows": 40, "VariationalDropout": 160, "Dropout1d": 160, "Dropout2d": 160}
    bits = 200 * share.get(name, x.size)  # how many were drawn
    near(np.mean(dropped), 0.3, np.sqrt(0.21 / bits))
