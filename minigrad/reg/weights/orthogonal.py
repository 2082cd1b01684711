"""The soft orthogonal penalty: the columns of a weight, or its rows, towards an orthonormal set."""

from __future__ import annotations

import numpy as np

from ...engine import Tensor
from ...errors import ShapeError
from ...ops.elementwise.arithmetic import mul, square, sub
from ...ops.linalg.matmul import matmul
from ...ops.shape.broadcast import sum
from ...ops.shape.views import reshape
from ..binding.term import Penalty


class Orthogonal(Penalty):
    """strength ‖WᵀW - I‖²_F, or ‖WWᵀ - I‖²_F where W has fewer rows than columns.

    It is 0 exactly when all singular values of W are 1: then a layer changes no length on its way, forward or back.
    Axes behind the first are taken as one: a filter (out, in, kh, kw) is a row.

    gradient  4 strength W (WᵀW - I), or 4 strength (WWᵀ - I) W
    source    Bansal, Chen, Wang 2018, Can we gain more from orthogonality regularizations in training deep networks?,
              section 3: soft orthogonality

    ShapeError for a parameter with fewer than two dimensions, or an empty one.

    >>> Orthogonal(0.5).value([[1.0, 1.0], [0.0, 1.0]])
    1.5
    """

    __slots__ = ("strength",)
    strength: float

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def check(self, parameters: tuple[tuple[str, Tensor], ...]) -> None:
        """Raise where a parameter is no matrix."""
        for _, w in parameters:
            self._check_shape(w.array.shape)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if len(shape) < 2 or 0 in shape:
            raise ShapeError(f"{self.name}: a parameter is {shape}; need a matrix, or filters (out, ...)")

    def __call__(self, w: Tensor) -> Tensor:
        shape = self.real(w).array.shape
        self._check_shape(shape)
        if len(shape) > 2:
            w = reshape(w, shape=(shape[0], -1))
        tall = w.array.shape[0] >= w.array.shape[1]
        gram = matmul(w, w, ta=tall, tb=not tall)
        return mul(sum(square(sub(gram, np.eye(gram.array.shape[0], dtype=gram.array.dtype)))), self.strength)
