"""Keywords of estimators: one that is not taken is refused by the class's name, with the names to use instead."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..checks import refuse_unknown


def named(instead: Mapping[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator of __init__; `instead` says for keywords of other libraries what to use here.

    >>> class Model:
    ...     @named({"alpha": "l2=alpha / m"})
    ...     def __init__(self, l2=0.0): ...
    >>> Model(alpha=1.0)
    Traceback (most recent call last):
      ...
    TypeError: Model: unknown keyword 'alpha'; use l2=alpha / m
    """

    def decorate(init: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(init)
        known = [name for name in signature.parameters if name != "self"]

        @functools.wraps(init)
        def checked(self: Any, *values: Any, **keywords: Any) -> None:
            who = type(self).__name__
            for name in keywords:
                if name in instead and name not in known:
                    raise TypeError(f"{who}: unknown keyword {name!r}; use {instead[name]}")
            refuse_unknown(who, keywords, known)
            try:
                signature.bind(self, *values, **keywords)
            except TypeError as error:
                raise TypeError(f"{who}: {error}; it takes {signature}".replace("(self, ", "(")) from None
            init(self, *values, **keywords)

        return checked

    return decorate
