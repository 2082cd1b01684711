"""Losses of numbers against numbers, element by element."""

from __future__ import annotations

from typing import Any

from ... import kernels as K
from ...checks import finite
from ...engine import Tensor, differentiable, full
from ..elementwise.arithmetic import abs, div, mul, neg, sub
from ..elementwise.where import clamp
from ..shape.axes import given
from ..shape.broadcast import match
from .common import element_scale, elementwise_grad, elementwise_loss, pair, reduced, row_weights, weighted


def l1_loss(
    input: Any, target: Any, *, reduction: str = "mean", weight: Any = None, sample_weight: Any = None
) -> Tensor:
    """|input - target|, of one shape; reduction is mean, sum or none. The gradient where both are equal is 0.

    With a weight for each element, or a sample_weight for each row, the mean divides by the sum of the weights.

    ShapeError for two shapes, DTypeError for an input of integers, ValueError for another reduction.

    >>> import minigrad as mg
    >>> mg.l1_loss(mg.tensor([1, 2]), [1, 4])
    tensor(1.)
    """
    x, t = pair("l1_loss", input, target)
    return weighted("l1_loss", abs(sub(x, t)), weight, reduction, sample_weight=sample_weight)


def mse_loss(
    input: Any, target: Any, *, reduction: str = "mean", weight: Any = None, sample_weight: Any = None
) -> Tensor:
    """(input - target)², of one shape; reduction is mean, sum or none.

    With a weight for each element, or a sample_weight for each row, the mean divides by the sum of the weights.

    ShapeError for two shapes, DTypeError for an input of integers, ValueError for another reduction.

    >>> import minigrad as mg
    >>> mg.mse_loss(mg.tensor([1, 2]), [1, 4], weight=[3, 1])
    tensor(1.)
    """
    if weight is None:
        return mse(input, target, reduction=reduction, sample_weight=sample_weight)
    x, t = pair("mse_loss", input, target)
    return weighted("mse_loss", squared_error(x, t, reduction="none"), weight, reduction, sample_weight=sample_weight)


def huber_loss(
    input: Any,
    target: Any,
    *,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Any = None,
    sample_weight: Any = None,
) -> Tensor:
    """d²/2 where |d| <= delta, else delta (|d| - delta/2), d = input - target; reduction is mean, sum or none.

    With a weight for each element the mean is that of the products, as in PyTorch; with a sample_weight w for each row
    it is Σ w l / Σ w.

    ValueError for a delta of 0 or another reduction; ShapeError for two shapes.

    >>> import minigrad as mg
    >>> mg.huber_loss(mg.tensor([0.0, 0.0]), [1.0, 3.0], reduction="none")
    tensor([0.5, 2.5])
    """
    delta = finite(delta, "huber_loss: delta", 0.0)
    if delta == 0:
        raise ValueError("huber_loss: delta is 0; need more than 0")
    x, t = pair("huber_loss", input, target)
    losses = huber(sub(x, t), delta=delta)
    return weighted("huber_loss", losses, weight, reduction, over_weights=False, sample_weight=sample_weight)


@differentiable(d=lambda g, y, d, *, delta: mul(g, clamp(d, -delta, delta)))
def huber(d, *, delta):
    """y = c (d - c/2), c = d clamped to ±delta: one formula for both branches of the Huber loss, with derivative c."""
    c, y = K.empty_like(d), K.empty_like(d)
    K.maximum(d, -delta, c)
    K.minimum(c, delta, c)
    K.mul(c, 0.5, y)
    K.sub(d, y, y)
    K.mul(c, y, y)
    return y


def smooth_l1_loss(
    input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0, sample_weight: Any = None
) -> Tensor:
    """d²/(2 beta) where |d| < beta, else |d| - beta/2, d = input - target; reduction is mean, sum or none.

    It is huber_loss / beta, and l1_loss at beta = 0. With a sample_weight w for each row the mean is Σ w l / Σ w.

    ValueError for a beta below 0 or another reduction; ShapeError for two shapes, DTypeError for an input of integers.

    >>> import minigrad as mg
    >>> mg.smooth_l1_loss(mg.tensor([0.0, 0.0]), [1.0, 3.0], beta=2.0, reduction="none")
    tensor([0.25, 2.  ])
    """
    beta = finite(beta, "smooth_l1_loss: beta", 0.0)
    x, t = pair("smooth_l1_loss", input, target)
    d = sub(x, t)
    losses = div(huber(d, delta=beta), beta) if beta else abs(d)
    return reduced("smooth_l1_loss", losses, reduction, sample_weight=sample_weight)


def mse(x: Any, t: Any, *, reduction: str = "mean", sample_weight: Any = None) -> Tensor:
    """The squared error (x - t)² of an input x and a target t of one shape; reduction is mean, sum or none.

    With a sample_weight w for each row the mean is Σ w l / Σ w.

    ShapeError for two shapes, DTypeError for an input of integers, ValueError for another reduction.

    >>> import minigrad as mg
    >>> mg.mse(mg.tensor([1, 2]), mg.tensor([1, 4])), mg.mse(mg.tensor([1, 2]), [1, 4], sample_weight=[3, 1])
    (tensor(2.), tensor(1.))
    """
    if sample_weight is not None:
        sample_weight = row_weights("mse", sample_weight, given(x))
    if sample_weight is None:
        return squared_error(x, t, reduction=reduction)
    return reduced("mse", squared_error(x, t, reduction="none"), reduction, sample_weight=sample_weight)


@differentiable(
    called="mse",
    x=lambda g, y, x, t, *, reduction: mse_grad(g, x, t, reduction=reduction),
    t=lambda g, y, x, t, *, reduction: match(neg(mse_grad(g, x, t, reduction=reduction)), t),
)
def squared_error(x, t, *, reduction="mean"):
    """The op behind mse."""
    return elementwise_loss("mse", K.mse, x, t, reduction)


@differentiable(
    g=lambda gg, z, g, x, t, *, reduction: match(mul(gg, mse_grad(full(g, 1.0), x, t, reduction=reduction)), g),
    x=lambda gg, z, g, x, t, *, reduction: mul(gg, mul(2.0, element_scale(g, x, reduction))),
    t=lambda gg, z, g, x, t, *, reduction: match(mul(gg, mul(-2.0, element_scale(g, x, reduction))), t),
)
def mse_grad(g, x, t, *, reduction="mean"):
    """z = 2 (x - t) g, divided by the number of elements for mean."""
    return elementwise_grad("mse_grad", K.mse_grad, g, x, t, reduction)
