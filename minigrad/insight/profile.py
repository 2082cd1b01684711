"""mg.profile: what a step costs, by op and by kernel, and what Python itself takes."""

from __future__ import annotations

import functools
import json
import os
import time
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..atomic import atomic_write
from ..engine import Tensor, accumulate
from ..op import Op, op_of
from .aligned import as_table, columns
from .icicle import page_of
from .lookout import Lookout, caller, in_walk
from .tally import KernelCall, Tally

ACCUMULATE = op_of(accumulate)
ONE = np.zeros(1, np.float32)

IN_OPS = ("ops", "engine", "")  # where ops call kernels from; "" is an op of the user's own


class OpCall(NamedTuple):
    """An op forward, or a rule of it backward: when its stretch began and ended; shape is that of the op's result."""

    op: str
    shape: tuple[int, ...]
    direction: str
    start: float
    end: float
    place: str


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

    def cells(self) -> tuple[str, str]:
        """Calls and milliseconds, for a table."""
        return (str(self.calls), f"{self.seconds * 1e3:.3f}") if self.calls else ("", "")


class profile(Lookout):
    """A `with` block that counts and times every kernel and every op in it.

    Printed, it says of each kernel: calls, time, bytes read and written, FLOPs (of products). With beside=True the
    first call of each kernel is also made by its NumPy reference, both on copies: how many times faster ours is, and
    how far apart the results are. Of each op it says the time forward and backward; and of the whole, Python's own
    share, which is what neither a kernel nor the profile took. `save` writes a page, or JSON that Perfetto and
    chrome://tracing open. In a notebook it shows itself as HTML.

    An op's stretch begins where the op before it ended, so a forward op has what the user's code did in between. Being
    profiled costs a kernel call a few µs, which `overhead` estimates. most bounds the calls that are kept one by one;
    sums count all of them.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> with mg.profile() as p:
    ...     mg.sum(x @ x).backward()
    >>> p.kernels()["matmul"].calls, p.kernels()["matmul"].flops
    (3, 48)
    >>> sorted(p.ops())
    ['accumulate', 'matmul', 'sum']
    """

    def __init__(self, beside: bool = False, most: int = 1_000_000) -> None:
        self.tally = Tally(beside, most)
        self.calls: list[OpCall] = []
        self.seconds = 0.0
        self.variant = ""
        self.inside: dict[tuple[str, str], dict[str, Total]] = {}  # by (op, direction): its kernels
        self.rooms: dict[str, Total] = {}  # what other rooms of the package took, with Python: "optim", "data"
        self._away = 0.0  # seconds of comparisons before
        self._seen = 0  # kernel calls that belong to ops before

    def __enter__(self) -> profile:
        self.tally.start()
        super().__enter__()
        self.variant = K.cpu_variant()
        self.began = self._left = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.perf_counter() - self.began - self.tally.away
        since = self._left
        for call in self.tally.calls[self._seen :]:
            if call.floor not in IN_OPS:
                self._aside(call, since)
            since = call.start + call.seconds
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
        backward, name = i is not None or sums, "accumulate" if sums else op.name
        away, self._away = self.tally.away - self._away, self.tally.away
        calls, start = self.tally.calls[self._seen :], self._left + away
        direction = "backward" if backward else "forward"
        for call in calls:
            if call.floor in IN_OPS:
                self.inside.setdefault((name, direction), {}).setdefault(call.name, Total()).of(call)
            else:  # of an optimizer, a loader: the op began after it
                self._aside(call, start)
                start = max(start, call.start + call.seconds)
        place = "" if backward else os.path.basename(caller())
        self.calls.append(OpCall(name, y.array.shape, direction, start, now, place))
        self._seen, self._left = len(self.tally.calls), time.perf_counter()

    def _aside(self, call: KernelCall, since: float) -> None:
        """A kernel that no op called: its room has it, with the Python before it."""
        self.rooms.setdefault(call.floor, Total()).add(max(call.seconds, call.start + call.seconds - since))

    def kernels(self) -> dict[str, Total]:
        """What each kernel took in all, the largest share first."""
        totals: dict[str, Total] = {}
        for call in self.tally.calls:
            totals.setdefault(call.name, Total()).of(call)
        return dict(sorted(totals.items(), key=lambda item: -item[1].seconds))

    def ops(self) -> dict[str, dict[str, Total]]:
        """What each op took: {"forward": Total, "backward": Total}, the largest share first."""
        found: dict[str, dict[str, Total]] = {}
        for call in self.calls:
            sides = found.setdefault(call.op, {"forward": Total(), "backward": Total()})
            sides[call.direction].add(call.end - call.start)
        return dict(sorted(found.items(), key=lambda item: -sum(total.seconds for total in item[1].values())))

    def ops_by_shape(self) -> dict[tuple[str, tuple[int, ...]], dict[str, Total]]:
        """The same by (op, shape of its result), which tells layers apart."""
        found: dict[tuple[str, tuple[int, ...]], dict[str, Total]] = {}
        for call in self.calls:
            sides = found.setdefault((call.op, call.shape), {"forward": Total(), "backward": Total()})
            sides[call.direction].add(call.end - call.start)
        return dict(sorted(found.items(), key=lambda item: -sum(total.seconds for total in item[1].values())))

    def cut(self) -> None:
        """Leave out the time before the first kernel and behind the last op or kernel: imports, reading files."""
        starts = [call.start for call in self.tally.calls[:1]]
        ends = [call.start + call.seconds for call in self.tally.calls[-1:]] + [call.end for call in self.calls[-1:]]
        if starts and ends:
            self.began, self.seconds = starts[0], max(ends) - starts[0] - self.tally.away

    @property
    def python(self) -> float:
        """Seconds that were neither a kernel's nor, as far as that is known, the profile's own."""
        return max(0.0, self.seconds - sum(call.seconds for call in self.tally.calls) - self.overhead)

    @property
    def overhead(self) -> float:
        """Seconds that counting itself took, estimated: calls times what counting a call that does nothing takes."""
        return counting() * len(self.tally.calls)

    def __repr__(self) -> str:
        return "\n".join(line for title, rows in self.tables() for line in (title, *columns(rows)))

    def _repr_html_(self) -> str:
        return "".join(f"<p><b>{escape(title)}</b></p>{table}" for title, table in self.html_tables())

    def html_tables(self) -> list[tuple[str, str]]:
        """The tables as HTML, by title."""
        *headed, (whole, parts) = self.tables()
        return [*((title, as_table(rows, head)) for title, (head, *rows) in headed), (whole, as_table(parts))]

    def tables(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """Titles and rows of cells: of kernels, of ops, and of the whole."""
        return [
            (f"kernels ({K.backend()}, {self.variant})", self._kernel_rows()),
            ("ops", self._op_rows()),
            ("the whole", self._whole_rows()),
        ]

    def _kernel_rows(self) -> list[tuple[str, ...]]:
        head = ["kernel", "calls", "µs a call", "ms", "share", "GB/s", "GFLOP/s"]
        head += ["times the reference", "ulp apart"] if self.tally.beside else []
        rows = [tuple(head)]
        for name, total in self.kernels().items():
            row = [name, f"{total.calls}", f"{total.seconds / total.calls * 1e6:.2f}", f"{total.seconds * 1e3:.3f}"]
            row += [
                share(total.seconds, self.seconds),
                rate(total.bytes, total.seconds),
                rate(total.flops, total.seconds),
            ]
            beside = self.tally.compared.get(name)
            if self.tally.beside:
                row += ["", ""] if beside is None else [f"{beside.numpy / beside.ours:.1f}", f"{beside.ulps:.3g}"]
            rows.append(tuple(row))
        return rows

    def _op_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("op", "result", "calls", "forward ms", "rules", "backward ms", "share")]
        for (name, shape), sides in self.ops_by_shape().items():
            there, back = sides["forward"], sides["backward"]
            both = share(there.seconds + back.seconds, self.seconds)
            rows.append((name, "x".join(map(str, shape)) or "number", *there.cells(), *back.cells(), both))
        for name, total in self.rooms.items():
            calls, milliseconds = total.cells()
            rows.append(
                (f"outside of ops: {name}", "", calls, milliseconds, "", "", share(total.seconds, self.seconds))
            )
        return rows

    def _whole_rows(self) -> list[tuple[str, ...]]:
        inside = sum(call.seconds for call in self.tally.calls)
        parts = [("kernels", inside), ("Python", self.python), ("counting, estimated", self.overhead)]
        rows: list[tuple[str, ...]] = [
            (name, f"{seconds * 1e3:.3f} ms", share(seconds, self.seconds)) for name, seconds in parts
        ]
        rows.append(("all", f"{self.seconds * 1e3:.3f} ms", ""))
        if self.tally.left_out:
            rows.append((f"{self.tally.left_out} kernel calls beyond the {self.tally.most} kept are left out", "", ""))
        return rows

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


def share(part: float, whole: float) -> str:
    """A part in percent of a whole."""
    return f"{100 * part / whole:.1f} %" if whole > 0 else ""


def rate(amount: float, seconds: float) -> str:
    """10⁹ of something in a second; nothing where there was none."""
    return f"{amount / seconds / 1e9:.3g}" if amount and seconds > 0 else ""


def event(name: str, row: int, start: float, seconds: float, more: dict[str, Any]) -> dict[str, Any]:
    """A stretch of time as Chrome's trace format has it."""
    return {"name": name, "ph": "X", "pid": 1, "tid": row, "ts": start * 1e6, "dur": seconds * 1e6, "args": more}
