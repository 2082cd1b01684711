"""mg.compile: a training step that runs as Python twice, and from then on as a list of kernel calls."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from .. import engine
from ..checks import whole
from ..convert import owned
from ..engine import Tensor
from ..errors import ReplayError
from .entry import Entry
from .inspection import check, explain
from .results import Kept, rebuilt, tensors_of
from .taps import Tapped, Taps

AGAIN = 3  # a warning is given when a step is recorded again for this time


class Step:
    """A compiled step: made by `compile`, which see.

    TypeError for what is no function; ValueError from untap for a tap that is none of its own.

    >>> import minigrad as mg
    >>> @mg.compile
    ... def step(x):
    ...     return (x * x).sum()
    >>> type(step).__name__, float(step(mg.tensor([1.0, 2.0])).numpy())
    ('Step', 5.0)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(
                f"compile: got a {type(function).__name__}; need a function: @mg.compile above def step(x, y)"
            )
        self.function = function
        self._entries: dict[tuple, Entry] = {}
        self._taps = Taps()
        self._again = 0
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        functools.update_wrapper(self, function)

    def __call__(self, *inputs: Any) -> Any:
        """One step. Its results are constants: tensors with memory of their own."""
        entry = self._entry(inputs)
        if not self._ready(entry):
            return self._recorded(entry)
        _, arrays = entry.run(1)
        made = iter(arrays)
        return rebuilt(entry.result, lambda: Tensor(next(made)[0, ...]))

    def run(self, steps: int, *inputs: Any) -> Any:
        """`steps` steps with the same arguments; what they return, kept: see epoch."""
        entry, kept, left = self._entry(inputs), Kept(), steps
        while left and not self._ready(entry):
            kept.add(*_kept(self._recorded(entry)))
            left -= 1
        if left:
            kept.add(*entry.run(left))
        return kept.together()

    def epoch(self, loader: Any, first: int | None = None, last: int | None = None) -> Any:
        """The steps of an epoch of a loader, batches [first, last); what they return, kept.

        first: where the loader stands if None, which is at the beginning of its next epoch, or where set_position or
        an earlier `last` left it. Behind the last batch the loader stands at the next epoch, and where `last` was
        before it, at that batch, from which the next call goes on.

        For each tensor that the step returns: where it is one number, an array with the number of each step, else a
        list of arrays, one for each step.
        """
        kept = Kept()
        first = loader._start if first is None else whole(first, "epoch: first", 0, len(loader) + 1)
        stop = len(loader) if last is None else min(whole(last, "epoch: last", 0), len(loader))
        epoch, size = loader.epoch, loader.batch_size
        order, columns = loader.order(epoch), columns_of(loader)
        loader.set_position(*((epoch + 1, 0) if stop == len(loader) else (epoch, max(first, stop))))
        while first < stop:
            rows = order[first * size : (first + 1) * size]
            entry = self._entry(loader._batch(order, epoch, first))
            if not self._ready(entry):
                kept.add(*_kept(self._recorded(entry)))
                first += 1
                continue
            if columns is None:
                kept.add(*entry.run(1))
                first += 1
                continue
            count = max(1, min(stop, len(order) // size) - first) if len(rows) == size else 1
            chosen = order[first * size : first * size + count * len(rows)].reshape(count, len(rows))
            count = entry.steady.steps(columns, chosen)  # at least 1: the arguments in place are those of the first
            kept.add(*entry.gather(columns, chosen[:count]))
            first += count
        return kept.together()

    # --- taps ----------------------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """How many steps were made, which is the number of the next one, in Python and replayed alike.

        Taps count by it. Set it where training goes on from a restored state.
        """
        return self._taps.number

    @number.setter
    def number(self, number: int) -> None:
        self._taps.number = whole(number, "number", 0)

    def tap(
        self,
        what: Tensor | str,
        every: int = 1,
        steps: Collection[int] | None = None,
        at: Any = None,
        output: int = 0,
        grad: bool = False,
    ) -> Tapped:
        """Keep an array of the step from now on: a weight, an activation, a gradient, whole or in part.

        what: a parameter or another tensor that outlives the step, kept as it is when the step is over; with grad=True
        its gradient. Or the name of a kernel call, as explain() prints it ("matmul", "matmul:2", ...): kept is the
        array that the call writes, as it is right behind the call; output is its number where there are several.
        at: an index or a tuple of them, numbers and slices, of the part that is kept; None: all of it.
        every: steps whose number is a multiple of it are kept; steps: of those only these.

        The Tapped that comes back has the numbers `steps` and the `values`. It costs a copy of the array in each step
        that is kept. untap(it) ends it. ValueError or IndexError for what the step does not have: at once where it is
        recorded, else behind the next step.

        >>> import minigrad as mg
        >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = mg.optim.SGD([w], lr=0.25)
        >>> @mg.compile
        ... def step():
        ...     optimizer.zero_grad()
        ...     loss = (w * w).sum()
        ...     loss.backward()
        ...     optimizer.step()
        >>> weights, gradient, squares = step.tap(w, every=2), step.tap(w, at=1, grad=True), step.tap("mul", steps=[4])
        >>> step.run(5)
        >>> weights.steps.tolist(), weights.values.tolist()
        ([0, 2, 4], [[0.5, -1.0], [0.125, -0.25], [0.03125, -0.0625]])
        >>> gradient.values.tolist(), squares.values.tolist()
        ([-4.0, -2.0, -1.0, -0.5, -0.25], [[0.00390625, 0.015625]])
        """
        made = Tapped(what, every, steps, at, output, grad)
        for entry in self._entries.values():
            if entry.program is not None:
                self._taps.place(made, entry.record_, entry.gradients)
        self._taps.taps.append(made)
        return made

    def untap(self, tap: Tapped) -> None:
        """Stop a tap; what it has kept stays. ValueError if the tap is not one of this step."""
        if tap not in self._taps.taps:
            raise ValueError(f"untap: {tap!r} is no tap of {self.__name__}, or no longer")
        self._taps.taps.remove(tap)

    # --- looking into it -----------------------------------------------------------------------------------------

    def explain(self) -> str:
        """The kernel calls of the step in order: microseconds, bytes read and written, shapes, the line that called.

        For each shape of arguments that is replayed; the times are the least of 20 steps, whose changes are undone.
        """
        ready = [entry for entry in self._entries.values() if entry.program is not None]
        if not ready:
            return f"{self.__name__}: nothing is recorded yet; call it twice with the same shapes"
        return "\n\n".join(explain(entry) for entry in ready)

    def check(self, *inputs: Any) -> str:
        """One step in Python and one replayed, from the same state; ReplayError unless all bits are equal.

        Compared are the results, the gradients, and every array that the kernels of the step write and that lives
        longer: parameters, states, buffers. Afterwards the step is made once, or more often where it had to be
        recorded first. Views of ops (anomaly mode, trace, profile) do not see it.
        """
        entry = self._entry(inputs)
        view, engine._watch = engine._watch, None  # while a view is on, nothing is ready to be replayed
        try:
            while not self._ready(entry):
                self._recorded(entry)
            return check(entry)
        finally:
            engine._watch = view

    # --- programs by shape ---------------------------------------------------------------------------------------

    def _entry(self, inputs: Any) -> Entry:
        arrays = [as_array(x, i) for i, x in enumerate(inputs)]
        key = tuple((array.shape, array.dtype.str) for array in arrays)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry(self.function, arrays, self._taps)
        else:
            entry.fill(arrays)
        return entry

    @staticmethod
    def _recorded(entry: Entry) -> Any:
        made = entry.record()
        if entry.refused is not None:
            raise entry.refused
        return made

    def _ready(self, entry: Entry) -> bool:
        """Whether the entry can be replayed as it is; where something changed, it is recorded again."""
        if entry.program is None or engine._watch is not None:  # anomaly mode looks at every op
            return False
        why = entry.changed()
        if not why and entry.other_arguments():
            entry.forget()
            return False
        if why:
            entry.forget()
            self._again += 1
            if self._again == AGAIN:
                warnings.warn(
                    f"compile: {self.__name__} is recorded again for the third time, because {why} changed; each time "
                    "it runs twice in Python",
                    stacklevel=4,
                )
            return False
        return True

    def __repr__(self) -> str:
        ready = sum(entry.program is not None for entry in self._entries.values())
        return f"<compiled {self.__name__}: {ready} of {len(self._entries)} shapes replayed>"


def compile(function: Callable[..., Any]) -> Step:
    """A step that is recorded when it is called for the first two times, and replayed afterwards, with the same bits.

    function takes arrays or tensors and does one step of training, or anything else that is made of minigrad's ops: it
    gets its arguments as tensors. What it returns is kept. A replay is a loop over the recorded kernel calls, without
    Python: `step(x, y)` makes one step, `step.epoch(loader)` the steps of an epoch, `step.run(n, x, y)` n steps. Each
    shape of the arguments is recorded by itself.

    ReplayError where the step cannot be replayed: it names the op, the line and the cure.

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(2, 1)
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> @mg.compile
    ... def step(x, y):
    ...     optimizer.zero_grad()
    ...     loss = mg.mse(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> losses = step.run(200, [[0.0, 1.0], [1.0, 0.0]], [[1.0], [2.0]])
    >>> losses.shape, bool(losses[-1] < 1e-3)
    ((200,), True)
    """
    return Step(function)


def as_array(x: Any, place: int) -> np.ndarray:
    """An argument of a step as an array; for a tensor it is the tensor's array, not a copy."""
    if isinstance(x, Tensor):
        if x.tracked:
            raise ReplayError(
                f"compile: argument {place} requires grad, and its graph would be lost; let the step use it directly"
            )
        return x.array
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
        return x
    if isinstance(x, (list, tuple, int, float, np.generic)):
        return owned(x, op="compile")
    raise TypeError(f"compile: argument {place} is a {type(x).__name__}; need arrays, tensors or numbers")


def _kept(result: Any) -> tuple[Any, list[np.ndarray]]:
    return result, [t.array[None] for t in tensors_of(result)]


def columns_of(loader: Any) -> list[np.ndarray] | None:
    """The arrays that a batch takes rows of; None where a batch is more than rows of arrays."""
    columns = [loader.x, loader.y, *([] if loader.weight is None else [loader.weight])]
    plain = not loader.transforms and all(isinstance(column, np.ndarray) for column in columns)
    return columns if plain else None
