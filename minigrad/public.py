"""The public face of functions: what goes wrong inside one is said in its own name, with the argument that did it.

`narrow` is written with other ops, and NumPy computes indices. Their errors speak of `view`, of `a` and `b`, or of
objects without a shape, which the caller has never heard of. Nothing is looked at before something has gone wrong.
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

TOLD = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, GraphError)  # what bad arguments lead to
PLAIN = {AttributeError: TypeError, KeyError: ValueError, ArithmeticError: ValueError}  # what is raised in their place
# What an annotation asks for: whether a value has it, and how to say it.
NEEDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Tensor": (lambda x: hasattr(x, "array"), "a tensor: minigrad.tensor(...)"),
    "int": (lambda x: isinstance(x, (int, np.integer)) and not isinstance(x, bool), "a whole number"),
    "float": (lambda x: isinstance(x, (int, float, np.number)), "a number"),
    "bool": (lambda x: isinstance(x, (bool, np.bool_)), "True or False"),
    "str": (lambda x: isinstance(x, str), "a word"),
    "int | None": (lambda x: x is None or isinstance(x, (int, np.integer)), "a whole number or None"),
}


def shown(x: Any) -> str:
    """A value as errors show it: of tensors and arrays dtype and shape, else what it prints, cut after 60 letters."""
    array = x if isinstance(x, (np.ndarray, np.generic)) else getattr(x, "array", None)
    if isinstance(array, np.ndarray):
        return f"{'an array' if array is x else 'a tensor'} {array.dtype} {array.shape}"
    if isinstance(x, (list, tuple)) and any(hasattr(part, "array") for part in x):
        return f"a {type(x).__name__} with {type(x[0]).__name__}s"
    return " ".join(f"{x!r:.60}".split())


def told(name: str, error: Exception, came: Mapping[str, Any], needs: Mapping[str, str] | None = None) -> Exception:
    """The error with the name of the function, and of the argument that is not what its annotation in `needs` asks for.

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
    """The function, whose errors are told in this name."""

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


# They stand in every training step, where a call more would be noticed, and name themselves in what they refuse.
IN_STEPS = frozenset({"cross_entropy"})


def put_names(namespace: dict[str, Any], below: str) -> None:
    """Replace functions that stand in the namespace, and come from modules below `below`, by ones told in their names.

    The same in the modules where they were defined, because pickle looks for a function there. Ops are left alone: they
    name themselves, and a call more would cost them a tenth of their time.
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
    """A repr: the class, and those arguments of its __init__ that the object keeps under their names, but for defaults.

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
    """A word that prints without quotes."""

    __slots__ = ()
    __repr__ = str.__str__
