"""The main job: what L1, L2, elastic net and dropout do to one network that is given 400 digits and bad labels.

Every method trains the same network from the same start, on the same rows in the same order, seed by seed; only the
regularizer differs. So gains are measured in pairs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import nn, optim, reg, rng
from ...data import Dataset, load_digits, noisy_labels, split
from ...ops.losses.classes import cross_entropy
from ...train import History, accuracy, evaluate, fit
from ..pages.statistics import mean, spread

TRAIN_ROWS, NOISE, CLASSES = 400, 0.3, 10  # 30% of the training labels are replaced by another class
HIDDEN, EPOCHS, BATCH, RATE = 128, 60, 32, 2e-3


class Method(NamedTuple):
    """A regularizer: terms for the loss (penalty) or for the proximal step (prox), and a rate of dropout."""

    name: str
    penalty: Any = None
    prox: Any = None
    dropout: float = 0.0

    @property
    def setting(self) -> str:
        """λ and p in words."""
        term = self.penalty or self.prox
        parts = [*([term.name] if term else []), *([f"p = {self.dropout:g}"] if self.dropout else [])]
        return ", ".join(parts) or "no penalty"


# λ and p: of the grids in search.py the setting with the highest mean test accuracy over the seeds 1000 to 1004,
# which the demo does not use; `python -m minigrad.lab.demo.search` prints them all. The two kinds of L1 share their λ.
METHODS = (
    Method("none"),
    Method("L2", penalty=reg.L2(1.5e-2)),
    Method("L1 sub-gradient", penalty=reg.L1(1.5e-3)),
    Method("L1 proximal", prox=reg.L1(1.5e-3)),
    Method("elastic net", prox=reg.ElasticNet(1e-3, 5e-3)),
    Method("dropout", dropout=0.7),
    Method("dropout + L2", penalty=reg.L2(2.5e-3), dropout=0.7),
)


class Result(NamedTuple):
    """One trained network: measured in eval mode after the last epoch."""

    method: str
    seed: int
    train: dict[str, float]
    test: dict[str, float]
    penalties: dict[str, float]
    zeros: float
    norm: float
    seconds: float
    history: History
    weights: list[np.ndarray]


def data_for(seed: int) -> tuple[Dataset, Dataset]:
    """400 training digits with noisy labels, and all the others with clean ones."""
    x, y = load_digits()
    train, test = split(x, y, test=len(x) - TRAIN_ROWS, seed=seed, stratify=y)
    return Dataset(train.x, noisy_labels(train.y, NOISE, CLASSES, seed)), test


def network(dropout: float) -> nn.Module:
    """64-128-128-10 with relu; dropout behind both hidden layers."""
    layers: list[nn.Module] = [nn.Linear(64, HIDDEN, activation="relu"), nn.Linear(HIDDEN, HIDDEN, activation="relu")]
    if dropout:
        layers = [part for layer in layers for part in (layer, nn.Dropout(dropout))]
    return nn.Sequential(*layers, nn.Linear(HIDDEN, CLASSES))


def train_one(method: Method, seed: int, epochs: int = EPOCHS) -> Result:
    """Train the network with one method: split, noise, start, order and masks are functions of the seed."""
    train, test = data_for(seed)
    rng.manual_seed(seed)
    model = network(method.dropout)
    penalty = reg.on(model, "*.weight", method.penalty) if method.penalty else None
    prox = reg.on(model, "*.weight", method.prox) if method.prox else None
    optimizer = optim.Adam(model.parameters(), lr=RATE, penalty=penalty, prox=prox)
    start = time.perf_counter()
    history = fit(
        model,
        train,
        cross_entropy,
        optimizer,
        epochs=epochs,
        batch_size=BATCH,
        validation_data=test,
        metrics=[accuracy],
        seed=seed,
        compile="quiet",
    )
    seconds = time.perf_counter() - start
    weights = [w.data for name, w in model.named_parameters() if name.endswith("weight")]
    return Result(
        method.name,
        seed,
        train=evaluate(model, train, cross_entropy, [accuracy]),
        test=evaluate(model, test, cross_entropy, [accuracy]),
        penalties={name: value for terms in optimizer.bound_terms for name, value in terms.value().items()},
        zeros=share_of_zeros(weights, train.x),
        norm=sum(float((w.astype(np.float64) ** 2).sum()) for w in weights) ** 0.5,
        seconds=seconds,
        history=history,
        weights=weights,
    )


def share_of_zeros(weights: Sequence[np.ndarray], x: np.ndarray) -> float:
    """Share of exact zeros among the weights whose input ever varied.

    A pixel that is the same in all rows has no data gradient: Adam's step there is lr / eps, and the proximal map
    zeroes its weights at once, which says nothing about the method.
    """
    varied = (x != x[0]).any(0)
    counted = [weights[0][varied], *weights[1:]]
    return sum(int((w == 0).sum()) for w in counted) / sum(w.size for w in counted)


def run(seeds: Sequence[int], epochs: int, say: Any = print) -> dict[str, list[Result]]:
    """Every method on every seed, by method."""
    results: dict[str, list[Result]] = {}
    for method in METHODS:
        results[method.name] = [train_one(method, seed, epochs) for seed in seeds]
        done = results[method.name]
        accuracy, seconds = mean([r.test["accuracy"] for r in done]), sum(r.seconds for r in done)
        say(f"  {method.name:<17}{method.setting:<27}test accuracy {accuracy:.1%}  {seconds:5.1f} s")
    return results


HEAD = (
    "method",
    "train accuracy",
    "test accuracy",
    "train loss",
    "test loss",
    "penalty",
    "exact zeros",
    "weight norm",
    "seconds",
)


def table(results: dict[str, list[Result]]) -> list[list[str]]:
    """A row per method under HEAD: means over seeds, accuracies and losses ± their standard deviation."""
    rows = []
    for name, runs in results.items():

        def both(part: str, measure: str, scale: float, digits: int, runs: list[Result] = runs) -> str:
            values = [scale * getattr(r, part)[measure] for r in runs]
            return (
                f"{mean(values):.{digits}f} ± {spread(values):.{digits}f}"
                if len(runs) > 1
                else f"{values[0]:.{digits}f}"
            )

        penalty = mean([sum(r.penalties.values()) for r in runs])
        rows.append(
            [
                name,
                both("train", "accuracy", 100, 1),
                both("test", "accuracy", 100, 1),
                both("train", "loss", 1, 3),
                both("test", "loss", 1, 3),
                f"{penalty:.3f}" if runs[0].penalties else "–",
                f"{100 * mean([r.zeros for r in runs]):.1f}%",
                f"{mean([r.norm for r in runs]):.1f}",
                f"{mean([r.seconds for r in runs]):.2f}",
            ]
        )
    return rows


def numbers(results: dict[str, list[Result]]) -> dict[str, list[dict[str, Any]]]:
    """What was measured, without histories and weights, for other programs."""
    kept = ("seed", "train", "test", "penalties", "zeros", "norm", "seconds")
    return {name: [{field: getattr(r, field) for field in kept} for r in runs] for name, runs in results.items()}
