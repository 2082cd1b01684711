"""DropBlock: dropout of square blocks of an image, as neighbours of a dropped pixel would still tell what it said."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...checks import finite, whole
from ...engine import Tensor, full
from ...errors import ShapeError
from ...ops.elementwise.arithmetic import div, mul, neg
from ...ops.elementwise.where import maximum
from ...ops.index.pad import pad
from ...ops.layers.pool import max_pool2d
from ...ops.regularize.dropout import dropout
from ...ops.shape.axes import check_real
from ...ops.shape.broadcast import sum
from ...recording import no_grad
from ...tensor import tensor
from .random_layer import RandomLayer


class DropBlock2d(RandomLayer):
    """Drop blocks of block_size x block_size pixels while training: x (rows, channels, height, width), y = m x n / Σ m.

    m is 0 in the blocks and 1 elsewhere, drawn for each channel of each row. Every place at which a block fits whole is
    the corner of one with probability

        γ = p / block_size² · height · width / ((height - block_size + 1) (width - block_size + 1)),

    rounded up to a multiple of 2⁻¹⁶. Blocks overlap, so the share that is dropped is at most p, and less the larger p
    is. n / Σ m is taken over a row, n being its size: rows do not see each other (the paper's program takes the whole
    batch). A row of which nothing is left is 0. Evaluation is the identity, block_size 1 drops single pixels.

    seed and streams are those of Dropout. The gradient is g m n / Σ m. ShapeError where no block fits into x.

    source    Ghiasi, Lin, Le 2018, DropBlock: a regularization method for convolutional networks

    >>> import minigrad as mg
    >>> layer = mg.nn.DropBlock2d(0.25, block_size=2, seed=2)
    >>> layer(mg.ones(1, 1, 4, 4)).shape, layer.last_mask()[0, 0].astype(int).tolist()
    ((1, 1, 4, 4), [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
    """

    def __init__(self, p: float = 0.1, block_size: int = 7, seed: int | None = None) -> None:
        super().__init__(seed)
        self.p = finite(p, "DropBlock2d: p (the share that is dropped)", 0.0, 1.0)
        self.block_size = whole(block_size, "DropBlock2d: block_size", 1)
        self._shape: tuple[int, int, int, int] | None = None  # of x in the last call
        self._from = 0  # the row of the drawn batch at which that x began

    def gamma(self, height: int, width: int) -> float:
        """The probability with which a place is the corner of a block."""
        size = self.block_size
        return self.p / size**2 * (height * width / ((height - size + 1) * (width - size + 1)))

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        check_real("dropout", x)
        if not self.training:
            return x
        shape, size = x.array.shape, self.block_size
        if len(shape) != 4 or min(shape[2:]) < size:
            fits = f", height and width at least {size}, a block" if len(shape) == 4 else ""
            raise ShapeError(f"x is {shape}; need (rows, channels, height, width){fits}")
        self.draw()
        self.__dict__.update(_shape=shape, _from=self.row)  # no parts: no need to look at what they are
        return x if self.p == 0 or not x.size else mul(x, self._factors(x.array.dtype))

    @no_grad()
    def _factors(self, dtype: Any) -> Tensor:
        """m n / Σ m of the last draw."""
        kept = self._kept(dtype)
        here = sum(kept, dim=(1, 2, 3), keepdim=True)  # 0 where nothing is left of a row, and m is 0 there
        return mul(kept, div(float(math.prod(kept.shape[1:])), maximum(here, 1.0)))

    @no_grad()
    def _kept(self, dtype: Any) -> Tensor:
        """m of the last draw: 1 where kept. All of it is kernels, so that mg.compile replays it."""
        key, stream = self.last_draw()
        assert self._shape is not None  # noted with the draw
        rows, channels, height, width = self._shape
        size, offset = self.block_size, self._from * channels
        places = (rows, channels, height - size + 1, width - size + 1)
        clear = dropout(
            full(Tensor(np.empty(places, dtype)), 1.0),
            p=self.gamma(height, width),
            key=key,
            stream=stream,
            offset=offset * math.prod(places[2:]),
            scale=1.0,
        )
        around = pad(neg(clear), (size - 1,) * 4, value=-1.0)
        return neg(max_pool2d(around, size, stride=1))  # the least of all corners whose block covers the pixel

    def last_mask(self) -> np.ndarray:
        """The mask of the last call in training, drawn again from its stream: True where kept, in the shape of x."""
        self.last_draw()
        assert self._shape is not None
        return self._kept(np.float32).array != 0 if math.prod(self._shape) else np.ones(self._shape, bool)

    def extra_repr(self) -> str:
        text = f"p={self.p:g}, block_size={self.block_size}"
        return text if self.seed is None else f"{text}, seed={self.seed}"
