"""Figures of experiments: plain numbers in, PNG bytes out. They need matplotlib, the extra `figures`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...reg.zeros.sparsity import Sparsity
from .statistics import Gain

# Okabe and Ito's colours, told apart by colour-blind readers. One meaning each, in every figure.
TRAIN, TEST, BETTER, WORSE, UNDECIDED = "#0072b2", "#d55e00", "#009e73", "#d55e00", "#7a7f87"
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#111111")
SETTINGS = {
    "font.size": 10, "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e6e6e2",
    "grid.linewidth": 0.6, "axes.axisbelow": True, "lines.linewidth": 1.6, "legend.frameon": False,
    "figure.facecolor": "white", "savefig.facecolor": "white",
}  # fmt: skip


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


def as_png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    load_pyplot().close(figure)
    return buffer.getvalue()


def _band(axis: Any, x: Any, runs: Any, color: str, label: str) -> None:
    """The mean over runs (seeds, epochs), and a band of one standard deviation."""
    runs = np.asarray(runs, np.float64)
    middle = runs.mean(0)
    axis.plot(x, middle, color=color, label=label)
    if len(runs) > 1:
        half = runs.std(0, ddof=1)
        axis.fill_between(x, middle - half, middle + half, color=color, alpha=0.18, linewidth=0)


def learning_curves(curves: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], top: float) -> bytes:
    """One panel per method: the data losses by name, each (seeds, epochs), up to `top`; no penalty is in them."""
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(curves), min(4, len(curves)), 2.5, sharex=True, sharey=True)
        for axis, (method, losses) in zip(axes, curves.items()):
            for color, (name, runs) in zip((TRAIN, TEST), losses.items()):
                _band(axis, np.arange(1, len(runs[0]) + 1), runs, color, name)
            axis.set_title(method)
            axis.set_ylim(0, top)
            axis.tick_params(labelbottom=True, labelleft=True)
        for axis in axes[: len(curves)]:
            axis.set_xlabel("epoch")
        for axis in axes[: len(curves) : 4]:
            axis.set_ylabel("data loss")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        return as_png(figure)


def penalty_curves(penalties: Mapping[str, Sequence[Sequence[float]]]) -> bytes:
    """Each penalty's value over the epochs, by name, (seeds, epochs)."""
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, (axis,) = panel_grid(1, 1, 3.6)
        for color, (name, runs) in zip(LINES, penalties.items()):
            _band(axis, np.arange(1, len(runs[0]) + 1), runs, color, name)
        axis.set_ylim(bottom=0)
        axis.set_xlabel("epoch")
        axis.set_ylabel("value of the penalty")
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return as_png(figure)


def weight_histograms(weights: Mapping[str, np.ndarray], zeros: Mapping[str, float], reach: float) -> bytes:
    """One panel per method: how many weights lie where in [-reach, reach], and the share of exact zeros."""
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(weights), 4, 2.3, sharex=True, sharey=True)
        edges = np.linspace(-reach, reach, 62)
        for axis, (method, w) in zip(axes, weights.items()):
            axis.stairs(np.histogram(np.clip(w, -reach, reach), edges)[0], edges, fill=True, color=TRAIN)
            axis.set_yscale("log")
            axis.set_title(method)
            axis.tick_params(labelbottom=True, labelleft=True)
            note = f"{zeros[method]:.0%} exact\nzeros"
            axis.annotate(note, (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize=9)
        for axis in axes[: len(weights)]:
            axis.set_xlabel("weight")
        for axis in axes[: len(weights) : 4]:
            axis.set_ylabel("weights")
        return as_png(figure)


def gain_intervals(panels: Mapping[str, Mapping[str, Gain]], better: Mapping[str, int]) -> bytes:
    """One panel per measure: each method's paired gain with its interval; green where better, orange where worse.

    better[measure] is 1 where higher values are better, -1 where lower ones are.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        count = max(map(len, panels.values()))
        figure, axes = panel_grid(len(panels), 2, 0.42 * count + 1.0, sharey=True)
        for axis, (measure, gains) in zip(axes, panels.items()):
            for place, gain in enumerate(gains.values()):
                sign = {"higher": 1, "lower": -1, "undecided": 0}[gain.verdict] * better[measure]
                color = {1: BETTER, -1: WORSE, 0: UNDECIDED}[sign]
                axis.errorbar(gain.mean, place, xerr=gain.half, fmt="o", color=color, capsize=4, markersize=6)
            axis.axvline(0, color="#333333", linewidth=1)
            axis.set_yticks(range(len(gains)), list(gains))
            axis.set_ylim(len(gains) - 0.5, -0.5)
            axis.grid(False, axis="y")
            axis.set_title(measure)
            axis.locator_params(axis="x", nbins=6)
        return as_png(figure)


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
        return as_png(figure)


def weight_images(weights: Mapping[str, np.ndarray], side: int, count: int = 12) -> bytes:
    """A row per method: the input weights of its `count` strongest hidden units (side², units) as side x side images.

    Blue is negative, white 0, red positive; each row has its own scale, written at its left.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context({**SETTINGS, "axes.grid": False}):
        figure, axes = panel_grid(len(weights), 1, 0.9)
        for axis, (method, w) in zip(axes, weights.items()):
            strongest = np.argsort(-(w * w).sum(0), kind="stable")[:count]
            scale = float(np.abs(w[:, strongest]).max()) or 1.0
            strip = np.full(
                (side, count * (side + 1) - 1), np.nan
            )  # one picture per row: an axis per unit takes seconds
            for place, unit in enumerate(strongest):
                strip[:, place * (side + 1) : place * (side + 1) + side] = w[:, unit].reshape(side, side)
            axis.imshow(strip, cmap="RdBu_r", vmin=-scale, vmax=scale, interpolation="nearest")
            for place in range(count):
                corner = (place * (side + 1) - 0.5, -0.5)
                axis.add_patch(pyplot.Rectangle(corner, side, side, fill=False, edgecolor="#bbbbbb", linewidth=0.6))
            axis.set(xticks=[], yticks=[], xlim=(-1, count * (side + 1) - 1), ylim=(side, -1))
            axis.spines[:].set_visible(False)
            axis.set_ylabel(f"{method}\n±{scale:.2f}", rotation=0, ha="right", va="center", fontsize=10, labelpad=8)
        return as_png(figure)
