"""A fitted linear model, and how the strengths of its penalty are said."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, refuse_unknown, whole
from ..data.dataset import as_rows, finite_rows
from ..errors import NonFiniteError, ShapeError
from .bounds import bounds_of, checked
from .column_products import REAL
from .sparse import SparseMatrix, as_sparse, design_of, is_sparse

HELD = 1e300  # an l1 that holds a coefficient at 0
STRONGEST = 1e200  # l1 or l2 of a coefficient, in the units of standardized columns
RIDGE_RATIO = 1e-3  # with less L1 than this share λ_max would be infinite; glmnet's value


class ConvergenceWarning(UserWarning):
    """A solver stopped before its tolerance was reached; the message says how far it was."""


@dataclass(frozen=True)
class LinearModel:
    """output(x) = x @ coefficients + intercept: predictions or logits, (m,) or (m, classes).

    l1, l2      the strengths it was fitted with
    rounds      sweeps of coordinate descent, or Newton steps; 0 for a direct solution
    gap         regression by coordinate descent (l1 > 0, or bounds): the duality gap, an upper bound of objective minus
                minimum; else NaN
    trouble     what a ConvergenceWarning said, or nothing
    family      the name of the settings that it was fitted with: Regression, Logistic; "" of a model of older files
    offset      whether it was fitted with an offset: output(x, offset) then needs one
    """

    coefficients: np.ndarray
    intercept: Any
    l1: float
    l2: float
    rounds: int
    gap: float
    trouble: str = ""
    family: str = ""
    offset: bool = False

    def output(self, x: Any, offset: Any = None) -> np.ndarray:
        """Predictions of regression, logits of logistic models; with the offset of these rows, of the same shape.

        ValueError for an offset that is missing, or that the model was not fitted with.
        """
        x = as_sparse(x, "x") if is_sparse(x) else finite_rows(as_rows(x, "x"), "x", REAL)
        w = self.coefficients.reshape(len(self.coefficients), -1)
        if x.ndim != 2 or x.shape[1] != len(w):
            raise ShapeError(f"x is {x.shape}; the model was fitted on {len(w)} columns")
        out = K.empty((len(x), w.shape[1]), REAL)
        if isinstance(x, SparseMatrix):
            out[:] = x.columns().times(w) + np.reshape(self.intercept, (1, -1))
            return self._plus(out[:, 0] if self.coefficients.ndim == 1 else out, offset)
        K.matmul(x, np.ascontiguousarray(w), out, bias=np.array(self.intercept, REAL).reshape(-1))
        return self._plus(out[:, 0] if self.coefficients.ndim == 1 else out, offset)

    def _plus(self, out: np.ndarray, offset: Any) -> np.ndarray:
        """The outputs with the offset added."""
        if not self.offset and offset is None:
            return out
        if not self.offset:
            raise ValueError("offset: the model was fitted without one; fit it by start(x, y, offset=...)")
        if offset is None:
            raise ValueError(
                f"the model was fitted with an offset; need output(x, offset) with that of these {len(out)} rows (0 "
                "for each: what x alone says)"
            )
        known = finite_rows(as_rows(offset, "offset"), "offset", REAL)
        if known.size != out.size or len(known) != len(out):
            raise ShapeError(f"offset is {known.shape}; the outputs of these rows are {out.shape}")
        return out + known.reshape(out.shape)

    @property
    def nonzeros(self) -> int:
        """How many inputs have a coefficient that is not 0."""
        return int((self.coefficients.reshape(len(self.coefficients), -1) != 0).any(1).sum())


@dataclass(frozen=True)
class Linear:
    """What both kinds of linear model are told.

    l1_ratio        ρ: l1 = λ ρ, l2 = λ (1 - ρ); 1 is the lasso, 0 is ridge
    fit_intercept   an unpenalised intercept
    standardize     penalise the coefficients of columns divided by their standard deviation; they are given back in
                    the units of the data
    tol             of the optimality conditions, relative to those of the model without inputs
    penalty_factor  how much each coefficient is penalized, at least 0: its l1 and l2 are multiplied by it, and 0 is
                    never penalized. Factors are taken as they are (glmnet scales them to a mean of 1); with standardize
                    they are on the standardized coefficients. None: 1 for all
    lower, upper    bounds of the coefficients in the units of the data, a number for all or one for each column:
                lower <= 0 <= upper, infinite where there is none; lower=0 is the nonnegative lasso. Of several classes
                those of a column hold for the coefficient of each. None: no bound
    """

    l1_ratio: float = 1.0
    fit_intercept: bool = True
    standardize: bool = False
    tol: float = 1e-12
    max_rounds: int = 100_000
    penalty_factor: Any = None
    lower: Any = None
    upper: Any = None

    takes_gaps = False  # x has no NaN
    takes_sparse = False  # x may be sparse
    takes_bounds = False  # lower and upper; a family whose solver keeps to them says True
    rising = False  # a path goes down from λ_max: the next model starts at the last, and grows

    def __new__(cls, *values: Any, **options: Any) -> Any:
        for name in ("alpha", "C", "lam", "lambda_"):
            if name in options:
                raise TypeError(
                    f"{cls.__name__}: unknown keyword {name!r}; strengths are given later: start(x, y).fit(λ), or "
                    "selection.cross_validate(..., lambdas=[...])"
                )
        refuse_unknown(cls.__name__, options, [each.name for each in fields(cls)])
        return super().__new__(cls)

    def __post_init__(self) -> None:
        who = type(self).__name__
        finite(self.l1_ratio, f"{who}: l1_ratio", 0.0, 1.0)
        finite(self.tol, f"{who}: tol", at_least=0.0)
        whole(self.max_rounds, f"{who}: max_rounds", 1)
        if self.penalty_factor is not None:
            factors = np.asarray(self.penalty_factor, np.float64).reshape(-1)
            found = tuple(
                finite(f, f"{who}: penalty_factor[{i}]", at_least=0.0) for i, f in enumerate(factors.tolist())
            )
            if not any(found):
                raise ValueError(f"{who}: penalty_factor is 0 for every coefficient: use fit(0) for no penalty at all")
            object.__setattr__(self, "penalty_factor", found)
        for side in ("lower", "upper"):
            object.__setattr__(self, side, checked(getattr(self, side), f"{who}: {side}", side))

    def __getattr__(self, name: str) -> Any:
        who = type(self).__name__
        if name in ("fit", "predict", "score", "coef_", "intercept_"):
            raise AttributeError(
                f"{who} holds settings, and has no {name}; {who}().start(x, y).fit(λ) gives a model, "
                "selection.cross_validate(...) chooses λ; estimators with fit and predict: minigrad.sklearn"
            )
        raise AttributeError(f"{who!r} object has no attribute {name!r}")

    def settings(self) -> dict[str, Any]:
        """What tells this kind of model from another, as plain values; None is no bound, for JSON has no infinity."""
        found = {"model": type(self).__name__, **vars(self)}
        for side in ("lower", "upper"):
            if isinstance(found[side], tuple):
                found[side] = tuple(None if math.isinf(value) else value for value in found[side])
        return {k: v for k, v in found.items() if v is not None or k not in ("penalty_factor", "lower", "upper")}

    def strengths(self, lam: float) -> tuple[float, float]:
        """(l1, l2) of λ."""
        lam = finite(lam, "λ", at_least=0.0)
        return lam * self.l1_ratio, lam * (1 - self.l1_ratio)


class Solver(ABC):
    """One set of rows, and the last solution on it, from which the next fit starts."""

    def __init__(self, settings: Linear, x: Any, weights: Any, offset: Any = None) -> None:
        self.settings = settings
        if is_sparse(x) and not settings.takes_sparse:
            raise TypeError(f"{type(settings).__name__} takes no sparse x; Regression and Logistic do; x.toarray()")
        self.design = design_of(x, weights, settings.fit_intercept, settings.standardize)
        self.offset = self.design.offset(offset)
        columns = self.design.z.shape[1]
        given = settings.penalty_factor
        if given is not None and len(given) != columns:
            raise ShapeError(f"penalty_factor has {len(given)} numbers; need one for each of {columns} columns of x")
        self.factor = np.ones(columns) if given is None else np.array(given)
        self.free = np.flatnonzero(self.factor == 0)  # never penalized
        self.box = bounds_of(settings.lower, settings.upper, columns)  # of the coefficients of x
        if self.box is not None and not settings.takes_bounds:
            raise ValueError(f"{type(settings).__name__} takes no bounds: leave lower and upper out")

    @abstractmethod
    def pull(self) -> float:
        """The largest slope of the data term over its penalty factor, where only the intercept and the coefficients
        that are never penalized are fitted: λ_max of the lasso.
        """

    def strengths(self, l1: float, l2: float) -> tuple[np.ndarray, np.ndarray]:
        """The strengths on the coefficients of z, (p,) each; at most STRONGEST, with which a coefficient is 0."""
        each_l1, each_l2 = self.design.strengths(l1, l2)
        with np.errstate(over="ignore"):
            return np.minimum(each_l1 * self.factor, STRONGEST), np.minimum(each_l2 * self.factor, STRONGEST)

    def reach(self, slopes: np.ndarray) -> np.ndarray:
        """|slopes| (..., p), with 0 for those along which the bounds let no coefficient of 0 move."""
        return np.abs(slopes) if self.box is None else self.box.reach(slopes)

    def at_bound(self, w: np.ndarray) -> np.ndarray:
        """Which coefficients of x, (p,) or (p, classes), are at a bound, (p, 1 or classes) bool."""
        w = w.reshape(len(w), -1)
        if self.box is None:
            return np.zeros(w.shape, bool)
        return (w == self.box.lower.reshape(-1, 1)) | (w == self.box.upper.reshape(-1, 1))

    def over_factor(self, slopes: np.ndarray) -> float:
        """The largest of slopes (..., p) over their factors, of those that are penalized."""
        held = np.flatnonzero(self.factor > 0)
        with np.errstate(over="ignore"):
            each = slopes[..., held] / self.factor[held]
        if not np.isfinite(each).all():
            column = held[np.argwhere(~np.isfinite(each))[0][-1]]
            raise NonFiniteError(
                f"penalty_factor[{column}] is {self.factor[column]:.3g}, so small that λ_max leaves the range of "
                "float64; 0 is never penalized"
            )
        return float(each.max())

    def nothing_pulls(self) -> str:
        """Why λ_max is 0."""
        if self.free.size:
            return (
                f"{self.free.size} of {len(self.factor)} columns of x have penalty factor 0, and fit the target of "
                f"{len(self.design.z)} rows as well as all columns do: nothing is left to penalize"
            )
        if self.box is not None:
            return "no coefficient can move from 0 within its bounds in the direction that fits the target better"
        return f"in {len(self.design.z)} rows no input varies together with the target, so every weight is 0 at any λ"

    @abstractmethod
    def solve(self, l1: float, l2: float) -> LinearModel:
        """The model with these strengths."""

    def lambda_max(self) -> float:
        """The least λ at which all penalized coefficients are 0: max |zⱼᵀ r| / (m fⱼ ρ), with ρ at least 0.001.

        r are the residuals, in a logistic model y - p, of the model that has the intercept, the offset and the columns
        of penalty factor 0 only; fⱼ > 0 the other factors. Columns that their bounds keep at 0 do not count. 0 where
        nothing pulls but rounding.
        """
        return self.pull() / max(self.settings.l1_ratio, RIDGE_RATIO)

    def fit(self, lam: float, seed: int = 0) -> LinearModel:
        """The model at λ. Nothing is drawn; the seed is for models that do."""
        return self.solve(*self.settings.strengths(lam))

    def model(
        self,
        u: np.ndarray,
        at_centre: Any,
        l1: float,
        l2: float,
        rounds: int,
        gap: float,
        trouble: str,
        unit: float = 1.0,
    ) -> LinearModel:
        """The model for x, from coefficients (p,) or (p, classes) for z and the output at the centre, both / unit."""
        if trouble:
            trouble = f"{type(self.settings).__name__}, l1 = {l1:.4g}, l2 = {l2:.4g}: {trouble}"
            warnings.warn(trouble, ConvergenceWarning, stacklevel=4)
        made = self._in_units_of_x(u, at_centre, unit)
        family, offset = type(self.settings).__name__, self.offset is not None
        return LinearModel(*made, l1, l2, rounds, gap, trouble, family, offset)

    def _in_units_of_x(self, u: np.ndarray, at_centre: Any, unit: float) -> tuple[np.ndarray, Any]:
        with np.errstate(over="ignore", under="ignore"):
            w = (u.T / self.design.scale * unit).T
            if not np.isfinite(w).all():  # 1e-200 · 1e250 fits, 1e250 / 1e-200 does not
                column = int(np.argwhere(~np.isfinite(w))[0][0])
                raise NonFiniteError(
                    f"x: the coefficient of column {column} leaves the range of float64: the column is about "
                    f"{self.design.scale[column]:.1g}, the target about {unit:.1g}; scale both first"
                )
        if self.box is not None:  # bound · scale / scale may be one rounding off the bound
            low, high = self.box.times(self.design.scale / unit)
            inside, at_low, at_high = np.clip(w.T, *self.box), np.less_equal(u.T, low), np.greater_equal(u.T, high)
            w = np.where(at_high, self.box.upper, np.where(at_low, self.box.lower, inside)).T
        shift = np.zeros((1, w[0].size))
        K.matmul(self.design.centre.reshape(1, -1), np.ascontiguousarray(w.reshape(len(w), -1)), shift)
        intercept = at_centre * unit - (shift[0, 0] if w.ndim == 1 else shift[0])
        return w, (float(intercept) if w.ndim == 1 else intercept)
