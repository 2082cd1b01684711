"""Anomaly mode: stop at the first NaN or infinity, forward or backward, and say which line of the user's made it."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from ..dtypes import REAL
from ..engine import Tensor
from ..errors import NonFiniteError
from ..op import Op
from .lookout import Lookout, caller, in_walk


class anomaly(Lookout):
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

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.places.clear()

    def look(
        self,
        op: Op,
        y: Tensor,
        inputs: tuple,
        options: dict,
        i: int | None = None,
        g: Any = None,
        gradient: Any = None,
    ) -> None:
        if i is None:
            place, stamp = caller(), y.stamp
            self.places[stamp] = weakref.ref(y, lambda _: self.places.pop(stamp, None)), place
            if self._bad(y) and not any(map(self._bad, inputs)) and not in_walk():  # there, the rule's gradient tells
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
