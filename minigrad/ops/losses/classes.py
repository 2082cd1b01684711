"""Losses of scores or probabilities against several classes: (rows, classes), or (rows, classes, ...).

Cross-entropy with class weights, label smoothing and ignored rows is the fused op softmax_cross_entropy on a table of
weights: -Σⱼ table[i, j] log softmax(x[i])[j].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite
from ...convert import owned
from ...dtypes import DTYPES, INT64, REAL
from ...engine import Tensor, differentiable, full
from ...errors import DTypeError, GraphError, ShapeError
from ...kernels.reference.losses import NONE
from ...recording import mode
from ..elementwise.arithmetic import add, div, mul, neg, square, sub
from ..elementwise.fused_activations import relu
from ..elementwise.where import where
from ..index.gather import pick
from ..reduce.softmax import log_softmax, logsumexp, softmax, softmax_grad
from ..shape.axes import check_real, given
from ..shape.broadcast import broadcast_to, match, sum
from ..shape.views import permute, reshape
from .binary import focal
from .class_labels import Labels
from .common import REDUCTIONS, beside, check_reduction, logits_only, made_by, reduced, row_weights


def class_weights(op: str, weight: Any, x: Tensor) -> Tensor:
    """Class weights (classes,) in x's dtype, or ones. A constant."""
    if isinstance(weight, Tensor) and weight.tracked:
        raise GraphError(f"{op}: weight has no gradient; pass it detached")
    w = np.ones(x.shape[1]) if weight is None else weight.array if isinstance(weight, Tensor) else np.asarray(weight)
    if w.shape != x.shape[1:]:
        raise ShapeError(f"{op}: weight is {w.shape}, the input has {x.shape[1]} classes; need one weight for each")
    if mode.step is None or w.dtype.kind != "f":
        return Tensor(w.astype(x.dtype))
    own = K.empty(w.shape, x.dtype)  # the copy is recorded, so that each replay reads the weights again
    K.copy(w, own)
    return Tensor(own)


def as_rows(op: str, input: Any, target: Any, probabilities: bool = False) -> tuple[Tensor, Any, tuple[int, ...]]:
    """Input (rows, classes), target (rows,) or, if probabilities are taken, (rows, classes), and the losses' shape.

    One row may come as (classes,) with the target (), several dimensions of rows as (rows, classes, ...).
    """
    x, t = given(input), target if isinstance(target, Tensor) else np.asarray(target)
    check_real(op, x)
    shape = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    table = probabilities and t.shape == x.shape and (x.ndim > 1 or t.dtype.kind == "f")
    if x.ndim == 0 or not (table or t.shape == shape):
        more = f" or {x.shape}" if probabilities else ""
        raise ShapeError(f"{op}: the input is {x.shape}, the target {t.shape}; need {shape}{more} for (rows, classes)")

    def flatten(a: Tensor) -> Tensor:
        if a.ndim > 2:
            a = permute(a, dims=(0, *range(2, a.ndim), 1))
        return a if a.ndim == 2 else reshape(a, shape=(int(np.prod(shape)), a.shape[-1]))

    if table:
        return flatten(x), flatten(beside(op, "target", target, x)), shape
    return flatten(x), (t.array if isinstance(t, Tensor) else t).reshape(-1), shape


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    allow_probabilities: bool = False,
    sample_weight: Any = None,
) -> Tensor:
    """Softmax cross-entropy of logits `input` (rows, classes): -Σⱼ tⱼ log softmax(input)ⱼ per row.

    `target` holds classes, integers (rows,), or probabilities (rows, classes), one-hot rows for instance; the input
    may also be (classes,) or (rows, classes, ...). `weight` has a factor for each class. The loss of rows of the class
    ignore_index is 0. label_smoothing=e takes (1 - e) t + e / classes for t. reduction: none gives the losses of the
    rows, sum their sum, mean divides it by the sum of the weights of the rows' classes (by the number of rows, for
    probabilities). sample_weight (rows,) multiplies the losses of the rows and their parts of that divisor.

    ShapeError for shapes that do not fit, and for a mean of no rows; IndexError for a class outside [0, classes);
    DTypeError for classes that are no integers; ValueError for the output of a softmax, unless allow_probabilities.

    >>> import minigrad as mg
    >>> x = mg.tensor([[0.0, 0.0], [0.0, 3.0]])
    >>> mg.cross_entropy(x, [1, -100]), mg.cross_entropy(x, [1, 1], weight=[1, 3], label_smoothing=0.1)
    (tensor(0.6931472), tensor(0.383505))
    """
    logits_only("cross_entropy", input, "softmax", allow_probabilities)
    smoothing = label_smoothing and finite(label_smoothing, "cross_entropy: label_smoothing", 0.0, 1.0)
    input = input if type(input) is Tensor else Tensor(owned(input, op="cross_entropy: input"))
    target = target if isinstance(target, Tensor) else np.asarray(target)
    if sample_weight is not None:
        sample_weight = row_weights("cross_entropy", sample_weight, input)
    if weight is None and not smoothing and ignore_index < 0 and fits_fused(input, target, ignore_index):
        if sample_weight is None:
            return softmax_cross_entropy(input, target, reduction=reduction)
        losses = softmax_cross_entropy(input, target, reduction="none")
        return reduced("cross_entropy", losses, reduction, sample_weight=sample_weight)
    check_reduction("cross_entropy", reduction)
    x, t, shape = as_rows("cross_entropy", input, target, probabilities=True)
    w = class_weights("cross_entropy", weight, x)
    own = None if sample_weight is None else over_places(sample_weight, shape)
    x, table, divisor = _with_table(x, t, w, smoothing, ignore_index, weight is not None, own)
    if reduction == "none":
        return reshape(softmax_cross_entropy(x, table, reduction="none"), shape=shape)
    total = softmax_cross_entropy(x, table, reduction="sum")
    if reduction == "mean" and x.shape[0] == 0:
        raise ShapeError("cross_entropy: there is no mean of no losses; need at least one")
    return total if reduction == "sum" else div(total, divisor)


def over_places(sample_weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Weights (rows,) for losses (rows, ...), flattened: each place of a row gets the row's weight."""
    if len(shape) == 1:
        return sample_weight
    spread = broadcast_to(reshape(sample_weight, shape=(shape[0], *[1] * (len(shape) - 1))), shape=shape)
    return reshape(spread, shape=(-1,))


def _with_table(
    x: Tensor, t: Any, w: Tensor, smoothing: float, ignore_index: int, weighted: bool, sample_weight: Tensor | None
) -> tuple[Tensor, Tensor, Any]:
    """The rows that count, the table of weights (rows, classes) that is their targets, and the divisor of a mean."""
    column = None if sample_weight is None else reshape(sample_weight, shape=(-1, 1))
    if isinstance(t, Tensor):
        if ignore_index >= 0:
            raise ValueError("cross_entropy: ignore_index names a class; it does not go with probabilities")
        if smoothing:
            t = add(mul(t, 1 - smoothing), smoothing / x.shape[1])
        t = mul(t, w) if weighted else t
        return (x, t, max(x.shape[0], 1)) if column is None else (x, mul(t, column), sum(sample_weight))
    labels = Labels("cross_entropy", t, x.shape[1], ignore_index)
    own = labels.weights(w)
    table = labels.without(_smoothed(labels.index, own.array, w.array, smoothing))
    if column is not None:
        table, own = mul(table, column), mul(own, sample_weight)
    return labels.without(x), table, sum(own)


def fits_fused(x: Tensor, target: Any, ignore_index: int) -> bool:
    """Whether the fused op takes these as they are: logits (rows, classes) with classes of which none is ignored, or
    with a table of weights. Whether each class exists, the op itself checks."""
    logits, t = x.array, target.array if isinstance(target, Tensor) else target
    if logits.ndim != 2 or logits.dtype not in _LOGITS:
        return False
    if t.ndim == 1:
        return t.dtype in _CLASSES and t.shape[0] == logits.shape[0] and not _has(t, ignore_index)
    return t.dtype in _TABLES and t.shape == logits.shape


# Dtypes as the fused op takes them. Sets, because they compare by hash: a tuple of dtypes takes 0.1 µs per entry.
_LOGITS, _TABLES = frozenset(REAL), frozenset(DTYPES)
_CLASSES = frozenset(dtype for dtype in DTYPES if dtype.kind in "iu")
_IGNORED = np.int64(-100).tobytes()  # the default ignore_index in memory


def _has(labels: np.ndarray, ignore_index: int) -> bool:
    """Whether a label is ignore_index. For the default, the bytes are searched first: 0.3 µs, where == takes 2 µs."""
    if ignore_index == -100 and labels.dtype is INT64 and _IGNORED not in labels.tobytes():
        return False
    return bool((labels == ignore_index).any())


def _smoothed(index: np.ndarray, own: np.ndarray, w: np.ndarray, smoothing: float) -> Tensor:
    """Weights of log softmax(x): w smoothing / classes everywhere, and own (1 - smoothing) more at each row's class."""
    rows, classes = len(index), len(w)
    table, sure = K.empty((rows, classes), w.dtype), K.empty(own.shape, w.dtype)
    if smoothing:
        even = K.empty_like(w)
        K.mul(w, smoothing / classes, even)
        K.copy(even, table)
    else:
        K.copy(0.0, table)
    K.mul(own, 1.0 - smoothing, sure)
    places = K.empty((rows,), np.int64)
    K.class_places(index, places, classes)
    K.add_at(sure, places, table.reshape(-1))
    return Tensor(table)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: Any = None,
) -> Tensor:
    """-input[i, target[i]] per row: the negative log-likelihood of log-probabilities `input` (rows, classes).

    The input may also be (classes,) or (rows, classes, ...). `weight` has a factor for each class; the loss of rows of
    the class ignore_index is 0; the mean divides by the sum of the weights of the rows' classes; reduction is mean, sum
    or none. sample_weight (rows,) multiplies the losses of the rows and their parts of that divisor.

    ValueError for the output of a softmax or sigmoid, which are no logarithms; IndexError for a class outside
    [0, classes); DTypeError for classes that are no integers; ShapeError for shapes that do not fit.

    >>> import minigrad as mg
    >>> mg.nll_loss(mg.log_softmax(mg.tensor([[0.0, 0.0]])), [1])
    tensor(0.6931472)
    """
    for kind in ("softmax", "sigmoid"):
        if isinstance(input, Tensor) and made_by(kind, input):
            raise ValueError(
                f"nll_loss: the input is the output of a {kind}, but this loss takes log-probabilities, as log_softmax "
                "gives them: its minus would reward probabilities and never punish them. Use mg.log_softmax, or "
                "mg.cross_entropy on the logits"
            )
    x, t, shape = as_rows("nll_loss", input, target)
    labels = Labels("nll_loss", t, x.shape[1], ignore_index)
    losses, own = neg(pick(labels.without(x), index=labels.index, dim=1)), None
    if weight is not None or not labels.all:
        own = labels.weights(class_weights("nll_loss", weight, x))
        losses = mul(losses, own)
    if losses.shape != shape:
        losses, own = reshape(losses, shape=shape), None if own is None else reshape(own, shape=shape)
    return reduced("nll_loss", losses, reduction, own, sample_weight)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    *,
    reduction: str = "mean",
    sample_weight: Any = None,
) -> Tensor:
    """The multi-class hinge: Σⱼ w max(0, margin - x[target] + x[j])ᵖ / classes over j ≠ target; p is 1 or 2.

    input holds scores (rows, classes) or (classes,), target classes; w is the weight of the row's class; the mean is
    over rows, or over their weights sample_weight (rows,); reduction is mean, sum or none.

    ValueError for another p; IndexError for a class outside [0, classes); ShapeError for shapes that do not fit, or
    without classes.

    >>> import minigrad as mg
    >>> mg.multi_margin_loss(mg.tensor([[0.0, 3.0, 2.5]]), [1])
    tensor(0.16666667)
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is {p!r}; need 1 or 2")
    margin = finite(margin, "multi_margin_loss: margin")
    x, t, shape = as_rows("multi_margin_loss", input, target)
    if x.shape[1] == 0:
        raise ShapeError(f"multi_margin_loss: the input is {x.shape}; need at least one class")
    labels = Labels("multi_margin_loss", t, x.shape[1], ignore_index=-(2**63))
    h = relu(add(sub(x, reshape(pick(x, index=labels.index, dim=1), shape=(-1, 1))), margin))
    h = where(labels.places(x), 0.0, square(h) if p == 2 else h)
    losses = mul(sum(h, dim=1), 1.0 / x.shape[1])
    if weight is not None:
        losses = mul(losses, labels.weights(class_weights("multi_margin_loss", weight, x)))
    return reduced("multi_margin_loss", reshape(losses, shape=shape), reduction, sample_weight=sample_weight)


def softmax_focal_loss(
    input: Any,
    target: Any,
    gamma: float = 2.0,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    allow_probabilities: bool = False,
    sample_weight: Any = None,
) -> Tensor:
    """-(1 - p)^gamma log p per row, p = softmax(input)[target]: cross-entropy with small weights for rows of large p.

    Lin et al. (2017), arXiv 1708.02002. input holds logits (rows, classes), target classes; weight, ignore_index,
    reduction, allow_probabilities, sample_weight and errors are those of cross_entropy, which gamma = 0 gives.

    >>> import minigrad as mg
    >>> mg.softmax_focal_loss(mg.tensor([[0.0, 0.0]]), [1])
    tensor(0.1732868)
    """
    op = "softmax_focal_loss"
    logits_only(op, input, "softmax", allow_probabilities)
    gamma = finite(gamma, f"{op}: gamma", 0.0)
    x, t, shape = as_rows(op, input, target)
    labels = Labels(op, t, x.shape[1], ignore_index)
    own = labels.weights(class_weights(op, weight, x))
    x = labels.without(x)
    others = logsumexp(where(labels.places(x), -np.inf, x), 1)
    sure = sub(pick(x, index=labels.index, dim=1), others)  # the logit of p: p = sigmoid(sure)
    losses = mul(focal(sure, gamma), own)
    return reduced(op, reshape(losses, shape=shape), reduction, reshape(own, shape=shape), sample_weight)


def _class_targets(op: str, x: np.ndarray, target: Any) -> np.ndarray:
    """target as kernels take it: int64 (rows,), or (rows, classes) in x's dtype."""
    if x.ndim != 2:
        raise ShapeError(f"{op}: logits are {x.shape}; need (rows, classes)")
    t = np.asarray(target)
    if t.ndim == 1 and t.dtype.kind not in "iu":
        raise DTypeError(
            f"{op}: a 1-D target holds classes and needs an integer dtype, got {t.dtype}; use "
            "target.astype('int64') for an array, target.long() for a tensor, or give probabilities of "
            "shape (rows, classes)"
        )
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
    """The fused op behind cross_entropy; the softmax that it computes is kept for the gradient."""
    kind = check_reduction("cross_entropy", reduction)
    t = _class_targets("cross_entropy", x, target)
    loss, probs = K.empty((x.shape[0],) if kind == NONE else (), x.dtype), K.empty_like(x)
    K.cross_entropy(K.contiguous(x), t, loss, probs, reduction=kind)
    return loss, probs


def _row_scale(g: Tensor, x: Tensor, target: Any, reduction: str) -> Tensor:
    """The factor of softmax - target in the gradient of each row."""
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
