"""What the examples of the claims share: their sizes, their data, one network and its training, choices and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ... import nn, optim, reg, rng
from ...data import Dataset, Loader, load_digits, load_mnist, noisy_labels, split
from ...data.batches.loader import Transform
from ...nn.module import Module
from ...ops.losses.classes import cross_entropy
from ...train import accuracy, evaluate, fit
from ..pages.statistics import Gain, holm, mean, paired_gain, paired_p, spread
from .article import Article

TITLE = "What is said of regularization, and what holds"
FOREWORD = (
    "Each claim has a criterion that was fixed, with its seeds, its sizes and its one primary comparison, before its "
    "figures were seen. A line that must hold is mathematics and was asserted. A line that holds, or does not hold, is "
    "what these data and seeds say; it is undecided where they leave it open, as the interval covers both. An interval "
    "is the 95% interval of Student's t over paired seeds. One convention serves all: mean loss + l1 Σ|w| + (l2/2) Σw²."
)
TIMED = ("C9_cost", "C10_large_data")  # they measure time: nothing runs beside them
LONG = (  # begun first, in this order, where claims run side by side
    "C3_generalization",
    "C18_more_data",
    "C11_images_and_sequences",
    "C15_pairs",
    "C8_depth",
    "C6_gap",
    "C12_uneven_classes",
    "C13_missing_values",
    "C4_too_much_too_little",
    "C19_articles",
)

# Every number that decides how long an example runs: (in full, with --quick). The page prints this table.
SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "C1_exact_zeros": {"seeds": (5, 1), "training rows": (1_000, 300), "epochs": (30, 5)},
    "C2_shrinkage": {"rows": (120, 120), "seeds": (5, 1), "training rows": (1_000, 300), "epochs": (30, 3)},
    "C3_generalization": {
        "seeds": (20, 2),
        "training rows": (1_000, 200),
        "validation rows": (1_000, 200),
        "rows, clean": (200, 100),
        "epochs": (30, 1),
    },
    "C4_too_much_too_little": {
        "seeds": (10, 1),
        "training rows": (1_000, 300),
        "validation rows": (1_000, 300),
        "epochs": (40, 2),
    },
    "C5_folds": {"rows": (120, 120), "λ": (60, 20), "folds": (10, 5), "held-out rows": (5_000, 1_000)},
    "C6_gap": {  # the seeds twice: wrong labels, and right ones
        "masks": (4_000, 4_000),
        "seeds": (10, 2),
        "training rows": (1_000, 200),
        "validation rows": (1_000, 200),
        "epochs": (40, 1),
    },
    "C7_scaling_of_dropout": {"steps": (300, 100)},
    "C8_depth": {
        "starts": (20, 2),
        "trained pairs": (8, 2),
        "training steps": (40, 1),
        "starts by depth": (5, 2),
        "steps by depth": (60, 1),
    },
    "C9_cost": {"rounds": (21, 1)},
    "C10_large_data": {"rounds": (21, 1), "steps": (200, 10), "rows": (64_000, 6_400)},
    "C11_images_and_sequences": {
        "seeds": (8, 2),
        "training rows": (1_000, 200),
        "validation rows": (1_000, 200),
        "epochs": (30, 1),
    },
    "C12_uneven_classes": {
        "seeds": (20, 2),
        "training rows": (1_000, 200),
        "rows per eight": (40, 20),
        "epochs": (30, 2),
    },
    "C13_missing_values": {"seeds": (10, 2), "training rows": (900, 300), "epochs": (40, 1)},
    "C14_high_dimension": {"seeds": (15, 6), "rows": (40, 40)},
    "C15_pairs": {"seeds": (10, 2), "training rows": (1_000, 200), "epochs": (40, 1)},
    "C16_early_stopping": {"rows": (100, 100), "steps": (2_000, 2_000)},
    "C17_decay": {"seeds": (5, 2), "steps": (300, 50)},
    "C18_more_data": {
        "seeds": (4, 2),
        "few rows": (200, 100),
        "epochs at few rows": (60, 1),
        "some rows": (1_000, 200),
        "epochs at some rows": (60, 1),
        "many rows": (10_000, 300),
        "epochs at many rows": (12, 1),
        "all rows": (60_000, 400),
        "epochs at all rows": (6, 1),
    },
    "C19_articles": {"articles": (5, 1)},
    "C20_before_batch_norm": {"seeds": (8, 2), "steps": (400, 40)},
}

NOISE = 0.3  # of the training labels are replaced, where a claim says noisy
RATE, BATCH, HIDDEN = 1e-3, 32, 64


class Claim(Article):
    """An Article on one claim, named C1 and on.

    >>> claim = Claim("examples/claims/C2_shrinkage.py", "A title.", ["--quick"])
    >>> claim.finds("gain 0.1 ± 0.2", False)
    does not hold: gain 0.1 ± 0.2
    >>> claim.number
    'C2'
    """

    sizes = SIZES

    def gains(
        self,
        words: str,
        treated: Sequence[float],
        control: Sequence[float],
        higher: bool = True,
        unit: str = "",
        digits: int = 2,
    ) -> Gain | None:
        """The verdict on: treated is higher (or lower) than control. Undecided where the paired interval covers 0; one
        seed gives none.
        """
        if len(treated) < 2:
            self.says(f"{words}: one seed, no verdict.")
            return None
        gain = paired_gain(treated, control)
        wanted = "higher" if higher else "lower"
        self.compares(f"{words}: {gain.mean:+.{digits}f} ± {gain.half:.{digits}f}{unit}", gain, wanted)
        return gain

    def corrected(
        self, pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]], unit: str = "", digits: int = 2
    ) -> None:
        """The verdicts on several secondary comparisons, treated above control, together at 5% by Holm's method.

        Undecided are those whose adjusted p value is not below 5%.
        """
        adjusted = holm([paired_p(*pair) for pair in pairs.values()])
        for (words, pair), p in zip(pairs.items(), adjusted):
            gain, said = paired_gain(*pair), f"p = {p:.1g}" if p >= 1e-9 else "p < 1e-9"
            told = f"{words}: {gain.mean:+.{digits}f} ± {gain.half:.{digits}f}{unit}, {said} by Holm"
            self.finds(told, gain.mean > 0 if p < 0.05 else None)


class Images:
    """MNIST where it is found, else the digits in the package: a pool for training and validation, and a test set."""

    def __init__(self) -> None:
        try:
            self.pool, self.test = load_mnist()
            self.name = "MNIST"
        except FileNotFoundError:
            x, y = load_digits()
            self.pool, self.test = split(x, y, test=500, seed=0, stratify=y)
            self.name = "the digits in the package"
        self.inputs = self.pool.x.shape[1]

    def rows(self, count: int, held: int, seed: int, noise: float = 0.0) -> tuple[Dataset, Dataset, Dataset]:
        """Training rows with noisy labels, the same with the right labels, and validation rows with right labels.

        Each seed has rows of its own.
        """
        order = np.random.default_rng(seed).permutation(len(self.pool.x))
        x, y = self.pool.x[order[:count]], self.pool.y[order[:count]]
        later = order[count : count + held]
        noisy = noisy_labels(y, noise, 10, seed) if noise else y
        return Dataset(x, noisy), Dataset(x, y), Dataset(self.pool.x[later], self.pool.y[later])


def network(inputs: int, dropout: float = 0.0, classes: int = 10) -> nn.Sequential:
    """Two layers of 64 relu units, dropout behind each."""
    parts: list[Module] = []
    for n in (inputs, HIDDEN):
        parts += [nn.Linear(n, HIDDEN, activation="relu"), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*parts, nn.Linear(HIDDEN, classes))


def trained(
    data: Any,
    seed: int,
    epochs: int,
    *,
    penalty: Any = None,
    prox: Any = None,
    selector: Any = "*.weight",
    dropout: float = 0.0,
    loss: Callable[..., Any] = cross_entropy,
    classes: int = 10,
    transform: Sequence[Transform] = (),
    make: Callable[[], Module] | None = None,
    rate: float = RATE,
    batch: int = BATCH,
) -> Module:
    """The network, or what `make` makes, after Adam; start, order, masks and transforms are functions of the seed.

    Terms act on what the selector of reg.on says: on weights, not on biases.
    """
    rng.manual_seed(seed)
    model = network(np.shape(data[0])[1], dropout, classes) if make is None else make()
    terms: dict[str, Any] = {
        name: reg.on(model, selector, term) for name, term in (("penalty", penalty), ("prox", prox)) if term
    }
    loader = Loader(data[0], data[1], batch, seed=seed, transform=transform)
    fit(model, loader, loss, optim.Adam(model.parameters(), lr=rate, **terms), epochs=epochs, compile="quiet")
    return model


def measured(model: Module, data: Dataset) -> tuple[float, float]:
    """Mean log loss, and accuracy in %, in eval mode."""
    found = evaluate(model, data, cross_entropy, [accuracy])
    return found["loss"], 100 * found["accuracy"]


def standard_errors(differences: Sequence[float]) -> float:
    """How many standard errors their mean is above 0."""
    error = spread(differences) / len(differences) ** 0.5
    return mean(differences) / error if error else 0.0
