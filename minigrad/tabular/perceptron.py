"""Networks of a table: layers of relu units; inputs and numbers to predict scaled, the penalty in Adam's update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .. import nn, optim, reg, rng
from ..data.formats.table import Table
from ..data.prepare.imputation import MeanImputer
from ..data.prepare.scaling import Standardizer
from ..data.prepare.splitting import split
from ..ops.losses.classes import cross_entropy
from ..ops.losses.regression import mse
from ..selection import Network, prepare
from ..selection.networks import NetworkModel
from ..train import Checkpoint, EarlyStopping, Record, fit
from .settings import Settings

SELECTOR = "*.weight"  # what has a penalty


@dataclass(frozen=True)
class Perceptron:
    """inputs-hidden-...-outputs with relu, as an object that makes one, and that plain values describe.

    >>> list(Perceptron(3, (4, 2), 1)().state_dict()) == list(Perceptron(3, (4, 2), 1).shapes())
    True
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    dropout: float = 0.0

    def __call__(self) -> nn.Sequential:
        layers: list[nn.Module] = []
        inputs = self.inputs
        for units in self.hidden:
            layers.append(nn.Linear(inputs, units, activation="relu", init="he_uniform"))
            layers += [nn.Dropout(self.dropout)] if self.dropout else []
            inputs = units
        return nn.Sequential(*layers, nn.Linear(inputs, self.outputs))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of its parameters, without making them."""
        sizes = [self.inputs, *self.hidden, self.outputs]
        step = 2 if self.dropout else 1
        found: dict[str, tuple[int, ...]] = {}
        for i, (inputs, outputs) in enumerate(pairwise(sizes)):
            found |= {f"{i * step}.weight": (inputs, outputs), f"{i * step}.bias": (outputs,)}
        return found


def perceptron(table: Table, settings: Settings) -> Perceptron:
    """The network for the columns and the target of a table."""
    outputs = len(np.unique(table.y)) if table.y.dtype.kind in "Uiub" else 1
    return Perceptron(table.x.shape[1], tuple(settings.hidden), outputs, float(settings.dropout))


def family_of(table: Table, settings: Settings) -> Network:
    """Networks whose λ is to be chosen."""
    classes = table.y.dtype.kind in "Uiub"
    return Network(
        build=perceptron(table, settings),
        loss=cross_entropy if classes else mse,
        classifies=classes,
        options=(("lr", settings.lr),),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        patience=settings.patience,
    )


def fitted(
    table: Table, settings: Settings, strengths: tuple[float, float], callbacks: Sequence[Any], resume: Any = None
) -> tuple[NetworkModel, Perceptron, dict[str, Any]]:
    """The network with these strengths, what makes it, and what is to be said of it."""
    made = made_of(table, settings)
    saving = [] if resume is None or any(saves(c) for c in callbacks) else [_checkpoint(resume)]
    stop = [] if made.held_out is None else [EarlyStopping("val_loss", settings.patience)]
    with rng.own_streams(settings.seed):
        module, loss, optimizer = made.network(settings, strengths)
        history = fit(
            module,
            made.data,
            loss,
            optimizer,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            validation_data=made.held_out,
            callbacks=[*stop, *callbacks, *saving],
            resume=resume,
            compile="quiet",
        )
    told: dict[str, Any] = {"lambda": {"how": "given", "l1": strengths[0], "l2": strengths[1]}, "epochs": len(history)}
    if stop:
        told |= {
            "best epoch": stop[0].best_epoch,
            "validation rows": 0 if made.held_out is None else len(made.held_out[0]),
        }
    return NetworkModel(module, made.scale, made.targets, SELECTOR), made.build, told


class Made(NamedTuple):
    """What the network of a table is trained with: rows that train and rows that tell when to stop, both scaled."""

    build: Perceptron
    loss: Any
    data: tuple[np.ndarray, ...]
    held_out: tuple[np.ndarray, ...] | None
    scale: Standardizer
    targets: Standardizer | None

    def network(self, settings: Settings, strengths: tuple[float, float]) -> tuple[nn.Sequential, Any, optim.Adam]:
        """A new network, its loss, and the optimizer with the penalty."""
        module = self.build()
        terms = reg.on(module, SELECTOR, reg.ElasticNet(*strengths)) if any(strengths) else None
        return module, self.loss, optim.Adam(module.parameters(), lr=settings.lr, prox=terms)


def made_of(table: Table, settings: Settings) -> Made:
    """What the network of the training rows of a table is trained with."""
    family = family_of(table, settings)
    data, scale, targets = _scaled(table, family)
    held_out: tuple[np.ndarray, ...] | None = None
    if settings.validation and len(data[0]) > 1:
        order = np.arange(len(data[0]))
        share = max(1, round(settings.validation * len(order)))
        parts = split(order.reshape(-1, 1), order, share, settings.seed, data[1] if family.classifies else None)
        data, held_out = (tuple(np.ascontiguousarray(array[part.y]) for array in data) for part in parts)
    return Made(perceptron(table, settings), family.loss, data, held_out, scale, targets)


def _scaled(table: Table, family: Network) -> tuple[tuple[np.ndarray, ...], Standardizer, Standardizer | None]:
    """x, y and weights, if there are any, as the network takes them, and what scaled x, and y if it is numbers."""
    x = MeanImputer(table.x)(table.x) if table.x.dtype.kind == "f" else table.x.astype(np.float64)
    y, weights = table.y, table.weights
    if weights is not None:  # what weighs 0 counts for nothing, not in means either
        there = weights > 0
        x, y, weights = np.ascontiguousarray(x[there]), y[there], weights[there]
        for label in np.setdiff1d(table.y, y)[:1] if family.classifies else ():
            raise ValueError(
                f"class {label!s} of {table.target} has weight 0 in every training row; leave its rows out"
            )
    y = prepare(family, x, y).y
    scale, targets = Standardizer(x), None
    if not family.classifies:
        y = y.reshape(-1, 1).astype(np.float64)
        targets = Standardizer(y)
        y = targets(y)
    return (scale(x), y, *([] if weights is None else [weights])), scale, targets


def saves(callback: Any) -> bool:
    """Whether a callback writes checkpoints to go on from; a Record may keep few, far apart."""
    return isinstance(callback, Checkpoint) and not isinstance(callback, Record)


def _checkpoint(folder: Any) -> Checkpoint:
    return Checkpoint(folder, every="5 seconds", keep=1)
