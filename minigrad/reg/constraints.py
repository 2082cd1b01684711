"""Constraints: sets that weights are projected onto after each update; optim.SGD(..., constraints=reg.on(...)).

A penalty bends the objective, a constraint bounds the search: the weights stay in the set, at its nearest point.

    Box          w = min(max(w, low), high)
    NonNegative  w = max(w, 0)
    MaxNorm      w_g = w_g min(1, limit / ‖w_g‖)      Srebro and Shraibman 2005; beside dropout, Srivastava et al. 2014
    UnitNorm     w_g = w_g / ‖w_g‖;  a group of zeros stays one

SpectralNorm, on a matrix as a whole, stands in spectral_norm.py.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, refuse_unknown_of
from ..engine import Tensor
from ..nn.module import Module
from ..ops.shape.axes import check_real
from ..tensor import tensor
from .weights.group_layout import Layout, check_groups, layout


class Constraint(ABC):
    """Base of the constraints: `project` gives the nearest point of the set, a constant tensor."""

    moment = "after the update"
    order = 0  # intervals first, norms last: scaling towards 0 leaves no interval that holds 0

    def __new__(cls, *args: Any, **options: Any) -> Any:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def project(self, w: Any) -> Tensor:
        """The projection of w."""
        w = w if isinstance(w, Tensor) else tensor(w)
        check_real(self.name, w)
        array = K.contiguous(w.array)
        out = K.empty_like(array)
        self.project_into(array, out)
        return Tensor(out)

    @abstractmethod
    def project_into(self, w: np.ndarray, out: np.ndarray) -> None:
        """out = the projection of w, both contiguous and of one dtype; out may be w."""

    @property
    def name(self) -> str:
        """The constraint as it was written."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{self.name}; moment: {self.moment}>"


class Interval(Constraint):
    """Every weight lies in [low, high]."""

    low, high = -math.inf, math.inf

    def project_into(self, w: np.ndarray, out: np.ndarray) -> None:
        K.maximum(w, self.low, out)
        K.minimum(out, self.high, out)

    def contradicts(self, other: Any, shape: tuple[int, ...], groups: Layout | None = None) -> str:
        """Why no weights of this shape satisfy both constraints, or the projections undo each other; else ''."""
        if not isinstance(other, Interval):
            return other.contradicts(self, shape, groups)
        low, high = max(self.low, other.low), min(self.high, other.high)
        return f"no weight is at least {low:g} and at most {high:g}" if low > high else ""


class Box(Interval):
    """low <= w <= high; either may be None.

    projection  min(max(w, low), high)
    source      Goldstein 1964, Convex programming in Hilbert space: steps along the gradient, then the nearest point

    ValueError if both bounds are None, or low is above high.

    >>> Box(-1, 0.5).project([-3.0, 0.25, 2.0])
    tensor([-1.  ,  0.25,  0.5 ])
    """

    def __init__(self, low: float | None = None, high: float | None = None) -> None:
        if low is None and high is None:
            raise ValueError("Box: low and high are both None; need one of them")
        self.low = -math.inf if low is None else finite(low, "Box: low")
        self.high = math.inf if high is None else finite(high, "Box: high", at_least=self.low)

    @property
    def name(self) -> str:
        return f"Box({self.low:g}, {self.high:g})"


class NonNegative(Interval):
    """w >= 0.

    projection  max(w, 0)
    source      Goldstein 1964 (see Box)

    >>> NonNegative().project([-3.0, 2.0])
    tensor([0., 2.])
    """

    low = 0.0


class NormRange(Constraint):
    """The norm of every group lies in [low, high]; groups as in GroupLasso."""

    order = 1
    low, high = 0.0, math.inf
    groups: str

    def project_into(self, w: np.ndarray, out: np.ndarray, groups: Layout | None = None) -> None:
        groups = groups or layout(self.groups, w.shape)
        if out is not w:
            K.copy(w, out)
        taken = groups.taken(out)
        K.group_limit(taken, taken, *groups.axes, low=self.low, high=self.high)
        groups.put_back(taken, out)

    def layout(self, shape: tuple[int, ...], layer: Module | None = None) -> Layout:
        """Where the groups of a parameter lie; ShapeError if it has none of these."""
        return layout(self.groups, shape, layer)

    def contradicts(self, other: Any, shape: tuple[int, ...], groups: Layout | None = None) -> str:
        """Why no weights of this shape satisfy both constraints, or the projections undo each other; else ''."""
        if isinstance(other, NormRange):
            return "both set the norm; one of them is enough"
        if not isinstance(other, Interval):
            return other.contradicts(self, shape, groups)
        root = math.sqrt((groups or self.layout(shape)).size)
        least, most = max(other.low, -other.high, 0.0) * root, max(-other.low, other.high) * root
        if least > self.high or most < self.low:
            return f"in {other.name} norms are {least:.3g} to {most:.3g}, outside of {self.name}"
        bounded = any(math.isfinite(bound) and bound for bound in (other.low, other.high))
        if least > 0 or (self.low > 0 and bounded):
            return f"scaling to {self.name} leaves {other.name} again"
        return ""


class MaxNorm(NormRange):
    """‖w_g‖ <= limit for every column (unit), row, filter, ... (words as in GroupLasso), or the whole parameter.

    projection  w_g min(1, limit / ‖w_g‖)
    source      Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, Dropout: a simple way to prevent neural
                networks from overfitting, section 5.1

    >>> MaxNorm(2.5).project([[3.0, 0.0], [4.0, 1.0]])
    tensor([[1.5, 0. ],
            [2. , 1. ]])
    """

    def __init__(self, limit: float, groups: str = "columns") -> None:
        self.high, self.groups = finite(limit, "MaxNorm: limit", at_least=0.0), check_groups("MaxNorm", groups)

    @property
    def name(self) -> str:
        return f"MaxNorm({self.high:g}, {self.groups})"


class UnitNorm(NormRange):
    """‖w_g‖ = 1; a group of zeros has no direction and stays.

    projection  w_g / ‖w_g‖
    source      Absil, Mahony, Sepulchre 2008, Optimization algorithms on matrix manifolds, section 4.1: the sphere

    >>> UnitNorm("whole").project([3.0, 4.0])
    tensor([0.6, 0.8])
    """

    low = high = 1.0

    def __init__(self, groups: str = "columns") -> None:
        self.groups = check_groups("UnitNorm", groups)

    @property
    def name(self) -> str:
        return f"UnitNorm({self.groups})"
