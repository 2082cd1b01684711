"""Hyper-gradients of linear models: how the loss of held-out rows changes with the logarithm of each strength.

A fitted model is where the gradient of its objective is 0. That equation, differentiated, says how the coefficients
move with the strengths; those that are 0, or at a bound, stay there. One system of equations on the others gives all
derivatives at once, however many there are (ridge: Larsen et al. 1996; with L1: Bertrand et al. 2020; 2022, JMLR 23).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, named_keywords
from ..errors import ShapeError
from ..linear_model.column_products import dot, product
from ..linear_model.columns import row_space
from ..linear_model.least_squares import lengths, triangle
from ..linear_model.logistic import Logistic
from ..linear_model.regression import Regression
from .prepared import Data, dense_only, fitting_score, prepare
from .scores import Score, judged_output


@dataclass(frozen=True)
class HyperGradient:
    """The loss of held-out rows at a model, and its derivatives by the logarithms of strengths.

    value       the loss
    l1, l2      (p,): by log l1ⱼ and by log l2ⱼ, the strengths on coefficient j; 0 where a coefficient is 0
    model       the linear model that was fitted

    groups raises ShapeError unless members has a group for each column.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> found = selection.hypergradient(linear_model.Regression(), x[:40], y[:40], (x[40:], y[40:]), 0.1, 0.1)
    >>> type(found).__name__, len(found.terms), found.groups([0, 0, 1, 1, 1]).shape
    ('HyperGradient', 2, (2,))
    """

    value: float
    l1: np.ndarray
    l2: np.ndarray
    model: Any = field(repr=False)

    @property
    def terms(self) -> tuple[float, float]:
        """By log l1 and by log l2, which scale the strengths on all coefficients."""
        return _sum(self.l1), _sum(self.l2)

    @property
    def features(self) -> np.ndarray:
        """(p,): by the logarithm of the penalty factor of each column, which scales both of its strengths."""
        return self.l1 + self.l2

    def groups(self, members: Any) -> np.ndarray:
        """(groups,): by the logarithm of a factor on all columns of a group; members (p,) are groups 0, 1, ..."""
        members = np.asarray(members)
        if members.shape != self.l1.shape or members.dtype.kind not in "iu" or (members < 0).any():
            raise ShapeError(
                f"groups: members are {members.dtype} {members.shape}; need a group, 0 or above, for each of "
                f"{len(self.l1)} columns"
            )
        return np.array([_sum(self.features[members == g]) for g in range(int(members.max()) + 1)])


@named_keywords
def hypergradient(
    family: Any,
    x: Any,
    y: Any,
    held_out: Any,
    l1: float,
    l2: float,
    *,
    weights: Any = None,
    score: Any = None,
) -> HyperGradient:
    """The loss on held-out rows of the model with strengths l1, l2, and its derivatives by the log of each strength.

    family      linear_model.Regression(...) or Logistic(...), whose penalty_factor multiplies both strengths
    x, y        rows to fit, with `weights`
    held_out    (x, y) or (x, y, weights) of other rows, with classes named as in y
    score       mse or log_loss; None: the family's own

    With u the coefficients of the support S, H the second derivatives of the mean loss there, and c the slope of the
    held-out loss,

        v = (H_SS + diag l2_S)⁻¹ c      ∂/∂ log l1ⱼ = -vⱼ l1ⱼ sign(uⱼ)      ∂/∂ log l2ⱼ = -vⱼ l2ⱼ uⱼ

    The derivative by log λ at a fixed l1_ratio is the sum of the two `terms`. Where a coefficient is about to enter or
    leave, the loss has a kink, and this is its slope on the side of the present support.

    TypeError for other families, ValueError for scores without a derivative; others as those of cross_validate.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 4, noise=1.0, dtype="float64")
    >>> family, rest = linear_model.Regression(l1_ratio=0.0), (x[40:], y[40:])
    >>> found = hypergradient(family, x[:40], y[:40], rest, 0.0, 0.1)
    >>> above, below = (hypergradient(family, x[:40], y[:40], rest, 0.0, l2).value for l2 in (0.1001, 0.0999))
    >>> abs(found.terms[1] - (above - below) / 0.002) < 1e-6
    True
    """
    chosen = differentiable_score(family, score, "hypergradient")
    dense_only(x, "hypergradient")
    data = prepare(family, x, y, weights)
    rest = as_held_out(family, data, held_out, "hypergradient")
    return of_fit(family, data, rest, finite(l1, "l1", at_least=0.0), finite(l2, "l2", at_least=0.0), chosen)


def differentiable_score(family: Any, score: Any, who: str) -> Score:
    """The score, of a family of linear models, if its derivative is known."""
    if type(family) not in (Regression, Logistic):
        raise TypeError(
            f"{who}: family is {_kind(family)}; need linear_model.Regression(...) or Logistic(...), or for networks "
            "selection.Unrolled(...) in selection.tune"
        )
    chosen = fitting_score(score, family)
    if chosen.name not in ("mse", "log_loss"):
        raise ValueError(f"{who}: score {chosen.name!r} has no derivative here; need mse or log_loss")
    return chosen


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"


def as_held_out(family: Any, data: Data, held_out: Any, who: str) -> Data:
    """Held-out rows (x, y) or (x, y, weights), checked; their classes numbered as those of the rows to fit."""
    if not isinstance(held_out, (tuple, list)) or len(held_out) not in (2, 3):
        raise TypeError(f"{who}: held_out is {_kind(held_out)}; need (x, y) or (x, y, weights)")
    x, y, *weights = held_out
    if data.names is not None:
        y = np.asarray(y)
        unknown = y[~np.isin(y, data.names)]
        if unknown.size:
            raise ValueError(f"{who}: held_out: y holds {unknown.tolist()[0]!r}, a class that no row to fit has")
        y = np.searchsorted(data.names, y)
    table, target = np.ascontiguousarray(x, np.float64), np.asarray(y)
    if table.shape[1:] != data.x.shape[1:] or target.shape != (len(table), *data.y.shape[1:]) or not len(table):
        raise ShapeError(
            f"{who}: held_out: x is {table.shape}, y {target.shape}; need rows as those to fit, {data.x.shape[1:]}, "
            "and one target each"
        )
    target = target.astype(np.int64 if data.names is not None else np.float64)
    if not (np.isfinite(table).all() and np.isfinite(target).all()):
        raise ValueError(f"{who}: held_out has numbers that are missing or not finite")
    return Data(table, target, {}, data.names, _held_out_weights(weights, target, who))


def _held_out_weights(weights: list[Any], target: np.ndarray, who: str) -> np.ndarray | None:
    """The weights of held-out rows, checked; None without."""
    if not weights or weights[0] is None:
        return None
    found = np.ascontiguousarray(weights[0], np.float64)
    if found.shape != target.shape[:1] or not (found >= 0).all() or not found.any():
        raise ShapeError(f"{who}: held_out: weights are {found.shape}; need one of at least 0 per row, not all 0")
    return found


def of_fit(family: Any, data: Data, held_out: Data, l1: float, l2: float, score: Score) -> HyperGradient:
    """The hyper-gradient of checked rows."""
    solver = data.start(family)
    model = solver.solve(l1, l2)
    output = model.output(held_out.x)
    value = judged_output(output, held_out.y, score, held_out.weights)
    each = [strength.reshape(-1, 1) for strength in solver.strengths(l1, l2)]
    u = (model.coefficients.T * solver.design.scale).T.reshape(len(solver.design.scale), -1)
    support = ((u != 0) | (each[0] == 0)) & ~solver.at_bound(model.coefficients)  # these stay where they are
    rows, ridge = _curvature(solver, model, data, support, each[1])
    z = (held_out.x - solver.design.centre) / solver.design.scale
    slope = _loss_slope(output, held_out, score)
    pull = product(np.ascontiguousarray(z), slope, ta=True)
    ones = product(np.ones((1, len(slope))), slope)[0]
    ends = len(rows[0]) - int(support.sum())  # intercepts of logistic models, behind the coefficients of each logit
    c = np.concatenate([np.append(pull[support[:, k], k], ones[k : k + 1] if ends else []) for k in range(u.shape[1])])
    v = Normal(rows, ridge).solve(c)
    moved, place = np.zeros(u.shape), 0
    for k in range(u.shape[1]):
        active = np.flatnonzero(support[:, k])
        moved[active, k] = v[place : place + len(active)]
        place += len(active) + (1 if ends else 0)
    by_l1, by_l2 = -moved * each[0] * np.sign(u), -moved * each[1] * u
    return HyperGradient(value, _over_logits(by_l1), _over_logits(by_l2), model)


def _loss_slope(output: np.ndarray, held_out: Data, score: Score) -> np.ndarray:
    """The derivative of the held-out loss by every output, (rows, logits)."""
    n = len(output)
    share = np.full(n, 1.0 / n)
    if held_out.weights is not None:
        share = held_out.weights / _sum(held_out.weights)
    if score.name == "mse":
        return (2 * share * (output - held_out.y)).reshape(-1, 1)
    p = _probabilities(output)
    target = held_out.y.reshape(-1, 1) if p.shape[1] == 1 else np.eye(p.shape[1])[held_out.y]
    return (p - target) * share.reshape(-1, 1)


def _probabilities(output: np.ndarray) -> np.ndarray:
    """Of class 1, (m, 1), from one logit; of every class, (m, classes), from several."""
    scores = np.ascontiguousarray(output.reshape(len(output), -1))
    p = K.empty_like(scores)
    (K.sigmoid if scores.shape[1] == 1 else K.softmax)(scores, p)
    return p


def _curvature(
    solver: Any, model: Any, data: Data, support: np.ndarray, l2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(rows, ridge): rowsᵀ rows + diag ridge are the second derivatives on the support, logit after logit.

    For k logits diag(p) - p pᵀ = M Mᵀ with M = (I - p 1ᵀ) diag √p, so that each row of x gives k of them. The centred
    columns of least squares need no intercept: its second derivatives with theirs are 0.
    """
    design = solver.design
    share = np.sqrt(design.weights / design.total)
    ridges = [np.broadcast_to(l2, support.shape)[support[:, k], k] for k in range(support.shape[1])]
    if data.names is None:
        return np.ascontiguousarray(design.z[:, support[:, 0]] * share.reshape(-1, 1)), ridges[0]
    p = _probabilities(model.output(data.x[design.kept]))
    intercept = [np.ones((len(p), 1))] if solver.settings.fit_intercept else []
    tables = [np.hstack([design.z[:, support[:, k]], *intercept]) for k in range(support.shape[1])]
    ridge = np.concatenate([np.append(each, [0.0] * len(intercept)) for each in ridges])
    if p.shape[1] == 1:
        return np.ascontiguousarray(tables[0] * (np.sqrt(p * (1 - p)) * share.reshape(-1, 1))), ridge
    root = np.sqrt(p) * share.reshape(-1, 1)
    blocks = [
        np.hstack([table * (root[:, [c]] * ((c == k) - p[:, [k]])) for k, table in enumerate(tables)])
        for c in range(p.shape[1])
    ]
    return np.concatenate(blocks), ridge


class Normal:
    """Solves (rowsᵀ rows + diag ridge) v = c for rows (m, n) and ridge (n,), without forming the matrix.

    With R the triangle of the rows and √ridge below them the matrix is RᵀR, so that digits are lost to the condition of
    the rows, not to its square. A column that depends on those before it gets 0. Where columns outnumber rows, those
    with a ridge are eliminated in the space of the rows (Woodbury), and no n x n matrix is made.

    >>> Normal(np.array([[1.0, 1.0], [0.0, 2.0]]), np.array([0.0, 1.0])).solve(np.array([3.0, 8.0])).round(12).tolist()
    [2.0, 1.0]
    """

    def __init__(self, rows: np.ndarray, ridge: np.ndarray) -> None:
        self.held = np.flatnonzero(ridge > 0)
        self.wide = len(self.held) > len(rows)
        if not self.wide:
            self._factor(rows, ridge)
            return
        self.free = np.flatnonzero(ridge <= 0)
        self.root = np.sqrt(ridge[self.held])
        self.b = np.ascontiguousarray(rows[:, self.held] / self.root)
        self.c = np.ascontiguousarray(rows[:, self.free])
        table = row_space(self.b)[0]
        self.inner = Normal(np.ascontiguousarray(table.T), np.ones(len(rows)))  # I + b bᵀ
        if self.free.size:
            columns = [self.inner.solve(np.ascontiguousarray(column)) for column in self.c.T]
            self.schur = Normal(*_halves(product(self.c, np.ascontiguousarray(np.column_stack(columns)), ta=True)))

    def _factor(self, rows: np.ndarray, ridge: np.ndarray) -> None:
        n = rows.shape[1]
        self.scale = lengths(rows, ridge) if n else np.ones(0)
        below = np.zeros((len(self.held), n))
        below[range(len(self.held)), self.held] = np.sqrt(ridge[self.held])
        steps, self.pivots = triangle(np.concatenate([rows, below]) / self.scale, n)
        self.r = np.ascontiguousarray(steps[:, self.pivots])
        self.l = np.ascontiguousarray(self.r.T)

    def solve(self, c: np.ndarray) -> np.ndarray:
        """v (n,) of c (n,)."""
        return self._solve_wide(c) if self.wide else self._solve(c)

    def _solve(self, c: np.ndarray) -> np.ndarray:
        n = len(self.pivots)
        t, right = np.zeros(n), (c / self.scale)[self.pivots]
        for i in range(n):
            t[i] = (right[i] - (dot(self.l[i, :i], t[:i]) if i else 0.0)) / self.r[i, i]
        for i in reversed(range(n)):
            left = dot(self.r[i, i + 1 :], t[i + 1 :]) if i + 1 < n else 0.0
            t[i] = (t[i] - left) / self.r[i, i]
        v = np.zeros(len(c))
        v[self.pivots] = t
        return v / self.scale

    def _solve_wide(self, c: np.ndarray) -> np.ndarray:
        """With b = rows / √ridge of what has a ridge and M = (I + b bᵀ)⁻¹, what has none is solved by Schur."""
        held = c[self.held] / self.root
        along, v = product(self.b, held.reshape(-1, 1))[:, 0], np.zeros(len(c))
        if self.free.size:
            seen = product(self.c, self.inner.solve(along).reshape(-1, 1), ta=True)[:, 0]
            v[self.free] = self.schur.solve(c[self.free] - seen)
            along = along + product(self.c, v[self.free].reshape(-1, 1))[:, 0]
        back = product(self.b, self.inner.solve(along).reshape(-1, 1), ta=True)[:, 0]
        v[self.held] = (held - back) / self.root
        return v


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, ridge) of a small symmetric matrix: rows with rowsᵀ rows = a, by Cholesky's elimination, and no ridge."""
    a, n = np.array(a), len(a)
    rows = np.zeros((n, n))
    for i in range(n):
        if a[i, i] <= 0:
            continue
        rows[i, i:] = a[i, i:] / np.sqrt(a[i, i])
        a[i:, i:] -= rows[i, i:].reshape(-1, 1) * rows[i, i:]
    return rows, np.zeros(n)


def _over_logits(values: np.ndarray) -> np.ndarray:
    """The sums of rows (p, logits)."""
    return product(np.ascontiguousarray(values), np.ones((values.shape[1], 1)))[:, 0]


def _sum(values: np.ndarray) -> float:
    return dot(np.ascontiguousarray(values), np.ones(len(values))) if len(values) else 0.0
