"""The roofline figure: arithmetic intensity against achieved rate, under the machine's measured roofs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

MARKS = {"matmul": "o", "penalty": "s", "update": "D", "reduce": "^", "step": "*"}
COLOURS = {"minigrad": "#c2410c", "numpy": "#475569"}


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
        axes.plot([], [], MARKS.get(family, "."), color="#94a3b8", label=family)
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
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def draw_roofs(axes: Any, roofs: dict[str, Any], low: float, high: float) -> None:
    """One slanted roof per level of memory, one flat roof of the fused multiply-adds."""
    flat = max(roofs["GFLOP/s"]["float32"].values())
    axes.axhline(flat, color="black", lw=1)
    axes.annotate(f"fused multiply-adds {flat:.0f}", (high, flat), ha="right", va="bottom", fontsize=8)
    groups: list[tuple[str, float, float]] = []  # levels of nearly one speed share a label: names, lowest, highest
    for level, bandwidth in sorted(roofs["GB/s"].items(), key=lambda item: -item[1]):
        axes.plot([low / 10, flat / bandwidth], [low / 10 * bandwidth, flat], color="black", lw=0.7, ls="--")
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
