"""Errors under the names that users call: an error from inside `narrow` begins with "narrow:" and names its argument.

`narrow` calls other ops, and NumPy computes its indices. Their errors speak of `view`, of `a` and `b`, or of objects
without a shape: names that the caller did not write. Arguments are inspected only after an error was raised.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .errors import GraphError

TOLD = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, GraphError)  # what wrong arguments cause
PLAIN = {AttributeError: TypeError, KeyError: ValueError, ArithmeticError: ValueError}  # caught -> raised in its place
# annotation -> (whether a value is what it asks for, the words for it in an error)
NEEDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Tensor": (lambda x: hasattr(x, "array"), "a tensor: minigrad.tensor(...)"),
    "int": (lambda x: isinstance(x, (int, np.integer)) and not isinstance(x, bool), "a whole number"),
    "float": (lambda x: isinstance(x, (int, float, np.number)), "a number"),
    "bool": (lambda x: isinstance(x, (bool, np.bool_)), "True or False"),
    "str": (lambda x: isinstance(x, str), "a word"),
    "int | None": (lambda x: x is None or isinstance(x, (int, np.integer)), "a whole number or None"),
}


def shown(x: Any) -> str:
    """A value as errors show it: dtype and shape of a tensor or array, else its repr, cut after 60 characters."""
    array = x if isinstance(x, (np.ndarray, np.generic)) else getattr(x, "array", None)
    if isinstance(array, np.ndarray):
        return f"{'an array' if array is x else 'a tensor'} {array.dtype} {array.shape}"
    if isinstance(x, (list, tuple)) and any(hasattr(part, "array") for part in x):
        return f"a {type(x).__name__} with {type(x[0]).__name__}s"
    return " ".join(f"{x!r:.60}".split())


def told(name: str, error: Exception, came: Mapping[str, Any], needs: Mapping[str, str] | None = None) -> Exception:
    """`error` with the name of the function, and with the first argument that does not fit its annotation in `needs`.

    `came` holds the arguments by name. An error that begins with the name already is returned as it is.

    >>> told("narrow", TypeError("'<=' not supported"), {"start": "a"}, {"start": "int"})
    TypeError("narrow: start is 'a'; need a whole number")
    >>> told("chunk", ValueError("split: pieces of 0"), {"chunks": 3}, {"chunks": "int"})
    ValueError('chunk: pieces of 0')
    """
    text = str(error)
    if re.match(rf"(Tensor\.)?{name}\b", text):
        return error
    own = type(error).__module__.partition(".")[0] == __package__
    for argument, annotation in (needs or {}).items():
        fits, words = NEEDS.get(annotation, (None, ""))
        if argument in came and fits is not None and not fits(came[argument]):
            return TypeError(f"{name}: {argument} is {shown(came[argument])}; need {words}")
    text = re.sub(r"^(?:\w+: )+", "", text)
    text = re.sub(
        r"Argument '\w+' has incorrect type \(expected numpy.ndarray, got (\w+)\)",
        r"an argument is of type \1; need a tensor or an array",
        text,
    )
    if own or (type(error) in (TypeError, ValueError, IndexError) and re.match(r"\w+: ", str(error))):
        return type(error)(f"{name}: {text}")
    return _plain_kind(error)(f"{name}: {text}; got {', '.join(f'{key} = {shown(x)}' for key, x in came.items())}")


def _plain_kind(error: Exception) -> type[Exception]:
    """The type of error that is raised in place of this one."""
    kind = next((b for a, b in PLAIN.items() if isinstance(error, a)), None)
    return kind or next(base for base in (IndexError, ValueError, TypeError) if isinstance(error, base))


def named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`function`, with errors that begin with this name."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TOLD as error:
            parameters = inspect.signature(function).parameters
            came: dict[str, Any] = dict(zip(parameters, args)) | options
            better = told(name, error, came, {key: str(p.annotation) for key, p in parameters.items()})
            if better is error:
                raise
            raise better from (None if type(error).__module__.partition(".")[0] == __package__ else error)

    return call


# Functions that put_names leaves as they are, because every training step calls them and one more Python call would
# show in its time. Their own errors begin with their names.
IN_STEPS = frozenset({"cross_entropy"})


def put_names(namespace: dict[str, Any], below: str) -> None:
    """Replace each function of the namespace that comes from a module below `below` by `named` of it.

    The function is also replaced in the module that defines it, because pickle looks for it there. Ops are left as they
    are, because their errors have their names already, and one more Python call would add a tenth to their time.
    """
    for name, f in list(namespace.items()):
        if not inspect.isfunction(f) or not f.__module__.startswith(below) or hasattr(f, "op") or name[0] == "_":
            continue
        if name in IN_STEPS:
            continue
        if not hasattr(f, "told_as"):
            namespace[name] = named(f, name)
            namespace[name].told_as = name
            if f.__name__ == name:
                setattr(sys.modules[f.__module__], name, namespace[name])


def described(self: Any) -> str:
    """A repr: the class, and each argument of its __init__ that is an attribute of this name and not the default.

    >>> class Stop:
    ...     __repr__ = described
    ...     def __init__(self, monitor, patience=5, mode=None):
    ...         self.monitor, self.patience, self.mode = monitor, patience, mode
    >>> Stop("val_loss"), Stop("loss", patience=3)
    (Stop(monitor='val_loss'), Stop(monitor='loss', patience=3))
    """
    told = []
    for name, parameter in inspect.signature(type(self).__init__).parameters.items():
        value = self.__dict__.get(name, self.__dict__.get(f"_{name}", parameter.default))
        if value is parameter.default or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not isinstance(value, (bool, int, float, str, tuple, list, np.generic, type(None))):
            value = Named(type(value).__name__)
        if not (isinstance(value, type(parameter.default)) and value == parameter.default):
            told.append(f"{name}={shown(value)}")
    return f"{type(self).__name__}({', '.join(told)})"


class Named(str):
    """A string whose repr has no quotes."""

    __slots__ = ()
    __repr__ = str.__str__
