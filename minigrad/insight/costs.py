"""The tables of a profile: phases, kernels, ops and the whole, as rows of cells below a head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import kernels as K

if TYPE_CHECKING:
    from .profile import profile

Rows = list[tuple[str, ...]]
# What arranges arrays, and reads or writes less than they hold, or nothing: bytes a second would say nothing of it.
WITHOUT_BYTES = {"alike", "contiguous", "empty", "empty_like", "empty_for", "empty_product", "take", "segments"}
WITHOUT_BYTES |= {"zeros", "zeros_like", "lazy_rows", "embedding"}


def tables_of(seen: profile) -> list[tuple[str, Rows]]:
    """Titles and rows, of which the first is the head."""
    walks = f", {seen.phases.walks:,} steps" if seen.phases.walks > 1 else ""
    return [
        (f"phases (a step is one backward{walks})", phase_rows(seen)),
        (f"kernels ({K.backend()}, {seen.variant})", kernel_rows(seen)),
        ("ops (calls of the op forward, and of its rules backward, one for each argument)", op_rows(seen)),
        ("the whole", whole_rows(seen)),
    ]


def phase_rows(seen: profile) -> Rows:
    """What forward, backward, update and the rest took, in all and for each step."""
    rows: Rows = [("phase", "ms", "µs a step", "share")]
    walks = seen.phases.walks
    for name, seconds in seen.phases.seconds.items():
        each = f"{seconds / walks * 1e6:.1f}" if walks else ""
        rows.append((name, f"{seconds * 1e3:.3f}", each, share(seconds, seen.seconds)))
    looked = max(0.0, seen.seconds - sum(seen.phases.seconds.values()))
    rows.append(
        (
            "counting, estimated",
            f"{looked * 1e3:.3f}",
            f"{looked / walks * 1e6:.1f}" if walks else "",
            share(looked, seen.seconds),
        )
    )
    return rows


def kernel_rows(seen: profile) -> Rows:
    """Each kernel: calls, times, bytes and FLOPs a second, and the NumPy reference if it stands beside."""
    head = ["kernel", "calls", "µs a call", "ms", "share", "GB/s", "GFLOP/s"]
    head += ["times as fast as NumPy", "largest difference, ulp"] if seen.tally.beside else []
    rows: Rows = [tuple(head)]
    for name, total in seen.kernels().items():
        row = [name, f"{total.calls}", f"{total.seconds / total.calls * 1e6:.2f}", f"{total.seconds * 1e3:.3f}"]
        row += [
            share(total.seconds, seen.seconds),
            "" if name in WITHOUT_BYTES else rate(total.bytes, total.seconds),
            rate(total.flops, total.seconds),
        ]
        beside = seen.tally.compared.get(name)
        if seen.tally.beside:
            row += ["", ""] if beside is None else [f"{beside.numpy / beside.ours:.1f}", f"{beside.ulps:.3g}"]
        rows.append(tuple(row))
    return rows


def op_rows(seen: profile) -> Rows:
    """Each op by the layer that called it, then what no op did: together they are the whole."""
    rows: Rows = [("op", "result", "layer", "calls", "forward ms", "rules", "backward ms", "share")]
    for (name, shape, layer), sides in seen.by_layer().items():
        there, back = sides["forward"], sides["backward"]
        both = share(there.seconds + back.seconds, seen.seconds)
        rows.append((name, "x".join(map(str, shape)) or "number", layer, *there.cells(), *back.cells(), both))
    for name, total in seen.rooms.items():
        cells = total.cells()
        rows.append((f"outside of ops: {name}", "", "", *cells, "", "", share(total.seconds, seen.seconds)))
    named = sum(call.seconds for call in seen.calls) + sum(total.seconds for total in seen.rooms.values())
    counted = max(0.0, min(seen.overhead, seen.seconds - named))
    rest = max(0.0, seen.seconds - named - counted)
    for name, seconds in (("Python outside of ops", rest), ("counting, estimated", counted)):
        rows.append((name, "", "", "", f"{seconds * 1e3:.3f}", "", "", share(seconds, seen.seconds)))
    return rows


def whole_rows(seen: profile) -> Rows:
    """Kernels, Python, and the profile itself."""
    inside = sum(call.seconds for call in seen.tally.calls)
    parts = [("kernels", inside), ("Python", seen.python), ("counting, estimated", seen.overhead)]
    rows: Rows = [("", "ms", "share")]
    rows += [(name, f"{seconds * 1e3:.3f}", share(seconds, seen.seconds)) for name, seconds in parts]
    rows.append(("all", f"{seen.seconds * 1e3:.3f}", share(seen.seconds, seen.seconds)))
    if seen.tally.left_out:
        rows.append((f"{seen.tally.left_out} kernel calls beyond the {seen.tally.most} kept are left out", "", ""))
    return rows


def share(part: float, whole: float) -> str:
    """A part in percent of a whole."""
    return f"{100 * part / whole:.1f} %" if whole > 0 else ""


def rate(amount: float, seconds: float) -> str:
    """10⁹ of something in a second; nothing where there was none."""
    return f"{amount / seconds / 1e9:.3g}" if amount and seconds > 0 else ""
