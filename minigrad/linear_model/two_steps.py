"""Fits in two steps: the adaptive lasso, whose penalty factors a first fit gives, and relaxed fits, on a support."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, truth
from ..data.dataset import as_rows, finite_rows
from ..errors import NonFiniteError, ShapeError
from .column_products import REAL, dense_columns
from .logistic import Logistic
from .model import ConvergenceWarning, Linear, LinearModel
from .regression import Regression
from .sparse import SparseMatrix, as_sparse, is_sparse

LEAST, MOST = 1e-100, 1e100  # penalty factors; the largest keeps a coefficient at 0


def adaptive(
    family: Linear,
    x: Any,
    y: Any,
    first: Any = None,
    power: float = 1.0,
    weights: Any = None,
    offset: Any = None,
    signs: bool = False,
) -> Linear:
    """The family with penalty factors 1/|w|^power from a first fit: the adaptive lasso (Zou 2006, JASA 101).

    family      Regression(...) or Logistic(...); its own penalty factors multiply the new ones
    first       a LinearModel that was fitted on these columns, or coefficients (p,). None: least squares, or a logistic
                fit without penalty; with more columns than rows, where there is none, give a ridge
    power       γ: at least 0
    weights, offset     of the rows, as in start
    signs       coefficients keep the signs of the first fit: lower is 0 for those above 0, upper for those below. With
                least squares first and power=1 this is Breiman's nonnegative garrote (Zou 2006, section 3.4)

    Returns the family for the second step, of which λ is chosen anew. A coefficient that is 0 in the first fit stays 0:
    its factor is 1e100, the largest. With standardize the first coefficients are multiplied by the deviation of their
    columns, because factors are on the standardized ones. Of several classes the largest |w| of a column counts.
    ValueError where all are 0, or for signs of several classes; NonFiniteError for a coefficient that is no number.

    >>> from minigrad.data import regression
    >>> x, y, truth = regression(80, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> plain, second = Regression(), adaptive(Regression(), x, y)
    >>> plain.start(x, y).fit(0.05).nonzeros > second.start(x, y).fit(0.05).nonzeros
    True
    """
    if not isinstance(family, (Regression, Logistic)):
        raise TypeError(f"adaptive: family is a {type(family).__name__}; need Regression(...) or Logistic(...)")
    power, signs = finite(power, "adaptive: power", at_least=0.0), truth(signs, "adaptive: signs")
    solver = family.start(x, y, weights, offset=offset)
    if first is None and solver.rows.shape[1] > len(solver.rows):
        raise ValueError(
            f"adaptive: {solver.rows.shape[1]} columns and {len(solver.rows)} rows leave no fit without a penalty; "
            "pass first=, the model of a ridge: Regression(l1_ratio=0).start(x, y).fit(λ)"
        )
    plain = dataclasses.replace(family, penalty_factor=None)
    first = plain.start(x, y, weights, offset=offset).solve(0.0, 0.0) if first is None else first
    w = _coefficients(first, len(solver.factor))
    sizes = np.abs(w).max(1) * (solver.design.scale if family.standardize else 1.0)
    if not sizes.any():
        raise ValueError("adaptive: every coefficient of the first fit is 0; take a smaller λ there")
    factors = np.where(sizes > 0, _inverse_power(sizes, power), MOST)
    with np.errstate(over="ignore"):
        factors = np.where(solver.factor > 0, np.clip(factors * solver.factor, LEAST, MOST), 0.0)
    return dataclasses.replace(family, penalty_factor=factors, **(_signs(w, solver) if signs else {}))


def _signs(w: np.ndarray, solver: Any) -> dict[str, Any]:
    """Bounds within those of the family that keep the signs of w (columns, 1)."""
    if w.shape[1] > 1:
        raise ValueError(f"adaptive: signs: the first fit has coefficients of {w.shape[1]} classes, of mixed signs")
    lower, upper = (-np.inf, np.inf) if solver.box is None else solver.box
    return {"lower": np.where(w[:, 0] > 0, 0.0, lower), "upper": np.where(w[:, 0] < 0, 0.0, upper)}


def _coefficients(first: Any, columns: int) -> np.ndarray:
    """Those of the first fit, (columns, 1 or classes), checked."""
    w = np.asarray(getattr(first, "coefficients", first), REAL)
    if w.ndim not in (1, 2) or len(w) != columns:
        given = f"{len(w)} coefficients" if w.ndim else f"the number {w}"
        raise ValueError(f"adaptive: first has {given}; x has {columns} columns")
    if not np.isfinite(w).all():
        column = int(np.argwhere(~np.isfinite(w))[0][0])
        raise NonFiniteError(f"adaptive: first: the coefficient of column {column} is {w[column].max()}; need numbers")
    return w.reshape(columns, -1)


def _inverse_power(sizes: np.ndarray, power: float) -> np.ndarray:
    """1 / sizes^power, by the kernel, between LEAST and MOST.

    >>> _inverse_power(np.array([2.0, 0.0, 1e-90]), 2.0).tolist()
    [0.25, 1e+100, 1e+100]
    """
    out = np.empty_like(sizes)
    with np.errstate(all="ignore"):
        K.pow(np.ascontiguousarray(sizes), power, out)
        return np.clip(1 / out, LEAST, MOST)


def relaxed(
    family: Linear, model: LinearModel, x: Any, y: Any, gamma: float = 0.0, weights: Any = None, offset: Any = None
) -> LinearModel:
    """The model refitted on its support without penalty, mixed with it: γ w + (1 - γ) w_support.

    family      what the model was fitted with: its bounds hold in the refit, its penalty factors do not
    gamma       1 is the model as it is, 0 (the default) least squares, or logistic regression, on the inputs that are
                not 0 (the relaxed lasso in glmnet's form: Hastie, Tibshirani, Tibshirani 2020, Statist. Sci. 35)
    x           as in start; of a sparse one the columns of the support are made dense
    weights, offset     of the rows, as in start

    Returns a LinearModel whose l1 and l2 are those of the first fit. It has the same support, unless a coefficient is
    at a bound of 0, or its column depends on others of the support. ConvergenceWarning (and `trouble`) for these, and
    for classes that the support separates, which have no fit without a penalty.

    ShapeError for x of another number of columns than the model, or a model of other classes than y; ValueError for a
    model of another family, or a support with more coefficients than rows, which has many refits that fit exactly.

    >>> from minigrad.data import regression
    >>> x, y, truth = regression(80, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> lasso = Regression().start(x, y).fit(0.3)
    >>> again = relaxed(Regression(), lasso, x, y)
    >>> again.nonzeros == lasso.nonzeros, bool(np.abs(again.coefficients).sum() > np.abs(lasso.coefficients).sum())
    (True, True)
    """
    gamma = finite(gamma, "relaxed: gamma", 0.0, 1.0)
    x = _rows(family, model, x, offset)
    w = model.coefficients.reshape(len(model.coefficients), -1)
    support = np.flatnonzero((w != 0).any(1))
    if gamma == 1 or not support.size:
        return model
    columns = dense_columns(x.columns() if isinstance(x, SparseMatrix) else x, support)
    solver = _on_support(family, support, len(w)).start(columns, y, weights, offset=offset)
    _check_room(solver, family)
    free = solver.solve(0.0, 0.0)
    if free.coefficients.shape[1:] != model.coefficients.shape[1:]:
        raise ShapeError(
            f"relaxed: the model has {_classes(model)}, y has {_classes(free)}; need the targets that it was fitted on"
        )
    left_out = _left_out(support, free.coefficients.reshape(len(support), -1), solver)
    if left_out:
        warnings.warn(left_out, ConvergenceWarning, stacklevel=2)
    return _mixed(model, free, support, gamma, free.trouble or left_out)


def _mixed(model: LinearModel, free: LinearModel, support: np.ndarray, gamma: float, trouble: str) -> LinearModel:
    """γ times the model plus 1 - γ times its refit, whose coefficients are those of the support."""
    whole = np.zeros_like(model.coefficients)
    whole[support] = free.coefficients
    mixed = gamma * model.coefficients + (1 - gamma) * whole
    intercept = gamma * np.asarray(model.intercept) + (1 - gamma) * np.asarray(free.intercept)
    return dataclasses.replace(
        model,
        coefficients=mixed,
        intercept=float(intercept) if mixed.ndim == 1 else intercept,
        rounds=free.rounds,
        gap=float("nan"),
        trouble=trouble,
    )


def _rows(family: Linear, model: LinearModel, x: Any, offset: Any) -> Any:
    """x, checked against the model; ValueError for a model that is not of the family."""
    name = type(family).__name__
    if not isinstance(family, (Regression, Logistic)):
        raise TypeError(f"relaxed: family is a {name}; need Regression(...) or Logistic(...)")
    if not isinstance(model, LinearModel):
        raise TypeError(f"relaxed: model is a {type(model).__name__}; need the LinearModel of {name}(...)")
    if model.family not in ("", name):
        raise ValueError(f"relaxed: the model is one of {model.family}(...), the family is {name}(...); need the same")
    if model.offset != (offset is not None):
        given = "without an offset; leave offset out" if not model.offset else "with an offset; need offset= here, too"
        raise ValueError(f"relaxed: the model was fitted {given}")
    x = as_sparse(x, "x") if is_sparse(x) else finite_rows(as_rows(x, "x"), "x", REAL)
    if x.ndim != 2 or x.shape[1] != len(model.coefficients):
        raise ShapeError(f"relaxed: x is {x.shape}; the model was fitted on {len(model.coefficients)} columns")
    return x


def _on_support(family: Linear, support: np.ndarray, columns: int) -> Linear:
    """The family for the columns of the support: with their bounds, and without factors."""
    sides = {}
    for side in ("lower", "upper"):
        given = getattr(family, side)
        if isinstance(given, tuple):
            if len(given) != columns:
                raise ShapeError(f"relaxed: {side} has {len(given)} numbers; x has {columns} columns")
            given = [given[i] for i in support]
        sides[side] = given
    return dataclasses.replace(family, penalty_factor=None, **sides)


def _check_room(solver: Any, family: Linear) -> None:
    """ValueError for more coefficients than rows."""
    rows, columns = solver.design.z.shape
    most = rows - bool(family.fit_intercept)
    if columns > most:
        beside = " beside the intercept" if family.fit_intercept else ""
        raise ValueError(
            f"relaxed: the support has {columns} columns, and {rows} rows determine at most {most} coefficients"
            f"{beside} without a penalty; relax the model of a larger λ"
        )


def _classes(model: LinearModel) -> str:
    return "one output" if model.coefficients.ndim == 1 else f"{model.coefficients.shape[1]} classes"


def _left_out(support: np.ndarray, w: np.ndarray, solver: Any) -> str:
    """What is to be said of columns of the support whose coefficient is 0 in the refit."""
    zero = support[~(w != 0).any(1)]
    if not zero.size:
        return ""
    names = ", ".join(map(str, zero[:8])) + (", ..." if len(zero) > 8 else "")
    why = "depend on others of the support" + (", or are at a bound" if solver.box is not None else "")
    return f"relaxed: columns {names} {why}, so their coefficients are 0"
