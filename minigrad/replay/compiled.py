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

AGAIN = 3  # a warning is given when a step is recorded again this many times


class Step:
    """A compiled step, made by `compile`.

    Raises TypeError for what is no function. Calls, run and epoch raise ReplayError if the step cannot be replayed,
    NonFiniteError or IndexError if a kernel ends a replayed run with it, and TypeError for arguments that are no
    arrays, tensors or numbers.

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
        """Make one step. The tensors that it returns are constants with memory of their own."""
        entry = self._entry(inputs)
        if not self._ready(entry):
            return self._recorded(entry)
        _, arrays = entry.run(1)
        made = iter(arrays)
        return rebuilt(entry.result, lambda: Tensor(next(made)[0, ...]))

    def run(self, steps: int, *inputs: Any) -> Any:
        """Make `steps` steps with the same arguments; returns the results of all of them, as epoch does."""
        entry, kept, left = self._entry(inputs), Kept(), steps
        while left and not self._ready(entry):
            kept.add(*_kept(self._recorded(entry)))
            left -= 1
        if left:
            kept.add(*entry.run(left))
        return kept.together()

    def epoch(self, loader: Any, first: int | None = None, last: int | None = None) -> Any:
        """Make the steps of an epoch of a loader, for its batches [first, last); returns the results of all of them.

        first None means the position of the loader: the beginning of its next epoch, or where set_position or an
        earlier call with `last` left it. After the last batch the loader is at the next epoch; with a smaller `last` it
        is at that batch, and the next call goes on from there.

        Each tensor that the step returns becomes an array with the number of each step, if it is one number, else a
        list of arrays, one for each step. TypeError or ValueError for a first or last that is no batch of the epoch.
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
            count = entry.steady.steps(columns, chosen)  # at least 1: _ready compared the arguments of the first batch
            kept.add(*entry.gather(columns, chosen[:count]))
            first += count
        return kept.together()

    # --- taps ----------------------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """How many steps were made, in Python or replayed, which is also the number of the next step.

        Taps count by it. Set it if training continues from a restored state. Raises TypeError or ValueError for what is
        no whole number of at least 0.
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
        """Keep an array of the step from now on: a weight, an activation or a gradient, or a part of it.

        what: a parameter or another tensor that outlives the step, kept as it is at the end of the step; with grad=True
        its gradient. Or the name of a kernel call, as explain() prints it ("matmul", "matmul:2", ...): then the array
        that the call writes is kept, as it is right after the call; output is its number if the call writes several.
        at: an index of the part that is kept, a number, a slice or a tuple of them; None means all of it.
        every: steps whose number is a multiple of it are kept; steps: if given, only those of them.

        Returns a Tapped with the numbers of the kept steps in `steps` and the arrays in `values`. A tap costs a copy of
        the array in each kept step. untap(tap) ends it.

        Raises TypeError or ValueError for arguments that make no sense. Raises ValueError or IndexError for an array or
        part that the step does not have: at once if the step is recorded, else after the next step.

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
        """Stop a tap; what it has kept stays in it. ValueError if the tap is not one of this step."""
        if tap not in self._taps.taps:
            raise ValueError(f"untap: {tap!r} is no tap of {self.__name__}, or no longer")
        self._taps.taps.remove(tap)

    # --- looking into it -----------------------------------------------------------------------------------------

    def explain(self) -> str:
        """The kernel calls of the step in order: microseconds, bytes read and written, shapes, the line that called.

        There is one table for each shape of arguments that is replayed. The times are the smallest of 20 steps, whose
        changes are undone.
        """
        ready = [entry for entry in self._entries.values() if entry.program is not None]
        if not ready:
            return f"{self.__name__}: nothing is recorded yet; call it twice with the same shapes"
        return "\n\n".join(explain(entry) for entry in ready)

    def check(self, *inputs: Any) -> str:
        """Make one step in Python and replay one, from the same state; ReplayError unless all bits are equal.

        Compared are the results, the gradients, and every array that the kernels of the step write and that outlives
        it: parameters, states, buffers. In the end one step has been made, or more if it had to be recorded first.
        Anomaly mode, trace and profile do not see these steps.
        """
        entry = self._entry(inputs)
        view, engine._watch = engine._watch, None  # while a watch is set, _ready is False
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
        """Whether the entry can be replayed as it is; if something changed, its recordings are dropped."""
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
    """A step that is recorded in its first two calls, and replayed afterwards, with the same bits.

    function makes one step of training, or computes anything else with minigrad's ops. It is called with arrays,
    tensors or numbers, and gets them as tensors. A replay is a loop over the recorded kernel calls, without Python:
    `step(x, y)` makes one step, `step.epoch(loader)` the steps of an epoch, `step.run(n, x, y)` n steps. Each
    combination of shapes of the arguments is recorded by itself.

    Raises TypeError for what is no function. A call of the step raises ReplayError if it cannot be replayed: the error
    names the op, the line and what would do.

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
    """The arrays of whose rows batches consist; None if a batch is made in another way, such as by transforms."""
    columns = [loader.x, loader.y, *([] if loader.weight is None else [loader.weight])]
    plain = not loader.transforms and all(isinstance(column, np.ndarray) for column in columns)
    return columns if plain else None
