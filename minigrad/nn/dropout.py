"""Dropout: in training each element is dropped with probability p; what is kept is scaled so that the mean stays."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from .. import rng
from ..arguments import finite, whole
from ..engine import Tensor
from ..ops.elementwise import mul
from ..ops.random import dropout
from ..ops.shape import check_real
from ..tensor import tensor
from .module import Module


class Dropout(Module):
    """Drop each element with probability p while training.

    scaling   "inverted": kept elements are divided by 1 - p in training, evaluation is the identity;
              "classical": kept as they are in training, evaluation multiplies by 1 - p.
    seed      None: masks come from the process's dropout streams (minigrad.manual_seed); a number: from streams of this
              layer's own, whose call number is the buffer `calls`: `calls.copy_(0)` starts again at the first mask.

    A mask is a function of (seed, call number, position) alone. Every call in training takes the next call number,
    whatever p is, so that networks that differ in p see the same streams. p within 2⁻¹⁷ of 0 or 1 drops none or all.

    >>> import minigrad as mg
    >>> layer = mg.nn.Dropout(0.5, seed=1)
    >>> y = layer(mg.tensor([1, 1, 1, 1]))
    >>> bool((y.data == 2 * layer.last_mask()).all()), layer.eval()(mg.tensor([1, 1])).data
    (True, array([1., 1.], dtype=float32))
    """

    calls: Tensor

    def __init__(self, p: float = 0.5, scaling: str = "inverted", seed: int | None = None) -> None:
        self.p = finite(p, "Dropout: p (the share that is dropped)", 0.0, 1.0)
        if scaling not in ("inverted", "classical"):
            raise ValueError(f"Dropout: scaling is {scaling!r}; need 'inverted' or 'classical'")
        self.scaling = scaling
        self.seed = seed if seed is None else whole(seed, "Dropout: seed", 0, rng.SEEDS)
        if seed is not None:
            self.register_buffer("calls", np.zeros((), np.int64))
        self._last: tuple[int, int, tuple[int, ...]] | None = None

    def _next_stream(self) -> tuple[int, int]:
        if self.seed is None:
            return rng.next_stream(rng.DROPOUT)
        call = self.calls.array
        call += 1
        return self.seed, rng.stream(rng.DROPOUT, int(call) - 1)

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        check_real("dropout", x)
        p, inverted = self.p, self.scaling == "inverted"
        if not self.training:
            return x if inverted or p == 0 else mul(x, 1 - p)
        key, stream = self._next_stream()
        self.__dict__["_last"] = key, stream, x.array.shape  # not a part: no need to look at what it is
        if p == 0:
            return x
        scale = (1 / (1 - p) if p < 1 else 0.0) if inverted else 1.0
        return dropout(x, p=p, key=key, stream=stream, scale=scale)

    def last_mask(self) -> np.ndarray:
        """The mask of the last call in training, drawn again from its stream: True where kept, in the shape of x."""
        if self._last is None:
            raise RuntimeError("last_mask: this Dropout has not been called in training mode")
        key, stream, shape = self._last
        n = int(np.prod(shape))
        bits = K.empty(((n + 7) // 8,), "uint8")
        K.dropout_bits(bits, n, key=key, stream=stream, offset=0, p=self.p)
        return np.unpackbits(bits, count=n, bitorder="little").astype(bool).reshape(shape)

    def extra_repr(self) -> str:
        text = f"p={self.p:g}" + (", classical" if self.scaling == "classical" else "")
        return text if self.seed is None else f"{text}, seed={self.seed}"
