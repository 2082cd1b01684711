"""Losses, each one op with a fused gradient. reduction: mean (over rows or elements), sum, or none."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor, differentiable, full
from ..errors import DTypeError, ShapeError
from ..kernels.reference.losses import MEAN, NONE, SUM
from .elementwise.arithmetic import mul, neg, sub
from .elementwise.fused_activations import sigmoid, sigmoid_grad
from .reduce.softmax import log_softmax, softmax, softmax_grad
from .shape.broadcast import match, sum
from .shape.views import reshape

REDUCTIONS = {"none": NONE, "mean": MEAN, "sum": SUM}
PROBABILITIES = ("softmax", "sigmoid")


def check_reduction(op: str, reduction: str) -> int:
    try:
        return REDUCTIONS[reduction]
    except (KeyError, TypeError):
        raise ValueError(f"{op}: reduction is {reduction!r}; need 'mean', 'sum' or 'none'") from None


def _made_by(kind: str, x: Tensor) -> bool:
    """Whether this op made x, or affine with this activation; looks through reshapes that were recorded."""
    while x.op is not None and x.op.name in ("reshape", "permute", "cast") and x.inputs:
        x = x.inputs[0]
    return x.op is not None and (x.op.name == kind or (x.options or {}).get("activation") == kind)


def logits_only(op: str, x: Any, kind: str, allow_probabilities: bool) -> None:
    """Refuse the output of a softmax or sigmoid where logits are due: the loss would squash it a second time."""
    if not allow_probabilities and isinstance(x, Tensor) and _made_by(kind, x):
        raise ValueError(
            f"{op}: the input is the output of a {kind}, but this loss expects logits and applies {kind} itself. A "
            f"second {kind} bounds the loss away from 0 and flattens its gradient: leave the {kind} out of the model, "
            "or pass allow_probabilities=True to study the mistake"
        )


def _class_targets(op: str, x: np.ndarray, target: Any) -> np.ndarray:
    """target as kernels take it: int64 (rows,), or (rows, classes) in x's dtype."""
    if x.ndim != 2:
        raise ShapeError(f"{op}: logits are {x.shape}; need (rows, classes)")
    t = np.asarray(target)
    if t.ndim == 1 and t.dtype.kind not in "iu":
        raise DTypeError(f"{op}: a 1-D target holds classes and needs an integer dtype, got {t.dtype}; use "
                         "target.astype('int64') for an array, target.long() for a tensor, or give probabilities of "
                         "shape (rows, classes)")  # fmt: skip
    if t.shape not in ((x.shape[0],), x.shape):
        raise ShapeError(f"{op}: logits are {x.shape}, the target is {t.shape}; need ({x.shape[0]},) or {x.shape}")
    want = np.int64 if t.ndim == 1 else x.dtype
    if t.dtype != want:
        t, given = K.empty(t.shape, want), t
        K.copy(given, t)
    return K.contiguous(t)


@differentiable(
    called="cross_entropy",
    x=lambda g, y, x, target, *, reduction: cross_entropy_grad(g, x, target, probs=y.saved, reduction=reduction),
    target=lambda g, y, x, target, *, reduction: match(
        neg(mul(_row_scale(g, x, target, reduction), log_softmax(x))), target
    ),
)
def softmax_cross_entropy(x, target, *, reduction="mean"):
    """The fused op behind cross_entropy (classification.py); the softmax that it computes is kept for the gradient."""
    kind = check_reduction("cross_entropy", reduction)
    t = _class_targets("cross_entropy", x, target)
    loss, probs = K.empty((x.shape[0],) if kind == NONE else (), x.dtype), K.empty_like(x)
    K.cross_entropy(K.contiguous(x), t, loss, probs, reduction=kind)
    return loss, probs


def _row_scale(g: Tensor, x: Tensor, target: Any, reduction: str) -> Tensor:
    """What each row's softmax minus target is multiplied with."""
    if reduction == "none":
        return reshape(g, shape=(x.shape[0], 1))
    return mul(g, 1.0 / x.shape[0]) if reduction == "mean" else g


def _target_mass(target: Any) -> Any:
    """Σⱼ tⱼ per row: 1 for classes."""
    return sum(target, dim=1, keepdim=True) if isinstance(target, Tensor) and target.ndim == 2 else 1.0


@differentiable(
    g=lambda gg, z, g, x, target, *, probs, reduction: _cross_entropy_grad_g(gg, g, x, target, reduction),
    x=lambda gg, z, g, x, target, *, probs, reduction: softmax_grad(
        mul(gg, mul(_row_scale(g, x, target, reduction), _target_mass(target))), softmax(x)
    ),
    target=lambda gg, z, g, x, target, *, probs, reduction: match(
        mul(_row_scale(g, x, target, reduction), sub(sum(mul(gg, softmax(x)), dim=1, keepdim=True), gg)), target
    ),
)
def cross_entropy_grad(g, x, target, *, probs=None, reduction="mean"):
    """z = (softmax(x) Σ t - t) g, divided by the rows for mean."""
    t = _class_targets("cross_entropy_grad", x, target)
    if probs is None:
        probs = K.empty_like(x)
        K.softmax(K.contiguous(x), probs)
    z = K.empty_like(x)
    K.cross_entropy_grad(probs, t, K.contiguous(g), z, reduction=REDUCTIONS[reduction])
    return z


def _cross_entropy_grad_g(gg: Tensor, g: Tensor, x: Tensor, target: Any, reduction: str) -> Tensor:
    per_element = mul(gg, cross_entropy_grad(full(g, 1.0), x, target, reduction=reduction))
    return sum(per_element, dim=1) if reduction == "none" else sum(per_element)


def _pairs(op: str, x: np.ndarray, t: Any) -> tuple[np.ndarray, np.ndarray]:
    """Input and target of an elementwise loss: one shape, the input's dtype."""
    if x.dtype.kind != "f":
        raise DTypeError(f"{op}: the input is {x.dtype}; need float32 or float64")
    t = np.asarray(t)
    if not K.alike(x, t):
        if t.shape != x.shape:
            raise ShapeError(f"{op}: the input is {x.shape}, the target {t.shape}; need one shape, no broadcast")
        t, given = K.empty(t.shape, x.dtype), t
        K.copy(given, t)
    return K.contiguous(x), K.contiguous(t)


def _elementwise_loss(op: str, kernel: Any, x: np.ndarray, t: Any, reduction: str) -> np.ndarray:
    kind = check_reduction(op, reduction)
    x, t = _pairs(op, x, t)
    loss = K.empty_like(x) if kind == NONE else K.empty((), x.dtype)
    kernel(x, t, loss, reduction=kind)
    return loss


def _elementwise_grad(op: str, kernel: Any, g: np.ndarray, x: np.ndarray, t: Any, reduction: str) -> np.ndarray:
    x, t = _pairs(op, x, t)
    z = K.empty_like(x)
    kernel(x, t, K.contiguous(g), z, reduction=REDUCTIONS[reduction])
    return z


def _element_scale(g: Tensor, x: Tensor, reduction: str) -> Tensor:
    return mul(g, 1.0 / x.size) if reduction == "mean" else g


@differentiable(
    x=lambda g, y, x, t, *, reduction: mse_grad(g, x, t, reduction=reduction),
    t=lambda g, y, x, t, *, reduction: match(neg(mse_grad(g, x, t, reduction=reduction)), t),
)
def mse(x, t, *, reduction="mean"):
    """The squared error (x - t)² of an input x and a target t of one shape; reduction is mean, sum or none.

    >>> import minigrad as mg
    >>> mg.mse(mg.tensor([1, 2]), mg.tensor([1, 4]))
    tensor(2.)
    """
    return _elementwise_loss("mse", K.mse, x, t, reduction)


@differentiable(
    g=lambda gg, z, g, x, t, *, reduction: match(mul(gg, mse_grad(full(g, 1.0), x, t, reduction=reduction)), g),
    x=lambda gg, z, g, x, t, *, reduction: mul(gg, mul(2.0, _element_scale(g, x, reduction))),
    t=lambda gg, z, g, x, t, *, reduction: match(mul(gg, mul(-2.0, _element_scale(g, x, reduction))), t),
)
def mse_grad(g, x, t, *, reduction="mean"):
    """z = 2 (x - t) g, divided by the number of elements for mean."""
    return _elementwise_grad("mse_grad", K.mse_grad, g, x, t, reduction)


def bce_with_logits(
    input: Tensor, target: Any, *, reduction: str = "mean", allow_probabilities: bool = False
) -> Tensor:
    """Binary cross-entropy of logits: max(x, 0) - x t + log(1 + exp(-|x|)), x the input, t the target in [0, 1].

    One shape; reduction is mean, sum or none. Accurate where x is large and the naive form cancels. The output of a
    sigmoid is refused unless allow_probabilities.

    >>> import minigrad as mg
    >>> mg.bce_with_logits(mg.tensor([40.0]), mg.tensor([1.0]))
    tensor(4.248354e-18)
    """
    logits_only("bce_with_logits", input, "sigmoid", allow_probabilities)
    return sigmoid_cross_entropy(input, target, reduction=reduction)


@differentiable(
    called="bce_with_logits",
    x=lambda g, y, x, t, *, reduction: bce_with_logits_grad(g, x, t, reduction=reduction),
    t=lambda g, y, x, t, *, reduction: match(neg(mul(_element_scale(g, x, reduction), x)), t),
)
def sigmoid_cross_entropy(x, t, *, reduction="mean"):
    """The op behind bce_with_logits."""
    return _elementwise_loss("bce_with_logits", K.bce_with_logits, x, t, reduction)


@differentiable(
    g=lambda gg, z, g, x, t, *, reduction: match(
        mul(gg, bce_with_logits_grad(full(g, 1.0), x, t, reduction=reduction)), g
    ),
    x=lambda gg, z, g, x, t, *, reduction: mul(gg, sigmoid_grad(_element_scale(g, x, reduction), sigmoid(x))),
    t=lambda gg, z, g, x, t, *, reduction: match(neg(mul(gg, _element_scale(g, x, reduction))), t),
)
def bce_with_logits_grad(g, x, t, *, reduction="mean"):
    """z = (sigmoid(x) - t) g, divided by the number of elements for mean."""
    return _elementwise_grad("bce_with_logits_grad", K.bce_with_logits_grad, g, x, t, reduction)
