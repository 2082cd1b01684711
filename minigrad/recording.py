"""Whether ops are recorded: a flag, one per thread, and the `with` blocks that set it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Mode(threading.local):
    recording = True
    step: Any = None  # mg.compile's recorder while this thread records a step: it gets what kernel calls do not show
    draws: Any = None  # mg.checkpoint's list of the random draws of a forward pass, which its repetition uses again


mode = _Mode()


def decided_by_numpy(op: str, *arrays: Any) -> None:
    """Raise if mg.compile records a step and NumPy compares floats: every replay would repeat the recorded answer."""
    if mode.step is not None and any(getattr(x, "dtype", None) is not None and x.dtype.kind == "f" for x in arrays):
        mode.step.comparing(op)


class recording:
    """A `with` block in which ops are recorded (on=True) or not; its end restores the flag, also after an exception."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __enter__(self) -> None:
        self.before, mode.recording = mode.recording, self.on

    def __exit__(self, *error: object) -> None:
        mode.recording = self.before


class no_grad(recording):
    """A `with` block, or a decorated function, in which this thread records no op: results do not require gradients.

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
    """Whether this thread records ops now: False inside of no_grad."""
    return mode.recording


@contextmanager
def aside() -> Iterator[None]:
    """A block that mg.compile does not record, because it only reads numbers."""
    before, mode.step = mode.step, None
    try:
        yield
    finally:
        mode.step = before


def is_repeating() -> bool:
    """Whether this thread repeats a forward pass for minigrad.checkpoint; running statistics are then not updated."""
    return mode.draws is not None and mode.draws.given is not None
