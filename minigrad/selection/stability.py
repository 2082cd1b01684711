"""Stability selection: which inputs are picked again and again on halves of the rows, with a bound on false ones.

Meinshausen, Bühlmann 2010, JRSS B 72; complementary pairs and the sharper bound: Shah, Samworth 2013, JRSS B 75.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..checks import named_keywords, truth, whole
from ..errors import ShapeError
from ..linear_model.model import ConvergenceWarning
from ..rng import SEEDS, SPLIT, permutation, stream
from .crossvalidation import checked_lambdas, fit_path, lambda_grid
from .folds import HALVES, fit_seed
from .identity import digest, identity
from .log import plain
from .prepared import Data, prepare
from .result import SelectionWarning
from .stable import Stability, checked_cutoff, wanted_picks
from .sweep import logged


@named_keywords
def stability(
    family: Any,
    x: Any,
    y: Any,
    lambdas: Any = None,
    *,
    cutoff: float = 0.75,
    bound: float | None = None,
    q: float | None = None,
    pairs: bool = False,
    unimodal: bool = False,
    draws: int = 100,
    count: int = 100,
    ratio: float | None = None,
    weights: Any = None,
    offset: Any = None,
    names: Any = None,
    seed: int = 0,
    n_jobs: int = 1,
    log: Any = None,
    progress: bool | None = False,
) -> Stability:
    """How often each column is picked on halves of the rows, down a path of λ, and those picked in a share of `cutoff`.

    family      with models that have coefficients: linear_model.Regression(...), Logistic(...), with some L1
    lambdas, count, ratio, weights, offset    the path, as in cross_validate; the range that counts begins at its
                largest λ and ends where q or bound says, or at its end
    cutoff      π: a column is stable if at some λ of the range it is picked in at least this share of the halves; above
                1/2, at most 1
    bound       the most false columns that are wanted on average, E[V]; q: the most columns picked from a half, on
                average over halves. Give one or none of them: each follows from the other
    pairs       the other half of every draw is used as well (Shah, Samworth): 2 · draws halves
    unimodal    with pairs, their sharper bound, which holds if the share of halves that pick a false column has a
                unimodal distribution
    draws       halves, of ⌊n/2⌋ rows each, or pairs of them, by (seed, draw); of classes each half has half
    names       of the columns
    n_jobs, log, progress    as in cross_validate: a log has a line for each draw

    With q the mean number of columns that a half picks anywhere in the range,

        E[V] ≤ q² / ((2π - 1) p)

    of the p columns that are penalized, if no false column is likelier to be picked than by guessing, and false ones
    are alike (theorem 1 of 2010); by pairs, without both conditions, of columns that are picked in less than q/p of all
    halves (theorem 1 of 2013). Columns whose penalty_factor is 0 are always there, and are not judged.

    Returns a Stability: .stable, .frequencies, print(found.table()); found.at(cutoff, bound) asks another question of
    the same halves.

    ValueError for a family without L1, which picks every column at every λ.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> x, y, truth = regression(120, 20, noise=1.0, nonzero=2, dtype="float64")
    >>> found = stability(linear_model.Regression(), x, y, bound=1.0, draws=20)
    >>> found.named(), np.flatnonzero(np.abs(truth) > 0.5).tolist(), found.bound <= 1.0
    (['x18'], [18], True)
    """
    pairs, unimodal = truth(pairs, "stability: pairs"), truth(unimodal, "stability: unimodal")
    draws, seed = whole(draws, "stability: draws", 2), whole(seed, "stability: seed", 0, SEEDS)
    cutoff = checked_cutoff(cutoff, unimodal, pairs)
    data = prepare(family, x, y, weights, offset)
    if getattr(family, "l1_ratio", 1.0) == 0:
        raise ValueError("stability: the family has l1_ratio=0, which picks every column at every λ; give it some L1")
    named = _names(names, data.x)
    judged = _judged(family, len(named))
    wanted = wanted_picks(bound, q, cutoff, int(judged.sum()), draws if unimodal else None)
    lambdas = lambda_grid(family, data, count, ratio) if lambdas is None else checked_lambdas(lambdas)
    settings = _described(family, data, lambdas, draws, pairs, seed)
    tasks = {
        f"draw {d}": (family, data, _halves(data, seed, d)[: 2 if pairs else 1], lambdas.tolist(), fit_seed(seed, d, 0))
        for d in range(draws)
    }
    options = {"n_jobs": n_jobs, "progress": progress, "label": "stability selection"}
    rows = logged(picked_columns, tasks, log, settings, **options)
    picks, trouble = _table(list(rows.values()), len(lambdas), judged)
    found = Stability.of(picks, lambdas, named, judged, cutoff, wanted, draws if unimodal else None, bound, trouble)
    for note in found.notes:
        warnings.warn(note, SelectionWarning, stacklevel=3)  # past named_keywords
    return found


def _names(names: Any, x: np.ndarray) -> list[str]:
    found = [f"x{j}" for j in range(x.shape[1])] if names is None else [str(name) for name in names]
    if len(found) != x.shape[1]:
        raise ShapeError(f"stability: {len(found)} names; need one for each of {x.shape[1]} columns")
    return found


def _judged(family: Any, p: int) -> np.ndarray:
    """Which columns are penalized."""
    factor = getattr(family, "penalty_factor", None)
    found = np.ones(p, bool) if factor is None else np.array(factor) > 0
    if len(found) != p:
        raise ShapeError(f"stability: penalty_factor has {len(found)} numbers; x has {p} columns")
    return found


def _halves(data: Data, seed: int, draw: int) -> list[np.ndarray]:
    """Two halves of ⌊n/2⌋ rows that share none, sorted; of every class both have ⌊n/2⌋ rows, or one more."""
    n = len(data.x)
    order = permutation(n, seed, stream(SPLIT, HALVES + draw))
    if data.names is not None:
        order = order[np.argsort(data.y[order], kind="stable")]  # class after class, each in random order
    halves = [np.sort(order[side::2][: n // 2]) for side in (0, 1)]
    if len(halves[0]) < 2:
        raise ValueError(f"stability: {n} rows leave halves of {n // 2}; need 4 rows at least")
    return halves


def picked_columns(
    family: Any, data: Data, halves: list[np.ndarray], lambdas: list[float], seed: int
) -> list[dict[str, Any]]:
    """For each half {picked: the columns that are not 0, at each λ} and {trouble}; or {failed}. The task of a sweep."""
    return [_picked(family, data.rows(rows), lambdas, seed) for rows in halves]


def _picked(family: Any, part: Data, lambdas: list[float], seed: int) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models = fit_path(family, part, lambdas, [seed] * len(lambdas))
        for model in models:
            if isinstance(model, Exception):
                raise model
        tables = [model.coefficients.reshape(len(model.coefficients), -1) for model in models]
    except AttributeError:
        raise TypeError(f"stability: models of {type(family).__name__} have no coefficients; linear ones do") from None
    except Exception as error:  # one half of many: reported by stability
        return {"failed": f"{type(error).__name__}: {error}"}
    found: dict[str, Any] = {"picked": [np.flatnonzero((w != 0).any(1)).tolist() for w in tables]}
    troubles = [model.trouble for model in models if getattr(model, "trouble", "")]
    return found | ({"trouble": troubles[0]} if troubles else {})


def _table(rows: list[list[dict[str, Any]]], count: int, judged: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(halves, λ, columns) of booleans, and what failed."""
    halves = [half for row in rows for half in row]
    failed = [half["failed"] for half in halves if "failed" in half]
    kept = [half for half in halves if "failed" not in half]
    if failed:
        raise ValueError(f"stability: {len(failed)} of {len(halves)} halves could not be fitted; first: {failed[0]}")
    picks = np.zeros((len(kept), count, len(judged)), bool)
    for h, half in enumerate(kept):
        for i, columns in enumerate(half["picked"]):
            picks[h, i, columns] = True
    troubles = [half["trouble"] for half in kept if "trouble" in half]
    return picks, [f"{len(troubles)} of {len(kept)} halves: {troubles[0]}"] if troubles else []


def _described(family: Any, data: Data, lambdas: np.ndarray, draws: int, pairs: bool, seed: int) -> dict[str, Any]:
    """What the draws are a function of: a log of any other is refused. The cutoff and the bound come later."""
    return plain(
        {
            **family.settings(),
            "family": identity(family),
            "what": "stability selection",
            "lambdas": lambdas.tolist(),
            "draws": draws,
            "pairs": pairs,
            "seed": seed,
            "data": digest(*data.arrays()),
            **({} if data.offset is None else {"offset": digest(data.offset)}),
        }
    )
