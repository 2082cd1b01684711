"""Whether ops are recorded: a switch of each thread, and the blocks that set it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any


class _Mode(threading.local):
    recording = True


mode = _Mode()


class recording:
    """Record ops, or not, inside a `with`; what was before returns at its end, also after an exception."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __enter__(self) -> None:
        self.before, mode.recording = mode.recording, self.on

    def __exit__(self, *error: object) -> None:
        mode.recording = self.before


class no_grad(recording):
    """A `with` block, or a decorated function, in which no op is recorded; holds for the present thread.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> with mg.no_grad():
    ...     (w * 2).requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(False)

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with no_grad():
                return function(*args, **kwargs)

        return wrapped


def is_grad_enabled() -> bool:
    """Whether ops are recorded now, in this thread."""
    return mode.recording
