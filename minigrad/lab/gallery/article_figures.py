"""The figures of the articles: named curves in panels, and images of weights in a row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...insight.plotting import BETTER, FAINT, INK, LINES, PAPER, SETTINGS, UNDECIDED, WORSE
from ..pages.figures import End, as_svg, colours_of, load_pyplot, name_ends, panel_grid

Curve = tuple[Sequence[float], Any]  # x, and y: (len(x),), or one row for each seed
FEW = 6  # points that are marked on the axis; twice as many are marked on the line
NAMED = 7  # lines that have room for their names at their ends


def curves(
    panels: Mapping[str, Mapping[str, Curve]],
    xlabel: str,
    ylabel: str,
    *,
    log: str = "",
    columns: int = 3,
    height: float = 3.0,
    marks: Mapping[str, Mapping[str, float]] | None = None,
    alike: bool = True,
    overlaid: bool = False,
) -> bytes:
    """One panel per title, in it a line per name through (x, y); a name has one colour in all panels, by its meaning
    where it has one. y with a row for each seed is drawn as their mean, and a band of one standard deviation.

    log: the axes on a logarithmic scale, "", "x", "y" or "xy"; exact zeros stand at the lower end of a logarithmic y,
    hollow. marks[title] are vertical lines by name. alike: one y axis for all. overlaid: the first lines are wider, to
    be seen behind those that cover them. Names stand at the ends of lines where there is room, else in a legend.

    Nothing, b"", where no line has two points: a run of one epoch has no curve.
    """
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    if all(len(x) < 2 for lines in panels.values() for x, _ in lines.values()):
        return b""
    pyplot = load_pyplot()
    colors = colours_of(names)
    styles = {name: ("-", "--", ":")[i // len(LINES)] for i, name in enumerate(names)}
    widths = {name: 1.6 + 0.6 * overlaid * (len(names) - 1 - i) for i, name in enumerate(names)}
    columns = min(columns, len(panels))
    at_ends = columns <= 2 and len(names) <= NAMED and not overlaid
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(panels), columns, height, sharey=alike)
        handles: dict[str, Any] = {}
        ends: dict[Any, list[End]] = {}
        for i, (axis, (title, lines)) in enumerate(zip(axes, panels.items())):
            _scale(axis, log, next(iter(lines.values()))[0])
            for name, (x, y) in lines.items():
                handles[name], last = _line(axis, x, y, colors[name], styles[name], widths[name], "y" in log)
                ends.setdefault(axis, []).append(End(name, *last, colors[name]))
            for name, place in (marks or {}).get(title, {}).items():
                _mark(axis, name, place, at_left=place <= min(x))
            axis.set_title(title)
            axis.set_xlabel(xlabel)
            if i % columns == 0 or not alike:
                axis.set_ylabel(ylabel)
        if "y" in log:
            _show_zeros(axes[: len(panels)])
            for axis in axes[: len(panels)]:
                _few_powers(axis)
        if at_ends:
            name_ends(ends)
        elif len(handles) > 1:
            figure.legend(handles.values(), handles, loc="outside lower center", ncols=min(5, len(handles)))
        return as_svg(figure)


def _line(
    axis: Any, x: Any, y: Any, color: str, style: str, width: float, log: bool
) -> tuple[Any, tuple[float, float]]:
    """A line, or the mean of rows with their band; on a logarithmic scale without its zeros. The line, and its end at the right."""
    y = np.asarray(y, np.float64)
    if y.ndim == 2:
        half = y.std(0, ddof=1) if len(y) > 1 else np.zeros(y.shape[1])
        y = y.mean(0)
        axis.fill_between(x, y - half, y + half, color=color, alpha=0.16, linewidth=0)
    shown = np.where(y > 0, y, np.nan) if log else y
    dot = "o" if len(x) <= 2 * FEW else None
    (made,) = axis.plot(x, shown, color=color, linestyle=style, linewidth=width, marker=dot, markersize=3.5)
    made.minigrad_zeros = [place for place, v in zip(x, y) if v == 0] if log else []
    right = max((i for i in range(len(x)) if np.isfinite(shown[i])), key=lambda i: x[i], default=0)
    return made, (float(x[right]), float(np.nan_to_num(shown[right])))


def _show_zeros(axes: Sequence[Any]) -> None:
    """Exact zeros as hollow circles on the lower edge of a logarithmic axis, where 0 is written beside them."""
    for axis in axes:
        zeros = [(line, place) for line in axis.lines for place in getattr(line, "minigrad_zeros", [])]
        for line, place in zeros:
            axis.plot(place, 0.03, "o", color=line.get_color(), markerfacecolor="none", markersize=5,
                transform=axis.get_xaxis_transform(), clip_on=False)  # fmt: skip
        if zeros:
            axis.annotate(
                "exactly 0", (zeros[0][1], 0.03), (0, 6), axis.get_xaxis_transform(), "offset points", fontsize=8
            )


def _mark(axis: Any, name: str, place: float, *, at_left: bool) -> None:
    """A dotted vertical line with its name beside it: to the right of a line at the left border, else to the left."""
    axis.axvline(place, color=FAINT, linestyle=":", linewidth=1.2)
    axis.annotate(
        name,
        (place, 0.98),
        (3 if at_left else -3, 0),
        ("data", "axes fraction"),
        "offset points",
        ha="left" if at_left else "right",
        va="top",
        rotation=90,
        fontsize=8,
        color=FAINT,
    )


def _scale(axis: Any, log: str, x: Sequence[float]) -> None:
    """The scales of the axes; few points x are written below the axis, each at its place; few powers of 10 beside it."""
    if "x" in log:
        axis.set_xscale("log")
    if len(x) <= FEW:
        axis.set_xticks(x, [f"{value:,g}" for value in x])
        axis.minorticks_off()
    if "y" in log:
        axis.set_yscale("log")
    axis.tick_params(labelleft=True)


def _few_powers(axis: Any) -> None:
    """At most seven powers of 10 beside a logarithmic axis, evenly spaced, 1 among them where it lies within."""
    from matplotlib.ticker import NullLocator

    low, high = (math.log10(end) for end in axis.get_ylim())
    step = next(step for step in (1, 2, 3, 5, 10, 20, 25, 50, 100) if (high - low) / step <= 6)
    powers = range(math.ceil(low / step) * step, math.floor(high / step) * step + 1, step)
    if len(powers) >= 2:
        axis.set_yticks([10.0**power for power in powers])
        axis.yaxis.set_minor_locator(NullLocator())


def ratios(panels: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> bytes:
    """One panel per title: ratios (median, low, high) minus one, in %, as dots with their intervals, from 0.

    Less time is better, more is worse; hollow where the interval contains 0.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(panels), len(panels), 1.0 + 0.3 * max(map(len, panels.values())))
        for axis, (title, found) in zip(axes, panels.items()):
            for place, (middle, low, high) in enumerate(found.values()):
                color = WORSE if low > 1 else BETTER if high < 1 else UNDECIDED
                axis.plot([100 * (low - 1), 100 * (high - 1)], [place, place], color=color, linewidth=2)
                face = PAPER if color == UNDECIDED else color
                axis.plot(100 * (middle - 1), place, "o", color=color, markerfacecolor=face, markersize=6)
                axis.annotate(f"{100 * (middle - 1):+.1f}%", (100 * (max(high, middle) - 1), place), (6, 0), textcoords="offset points",
                    va="center", fontsize=8.5)  # fmt: skip
            axis.axvline(0, color=INK, linewidth=1)
            axis.set_yticks(range(len(found)), list(found))
            axis.set_ylim(len(found) - 0.5, -0.5)
            axis.set_xmargin(0.2)
            axis.grid(False, axis="y")
            axis.set_title(title)
            axis.set_xlabel("% more time")
        return as_svg(figure)


def images(pictures: Mapping[str, np.ndarray]) -> bytes:
    """Square images by title, each on its own scale: blue negative, white 0, red positive, grey where there is none."""
    pyplot = load_pyplot()
    with pyplot.rc_context({**SETTINGS, "axes.grid": False}):
        figure, axes = panel_grid(len(pictures), len(pictures), 9.6 / len(pictures) + 0.3)
        for axis, (title, picture) in zip(axes, pictures.items()):
            scale = float(np.nanmax(np.abs(picture))) or 1.0
            axis.set_facecolor("#d0d2d6")
            axis.imshow(picture, cmap="RdBu_r", vmin=-scale, vmax=scale, interpolation="none")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            axis.set_title(title)
        return as_svg(figure)
