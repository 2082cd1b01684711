"""Strengths by descent: the slope of the held-out loss by log λ, of several λ at once, followed down."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..checks import finite, named_keywords, whole
from ..errors import NonFiniteError, ShapeError
from ..linear_model.model import ConvergenceWarning
from ..rng import SEEDS
from .crossvalidation import lambda_grid
from .folds import as_folds, as_groups, fit_seed, nested_seed, repeats_of
from .implicit import as_held_out, differentiable_score, of_fit
from .line_search import Point, descend
from .prepared import Data, check_classes, check_weights, dense_only, prepare
from .result import SelectionWarning, mean_and_error
from .scores import Score
from .sweep import Line
from .tuned import Tuning
from .unrolled import Run, Unrolled

SPAN = 1e6  # of a strength over its start, and under it
GRID = 12  # λ, of which the best is the start


@named_keywords
def tune(
    family: Any,
    x: Any,
    y: Any,
    *,
    per: Any = "term",
    start: Any = None,
    held_out: Any = None,
    folds: Any = 5,
    groups: Any = None,
    weights: Any = None,
    score: Any = None,
    names: Any = None,
    steps: int = 50,
    tol: float = 1e-5,
    seed: int = 0,
    progress: bool | None = False,
) -> Tuning:
    """Strengths that make the loss of held-out rows small, by descent on the logarithms of all of them at once.

    family      linear_model.Regression(...), Logistic(...), or a network as selection.Unrolled(...)
    per         linear models: "term": l1 and l2, so that the l1_ratio is tuned too (of the lasso and the ridge there is
                one λ); "feature": a λ for each column; or the group of each column (p,), numbers or words: a λ for
                each group, at the l1_ratio of the family. Columns whose penalty_factor is 0 stay without one, other
                factors multiply
    start       a λ, or of a network {name: λ} or one λ for all (0.01). None: linear models start at the best of a grid
    held_out    (x, y) or (x, y, weights): rows to measure the loss on. None: those of `folds`, in turn
    folds, groups, weights, seed    as in cross_validate; the folds are the same at every step
    score       mse or log_loss; a network has its own loss
    names       of the columns, for tables
    steps, tol  at most so many; the end is where two steps in a row gain less than this share of the loss

    The slope is exact: by implicit differentiation for linear models (see hypergradient), through all training steps
    for networks. A step that does not lower the loss is halved, so the end is never worse than the start, and so, with
    start=None, never worse than the best of the grid. It is a local minimum, of a function with kinks where L1 is.

    Returns a Tuning: .lambdas, .model, .value, print(result.table()). Many strengths fit the held-out rows as many
    coefficients fit the others: nested_tune measures what is left on rows that no choice saw.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> result = tune(linear_model.Regression(l1_ratio=0.5), x, y)
    >>> result.value < min(result.grid.values()), list(result.lambdas)
    (True, ['l1', 'l2'])
    """
    steps, tol = whole(steps, "tune: steps", 1), finite(tol, "tune: tol", at_least=0.0)
    whole(seed, "tune: seed", 0, SEEDS)
    dense_only(x, "tune")
    data = prepare(family, x, y, weights)
    chosen = _score_of(family, score, per, "tune")
    parts = _parts(family, data, held_out, folds, groups, seed)
    if held_out is None and chosen is not None:
        check_weights(data, parts.rows, chosen)
    return _tuned(_problem(family, data, parts, chosen, per, names, seed), start, steps, tol, progress)


def _score_of(family: Any, score: Any, per: Any, who: str) -> Score | None:
    """The score of linear models; None for a network, which has its own loss."""
    if not isinstance(family, Unrolled):
        return differentiable_score(family, score, who)
    if score is not None or not (isinstance(per, str) and per == "term"):
        raise ValueError(f"{who}: an Unrolled network has its own loss and its own terms; leave score and per out")
    return None


def _problem(
    family: Any, data: Data, parts: _Parts, score: Score | None, per: Any, names: Any, seed: int
) -> _Linear | _Network:
    if score is None:
        return _Network(family, data, parts, seed)
    members = _members(family, data, per)
    words = None if isinstance(per, str) or np.asarray(per).dtype.kind != "U" else np.asarray(per)
    return _Linear(family, data, parts, score, members, names, words)


class _Parts(NamedTuple):
    """(training part, held-out part) of every fold, and the row numbers they came from."""

    pairs: list[tuple[Data, Data]]
    rows: list[Any]

    @property
    def held_out(self) -> int:
        return sum(len(rest.y) for _, rest in self.pairs)


def _parts(family: Any, data: Data, held_out: Any, folds: Any, groups: Any, seed: int) -> _Parts:
    if held_out is not None:
        return _Parts([(data, as_held_out(family, data, held_out, "tune"))], [])
    rows = as_folds(folds, data.x, data.y, family.classifies, seed, groups)
    check_classes(data, rows)
    return _Parts([(data.rows(train), data.rows(test)) for train, test in rows], rows)


def _members(family: Any, data: Data, per: Any) -> np.ndarray | None:
    """The strength of each column, -1 for those that are never penalized; None for a λ per term."""
    p = data.x.shape[1]
    free = np.zeros(p, bool) if family.penalty_factor is None else np.array(family.penalty_factor) == 0
    if isinstance(per, str):
        if per not in ("term", "feature"):
            raise ValueError(f"tune: per is {per!r}; need 'term', 'feature', or the group of each of {p} columns")
        if per == "term":
            return None
        per = np.arange(p)
    if np.shape(per) != (p,):
        raise ShapeError(f"tune: per is {np.shape(per)}; need a group for each of {p} columns, 'term' or 'feature'")
    found = np.full(p, -1)
    found[~free] = np.unique(as_groups(per, p)[~free], return_inverse=True)[1]
    return found


def _tuned(problem: _Linear | _Network, start: Any, steps: int, tol: float, progress: bool | None) -> Tuning:
    line = Line("tune, steps", steps, 0, progress)
    try:
        grid: dict[float, float] = {}
        if start is None and isinstance(problem, _Linear):
            grid = problem.grid()
            start = min(grid, key=lambda lam: (grid[lam], -lam))
        first = problem.point(problem.theta(start))
        if not math.isfinite(first.value):
            raise NonFiniteError(f"tune: nothing could be fitted at the start, {start!r:.60}: {problem.failure}")
        span = math.log(SPAN)
        low, high = first.theta - span, first.theta + span
        course, reason = descend(problem.point, first, steps=steps, tol=tol, low=low, high=high, after=line.step)
    finally:
        line.end()
    model, family, trouble = problem.refit(course[-1].theta)
    bounds = np.exp(np.stack([low, high], 1))
    held_out = problem.parts.held_out
    result = Tuning(problem.names, course, problem.score_name, held_out, bounds, reason, grid, model, family, trouble)
    for note in trouble:
        warnings.warn(note, SelectionWarning, stacklevel=4)
    return result


def _exp(theta: np.ndarray) -> np.ndarray:
    out = np.array(theta)
    K.exp(out, out)
    return out


def _log(values: Any) -> np.ndarray:
    out = np.array(values, np.float64)
    K.log(out, out)
    return out


def _mean_of(values: list[float], slopes: list[np.ndarray], theta: np.ndarray) -> Point:
    slope = np.sum(slopes, axis=0) / len(slopes)
    return Point(theta, mean_and_error(values)[0], slope, values)


class _Linear:
    """Strengths of a family of linear models: a λ per term, or per group of columns."""

    failure = ""

    def __init__(
        self, family: Any, data: Data, parts: _Parts, score: Any, members: np.ndarray | None, names: Any,
        words: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.family, self.data, self.parts, self.score, self.members = family, data, parts, score, members
        self.score_name = score.name
        ratio = family.l1_ratio
        self.terms = [name for name, share in (("l1", ratio), ("l2", 1 - ratio)) if share > 0]
        p = data.x.shape[1]
        self.factor = np.ones(p) if family.penalty_factor is None else np.array(family.penalty_factor)
        columns = _column_names(names, p)
        if members is None:
            self.names = self.terms
        else:
            of_group = [np.flatnonzero(members == g) for g in range(int(members.max()) + 1)]
            self.names = [
                str(words[rows[0]]) if words is not None
                else columns[rows[0]] if len(rows) == 1
                else f"group {g}: {columns[rows[0]]}, ..."
                for g, rows in enumerate(of_group)
            ]  # fmt: skip

    def theta(self, lam: Any) -> np.ndarray:
        """log λ of every strength, for one λ of the family."""
        lam = finite(lam, "tune: start", at_least=1e-300)
        if self.members is not None:
            return np.full(len(self.names), _log([lam])[0])
        shares = {"l1": self.family.l1_ratio, "l2": 1 - self.family.l1_ratio}
        return _log([lam * shares[name] for name in self.terms])

    def grid(self) -> dict[float, float]:
        """The mean loss at a few λ."""
        lambdas = lambda_grid(self.family, self.data, GRID)
        found = {float(lam): self.point(self.theta(float(lam))).value for lam in lambdas}
        if not any(map(math.isfinite, found.values())):
            raise NonFiniteError(f"tune: nothing could be fitted at any of {GRID} λ: {self.failure}")
        return found

    def setting(self, theta: np.ndarray) -> tuple[Any, float, float]:
        """(family, l1, l2) of these log λ."""
        values = _exp(theta)
        if self.members is None:
            by_name = dict(zip(self.terms, values.tolist()))
            return self.family, by_name.get("l1", 0.0), by_name.get("l2", 0.0)
        each = np.where(self.members >= 0, values[self.members], 0.0) * self.factor
        ratio = self.family.l1_ratio
        return dataclasses.replace(self.family, penalty_factor=each), ratio, 1 - ratio

    def point(self, theta: np.ndarray) -> Point:
        family, l1, l2 = self.setting(theta)
        values, slopes = [], []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                for part, rest in self.parts.pairs:
                    found = of_fit(family, part, rest, l1, l2, self.score)
                    values.append(found.value)
                    by_term = dict(zip(("l1", "l2"), found.terms))
                    slopes.append(
                        np.array([by_term[name] for name in self.terms])
                        if self.members is None
                        else found.groups(np.where(self.members < 0, len(self.names), self.members))[: len(self.names)]
                    )
        except NonFiniteError as error:
            self.failure = str(error)
            return Point(theta, math.inf, np.zeros(len(theta)), [])
        return _mean_of(values, slopes, theta)

    def refit(self, theta: np.ndarray) -> tuple[Any, Any, list[str]]:
        """(model on all rows, family, what is to be said)."""
        family, l1, l2 = self.setting(theta)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = self.data.start(family).solve(l1, l2)
        return model, family, [model.trouble] if model.trouble else []


def _column_names(names: Any, p: int) -> list[str]:
    found = [f"x{j}" for j in range(p)] if names is None else [str(name) for name in names]
    if len(found) != p:
        raise ShapeError(f"tune: {len(found)} names; need one for each of {p} columns")
    return found


class _Network:
    """Strengths of the terms of a network that is trained by steps that can be differentiated."""

    score_name, failure = "loss", ""

    def __init__(self, family: Unrolled, data: Data, parts: _Parts, seed: int) -> None:
        self.family, self.parts, self.data, self.seed = family, parts, data, seed
        self.runs = [Run(family, part.x, part.y, fit_seed(seed, f, 0)) for f, (part, _) in enumerate(parts.pairs)]
        self.sizes = self.runs[0].sizes
        self.names = [name if size == 1 else f"{name}[{i}]" for name, size in self.sizes.items() for i in range(size)]

    def theta(self, start: Any) -> np.ndarray:
        start = 0.01 if start is None else start
        given = start if isinstance(start, Mapping) else dict.fromkeys(self.sizes, start)
        return np.concatenate(list(self.runs[0].logs(given).values())).astype(np.float64)

    def strengths(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        values, found, place = _exp(theta), {}, 0
        for name, size in self.sizes.items():
            found[name] = values[place : place + size]
            place += size
        return found

    def point(self, theta: np.ndarray) -> Point:
        strengths, values, slopes = self.strengths(theta), [], []
        try:
            for run, (_, rest) in zip(self.runs, self.parts.pairs):
                found = run.at((rest.x, rest.y), strengths)
                values.append(found.value)
                slopes.append(np.concatenate(list(found.gradient.values())).astype(np.float64))
        except NonFiniteError as error:
            self.failure = str(error)
            return Point(theta, math.inf, np.zeros(len(theta)), [])
        return _mean_of(values, slopes, theta)

    def refit(self, theta: np.ndarray) -> tuple[Any, Any, list[str]]:
        run = Run(self.family, self.data.x, self.data.y, fit_seed(self.seed, len(self.runs), 0))
        return run.train(self.strengths(theta)), self.family, []


class NestedTuning(NamedTuple):
    """scores (outer folds,) at the tuned strengths, on rows that no choice saw; their mean and standard error.

    start_scores and start_mean are those at the strengths of the start, the best of a grid if no start was given; inner
    are the Tunings. Where mean is above start_mean the gain on the held-out rows was luck.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> found = selection.nested_tune(linear_model.Regression(0.5), x, y, outer=3, folds=3, steps=3)
    >>> type(found).__name__, found.scores.shape, found.start_scores.shape
    ('NestedTuning', (3,), (3,))
    """

    scores: np.ndarray
    mean: float
    error: float
    start_scores: np.ndarray
    start_mean: float
    inner: list[Tuning]


@named_keywords
def nested_tune(
    family: Any,
    x: Any,
    y: Any,
    *,
    outer: Any = 5,
    folds: Any = 5,
    groups: Any = None,
    weights: Any = None,
    score: Any = None,
    per: Any = "term",
    seed: int = 0,
    **options: Any,
) -> NestedTuning:
    """What tuning is worth on rows that no choice saw: tuned anew in the training part of each outer fold.

    outer are folds as in cross_validate; the other options are those of tune.

    TypeError for held_out; NonFiniteError, by its number, for an outer fold in which nothing could be fitted.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 8, noise=1.0, nonzero=2, dtype="float64")
    >>> found = nested_tune(linear_model.Regression(), x, y, outer=3, folds=3, per="feature")
    >>> found.scores.shape, found.mean > found.inner[0].value
    ((3,), True)
    """
    if "held_out" in options:
        raise TypeError("nested_tune: no held_out here; the outer folds and, inside, `folds` hold rows out")
    whole(seed, "nested_tune: seed", 0, SEEDS)
    dense_only(x, "nested_tune")
    data, chosen = prepare(family, x, y, weights), _score_of(family, score, per, "nested_tune")
    outside = _parts(family, data, None, outer, groups, seed)
    if chosen is not None:
        check_weights(data, outside.rows, chosen)
    members = None if groups is None else as_groups(groups, len(data.x))
    scores, starts, inner = [], [], []
    for f, (part, rest) in enumerate(outside.pairs):
        own: dict[str, Any] = {"weights": part.weights, "per": per, "score": score, "seed": nested_seed(seed, f)}
        own["groups"] = None if members is None else members[outside.rows[f][0]]
        found = tune(family, part.x, part.y, folds=folds, **own, **options)
        problem = _problem(family, part, _Parts([(part, rest)], []), chosen, per, None, own["seed"])
        ends = [problem.point(point.theta).value for point in (found.course[-1], found.course[0])]
        if not all(map(math.isfinite, ends)):
            raise NonFiniteError(f"nested_tune: outer fold {f}: {problem.failure}")
        scores.append(ends[0])
        starts.append(ends[1])
        inner.append(found)
    mean, error = mean_and_error(scores, repeats_of(outside.rows, len(data.x)))
    return NestedTuning(np.array(scores), mean, error, np.array(starts), mean_and_error(starts)[0], inner)
