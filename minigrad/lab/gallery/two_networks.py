"""Two small networks written out with the ops at hand: a convolution as one product, and an unrolled recurrence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import nn
from ...engine import Tensor
from ...nn.module import Module
from ...ops.elementwise.arithmetic import add
from ...ops.elementwise.fused_activations import tanh
from ...ops.shape.slices import unbind
from ...ops.shape.views import permute, reshape
from .depth import orthogonal


class Convolution(nn.Module):
    """y = relu(filters * x + b), x (rows, channels, side, side), y (rows, out, places, places): no padding.

    An index of integers copies the patch under each place of the filters into a row; then one product serves all
    filters and places. The weight is (channels · size · size, out).

    >>> import minigrad as mg
    >>> layer = Convolution(1, 4, side=8, size=3, stride=2)
    >>> layer(mg.tensor(np.ones((5, 1, 8, 8), "float32"))).shape
    (5, 4, 3, 3)
    """

    def __init__(self, channels: int, out: int, side: int, size: int, stride: int = 1) -> None:
        first = np.arange(0, side - size + 1, stride)
        corners, within = np.add.outer(side * first, first), np.add.outer(side * np.arange(size), np.arange(size))
        self.places, self.side = np.add.outer(corners.ravel(), within.ravel()), len(first)
        self.product = nn.Linear(channels * size * size, out, activation="relu", init="he_uniform")

    def forward(self, x: Tensor) -> Tensor:
        rows, channels = x.shape[:2]
        patches = reshape(x, shape=(rows, channels, -1))[:, :, self.places]  # (rows, channels, places, size²)
        y = self.product(reshape(permute(patches, dims=(0, 2, 1, 3)), shape=(rows, len(self.places), -1)))
        return reshape(permute(y, dims=(0, 2, 1)), shape=(rows, -1, self.side, self.side))


class Convolutional(nn.Module):
    """Flat images of side² pixels: two convolutions, a dropout layer behind each, and a linear layer of logits.

    filters are (size, stride) of the two.
    """

    def __init__(
        self,
        side: int,
        filters: tuple[tuple[int, int], tuple[int, int]],
        dropout: Callable[[], Module],
        channels: tuple[int, int] = (8, 16),
        classes: int = 10,
    ) -> None:
        first = Convolution(1, channels[0], side, *filters[0])
        second = Convolution(*channels, first.side, *filters[1])
        head = nn.Linear(channels[1] * second.side**2, classes)
        self.side, self.layers = side, nn.Sequential(first, dropout(), second, dropout(), nn.Flatten(), head)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(reshape(x, shape=(-1, 1, self.side, self.side)))


class Recurrent(nn.Module):
    """h_t = tanh(x_t W + drop(h_(t-1)) U + b) over rows that are cut into `steps` parts x_t; logits from drop(h_T).

    U starts orthogonal. A VariationalDropout that is locked draws one mask for each call, which serves all steps.
    """

    def __init__(
        self, inputs: int, steps: int, dropout: Callable[[], Module], units: int = 64, classes: int = 10
    ) -> None:
        self.steps = steps
        self.inputs, self.head = nn.Linear(inputs // steps, units), nn.Linear(units, classes)
        self.inner = nn.Linear(units, units, bias=False, init=orthogonal)
        self.dropout = dropout()

    def forward(self, x: Tensor) -> Tensor:
        first, *later = unbind(self.inputs(reshape(x, shape=(x.shape[0], self.steps, -1))), 1)
        if isinstance(self.dropout, nn.VariationalDropout):
            self.dropout.new_sequence()
        h = tanh(first)
        for step in later:
            h = tanh(add(step, self.inner(self.dropout(h))))
        return self.head(self.dropout(h))
