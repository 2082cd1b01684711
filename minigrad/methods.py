"""The methods of Tensor beyond the core's list in tensor.py: one line for each, by family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .engine import Tensor
from .errors import DTypeError
from .ops.choose import clamp, lerp, masked_fill, maximum, minimum, where
from .ops.compare import eq, ge, gt, isfinite, isinf, isnan, le, logical_and, logical_not, logical_or, lt, ne
from .ops.elementwise import square
from .ops.functions import ceil, erf, expm1, floor, log1p, log2, logaddexp, pow, reciprocal, rsqrt
from .ops.trigonometric import asinh, atan, atan2, cos, cosh, hypot, sin, sinh, tan
from .tensor import attach

COMPARED = (Tensor, np.ndarray, np.generic, bool, int, float, list, tuple)


def _comparison(op: Callable[..., Tensor]) -> Callable[..., Any]:
    """An operator that leaves what is no number to Python: t == None is False, t < None a TypeError."""
    return lambda t, other: op(t, other) if isinstance(other, COMPARED) else NotImplemented


def _on_booleans(sign: str, op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def operator(*operands: Any) -> Tensor:
        for x in operands:
            dtype = np.asarray(x.array if isinstance(x, Tensor) else x).dtype
            if dtype != np.bool_:
                raise DTypeError(f"{sign}: an operand is {dtype}; need bool, such as t > 0 (put it in parentheses)")
        return op(*operands)

    return operator


def _power(t: Tensor, exponent: Any) -> Tensor:
    return square(t) if isinstance(exponent, (int, float)) and exponent == 2 else pow(t, exponent)


METHODS: dict[str, Any] = {
    # comparisons; a tensor is still hashed by identity, so that it can be a key: dict and set look at `is` first
    "__eq__": _comparison(eq), "__ne__": _comparison(ne), "__hash__": object.__hash__,
    "__lt__": _comparison(lt), "__le__": _comparison(le), "__gt__": _comparison(gt), "__ge__": _comparison(ge),
    "__and__": _on_booleans("&", logical_and), "__rand__": _on_booleans("&", logical_and),
    "__or__": _on_booleans("|", logical_or), "__ror__": _on_booleans("|", logical_or),
    "__invert__": _on_booleans("~", logical_not),
    "eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge, "isnan": isnan, "isinf": isinf, "isfinite": isfinite,
    "logical_not": logical_not, "logical_and": logical_and, "logical_or": logical_or,
    "maximum": maximum, "minimum": minimum, "clamp": clamp, "lerp": lerp, "masked_fill": masked_fill,
    "where": lambda t, condition, other: where(condition, t, other),
    # elementary functions
    "__pow__": _power, "__rpow__": lambda t, other: pow(other, t),
    "pow": pow, "expm1": expm1, "log1p": log1p, "log2": log2, "reciprocal": reciprocal, "rsqrt": rsqrt,
    "floor": floor, "ceil": ceil, "erf": erf, "logaddexp": logaddexp,
    "sin": sin, "cos": cos, "tan": tan, "sinh": sinh, "cosh": cosh, "asinh": asinh, "atan": atan, "atan2": atan2,
    "hypot": hypot,
}  # fmt: skip

attach(METHODS)
