"""Losses against two classes (0, 1) or two signs (-1, 1), element by element; and between two distributions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite
from ...engine import Tensor, differentiable, full
from ...errors import ShapeError
from ..elementwise.arithmetic import add, div, mul, neg, sub
from ..elementwise.exponential import exp, log
from ..elementwise.fused_activations import relu, sigmoid, sigmoid_grad
from ..elementwise.where import clamp, where
from ..shape.axes import given
from ..shape.broadcast import match, sum
from .common import (
    REDUCTIONS,
    element_scale,
    elementwise_grad,
    elementwise_loss,
    logits_only,
    made_by,
    one_of,
    pair,
    reduced,
    rescaled,
    row_weights,
)


def _held_log(x):
    """max(log x, -100), whose gradient is 0 below e⁻¹⁰⁰."""
    return log(clamp(x, 3.7835e-44))


# The gradient at 0 and 1 is large, not infinite: x (1 - x) is held above 1e-12, as in PyTorch.
@differentiable(
    x=lambda g, y, x, t: div(mul(g, sub(x, t)), clamp(mul(x, sub(1.0, x)), 1e-12)),
    t=lambda g, y, x, t: mul(g, sub(_held_log(sub(1.0, x)), _held_log(x))),
)
def probability_cross_entropy(x, t):
    """y = -(t max(log x, -100) + (1 - t) max(log(1 - x), -100)): the op behind binary_cross_entropy."""
    y, z, rest = (K.empty_like(x) for _ in range(3))
    K.log(x, y)
    K.maximum(y, -100.0, y)
    K.mul(t, y, y)
    K.neg(x, z)
    K.log1p(z, z)
    K.maximum(z, -100.0, z)
    K.sub(1.0, t, rest)
    K.mul(rest, z, z)
    K.add(y, z, y)
    K.neg(y, y)
    return y


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", sample_weight: Any = None
) -> Tensor:
    """-(t log x + (1 - t) log(1 - x)) of probabilities `input` and a target t in [0, 1], one shape.

    Logarithms are held above -100, as in PyTorch, so that the loss of a probability of 0 or 1 is at most 100. Prefer
    binary_cross_entropy_with_logits, because a probability near 1 is rounded. The losses are multiplied by `weight`;
    reduction is mean, sum or none. With a sample_weight w for each row the mean is Σ w l / Σ w.

    ValueError for inputs or targets outside of [0, 1]; ShapeError for two shapes.

    >>> import minigrad as mg
    >>> mg.binary_cross_entropy(mg.tensor([0.5, 0.0]), [1, 1], reduction="none")
    tensor([  0.6931472, 100.       ])
    """
    x, t = pair("binary_cross_entropy", input, target)
    for name, a in (("input", x.array), ("target", t.array)):
        outside = a[(a < 0) | (a > 1)]
        if outside.size:
            raise ValueError(
                f"binary_cross_entropy: the {name} holds {outside[0]}; need probabilities in [0, 1] "
                "(of logits: binary_cross_entropy_with_logits)"
            )
    losses = rescaled("binary_cross_entropy", probability_cross_entropy(x, t), weight)
    return reduced("binary_cross_entropy", losses, reduction, sample_weight=sample_weight)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    reduction: str = "mean",
    pos_weight: Any = None,
    allow_probabilities: bool = False,
    sample_weight: Any = None,
) -> Tensor:
    """w (p t log(1 + e⁻ˣ) + (1 - t) log(1 + eˣ)) of logits x, the input, and a target t in [0, 1].

    One shape; `weight` w and `pos_weight` p, the factor of positive targets, broadcast to the input; without them it is
    bce_with_logits, one op. Accurate for large x. reduction is mean, sum or none; with a sample_weight v for each row
    the mean is Σ v l / Σ v.

    ValueError for the output of a sigmoid, unless allow_probabilities, and for another reduction; ShapeError for two
    shapes.

    >>> import minigrad as mg
    >>> mg.binary_cross_entropy_with_logits(mg.tensor([40.0]), [1], pos_weight=[2])
    tensor(8.496708e-18)
    """
    op = "binary_cross_entropy_with_logits"
    if weight is None and pos_weight is None:
        options = {"allow_probabilities": allow_probabilities, "sample_weight": sample_weight}
        return bce_with_logits(input, target, reduction=reduction, **options)
    logits_only(op, input, "sigmoid", allow_probabilities)
    x, t = pair(op, input, target)
    if pos_weight is None:
        losses = sigmoid_cross_entropy(x, t, reduction="none")
    else:
        losses = add(mul(rescaled(op, t, pos_weight), surprise(x, 1.0)), mul(sub(1.0, t), surprise(x, 0.0)))
    return reduced(op, rescaled(op, losses, weight), reduction, sample_weight=sample_weight)


def surprise(x: Tensor, outcome: float) -> Tensor:
    """-log sigmoid(x) for the outcome 1, -log sigmoid(-x) for 0: log(1 + e⁻ˣ) and log(1 + eˣ), accurate for any x."""
    return sigmoid_cross_entropy(x, full(x, outcome), reduction="none")


def focal(sure: Tensor, gamma: float) -> Tensor:
    """-(1 - p)^gamma log p, p = sigmoid(sure). 1 - p is not formed, because it is inaccurate for p near 1."""
    losses = surprise(sure, 1.0)
    return mul(losses, exp(mul(surprise(sure, 0.0), -gamma))) if gamma else losses


def sigmoid_focal_loss(
    inputs: Any,
    targets: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    reduction: str = "none",
    allow_probabilities: bool = False,
    sample_weight: Any = None,
) -> Tensor:
    """-α (1 - p)^gamma log p, p the probability of the target: sigmoid(x) for 1, sigmoid(-x) for 0, one shape.

    Lin et al. (2017), arXiv 1708.02002, with torchvision's arguments. inputs are logits; targets hold 0 and 1; α is
    alpha for 1 and 1 - alpha for 0, no factor for a negative alpha. reduction is none, mean or sum; with a
    sample_weight w for each row the mean is Σ w l / Σ w.

    ValueError for the output of a sigmoid, unless allow_probabilities, for targets that are not 0 or 1, a negative
    gamma, an alpha above 1 or another reduction; ShapeError for two shapes.

    >>> import minigrad as mg
    >>> mg.sigmoid_focal_loss(mg.tensor([0.0, 0.0]), [0, 1])
    tensor([0.1299651, 0.0433217])
    """
    op = "sigmoid_focal_loss"
    logits_only(op, inputs, "sigmoid", allow_probabilities)
    alpha, gamma = finite(alpha, f"{op}: alpha", at_most=1.0), finite(gamma, f"{op}: gamma", 0.0)
    x, t = pair(op, inputs, targets)
    losses = focal(mul(x, sub(mul(one_of(op, t, 0.0), 2.0), 1.0)), gamma)
    if alpha >= 0:
        losses = mul(losses, add(mul(t, 2 * alpha - 1), 1 - alpha))
    return reduced(op, losses, reduction, sample_weight=sample_weight)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean", sample_weight: Any = None) -> Tensor:
    """log(1 + exp(-t x)), x the input, t the target of signs, -1 or 1, one shape; reduction is mean, sum or none.

    Accurate for any t x. With a sample_weight w for each row the mean is Σ w l / Σ w.

    ValueError for targets that are not -1 or 1, or another reduction; ShapeError for two shapes.

    >>> import minigrad as mg
    >>> mg.soft_margin_loss(mg.tensor([0.0, 40.0]), [-1, 1], reduction="none")
    tensor([6.931472e-01, 4.248354e-18])
    """
    x, t = pair("soft_margin_loss", input, target)
    losses = surprise(mul(one_of("soft_margin_loss", t, -1.0), x), 1.0)
    return reduced("soft_margin_loss", losses, reduction, sample_weight=sample_weight)


def hinge_loss(
    input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean", sample_weight: Any = None
) -> Tensor:
    """max(0, margin - t x), x the input, t the target of signs, -1 or 1, one shape; reduction is mean, sum or none.

    This is the loss of support vector machines. The gradient at the kink is 0. With a sample_weight w for each row the
    mean is Σ w l / Σ w.

    ValueError for targets that are not -1 or 1, or another reduction; ShapeError for two shapes.

    >>> import minigrad as mg
    >>> mg.hinge_loss(mg.tensor([0.5, 2.0]), [-1, 1], reduction="none")
    tensor([1.5, 0. ])
    """
    x, t = pair("hinge_loss", input, target)
    margin = finite(margin, "hinge_loss: margin")
    losses = relu(sub(margin, mul(one_of("hinge_loss", t, -1.0), x)))
    return reduced("hinge_loss", losses, reduction, sample_weight=sample_weight)


def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean", sample_weight: Any = None
) -> Tensor:
    """x where the target is 1 and max(0, margin - x) where it is -1, x the input, such as distances; one shape.

    Training makes the distances of target 1 small, and those of target -1 at least `margin`. reduction is mean, sum or
    none; with a sample_weight w for each row the mean is Σ w l / Σ w.

    ValueError for targets that are not -1 or 1, or another reduction; ShapeError for two shapes.

    >>> import minigrad as mg
    >>> mg.hinge_embedding_loss(mg.tensor([0.25, 0.25]), [1, -1], reduction="none")
    tensor([0.25, 0.75])
    """
    x, t = pair("hinge_embedding_loss", input, target)
    margin = finite(margin, "hinge_embedding_loss: margin")
    together = one_of("hinge_embedding_loss", t, -1.0).array == 1
    losses = where(together, x, relu(sub(margin, x)))
    return reduced("hinge_embedding_loss", losses, reduction, sample_weight=sample_weight)


def kl_div(
    input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False, sample_weight: Any = None
) -> Tensor:
    """t (log t - x), x the input, log-probabilities, t the target, probabilities; one shape; 0 where t is 0.

    With log_target the target is log t. reduction: mean divides by the number of elements; batchmean by the size of
    the first dimension, which is the mean Kullback-Leibler divergence of the rows; sum; none. With a sample_weight w
    for each row both means are over Σ w.

    ValueError for another reduction, and for an input that softmax or sigmoid made, because it should hold logarithms;
    ShapeError for batchmean of no rows.

    >>> import minigrad as mg
    >>> x = mg.log_softmax(mg.tensor([[0.0, 0.0]]))
    >>> mg.kl_div(x, [[1.0, 0.0]], reduction="batchmean")
    tensor(0.6931472)
    """
    if reduction not in (*REDUCTIONS, "batchmean"):
        raise ValueError(f"kl_div: reduction is {reduction!r}; need 'mean', 'batchmean', 'sum' or 'none'")
    for kind in ("softmax", "sigmoid"):
        if isinstance(input, Tensor) and made_by(kind, input):
            raise ValueError(
                f"kl_div: the input is the output of a {kind}, but this loss takes log-probabilities, as log_softmax "
                "gives them; the target holds probabilities"
            )
    x, t = pair("kl_div", input, target)
    if log_target:
        some = t.array != -np.inf
        t, log_t = exp(t), t
    else:
        some = t.array != 0
        log_t = log(where(some, t, 1.0))
    losses = mul(t, where(some, sub(log_t, x), 0.0))
    if reduction != "batchmean":
        return reduced("kl_div", losses, reduction, sample_weight=sample_weight)
    if losses.ndim == 0 or losses.shape[0] == 0:
        raise ShapeError(f"kl_div: the input is {x.shape}; batchmean needs at least one row")
    w = row_weights("kl_div", sample_weight, losses)
    if w is None:
        return mul(sum(losses), 1.0 / losses.shape[0])
    return div(reduced("kl_div", losses, "sum", sample_weight=w), sum(w))


def bce_with_logits(
    input: Tensor,
    target: Any,
    *,
    reduction: str = "mean",
    allow_probabilities: bool = False,
    sample_weight: Any = None,
) -> Tensor:
    """Binary cross-entropy of logits: max(x, 0) - x t + log(1 + exp(-|x|)), x the input, t the target in [0, 1].

    One shape; reduction is mean, sum or none; with a sample_weight w for each row the mean is Σ w l / Σ w. Accurate for
    large x too.

    ValueError for the output of a sigmoid, unless allow_probabilities, and for another reduction; ShapeError for two
    shapes.

    >>> import minigrad as mg
    >>> mg.bce_with_logits(mg.tensor([40.0]), mg.tensor([1.0]))
    tensor(4.248354e-18)
    """
    logits_only("bce_with_logits", input, "sigmoid", allow_probabilities)
    if sample_weight is not None:
        sample_weight = row_weights("bce_with_logits", sample_weight, given(input))
    if sample_weight is None:
        return sigmoid_cross_entropy(input, target, reduction=reduction)
    losses = sigmoid_cross_entropy(input, target, reduction="none")
    return reduced("bce_with_logits", losses, reduction, sample_weight=sample_weight)


@differentiable(
    called="bce_with_logits",
    x=lambda g, y, x, t, *, reduction: bce_with_logits_grad(g, x, t, reduction=reduction),
    t=lambda g, y, x, t, *, reduction: match(neg(mul(element_scale(g, x, reduction), x)), t),
)
def sigmoid_cross_entropy(x, t, *, reduction="mean"):
    """The op behind bce_with_logits."""
    return elementwise_loss("bce_with_logits", K.bce_with_logits, x, t, reduction)


@differentiable(
    g=lambda gg, z, g, x, t, *, reduction: match(
        mul(gg, bce_with_logits_grad(full(g, 1.0), x, t, reduction=reduction)), g
    ),
    x=lambda gg, z, g, x, t, *, reduction: mul(gg, sigmoid_grad(element_scale(g, x, reduction), sigmoid(x))),
    t=lambda gg, z, g, x, t, *, reduction: match(neg(mul(gg, element_scale(g, x, reduction))), t),
)
def bce_with_logits_grad(g, x, t, *, reduction="mean"):
    """z = (sigmoid(x) - t) g, divided by the number of elements for mean."""
    return elementwise_grad("bce_with_logits_grad", K.bce_with_logits_grad, g, x, t, reduction)
