"""DropConnect: a linear layer that drops weights, not activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...checks import finite
from ...engine import Tensor
from ...ops.regularize.dropout import dropout
from ..linear import Linear
from .dropout import mask
from .random_layer import RandomLayer


class DropConnect(RandomLayer, Linear):
    """y = activation(x (M ∘ W) / (1 - p) + b) in training, the layer Linear in evaluation.

    M drops each weight with probability p, anew at each call, for all rows of the batch alike; the bias stays. The
    gradient reaches kept weights only. Arguments are those of Linear; seed and streams those of Dropout.

    source    Wan, Zeiler, Zhang, LeCun, Fergus 2013, Regularization of neural networks using DropConnect

    >>> import minigrad as mg
    >>> layer = mg.nn.DropConnect(3, 2, p=0.5)
    >>> layer(mg.tensor([[1, 2, 3]])).shape, layer
    ((1, 2), DropConnect(3->2, p=0.5))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float = 0.5,
        bias: bool = True,
        activation: str | None = None,
        init: str | Callable[..., Any] = "glorot_uniform",
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.p = finite(p, "DropConnect: p (the share of weights that is dropped)", 0.0, 1.0)
        Linear.__init__(self, in_features, out_features, bias, activation, init, dtype)
        RandomLayer.__init__(self, seed)

    def forward(self, x: Any) -> Tensor:
        w = self.weight
        if self.training:
            key, stream = self.draw()
            if self.p > 0:
                w = dropout(w, p=self.p, key=key, stream=stream, scale=1 / (1 - self.p) if self.p < 1 else 0.0)
        return self.by_weight(x, w)

    def last_mask(self) -> np.ndarray:
        """The mask of the weights in the last call in training, drawn again from its stream: True where kept."""
        return mask(self.weight.shape, self.p, *self.last_draw())

    def extra_repr(self) -> str:
        return f"{Linear.extra_repr(self)}, p={self.p:g}"
