"""What the losses share: checks of input and target, weights, and the reduction (mean, sum or none)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...convert import owned
from ...dtypes import REAL
from ...engine import Tensor
from ...errors import DTypeError, ShapeError
from ...kernels.reference.losses import MEAN, NONE, SUM
from ..elementwise.arithmetic import div, mul
from ..reduce.statistics import mean
from ..shape.axes import given
from ..shape.broadcast import cast, sum
from ..shape.views import reshape

REDUCTIONS = {"none": NONE, "mean": MEAN, "sum": SUM}

PROBABILITIES = ("softmax", "sigmoid")


def check_reduction(op: str, reduction: str) -> int:
    try:
        return REDUCTIONS[reduction]
    except (KeyError, TypeError):
        raise ValueError(f"{op}: reduction is {reduction!r}; need 'mean', 'sum' or 'none'") from None


def made_by(kind: str, x: Tensor) -> bool:
    """Whether this op made x, or affine with this activation; looks through reshapes that were recorded."""
    while x.op is not None and x.op.name in ("reshape", "permute", "cast") and x.inputs:
        x = x.inputs[0]
    return x.op is not None and (x.op.name == kind or (x.options or {}).get("activation") == kind)


def logits_only(op: str, x: Any, kind: str, allow_probabilities: bool) -> None:
    """Refuse the output of a softmax or sigmoid for a loss of logits, which would apply the function a second time."""
    if not allow_probabilities and isinstance(x, Tensor) and made_by(kind, x):
        raise ValueError(
            f"{op}: the input is the output of a {kind}, but this loss expects logits and applies {kind} itself. A "
            f"second {kind} bounds the loss away from 0 and flattens its gradient: leave the {kind} out of the model, "
            "or pass allow_probabilities=True to study the mistake"
        )


def pairs(op: str, x: np.ndarray, t: Any) -> tuple[np.ndarray, np.ndarray]:
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


def elementwise_loss(op: str, kernel: Any, x: np.ndarray, t: Any, reduction: str) -> np.ndarray:
    kind = check_reduction(op, reduction)
    x, t = pairs(op, x, t)
    loss = K.empty_like(x) if kind == NONE else K.empty((), x.dtype)
    kernel(x, t, loss, reduction=kind)
    return loss


def elementwise_grad(op: str, kernel: Any, g: np.ndarray, x: np.ndarray, t: Any, reduction: str) -> np.ndarray:
    x, t = pairs(op, x, t)
    z = K.empty_like(x)
    kernel(x, t, K.contiguous(g), z, reduction=REDUCTIONS[reduction])
    return z


def element_scale(g: Tensor, x: Tensor, reduction: str) -> Tensor:
    return mul(g, 1.0 / x.size) if reduction == "mean" else g


def rescaled(op: str, losses: Tensor, weight: Any) -> Tensor:
    """The losses times a weight that broadcasts to them."""
    if weight is None:
        return losses
    w = like(weight, losses)
    try:
        fits = np.broadcast_shapes(w.shape, losses.shape) == losses.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{op}: a weight is {w.shape}, the input {losses.shape}; need one that broadcasts to it")
    return mul(losses, w)


def one_of(op: str, t: Tensor, low: float) -> Tensor:
    """The target t, which must hold low and 1 only."""
    if not ((t.array == low) | (t.array == 1)).all():
        raise ValueError(f"{op}: the target holds {t.array[(t.array != low) & (t.array != 1)][0]}; need {low:g} and 1")
    return t


def pair(op: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Input and target as tensors of one shape and of the input's dtype."""
    x = given(input)
    if x.dtype not in REAL:
        raise DTypeError(
            f"{op}: the input is {x.dtype}; need float32 or float64: use .float() or .double(), of an "
            "array .astype('float32')"
        )
    return x, beside(op, "target", target, x)


def like(value: Any, x: Tensor) -> Tensor:
    """A target or weight as a tensor of the dtype of x."""
    t = value if isinstance(value, Tensor) else Tensor(owned(value, x.dtype))
    return t if t.dtype == x.dtype else cast(t, dtype=x.dtype)


def beside(op: str, name: str, value: Any, x: Tensor) -> Tensor:
    """A target or weight in the shape and dtype of the input x."""
    t = like(value, x)
    if t.shape != x.shape:
        raise ShapeError(f"{op}: the input is {x.shape}, the {name} {t.shape}; need one shape, no broadcast")
    return t


def reduced(op: str, losses: Tensor, reduction: str, own: Tensor | None = None, sample_weight: Any = None) -> Tensor:
    """The losses, their sum, or their mean, which divides by their number, or by Σ own if each has a weight `own`.

    sample_weight w (rows,) multiplies the losses of each row and their part of the divisor: the mean is Σ w l / Σ w.
    """
    check_reduction(op, reduction)
    w = row_weights(op, sample_weight, losses)
    if w is not None:
        w = w if losses.ndim == 1 else reshape(w, shape=(w.shape[0], *[1] * (losses.ndim - 1)))
        losses = mul(losses, w)
        own = w if own is None else mul(own, w)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum(losses)
    if losses.size == 0:
        raise ShapeError(f"{op}: there is no mean of no losses; need at least one")
    if own is None:
        return mean(losses)
    over = sum(own)
    return div(sum(losses), over if own.size == losses.size else mul(over, losses.size // own.size))


def row_weights(op: str, sample_weight: Any, x: Tensor) -> Tensor | None:
    """sample_weight (rows,) as a tensor of the dtype of x, which has as many rows.

    None if there is none, and if every number of an array is 1, so that the bits are those without weights. A tensor is
    not inspected, because a recorded step would repeat the decision for other numbers.
    """
    if sample_weight is None:
        return None
    w = like(sample_weight, x)
    if x.ndim == 0 or w.shape != x.shape[:1]:
        need = f"one number for each row, ({x.shape[0]},)" if x.ndim else "rows, of which there are none here"
        raise ShapeError(f"{op}: sample_weight is {w.shape}; need {need}")
    return None if not isinstance(sample_weight, Tensor) and (w.array == 1).all() else w


def weighted(
    op: str, losses: Tensor, weight: Any, reduction: str, over_weights: bool = True, sample_weight: Any = None
) -> Tensor:
    """The losses times their weights, reduced; a mean divides by the sum of the weights, or by their number."""
    if weight is None:
        return reduced(op, losses, reduction, sample_weight=sample_weight)
    weight = beside(op, "weight", weight, losses)
    return reduced(op, mul(losses, weight), reduction, weight if over_weights else None, sample_weight)
