"""Gradients through depth: how large the gradient of the loss still is at each layer, and at each step of a network.

The gradient at the state h_k is that at h_(k+1) times the Jacobian of one layer. If that changes its length by the
factor e^slope, layer after layer, the gradient behind n layers is e^(n slope) of what it was: it vanishes below 0, it
explodes above. `slope` measures the exponent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import nn, optim, rng
from ..engine import Tensor, grad
from ..ops.batches import matmul
from ..ops.elementwise import add, div, relu, sigmoid, sqrt, square, sub, tanh
from ..ops.linalg import affine
from ..ops.losses import cross_entropy, mse
from ..ops.reduce import mean
from ..tensor import tensor

DEPTH, EPS = 50, 1e-5


def orthogonal(shape: tuple[int, int], dtype: Any = "float64") -> np.ndarray:
    """A random orthogonal matrix: normal rows, each made perpendicular to those above it, twice for its rounding."""
    rows = rng.normal(shape, dtype="float64", purpose=rng.INIT)
    for j in range(len(rows)):
        row, above = tensor(rows[j : j + 1]), tensor(rows[:j])
        for _ in range(2 if j else 0):
            row = sub(row, matmul(matmul(row, above, tb=True), above))
        rows[j] = div(row, sqrt(square(row).sum())).data
    return rows.astype(dtype)


INITS: dict[str, str | Callable[..., np.ndarray]] = {
    "small": partial(nn.init.normal, std=0.05),
    "Glorot": "glorot_uniform",
    "He": "he_uniform",
    "orthogonal": orthogonal,
    "large": partial(nn.init.normal, std=0.25),  # twice Glorot's deviation for 64 units
}
ACTIVATIONS = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}
STRUCTURES = ("plain", "norm", "residual")


def normalized(x: Tensor) -> Tensor:
    """Each row with mean 0 and deviation 1: layer normalisation without its scale and shift."""
    centred = sub(x, mean(x, dim=1, keepdim=True))
    return div(centred, sqrt(add(mean(square(centred), dim=1, keepdim=True), EPS)))


class Deep(nn.Module):
    """`depth` layers of `width` units and a linear layer of logits, in float64.

    h = φ(h W + b), with structure "norm" φ(normalized(h W + b)), with "residual" h + φ(h W + b).
    """

    def __init__(
        self,
        activation: str,
        init: str,
        structure: str = "plain",
        depth: int = DEPTH,
        width: int = 64,
        classes: int = 10,
    ) -> None:
        self.phi, self.structure = ACTIVATIONS[activation], structure
        self.layers = nn.Sequential(*(nn.Linear(width, width, init=INITS[init], dtype="float64") for _ in range(depth)))
        self.head = nn.Linear(width, classes, dtype="float64")

    def states(self, x: Tensor) -> list[Tensor]:
        """x, and what each layer makes of it."""
        found = [x]
        layer: Any
        for layer in self.layers:
            z = affine(found[-1], layer.weight, layer.bias)
            y = self.phi(normalized(z) if self.structure == "norm" else z)
            found.append(add(found[-1], y) if self.structure == "residual" else y)
        return found

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.states(x)[-1])


def layer_gradients(model: Deep, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """‖∂loss/∂h_k‖ of the cross-entropy, for k = 0 (the input) ... depth."""
    states = model.states(tensor(x, requires_grad=True))
    return lengths(cross_entropy(model.head(states[-1]), y), states)


def step_gradients(w: np.ndarray, phi: Callable[[Tensor], Tensor] | None, steps: int, rows: int = 8) -> np.ndarray:
    """‖∂loss/∂h_t‖, t = 0 ... steps, of the recurrent network h_t = φ(h_(t-1) W + x_t), unrolled; φ None: the identity.

    The inputs are normal numbers; the loss is the squared error of the last state against others.
    """
    inputs = rng.normal((steps + 2, rows, len(w)), std=0.1, dtype="float64")
    weight, states = tensor(w, requires_grad=True), [tensor(inputs[0], requires_grad=True)]
    for x in inputs[1:-1]:
        h = affine(states[-1], weight, None)
        h = add(h, x)
        states.append(h if phi is None else phi(h))
    return lengths(mse(states[-1], inputs[-1], reduction="sum"), states)


def lengths(loss: Tensor, states: list[Tensor]) -> np.ndarray:
    """The Euclidean length of the loss's gradient by each state."""
    return np.array([float((g.data**2).sum()) ** 0.5 for g in grad(loss, states)])


def slope(norms: np.ndarray) -> float:
    """The least-squares slope of log ‖gradient‖ per layer, on the way back from the last state to the first.

    Gradients that are exactly 0 have no logarithm: -inf then.

    >>> bool(abs(slope(np.array([0.125, 0.25, 0.5, 1.0])) - np.log(0.5)) < 1e-12)
    True
    """
    if not norms.all():
        return -np.inf
    back = np.arange(len(norms), dtype=np.float64)
    back -= back.mean()
    return float((back * np.log(norms[::-1])).sum() / (back * back).sum())


def with_radius(n: int, radius: float, second: float = 0.9) -> np.ndarray:
    """A random symmetric matrix (n, n) with the eigenvalue `radius`, the others evenly in ± second · radius."""
    q = orthogonal((n, n))
    values = radius * np.append(np.linspace(-second, second, n - 1), 1.0)
    return np.ascontiguousarray((q * values) @ q.T)


def train(
    model: Deep, x: np.ndarray, y: np.ndarray, steps: int, rate: float, l2: float = 0.0, clip: float | None = None
) -> list[float]:
    """Steps of gradient descent on all rows, with an L2 penalty on the weights and gradients clipped to a norm.

    The data loss before each step, and after the last; it ends with one that is not finite.
    """
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    others = [p for name, p in model.named_parameters() if not name.endswith("weight")]
    optimizer = optim.SGD([{"params": weights, "weight_decay": l2}, {"params": others}], lr=rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = cross_entropy(model(tensor(x)), y)
        losses.append(loss.item())
        if not np.isfinite(losses[-1]):
            return losses
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    return [*losses, cross_entropy(model(tensor(x)), y).item()]
