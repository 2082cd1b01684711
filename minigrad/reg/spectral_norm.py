"""A bound on the largest singular value of a weight: what a linear layer may lengthen a vector by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..engine import Tensor
from ..errors import ReplayError, ShapeError
from ..ops.elementwise.arithmetic import add, mul, square, sub
from ..ops.linalg.matmul import matmul
from ..ops.shape.broadcast import sum
from ..ops.shape.views import permute, reshape
from ..recording import mode, no_grad
from .constraints import Constraint, NormRange

STEPS = 100  # a singular value that is further from the limit than 1.5^-100 of it is told from it
NEAR = 1e-13  # what may be left of an error when an iteration ends
LEAST = 0.03  # a limit that is less of the Frobenius norm is reached in several goes, each well conditioned


class SpectralNorm(Constraint):
    """σ(W) <= limit: no singular value is larger. Of a convolution, W is (out, in · height · width), as in nn.Conv2d.

    projection  U min(S, limit) Vᵀ for W = U S Vᵀ: the nearest point. Dividing W by its largest singular value, as
                nn.spectral_norm does, would shrink what is within the limit too.

    It is computed in float64 by products of matrices alone, without U, S and V, so that its bits are the same on every
    machine: with P = (I - sign(limit² I - WᵀW)) / 2, the projection on what is too large, it is W (I - P) + limit Q P,
    Q the polar factor of W P; sign and Q by x <- x (3 - xᵀx) / 2. It is exact to about 1e-12 of the largest singular
    value. It takes 100 to 150 products of matrices, most as large as the smaller side squared: 3 ms for 64 x 64, 9 ms
    for 784 x 64. W itself comes back where no singular value is too large. mg.compile refuses it, because the number of
    products depends on W.

    source      Higham 2008, Functions of matrices, chapters 5 and 8; the bound: Yoshida, Miyato 2017, Spectral norm
                regularization for improving the generalizability of deep learning

    ShapeError for a weight with fewer than two dimensions; ReplayError inside a step that mg.compile records.

    >>> SpectralNorm(2.0).project([[3.0, 0.0], [0.0, 1.0]])
    tensor([[2., 0.],
            [0., 1.]])
    """

    order = 1

    def __init__(self, limit: float) -> None:
        self.limit = finite(limit, "SpectralNorm: limit", at_least=0.0)

    @no_grad()
    def project_into(self, w: np.ndarray, out: np.ndarray) -> None:
        if mode.step is not None:
            raise ReplayError(
                f"{self.name} inside a step that mg.compile records: how many products it takes depends on the weight, "
                "and a replay makes the same ones again. Train without compile, or use nn.spectral_norm or reg.MaxNorm"
            )
        self.check((("w", Tensor(w)),))
        array = K.empty(w.shape, np.dtype("float64"))
        K.copy(w, array)
        matrix = reshape(Tensor(array), shape=(w.shape[0], -1)) if w.size else Tensor(array)
        top = float(np.abs(array).max(initial=0.0))
        if not math.isfinite(top):
            K.copy(math.nan, out)
        elif self.limit == 0:
            K.copy(0.0, out)
        else:
            found = clipped(mul(matrix, 1 / top), self.limit / top) if top > 0 else None
            K.copy(w if found is None else mul(found, top).array.reshape(w.shape), out)

    def check(self, parameters: tuple[tuple[str, Tensor], ...]) -> None:
        """Raise where a parameter is no matrix."""
        for name, w in parameters:
            if w.ndim < 2:
                raise ShapeError(f"{self.name}: {name} is {w.shape}; need a weight with two dimensions or more")

    def contradicts(self, other: Any, shape: tuple[int, ...], groups: Any = None) -> str:
        """Why no weights of this shape satisfy both constraints, or the projections undo each other; else ''."""
        if isinstance(other, SpectralNorm):
            return "both bound the spectral norm; one of them is enough"
        if isinstance(other, NormRange) and other.low == 0:
            return ""  # either projection only shortens rows and columns, and the other's norm with them
        return f"{self.name} leaves {other.name} again"

    @property
    def name(self) -> str:
        return f"SpectralNorm({self.limit:g})"


def clipped(w: Tensor, limit: float) -> Tensor | None:
    """w (m, n) with singular values of at most limit; None where they are."""
    m, n = w.array.shape
    if m < n:
        turned = clipped(permute(w, dims=(1, 0)), limit)
        return None if turned is None else permute(turned, dims=(1, 0))
    changed: Tensor | None = None
    while True:
        length = math.sqrt(sum(square(w)).item())
        if length <= limit:
            return changed
        step = max(limit, LEAST * length)
        found = _once(mul(w, 1 / length), step / length)
        if found is not None:
            w = changed = mul(found, length)
        if step == limit:
            return changed


def _once(w: Tensor, limit: float) -> Tensor | None:
    """clipped for a w of Frobenius norm 1 and a limit below."""
    one = Tensor(np.eye(w.array.shape[1]))
    within = sub(mul(one, limit * limit), matmul(w, w, ta=True))
    too_large = mul(sub(one, _converged(within, within, NEAR * limit, symmetric=True)), 0.5)
    if sum(mul(too_large, one)).item() < 0.5:  # their number
        return None
    outside = matmul(w, too_large)
    polar = _converged(outside, too_large, NEAR)
    return add(sub(w, outside), mul(matmul(polar, too_large), limit))


def _converged(x: Tensor, weight: Tensor, near: float, symmetric: bool = False) -> Tensor:
    """x with singular values of 1 in the place of its own, which are at most 1; of a symmetric matrix, its sign.

    Where `weight` is small, it does not matter how near to 1 they come: the end is max |weight (I - xᵀx)| < near.
    Symmetric x are kept so: rounding would make of eigenvalues near 0 an orthogonal matrix that is none.
    """
    for i in range(STEPS):
        gram = matmul(x, x, ta=True)
        if i % 4 == 0 and float(np.abs(sub(weight, matmul(weight, gram)).array).max()) < near:
            break
        x = sub(mul(x, 1.5), matmul(x, mul(gram, 0.5)))
        x = mul(add(x, permute(x, dims=(1, 0))), 0.5) if symmetric else x
    return x
