"""Figures of benchmarks: how many times as fast as NumPy, case by case; and rates under the machine's roofs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from minigrad.insight.plotting import BETTER, FAINT, INK, LINES, REFERENCE, SETTINGS, WORSE, as_svg

from .driver import TITLES
from .table import times_base

MARKS = {"matmul": "o", "penalty": "s", "update": "D", "reduce": "^", "step": "*"}
COLOURS = {"minigrad": LINES[0], "numpy": REFERENCE}


def points(found: dict[str, Any], threads: int) -> list[tuple[str, str, str, float, float]]:
    """(family, case, peer, FLOPs per byte, GFLOP/s) of the fastest row of minigrad and of NumPy, float32 only."""
    best: dict[tuple[str, str, str], dict[str, Any]] = {}
    for family, rows in found["families"].items():
        for row in rows:
            peer = (
                "minigrad" if row["who"].startswith("minigrad") else "numpy" if row["who"].startswith("NumPy") else None
            )
            if peer and row["threads"] == threads and row["flops"] and row["bytes"] and row["dtype"] == "float32":
                key = (family, row["case"], peer)
                if key not in best or row["seconds"] < best[key]["seconds"]:
                    best[key] = row
    return [(*key, row["flops"] / row["bytes"], row["flops"] / row["seconds"] / 1e9) for key, row in best.items()]


def roofline(found: dict[str, Any], path: Path) -> None:
    """Write the figure of one thread, or of as few as were measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    threads = min(map(int, found["machine"]["roofs"]), default=1)
    roofs = found["machine"]["roofs"].get(str(threads), {})
    shown = points(found, threads)
    if not shown:
        raise ValueError("--figure: no row has both FLOPs and bytes; run matmul, penalty, update, reduce or step")
    with pyplot.rc_context(SETTINGS):
        figure, axes = pyplot.subplots(figsize=(9, 6), layout="constrained")
    low, high = min(p[3] for p in shown) / 4, max(p[3] for p in shown) * 2
    top = max([p[4] for p in shown] + [max(rates.values()) for rates in roofs.get("GFLOP/s", {}).values()]) * 1.6
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(min(p[4] for p in shown) / 3, top))
    if roofs:
        draw_roofs(axes, roofs, low, high)
    for family, case, peer, intensity, rate in shown:
        axes.plot(
            intensity, rate, MARKS.get(family, "."), color=COLOURS[peer], alpha=0.8, ms=9 if family == "step" else 6
        )
        if peer == "minigrad" and family == "step":
            axes.annotate(
                case.partition(":")[0], (intensity, rate), xytext=(5, -9), textcoords="offset points", fontsize=8
            )
    for family in dict.fromkeys(p[0] for p in shown):
        axes.plot([], [], MARKS.get(family, "."), color=FAINT, label=family)
    for peer, colour in COLOURS.items():
        axes.plot([], [], "s", color=colour, label={"numpy": "NumPy, its best row"}.get(peer, peer))
    machine = found["machine"]
    axes.set(
        xlabel="floating-point operations per byte read or written",
        ylabel="GFLOP/s",
        title=f"{machine['cpu']}, {threads} thread{'s' * (threads > 1)}, float32, {machine['date'][:10]}",
    )
    axes.legend(loc="lower right", fontsize=8)
    axes.grid(True, which="major", alpha=0.2)
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    """Write the figure: .svg for light and dark pages, any other kind as it is; and close it."""
    from matplotlib import pyplot

    if path.suffix == ".svg":
        path.write_bytes(as_svg(figure))
    else:
        figure.savefig(path, dpi=150)
    pyplot.close(figure)


def dots(found: dict[str, Any], path: Path) -> None:
    """Write a figure of every case: how many times as fast as the best row of NumPy (or of the family's other base) the
    variant is that is used by default, on a logarithmic axis with a line at 1; what is slower has another colour.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    families = {name: times_base(rows, found["machine"]["default"]) for name, rows in found["families"].items()}
    families = {name: over for name, over in families.items() if over}
    if not families:
        raise ValueError("--dots: no family has a row of minigrad beside one of NumPy; run matmul, penalty or another")
    with pyplot.rc_context({**SETTINGS, "font.size": 8}):
        count = sum(len(over) + 1 for over in families.values())
        figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.16 * count), layout="constrained")
        values = [times for over in families.values() for times in over.values()]
        axes.axvline(1, color=INK, linewidth=1)
        axes.set(xscale="log", ylim=(count, -1), xlabel="times NumPy's best row (1: as fast; to the right: faster)")
        draw_families(axes, families, {name: TITLES[found["families"][name][0]["base"]] for name in families})
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if min(values) / 1.6 < t < 1.6 * max(values)]
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.minorticks_off()
        axes.grid(False, axis="y")
        lost = sum(times < 1 for times in values)
        head = f"{found['machine']['default']} is faster than its rival in {len(values) - lost} of {len(values)} cases"
        axes.set_title(f"{head}, slower in {lost}\n{found['machine']['cpu']}, {found['machine']['date'][:10]}")
        save(figure, path)


def draw_families(axes: Any, families: dict[str, dict[str, float]], bases: dict[str, str]) -> None:
    """A row for each case, below the name of its family: a triangle, to the right where it is faster."""
    place, names = 0, []
    for family, over in families.items():
        more = "" if bases[family] == "NumPy" else f", times {bases[family]}"
        start = axes.get_yaxis_transform()
        options = {"ha": "right", "va": "center", "weight": "bold", "annotation_clip": False}
        axes.annotate(f"{family}{more}", (0, place), (-6, 0), start, "offset points", **options)
        for name, times in over.items():
            place += 1
            names.append((place, name))
            color, mark = (BETTER, ">") if times >= 1 else (WORSE, "<")
            axes.plot([1, times], [place, place], color=color, linewidth=0.8, alpha=0.5)
            axes.plot(times, place, mark, color=color, markersize=5)
        place += 1
    axes.set_yticks([at for at, _ in names], [name for _, name in names])


def draw_roofs(axes: Any, roofs: dict[str, Any], low: float, high: float) -> None:
    """One slanted roof per level of memory, one flat roof of the fused multiply-adds."""
    flat = max(roofs["GFLOP/s"]["float32"].values())
    axes.axhline(flat, color=INK, lw=1)
    axes.annotate(f"fused multiply-adds {flat:.0f}", (high, flat), ha="right", va="bottom", fontsize=8)
    groups: list[tuple[str, float, float]] = []  # levels of nearly one speed share a label: names, lowest, highest
    for level, bandwidth in sorted(roofs["GB/s"].items(), key=lambda item: -item[1]):
        axes.plot([low / 10, flat / bandwidth], [low / 10 * bandwidth, flat], color=INK, lw=0.7, ls="--")
        if groups and bandwidth > groups[-1][2] / 1.5:
            names, _, highest = groups.pop()
            groups.append((f"{names}, {level}", bandwidth, highest))
        else:
            groups.append((level, bandwidth, bandwidth))
    for names, lowest, highest in groups:
        start = max(low, axes.get_ylim()[0] / highest) * 1.05
        if start < flat / highest / 3:
            rate = f"{lowest:.3g}" if lowest == highest else f"{lowest:.3g} to {highest:.3g}"
            axes.text(
                start,
                start * highest,
                f"copy in {names}, {rate} GB/s",
                fontsize=7,
                va="bottom",
                rotation=math.degrees(math.atan(highest)),
                rotation_mode="anchor",
                transform_rotates_text=True,
            )
