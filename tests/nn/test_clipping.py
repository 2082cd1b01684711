"""Clipped gradients: by formula, by PyTorch, in place; NaN, infinities, strides."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.clipping import clip_grad_norm_, clip_grad_value_


def make(gradients):
    params = [nn.Parameter(np.zeros_like(np.asarray(g))) for g in gradients]
    for p, g in zip(params, gradients):
        p.grad = mg.tensor(np.asarray(g))
    return params


@pytest.fixture
def gradients(rng):
    shapes = (4, 5), (1, 1), (0, 3)
    return [rng.standard_normal(7).astype(np.float32), *(rng.standard_normal(shape) for shape in shapes)]


@pytest.mark.parametrize("norm_type", [2, 1, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 1e6, 0.0])
def test_by_norm(backend, gradients, norm_type, max_norm):
    params = make(gradients)
    params.append(nn.Parameter([1.0]))  # no gradient
    norm = clip_grad_norm_(params, max_norm, norm_type)
    flat = np.concatenate([g.ravel().astype(np.float64) for g in gradients])
    assert norm == pytest.approx(np.linalg.norm(flat, norm_type), rel=1e-13)
    for p, g in zip(params, gradients):
        factor = min(1, max_norm / (norm + 1e-6))
        np.testing.assert_allclose(p.grad.data, g * factor, rtol=1e-6 if g.dtype == np.float32 else 1e-13)
        assert factor < 1 or (p.grad.data == g).all()
    assert params[-1].grad is None


def test_by_value(backend, gradients):
    params = make(gradients)
    assert clip_grad_value_(params, 0.5) is None
    for p, g in zip(params, gradients):
        np.testing.assert_array_equal(p.grad.data, np.clip(g, -0.5, 0.5))
    special = make([np.array([np.nan, np.inf, -np.inf, 0.5, -0.5, 0.0, 0.7, -0.7])])
    clip_grad_value_(special, 0.5)
    np.testing.assert_array_equal(special[0].grad.data, [np.nan, 0.5, -0.5, 0.5, -0.5, 0.0, 0.5, -0.5])


@pytest.mark.peers
@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
@pytest.mark.parametrize("special", [None, np.nan, np.inf])
def test_against_torch(backend, rng, norm_type, special):
    torch = pytest.importorskip("torch")
    gradients = [rng.standard_normal((4, 5)), rng.standard_normal(7)]
    if special is not None:
        gradients[0][1, 2] = special
    params, theirs = make(gradients), [torch.zeros(g.shape, dtype=torch.float64) for g in gradients]
    for p, g in zip(theirs, gradients):
        p.grad = torch.tensor(g)
    expected = torch.nn.utils.clip_grad_norm_(theirs, 1.5, norm_type).item()
    np.testing.assert_allclose(clip_grad_norm_(params, 1.5, norm_type), expected, rtol=1e-13)
    for p, t in zip(params, theirs):
        np.testing.assert_allclose(p.grad.data, t.grad.numpy(), rtol=1e-12)
    torch.nn.utils.clip_grad_value_(theirs, 0.1)
    clip_grad_value_(params, 0.1)
    for p, t in zip(params, theirs):
        np.testing.assert_allclose(p.grad.data, t.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("special", [np.nan, np.inf])
@pytest.mark.parametrize("norm_type", [2, 1, math.inf])
def test_a_norm_that_is_not_finite(backend, special, norm_type):
    params = make([np.array([1.0, special]), np.array([2.0])])
    with pytest.raises(mg.NonFiniteError, match="unchanged"):
        clip_grad_norm_(params, 1.0, norm_type, error_if_nonfinite=True)
    assert params[1].grad.data == 2.0
    assert not math.isfinite(clip_grad_norm_(params, 1.0, norm_type))
    assert np.isnan(params[0].grad.data[1])
    if math.isnan(special):  # as 1 / NaN is; 1 / inf is 0
        assert np.isnan(params[1].grad.data)
    else:
        assert params[1].grad.data == 0


def test_in_place_for_one_tensor_and_for_a_view(backend):
    (p,) = make([np.array([3.0, 4.0])])
    array, stamp = p.grad.array, p.grad.stamp
    assert clip_grad_norm_(p, 1.0) == 5.0
    assert np.shares_memory(p.grad.array, array) and p.grad.stamp > stamp
    whole = mg.tensor(np.array([[3.0, 1.0], [4.0, 2.0]]))
    q = nn.Parameter(np.zeros((2, 2)))
    q.grad = whole.T
    clip_grad_value_(q, 2.0)
    assert q.grad.data.tolist() == [[2.0, 2.0], [1.0, 2.0]]
    assert whole.data.tolist() == [[3.0, 1.0], [4.0, 2.0]]  # what the gradient was a view of is as it was


def test_the_order_of_the_sum_is_fixed(rng):
    g = rng.standard_normal(40_001).astype(np.float32)
    norms = set()
    before = mg.get_num_threads()
    for threads in (1, 2, 3):
        mg.set_num_threads(threads)
        norms.add(clip_grad_norm_(make([g, g[::-1]]), 1e9))
    mg.set_num_threads(before)
    assert len(norms) == 1


def test_bad_input():
    params = make([np.ones(2)])
    for bad in (-1, float("nan"), float("inf"), "1"):
        with pytest.raises(ValueError, match="max_norm is"):
            clip_grad_norm_(params, bad)
        with pytest.raises(ValueError, match="clip_value is"):
            clip_grad_value_(params, bad)
    with pytest.raises(ValueError, match="norm_type is 3; need 2, 1 or"):
        clip_grad_norm_(params, 1.0, 3)
    with pytest.raises(TypeError, match="a parameter is a ndarray"):
        clip_grad_norm_([np.ones(2)], 1.0)
    assert clip_grad_norm_([], 1.0) == 0.0
