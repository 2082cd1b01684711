"""λ without folds: leave-one-out in closed form, GCV, Cp, AIC and BIC down a path, and what each rule picks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import named_keywords
from ..insight.html_report import as_html
from ..linear_model.data_terms import Counts, exponential
from ..linear_model.leverage import leverages, total
from ..linear_model.logistic import Logistic
from ..linear_model.poisson import Poisson
from ..linear_model.regression import Regression
from .crossvalidation import Family, checked_lambdas, fit_path, lambda_grid
from .prepared import Data, dense_only, prepare
from .result import CrossValidation, mean_and_error

RULES = {
    "loo": "leave-one-out",
    "loo_1se": "leave-one-out, one standard error",
    "gcv": "generalized cross-validation",
    "cp": "Mallows' Cp",
    "aic": "AIC",
    "aicc": "AIC, corrected for few rows",
    "bic": "BIC",
}


@dataclass
class Criteria:
    """Rules for λ that need no folds, at falling λ; (λ,) arrays, NaN where a rule is not defined.

    df          degrees of freedom, the intercept among them
    loss        of the fitted rows: mean squared error, mean log loss, or mean deviance of counts
    loo, loo_error   the mean squared error of leave-one-out, and its standard error over rows
    gcv, cp, aic, aicc, bic
    path        the models, fitted on all rows
    variance    of the noise, as Cp takes it: from least squares on all inputs; NaN where there are too few rows
    picks       {rule: index}, in the order of RULES, of the rules that are defined
    notes       which are not, and why

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> found = selection.criteria(linear_model.Regression(l1_ratio=0), x, y)
    >>> type(found).__name__, sorted(found.picks)
    ('Criteria', ['aic', 'aicc', 'bic', 'cp', 'gcv', 'loo', 'loo_1se'])
    """

    lambdas: np.ndarray
    df: np.ndarray
    loss: np.ndarray
    loo: np.ndarray
    loo_error: np.ndarray
    gcv: np.ndarray
    cp: np.ndarray
    aic: np.ndarray
    aicc: np.ndarray
    bic: np.ndarray
    path: list[Any] = field(default_factory=list, repr=False)
    variance: float = math.nan
    notes: list[str] = field(default_factory=list)

    @property
    def picks(self) -> dict[str, int]:
        """Among equals the largest λ is taken."""
        found: dict[str, int] = {}
        for rule in RULES:
            values = getattr(self, "loo" if rule == "loo_1se" else rule)
            if not np.isfinite(values).any():
                continue
            best = int(np.nanargmin(values))
            if rule == "loo_1se":
                best = int(np.flatnonzero(values <= values[best] + self.loo_error[best])[0])
            found[rule] = best
        return found

    HEAD = ("rule", "λ", "df", "non-zeros", "value")

    def rows(self, cv: CrossValidation | None = None) -> list[list[str]]:
        """A row of text per rule, under HEAD; with `cv`, of the same family and data, its two picks first."""
        found = []
        if cv is not None:
            for name, i in (("cross-validation", cv.best), ("cross-validation, one standard error", cv.one_se)):
                near = int(np.abs(np.log(self.lambdas) - math.log(cv.lambdas[i])).argmin()) if cv.lambdas[i] else -1
                same = self.lambdas[near] == cv.lambdas[i]
                found.append([name, f"{cv.lambdas[i]:.6g}", *self._at(near if same else None), f"{cv.mean[i]:.6g}"])
        for rule, i in self.picks.items():
            value = getattr(self, "loo" if rule == "loo_1se" else rule)[i]
            found.append([RULES[rule], f"{self.lambdas[i]:.6g}", *self._at(i), f"{value:.6g}"])
        return found

    def _at(self, i: int | None) -> list[str]:
        return ["", ""] if i is None else [f"{self.df[i]:.4g}", str(self.path[i].nonzeros)]

    def table(self, cv: CrossValidation | None = None) -> str:
        """What each rule picks, as aligned text, and the notes below."""
        rows = [list(self.HEAD), *self.rows(cv)]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:]))]).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """What a notebook shows: the pick of each rule, and the notes."""
        return as_html(self.HEAD, self.rows()) + "".join(f"<p>note: {escape(note)}</p>" for note in self.notes)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the models, as plain values; NaN becomes None."""
        names = ("lambdas", "df", "loss", "loo", "loo_error", "gcv", "cp", "aic", "aicc", "bic")
        plain = {name: [float(v) if math.isfinite(v) else None for v in getattr(self, name)] for name in names}
        picks = {rule: float(self.lambdas[i]) for rule, i in self.picks.items()}
        return {**plain, "picks": picks, "notes": self.notes}


@named_keywords
def criteria(
    family: Family,
    x: Any,
    y: Any,
    lambdas: Any = None,
    *,
    count: int = 50,
    ratio: float | None = None,
    weights: Any = None,
    offset: Any = None,
) -> Criteria:
    """What leave-one-out, GCV, Cp, AIC and BIC say of each λ, from one fit of each on all rows.

    family      linear_model.Regression(...), linear_model.Logistic(...) or linear_model.Poisson(...)
    lambdas, count, ratio, weights, offset    as in cross_validate; weights count relative to their mean

    With m rows, residuals r, RSS = Σ r², fitted values ŷ = H y, and d the degrees of freedom:

        d      1 for the intercept, and tr Z_A (Z_AᵀZ_A + m l2 I)⁻¹ Z_Aᵀ of the inputs A that are not 0: their number
               for the lasso, the trace of H for ridge (Zou, Hastie, Tibshirani 2007; Tibshirani, Taylor 2012). An
               input at a bound does not follow the rows, and counts for none
        loo    1/m Σ (r_i / (1 - h_ii))²: exact for ridge (and least squares), where m l2 stays what it is; a refit on
               m - 1 rows has λ m / (m - 1). Scales of columns, with standardize, are those of all rows
        gcv    RSS/m / (1 - d/m)²                                        Golub, Heath, Wahba 1979
        cp     RSS/s² - m + 2 d, s² = RSS_0 / (m - p - 1) of all inputs    Mallows 1973
        aic    m log(RSS/m) + 2 d; logistic: 2 Σ log losses + 2 d; Poisson: deviance + 2 d     Akaike 1974
        aicc   aic + 2 k (k + 1) / (m - k - 1), k = d + 1 with the variance   Hurvich, Tsai 1989
        bic    as aic, with d log m                                      Schwarz 1978

    Returns Criteria: `print(found.table())` says what each rule picks. TypeError for a family without degrees of
    freedom, such as a network; otherwise errors as those of cross_validate.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> found = criteria(linear_model.Regression(), x, y)
    >>> found.path[found.picks["bic"]].nonzeros <= found.path[found.picks["aic"]].nonzeros
    True
    """
    if not isinstance(family, JUDGED):
        raise TypeError(
            f"criteria: degrees of freedom are known of linear_model.Regression, Logistic and Poisson, not of "
            f"{type(family).__name__}; cross_validate takes any family"
        )
    dense_only(x, "criteria")
    data = prepare(family, x, y, weights, offset)
    lambdas = lambda_grid(family, data, count, ratio) if lambdas is None else checked_lambdas(lambdas)
    return _judged(family, data, lambdas)


def _judged(family: Family, data: Data, lambdas: np.ndarray) -> Criteria:
    path = fit_path(family, data, lambdas.tolist(), [0] * len(lambdas))
    for model in path:
        if isinstance(model, Exception):
            raise model
    kind = next(kind for family_of, kind in JUDGES.items() if isinstance(family, family_of))
    judge: _Judge = kind(family, data)
    columns = [judge.of(model) for model in path]
    arrays = {name: np.array([column[name] for column in columns]) for name in columns[0]}
    found = Criteria(lambdas, **arrays, path=path, variance=judge.variance, notes=judge.notes(arrays))
    found.notes += _doubts(found, judge.m)
    return found


def _doubts(found: Criteria, m: int) -> list[str]:
    """Picks at the ends of the grid, and those that follow the rows too closely to be believed."""
    doubts = []
    picked = found.picks
    for index, edge in ((0, "largest"), (len(found.lambdas) - 1, "smallest")):
        rules = [RULES[rule] for rule, i in picked.items() if i == index and len(found.lambdas) > 1]
        if rules:
            doubts.append(f"{', '.join(rules)}: the {edge} λ of the grid")
    close = [RULES[rule] for rule, i in picked.items() if found.df[i] > m / 2 and not rule.startswith("loo")]
    if close:
        doubts.append(
            f"{', '.join(close)}: more than half as many degrees of freedom as rows, where RSS says little of the noise"
        )
    return doubts


class _Judge:
    """The rows that count, their weights (of mean 1), and what every rule needs of a model."""

    variance = math.nan

    def __init__(self, family: Any, data: Data) -> None:
        self.family, self.solver = family, data.start(family)
        design = self.solver.design
        self.x, self.m = data.x[design.kept], len(design.z)
        self.y = data.y[design.kept]
        self.offset = None if data.offset is None else data.offset[design.kept]
        self.weights = design.weights * (self.m / design.total)
        self.intercept = 1 if family.fit_intercept else 0

    def of(self, model: Any) -> Mapping[str, float]:
        raise NotImplementedError

    def notes(self, found: Mapping[str, np.ndarray]) -> list[str]:
        raise NotImplementedError

    def moves(self, model: Any) -> np.ndarray:
        """Which coefficients (p, 1 or classes) follow small changes of the targets: not 0 by the L1, not at a bound."""
        w = model.coefficients.reshape(len(model.coefficients), -1)
        return ((w != 0) | (model.l1 == 0)) & ~self.solver.at_bound(w)

    def hat(self, model: Any, curvature: np.ndarray) -> np.ndarray:
        """The leverages of the inputs whose coefficients are not 0, rows weighted by √curvature (of mean weight 1)."""
        design = self.solver.design
        active = np.flatnonzero(self.moves(model).any(1))
        rows = design.z[:, active] * np.sqrt(curvature).reshape(-1, 1)
        each = self.solver.strengths(0.0, model.l2)[1][active] * self.m
        return leverages(np.ascontiguousarray(rows), each)

    def summed(self, df: float, twice_loss: float) -> dict[str, float]:
        """AIC, AICc and BIC from minus twice the log-likelihood, up to a constant."""
        parameters = df + (1 if isinstance(self, _Squares) else 0)
        room = self.m - parameters - 1
        correction = 2 * parameters * (parameters + 1) / room if room > 0 else math.inf
        aic = twice_loss + 2 * df
        log_m = _log(self.m)
        return {"aic": aic, "aicc": aic + correction, "bic": twice_loss + df * log_m}


class _Squares(_Judge):
    def __init__(self, family: Any, data: Data) -> None:
        super().__init__(family, data)
        free = self.m - self.x.shape[1] - self.intercept
        if free > 0:
            full = data.start(dataclasses.replace(family, lower=None, upper=None)).solve(0.0, 0.0)
            self.variance = self._rss(full)[0] / free
        self.negligible = 1e-20 * total(self.weights * self.y * self.y)

    def _rss(self, model: Any) -> tuple[float, np.ndarray]:
        r = self.y - model.output(self.x, self.offset)
        return total(self.weights * r * r), r

    def of(self, model: Any) -> Mapping[str, float]:
        rss, r = self._rss(model)
        h = self.hat(model, self.weights)
        df = total(h) + self.intercept
        found = {"df": df, "loss": rss / self.m, "loo": math.nan, "loo_error": math.nan}
        if model.l1 == 0 and self.solver.box is None:
            left = 1 - h - (self.weights / self.m if self.intercept else 0.0)
            if (left > 1e-10).all():
                out = self.weights * (r / left) ** 2
                found["loo"], found["loo_error"] = mean_and_error(out.tolist())
        room = 1 - df / self.m
        found["gcv"] = rss / self.m / (room * room) if room > 1e-10 else math.nan
        found["cp"] = rss / self.variance - self.m + 2 * df if self.variance > 0 else math.nan
        fits = rss > self.negligible and room > 1e-10
        twice = self.m * _log(rss / self.m) if fits else math.nan
        return found | self.summed(df, twice)

    def notes(self, found: Mapping[str, np.ndarray]) -> list[str]:
        notes = []
        if not np.isfinite(found["loo"]).any():
            ridge = "ridge" if self.solver.box is None else "ridge without bounds"
            notes.append(
                f"leave-one-out has a closed form for {ridge} only (l1_ratio=0); cross_validate for the others"
            )
        if not self.variance > 0:
            notes.append(
                f"Cp needs the variance of the noise, from least squares on all {self.x.shape[1]} inputs, for which "
                f"{self.m} rows are too few"
            )
        return notes


class _LogLoss(_Judge):
    def of(self, model: Any) -> Mapping[str, float]:
        logits = model.output(self.x, self.offset)
        loss, p = _log_losses(logits, self.y)
        twice = 2 * total(self.weights * loss)
        if logits.ndim == 1:
            df = total(self.hat(model, self.weights * p * (1 - p))) + self.intercept
        elif model.l2 == 0:
            df = float(np.count_nonzero(self.moves(model))) + self.intercept * (logits.shape[1] - 1)
        else:
            df = math.nan
        nothing = dict.fromkeys(("loo", "loo_error", "gcv", "cp"), math.nan)
        return {"df": df, "loss": twice / (2 * self.m), **nothing, **self.summed(df, twice)}

    def notes(self, found: Mapping[str, np.ndarray]) -> list[str]:
        notes = [
            "leave-one-out, GCV and Cp are rules of squared errors; cross_validate judges classes by held-out rows"
        ]
        if not np.isfinite(found["df"]).any():
            notes.append("AIC and BIC of three classes or more need l1_ratio=1, where non-zeros are degrees of freedom")
        return notes


class _Deviance(_Judge):
    """Of counts: minus twice the log-likelihood, less that of a model that fits every row, is the deviance."""

    def of(self, model: Any) -> Mapping[str, float]:
        output = np.ascontiguousarray(model.output(self.x, self.offset))
        twice = total(self.weights * Counts(self.y.astype(np.float64)).deviance(output))
        df = total(self.hat(model, self.weights * exponential(output))) + self.intercept
        nothing = dict.fromkeys(("loo", "loo_error", "gcv", "cp"), math.nan)
        return {"df": df, "loss": twice / self.m, **nothing, **self.summed(df, twice)}

    def notes(self, found: Mapping[str, np.ndarray]) -> list[str]:
        return ["leave-one-out, GCV and Cp are rules of squared errors; cross_validate judges counts by held-out rows"]


JUDGES: dict[type, type[_Judge]] = {Regression: _Squares, Logistic: _LogLoss, Poisson: _Deviance}
JUDGED = tuple(JUDGES)  # families whose degrees of freedom are known


def _log_losses(logits: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The log loss of each row, and with two classes the probability of class 1."""
    scores = np.ascontiguousarray(logits.reshape(len(logits), -1))
    if logits.ndim == 1:
        losses, p = K.empty_like(scores), K.empty_like(scores)
        K.bce_with_logits(scores, y.astype(np.float64).reshape(-1, 1), losses, reduction=K.reference.NONE)
        K.sigmoid(scores, p)
        return losses[:, 0], p[:, 0]
    losses, scratch = K.empty((len(scores),), scores.dtype), K.empty_like(scores)
    K.cross_entropy(scores, y, losses, scratch, reduction=K.reference.NONE)
    return losses, scratch


def _log(value: float) -> float:
    """The logarithm by the kernel, which is the same on every machine."""
    out = K.empty((1,), np.dtype(np.float64))
    K.log(np.array([value], np.float64), out)
    return float(out[0])
