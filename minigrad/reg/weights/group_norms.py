"""Norms that are not squared: of a parameter as a whole, or of each of its groups, which become exactly zero together.

    R(w)    = strength Σ s_g ‖w_g‖  (+ l1 Σ|w|),  s_g = √size of the group, or 1       Yuan and Lin 2006
    R'(w)   = strength s_g w_g / ‖w_g‖, and 0 where the group is 0
    prox(v) = u_g max(1 - step strength s_g / ‖u_g‖, 0) with u = soft(v, step l1)      Simon et al. 2013

The square of ridge pulls less and less as a group shrinks; the norm pulls its whole length with one force, like L1 a
single weight. So the group stays until the data let go of it, and then it goes as one: a column of a Linear is a unit,
a row an input (group_layout.py has all the words). The map is exact for one step per group. Under Adam each coordinate
has its own; then all coordinates of a group move with the smallest of them (see minigrad.optim.group_prox).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite
from ...engine import Tensor
from ...nn.module import Module
from ...ops.elementwise.arithmetic import mul
from ...ops.reduce.norms import norm
from ...ops.regularize.penalty import elastic_net
from ...ops.shape.broadcast import sum
from ...ops.shape.views import reshape
from ..binding.term import Penalty
from .group_layout import Layout, check_groups, layout


class GroupLasso(Penalty):
    """strength Σ s_g ‖w_g‖ over groups of a parameter: the columns of a Linear (its units) unless `groups` says more.

    gradient  strength s_g w_g / ‖w_g‖, and 0 for a group of zeros
    prox(v)   v_g max(1 - step strength s_g / ‖v_g‖, 0)
    source    Yuan, Lin 2006, Model selection and estimation in regression with grouped variables, section 2; filters
              and channels: Wen, Wu, Wang, Chen, Li 2016, Learning structured sparsity in deep neural networks

    groups  "whole", "rows", "columns": by the shape of a parameter; "filters", "channels", "kernels" of a convolution,
            "gates" of a recurrent layer, "units" of any: by its layer, which reg.on finds. A bare array of three axes
            and more counts as the weight of a Conv (out, in, kernel).
    scaled  s_g is √size, so that large groups are not favoured, in place of 1.

    ShapeError, from reg.on with the name of the parameter, where there are no such groups.

    >>> import minigrad as mg
    >>> term, w = GroupLasso(2.0, "columns"), mg.tensor([[3.0, 0.1], [4.0, 0.1]])
    >>> term, round(term.value(w), 4), term.prox(w, step=0.5)
    (<GroupLasso(2, columns): strength = 2; moment: loss>, 10.2828, tensor([[2.4, 0. ],
            [3.2, 0. ]]))
    >>> mg.reg.on(mg.nn.Conv2d(3, 8, 5), "weight", GroupLasso(0.1, "filters"))
    term                             l1  l2  moment  on
    GroupLasso(0.1, filters) weight  -   -   loss    weight (8, 3, 5, 5): 8 filters of 75
    not penalised: bias
    """

    __slots__ = ("groups", "scaled", "strength")
    strength: float

    def __init__(self, strength: float, groups: str = "columns", *, scaled: bool = False) -> None:
        self.strength, self.scaled = strength, bool(scaled)
        self.groups = check_groups(type(self).__name__, groups)

    def layout(self, shape: tuple[int, ...], layer: Module | None = None) -> Layout:
        """Where the groups of a parameter lie."""
        return layout(self.groups, shape, layer)

    def strength_of(self, groups: Layout) -> float:
        """strength s_g."""
        return self.strength * math.sqrt(groups.size) if self.scaled else self.strength

    def __call__(self, w: Tensor, groups: Layout | None = None) -> Tensor:
        groups = groups or self.layout(self.real(w).array.shape)
        w = w if groups.view == w.array.shape else reshape(w, shape=groups.view)
        return mul(sum(norm(w, dim=groups.along)), self.strength_of(groups))

    def value(self, w: Any, groups: Layout | None = None) -> float:
        """R(w) as a number, from float64 accumulators."""
        array = K.contiguous(self.real(w).array)
        groups = groups or self.layout(array.shape)
        norms, total = groups.per_group(np.float64), K.empty((), np.float64)
        K.group_norm(groups.taken(array), norms, *groups.axes)
        K.sum(norms, total, 0, norms.ndim)
        return self.strength_of(groups) * float(total)

    def prox(self, v: Any, step: Any, groups: Layout | None = None) -> Tensor:
        """The proximal map at v, a constant tensor; step is a number, or an array of one per group."""
        array = K.contiguous(self.real(v).array)
        groups = groups or self.layout(array.shape)
        steps, out = groups.per_group(array.dtype), K.empty_like(array)
        K.copy(_steps(step, steps.shape), steps)
        K.copy(array, out)
        taken = groups.taken(out)
        self.shrink(taken, steps, groups)
        groups.put_back(taken, out)
        return Tensor(out)

    def shrink(self, taken: np.ndarray, steps: np.ndarray, groups: Layout) -> None:
        """The proximal map of what the layout took of a parameter, in place; steps has one step per group."""
        self._shrink(taken, steps, groups, 0.0)

    def _shrink(self, taken: np.ndarray, steps: np.ndarray, groups: Layout, l1: float) -> None:
        K.group_soft_threshold(taken, steps, taken, *groups.axes, l1=l1, strength=self.strength_of(groups))

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

    def __call__(self, w: Tensor, groups: Layout | None = None) -> Tensor:
        return super().__call__(w, groups) + elastic_net(w, l1=self.l1)

    def value(self, w: Any, groups: Layout | None = None) -> float:
        array = K.contiguous(self.real(w).array)
        size = K.empty((), np.float64)
        K.elastic_net(array, size, l1=self.l1, l2=0.0)
        return super().value(w, groups) + float(size)

    def shrink(self, taken: np.ndarray, steps: np.ndarray, groups: Layout) -> None:
        self._shrink(taken, steps, groups, self.l1)
