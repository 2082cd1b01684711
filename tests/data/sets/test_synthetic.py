"""synthetic: the shape that is drawn is the one that is described, in both precisions, by the seed alone."""

import numpy as np
import pytest

from minigrad import rng
from minigrad.data import blobs, moons, noisy_labels, regression, spirals
from minigrad.errors import DTypeError

MAKERS = [
    lambda **o: regression(40, 3, **o),
    lambda **o: blobs(40, **o),
    lambda **o: moons(40, **o),
    lambda **o: spirals(40, **o),
]


@pytest.mark.parametrize("make", MAKERS)
def test_both_precisions_hold_the_same_data_and_the_seed_fixes_it(make):
    state = rng.get_state()
    single, double, again, other = make(), make(dtype="float64"), make(), make(seed=1)
    for a, b, c in zip(single, double, again):
        assert a.dtype in (np.float32, np.int64)
        np.testing.assert_array_equal(a, b.astype(a.dtype))
        np.testing.assert_array_equal(a, c)
    assert (single.x != other.x).all()
    assert rng.get_state() == state
    with pytest.raises(DTypeError, match="float16"):
        make(dtype="float16")
    with pytest.raises(ValueError, match="seed is -1"):
        make(seed=-1)


def test_regression_is_linear_plus_noise_of_that_size():
    x, y, coefficients = regression(5000, 8, noise=0.5, nonzero=3, seed=4, dtype="float64")
    assert (coefficients != 0).sum() == 3
    rest = y - x @ coefficients
    assert abs(rest.std() - 0.5) < 0.5 * 4 / (2 * 5000) ** 0.5
    assert abs(np.corrcoef(x.T, rest)[-1, :-1]).max() < 4 / 5000**0.5
    assert abs(np.cov(x.T) - np.eye(8)).max() < 4 * (2 / 5000) ** 0.5
    assert not regression(5, 4, nonzero=0, noise=0).y.any()


def test_moons_lie_on_their_half_circles_evenly():
    x, y = moons(4000, noise=0.0, dtype="float64")
    for label, centre, side in ((0, (0, 0), 1), (1, (1, 0.5), -1)):
        a, b = (x[y == label] - centre).T
        np.testing.assert_allclose(a * a + b * b, 1, rtol=1e-14)
        assert (side * b >= 0).all()
        angle = np.sort(np.arctan2(side * b, a) / np.pi)
        assert abs(angle - (np.arange(2000) + 0.5) / 2000).max() < 1.95 / 2000**0.5  # Kolmogorov, 1 in 1,000


def test_spirals_wind_by_quarter_turns():
    x, y = spirals(4000, noise=0.0, quarters=6, dtype="float64")
    x = np.where(y[:, None] == 0, x, -x)  # both arms are one, turned by half a turn
    radius = np.sqrt((x * x).sum(1))
    order = np.argsort(radius)
    assert 0.1 <= radius.min() < 0.11 < 0.99 < radius.max() <= 1 + 1e-14
    turned = np.unwrap(np.arctan2(x[order, 1], x[order, 0]))
    t = (radius[order] - 0.1) / 0.9
    np.testing.assert_allclose(turned, 6 * 2 * np.arctan(t), atol=1e-12)


def test_blobs_lie_around_their_centres():
    x, y = blobs(3000, classes=3, p=4, spread=0.5, seed=2, dtype="float64")
    assert x.shape == (3000, 4)
    for label in range(3):
        part = x[y == label]
        assert abs(part.mean(0)).max() < 10.1
        assert abs(part.std(0) - 0.5).max() < 0.5 * 4 / (2 * 1000) ** 0.5


@pytest.mark.parametrize("make", [moons, spirals])
def test_noise_is_added_to_the_same_points(make):
    rest = make(4000, noise=0.3, dtype="float64").x - make(4000, noise=0.0, dtype="float64").x
    assert abs(rest.std() - 0.3) < 0.3 * 4 / (2 * 8000) ** 0.5
    assert abs(rest.mean()) < 0.3 * 4 / 8000**0.5


@pytest.mark.parametrize(("make", "classes"), [(moons, 2), (spirals, 2), (blobs, 3)])
def test_classes_take_turns(make, classes):
    assert make(10).y.tolist() == [i % classes for i in range(10)]


def test_label_noise_of_the_same_seed_is_independent_of_the_points():
    x, y = spirals(4000, noise=0.0, seed=0, dtype="float64")
    wrong = noisy_labels(y, 0.5, 2, seed=0) != y
    assert abs(np.corrcoef((x * x).sum(1), wrong)[0, 1]) < 4 / 4000**0.5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regression(0, 3), "n is 0"),
        (lambda: regression(3, 0), "p is 0"),
        (lambda: regression(3, 3, nonzero=4), "nonzero is 4"),
        (lambda: regression(3, 3, noise=-1), "noise is -1"),
        (lambda: blobs(2, classes=3), "n is 2; need at least 3"),
        (lambda: blobs(5, classes=0), "classes is 0"),
        (lambda: blobs(5, p=0), "p is 0"),
        (lambda: blobs(5, spread=float("nan")), "spread is nan"),
        (lambda: moons(1), "n is 1"),
        (lambda: moons(4, noise=-0.1), "noise is -0.1"),
        (lambda: spirals(4, quarters=0), "quarters is 0"),
    ],
)
def test_bad_arguments(call, words):
    with pytest.raises(ValueError, match=words):
        call()
