"""Checks of plain arguments: each gives the value back in its one type, or an error that names it and what would do."""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .errors import DTypeError, GraphError


def whole(value: Any, name: str, low: int, limit: int | None = None) -> int:
    """value as an int in [low, limit); bool and float are refused, NumPy integers are not.

    >>> whole(0, "Loader: batch_size", 1)
    Traceback (most recent call last):
      ...
    ValueError: Loader: batch_size is 0; need at least 1
    """
    if not hasattr(value, "__index__") or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}; need a whole number")
    number = operator.index(value)
    if number < low:
        raise ValueError(f"{name} is {number}; need at least {low}")
    if limit is not None and number >= limit:
        raise ValueError(f"{name} is {number}; need less than {limit}")
    return number


def truth(value: Any, name: str) -> bool:
    """value as a bool: True, False, 1 or 0. Words are refused, because "no" would count as true.

    >>> truth("no", "Loader: shuffle")
    Traceback (most recent call last):
      ...
    TypeError: Loader: shuffle is 'no'; need True or False
    """
    if not isinstance(value, (bool, int, np.bool_, np.integer)) or value not in (0, 1):
        raise TypeError(f"{name} is {value!r}; need True or False")
    return bool(value)


def finite(value: Any, name: str, at_least: float = -math.inf, at_most: float = math.inf) -> float:
    """value as a finite float in [at_least, at_most]; GraphError for a tensor that requires grad: it would not train.

    >>> finite(1.5, "noisy_labels: share", 0, 1)
    Traceback (most recent call last):
      ...
    ValueError: noisy_labels: share is 1.5; need a finite number, at least 0, at most 1
    """
    if getattr(value, "tracked", False):
        raise GraphError(
            f"{name} is a tensor that requires grad; this is a number, through which no gradient flows, so that the "
            "tensor would not be trained: pass its number, t.item()"
        )
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and at_least <= number <= at_most):
        low = f", at least {at_least}" if at_least > -math.inf else ""
        high = f", at most {at_most}" if at_most < math.inf else ""
        raise ValueError(f"{name} is {value!r}; need a finite number{low}{high}")
    return number


def real_dtype(dtype: Any, name: str) -> np.dtype:
    """dtype as np.dtype, float32 or float64.

    >>> real_dtype("float16", "load_digits: dtype")
    Traceback (most recent call last):
      ...
    minigrad.errors.DTypeError: load_digits: dtype is float16; need float32 or float64
    """
    try:
        real = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{name} is {dtype!r}; need float32 or float64") from None
    if real not in (np.float32, np.float64):
        raise DTypeError(f"{name} is {real}; need float32 or float64")
    return real


def refuse_unknown(who: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise for the first of the names that is not known, with a close match.

    >>> refuse_unknown("SGD", ["momentun"], ["lr", "momentum"])
    Traceback (most recent call last):
      ...
    TypeError: SGD: unknown keyword 'momentun'; did you mean 'momentum'?
    """
    known = tuple(known)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            raise TypeError(
                f"{who}: unknown keyword {name!r}; "
                + (f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(known) or 'none'}")
            )


def refuse_unknown_of(function: Callable[..., Any], who: str, names: Iterable[str]) -> None:
    """refuse_unknown for the keywords of a function, unless it takes any."""
    parameters = inspect.signature(function).parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        refuse_unknown(who, names, [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL and p.name != "self"])


def named_keywords(function: Callable) -> Callable:
    """`function`, whose TypeError for an unknown keyword names a close one that it takes.

    >>> @named_keywords
    ... def fit(model, *, epochs=10): ...
    >>> fit(None, epoch=3)
    Traceback (most recent call last):
      ...
    TypeError: fit: unknown keyword 'epoch'; did you mean 'epochs'?
    """

    @functools.wraps(function)
    def checked(*args: Any, **keywords: Any) -> Any:
        refuse_unknown_of(function, function.__name__, keywords)
        return function(*args, **keywords)

    return checked
