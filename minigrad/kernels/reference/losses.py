"""Losses in NumPy: x is (rows, classes), or of any shape for elementwise losses."""

import numpy as np

from ...errors import ShapeError
from .gather import check_indices
from .softmax import log_softmax, softmax

NONE, MEAN, SUM = 0, 1, 2  # reduction of a loss over its rows


def _reduce(kernel, rows, loss, reduction):
    """loss = the rows, or their mean or sum from float64 accumulators. ShapeError for a mean of no rows."""
    if reduction == MEAN and rows.size == 0:
        raise ShapeError(f"{kernel}: there is no mean of no losses; need at least one")
    if reduction == NONE:
        loss[...] = rows
    else:
        loss[...] = rows.sum(dtype=np.float64) / (rows.size if reduction == MEAN else 1)


def _scale(g, rows, reduction):
    """The factor of each row's gradient: g, or g / rows for a mean."""
    return g / rows if reduction == MEAN else g


def cross_entropy(x, target, loss, probs, *, reduction):
    """The loss of row i is -Σⱼ t[i,j] log softmax(x[i])[j]; probs = softmax(x), for the gradient.

    target is int64 (rows,), the class of each row in [0, classes), for which t[i] is 1 there and 0 elsewhere; or the
    probabilities t (rows, classes) in x's dtype, where t = 0 adds 0 even for a logit of -inf. loss is (rows,) for NONE,
    0-d for MEAN and SUM.
    """
    if target.ndim == 1:
        check_indices("cross_entropy", "label", target, x.shape[1])
    log_probs = np.empty_like(x)
    log_softmax(x, log_probs)
    softmax(x, probs)
    if target.ndim == 1:
        rows = -log_probs[np.arange(len(x)), target]
    else:
        rows = -np.where(target == 0, 0, target * log_probs).sum(1, dtype=np.float64).astype(x.dtype)
    _reduce("cross_entropy", rows, loss, reduction)


def cross_entropy_grad(probs, target, g, out, *, reduction):
    """out[i] = (probs[i] Σⱼ t[i,j] - t[i]) g[i]; g is (rows,) for NONE, else 0-d; divided by rows for MEAN."""
    if target.ndim == 1:
        out[...] = probs
        out[np.arange(len(probs)), target] -= 1
    else:
        out[...] = probs * target.sum(1, keepdims=True, dtype=np.float64) - target
    out *= _scale(g, len(probs), reduction).reshape(-1, 1)


def bce_with_logits(x, t, loss, *, reduction):
    """loss = max(x, 0) - x t + log(1 + exp(-|x|)), elementwise, then reduced: no cancellation at large |x|."""
    _reduce("bce_with_logits", np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))), loss, reduction)


def bce_with_logits_grad(x, t, g, out, *, reduction):
    """out = (sigmoid(x) - t) g, divided by the number of elements for MEAN; accurate where sigmoid(x) is close to t."""
    # q = sigmoid(-|x|). For positive x, sigmoid(x) - t is computed as (1 - t) - q: 1 - q would round a small q away.
    e = np.exp(-np.abs(x))
    q = e / (1 + e)
    np.multiply(np.where(np.less(x, 0), q - t, (1 - t) - q), _scale(g, x.size, reduction), out=out)


def mse(x, t, loss, *, reduction):
    """loss = (x - t)², elementwise, then reduced."""
    _reduce("mse", (x - t) ** 2, loss, reduction)


def mse_grad(x, t, g, out, *, reduction):
    """out = 2 (x - t) g, divided by the number of elements for MEAN."""
    np.multiply(2 * (x - t), _scale(g, x.size, reduction), out=out)
