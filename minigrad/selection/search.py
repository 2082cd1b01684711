"""Grid and random search over named parameters: every setting in every fold."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..checks import named_keywords, whole
from ..data.dataset import Dataset, pair, take_rows
from ..errors import DTypeError, ShapeError
from ..rng import SEEDS, own_streams
from .folds import Pair, as_folds, fit_seed, repeats_of
from .grids import Setting
from .identity import digest, identity
from .log import plain
from .result import SelectionWarning, mean_and_error
from .scores import Score, as_score, judged
from .sweep import logged


@dataclass
class Search:
    """Scores of (settings, folds), NaN where a fit failed; mean and standard error by setting; `best`, the setting.

    ValueError if no setting was fitted in every fold.

    >>> from minigrad.selection import Search
    >>> found = Search([{"l2": 0.0}, {"l2": 0.1}], np.array([[1.0, 3.0], [1.0, 2.0]]), "mse")
    >>> found.best, found.mean.tolist()
    ({'l2': 0.1}, [2.0, 1.5])
    """

    settings: list[Setting]
    scores: np.ndarray
    score: str
    greater_is_better: bool = False
    repeats: int = 1
    failures: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = [mean_and_error(row.tolist(), self.repeats) for row in self.scores]  # NaN if a fold is
        self.mean, self.error = np.array(rows).T
        if np.isnan(self.mean).all():
            first = self.failures[0]["failed"] if self.failures else "scores are not finite"
            raise ValueError(f"search: no setting was fitted in every fold; the first failure: {first}")
        losses = np.where(np.isnan(self.mean), math.inf, -self.mean if self.greater_is_better else self.mean)
        self.order = np.argsort(losses, kind="stable").tolist()

    @property
    def best(self) -> Setting:
        """The setting with the best mean; the first among equals."""
        return self.settings[self.order[0]]

    def table(self, top: int | None = None) -> str:
        """The settings, best first, as aligned text."""
        names = list(self.settings[0])
        rows = [[*names, f"mean {self.score}", "std error"]]
        for i in self.order[:top]:
            rows.append(
                [
                    *(f"{v:.6g}" if isinstance(v, float) else str(v) for v in self.settings[i].values()),
                    f"{self.mean[i]:.6g}",
                    f"{self.error[i]:.3g}",
                ]
            )
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths)).rstrip() for row in rows)

    def to_json(self) -> str:
        """Every setting with its scores; NaN becomes null."""
        rows = [
            {"setting": s, "scores": [float(v) if math.isfinite(v) else None for v in row]}
            for s, row in zip(self.settings, self.scores)
        ]
        found = {"score": self.score, "best": self.best, "settings": rows, "failures": self.failures}
        return json.dumps(plain(found), indent=1, ensure_ascii=False)


def score_setting(
    train: Callable[..., Any], setting: Setting, x: np.ndarray, y: np.ndarray, fold: tuple, score: Score, seed: int
) -> dict[str, Any]:
    """One setting in one fold: {score}, or {failed}. The task of a sweep."""
    rows, held_out = fold
    try:
        with own_streams(seed):
            model = train(take_rows(x, rows), y[rows], seed=seed, **setting)
            return {"score": judged(model, take_rows(x, held_out), y[held_out], score)}
    except Exception as error:  # one of many: reported by search, with its setting and fold
        return {"failed": f"{type(error).__name__}: {error}"}


def _fitting(x: Any, y: Any, score: Score) -> Dataset:
    """Rows and targets of numbers, that the score fits."""
    if np.asarray(y).dtype.kind in "OUS":
        raise DTypeError("search: y holds words; number them: names, y = np.unique(y, return_inverse=True)")
    rows = pair(x, y)
    if score.classes and rows.y.dtype.kind == "f" and (rows.y != np.floor(rows.y)).any():
        raise ValueError(f"search: score {score.name!r} is one of classes, and y holds numbers: {rows.y.flat[0]:.6g}")
    return rows


def _alike(settings: Sequence[Setting]) -> list[Setting]:
    """The settings as dicts of their own, one at least, all with the same names."""
    settings = [dict(setting) for setting in settings]
    if not settings or any(list(setting) != list(settings[0]) for setting in settings):
        raise ShapeError("search: need at least one setting, and the same names in all of them")
    return settings


def _described(
    train: Callable[..., Any], settings: list[Setting], score: Score, seed: int, data: str, parts: list[Pair]
) -> dict[str, Any]:
    """What a search is a function of: its log is refused for any other. `data` is the digest of all rows."""
    return {
        "train": train,
        "settings": settings,
        "score": score.name,
        "score function": identity(score.function),
        "seed": seed,
        "data": data,
        "rows of the folds": digest(*[rows for part in parts for rows in part]),
    }


def _result(settings: list[Setting], rows: list[dict[str, Any]], score: Score, repeats: int) -> Search:
    """The search whose folds noted these rows, setting by setting."""
    folds = len(rows) // len(settings)
    scores = np.array([row.get("score", math.nan) for row in rows]).reshape(len(settings), folds)
    failures = [
        {"setting": settings[i // folds], "fold": i % folds, "failed": row["failed"]}
        for i, row in enumerate(rows)
        if "failed" in row
    ]
    return Search(settings, scores, score.name, score.greater_is_better, repeats, failures)


@named_keywords
def search(
    train: Callable[..., Any],
    settings: Sequence[Setting],
    x: Any,
    y: Any,
    *,
    score: Any,
    folds: Any = 5,
    stratified: bool = False,
    groups: Any = None,
    seed: int = 0,
    n_jobs: int = 1,
    log: Any = None,
    progress: bool | None = False,
) -> Search:
    """train(x, y, seed=..., **setting) in the training part of each fold, for every setting, scored on the rest.

    train returns a Module, or what has output(x). While it runs, random numbers are drawn from its seed, a function of
    (seed, fold, setting). settings: selection.grid(...), selection.random_settings(...), or a list of dicts. score,
    folds, groups, n_jobs, log as in cross_validate. A setting with a failed fit is reported and not picked.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> from minigrad.selection import grid
    >>> x, y, _ = regression(40, 5, seed=1, dtype="float64")
    >>> def train(x, y, seed, lam, l1_ratio):
    ...     return linear_model.Regression(l1_ratio).start(x, y).fit(lam)
    >>> search(train, grid(lam=[1.0, 0.001], l1_ratio=[1.0, 0.5]), x, y, score="mse").best["lam"]
    0.001
    """
    chosen = as_score(score)
    x, y = _fitting(x, y, chosen)
    settings = _alike(settings)
    whole(seed, "search: seed", 0, SEEDS)
    parts = as_folds(folds, x, y, stratified, seed, groups)
    tasks = {
        f"setting {i}, fold {f}": (train, setting, x, y, fold, chosen, fit_seed(seed, f, i))
        for i, setting in enumerate(settings)
        for f, fold in enumerate(parts)
    }
    described = _described(train, settings, chosen, seed, digest(x, y), parts)
    options = {"n_jobs": n_jobs, "progress": progress, "label": "search"}
    rows = list(logged(score_setting, tasks, log, described, **options).values())
    found = _result(settings, rows, chosen, repeats_of(parts, len(x)))
    for failure in found.failures:
        warnings.warn(
            f"{failure['setting']}, fold {failure['fold']} failed: {failure['failed']}", SelectionWarning, stacklevel=3
        )
    return found
