"""A step being recorded: every kernel call with what it reads and writes, and whatever else a replay needs."""

from __future__ import annotations

import inspect
import linecache
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from .. import kernels as K
from ..engine import Tensor
from ..errors import ReplayError
from ..kernels import reference
from ..nn.module import Module
from ..recording import mode
from .blocks import Block, Blocks, arrays_in, checksum

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
READING: tuple[str, ...] = (
    "data",
    "numpy",
    "__array__",
    "__array_ufunc__",
    "__array_function__",
    "item",
    "__repr__",
    "__format__",
)
READING += ("tolist", "__float__", "__int__", "__bool__", "__dlpack__", "__buffer__")
IN_TABLES = ("lr", "weight_decay", "initial_lr")  # options that a replay reads from a table, written for each step
ARGUMENTS = {name: tuple(inspect.signature(getattr(reference, name)).parameters) for name in K.NAMES}
_one_at_a_time = threading.Lock()
_places: dict[int, tuple[Any, Any]] = {}  # id of a constant -> (a weak reference to it, the array that copy_ writes)


class Call:
    """A call of a kernel of the table: its arguments, the user's line that led to it, and its notes.

    notes: (name, bytes of the struct) of each native kernel that ran in the call.
    """

    __slots__ = ("arguments", "held", "kernel", "name", "notes", "options", "reads", "where", "writes")

    def __init__(self, name: str, kernel: Callable, arguments: tuple, options: dict[str, Any]) -> None:
        self.name, self.kernel, self.arguments, self.options = name, kernel, arguments, options
        self.where = users_line()
        self.notes: list[tuple[str, bytes]] = []
        self.held: list[np.ndarray] = []  # copies that the kernel made of arguments
        self.reads: list[np.ndarray] = []
        self.writes: list[np.ndarray] = []
        named = {**dict(zip(ARGUMENTS[name], arguments)), **options}
        written = reference.WRITES.get(name, ("out",))
        for argument, value in named.items():
            if argument == "table":
                self._take_table(value)
            else:
                (self.writes if argument in written else self.reads).extend(arrays_in(value))
        if name in reference.ADDS or options.get("accumulate"):
            self.reads += self.writes

    def _take_table(self, table: Any) -> None:
        changed = [*table.params, *(array for state in table.states for array in state)]
        numbers = [table.scalars, *([] if table.counters is None else [table.counters])]
        self.reads += [array for array in [*changed, *numbers] if array.size]
        self.writes += [array for array in [*changed, *numbers, table.sums] if array.size]

    def blocks(self, found: Blocks) -> list[Block]:
        """All blocks that the call touches."""
        return [found.of(array) for array in [*self.reads, *self.writes, *self.held]]


class Draw:
    """One draw from a stream of random numbers: the counter that it came from, and its key and stream."""

    __slots__ = ("key", "layer", "purpose", "source", "stream")

    def __init__(self, source: Any, purpose: int, layer: Any, found: tuple[int, int]) -> None:
        self.source, self.purpose, self.layer = source, purpose, layer
        self.key, self.stream = found


class Recorder:
    """The value of `mode.step` while a step is recorded. The library calls it for draws, optimizers and the like."""

    def __init__(self, before: Recorder | None = None, taps: Any = None) -> None:
        # The content of the former recording's blocks as this one begins: Python may have changed it in between.
        self._opening = {b.start: (b.size, checksum(b.start, b.size)) for b in before.blocks.blocks} if before else {}
        self._options = {id(optimizer): options_of(optimizer) for optimizer in before.optimizers} if before else {}
        self.calls: list[Call] = []
        self.blocks: Blocks = Blocks()
        self.draws: list[Draw] = []
        self.optimizers: list[Any] = []
        self.schedules: list[Any] = []
        self.events: list[Any] = []  # the steps of optimizers and schedules, in order
        self.values: list[tuple[Any, Any, list[Tensor]]] = []  # (terms, an entry of them, its values in this step)
        self.terms: list[Any] = []
        self.placed: list[Tensor] = []  # constants that copy_ wrote
        self.modules: dict[int, Module] = {}
        self.held: list[Tensor] = []  # parameters whose gradients are read after a step
        self.observed: list[tuple[list[np.ndarray], Callable[[list[float]], None]]] = []  # see observe
        self._inside = False
        self._tell = (lambda call: None) if taps is None else taps.begin()  # called with each call

    # --- what the library calls ----------------------------------------------------------------------------------

    def drawn(self, source: Any, purpose: int, found: tuple[int, int]) -> None:
        """Streams (rng.Streams) gave a call number of this purpose."""
        self.draws.append(Draw(source, purpose, None, found))

    def drew(self, layer: Any, found: tuple[int, int]) -> None:
        """A layer drew: from its own streams if it has a seed; else the last draw was made for it."""
        if layer.seed is not None:
            self.draws.append(Draw(layer, layer.purpose, layer, found))
        elif self.draws:
            self.draws[-1].layer = layer

    def called(self, module: Module) -> None:
        """A module is called. Its parts are noted too, because some may be used without a call."""
        if id(module) not in self.modules:
            self.modules.update({id(part): part for _, part in module.named_modules()})

    def stepped(self, optimizer: Any) -> None:
        """An optimizer, or another object with tables, is making its step."""
        if not any(optimizer is known for known in self.optimizers):
            self.optimizers.append(optimizer)
        self._same_options(optimizer)
        self.events.append(optimizer)

    def observe(self, numbers: list[np.ndarray], note: Callable[[list[float]], None]) -> None:
        """Call note(numbers) for every step: for this one at its end, for replayed ones after their run."""
        self.observed.append((numbers, note))

    def hold(self, parameters: Iterable[Tensor]) -> None:
        """The gradients of these parameters will be read after the step."""
        self.held += parameters

    def finish(self) -> None:
        """The step is over. Raise if it changed options of its optimizers in another way than by a schedule."""
        for optimizer in self.optimizers:
            self._same_options(optimizer)
        for numbers, note in self.observed:
            note([float(number) for number in numbers])

    def _same_options(self, optimizer: Any) -> None:
        before = self._options.get(id(optimizer))
        if before is None:
            return
        for name, value in options_of(optimizer).items():
            if before.get(name, value) == value:
                continue
            changes = f"{name[1]} ({before[name]!r}, then {value!r})"
            if not self.schedules:
                why = f"the step sets {changes}: set it between two steps, or let a schedule set it"
                raise refusal(optimizer.name, f"{why}, whose step() may stand in the step", users_line())
            if name[1] not in IN_TABLES or (getattr(optimizer, "_grouped", None) and optimizer._grouped.entries):
                whose = "it" if name[1] not in IN_TABLES else "its terms on groups in the prox"
                why = f"a schedule sets {changes}, which {whose} cannot read from a table: call its step() between two"
                raise refusal(optimizer.name, f"{why} steps, or train by fit(compile=True)", users_line())

    def scheduled(self, schedule: Any) -> None:
        """A schedule is setting the options of its optimizer."""
        if not any(schedule is known for known in self.schedules):
            self.schedules.append(schedule)
        self.events.append(schedule)

    def valued(self, terms: Any, entry: Any, values: list[Tensor]) -> None:
        """An entry of terms was computed for a loss."""
        self.values.append((terms, entry, values))

    def place_of(self, t: Tensor) -> np.ndarray:
        """The array that copy_ writes for a constant: from the first recorded step on it is always the same one."""
        self.placed.append(t)
        held, array = _places.get(id(t), (None, None))
        if held is None or held() is not t or array is not t.array:
            array = K.empty(t.array.shape, t.array.dtype)
            key = id(t)
            _places[key] = weakref.ref(t, lambda _: _places.pop(key, None)), array
        return array

    def termed(self, terms: Any) -> None:
        """Terms are being added to a loss."""
        if not any(terms is known for known in self.terms):
            self.terms.append(terms)

    # --- calls ---------------------------------------------------------------------------------------------------

    def call(self, name: str, kernel: Callable, arguments: tuple, options: dict[str, Any]) -> Any:
        """Run a kernel of the table and note the call."""
        if self._inside:
            return kernel(*arguments, **options)
        if name in reference.REFUSED:
            raise refusal(name, reference.REFUSED[name], users_line())
        if name == "contiguous":
            return self._contiguous(*arguments)
        if name == "copy" and isinstance(arguments[0], np.ndarray) and arguments[0].dtype == np.bool_:
            name, kernel, arguments = "where", _kernel("where"), (arguments[0], 1.0, 0.0, arguments[1])
        call = Call(name, kernel, arguments, options)
        self._before(call)
        native = K.backend() == "native"
        if native:
            K.tape.collect()
        self._inside = True
        try:
            result = kernel(*arguments, **options)
        finally:
            self._inside = False
        if native:
            call.notes, call.held = K.tape.collect()
            if not call.notes and not call.writes and reference.WRITES.get(name, True):
                return result  # its outputs have no elements, so the kernel did nothing
            if not call.notes or any(None in noted for noted in call.notes):
                raise refusal(name, f"{_what(call)} is computed without a kernel that notes itself", call.where)
        self._after(call)
        self.calls.append(call)
        self._tell(call)
        return result

    def _contiguous(self, x: np.ndarray) -> np.ndarray:
        if x.flags.carray or (x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative):
            return x
        out = np.empty(x.shape, x.dtype.newbyteorder("="))
        self.call("copy", _kernel("copy"), (x, out), {})
        return out

    def _before(self, call: Call) -> None:
        for array in call.reads:
            block = self.blocks.of(array)
            if block.read_first is None:
                block.read_first = True
                size, opening = self._opening.get(block.start, (0, 0))
                if size == block.size:
                    block.checksum = opening
            self._unchanged(block, call)
        for array in call.writes:
            block = self.blocks.of(array)
            if block.read_first is None:
                block.read_first = False
            else:
                self._unchanged(block, call)

    def _unchanged(self, block: Block, call: Call) -> None:
        if block.changed() and not any(block.owner is known for known in self.numbers()):
            what = "something else than a kernel of the step changed an array that it uses, in the middle of the step"
            cure = "NumPy and other threads that write into arrays of a model or an optimizer are not replayed"
            raise refusal(call.name, f"{what}: {cure}", call.where)

    def _after(self, call: Call) -> None:
        for array in call.held:
            self.blocks.of(array).read_first = False
        for array in call.writes:
            block = self.blocks.of(array)
            block.written = True
            block.used()

    def let_go(self) -> None:
        """Drop the calls and their arrays, after the record has turned them into plain data."""
        self.calls = []
        self.blocks.let_go()

    def numbers(self) -> list[np.ndarray]:
        """The arrays that hold options of optimizers: they are written before each run."""
        return [table.segments.scalars for optimizer in self.optimizers for table in getattr(optimizer, "_tables", ())]

    def refuse(self, name: str, why: str) -> NoReturn:
        """Raise because an op computes in Python, which a replay does not run."""
        raise refusal(name, why, users_line())

    def hooked(self, changed: Any) -> Any:
        """What a hook of a tensor returned; raise if that is None, because then it has an effect outside the step."""
        why = "it returns nothing, so that it is there for something beside the step: let it return the gradient"
        return self.refuse("a hook of a tensor", why) if changed is None else changed

    def reading(self, what: str) -> NoReturn:
        """Raise because Python read numbers of a tensor: a replay does not run Python."""
        raise ReplayError(
            f"{what} of a tensor inside a step that mg.compile records{at_line(users_line())}: a replay runs no "
            "Python, so that it would not happen again. Return the tensor from the step, and look at it outside"
        )

    def comparing(self, op: str) -> NoReturn:
        """Raise because NumPy compares floats: all replays would repeat the answers of the recordings."""
        raise ReplayError(
            f"{op} of real numbers inside a step that mg.compile records{at_line(users_line())}: NumPy compares, and a "
            "replay runs no Python, so that it would keep the first answers. relu, maximum, minimum and clamp choose "
            "by kernels; or compare outside of the step, and pass the answers as an argument"
        )


def _kernel(name: str) -> Callable:
    found = getattr(K, name)
    return getattr(found, "__wrapped__", found)


def _what(call: Call) -> str:
    """A call as refusals describe it: copy of bool (3,) to float32 (3,)."""
    parts = [f"{array.dtype} {array.shape}" for array in [*call.reads, *call.writes]]
    return f"{call.name} of {', '.join(parts)}" if parts else call.name


def options_of(optimizer: Any) -> dict[tuple[int, str], Any]:
    """The options of each group of an optimizer, and the strengths of its terms."""
    groups = enumerate(getattr(optimizer, "param_groups", ()))
    found = {(i, name): value for i, group in groups for name, value in group.items() if name != "params"}
    for terms in getattr(optimizer, "bound_terms", ()):
        for i, entry in enumerate(terms.entries):
            found[i, f"the l1 of {entry.name}"] = getattr(entry.term, "l1", None)
            found[i, f"the l2 of {entry.name}"] = getattr(entry.term, "l2", None)
    return found


def users_line() -> tuple[str, int]:
    """The innermost line outside of minigrad that led here: (file, line)."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)


def at_line(where: tuple[str, int]) -> str:
    file, line = where
    if not file:
        return ""
    text = linecache.getline(file, line).strip()
    return f", in {os.path.basename(file)}, line {line}" + (f" ({text})" if text else "")


def refusal(name: str, why: str, where: tuple[str, int]) -> ReplayError:
    """The error for a step that cannot be replayed: the op, the user's line, what would do."""
    return ReplayError(f"compile: {name}{at_line(where)} cannot be replayed: {why}")


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """A block in which the recorder gets this thread's kernel calls, and reading numbers of tensors raises."""
    if mode.step is not None:
        raise ReplayError("compile: a compiled step is called inside another one that is being recorded")
    with _one_at_a_time:
        before = {name: getattr(K, name) for name in K.NAMES if name not in reference.SILENT}
        readers = {name: Tensor.__dict__[name] for name in READING if name in Tensor.__dict__}
        call = Module.__call__
        mode.step = recorder
        try:
            for name, kernel in before.items():
                setattr(K, name, _guarded(name, kernel))
            for name, reader in readers.items():
                setattr(Tensor, name, _refusing(name, reader))
            Module.__call__ = _noted_call(call)  # type: ignore[method-assign]
            if K.backend() == "native":
                K.tape.start()
            yield
        finally:
            if K.tape is not None:
                K.tape.stop()
            Module.__call__ = call  # type: ignore[method-assign]
            for name, reader in readers.items():
                setattr(Tensor, name, reader)
            for name, kernel in before.items():
                setattr(K, name, kernel)
            mode.step = None


def _guarded(name: str, kernel: Callable) -> Callable:
    def guarded(*arguments: Any, **options: Any) -> Any:
        if mode.step is None:  # another thread
            return kernel(*arguments, **options)
        return mode.step.call(name, kernel, arguments, options)

    guarded.__wrapped__ = kernel  # type: ignore[attr-defined]
    return guarded


def _refusing(name: str, reader: Any) -> Any:
    what = {"__repr__": "print", "__format__": "print", "data": ".data"}.get(name, f".{name}()")

    def refusing(t: Tensor, *arguments: Any, **options: Any) -> Any:
        if mode.step is not None:
            mode.step.reading(what)
        if isinstance(reader, property):
            return reader.fget(t)  # type: ignore[misc]
        return reader(t, *arguments, **options)

    return property(refusing, reader.fset) if isinstance(reader, property) else refusing


def _noted_call(call: Callable) -> Callable:
    def noted(module: Module, *arguments: Any, **options: Any) -> Any:
        if mode.step is not None:
            mode.step.called(module)
        return call(module, *arguments, **options)

    return noted
