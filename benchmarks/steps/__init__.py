"""The training steps: networks, data and constants that all peers share.

S0  784-64-64-10, relu, softmax cross-entropy, L2 on the weights, Adam
S1  784-32-10, likewise, gradient descent or Adam
S2  linear regression on one input, 10 or 100 rows, squared error, L2 on the weight, gradient descent, float64
S3  20-64-1, relu, dropout 0.5, binary cross-entropy, L2 on the first weight, Adam
S4  784-64-10, softmax, mean squared error to one-hot rows + 0.01 mean(‖y‖₁ + ‖y‖₂), Adam
L1  784-1024-1024-10, relu, dropout 0.5 after both, softmax cross-entropy, Adam with decoupled decay of the weights
C1  28 x 28 images, 5x5 to 16, pool 2, 5x5 to 32, pool 2, 1568-128-10, relu, dropout 0.5 before the last, Adam
R1  sequences of 50 steps, 32 numbers each, LSTM of 128 (last state), 128-10, Adam

Every step returns the data loss (S4: with its norms); a penalty acts by its gradient, its value is not asked for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..harness.case import digest

SIDE = 28  # of images
STEPS_A_CALL = 100, 10_000  # at most, of a replay and of a loop inside XLA; a slice of the clock may be shorter


class Step(NamedTuple):
    """A network, its data and its update. l2 is on the weights, or on the first alone; decay is decoupled."""

    name: str
    layers: tuple[int, ...]
    batch: int
    loss: str = "cross_entropy"
    optimizer: str = "adam"
    lr: float = 1e-3
    l2: float = 0.0
    first_only: bool = False
    decay: float = 0.0
    dropout: float = 0.0
    norms: float = 0.0
    dtype: str = "float32"
    sequence: tuple[int, ...] = ()  # (steps, features): sequences, and an LSTM of layers[0] before the layers
    filters: tuple[int, ...] = ()  # of 5x5 convolutions, each with a pool of 2x2, before the layers; then x is images

    @property
    def title(self) -> str:
        filters = "".join(f"5x5x{n}-pool-" for n in self.filters)
        if self.sequence:
            filters = "{} steps of {}, LSTM ".format(*self.sequence)
        return f"{self.name}: {filters}{'-'.join(map(str, self.layers))} {self.optimizer} x{self.batch}"

    @property
    def sizes(self) -> list[tuple[int, int]]:
        return list(zip(self.layers[:-1], self.layers[1:], strict=True))

    @property
    def filter_shapes(self) -> list[tuple[int, int, int, int]]:
        """Weights (out, in, 5, 5) of the convolutions."""
        return [(n, m, 5, 5) for m, n in zip((1, *self.filters), self.filters)]

    @property
    def flops(self) -> float:
        """Of the products: forward, the weights' gradients, and the inputs' but for the first layer."""
        sizes = [float(m * n) for m, n in self.sizes]
        channels, side = (1, *self.filters), SIDE
        for m, n in zip(channels[:-1], self.filters, strict=True):
            sizes.insert(len(sizes) - len(self.sizes), 25.0 * m * n * side * side)
            side //= 2
        recurrent = 0.0
        if self.sequence:
            steps, features = self.sequence
            recurrent = 2.0 * self.batch * steps * 4 * self.layers[0] * (2 * features + 3 * self.layers[0])
        return recurrent + sum(2.0 * self.batch * size * (2 if i == 0 else 3) for i, size in enumerate(sizes))

    @property
    def bytes(self) -> float:
        """Of the update: w twice, g, and for Adam m and v twice."""
        item = 8 if self.dtype == "float64" else 4
        return item * (7.0 if self.optimizer == "adam" else 3.0) * sum(m * n + n for m, n in self.sizes)

    def weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights (in, out) and biases, the same in every process."""
        random = np.random.default_rng(0)
        limits = [np.sqrt(6 / (m + n)) for m, n in self.sizes]
        ws = [random.uniform(-a, a, size).astype(self.dtype) for a, size in zip(limits, self.sizes, strict=True)]
        return ws, [np.zeros(n, self.dtype) for n in self.layers[1:]]

    def lstm_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """W_ih (features, 4 width) and W_hh (width, 4 width), gates i f g o; biases are 0."""
        random, width = np.random.default_rng(2), self.layers[0]
        limit = 1 / np.sqrt(width)
        shapes = (self.sequence[1], 4 * width), (width, 4 * width)
        first, second = (random.uniform(-limit, limit, shape).astype(self.dtype) for shape in shapes)
        return first, second

    def data(self) -> tuple[np.ndarray, Any]:
        """Inputs, and targets: classes (int64), 0 or 1, one-hot rows, or numbers."""
        random = np.random.default_rng(1)
        shape = (self.batch, 1, SIDE, SIDE) if self.filters else (self.batch, self.layers[0])
        if self.sequence:
            shape = (self.sequence[0], self.batch, self.sequence[1])
        x = random.random(shape).astype(self.dtype)
        if self.loss == "cross_entropy":
            return x, random.integers(0, self.layers[-1], self.batch)
        if self.loss == "bce":
            return x, random.integers(0, 2, (self.batch, 1)).astype(self.dtype)
        if self.norms:
            return x, np.eye(self.layers[-1], dtype=self.dtype)[random.integers(0, self.layers[-1], self.batch)]
        return x, (2 * x + 1 + 0.1 * random.standard_normal(x.shape)).astype(self.dtype)

    def answer(self, ws: Any) -> list[float]:
        """The weights (in, out) after the steps, as moves from the start; with dropout only that there are so many."""
        if self.dropout:
            return digest([np.asarray(w).size for w in ws])
        moves = [np.asarray(w, np.float64) - start for w, start in zip(ws, self.weights()[0], strict=True)]
        return digest(np.concatenate([move.ravel() for move in moves]))


STEPS = {
    step.name: step
    for step in [
        Step("S0", (784, 64, 64, 10), 32, l2=1e-4),
        Step("S0-256", (784, 64, 64, 10), 256, l2=1e-4),
        Step("S1-SGD", (784, 32, 10), 32, optimizer="sgd", lr=1e-2, l2=1e-4),
        Step("S1-Adam", (784, 32, 10), 32, l2=1e-4),
        Step("S2-10", (1, 1), 10, loss="mse", optimizer="sgd", lr=1e-2, l2=1e-2, dtype="float64"),
        Step("S2-100", (1, 1), 100, loss="mse", optimizer="sgd", lr=1e-2, l2=1e-2, dtype="float64"),
        Step("S3", (20, 64, 1), 32, loss="bce", l2=1e-2, first_only=True, dropout=0.5),
        Step("S4", (784, 64, 10), 32, loss="mse", norms=0.01),
        Step("L1", (784, 1024, 1024, 10), 128, dropout=0.5, decay=1e-2),
        Step("R1", (128, 10), 32, sequence=(50, 32)),
        Step("C1", (1568, 128, 10), 64, dropout=0.5, filters=(16, 32)),
    ]
}
