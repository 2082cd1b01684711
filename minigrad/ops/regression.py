"""Losses of numbers against numbers, element by element; and how every loss of several ops is reduced."""

from __future__ import annotations

from typing import Any

from .. import kernels as K
from ..checks import finite
from ..convert import owned
from ..dtypes import REAL
from ..engine import Tensor, differentiable
from ..errors import DTypeError, ShapeError
from .elementwise.arithmetic import abs, div, mul, sub
from .elementwise.where import clamp
from .losses import check_reduction, mse
from .reduce.statistics import mean
from .shape.axes import given
from .shape.broadcast import cast, sum


def pair(op: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Input and target as tensors of one shape and of the input's dtype."""
    x = given(input)
    if x.dtype not in REAL:
        raise DTypeError(f"{op}: the input is {x.dtype}; need float32 or float64: use .float() or .double(), of an "
                         "array .astype('float32')")  # fmt: skip
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


def reduced(op: str, losses: Tensor, reduction: str, divisor: Tensor | None = None) -> Tensor:
    """The losses, their sum, or their mean: the sum over the divisor, else over how many there are."""
    check_reduction(op, reduction)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum(losses)
    if losses.size == 0:
        raise ShapeError(f"{op}: there is no mean of no losses; need at least one")
    return mean(losses) if divisor is None else div(sum(losses), divisor)


def _weighted(op: str, losses: Tensor, weight: Any, reduction: str, over_weights: bool = True) -> Tensor:
    """Reduced after the product with weights; a mean is over the sum of the weights, or over their number."""
    if weight is None:
        return reduced(op, losses, reduction)
    weight = beside(op, "weight", weight, losses)
    return reduced(op, mul(losses, weight), reduction, sum(weight) if over_weights else None)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """|input - target|, of one shape; reduction is mean, sum or none. The gradient where both are equal is 0.

    With a weight for each element the mean divides by the sum of the weights.

    >>> import minigrad as mg
    >>> mg.l1_loss(mg.tensor([1, 2]), [1, 4])
    tensor(1.)
    """
    x, t = pair("l1_loss", input, target)
    return _weighted("l1_loss", abs(sub(x, t)), weight, reduction)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """(input - target)², of one shape; reduction is mean, sum or none.

    With a weight for each element the mean divides by the sum of the weights.

    >>> import minigrad as mg
    >>> mg.mse_loss(mg.tensor([1, 2]), [1, 4], weight=[3, 1])
    tensor(1.)
    """
    if weight is None:
        return mse(input, target, reduction=reduction)
    x, t = pair("mse_loss", input, target)
    return _weighted("mse_loss", mse(x, t, reduction="none"), weight, reduction)


def huber_loss(input: Any, target: Any, *, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Tensor:
    """d²/2 where |d| <= delta, else delta (|d| - delta/2), d = input - target; reduction is mean, sum or none.

    With a weight for each element the mean is that of the products, as in PyTorch.

    >>> import minigrad as mg
    >>> mg.huber_loss(mg.tensor([0.0, 0.0]), [1.0, 3.0], reduction="none")
    tensor([0.5, 2.5])
    """
    delta = finite(delta, "huber_loss: delta", 0.0)
    if delta == 0:
        raise ValueError("huber_loss: delta is 0; need more than 0")
    x, t = pair("huber_loss", input, target)
    return _weighted("huber_loss", huber(sub(x, t), delta=delta), weight, reduction, over_weights=False)


@differentiable(d=lambda g, y, d, *, delta: mul(g, clamp(d, -delta, delta)))
def huber(d, *, delta):
    """y = c (d - c/2), c = d held within ±delta: both branches in one; the slope is c."""
    c, y = K.empty_like(d), K.empty_like(d)
    K.maximum(d, -delta, c)
    K.minimum(c, delta, c)
    K.mul(c, 0.5, y)
    K.sub(d, y, y)
    K.mul(c, y, y)
    return y


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d²/(2 beta) where |d| < beta, else |d| - beta/2, d = input - target; reduction is mean, sum or none.

    It is huber_loss / beta, and l1_loss at beta = 0.

    >>> import minigrad as mg
    >>> mg.smooth_l1_loss(mg.tensor([0.0, 0.0]), [1.0, 3.0], beta=2.0, reduction="none")
    tensor([0.25, 2.  ])
    """
    beta = finite(beta, "smooth_l1_loss: beta", 0.0)
    x, t = pair("smooth_l1_loss", input, target)
    d = sub(x, t)
    return reduced("smooth_l1_loss", div(huber(d, delta=beta), beta) if beta else abs(d), reduction)
