"""Anomaly mode: stop at the first NaN or infinity, forward or backward, and say which line of the user's made it."""

from __future__ import annotations

import os
import sys
import weakref
from typing import Any

import numpy as np

from .. import engine
from ..dtypes import REAL
from ..engine import Tensor
from ..errors import NonFiniteError
from ..op import Op

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # the package


class anomaly:
    """A `with` block in which the first result or gradient that is not finite raises NonFiniteError.

    The error names the op, the shapes, and the file and line that called it; for a gradient, also where its op was
    called in the forward pass. `infinities=False` lets infinities pass, and stops at NaN only (a mask of -inf before a
    softmax is no mistake). What comes in non-finite is not the op's doing: only results from finite arguments stop.
    The mode holds for the whole process and costs a look at every number, so it is for finding a fault.

    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 1.0], requires_grad=True)
    >>> with mg.debug.anomaly():
    ...     mg.log(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minigrad.errors.NonFiniteError: log: 1 of 2 results is not finite (-inf at (0,)), from x (2,); called at ...
    """

    def __init__(self, infinities: bool = True) -> None:
        self.good = np.isfinite if infinities else _no_nan
        self.kind = "not finite" if infinities else "NaN"
        self.places: dict[int, tuple[weakref.ref[Tensor], str]] = {}  # stamp of a result -> where it was made

    def __enter__(self) -> anomaly:
        self.before, engine._watch = engine._watch, self._look
        return self

    def __exit__(self, *error: object) -> None:
        engine._watch = self.before
        self.places.clear()

    def _look(self, op: Op, y: Tensor, inputs: tuple, gradient: Any) -> None:
        """Called by the engine with each result y of an op, and with the gradient that a rule gave for an input."""
        if gradient is None:
            place, stamp = _caller(), y.stamp
            self.places[stamp] = weakref.ref(y, lambda _: self.places.pop(stamp, None)), place
            if self._bad(y) and not any(map(self._bad, inputs)) and not _in_walk():  # there, the rule's gradient tells
                raise NonFiniteError(
                    f"{op.name}: {self._count(y, 'result')}, from {_shapes(op, inputs)}; called at {place}"
                )
        elif self._bad(gradient) and not any(map(self._bad, inputs)):
            made = self.places.get(y.stamp, (None, "a line outside of the anomaly block"))[1]
            raise NonFiniteError(
                f"backward of {op.name}: {self._count(gradient, 'element')} of a gradient, for "
                f"{_shapes(op, inputs)}; the op was called at {made}"
            )

    def _bad(self, x: Any) -> bool:
        if isinstance(x, Tensor):
            return x.array.dtype in REAL and not self.good(x.array).all()
        return isinstance(x, float) and not self.good(x)

    def _count(self, y: Tensor, what: str) -> str:
        wrong = np.argwhere(~self.good(y.array))
        first = tuple(wrong[0].tolist())
        verb = "is" if len(wrong) == 1 else "are"
        many = f"{len(wrong)} of {y.array.size} {what}{'s' if y.array.size > 1 else ''} {verb} {self.kind}"
        return f"{many} ({y.array[first]} at {first})"


def _no_nan(x: Any) -> Any:
    return ~np.isnan(x)


def _shapes(op: Op, inputs: tuple) -> str:
    """The arguments of an op as errors name them: a (3, 4), b 2.0."""
    pairs = zip(op.names, inputs)
    return ", ".join(f"{name} {x.array.shape if isinstance(x, Tensor) else x!r:.40}" for name, x in pairs)


def _in_walk() -> bool:
    """Whether the op that was just called is part of a rule."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code is not engine.walk.__code__:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None


def _caller() -> str:
    """The innermost line on the stack that is not minigrad's own: file:line in function."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
