"""Inspection of a recorded step: its kernel calls with times and lines; whether a replay gives the step's bits."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine import Tensor
from ..errors import ReplayError
from .entry import Entry
from .plain import Noted
from .record import KEPT
from .results import tensors_of
from .taps import names_of

RUNS = 20  # steps in which calls are timed; the smallest time of each call counts


@contextmanager
def undone(entry: Entry) -> Iterator[None]:
    """A block after which arrays, streams and schedules are restored to their state at its start."""
    arrays = [block.bytes() for block in written(entry)] + [g.array for _, g in entry.gradients]
    held = [(array, array.copy()) for array in arrays]
    counters = [(counter, counter.position()) for counter in entry.draws.counters]
    schedules = [(schedule, schedule.state_dict()) for schedule in entry.rates.schedules]
    gradients = [(p, p.grad) for p, _ in entry.gradients]
    try:
        yield
    finally:
        for array, before in held:
            np.copyto(array, before)
        for counter, (_, position) in counters:
            counter.advance(position - counter.position()[1])
        for schedule, state in schedules:
            schedule.load_state_dict(state)
        for p, g in gradients:
            p.grad = g


def written(entry: Entry) -> list[Any]:
    """The blocks that outlive a step and that its kernels write."""
    return [b for b in entry.record_.blocks if b.written and entry.record_.kinds[b.number] == KEPT]


def explain(entry: Entry) -> str:
    """The kernel calls of a step in order: microseconds, bytes that are read and written, shapes, the user's line."""
    with undone(entry), entry.rates.running(RUNS, entry.program) as rates:
        entry.program.done = RUNS
        seconds = entry.program.times(RUNS, [*rates, *entry.draws.feeds(RUNS)])
    rows = [("us", "bytes", "kernel", "shapes", "line")]
    calls = entry.record_.calls
    for call, name, took in zip(calls, names_of(calls), seconds):
        rows.append((f"{1e6 * took:.2f}", f"{_bytes(call)}", name, _shapes(call), _line(call)))
    total = sum(seconds)
    shapes = ", ".join(f"{t.array.dtype} {t.array.shape}" for t in entry.inputs) or "no arguments"
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        f"{us:>{widths[0]}}  {size:>{widths[1]}}  {name:<{widths[2]}}  {shape:<{widths[3]}}  {line}".rstrip()
        for us, size, name, shape, line in rows
    ]
    memory = entry.record_.memory
    room = f"; arrays of {memory.saved} bytes between calls in an arena of {memory.arena.nbytes}"
    title = f"{shapes}: {len(seconds)} kernel calls, {1e6 * total:.1f} us{room if memory.saved else ''}"
    return "\n".join([title, *lines])


def _bytes(call: Noted) -> int:
    return sum(form.nbytes for form in (*call.reads, *call.writes))


def _shapes(call: Noted) -> str:
    """The shapes that a call reads and writes; for an update, how many numbers it changes."""
    reads = " ".join(str(form.shape) for form in call.reads)
    return call.said or f"{reads} -> {' '.join(str(form.shape) for form in call.writes)}"


def _line(call: Noted) -> str:
    file, line = call.where
    text = linecache.getline(file, line).strip()
    return f"{os.path.basename(file)}:{line}  {text}" if file else ""


def check(entry: Entry) -> str:
    """Replay one step, undo it, make the step in Python, and compare all bits. Raises ReplayError for what differs."""
    with undone(entry):
        _, kept = entry.run(1)
        replayed = [block.bytes().copy() for block in written(entry)]
        gradients = [g.array.copy() for _, g in entry.gradients]  # of the replay
    result = tensors_of(entry.function(*entry.inputs))
    _same("a result", [t.array for t in result], [array[0, ...] for array in kept], entry)
    _same("an array", [block.bytes() for block in written(entry)], replayed, entry)
    _same("the gradient of a parameter", [_gradient(p) for p, _ in entry.gradients], gradients, entry)
    count = sum(block.size for block in written(entry)) + sum(array.nbytes for array in [*kept, *gradients])
    return f"equal: {len(result)} results, {len(replayed)} arrays, {len(gradients)} gradients, {count} bytes"


def _gradient(p: Tensor) -> np.ndarray:
    return np.empty(0) if p.grad is None else p.grad.array


def _same(what: str, eager: Sequence[np.ndarray], replayed: Sequence[np.ndarray], entry: Entry) -> None:
    for i, (a, b) in enumerate(zip(eager, replayed)):
        if a.shape != b.shape or a.tobytes() != b.tobytes():
            which = what
            if what == "an array":
                block = written(entry)[i]
                users = [c for c in entry.record_.calls if any(form.block == block.number for form in c.writes)]
                which = f"what {users[-1].name} writes, {_shapes(users[-1])}," if users else what
            raise ReplayError(
                f"check: {which} has other bits in a replay than in the step in Python: something in the step depends "
                "on what is not recorded. Leave mg.compile out, and look for what Python computes"
            )
