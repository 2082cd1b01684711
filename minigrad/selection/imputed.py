"""A family of models behind an imputer: gaps are filled by the means of the training rows, fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.prepare.imputation import MeanImputer
from .scores import output_of


@dataclass(frozen=True)
class Imputed:
    """The family, with every NaN of x replaced by the mean of its column in the rows that start was given.

    AttributeError for what the family does not have.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> x[3, 2] = np.nan
    >>> selection.cross_validate(selection.Imputed(linear_model.Regression()), x, y, count=10).scores.shape
    (5, 10)
    """

    family: Any

    takes_gaps = True

    def __getattr__(self, name: str) -> Any:  # rising, classifies, score, low
        if name.startswith("__") or name == "family":
            raise AttributeError(name)
        return getattr(self.family, name)

    def settings(self) -> dict[str, Any]:
        """Those of the family, and how gaps are filled."""
        return {**self.family.settings(), "missing": "mean"}

    def start(self, x: Any, y: Any, **options: Any) -> ImputedSolver:
        """The family's solver for the filled rows."""
        fill = MeanImputer(x)
        return ImputedSolver(fill, self.family.start(fill(x), y, **options))


@dataclass(frozen=True)
class ImputedSolver:
    """A solver that hands its imputer on to its models."""

    fill: MeanImputer
    solver: Any

    def lambda_max(self) -> float:
        return self.solver.lambda_max()

    def fit(self, lam: float, seed: int = 0, **options: Any) -> ImputedModel:
        return ImputedModel(self.fill, self.solver.fit(lam, seed, **options))


@dataclass(frozen=True)
class ImputedModel:
    """A model that fills gaps before it answers; everything else is the model's own."""

    fill: MeanImputer
    model: Any

    def output(self, x: Any, offset: Any = None) -> np.ndarray:
        """The outputs for rows that may have gaps."""
        return output_of(self.model, self.fill(x), offset)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("fill", "model"):
            raise AttributeError(name)
        return getattr(self.model, name)
