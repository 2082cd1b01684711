"""Tensors made of sizes: filled with one number, with steps, or at random. Leaves; floats may ask for gradients.

Sizes come one by one, zeros(2, 3), or as one sequence, zeros((2, 3)). dtype is float32 unless one is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import kernels as K
from .. import rng
from ..checks import finite, whole
from ..convert import owned
from ..dtypes import check_dtype
from ..engine import Tensor
from .index.diagonals import diagonal_places
from .shape.axes import given
from .shape.slices import place
from .shape.views import as_one, reshape


def _shape(op: str, size: Sequence[Any]) -> tuple[int, ...]:
    return tuple(whole(n, f"{op}: a size", 0) for n in as_one(tuple(size)))


def _filled(op: str, shape: tuple[int, ...], value: Any, dtype: Any, requires_grad: bool) -> Tensor:
    want = np.dtype(dtype)
    check_dtype(op, want)
    array = K.empty(shape, want)
    K.copy(value, array)
    return Tensor(array, requires_grad)


def zeros(*size: Any, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """Zeros, of this size and dtype; requires_grad asks for gradients.

    TypeError for a size that is no whole number, ValueError for a negative one, DTypeError for a dtype that tensors
    do not have.

    >>> import minigrad as mg
    >>> mg.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return _filled("zeros", _shape("zeros", size), 0, dtype, requires_grad)


def ones(*size: Any, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """Ones, of this size and dtype; requires_grad asks for gradients.

    TypeError for a size that is no whole number, ValueError for a negative one, DTypeError for a dtype that tensors
    do not have.

    >>> import minigrad as mg
    >>> mg.ones(2, dtype="int64")
    tensor([1, 1], dtype=int64)
    """
    return _filled("ones", _shape("ones", size), 1, dtype, requires_grad)


def full(size: int | Sequence[int], fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """fill_value everywhere, of this size; dtype is float32, or bool for a boolean; requires_grad asks for gradients.

    TypeError for a size that is no whole number, ValueError for a negative one, DTypeError for a dtype that tensors
    do not have.

    >>> import minigrad as mg
    >>> mg.full((2,), 0.5), mg.full((1,), True)
    (tensor([0.5, 0.5]), tensor([ True], dtype=bool))
    """
    shape = _shape("full", [size])
    return _filled("full", shape, fill_value, owned(fill_value).dtype if dtype is None else dtype, requires_grad)


def zeros_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and dtype of input, or in another dtype; requires_grad asks for gradients.

    DTypeError for a dtype that tensors do not have.

    >>> import minigrad as mg
    >>> mg.zeros_like(mg.tensor([3, 4]))
    tensor([0., 0.])
    """
    x = given(input)
    return _filled("zeros_like", x.shape, 0, x.dtype if dtype is None else dtype, requires_grad)


def ones_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and dtype of input, or in another dtype; requires_grad asks for gradients.

    DTypeError for a dtype that tensors do not have.

    >>> import minigrad as mg
    >>> mg.ones_like(mg.tensor([3, 4]))
    tensor([1., 1.])
    """
    x = given(input)
    return _filled("ones_like", x.shape, 1, x.dtype if dtype is None else dtype, requires_grad)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """fill_value in the shape and dtype of input, or in another dtype; requires_grad asks for gradients.

    DTypeError for a dtype that tensors do not have.

    >>> import minigrad as mg
    >>> mg.full_like(mg.tensor([3, 4]), 0.5)
    tensor([0.5, 0.5])
    """
    x = given(input)
    return _filled("full_like", x.shape, fill_value, x.dtype if dtype is None else dtype, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """The identity matrix (n, m) of this dtype, m = n if None: ones on the diagonal; requires_grad asks for gradients.

    TypeError for a size that is no whole number, ValueError for a negative one, DTypeError for a dtype that tensors
    do not have.

    >>> import minigrad as mg
    >>> mg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = _shape("eye", [n, n if m is None else m])
    line = place(
        ones(min(rows, columns), dtype=dtype), index=diagonal_places(rows, columns, 0), shape=(rows * columns,)
    )
    return Tensor(reshape(line, shape=(rows, columns)).array, requires_grad)


def _steps(n: int, start: float, step: float) -> np.ndarray:
    """start + i step for i < n, in float64."""
    x = K.empty((n,), "float64")
    K.copy(np.arange(n), x)
    K.mul(x, float(step), x)
    K.add(x, float(start), x)
    return x


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """start, start + step, ... before end; arange(end) begins at 0.

    dtype is int64 if all three are integers, else float32, rounded once from float64; requires_grad asks for gradients.

    ValueError if step is 0 or leads away from end, or a number is not finite.

    >>> import minigrad as mg
    >>> mg.arange(3), mg.arange(1, 2, 0.25)
    (tensor([0, 1, 2], dtype=int64), tensor([1.  , 1.25, 1.5 , 1.75]))
    """
    start, end = (0, start) if end is None else (start, end)
    first, last, by = (finite(v, f"arange: {name}") for v, name in ((start, "start"), (end, "end"), (step, "step")))
    if by == 0 or (last - first) / by < 0:
        raise ValueError(f"arange: from {start} to {end} by {step}; need a step that leads to the end")
    if all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in (start, end, step)):
        numbers = np.arange(int(start), int(end), int(step), dtype=np.int64)
        return Tensor(owned(numbers, dtype), requires_grad)
    return Tensor(owned(_steps(math.ceil((last - first) / by), first, by), dtype or "float32"), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """`steps` numbers at equal distances from start to end, both included, rounded once from float64 to the dtype.

    requires_grad asks for gradients. ValueError if steps is negative, or start or end is not finite; TypeError if steps
    is no whole number.

    >>> import minigrad as mg
    >>> mg.linspace(0, 1, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    first, last = finite(start, "linspace: start"), finite(end, "linspace: end")
    n = whole(steps, "linspace: steps", 0)
    x = _steps(n, first, (last - first) / (n - 1) if n > 1 else 0.0)
    if n > 1:
        x[-1] = last
    return Tensor(owned(x, dtype), requires_grad)


def rand(*size: Any, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """Numbers uniform in [0, 1), of this size and dtype, from the streams of manual_seed.

    requires_grad asks for gradients.

    TypeError for a size that is no whole number, ValueError for a negative one, DTypeError for another dtype than
    float32 and float64.

    >>> import minigrad as mg
    >>> mg.rand(2, 3).shape
    (2, 3)
    """
    return Tensor(rng.uniform(_shape("rand", size), dtype=dtype), requires_grad)


def randn(*size: Any, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """Standard normal numbers, of this size and dtype, from the streams of manual_seed.

    requires_grad asks for gradients.

    TypeError for a size that is no whole number, ValueError for a negative one, DTypeError for another dtype than
    float32 and float64.

    >>> import minigrad as mg
    >>> mg.randn(2, 3).shape
    (2, 3)
    """
    return Tensor(rng.normal(_shape("randn", size), dtype=dtype), requires_grad)
