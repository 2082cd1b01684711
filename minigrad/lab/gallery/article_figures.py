"""The figures of the articles: named curves in panels, and images of weights in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..pages.figures import LINES, SETTINGS, as_svg, load_pyplot, panel_grid

Curve = tuple[Sequence[float], Sequence[float]]
FEW = 6  # points that are marked on the axis; twice as many are marked on the line


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
    """One panel per title, in it a line per name through (x, y); a name has one colour in all panels.

    log: the axes on a logarithmic scale, "", "x", "y" or "xy". marks[title] are vertical lines by name. alike: one
    y axis for all. overlaid: the first lines are wider, to be seen behind those that cover them. The legend stands
    below.
    """
    pyplot = load_pyplot()
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    colors = {name: LINES[i % len(LINES)] for i, name in enumerate(names)}
    styles = {name: ("-", "--", ":")[i // len(LINES)] for i, name in enumerate(names)}
    widths = {name: 1.6 + 0.6 * overlaid * (len(names) - 1 - i) for i, name in enumerate(names)}
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(panels), min(columns, len(panels)), height, sharey=alike)
        handles: dict[str, Any] = {}
        for i, (axis, (title, lines)) in enumerate(zip(axes, panels.items())):
            for name, (x, y) in lines.items():
                dot = "o" if len(x) <= 2 * FEW else None
                (handles[name],) = axis.plot(
                    x, y, color=colors[name], linestyle=styles[name], linewidth=widths[name], marker=dot, markersize=3.5
                )
            for name, place in (marks or {}).get(title, {}).items():
                _mark(axis, name, place, at_left=place <= min(x))
            axis.set_title(title)
            axis.set_xlabel(xlabel)
            if i % min(columns, len(panels)) == 0 or not alike:
                axis.set_ylabel(ylabel)
            _scale(axis, log, x)
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=min(6, len(handles)))
        return as_svg(figure)


def _mark(axis: Any, name: str, place: float, *, at_left: bool) -> None:
    """A dotted vertical line with its name beside it: to the right of a line at the left border, else to the left."""
    axis.axvline(place, color="#7a7f87", linestyle=":", linewidth=1.2)
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
        color="#5a5f67",
    )


def _scale(axis: Any, log: str, x: Sequence[float]) -> None:
    """The scales of the axes; few points x are written below the axis, each at its place."""
    if "x" in log:
        axis.set_xscale("log")
    if len(x) <= FEW:
        axis.set_xticks(x, [f"{value:,g}" for value in x])
        axis.minorticks_off()
    if "y" in log:
        axis.set_yscale("log")
    axis.tick_params(labelleft=True)


def bars(panels: Mapping[str, Mapping[str, float]], mark: float) -> bytes:
    """One panel per title, in it a bar per name, its value written beside it; a line at `mark`."""
    pyplot = load_pyplot()
    with pyplot.rc_context({**SETTINGS, "axes.grid": False}):
        figure, axes = panel_grid(len(panels), len(panels), 0.8 + 0.28 * max(map(len, panels.values())))
        for axis, (title, values) in zip(axes, panels.items()):
            drawn = axis.barh(list(values), list(values.values()), color=LINES[0])
            axis.bar_label(drawn, fmt="%.2f", padding=3, fontsize=8)
            axis.axvline(mark, color="#111111", linewidth=1)
            axis.set_xmargin(0.12)
            axis.invert_yaxis()
            axis.set_title(title)
        return as_svg(figure)


def images(pictures: Mapping[str, np.ndarray]) -> bytes:
    """Square images by title, each on its own scale: blue negative, white 0, red positive, grey where there is none."""
    pyplot = load_pyplot()
    with pyplot.rc_context({**SETTINGS, "axes.grid": False}):
        figure, axes = panel_grid(len(pictures), len(pictures), 9.6 / len(pictures) + 0.3)
        for axis, (title, picture) in zip(axes, pictures.items()):
            scale = float(np.nanmax(np.abs(picture))) or 1.0
            axis.set_facecolor("#d0d2d6")
            axis.imshow(picture, cmap="RdBu_r", vmin=-scale, vmax=scale, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            axis.set_title(title)
        return as_svg(figure)
