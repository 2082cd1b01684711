"""The group lasso and the sparse group lasso: whole groups of columns, such as the levels of a word, enter together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import finite
from ..data.prepare.labels import check_labels
from ..errors import NonFiniteError, ShapeError
from .data_terms import Counts, DataTerm, Squares, TwoClasses
from .generalized import GeneralizedModel, GeneralizedSolver
from .model import Linear
from .newton import Outcome
from .poisson import counts, log_rate
from .sparse_groups import Groups, SparseGroups, least_strength

SCORES = {"squared": "mse", "logistic": "log_loss", "poisson": "poisson_deviance"}
LINKS = {"squared": "identity", "logistic": "logit", "poisson": "log"}


@dataclass(frozen=True)
class GroupLasso(Linear):
    """Σ ωᵢ loss(yᵢ, b + xᵢ w) + λ [(1 - ρ) Σ_g √p_g ‖w_g‖ + ρ Σ|w|] + (l2/2) Σw², p_g the columns of group g.

    groups      one label for each column, [0, 0, 1] or ["town", "town", "age"]; or lists of column numbers, [[0, 1]],
                of which a column that none names is a group of its own. None: every column is
    l1_ratio    ρ, the share of λ on single coefficients: 0 (the default) is the group lasso, 1 the lasso, between them
                the sparse group lasso, which also empties coefficients inside of a group that enters
    l2          a ridge of a fixed strength, which λ does not change
    loss        "squared": ½ (y - ŷ)², "logistic" for two classes 0 and 1, or "poisson" for counts, as those families
                have them
    penalty_factor   multiplies all of a column's penalty; one number within a group

    A group's λ is the least at which it is 0, by solving ‖soft(z_g, λ ρ)‖ = λ (1 - ρ) √p_g (Simon et al. 2013), and
    lambda_max() the largest of them. Standardized columns are not made orthonormal within a group, as some packages
    do. celer's and skglm's GroupLasso(alpha, weights) is λ = alpha with ‖w_g‖ times weights; penalty_factor =
    weights/√p_g says the same.

    ValueError for another loss, for groups that name a column twice, and for more than two classes; ShapeError for
    labels that are not one for each column.

    >>> import numpy as np
    >>> x = np.array([[1.0, 0, 0, 1], [0, 1, 0, 2], [0, 0, 1, 1], [1, 0, 0, 2], [0, 1, 0, 1], [0, 0, 1, 2]])
    >>> y = np.array([1.0, 2.0, 4.0, 1.0, 2.0, 4.0])
    >>> solver = GroupLasso(groups=["town", "town", "town", "size"]).start(x, y)
    >>> solver.fit(0.3).coefficients.astype(bool).tolist(), solver.fit(1.01 * solver.lambda_max()).nonzeros
    ([True, True, True, False], 0)
    """

    l1_ratio: float = 0.0
    groups: Any = None
    l2: float = 0.0
    loss: str = "squared"

    grid_share = 1.0  # λ_max does not grow as l1_ratio falls

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in SCORES:
            raise ValueError(f"GroupLasso: loss is {self.loss!r}; need one of {', '.join(SCORES)}")
        object.__setattr__(self, "l2", finite(self.l2, "GroupLasso: l2", at_least=0.0))
        object.__setattr__(self, "groups", _plain(self.groups))

    @property
    def score(self) -> str:
        return SCORES[self.loss]

    @property
    def classifies(self) -> bool:
        return self.loss == "logistic"

    @property
    def link(self) -> str:
        """What output(x) is of the mean."""
        return LINKS[self.loss]

    def strengths(self, lam: float) -> tuple[float, float]:
        """(l1, l2) of λ; λ (1 - ρ) is on the norms."""
        return finite(lam, "λ", at_least=0.0) * self.l1_ratio, self.l2

    def start(
        self, x: Any, y: Any, weights: Any = None, offset: Any = None, classes: int | None = None
    ) -> GroupLassoSolver:
        """The solver for these rows, as Regression.start. ValueError for groups that do not fit the columns."""
        if classes not in (None, 2):
            raise ValueError(f"GroupLasso: loss='logistic' is for two classes, and y has {classes}: use Logistic")
        return GroupLassoSolver(self, x, y, weights, offset)


def _plain(groups: Any) -> tuple[Any, ...] | None:
    """Labels of columns, or tuples of their numbers, as plain values."""
    if groups is None:
        return None
    if isinstance(groups, str) or not isinstance(groups, (Sequence, np.ndarray)) or len(groups) == 0:
        raise TypeError(f"GroupLasso: groups is {groups!r:.60}; need a label for each column, or lists of columns")
    plain = [each.item() if isinstance(each, np.generic) else each for each in groups]
    if all(isinstance(each, (str, int)) for each in plain):
        return tuple(plain)
    if all(isinstance(each, (Sequence, np.ndarray)) and not isinstance(each, str) for each in plain):
        return tuple(tuple(np.asarray(each).tolist()) for each in plain)
    raise TypeError("GroupLasso: groups mixes labels and lists; need a label for each column, or lists of columns")


def partition(groups: tuple[Any, ...] | None, columns: int) -> list[list[int]]:
    """The columns of each group, every column in one.

    >>> partition(("a", "b", "a"), 3), partition(((2, 0),), 3), partition(None, 2)
    ([[0, 2], [1]], [[2, 0], [1]], [[0], [1]])
    """
    if groups is None:
        return [[i] for i in range(columns)]
    if not isinstance(groups[0], tuple):
        if len(groups) != columns:
            raise ShapeError(
                f"GroupLasso: groups has {len(groups)} labels; need one for each of {columns} columns of x"
            )
        found: dict[Any, list[int]] = {}
        for i, label in enumerate(groups):
            found.setdefault(label, []).append(i)
        return list(found.values())
    seen: set[int] = set()
    for g, each in enumerate(groups):
        for column in each:
            if not isinstance(column, int) or not 0 <= column < columns:
                raise ValueError(f"GroupLasso: groups[{g}] names column {column!r}; x has columns 0 to {columns - 1}")
            if column in seen:
                raise ValueError(f"GroupLasso: column {column} is named twice in groups; groups cannot overlap")
            seen.add(column)
    return [list(each) for each in groups if each] + [[i] for i in range(columns) if i not in seen]


class GroupLassoSolver(GeneralizedSolver):
    settings: GroupLasso

    def __init__(self, settings: GroupLasso, x: Any, y: Any, weights: Any = None, offset: Any = None) -> None:
        self.link = settings.link
        super().__init__(settings, x, y, weights, offset)
        if (self.design.units != 1).any():
            column = int(np.argmax(self.design.units != 1))
            raise NonFiniteError(f"x: column {column} is about {self.design.units[column]:.1g}; scale it first")
        own = partition(settings.groups, self.inputs)
        self.own = Groups(own)
        self.groups = Groups([*own, *([[self.inputs]] * self.intercept)])
        for g, each in enumerate(own):
            if len(set(self.factor[each].tolist())) > 1:
                raise ValueError(
                    f"GroupLasso: penalty_factor is {self.factor[each].tolist()} in group {g} (columns {each}); need "
                    "one number within a group"
                )
        self.weight = np.sqrt(self.own.sizes) * np.array([self.factor[each[0]] for each in own])

    def term_of(self, y: Any) -> DataTerm:
        loss, design = self.settings.loss, self.design
        if loss == "squared":
            return Squares(design.target(y))
        if loss == "poisson":
            return Counts(counts(design, y, self.settings.fit_intercept))
        found = design.target(check_labels(y, 2), np.int64).astype(np.float64)
        if found.min() == found.max():
            raise ValueError(f"logistic regression: every row is of class {found[0]:g}; need both, 0 and 1")
        return TwoClasses(found)

    def start_intercept(self) -> float:
        if self.settings.loss == "poisson":
            return log_rate(self)
        return self.design_mean() if self.settings.loss == "squared" else 0.0

    def design_mean(self) -> float:
        """The best intercept of squared errors without inputs."""
        return float(self.design.mean((self.term.y - self.known).reshape(-1, 1))[0])

    def lambda_max(self) -> float:
        """The least λ at which every penalized group is 0: the largest of the λ of groups."""
        ratio = self.settings.l1_ratio
        slopes = np.where(self.factor > 0, self._slopes, 0.0)
        return least_strength(self.own, slopes, ratio * self.factor, (1 - ratio) * self.weight)

    def fit(self, lam: float, seed: int = 0) -> GeneralizedModel:
        l1, l2 = self.settings.strengths(lam)
        return self.solve(l1, l2, lam * (1 - self.settings.l1_ratio))

    def solve(self, l1: float, l2: float, group: float = 0.0) -> GeneralizedModel:
        """The model with these strengths: l1 and l2 of coefficients, `group` of the norms."""
        self.strength = finite(group, "group", at_least=0.0)
        return super().solve(l1, l2)

    def penalty(self, l1: float, l2: float) -> SparseGroups:
        each_l1, each_l2 = (self._on_inputs(each)[0] for each in self.strengths(l1, l2))
        strength = np.concatenate([self.strength * self.weight, np.zeros(self.intercept)])
        return SparseGroups(self.groups, each_l1, each_l2, strength, self.intercept)

    def no_minimum(self, done: Outcome) -> str:
        left = f"{done.steps} Newton steps left the optimality conditions {done.violation:.2g} off"
        return left if math.isfinite(done.violation) else f"{left}; scale x and y first"
