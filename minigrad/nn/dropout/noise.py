"""Layers that disturb their input with normal noise while training: multiplied (Gaussian dropout) or added."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ... import rng
from ...checks import finite
from ...engine import Tensor
from ...ops.elementwise.arithmetic import add, mul
from ...ops.shape.axes import check_real
from ...tensor import tensor
from .random_layer import RandomLayer


class _Noise(RandomLayer):
    """Noise of the shape of x, normal with mean and std, one number for each element."""

    mean: float
    std: float
    _drawn: tuple[tuple[int, ...], Any, int]  # shape and dtype of x in the last call, and the offset in its stream

    def noise(self, x: Any) -> tuple[Tensor, Tensor | None]:
        """x as a tensor, and the noise of this call: None in evaluation and where it would change nothing."""
        x = x if isinstance(x, Tensor) else tensor(x)
        check_real(type(self).__name__, x)
        if not self.training:
            return x, None
        self.draw()
        shape = x.array.shape
        self.__dict__["_drawn"] = shape, x.array.dtype, self.row * math.prod(shape[1:])
        return x, None if self.std == 0 else Tensor(self.last_noise())

    def last_noise(self) -> np.ndarray:
        """The noise of the last call in training, drawn again from its stream."""
        key, stream = self.last_draw()
        shape, dtype, offset = self._drawn
        out = K.empty(shape, dtype)
        K.normal(out, key=key, stream=stream, offset=offset, mean=self.mean, std=self.std)
        return out


class GaussianDropout(_Noise):
    """x times noise of N(1, p / (1 - p)) in training, x in evaluation: mean and variance of Dropout(p), without zeros.

    0 <= p < 1. seed and streams are those of Dropout.

    source    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, Dropout: a simple way to prevent neural
              networks from overfitting, section 10

    ValueError for a p of 1, where the variance would be infinite.

    >>> import minigrad as mg
    >>> layer = mg.nn.GaussianDropout(0.2)
    >>> layer(mg.tensor([1.0, 1.0])).shape, layer.std
    ((2,), 0.5)
    """

    mean = 1.0

    def __init__(self, p: float = 0.5, seed: int | None = None) -> None:
        super().__init__(seed)
        self.p = finite(p, "GaussianDropout: p", 0.0, 1.0)
        if self.p == 1:
            raise ValueError("GaussianDropout: p is 1; need less, as the noise has the variance p / (1 - p)")
        self.std = math.sqrt(self.p / (1 - self.p))

    def forward(self, x: Any) -> Tensor:
        x, noise = self.noise(x)
        return x if noise is None else mul(x, noise)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


class GaussianNoise(_Noise):
    """x plus noise of N(0, std²) in training, x in evaluation: with squared error, a penalty on the input gradient.

    Draws from the noise streams, not those of dropout.

    source    Bishop 1995, Training with noise is equivalent to Tikhonov regularization

    >>> import minigrad as mg
    >>> mg.nn.GaussianNoise(0.1).eval()(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """

    purpose = rng.NOISE
    mean = 0.0

    def __init__(self, std: float, seed: int | None = None) -> None:
        super().__init__(seed)
        self.std = finite(std, "GaussianNoise: std", at_least=0.0)

    def forward(self, x: Any) -> Tensor:
        x, noise = self.noise(x)
        return x if noise is None else add(x, noise)

    def extra_repr(self) -> str:
        return f"std={self.std:g}"
