"""The one style of all figures: colours by meaning, panels, bands, names at the ends of lines; numbers in, SVG out.

The colours stand in insight/plotting.py. Figures need matplotlib, the extra `figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...insight import plotting
from ...insight.plotting import BETTER, HELD, INK, LINES, PAPER, REFERENCE, SETTINGS, TRAIN, UNDECIDED, WORSE
from ...reg.zeros.sparsity import Sparsity
from .statistics import Gain

NONE = ("none", "nothing", "no penalty", "minimum norm", "least squares", "NumPy")  # what others are compared with


def wanted(options: Any) -> bool:
    """Whether a command draws figures: unless --no-figures; without matplotlib it says so in one line."""
    if options.no_figures:
        return False
    try:
        load_pyplot()
    except ImportError as missing:
        print(missing)
        return False
    return True


def load_pyplot() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise ImportError("no figures: they need matplotlib, pip install 'minigrad[figures]'") from None
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def panel_grid(count: int, columns: int, height: float, **options: Any) -> tuple[Any, list[Any]]:
    """A figure of `count` panels in rows of `columns`, 9.6 inches wide; what is left of the last row is empty."""
    pyplot = load_pyplot()
    rows = -(-count // columns)
    with pyplot.rc_context(SETTINGS):
        figure, axes = pyplot.subplots(
            rows, columns, figsize=(9.6, height * rows), squeeze=False, layout="constrained", **options
        )
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    return figure, list(axes.flat)


def as_svg(figure: Any) -> bytes:
    """The figure as one <svg> element for light and dark pages; it is closed."""
    made = plotting.as_svg(figure)
    load_pyplot().close(figure)
    return made


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name: by what it means, where the name says so, else the next of LINES.

    >>> colours_of(["training rows", "test rows, clean labels"]) == {
    ...     "training rows": TRAIN, "test rows, clean labels": HELD}
    True
    """
    names = list(names)
    trained = sorted((name for name in names if "train" in name.lower()), key=lambda name: "right" in name)
    held = [name for name in names if any(word in name.lower() for word in ("test", "validation", "held"))]
    found = {name: color for color, several in ((HELD, held), (TRAIN, trained)) for name in several[:1]}
    found |= {name: REFERENCE for name in names if name.lower() in NONE or name.startswith(("without ", "no "))}
    free = iter(LINES * len(names))
    return {name: found.get(name) or next(free) for name in names}


def band(axis: Any, x: Any, runs: Any, color: str, **options: Any) -> np.ndarray:
    """The mean over runs (seeds, epochs), and a band of one standard deviation; returns the mean."""
    runs = np.asarray(runs, np.float64)
    middle = runs.mean(0)
    axis.plot(x, middle, color=color, **options)
    if len(runs) > 1:
        half = runs.std(0, ddof=1)
        axis.fill_between(x, middle - half, middle + half, color=color, alpha=0.18, linewidth=0)
    return middle


class End(NamedTuple):
    """The name of a line, its last point, and its colour."""

    name: str
    x: float
    y: float
    color: str


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near as can be to the wanted ones, in their order, each `gap` above the one below.

    They stay within [low, high] where there is room; where there is none, they are evenly spaced from low to high.

    >>> spread_out([1.0, 1.0, 9.0], 2.0, 0.0, 10.0)
    [0.0, 2.0, 9.0]
    """
    count = len(wanted)
    if count > 1 and (count - 1) * gap > high - low:
        gap = (high - low) / (count - 1)
    groups: list[list[float]] = []  # [sum of (place - offset), count]: lines that touch move together
    order = sorted(range(count), key=lambda i: wanted[i])
    for rank, i in enumerate(order):
        groups.append([min(max(wanted[i], low), high) - rank * gap, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            total, size = groups.pop()
            groups[-1] = [groups[-1][0] + total, groups[-1][1] + size]
    places, rank = [0.0] * count, 0
    for total, size in groups:
        base = min(max(total / size, low), high - (count - 1) * gap)  # the lowest fits, and so does the highest
        for _ in range(int(size)):
            places[order[rank]] = base + rank * gap
            rank += 1
    return places


def name_ends(panels: Mapping[Any, Sequence[End]], size: float = 8.5) -> None:
    """Write the name of each line behind its last point, by axis, so far apart that all can be read."""
    if not panels:
        return
    figure = next(iter(panels)).figure
    figure.draw_without_rendering()
    for axis, ends in panels.items():
        points = [axis.transData.transform((end.x, end.y)) for end in ends]
        pixel = figure.dpi / 72
        low, high = axis.bbox.y0 + size * pixel / 2, axis.bbox.y1 - size * pixel / 2
        places = spread_out([float(y) for _, y in points], 1.25 * size * pixel, low, high)
        for end, (_, y), place in zip(ends, points, places):
            away = (place - y) / pixel
            line = {"arrowstyle": "-", "color": end.color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
            axis.annotate(
                end.name,
                (end.x, end.y),
                (9 if abs(away) > 2 else 5, away),
                textcoords="offset points",
                va="center",
                fontsize=size,
                color=end.color,
                annotation_clip=False,
                arrowprops=line if abs(away) > 2 else None,
            )


def learning_curves(
    curves: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], top: float, reference: str = ""
) -> bytes:
    """One panel per method: data losses on training rows and on held-out rows, each (seeds, epochs), up to `top`.

    The gap between them is shaded, the least held-out loss marked; the held-out loss of the method `reference` stands
    in every panel. A panel's title says what the held-out loss comes to.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(curves), min(4, len(curves)), 2.7, sharex=True, sharey=True)
        ghost = np.mean(list(curves[reference].values())[1], 0) if reference else None
        for axis, (method, losses) in zip(axes, curves.items()):
            _learning_panel(axis, method, losses, ghost if method != reference else None)
            axis.set_ylim(0, top)
            axis.set_xlabel("epoch")
        for axis in axes[: len(curves) : 4]:
            axis.set_ylabel("data loss")
        handles = [pyplot.Line2D([], [], color=color) for color in (TRAIN, HELD)]
        labels = [*next(iter(curves.values()))]
        if ghost is not None:
            handles.append(pyplot.Line2D([], [], color=REFERENCE, linestyle=":"))
            labels.append(f"{labels[1]}, {reference}")
        handles.append(pyplot.Line2D([], [], color=HELD, marker="o", markerfacecolor=PAPER, linestyle=""))
        figure.legend(handles, [*labels, "its least"], loc="outside lower center", ncols=len(labels) + 1)
        return as_svg(figure)


def _learning_panel(axis: Any, method: str, losses: Mapping[str, Any], ghost: np.ndarray | None) -> None:
    train, held = losses.values()
    epochs = np.arange(1, len(held[0]) + 1)
    if ghost is not None:
        axis.plot(epochs, ghost, color=REFERENCE, linestyle=":", linewidth=1.3)
    seen, kept = band(axis, epochs, train, TRAIN), band(axis, epochs, held, HELD)
    axis.fill_between(epochs, seen, kept, where=kept > seen, color=HELD, alpha=0.08, linewidth=0, interpolate=True)
    low = int(kept.argmin())
    axis.plot(epochs[low], kept[low], "o", color=HELD, markerfacecolor=PAPER, markersize=5, zorder=5)
    rise = kept[-1] - kept[low]
    risen = f"least {kept[low]:.2f}, ends {kept[-1]:.2f}" if rise >= 0.005 else f"falls to {kept[-1]:.2f}"
    axis.set_title(f"{method}\n{risen}", fontsize=9.5)
    axis.tick_params(labelbottom=True, labelleft=True)


def gain_intervals(
    panels: Mapping[str, Mapping[str, Gain]],
    better: Mapping[str, int],
    seeds: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> bytes:
    """One panel per measure: each paired gain with its interval, the best on top; a triangle to the better side where
    the interval excludes 0, else a hollow circle. seeds: the gains seed by seed, dots behind the intervals.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        rows = max(map(len, panels.values()))
        figure, axes = panel_grid(len(panels), len(panels), 0.36 * rows + 1.1)
        for axis, (measure, gains) in zip(axes, panels.items()):
            ordered = sorted(gains, key=lambda name: -better[measure] * gains[name].mean)
            for place, name in enumerate(ordered):
                gain = gains[name]
                if seeds is not None:
                    dots = seeds[measure][name]
                    axis.plot(dots, [place + 0.22] * len(dots), "o", color=REFERENCE, alpha=0.45, markersize=2.5)
                _interval(axis, gain, place, better[measure])
            axis.axvline(0, color=INK, linewidth=1)
            axis.set_yticks(range(len(ordered)), ordered)
            axis.set_ylim(len(ordered) - 0.5, -0.5)
            axis.grid(False, axis="y")
            axis.set_title(f"{measure}\n{counted(gains, better[measure])}", fontsize=9.5)
            axis.locator_params(axis="x", nbins=6)
        return as_svg(figure)


def _interval(axis: Any, gain: Gain, place: int, better: int) -> None:
    sign = {"higher": 1, "lower": -1, "undecided": 0}[gain.verdict]
    color = {1: BETTER, -1: WORSE, 0: UNDECIDED}[sign * better]
    half = gain.half if gain.half == gain.half else None
    axis.errorbar(
        gain.mean,
        place,
        xerr=half,
        fmt={1: ">", -1: "<", 0: "o"}[sign],
        color=color,
        markerfacecolor=color if sign else PAPER,
        capsize=3,
        markersize=6,
    )


def counted(gains: Mapping[str, Gain], better: int) -> str:
    """How many gains are better, worse and undecided.

    >>> counted({"a": Gain(2.0, 1.0), "b": Gain(0.5, 1.0), "c": Gain(0.1, 1.0)}, -1)
    '1 worse, 2 undecided'
    """
    words = {"higher": "better" if better > 0 else "worse", "lower": "worse" if better > 0 else "better"}
    said = [words.get(gain.verdict, "undecided") for gain in gains.values()]
    return ", ".join(f"{said.count(word)} {word}" for word in ("better", "worse", "undecided") if word in said)


def sparsity_bars(models: Mapping[str, Sparsity]) -> bytes:
    """One panel per model: the shares of exact zeros, empty rows and empty columns of each of its parameters."""
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        count = max(map(len, models.values()))
        figure, axes = panel_grid(len(models), min(3, len(models)), 0.5 * count + 1.0, sharex=True)
        for axis, (model, found) in zip(axes, models.items()):
            shares = np.array([entry.shares for entry in found]).reshape(-1, 3).T
            for i, kind in enumerate(("zeros", "empty rows", "empty columns")):
                places = np.arange(len(found)) + 0.27 * (i - 1)
                axis.barh(places, shares[i], 0.25, color=LINES[i], label=kind)
            axis.set_yticks(range(len(found)), [z.name for z in found])
            axis.set_ylim(len(found) - 0.5, -0.5)
            axis.set_xlim(0, 1)
            axis.grid(False, axis="y")
            axis.set_title(model)
            axis.tick_params(labelbottom=True)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        return as_svg(figure)
