"""Networks along λ: from dense to sparse, each from the weights of the last, with exact zeros by the proximal step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import optim, reg, rng
from ..checks import finite, whole
from ..data.dataset import as_rows, finite_rows
from ..data.prepare.scaling import Standardizer
from ..errors import NonFiniteError
from ..nn.module import Module
from ..reg.binding.on import select
from ..train import fit
from .scores import output_of

DOUBLINGS = 80


@dataclass(frozen=True)
class Network:
    """Networks build() trained with a penalty of strength λ on the parameters that `selector` matches.

    build       makes the network; its random numbers are drawn from a seed of (seed, fold, λ)
    loss        a mean over rows, as fit takes it
    penalty     λ -> a term of reg with a proximal map: reg.L1, or a function of λ
    optimizer   a class of optim, called with (parameters, prox=terms, **options)
    epochs      at every λ; the first model, at the least λ, gets `first` times as many
    low         the least λ, where the path begins: an all-zero relu network is a stationary point and never leaves
                zero, so networks go from dense to sparse, with λ rising; λ_max is the first at which all is zero
    standardize the columns of x, by the training rows
    """

    build: Callable[[], Module]
    loss: Callable[..., Any]
    classifies: bool = True
    penalty: Callable[[float], Any] = reg.L1
    selector: Any = "*.weight"
    optimizer: Callable[..., Any] = optim.Adam
    options: tuple[tuple[str, Any], ...] = (("lr", 1e-3),)
    epochs: int = 10
    first: int = 5
    batch_size: int = 32
    low: float = 1e-5
    standardize: bool = True

    rising = True

    def __post_init__(self) -> None:
        for name in ("epochs", "first", "batch_size"):
            whole(getattr(self, name), f"Network: {name}", 1)
        finite(self.low, "Network: low", at_least=1e-300)

    @property
    def score(self) -> str:
        """log_loss of classes, else mse."""
        return "log_loss" if self.classifies else "mse"

    def settings(self) -> dict[str, Any]:
        """What tells this kind of network from another: functions count by their names."""
        with rng.own_streams(0):
            network = repr(self.build())
        return {"model": "Network", **vars(self), "network": network}

    def start(self, x: Any, y: Any, classes: int | None = None) -> NetworkSolver:
        """The rows, and the network that each fit goes on with."""
        return NetworkSolver(self, x, y)


class NetworkModel:
    """A trained network with the scaling of its inputs: output(x) are its outputs, in eval mode."""

    def __init__(self, module: Module, scale: Standardizer | None, selector: Any) -> None:
        self.module, self.scale = module, scale
        self.weights = [(name, w.data) for name, w in select(module, selector)]

    def output(self, x: Any) -> np.ndarray:
        """Predictions or logits."""
        return output_of(self.module, self.scale(x) if self.scale is not None else x)

    @property
    def nonzeros(self) -> int:
        """How many of the penalised weights are not 0."""
        return sum(int((w != 0).sum()) for _, w in self.weights)


class NetworkSolver:
    """One training part. fit(λ) goes on from the weights of the last fit, or from build()."""

    def __init__(self, family: Network, x: Any, y: Any) -> None:
        x = as_rows(x, "x")
        if x.dtype.kind != "f":
            x = x.astype(np.float32)
        self.family = family
        self.scale = Standardizer(x) if family.standardize else None
        self.x = self.scale(x) if self.scale is not None else finite_rows(x, "x")
        self.y = as_rows(y, "y") if family.classifies else as_rows(y, "y").reshape(len(self.x), -1)
        self.state: dict[str, np.ndarray] | None = None

    def fit(self, lam: float, seed: int = 0) -> NetworkModel:
        """The network trained on at λ. Its start, dropout and batches are functions of the seed."""
        family, epochs = self.family, self.family.epochs
        with rng.own_streams(seed):
            module = family.build()
            if self.state is None:
                epochs *= family.first
            else:
                module.load_state_dict(self.state)
            terms = reg.on(module, family.selector, family.penalty(finite(lam, "λ", at_least=0.0)))
            optimizer = family.optimizer(module.parameters(), prox=terms, **dict(family.options))
            rows, size = (self.x, self.y), family.batch_size
            fit(module, rows, family.loss, optimizer, epochs=epochs, batch_size=size, seed=seed)
        self.state = module.state_dict()
        return NetworkModel(module, self.scale, family.selector)

    def lambda_max(self) -> float:
        """The first λ at which all penalised weights are 0, doubling λ from family.low."""
        solver = NetworkSolver(self.family, self.x if self.scale is None else self.scale.inverse(self.x), self.y)
        lam = self.family.low
        for i in range(DOUBLINGS):
            if solver.fit(lam, i).nonzeros == 0:
                return lam
            lam *= 2
        raise NonFiniteError(f"Network: no λ up to {lam / 2:.3g} empties the weights; is the penalty an L1?")
