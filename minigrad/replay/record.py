"""Two recordings of a step are compared. If they agree, their list of calls can be replayed.

An array is compared by its block of memory and its place in the block. A block of the second recording is

    kept       the same memory in both: parameters, states, inputs, arrays that live longer than a step
    made       written before it is read: intermediate results of the step
    constant   read, but written by no kernel: made by Python in each step, with the same content both times

The numbers of random streams may differ. Any other difference comes from Python between the calls, which a replay does
not run, so it is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from ..errors import ReplayError
from .arena import MADE, Memory
from .blocks import Block
from .plain import WORD, Form, Launch, Noted, Place, Slot, written
from .recorder import Call, Draw, Recorder, refusal

CURE = "pass it as an argument of the step, or make it part of the optimizer"
KEPT, CONSTANT = "kept", "constant"


class Record:
    """The calls of a step as plain data, and the blocks by number; `kinds[number]` is KEPT, MADE or CONSTANT."""

    def __init__(self, first: Recorder, second: Recorder) -> None:
        self.draws = second.draws
        self.recorder = second
        self.native = K.backend() == "native"
        self.slots: list[Slot] = []
        self.kinds: dict[int, str] = {}
        self._places: list[list[list[Place]]] = []  # the pointers of each note of each call
        self._first, self._second = first, second
        self._other: dict[int, int] = {}  # start of a block of the first recording -> start in the second
        self._memory: Memory | None = None
        self._compare()
        self.calls = [self._noted(call, found) for call, found in zip(second.calls, self._places)]
        del self._first, self._other, self._places  # with the arrays of the first recording

    @property
    def blocks(self) -> list[Block]:
        """All blocks, by number."""
        return self._second.blocks.blocks

    @property
    def memory(self) -> Memory:
        """Where the blocks lie. It is decided at the first use, at which no step may be running."""
        if self._memory is None:
            self._memory = Memory(self)
        return self._memory

    def plain(self) -> dict[str, Any]:
        """The record as lists, strings, numbers and bytes: see plain.py."""
        return written(self.calls, self.slots, [(b.size, self.kinds[b.number]) for b in self.blocks])

    def _noted(self, call: Call, places: list[list[Place]]) -> Noted:
        launches = [
            Launch(kernel, _without(struct, found), tuple(found)) for (kernel, struct), found in zip(call.notes, places)
        ]
        reads, writes = (tuple(map(self._form, arrays)) for arrays in (call.reads, call.writes))
        return Noted(call.name, tuple(launches), reads, writes, call.where, _said(call))

    def _form(self, array: np.ndarray) -> Form:
        block = self._second.blocks.of(array)
        at = array.__array_interface__["data"][0] - block.start
        return Form(block.number, at, array.shape, array.strides, array.dtype.str)

    # --- comparison ----------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        first, second = self._first.calls, self._second.calls
        for i, (a, b) in enumerate(zip(first, second)):
            if a.name != b.name:
                raise refusal(b.name, f"the step before called {a.name} in its place{_other_line(a, b)}", b.where)
            self._compare_arguments(a, b)
            self._compare_draws(i, a, b)
            self._places.append(self._compare_notes(i, a, b) if b.notes else [])
        if len(first) != len(second):
            longer = first if len(first) > len(second) else second
            extra = longer[min(len(first), len(second))]
            steps = "the step before calls it, this one does not" if longer is first else "the step before did not"
            raise refusal(
                extra.name, f"the steps have {len(first)} and {len(second)} kernel calls: {steps}", extra.where
            )
        if [(d.source, d.purpose) for d in self._first.draws] != [(d.source, d.purpose) for d in self.draws]:
            raise ReplayError("compile: the step draws random numbers from other streams than the step before")
        for block in self.blocks:
            self._classify(block)

    def _compare_arguments(self, a: Call, b: Call) -> None:
        """Shapes, dtypes, numbers and words are the same; blocks correspond one to one."""
        if len(a.arguments) != len(b.arguments) or a.options.keys() != b.options.keys():
            raise refusal(b.name, "it gets other arguments than in the step before", b.where)
        pairs = [*zip(a.arguments, b.arguments)]
        pairs += [(a.options[name], b.options[name]) for name in b.options if name not in ("key", "stream")]
        for x, y in pairs:
            self._compare_values(x, y, b)

    def _compare_values(self, x: Any, y: Any, call: Call) -> None:
        if type(x) is not type(y):
            self._changes(x, y, call)
        if isinstance(y, np.ndarray):
            if x.shape != y.shape or x.dtype != y.dtype or x.strides != y.strides:
                why = f"an array that it gets was {x.dtype} {x.shape} in the step before and is {y.dtype} {y.shape}"
                raise refusal(call.name, f"{why}; a step has fixed shapes: compile one for each", call.where)
            if y.size:
                self._pair(x, y, call)
        elif isinstance(y, (list, tuple)):
            if len(x) != len(y):
                raise refusal(call.name, f"it gets {len(x)} arrays in one step and {len(y)} in the next", call.where)
            for left, right in zip(x, y):
                self._compare_values(left, right, call)
        elif hasattr(y, "scalars"):
            if x is not y:
                raise refusal(call.name, "the optimizer made its tables anew in the middle of the step", call.where)
        elif x != y and not (x != x and y != y):
            self._changes(x, y, call)

    def _changes(self, x: Any, y: Any, call: Call) -> None:
        what = "a number" if isinstance(y, (int, float)) else "an argument"
        raise refusal(
            call.name,
            f"{what} that it gets changes from step to step ({_short(x)}, then {_short(y)}): {CURE}",
            call.where,
        )

    def _pair(self, x: np.ndarray, y: np.ndarray, call: Call) -> None:
        a, b = self._first.blocks.of(x), self._second.blocks.of(y)
        at = x.__array_interface__["data"][0] - a.start, y.__array_interface__["data"][0] - b.start
        if self._other.setdefault(a.start, b.start) != b.start or at[0] != at[1]:
            raise refusal(
                call.name,
                "it gets an array in another place than in the step before: the step keeps a result of one call for "
                "the next. Let it stand in a parameter or a buffer, which is written by copy_",
                call.where,
            )

    def _compare_draws(self, i: int, a: Call, b: Call) -> None:
        if "stream" not in b.options:
            return
        drawn = [_draw_of(call, recorder) for call, recorder in ((a, self._first), (b, self._second))]
        if drawn[0] != drawn[1]:
            raise refusal(b.name, "its random numbers are from another draw than in the step before", b.where)
        if drawn[1] is not None:
            self.slots.append(Slot(i, 0, -1, drawn[1]))
        elif (a.options["key"], a.options["stream"]) != (b.options["key"], b.options["stream"]):
            self._changes(a.options["stream"], b.options["stream"], b)

    # --- what native kernels noted -------------------------------------------------------------------------------

    def _compare_notes(self, i: int, a: Call, b: Call) -> list[list[Place]]:
        """The pointers in the structs of a call; ReplayError if anything else in them differs between recordings."""
        if [n[0] for n in a.notes] != [n[0] for n in b.notes] or any(
            len(x[1]) != len(y[1]) for x, y in zip(a.notes, b.notes)
        ):
            raise refusal(b.name, "it computes in another way than in the step before", b.where)
        for x, y in zip(a.held, b.held):
            self._other[self._first.blocks.of(x).start] = self._second.blocks.of(y).start
        mine, theirs = set(b.blocks(self._second.blocks)), set(a.blocks(self._first.blocks))
        found: list[list[Place]] = []
        for (_, before), (_, now) in zip(a.notes, b.notes):
            places = []
            words = _words(before), _words(now)
            used = np.flatnonzero(words[0] | words[1]).tolist()  # structs have room for many axes: most words are 0
            for offset, left, right in zip(used, words[0][used].tolist(), words[1][used].tolist()):
                block = self._pointed(right, mine, self._second)
                if block is not None:
                    other = self._pointed(left, theirs, self._first)
                    if other is None or left - other.start != right - block.start:
                        raise refusal(b.name, "it gets an array in another place than in the step before", b.where)
                    places.append(Place(WORD * offset, block.number, right - block.start))
                elif left != right and not self._streams(i, left, right):
                    raise refusal(b.name, f"a number inside of it changes from step to step: {CURE}", b.where)
            found.append(places)
        self._all_found(b, found)
        self._find_slot(i, b)
        return found

    @staticmethod
    def _pointed(word: int, blocks: set[Block], recorder: Recorder) -> Block | None:
        block = recorder.blocks.at(word)
        return block if block in blocks else None

    def _streams(self, i: int, left: int, right: int) -> bool:
        """Whether a word that differs is the call's stream number or its key."""
        if not self.slots or self.slots[-1].call != i:
            return False
        options = self._first.calls[i].options, self._second.calls[i].options
        return any((options[0][name], options[1][name]) == (left, right) for name in ("stream", "key"))

    def _find_slot(self, i: int, call: Call) -> None:
        """Find the key of the stream in the struct; its number is the next word."""
        if not self.slots or self.slots[-1].call != i:
            return
        for note, (_, struct) in enumerate(call.notes):
            words = _words(struct).tolist()
            for k in range(len(words) - 1):
                if words[k] == call.options["key"] and words[k + 1] == call.options["stream"]:
                    self.slots[-1] = self.slots[-1]._replace(note=note, offset=WORD * k)
                    return
        raise refusal(call.name, "the number of its stream was not found in what it noted", call.where)

    def _all_found(self, call: Call, found: list[list[Place]]) -> None:
        """Refuse a call if an array of it was not passed to its kernels, because NumPy made a copy that was passed."""
        pointed = {place.block for places in found for place in places}
        tables = [value for value in call.arguments if hasattr(value, "scalars")]
        for array in () if tables else [*call.reads, *call.writes]:
            if self._second.blocks.of(array).number not in pointed:
                raise refusal(
                    call.name,
                    f"it copies an argument, {array.dtype} {array.shape}, by NumPy first, which a replay would not do "
                    "again; give it a contiguous one in the dtype of the result",
                    call.where,
                )

    # --- blocks --------------------------------------------------------------------------------------------------

    def _classify(self, block: Block) -> None:
        other = next((a for a, b in self._other.items() if b == block.start), None)
        if other == block.start or (other is None and self._first.blocks.at(block.start) is not None):
            self.kinds[block.number] = KEPT
        elif not block.read_first:
            self.kinds[block.number] = MADE
        else:
            self._check_constant(block, other)
            self.kinds[block.number] = CONSTANT

    def _check_constant(self, block: Block, other: int | None) -> None:
        """Refuse a block that this recording writes or the former computed, or that had another content in it."""
        user = next(call for call in self._second.calls if any(self._second.blocks.of(x) is block for x in call.reads))
        made_before = self._first.blocks.at(block.start)
        if made_before is not None and made_before.written:
            raise refusal(
                user.name,
                "it reads what the step before computed and Python kept: let it stand in a parameter or a buffer; "
                "where it is a gradient, call optimizer.zero_grad() in the step",
                user.where,
            )
        twin = None if other is None else self._first.blocks.at(other)
        if twin is None or twin.size != block.size or twin.opening != block.opening:
            raise refusal(
                user.name,
                "it reads an array that Python makes anew in each step, with other numbers: pass it as an argument of "
                "the step",
                user.where,
            )
        if block.written:
            raise refusal(
                user.name,
                "it reads an array that Python fills in each step, and that a kernel then changes",
                user.where,
            )


def _words(struct: bytes) -> np.ndarray:
    return np.frombuffer(struct[: len(struct) // WORD * WORD], np.uint64)


def _short(x: Any) -> str:
    return f"{x!r:.40}" if isinstance(x, (int, float, str, bool)) else f"a {type(x).__name__}"


def _other_line(a: Call, b: Call) -> str:
    return "" if a.where == b.where else f" (line {a.where[1]})"


def _draw_of(call: Call, recorder: Recorder) -> int | None:
    """Which draw of the step gave the call its stream; None if the stream is fixed."""
    stream = call.options["key"], call.options["stream"]
    draws: list[Draw] = recorder.draws
    return next((i for i, draw in enumerate(draws) if (draw.key, draw.stream) == stream), None)


def _without(struct: bytes, places: list[Place]) -> bytes:
    """A struct with 0 in place of its pointers."""
    found = bytearray(struct)
    for place in places:
        found[place.offset : place.offset + WORD] = bytes(WORD)
    return bytes(found)


def _said(call: Call) -> str:
    """For an update, how many parameters and numbers it changes; "" for other calls, which are shown by shapes."""
    table = next((value for value in call.arguments if hasattr(value, "scalars")), None)
    return "" if table is None else f"{len(table.params)} parameters, {sum(w.size for w in table.params)} numbers"
