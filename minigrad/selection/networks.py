"""Networks along λ, with exact zeros by the proximal step: each λ afresh, or from dense to sparse, going on."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import optim, reg, rng
from ..checks import finite, whole
from ..data.dataset import Dataset, as_rows, finite_rows
from ..data.prepare.scaling import Standardizer
from ..data.prepare.splitting import split
from ..errors import NonFiniteError
from ..nn.module import Module
from ..ops.losses import binary
from ..ops.losses.binary import bce_with_logits
from ..reg.binding.on import select
from ..train import EarlyStopping, fit
from .scores import output_of

DOUBLINGS = 80
EPOCHS, WARM_EPOCHS = 200, 10  # at most at a λ that starts afresh; at every λ of a network that goes on
VALIDATION = 0.1  # of the training rows
LOSSES: tuple[Callable[..., Any], ...] = (  # of targets as they are
    bce_with_logits,
    binary.binary_cross_entropy,
    binary.binary_cross_entropy_with_logits,
    binary.sigmoid_focal_loss,
    binary.soft_margin_loss,
    binary.hinge_loss,
    binary.hinge_embedding_loss,
    binary.kl_div,
)
AS_THEY_ARE = [inspect.unwrap(loss) for loss in LOSSES]  # the public functions wrap those of the modules


@dataclass(frozen=True)
class Network:
    """Networks build() trained with a penalty of strength λ on the parameters that `selector` matches.

    build       makes the network; its random numbers are drawn from a seed of (seed, fold), or if warm (seed, fold, λ)
    loss        a mean over rows, as fit takes it
    penalty     λ -> a term of reg with a proximal map: reg.L1, or a function of λ
    optimizer   a class of optim, called with (parameters, prox=terms, **options)
    low         the least λ; λ_max is the first one, doubling from there, at which all weights of a network that goes on
                are zero
    standardize the columns of x, by the training rows

    Each λ starts afresh. A tenth of the training rows, by (seed, fold), is set aside, and training ends when the loss
    of these has not improved for `patience` epochs, or after `epochs` (200); the network is that of the best epoch. The
    rows on which a fold is scored take no part in it. Start, dropout and batches are the same at every λ of a fold, so
    that networks of two λ differ by λ alone. Fits on all rows train for the median of the folds' best epochs.

    warm        True: each λ goes on from the weights of the last instead, for `epochs` (10), `first` times as many at
                the least λ, on all training rows: from dense to sparse, with λ rising, since an all-zero relu network
                is a stationary point and never leaves zero. That is cheap and gives smooth paths, but a network at a
                larger λ has trained longer, so the curve of errors mixes λ with training time
    scale_targets   numbers to be predicted are brought to mean 0 and deviation 1, by the training rows, and outputs
                back; λ is then beside a loss of that scale. None: unless they are 0 and 1 or the loss is one of
                probabilities or margins. False for a loss that needs them as they are

    TypeError for a build that is a network and not a function that makes one, and for a penalty that is no function of
    λ.

    >>> import minigrad as mg
    >>> from minigrad import selection
    >>> x, y = mg.data.moons(200, noise=0.2)
    >>> build = lambda: mg.nn.Sequential(mg.nn.Linear(2, 8, activation="relu"), mg.nn.Linear(8, 2))
    >>> family = Network(build, mg.cross_entropy, options=(("lr", 0.03),), warm=True)
    >>> selection.cross_validate(family, x, y, [10.0, 1e-3, 1e-4], folds=2).scores.shape
    (2, 3)
    """

    build: Callable[[], Module]
    loss: Callable[..., Any]
    classifies: bool = True
    penalty: Callable[[float], Any] = reg.L1
    selector: Any = "*.weight"
    optimizer: Callable[..., Any] = optim.Adam
    options: tuple[tuple[str, Any], ...] = (("lr", 1e-3),)
    epochs: int | None = None
    first: int = 5
    batch_size: int = 32
    low: float = 1e-5
    standardize: bool = True
    warm: bool = False
    patience: int = 20
    scale_targets: bool | None = None

    rising = seeded = True
    takes_gaps = False

    def __post_init__(self) -> None:
        if isinstance(self.build, Module):
            raise TypeError("Network: build is a network; need a function that makes one, since every fit starts anew")
        if isinstance(self.penalty, reg.Penalty) or not callable(self.penalty):
            raise TypeError(f"Network: penalty is {self.penalty!r:.60}; need a function of λ, such as reg.L1 itself")
        for name in ("epochs", "first", "batch_size", "patience"):
            if not (name == "epochs" and self.epochs is None):
                whole(getattr(self, name), f"Network: {name}", 1)
        finite(self.low, "Network: low", at_least=1e-300)

    @property
    def score(self) -> str:
        """log_loss of classes, else mse."""
        return "log_loss" if self.classifies else "mse"

    @property
    def most_epochs(self) -> int:
        """At a λ: at most, if it starts afresh; at the first, which has more, not counted, if networks go on."""
        return self.epochs if self.epochs is not None else WARM_EPOCHS if self.warm else EPOCHS

    def settings(self) -> dict[str, Any]:
        """What tells this kind of network from another: functions count by their names."""
        with rng.own_streams(0):
            network = repr(self.build())
        return {"model": "Network", **vars(self), "most epochs": self.most_epochs, "network": network}

    def start(self, x: Any, y: Any, classes: int | None = None, seed: int = 0) -> NetworkSolver:
        """The rows; those that tell when to stop are drawn from the seed."""
        return NetworkSolver(self, x, y, seed)


class NetworkModel:
    """A trained network with the scaling of its inputs and targets: output(x) are its outputs, in eval mode.

    epochs: the best epoch, if validation rows told, and whether training was cut short, at the most epochs there may
    be; else None.
    """

    def __init__(
        self,
        module: Module,
        scale: Standardizer | None,
        targets: Standardizer | None,
        selector: Any,
        epochs: int | None = None,
        cut_short: bool = False,
    ) -> None:
        self.module, self.scale, self.targets = module, scale, targets
        self.epochs, self.cut_short = epochs, cut_short
        self.weights = [(name, w.data) for name, w in select(module, selector)]

    def output(self, x: Any) -> np.ndarray:
        """Predictions, in the units of the targets, or logits."""
        output = output_of(self.module, self.scale(x) if self.scale is not None else x)
        if self.targets is None or not np.isfinite(output).all():  # a network that diverged says so itself
            return output
        return self.targets.inverse(output.astype(np.float64).reshape(len(output), -1))

    @property
    def nonzeros(self) -> int:
        """How many of the penalised weights are not 0."""
        return sum(int((w != 0).sum()) for _, w in self.weights)


class NetworkSolver:
    """One training part. fit(λ) trains afresh, or goes on from the weights of the last fit, as its family says."""

    def __init__(self, family: Network, x: Any, y: Any, seed: int = 0) -> None:
        x = as_rows(x, "x")
        if x.dtype.kind != "f":
            x = x.astype(np.float32)
        self.family = family
        self.scale = Standardizer(x) if family.standardize else None
        self.x = self.scale(x) if self.scale is not None else finite_rows(x, "x")
        self.y, self.targets = as_rows(y, "y"), None
        if not family.classifies:
            self.y = finite_rows(self.y.reshape(len(self.x), -1), "y", np.dtype(np.float64))
            self.targets = Standardizer(self.y) if self._scaled() else None
            self.y = self.y if self.targets is None else self.targets(self.y)
        self.state: dict[str, np.ndarray] | None = None
        self.seed = seed
        self.parts: tuple[Dataset, Dataset | None] = (Dataset(self.x, self.y), None)
        if len(self.x) > 1 and not family.warm:
            rows = max(1, round(VALIDATION * len(self.x)))
            self.parts = split(self.x, self.y, rows, seed, self.y if family.classifies else None)

    def _scaled(self) -> bool:
        """Whether targets are scaled: see Network."""
        if self.family.scale_targets is not None:
            return self.family.scale_targets
        loss = inspect.unwrap(self.family.loss)
        return loss not in AS_THEY_ARE and not np.isin(self.y, (0, 1)).all()

    def fit(self, lam: float, seed: int = 0, epochs: int | None = None) -> NetworkModel:
        """The network at λ; its start, dropout and batches are functions of the seed, or of that of `start` if afresh.

        epochs: train for so many, on all rows, where no validation rows are to tell when to stop.
        """
        family = self.family
        train, held_out = self.parts if epochs is None else (Dataset(self.x, self.y), None)
        most = family.most_epochs if epochs is None else epochs
        seed = seed if family.warm else self.seed
        with rng.own_streams(seed):
            module = family.build()
            if family.warm and self.state is not None:
                module.load_state_dict(self.state)
            elif family.warm:
                most *= family.first
            terms = reg.on(module, family.selector, family.penalty(finite(lam, "λ", at_least=0.0)))
            optimizer = family.optimizer(module.parameters(), prox=terms, **dict(family.options))
            stop: list[EarlyStopping] = [] if held_out is None else [EarlyStopping("val_loss", family.patience)]
            history = fit(
                module,
                tuple(train),
                family.loss,
                optimizer,
                epochs=most,
                batch_size=family.batch_size,
                seed=seed,
                validation_data=held_out,
                callbacks=stop,
                compile="quiet",
            )
        if family.warm:
            self.state = module.state_dict()
        model = NetworkModel(module, self.scale, self.targets, family.selector)
        if stop:
            model.epochs = max(1, stop[0].best_epoch)
            model.cut_short = len(history) == most == stop[0].best_epoch
        return model

    def lambda_max(self) -> float:
        """The first λ at which all penalised weights of a network that goes on are 0, doubling λ from family.low."""
        solver, lam = copy.copy(self), self.family.low
        solver.family = replace(self.family, warm=True, epochs=min(self.family.most_epochs, WARM_EPOCHS))
        solver.parts, solver.state = (Dataset(self.x, self.y), None), None
        for i in range(DOUBLINGS):
            if solver.fit(lam, i).nonzeros == 0:
                return lam
            lam *= 2
        raise NonFiniteError(f"Network: no λ up to {lam / 2:.3g} empties the weights; is the penalty an L1?")
