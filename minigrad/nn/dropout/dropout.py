"""Dropout: in training each element is dropped with probability p; what is kept is scaled so that the mean stays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite, whole
from ...engine import Tensor, full
from ...errors import ShapeError
from ...ops.elementwise.arithmetic import mul
from ...ops.elementwise.fused_activations import relu_grad
from ...ops.regularize.dropout import dropout
from ...ops.shape.axes import check_real
from ...tensor import tensor
from .random_layer import RandomLayer

Shape = tuple[int, ...]


class Dropout(RandomLayer):
    """Drop each element with probability p while training: y = m x / (1 - p), with m = 1 where kept, 0 where dropped.

    gradient  g m / (1 - p), by the same mask
    source    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, Dropout: a simple way to prevent neural
              networks from overfitting, section 4 (there classical)

    scaling      "inverted": kept elements are divided by 1 - p in training, evaluation is the identity;
                 "classical": kept as they are in training, evaluation multiplies by 1 - p.
    seed         None: masks come from the process's dropout streams (minigrad.manual_seed); a number: from streams of
                 this layer's own, whose call number is the buffer `calls`: `calls.copy_(0)` starts again.
    noise_shape  the shape of the mask, as in Keras: 1 where the elements of a dimension are dropped together, None for
                 the size of x: (None, 1, None) drops a feature of (rows, steps, features) in all steps.

    A mask is a function of (seed, call number, position) alone. Every call in training takes the next call number,
    whatever p is, so that networks that differ in p see the same streams. p within 2⁻¹⁷ of 0 or 1 drops none or all.

    ValueError for p outside of [0, 1] or another scaling; ShapeError for x that noise_shape does not fit.

    >>> import minigrad as mg
    >>> layer = mg.nn.Dropout(0.5, seed=1)
    >>> y = layer(mg.tensor([1, 1, 1, 1]))
    >>> bool((y.data == 2 * layer.last_mask()).all()), layer.eval()(mg.tensor([1, 1])).data
    (True, array([1., 1.], dtype=float32))
    """

    def __init__(
        self,
        p: float = 0.5,
        scaling: str = "inverted",
        seed: int | None = None,
        noise_shape: Sequence[int | None] | None = None,
    ) -> None:
        super().__init__(seed)
        name = type(self).__name__
        self.p = finite(p, f"{name}: p (the share that is dropped)", 0.0, 1.0)
        if scaling not in ("inverted", "classical"):
            raise ValueError(f"{name}: scaling is {scaling!r}; need 'inverted' or 'classical'")
        self.scaling = scaling
        self.noise_shape = (
            None
            if noise_shape is None
            else tuple(
                None if n is None else whole(n, f"{name}: noise_shape[{i}]", 1) for i, n in enumerate(noise_shape)
            )
        )
        self.rows_share = self.noise_shape is not None and self.noise_shape[0] == 1  # one fate for all rows of a batch
        self._shapes: tuple[Shape, Shape, int] | None = None  # of x and of the mask in the last call, and its offset

    def mask_shape(self, shape: Shape) -> Shape:
        """The shape of the mask for an x of this shape: its own sizes, or 1 where elements share their fate."""
        if self.noise_shape is None:
            return shape
        wanted = self.noise_shape
        if len(wanted) != len(shape) or any(n not in (None, 1, size) for n, size in zip(wanted, shape)):
            raise ShapeError(f"noise_shape is {wanted}, x is {shape}; need 1, None or the size of x in each dimension")
        return tuple(size if n is None else n for n, size in zip(wanted, shape))

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        check_real("dropout", x)
        p, inverted = self.p, self.scaling == "inverted"
        if not self.training:
            return x if inverted or p == 0 else mul(x, 1 - p)
        wanted = x.array.shape
        shape = self.mask_shape(wanted)
        key, stream = self.draw()
        offset = self.row * math.prod(shape[1:]) if self.row and not self.rows_share else 0
        self.__dict__["_shapes"] = wanted, shape, offset  # not a part: no need to look at what it is
        if p == 0:
            return x
        scale = (1 / (1 - p) if p < 1 else 0.0) if inverted else 1.0
        if shape == wanted:
            return dropout(x, p=p, key=key, stream=stream, offset=offset, scale=scale)
        return spread(x, shape, p, (key, stream), offset, scale)

    def last_mask(self) -> np.ndarray:
        """The mask of the last call in training, drawn again from its stream: True where kept, in the shape of x."""
        drawn = self.last_draw()
        assert self._shapes is not None  # noted with the draw
        full, shape, offset = self._shapes
        return np.broadcast_to(mask(shape, self.p, *drawn, offset), full)

    def extra_repr(self) -> str:
        text = f"p={self.p:g}" + (", classical" if self.scaling == "classical" else "")
        text += f", noise_shape={self.noise_shape}" if self.noise_shape else ""
        return text if self.seed is None else f"{text}, seed={self.seed}"


def spread(x: Tensor, shape: Shape, p: float, drawn: tuple[int, int], offset: int, scale: float) -> Tensor:
    """x times scale where the mask of this shape, which is broadcast to x, keeps it, else 0."""
    key, stream = drawn
    ones = full(Tensor(K.empty(shape, x.array.dtype)), 1.0)
    kept = relu_grad(x, dropout(ones, p=p, key=key, stream=stream, offset=offset, scale=1.0))  # 0 where dropped
    return kept if scale == 1.0 else mul(kept, scale)


def mask(shape: Shape, p: float, key: int, stream: int, offset: int = 0) -> np.ndarray:
    """The mask that the op dropout has for these arguments: True where kept."""
    n = math.prod(shape)
    bits = K.empty(((n + 7) // 8,), np.uint8)
    K.dropout_bits(bits, n, key=key, stream=stream, offset=offset, p=p)
    return np.unpackbits(bits, count=n, bitorder="little").astype(bool).reshape(shape)
