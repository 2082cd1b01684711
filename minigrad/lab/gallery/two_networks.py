"""Two small networks of images: convolutions over their pixels, and recurrent layers over their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import nn
from ...engine import Tensor
from ...nn.module import Module
from ...ops.shape.views import reshape


class Convolutional(nn.Module):
    """Flat images of side² pixels: two convolutions of relu, a dropout layer behind each, and a linear layer of logits.

    filters are (size, stride) of the two.

    >>> import minigrad as mg
    >>> model = Convolutional(8, ((3, 1), (3, 1)), lambda: nn.Dropout2d(0.2))
    >>> model(mg.ones(5, 64)).shape
    (5, 10)
    """

    def __init__(
        self,
        side: int,
        filters: tuple[tuple[int, int], tuple[int, int]],
        dropout: Callable[[], Module],
        channels: tuple[int, int] = (8, 16),
        classes: int = 10,
    ) -> None:
        layers, planes = [], 1
        for (size, stride), out in zip(filters, channels):
            layers += [nn.Conv2d(planes, out, size, stride, activation="relu", init="he_uniform"), dropout()]
            planes, side = out, (side - size) // stride + 1
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(planes * side**2, classes))

    def forward(self, x: Tensor) -> Tensor:
        side = round(x.shape[1] ** 0.5)
        return self.layers(reshape(x, shape=(-1, 1, side, side)))


class Recurrent(nn.Module):
    """Rows that are cut into `steps` parts: two layers of GRU over the parts, and logits from the last state.

    options are those of nn.GRU: dropout stands between the layers, and for a share of it behind the last.

    >>> import minigrad as mg
    >>> model = Recurrent(64, 8, dropout=0.2, variational=True)
    >>> model(mg.ones(5, 64)).shape
    (5, 10)
    """

    def __init__(self, inputs: int, steps: int, units: int = 64, classes: int = 10, **options: Any) -> None:
        self.steps = steps
        how = {"num_layers": 2, "batch_first": True, "recurrent_init": "orthogonal"}
        self.layers = nn.GRU(inputs // steps, units, **how, **options)  # type: ignore[arg-type]
        self.dropout, self.head = nn.Dropout(options.get("dropout", 0.0)), nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        _, h = self.layers(reshape(x, shape=(x.shape[0], self.steps, -1)))
        return self.head(self.dropout(h[-1]))
