"""mg.profile: what a step costs, by op and by kernel, and what Python itself takes."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..atomic import atomic_write
from ..engine import Tensor, accumulate
from ..op import Op, op_of
from .aligned import as_table, columns
from .costs import tables_of
from .icicle import page_of
from .layers import Layers
from .lookout import Lookout, caller, in_walk
from .phases import Phases
from .tally import KernelCall, Tally
from .updates import Updates

ACCUMULATE = op_of(accumulate)
ONE = np.zeros(1, np.float32)

IN_OPS = ("ops", "engine", "")  # where ops call kernels from; "" is an op of the user's own


class OpCall(NamedTuple):
    """An op forward, or a rule of it backward: when its stretch began and ended, and how many kernel calls it has.

    paused is how many seconds of it went into comparisons with NumPy;
    shape is that of the op's result; layer the module that called it, "" outside of modules.
    """

    op: str
    shape: tuple[int, ...]
    direction: str
    start: float
    end: float
    place: str
    layer: Any = None
    counted: int = 0
    paused: float = 0.0

    @property
    def seconds(self) -> float:
        """Without what counting its kernels took."""
        return max(0.0, self.end - self.start - self.paused - self.counted * counting())


class Total:
    """Sums over calls: how many, seconds, bytes, FLOPs."""

    def __init__(self) -> None:
        self.calls, self.seconds, self.bytes, self.flops = 0, 0.0, 0, 0

    def add(self, seconds: float, size: int = 0, flops: int = 0) -> None:
        """One call more."""
        self.calls += 1
        self.seconds += seconds
        self.bytes += size
        self.flops += flops

    def of(self, call: KernelCall) -> None:
        """One call of a kernel more."""
        self.add(call.seconds, call.bytes, call.flops)

    def __repr__(self) -> str:
        more = "".join(
            f", {amount:,} {what}" for amount, what in ((self.bytes, "bytes"), (self.flops, "FLOPs")) if amount
        )
        return f"Total({self.calls:,} calls, {self.seconds * 1e3:.3f} ms{more})"

    def cells(self) -> tuple[str, str]:
        """Calls and milliseconds, for a table."""
        return (str(self.calls), f"{self.seconds * 1e3:.3f}") if self.calls else ("", "")


class profile(Lookout):
    """A `with` block that counts and times every kernel and every op in it.

    Printed, it says what the phases of a step take (forward, backward, update, and what is none of them); of each
    kernel: calls, time, bytes read and written, FLOPs (of products); of each op the time forward and backward, by its
    result and by the layer that called it; and of the whole, Python's own share, which is what neither a kernel nor the
    profile took. The rows of ops and the whole add up to the same time. With beside=True the first call of each kernel
    is also made by its NumPy reference, both on copies: how many times faster ours is, and how far apart the results
    are. `save` writes a page, or JSON that Perfetto and chrome://tracing open. In a notebook it shows itself as HTML.

    A forward op's time begins with its first kernel, so that it has nothing of what the user's code did before; that
    of a rule begins where the rule before it ended. A kernel that no op called has its own time alone. Being profiled
    costs a kernel call a few µs, which is estimated, taken off each row, and told apart as `overhead`. most bounds the
    calls that are kept one by one; sums count all of them. Steps of fit(compile=True) run in Python meanwhile, with the
    same kernels. model gives layers their names.

    save(path) raises ValueError for a name that ends neither in .html nor in .json.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> with mg.profile() as p:
    ...     mg.sum(x @ x).backward()
    >>> p.kernels()["matmul"].calls, p.kernels()["matmul"].flops
    (3, 48)
    >>> sorted(p.ops())
    ['accumulate', 'matmul', 'sum']
    """

    def __init__(self, beside: bool = False, most: int = 1_000_000, model: Any = None) -> None:
        self.tally, self.layers, self.phases = Tally(beside, most), Layers(), Phases()
        self._updates = Updates(self._step_begins, self._step_ends)
        self._looking = 0.0  # seconds in look
        self._counted = 0  # kernel calls that were taken off phases
        self._after = ""  # what the last look saw: "forward", "backward", or nothing
        if model is not None:
            self.layers.name(model)
        self.calls: list[OpCall] = []
        self.seconds = 0.0
        self.variant = ""
        self.inside: dict[tuple[str, str], dict[str, Total]] = {}  # by (op, direction): its kernels
        self.rooms: dict[str, Total] = {}  # kernels that other rooms of the package called: "optim", "data"
        self._away = 0.0  # seconds of comparisons before
        self._seen = 0  # kernel calls that belong to ops before

    def __enter__(self) -> profile:
        counting()  # is measured now, so that it is not measured inside
        self.tally.start()
        super().__enter__()
        self._updates.start()
        self.variant = K.cpu_variant()
        self.began = self._left = time.perf_counter()
        self.phases.begin(self.began)
        return self

    def __exit__(self, *error: object) -> None:
        now = time.perf_counter()
        self.seconds = now - self.began - self.tally.away
        self._aside([call for call in self.tally.calls[self._seen :] if call.floor not in IN_OPS])
        self.phases.end(now)
        self._updates.stop()
        super().__exit__(*error)
        self.tally.stop()

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
        now = time.perf_counter()
        sums = op is ACCUMULATE  # of the gradients that meet at a tensor
        if i is None and in_walk() and not sums:
            return  # a part of a rule, which is seen as a whole
        direction = "backward" if i is not None or sums else "forward"
        name = "accumulate" if sums else op.name
        calls = self.tally.calls[self._seen :]
        inside = self._inside(calls, name, direction, sums)
        start = self._start(direction, calls, inside, now)
        if sums:
            self.phases.total(start, now)
        elif direction == "backward":
            self.phases.rule(start, now, y.stamp)
        else:
            self.phases.op(start, now)
        self._less()
        layer = self.layers.of(y, direction == "backward", sums)
        place = "" if direction == "backward" else os.path.basename(caller())
        self.calls.append(
            OpCall(name, y.array.shape, direction, start, now, place, layer, len(inside), self.tally.paused(start, now))
        )
        self._seen, self._after = len(self.tally.calls), direction
        self._left = time.perf_counter()
        self._looking += self._left - now
        self.phases.left(self._left)

    def _inside(self, calls: list[KernelCall], name: str, direction: str, sums: bool) -> list[KernelCall]:
        """Those of the calls that the op or rule made, noted as its own; the others are their rooms'."""
        inside = [call for call in calls if call.floor in IN_OPS]
        if direction != self._after and not sums:  # what the walk called behind its last rule is no part of what comes
            first = next((k for k, call in enumerate(inside) if call.floor != "engine"), len(inside))
            inside = inside[first:]
        own = set(map(id, inside))
        self._aside([call for call in calls if id(call) not in own])
        totals = self.inside.setdefault((name, direction), {})
        for call in inside:
            totals.setdefault(call.name, Total()).of(call)
        return inside

    def _start(self, direction: str, calls: list[KernelCall], inside: list[KernelCall], now: float) -> float:
        """When the op or rule that is over now began, as far as that can be known.

        A rule follows the one before it at once. Before an op, or the first rule of a walk, there may be anything of
        the user's: it begins with its first kernel, and one without a kernel behind the op before, if nothing else was
        called since.
        """
        if direction == self._after == "backward" or (not calls and direction == self._after):
            return self._left
        return inside[0].start if inside else now

    def _step_begins(self, optimizer: Any) -> None:
        self.phases.step_begins(time.perf_counter())

    def _step_ends(self, optimizer: Any) -> None:
        self._after = ""
        self.phases.step_ends(time.perf_counter())
        self._less()

    def _less(self) -> None:
        """Take off what counting took of the phase that is over now."""
        away = self.tally.away - self._away
        self.phases.less((len(self.tally.calls) - self._counted) * counting() + away)
        self._counted, self._away = len(self.tally.calls), self.tally.away

    def _aside(self, calls: list[KernelCall]) -> None:
        """Kernels that no op called: their room has them."""
        for call in calls:
            self.rooms.setdefault(call.floor, Total()).of(call)
            self._after = ""

    def kernels(self) -> dict[str, Total]:
        """What each kernel took in all, the largest share first."""
        totals: dict[str, Total] = {}
        for call in self.tally.calls:
            totals.setdefault(call.name, Total()).of(call)
        return dict(sorted(totals.items(), key=lambda item: -item[1].seconds))

    def ops(self) -> dict[str, dict[str, Total]]:
        """What each op took: {"forward": Total, "backward": Total}, the largest share first."""
        return self._sums(lambda call: call.op)

    def ops_by_shape(self) -> dict[tuple[str, tuple[int, ...]], dict[str, Total]]:
        """The same by (op, shape of its result)."""
        return self._sums(lambda call: (call.op, call.shape))

    def by_layer(self) -> dict[tuple[str, tuple[int, ...], str], dict[str, Total]]:
        """The same by (op, shape of its result, name of the layer that called it, "" outside of modules)."""
        return self._sums(lambda call: (call.op, call.shape, self.layers.called(call.layer)))

    def _sums(self, key: Callable[[OpCall], Any]) -> dict[Any, dict[str, Total]]:
        found: dict[Any, dict[str, Total]] = {}
        for call in self.calls:
            found.setdefault(key(call), {"forward": Total(), "backward": Total()})[call.direction].add(call.seconds)
        return dict(sorted(found.items(), key=lambda item: -sum(total.seconds for total in item[1].values())))

    def cut(self) -> None:
        """Leave out the time before the first kernel and behind the last op or kernel: imports, reading files."""
        starts = [call.start for call in self.tally.calls[:1]]
        ends = [call.start + call.seconds for call in self.tally.calls[-1:]] + [call.end for call in self.calls[-1:]]
        if starts and ends:
            before = self.seconds
            self.began, self.seconds = starts[0], max(ends) - starts[0] - self.tally.away
            other = self.phases.seconds["data and other"] - (before - self.seconds)
            self.phases.seconds["data and other"] = max(0.0, other)

    @property
    def python(self) -> float:
        """Seconds that were neither a kernel's nor, as far as that is known, the profile's own."""
        return max(0.0, self.seconds - sum(call.seconds for call in self.tally.calls) - self.overhead)

    @property
    def overhead(self) -> float:
        """Seconds that the profile took: its looks, measured, and what counting takes for each kernel call."""
        left = self.seconds - sum(call.seconds for call in self.tally.calls)
        return max(0.0, min(left, self._looking + counting() * len(self.tally.calls)))

    def __repr__(self) -> str:
        return "\n".join(line for title, rows in self.tables() for line in (title, *columns(rows)))

    def _repr_html_(self) -> str:
        return "".join(f"<p><b>{escape(title)}</b></p>{table}" for title, table in self.html_tables())

    def html_tables(self) -> list[tuple[str, str]]:
        """The tables as HTML, by title."""
        return [(title, as_table(rows, head)) for title, (head, *rows) in self.tables()]

    def tables(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """Titles and rows of cells, the first of which are heads: of phases, of kernels, of ops, and of the whole."""
        return tables_of(self)

    def trace(self) -> dict[str, Any]:
        """The calls as Chrome's trace events: ops in one row, kernels in the one below, times in µs."""
        events: list[dict] = [
            {"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}}
            for tid, name in ((1, "ops"), (2, "kernels"))
        ]
        for op in self.calls:
            name = op.op if op.direction == "forward" else f"{op.op}, backward"
            events.append(
                event(name, 1, op.start - self.began, op.end - op.start, {"line": op.place} if op.place else {})
            )
        for call in self.tally.calls:
            work = {"bytes": call.bytes, **({"flops": call.flops} if call.flops else {})}
            events.append(event(call.name, 2, call.start - self.began, call.seconds, work))
        return {"traceEvents": events, "displayTimeUnit": "ns"}

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page (.html), or the trace (.json) for Perfetto; whole or not at all. Returns its path."""
        path = Path(path)
        if path.suffix not in (".html", ".json"):
            raise ValueError(f"profile: {path} is neither .html (a page) nor .json (a trace for Perfetto)")
        text = json.dumps(self.trace()) if path.suffix == ".json" else page_of(self)
        with atomic_write(path) as file:
            file.write(text.encode("utf-8"))
        return path


@functools.cache
def counting() -> float:
    """Seconds by which a kernel call is slower while it is counted, measured on one that does nothing."""

    def nothing(*args: Any) -> None:
        pass

    tally = Tally(False, 10_000)
    took = []
    for call in (tally.wrapped("nothing", nothing), nothing):
        rounds = []
        for _ in range(20):
            began = time.perf_counter()
            for _ in range(100):
                call(ONE, ONE, ONE)
            rounds.append((time.perf_counter() - began) / 100)
        took.append(min(rounds))
    return max(0.0, took[0] - took[1])


def event(name: str, row: int, start: float, seconds: float, more: dict[str, Any]) -> dict[str, Any]:
    """A stretch of time as Chrome's trace format has it."""
    return {"name": name, "ph": "X", "pid": 1, "tid": row, "ts": start * 1e6, "dur": seconds * 1e6, "args": more}
