"""The networks of `minigrad cost`, and the layers that can be put into each: linear layers with relu, C1 and R1.

C1 is a network of convolutions for images of 28 x 28, R1 an LSTM over 50 steps: the steps of these names in benchmarks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import nn, rng
from ...nn.module import Module

SIDE, STEPS, FEATURES, CLASSES = 28, 50, 32, 10


class Network(NamedTuple):
    """A kind of network: how it is made from seed 0, with which options for a term, and a batch for it."""

    name: str
    title: str
    make: Callable[..., Module]
    layers: Mapping[str, dict[str, Any]]  # name of a term -> options of make
    without: tuple[str, ...] = ()  # terms that this network has no use for
    rows: int = 32
    shape: Callable[[int], tuple[int, ...]] = lambda rows: (rows,)
    selector: str = "*.weight"  # of the parameters that a penalty acts on

    def batch(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Random numbers in [0, 1) and random classes: the time of a step does not depend on what they say."""
        random = np.random.default_rng(0)
        return random.random(self.shape(rows)).astype(np.float32), random.integers(0, CLASSES, rows)


def mlp(sizes: Sequence[int], after: Callable[[], Module] | None = None, layer: type = nn.Linear) -> nn.Sequential:
    """Linear layers of these sizes with relu between them, from seed 0; `after` makes what follows each hidden one."""
    rng.manual_seed(0)
    layers: list[Module] = []
    for n_in, n_out in itertools.pairwise(sizes[:-1]):
        layers += [layer(n_in, n_out, activation="relu"), *([after()] if after else [])]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def images(
    after: Callable[[], Module] | None = None,
    layer: type = nn.Linear,
    planes: Callable[[int], Module] | None = None,
) -> nn.Sequential:
    """C1 from seed 0; `after` follows the hidden layer of 128, `planes` each convolution, of so many channels."""
    rng.manual_seed(0)
    layers: list[Module] = []
    for n_in, n_out in ((1, 16), (16, 32)):
        layers += [nn.Conv2d(n_in, n_out, 5, padding="same", activation="relu")]
        layers += [*([planes(n_out)] if planes else []), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), layer(32 * (SIDE // 4) ** 2, 128, activation="relu"), *([after()] if after else [])]
    return nn.Sequential(*layers, nn.Linear(128, CLASSES))


class LastState(nn.LSTM):
    """h (rows, hidden_size) of an LSTM of one layer and direction after its last step."""

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
        return super().forward(x, state, lengths)[1][0][0]


def sequences(
    before: Callable[[], Module] | None = None, after: Callable[[], Module] | None = None, **options: Any
) -> nn.Sequential:
    """R1 from seed 0: `before` the LSTM and `after` it, and options of the LSTM."""
    rng.manual_seed(0)
    return nn.Sequential(
        *([before()] if before else []),
        LastState(FEATURES, 128, batch_first=True, **options),
        *([after()] if after else []),
        nn.Linear(128, CLASSES),
    )


HIDDEN_LAYERS: dict[str, dict[str, Any]] = {
    "dropout": {"after": lambda: nn.Dropout(0.5)},
    "Gaussian-dropout": {"after": lambda: nn.GaussianDropout(0.5)},
    "DropConnect": {"layer": nn.DropConnect},
}
PLANES: dict[str, dict[str, Any]] = {
    "spatial-dropout": {"planes": lambda channels: nn.Dropout2d(0.2)},
    "batch-norm": {"planes": nn.BatchNorm2d},
    "group-norm": {"planes": lambda channels: nn.GroupNorm(4, channels)},
}
ALONG_TIME: dict[str, dict[str, Any]] = {
    "dropout": {"after": lambda: nn.Dropout(0.5)},
    "variational-dropout": {"before": lambda: nn.VariationalDropout(0.2)},
    "recurrent-dropout": {"recurrent_dropout": 0.2},
}
RELU = Network("relu", "linear layers with relu between them", mlp, HIDDEN_LAYERS)
C1 = Network(
    "C1",
    "28x28 images, 5x5x16, pool, 5x5x32, pool, 128, 10",
    images,
    HIDDEN_LAYERS | PLANES,
    ("zeros", "compact"),
    64,
    lambda rows: (rows, 1, SIDE, SIDE),
)
R1 = Network(
    "R1",
    "50 steps of 32, LSTM of 128, 10",
    sequences,
    ALONG_TIME,
    ("zeros", "compact"),
    32,
    lambda rows: (rows, STEPS, FEATURES),
    "*.weight*",
)
NETWORKS = {network.name: network for network in (RELU, C1, R1)}
