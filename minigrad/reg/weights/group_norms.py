"""Norms that are not squared: of a parameter as a whole, or of each of its groups, which become exactly zero together.

    R(w)    = strength Σ s_g ‖w_g‖  (+ l1 Σ|w|),  s_g = √size of the group, or 1       Yuan and Lin 2006
    R'(w)   = strength s_g w_g / ‖w_g‖, and 0 where the group is 0
    prox(v) = u_g max(1 - step strength s_g / ‖u_g‖, 0) with u = soft(v, step l1)      Simon et al. 2013

The square of ridge pulls less and less as a group shrinks; the norm pulls its whole length with one force, like L1 a
single weight. So the group stays until the data let go of it, and then it goes as one: a column of a Linear is a unit,
a row an input. The map is exact for one step per group. Under Adam each coordinate has its own; then all coordinates of
a group move with the smallest of them (see minigrad.optim.bound).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite
from ...engine import Tensor
from ...errors import ShapeError
from ...ops.elementwise.arithmetic import mul
from ...ops.reduce.norms import norm
from ...ops.regularize.penalty import elastic_net
from ...ops.shape.broadcast import sum
from ..binding.term import Penalty

GROUPS = ("whole", "rows", "columns")


def axes(groups: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """The axes [first, last) that a group lies along: all; all but the first, for rows; all but the last, for columns.

    >>> axes("columns", (784, 64)), axes("rows", (16, 3, 5, 5))
    ((0, 1), (1, 4))
    """
    if groups == "whole":
        return 0, len(shape)
    if len(shape) < 2:
        raise ShapeError(f"groups={groups!r}: a parameter is {shape}; it has no {groups}: need two dimensions or more")
    return (1, len(shape)) if groups == "rows" else (0, len(shape) - 1)


def check_groups(who: str, groups: Any) -> str:
    """groups, one of GROUPS."""
    if groups not in GROUPS:
        raise ValueError(f"{who}: groups is {groups!r}; need one of {', '.join(GROUPS)}")
    return groups


class GroupLasso(Penalty):
    """strength Σ s_g ‖w_g‖ over "columns" (units of a Linear), "rows" (its inputs) or the "whole" of a parameter.

    gradient  strength s_g w_g / ‖w_g‖, and 0 for a group of zeros
    prox(v)   v_g max(1 - step strength s_g / ‖v_g‖, 0)
    source    Yuan, Lin 2006, Model selection and estimation in regression with grouped variables, section 2

    s_g is √size with scaled=True, so that large groups are not favoured, and 1 by default. Rows are slices of the first
    axis, columns of the last one: the filters of a convolution (out, in, kh, kw) are rows.

    >>> import minigrad as mg
    >>> term, w = GroupLasso(2.0, "columns"), mg.tensor([[3.0, 0.1], [4.0, 0.1]])
    >>> term, round(term.value(w), 4), term.prox(w, step=0.5)
    (<GroupLasso(2, columns): strength = 2; moment: loss>, 10.2828, tensor([[2.4, 0. ],
            [3.2, 0. ]]))
    """

    __slots__ = ("groups", "scaled", "strength")
    strength: float

    def __init__(self, strength: float, groups: str = "columns", *, scaled: bool = False) -> None:
        self.strength, self.scaled = strength, bool(scaled)
        self.groups = check_groups(type(self).__name__, groups)

    def axes(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """The axes of a parameter that a group lies along."""
        return axes(self.groups, shape)

    def check(self, parameters: tuple[tuple[str, Tensor], ...]) -> None:
        """Raise where a parameter has no such groups."""
        for name, w in parameters:
            try:
                self.axes(w.array.shape)
            except ShapeError as error:
                raise ShapeError(f"{self.name} on {name}: {error}") from None

    def strength_of(self, shape: tuple[int, ...]) -> float:
        """strength s_g."""
        first, last = self.axes(shape)
        return self.strength * math.sqrt(math.prod(shape[first:last])) if self.scaled else self.strength

    def __call__(self, w: Tensor) -> Tensor:
        shape = self.real(w).array.shape
        norms = norm(w, dim=tuple(range(*self.axes(shape))))
        return mul(sum(norms), self.strength_of(shape))

    def value(self, w: Any) -> float:
        """R(w) as a number, from float64 accumulators."""
        array = K.contiguous(self.real(w).array)
        first, last = self.axes(array.shape)
        norms = K.empty(array.shape[:first] + array.shape[last:], np.float64)
        total = K.empty((), np.float64)
        K.group_norm(array, norms, first, last)
        K.sum(norms, total, 0, norms.ndim)
        return self.strength_of(array.shape) * float(total)

    def prox(self, v: Any, step: Any) -> Tensor:
        """The proximal map at v, a constant tensor; step is a number, or an array of one per group."""
        return self._prox(v, step, 0.0)

    def _prox(self, v: Any, step: Any, l1: float) -> Tensor:
        array = K.contiguous(self.real(v).array)
        first, last = self.axes(array.shape)
        steps = K.empty(array.shape[:first] + array.shape[last:], array.dtype)
        K.copy(_steps(step, steps.shape), steps)
        out = K.empty_like(array)
        self._shrink(array, steps, out, l1)
        return Tensor(out)

    def shrink(self, w: np.ndarray, steps: np.ndarray) -> None:
        """w = the proximal map of w; steps has one step per group."""
        self._shrink(w, steps, w, 0.0)

    def _shrink(self, v: np.ndarray, steps: np.ndarray, out: np.ndarray, l1: float) -> None:
        strength = self.strength_of(v.shape)
        K.group_soft_threshold(v, steps, out, *self.axes(v.shape), l1=l1, strength=strength)

    @property
    def name(self) -> str:
        parts = [*map(self.written, self.strengths), self.groups, *(["scaled"] if self.scaled else [])]
        return f"{type(self).__name__}({', '.join(parts)})"


def _steps(step: Any, shape: tuple[int, ...]) -> Any:
    """step, a number at least 0, or an array of such, one for each group."""
    if not isinstance(step, np.ndarray):
        return finite(step, "prox: step", at_least=0.0)
    if step.shape != shape or not (step >= 0).all():
        raise ValueError(f"prox: step is {step.dtype} {step.shape}; need numbers at least 0, {shape}, one per group")
    return step


class Norm(GroupLasso):
    """strength ‖w‖ of a parameter as a whole, not squared: it becomes zero in one piece, or not at all.

    gradient  strength w / ‖w‖, and 0 at 0
    prox(v)   v max(1 - step strength / ‖v‖, 0)
    source    Yuan, Lin 2006 (see GroupLasso), with one group; the prox: Parikh, Boyd 2014, Proximal algorithms,
              section 6.5

    >>> Norm(0.5).value([3.0, 4.0])
    2.5
    """

    __slots__ = ()

    def __init__(self, strength: float) -> None:
        super().__init__(strength, "whole")

    @property
    def name(self) -> str:
        return f"Norm({self.written('strength')})"


class SparseGroupLasso(GroupLasso):
    """l1 Σ|w| + strength Σ s_g ‖w_g‖: zeros inside the groups that remain.

    gradient  l1 sign(w) + strength s_g w_g / ‖w_g‖, each part 0 where it has no slope
    prox(v)   u_g max(1 - step strength s_g / ‖u_g‖, 0) with u = sign(v) max(|v| - step l1, 0)
    source    Simon, Friedman, Hastie, Tibshirani 2013, A sparse-group lasso

    >>> SparseGroupLasso(l1=0.5, strength=1.0, groups="rows").prox([[3.0, 0.2], [0.4, 0.4]], step=1.0)
    tensor([[1.5, 0. ],
            [0. , 0. ]])
    """

    __slots__ = ("l1",)
    strengths = ("l1", "strength")
    l1: float

    def __init__(self, l1: float, strength: float, groups: str = "columns", *, scaled: bool = False) -> None:
        super().__init__(strength, groups, scaled=scaled)
        self.l1 = l1

    def __call__(self, w: Tensor) -> Tensor:
        return super().__call__(w) + elastic_net(w, l1=self.l1)

    def value(self, w: Any) -> float:
        array = K.contiguous(self.real(w).array)
        size = K.empty((), np.float64)
        K.elastic_net(array, size, l1=self.l1, l2=0.0)
        return super().value(w) + float(size)

    def prox(self, v: Any, step: Any) -> Tensor:
        return self._prox(v, step, self.l1)

    def shrink(self, w: np.ndarray, steps: np.ndarray) -> None:
        self._shrink(w, steps, w, self.l1)
