"""Gradients through depth: how large the gradient of the loss still is at each layer, and at each step of a network.

The gradient at the state h_k is that at h_(k+1) times the Jacobian of one layer. If that changes its length by the
factor e^slope, layer after layer, the gradient behind n layers is e^(n slope) of what it was: it vanishes below 0, it
explodes above. `slope` measures the exponent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ... import nn, optim, rng
from ...engine import Tensor, grad
from ...ops.elementwise.arithmetic import add, div, mul, square, sub
from ...ops.elementwise.exponential import sqrt
from ...ops.elementwise.fused_activations import relu, sigmoid, tanh
from ...ops.layers.normalization import layer_norm
from ...ops.linalg.matmul import affine, matmul
from ...ops.losses.classes import cross_entropy
from ...ops.losses.regression import mse
from ...tensor import tensor

DEPTH = 50
POLAR_STEPS = 100  # a singular value grows by half in each until it nears 1: from 1e-16 in 91


def orthogonal(shape: tuple[int, int], dtype: Any = "float64") -> np.ndarray:
    """A random orthogonal matrix, every one as likely: the polar factor of a matrix of normal numbers.

    x <- x (3 - xᵀx) / 2 leaves the singular vectors and takes every singular value in (0, √3) to 1.
    """
    x = tensor(rng.normal(shape, dtype="float64", purpose=rng.INIT))
    x = div(x, sqrt(square(x).sum()))
    for _ in range(POLAR_STEPS):
        x, last = sub(mul(x, 1.5), matmul(x, mul(matmul(x, x, ta=True), 0.5))), x
        if float(np.abs(x.data - last.data).max()) < 1e-9:  # and what was left of it is squared in this step
            return x.data.astype(dtype)
    raise ArithmeticError(f"orthogonal: a matrix {shape} whose rows are dependent, to rounding")


INITS: dict[str, str | Callable[..., np.ndarray]] = {
    "small": partial(nn.init.normal, std=0.05),
    "Glorot": "glorot_uniform",
    "He": "he_uniform",
    "orthogonal": orthogonal,
    "large": partial(nn.init.normal, std=0.25),  # twice Glorot's deviation for 64 units
}
ACTIVATIONS = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}
STRUCTURES = ("plain", "norm", "residual", "normed residual")


def normed(x: Tensor) -> Tensor:
    """Each row with mean 0 and deviation 1."""
    return layer_norm(x, x.shape[1:])


class Deep(nn.Module):
    """`depth` layers of `width` units and a linear layer of logits, in float64.

    h = φ(h W + b), with structure "norm" φ(N(h W + b)), N the layer norm without scale and shift, with "residual"
    h + φ(h W + b), with "normed residual" h + φ(N(h) W + b).
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
            h = found[-1]
            z = affine(normed(h) if self.structure == "normed residual" else h, layer.weight, layer.bias)
            y = self.phi(normed(z) if self.structure == "norm" else z)
            found.append(add(h, y) if self.structure in ("residual", "normed residual") else y)
        return found

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.states(x)[-1])


def layer_gradients(model: Deep, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """‖∂loss/∂h_k‖ of the cross-entropy, for k = 0 (the input) ... depth."""
    states = model.states(tensor(x, requires_grad=True))
    return lengths(cross_entropy(model.head(states[-1]), y), states)


def start_gradients(
    x: np.ndarray, y: np.ndarray, starts: int, inits: Iterable[str] = tuple(INITS)
) -> dict[tuple[str, str, str], np.ndarray]:
    """The lengths of layer_gradients by (structure, activation, init) before training: (starts, depth + 1).

    One start serves all structures and activations: they do not change the weights.
    """
    found: dict[tuple[str, str, str], list[np.ndarray]] = {}
    for init in inits:
        for start in range(starts):
            rng.manual_seed(start)
            model = Deep("tanh", init)
            for model.structure in STRUCTURES:
                for activation, model.phi in ACTIVATIONS.items():
                    found.setdefault((model.structure, activation, init), []).append(layer_gradients(model, x, y))
    return {key: np.array(runs) for key, runs in found.items()}


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


class Unrolled(NamedTuple):
    """Gradients of a recurrent network at its steps, and their slope where the largest eigenvalue rules."""

    norms: np.ndarray
    slope: float


def unrolled(
    radius: float, phi: Callable[[Tensor], Tensor] | None, factor: float = 1.0, steps: int = 200, units: int = 32
) -> Unrolled:
    """step_gradients for the weights of this spectral radius, times a factor; the slope is that before the last 50."""
    rng.manual_seed(1)
    norms = step_gradients(factor * with_radius(units, radius), phi, steps)
    return Unrolled(norms, slope(norms[: steps - 50]))


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


def slopes_after(
    x: np.ndarray,
    y: np.ndarray,
    inits: Iterable[str],
    starts: int,
    steps: int,
    rate: float,
    remedies: Mapping[str, Mapping[str, Any]],
) -> dict[tuple[str, str], dict[str, list[float]]]:
    """The slopes of plain networks behind `train` with each remedy, by (activation, init) and remedy, of all starts."""
    found: dict[tuple[str, str], dict[str, list[float]]] = {
        (activation, init): {name: [] for name in remedies} for activation in ACTIVATIONS for init in inits
    }
    for init in inits:
        for start in range(starts):
            rng.manual_seed(start)
            model = Deep("tanh", init)
            first = model.state_dict()
            for activation, model.phi in ACTIVATIONS.items():
                for name, how in remedies.items():
                    model.load_state_dict(first)
                    train(model, x, y, steps, rate, **how)
                    found[activation, init][name].append(slope(layer_gradients(model, x, y)))
    return found


def loss_after(
    structure: str, activation: str, layers: int, start: int, x: np.ndarray, y: np.ndarray, steps: int
) -> float:
    """The loss of a network of so many layers from He's start, after steps of Adam on all rows; its start is a seed."""
    rng.manual_seed(start)
    model = Deep(activation, "He", structure, layers)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        cross_entropy(model(tensor(x)), y).backward()
        optimizer.step()
    return cross_entropy(model(tensor(x)), y).item()


def losses_by_depth(
    x: np.ndarray, y: np.ndarray, depths: Iterable[int], starts: int, steps: int
) -> dict[tuple[str, str], dict[int, list[float]]]:
    """loss_after of all starts, by (structure, activation) and depth. Their seeds begin at 100: what is tried at 0, 1,
    2, ... while such a comparison is designed is no part of its result.
    """
    return {
        (structure, activation): {
            layers: [loss_after(structure, activation, layers, 100 + i, x, y, steps) for i in range(starts)]
            for layers in depths
        }
        for structure in STRUCTURES
        for activation in ACTIVATIONS
    }


def trained(activation: str, init: str, seed: int, x: np.ndarray, y: np.ndarray, *how: Any, **remedy: Any) -> Deep:
    """A network after `train` with these steps, rate and remedies; its start is a function of the seed."""
    rng.manual_seed(seed)
    model = Deep(activation, init)
    train(model, x, y, *how, **remedy)
    return model
