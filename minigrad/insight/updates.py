"""Looking on at every step of every optimizer: what it found, and what it left."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

Look = Callable[[Any], Any]
STEPPING: list[type] = []  # the base of the optimizers, which stands on a higher floor and tells of itself


def stepping(kind: type) -> type:
    """A class decorator: its step, and that of the classes that are made from it, is what Updates looks at."""
    STEPPING.append(kind)
    return kind


class Updates:
    """While it is on, `before` and `after` are called around each optimizer.step(); inner calls of step are not told.

    They hold for the whole process. Where step raises, after is called all the same.
    """

    def __init__(self, before: Look, after: Look) -> None:
        self.before, self.after = before, after
        self._inside = 0
        self._kept: list[tuple[Any, Any]] = []

    def start(self) -> None:
        """Look on from now."""
        self._kept = [
            (kind, kind.__dict__["step"]) for base in STEPPING for kind in _kinds(base) if "step" in kind.__dict__
        ]
        for kind, step in self._kept:
            kind.step = self._told(step)

    def stop(self) -> None:
        """Look on no more."""
        for kind, step in self._kept:
            kind.step = step
        self._kept = []

    def _told(self, step: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(step)
        def told(optimizer: Any, *args: Any, **options: Any) -> Any:
            if self._inside:
                return step(optimizer, *args, **options)
            self._inside += 1
            self.before(optimizer)
            try:
                return step(optimizer, *args, **options)
            finally:
                self._inside -= 1
                self.after(optimizer)

        return told


def _kinds(kind: Any) -> Iterator[Any]:
    """A class and those that are made from it."""
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)
