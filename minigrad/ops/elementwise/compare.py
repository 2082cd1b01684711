"""Comparisons and logic, which give booleans. NumPy computes them, because nothing in them is rounded.

A result has no gradient. Integers, booleans and floats may be compared with each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...convert import owned
from ...engine import Tensor
from ...errors import ShapeError
from ...recording import decided_by_numpy


def _array(op: str, x: Any) -> Any:
    """x as NumPy compares it: an array, or a Python number, which gets the dtype of the other operand."""
    if isinstance(x, Tensor):
        return x.array
    if isinstance(x, (np.ndarray, np.generic, bool, int, float)):
        return x
    if isinstance(x, (list, tuple)):
        return owned(x)
    raise TypeError(f"{op}: got a {type(x).__name__}; need a tensor, an array or a number")


def _booleans(op: str, ufunc: Any, *operands: Any) -> Tensor:
    arrays = [_array(op, x) for x in operands]
    decided_by_numpy(op, *arrays)
    try:
        return Tensor(np.asarray(ufunc(*arrays)))
    except ValueError:
        shapes = " and ".join(str(np.shape(x)) for x in arrays)
        raise ShapeError(f"{op}: the shapes {shapes} do not broadcast") from None


def eq(input: Any, other: Any) -> Tensor:
    """Booleans: input = other, element by element, broadcast; NaN equals nothing. Also `input == other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.eq(mg.tensor([1, 2]), 2)
    tensor([False,  True], dtype=bool)
    """
    return _booleans("eq", np.equal, input, other)


def ne(input: Any, other: Any) -> Tensor:
    """Booleans: input ≠ other, element by element, broadcast; NaN differs from itself. Also `input != other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.ne(mg.tensor([1, 2]), 2)
    tensor([ True, False], dtype=bool)
    """
    return _booleans("ne", np.not_equal, input, other)


def lt(input: Any, other: Any) -> Tensor:
    """Booleans: input < other, element by element, broadcast; false for NaN. Also `input < other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.lt(mg.tensor([1, 2, 3]), 2)
    tensor([ True, False, False], dtype=bool)
    """
    return _booleans("lt", np.less, input, other)


def le(input: Any, other: Any) -> Tensor:
    """Booleans: input ≤ other, element by element, broadcast; false for NaN. Also `input <= other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.le(mg.tensor([1, 2, 3]), 2)
    tensor([ True,  True, False], dtype=bool)
    """
    return _booleans("le", np.less_equal, input, other)


def gt(input: Any, other: Any) -> Tensor:
    """Booleans: input > other, element by element, broadcast; false for NaN. Also `input > other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.gt(mg.tensor([1, 2, 3]), 2)
    tensor([False, False,  True], dtype=bool)
    """
    return _booleans("gt", np.greater, input, other)


def ge(input: Any, other: Any) -> Tensor:
    """Booleans: input ≥ other, element by element, broadcast; false for NaN. Also `input >= other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.ge(mg.tensor([1, 2, 3]), 2)
    tensor([False,  True,  True], dtype=bool)
    """
    return _booleans("ge", np.greater_equal, input, other)


def isnan(input: Any) -> Tensor:
    """Booleans: is x NaN?

    TypeError for what is no tensor, array or number.

    >>> import minigrad as mg
    >>> mg.isnan(mg.tensor([1.0, float("nan")]))
    tensor([False,  True], dtype=bool)
    """
    return _booleans("isnan", np.isnan, input)


def isinf(input: Any) -> Tensor:
    """Booleans: is x an infinity, of either sign?

    TypeError for what is no tensor, array or number.

    >>> import minigrad as mg
    >>> mg.isinf(mg.tensor([1.0, float("-inf")]))
    tensor([False,  True], dtype=bool)
    """
    return _booleans("isinf", np.isinf, input)


def isfinite(input: Any) -> Tensor:
    """Booleans: is x neither infinite nor NaN?

    TypeError for what is no tensor, array or number.

    >>> import minigrad as mg
    >>> mg.isfinite(mg.tensor([1.0, float("inf"), float("nan")]))
    tensor([ True, False, False], dtype=bool)
    """
    return _booleans("isfinite", np.isfinite, input)


def logical_not(input: Any) -> Tensor:
    """Booleans: is it 0 (or false)? NaN is not 0. For boolean tensors also `~input`.

    TypeError for what is no tensor, array or number.

    >>> import minigrad as mg
    >>> mg.logical_not(mg.tensor([0.0, 2.0]))
    tensor([ True, False], dtype=bool)
    """
    return _booleans("logical_not", np.logical_not, input)


def logical_and(input: Any, other: Any) -> Tensor:
    """Booleans: are both not 0, broadcast? For boolean tensors also `input & other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.logical_and(mg.tensor([True, True]), mg.tensor([True, False]))
    tensor([ True, False], dtype=bool)
    """
    return _booleans("logical_and", np.logical_and, input, other)


def logical_or(input: Any, other: Any) -> Tensor:
    """Booleans: is at least one not 0, broadcast? For boolean tensors also `input | other`.

    ShapeError if the operands do not broadcast, TypeError for what is no number.

    >>> import minigrad as mg
    >>> mg.logical_or(mg.tensor([False, True]), mg.tensor([False, False]))
    tensor([False,  True], dtype=bool)
    """
    return _booleans("logical_or", np.logical_or, input, other)


def equal(input: Any, other: Any) -> bool:
    """Whether input and other have the same shape and equal elements; NaN equals nothing.

    TypeError for what is no tensor, array or number.

    >>> import minigrad as mg
    >>> mg.equal(mg.tensor([1, 2]), mg.tensor([1, 2])), mg.equal(mg.tensor([1]), mg.tensor([1, 1]))
    (True, False)
    """
    return bool(np.array_equal(_array("equal", input), _array("equal", other)))


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether |input - other| <= atol + rtol |other| everywhere, broadcast; NaN is close to NaN if equal_nan.

    ShapeError if the shapes do not broadcast.

    >>> import minigrad as mg
    >>> mg.allclose(mg.tensor([1.0]), mg.tensor([1.000001])), mg.allclose(mg.tensor([1.0]), mg.tensor([1.1]))
    (True, False)
    """
    a, b = _array("allclose", input), _array("allclose", other)
    try:
        return bool(np.allclose(a, b, rtol, atol, equal_nan))
    except ValueError:
        raise ShapeError(f"allclose: the shapes {np.shape(a)} and {np.shape(b)} do not broadcast") from None
