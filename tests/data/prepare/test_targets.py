"""targets: smoothed rows, balanced weights as scikit-learn's, and rows that weigh in a loss what they should."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import class_weights, one_hot, sample_weights, smooth_labels, subsample, weighted_targets
from minigrad.errors import DTypeError, NonFiniteError, ShapeError

Y = np.array([0, 0, 0, 2, 2, 1, 0, 0])


def test_smoothing():
    rows = smooth_labels(Y, 3, 0.3, "float64")
    np.testing.assert_allclose(rows, 0.7 * np.eye(3)[Y] + 0.1, rtol=1e-15)
    np.testing.assert_allclose(rows.sum(1), 1, rtol=1e-15)
    np.testing.assert_array_equal(smooth_labels(one_hot(Y, 3, "float64"), 3, 0.3, "float64"), rows)
    np.testing.assert_array_equal(smooth_labels(Y, 3, 0.0), one_hot(Y, 3))
    assert (smooth_labels(Y, 4, 1.0) == 0.25).all()
    with pytest.raises(ValueError, match=r"smoothing is 1\.5"):
        smooth_labels(Y, 3, 1.5)
    with pytest.raises(ShapeError, match=r"y is \(8, 3\); need labels \(n,\) or rows \(n, 4\)"):
        smooth_labels(one_hot(Y, 3), 4)
    with pytest.raises(ValueError, match="row 3 is 2"):
        smooth_labels(Y, 2)


def test_balanced_weights():
    weights = class_weights(Y, 3, "float64")
    np.testing.assert_allclose(weights, [8 / 15, 8 / 3, 8 / 6], rtol=1e-15)
    np.testing.assert_allclose(np.bincount(Y, weights=sample_weights(Y, 3, "float64")), 8 / 3, rtol=1e-15)
    assert class_weights(Y, 4).tolist()[3] == 0
    assert sample_weights(Y, 3).dtype == np.float32
    with pytest.raises(DTypeError, match="labels"):
        class_weights(Y.astype(float), 3)
    with pytest.raises(DTypeError, match="float16"):
        class_weights(Y, 3, "float16")


def test_balanced_weights_are_scikit_learns():
    utils = pytest.importorskip("sklearn.utils.class_weight", reason="needs the extra `sklearn`")
    expected = utils.compute_class_weight("balanced", classes=np.arange(3), y=Y)
    np.testing.assert_allclose(class_weights(Y, 3, "float64"), expected, rtol=1e-15)
    np.testing.assert_allclose(sample_weights(Y, 3, "float64"), utils.compute_sample_weight("balanced", Y), rtol=1e-15)


def test_weighted_targets_weight_loss_and_gradient(backend, rng):
    z, w = rng.standard_normal((8, 3)), rng.uniform(0, 3, 8)
    x = mg.tensor(z, requires_grad=True)
    loss = mg.cross_entropy(x, weighted_targets(Y, w, 3, "float64"))
    loss.backward()
    plain = mg.tensor(z, requires_grad=True)
    each = mg.cross_entropy(plain, Y, reduction="none")
    expected = (each * w).mean()
    expected.backward()
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-14)
    np.testing.assert_allclose(x.grad.data, plain.grad.data, rtol=1e-12, atol=1e-15)


def test_bad_weights():
    with pytest.raises(ShapeError, match=r"weights are \(3,\); need \(8,\)"):
        weighted_targets(Y, [1.0, 2.0, 3.0], 3)
    with pytest.raises(ShapeError, match="none below 0"):
        weighted_targets(Y, [-1.0] * 8, 3)
    with pytest.raises(NonFiniteError, match="weights: row 2 is nan"):
        weighted_targets(Y, [1.0, 1.0, np.nan] + [1.0] * 5, 3)


def test_subsample():
    x, y = np.arange(200.0).reshape(100, 2), np.arange(100) % 4
    part = subsample(x, y, 0.2, seed=3, stratify=y)
    assert part.x.shape == (20, 2)
    assert np.bincount(part.y).tolist() == [5] * 4
    np.testing.assert_array_equal(part.x[:, 0] / 2 % 4, part.y)  # each row with its own target
    assert len(np.unique(part.x)) == 40
    np.testing.assert_array_equal(subsample(x, y, 20, seed=3, stratify=y).x, part.x)
    assert (subsample(x, y, 0.2, seed=4).x != part.x).any()
    with pytest.raises(ValueError, match="100 of 100 rows"):
        subsample(x, y, 100)
