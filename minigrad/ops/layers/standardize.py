"""The ops behind batch_norm, layer_norm, group_norm and rms_norm, with gradients to any order.

There are two families. One normalizes rows: the numbers of one group of channels of one sample. The other normalizes
channels: all places of a channel in all samples. An op takes x of any shape and reads it as (samples, channels, inner).

With xhat = (x - mean) r, r = 1/√(var + eps) and m the mean over the numbers that are normalized together, the gradient
of xhat, for the gradient h of the result, is J(h) = r (h - m(h) - xhat m(h xhat)), which is linear in h and symmetric.
The gradient of J(h) with respect to x, for the gradient a of J(h), is
-r (xhat m(a J(h)) + m(h xhat) J(a) + m(a xhat) J(h)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable
from ..elementwise.arithmetic import add, div, mul, neg, square
from ..elementwise.exponential import sqrt
from ..reduce.statistics import center as centered
from ..reduce.statistics import mean
from ..shape.broadcast import sum
from ..shape.slices import view
from ..shape.views import reshape

Shape = tuple[int, ...]


class Slopes:
    """What the rules of one normalization share: the gradient g of y, and the three gradients that one kernel gives."""

    def __init__(self, g: Tensor, y: Tensor) -> None:
        self.g, self.moments = g, y.saved
        self.packed: Tensor | None = None


def _of_three(s: Slopes, i: int, y: Tensor, x: Tensor, weight: Tensor | None, bias: Tensor | None, o: Any) -> Tensor:
    """The gradient of x (0), weight (1) or bias (2) of a normalization with these options."""
    if s.packed is None:
        sums = weight is not None or bias is not None
        if "groups" in o:
            s.packed = rows_grad(s.g, x, weight, sums=sums, saved=s.moments, **o)
        else:
            if o["fixed"] is not None:  # copies, because the running mean and variance may be written in between
                o = {**o, "fixed": tuple(s.moments[:2])}
            s.packed = channels_grad(s.g, x, weight, sums=sums, saved=s.moments, **o)
    like = (x, weight, bias)[i]
    assert like is not None
    return _part(s.packed, i, x.array.size, o["shape"][1], like.array.shape)


def _part(packed: Tensor, i: int, size: int, channels: int, shape: Shape) -> Tensor:
    """Part i of an array with the gradients of x, weight and bias one after the other."""
    start = 0 if i == 0 else size + (i - 1) * channels
    return reshape(view(packed, index=(slice(start, start + (size if i == 0 else channels)),)), shape=shape)


NORMALIZED: dict[str, Any] = {
    "shared": Slopes,
    "x": lambda s, y, x, weight, bias, **o: _of_three(s, 0, y, x, weight, bias, o),
    "weight": lambda s, y, x, weight, bias, **o: _of_three(s, 1, y, x, weight, bias, o),
    "bias": lambda s, y, x, weight, bias, **o: _of_three(s, 2, y, x, weight, bias, o),
}


@differentiable(**NORMALIZED)
def normalized_rows(x, weight=None, bias=None, *, shape, groups, eps, center):
    """y = xhat weight + bias by rows of x, read as `shape` = (samples, channels, inner) with its channels in groups."""
    y, w, b = K.empty_like(x), _flat(weight), _flat(bias)
    x3, y3 = K.contiguous(x).reshape(shape), y.reshape(shape)
    moments = K.empty((2, shape[0] * groups), np.float64)
    K.standardize_rows(x3, y3, *moments, weight=w, bias=b, groups=groups, eps=eps, center=center)
    return y, moments


@differentiable(**NORMALIZED)
def normalized_channels(x, weight=None, bias=None, *, shape, eps, fixed=None):
    """y = xhat weight + bias by channels of x, read as `shape` = (samples, channels, inner).

    fixed: arrays (mean, var) in place of those of x.
    """
    y, w, b = K.empty_like(x), _flat(weight), _flat(bias)
    moments = K.empty((3, shape[1]), np.float64)
    for own, row in zip(fixed or (), moments):
        K.copy(own, row)
    x3, y3 = K.contiguous(x).reshape(shape), y.reshape(shape)
    K.standardize_channels(x3, y3, *moments, weight=w, bias=b, eps=eps, given=fixed is not None)
    return y, moments


def _flat(array: np.ndarray | None) -> np.ndarray | None:
    return None if array is None else K.contiguous(array)


# --- their gradients -------------------------------------------------------------------------------------------------


class Together:
    """x and weight reshaped to four dimensions; numbers that differ only in `dims` are normalized together.

    options are those of the op that gives the gradient, without sums and saved.
    """

    def __init__(self, x: Tensor, weight: Tensor | None, options: dict[str, Any]) -> None:
        (samples, channels, inner), groups = options["shape"], options.get("groups", 1)
        self.dims = (2, 3) if "groups" in options else (0, 3)
        self.sizes = samples, groups, channels // groups, inner
        self.each = 1, groups, channels // groups, 1
        if "groups" not in options:
            self.sizes, self.each = (samples, 1, channels, inner), (1, 1, channels, 1)
        self.options, self.shape, self.x = options, x.array.shape, x
        self.weight = None if weight is None else reshape(weight, shape=self.each)

    def all(self, t: Tensor) -> Tensor:
        """t, which has the shape of x, in four dimensions."""
        return reshape(t, shape=self.sizes)

    def times_weight(self, t: Tensor) -> Tensor:
        return t if self.weight is None else mul(t, self.weight)

    def middle(self, t: Tensor) -> Tensor:
        """The mean over the numbers that are normalized together."""
        return mean(t, dim=self.dims, keepdim=True)

    def xhat(self) -> Tensor:
        op = normalized_rows if "groups" in self.options else normalized_channels
        return self.all(op(self.x, **self.options))

    def slope(self, h: Tensor) -> Tensor:
        """J(h)."""
        op = rows_grad if "groups" in self.options else channels_grad
        packed = op(reshape(h, shape=self.shape), self.x, None, sums=False, saved=None, **self.options)
        return self.all(_part(packed, 0, self.x.array.size, 0, self.shape))

    def deviation(self) -> Tensor:
        """√(var + eps)."""
        x = self.all(self.x)
        d = centered(x, dims=self.dims) if self.options.get("center", True) else x
        return sqrt(add(self.middle(square(d)), self.options["eps"]))

    def curved(self, a: Tensor, h: Tensor) -> Tensor:
        """The gradient of <a, J(h)> with respect to x, if mean and var are those of x. (If they are fixed, it is 0.)"""
        z, xhat = self.slope(h), self.xhat()
        made = add(mul(xhat, self.middle(mul(a, z))), mul(self.middle(mul(h, xhat)), self.slope(a)))
        made = add(made, mul(self.middle(mul(a, xhat)), z))
        return neg(div(made, self.deviation()))


def _again(which: str, a: Tensor, g: Tensor, x: Tensor, weight: Tensor | None, o: dict[str, Any]) -> Tensor:
    """The gradients of S = <a₀, J(g weight)> + <a₁, Σ g xhat> + <a₂, Σ g>, for a = (a₀, a₁, a₂); a₁, a₂ if sums."""
    o, sums = dict(o), o["sums"]
    del o["sums"], o["saved"]
    t = Together(x, weight, o)
    size, channels = x.array.size, o["shape"][1]
    slope, g4 = _part(a, 0, size, channels, t.sizes), t.all(g)
    if which == "weight":
        assert weight is not None
        return reshape(sum(mul(t.slope(slope), g4), dim=(0, 3)), shape=weight.array.shape)
    u, v = (_part(a, i, size, channels, t.each) for i in (1, 2)) if sums else (None, None)
    if which == "g":
        made = t.times_weight(t.slope(slope))
        made = made if u is None or v is None else add(add(made, mul(u, t.xhat())), v)
    elif o.get("fixed") is not None:
        made = mul(slope, 0.0) if u is None else t.slope(mul(u, g4))
    else:
        made = t.curved(slope, t.times_weight(g4))
        made = made if u is None else add(made, t.slope(mul(u, g4)))
    return reshape(made, shape=x.array.shape)


AGAIN: dict[str, Any] = {
    "g": lambda a, z, g, x, weight, **o: _again("g", a, g, x, weight, o),
    "x": lambda a, z, g, x, weight, **o: _again("x", a, g, x, weight, o),
    "weight": lambda a, z, g, x, weight, **o: _again("weight", a, g, x, weight, o),
}


@differentiable(**AGAIN)
def rows_grad(g, x, weight=None, *, shape, groups, eps, center, sums=True, saved=None):
    """z = (J(g weight), Σ g xhat, Σ g), flat: the gradients of normalized_rows by x, weight and bias.

    Without sums, only the first. saved: mean and rstd, which are computed again if it is None.
    """
    z, out, weight_grad, bias_grad = _packed(x, shape, sums)
    x, g, w = K.contiguous(x).reshape(shape), K.contiguous(g).reshape(shape), _flat(weight)
    if saved is None:
        saved = K.empty((2, shape[0] * groups), np.float64)
        K.standardize_rows(x, K.empty_like(x), *saved, groups=groups, eps=eps, center=center)
    sums_of = {"weight_grad": weight_grad, "bias_grad": bias_grad}
    K.standardize_rows_grad(g, x, saved[0], saved[1], out, weight=w, groups=groups, center=center, **sums_of)
    return z


@differentiable(**AGAIN)
def channels_grad(g, x, weight=None, *, shape, eps, fixed=None, sums=True, saved=None):
    """z = (J(g weight), Σ g xhat, Σ g), flat: the gradients of normalized_channels by x, weight and bias.

    Without sums, only the first. saved: the moments, which are computed again if it is None. With fixed mean and var,
    J(h) is r h.
    """
    z, out, weight_grad, bias_grad = _packed(x, shape, sums)
    if not sums:  # the kernel writes both in any case
        weight_grad, bias_grad = K.empty((2, shape[1]), x.dtype)
    x3, g3, w = K.contiguous(x).reshape(shape), K.contiguous(g).reshape(shape), _flat(weight)
    if saved is None:
        saved = K.empty((3, shape[1]), np.float64)
        for own, row in zip(fixed or (), saved):
            K.copy(own, row)
        K.standardize_channels(x3, K.empty_like(x3), *saved, eps=eps, given=fixed is not None)
    K.standardize_channels_grad(
        g3, x3, saved[0], saved[2], out, weight_grad, bias_grad, weight=w, given=fixed is not None
    )
    return z


def _packed(x: np.ndarray, shape: Shape, sums: bool) -> tuple[Any, ...]:
    """Memory for the gradients of x, weight and bias, one after the other, and a view of each."""
    size, channels = x.size, shape[1] if sums else 0
    z = K.empty((size + 2 * channels,), x.dtype)
    own = (z[size : size + channels], z[size + channels :]) if sums else (None, None)
    return z, z[:size].reshape(shape), *own
