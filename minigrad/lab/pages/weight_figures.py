"""Figures of weights: penalties over the epochs, how large weights are and how many are exactly 0, and their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .figures import INK, LINES, REFERENCE, SETTINGS, as_svg, band, load_pyplot, panel_grid

SIZES = np.logspace(-6, 1, 57)  # edges of the bars, eight to a decade
EMPTY = 10**-6.7  # where the bar of the exact zeros stands, left of the smallest size


def penalty_curves(penalties: Mapping[str, Sequence[Sequence[float]]]) -> bytes:
    """A panel for each penalty: its value over the epochs, (seeds, epochs), from 0; its title says from where to where.

    Different penalties measure the weights differently, so each has a scale of its own.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(penalties), min(5, len(penalties)), 2.4)
        for axis, (name, runs) in zip(axes, penalties.items()):
            epochs = np.arange(1, len(runs[0]) + 1)
            middle = band(axis, epochs, runs, LINES[0], marker="o" if len(epochs) == 1 else None)
            axis.set_ylim(0, 1.08 * float(np.max(runs)) or 1.0)
            axis.set_title(f"{name}\n{middle[0]:.2f} to {middle[-1]:.2f}", fontsize=9.5)
            axis.set_xlabel("epoch")
        axes[0].set_ylabel("value of the penalty")
        return as_svg(figure)


def weight_sizes(weights: Mapping[str, np.ndarray], zeros: Mapping[str, float], reference: str = "") -> bytes:
    """One panel per method: the share of its weights by |w| on a logarithmic axis, and beside them the exact zeros.

    The outline of `reference` stands in every panel. zeros: the shares that the titles name, from 0 to 1.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, axes = panel_grid(len(weights), min(4, len(weights)), 2.5, sharex=True, sharey=True)
        shares = {method: size_shares(w) for method, w in weights.items()}
        for axis, (method, (empty, heights)) in zip(axes, shares.items()):
            axis.stairs(heights, SIZES, fill=True, color=LINES[0], alpha=0.85)
            axis.bar(EMPTY, empty, width=0.6 * EMPTY, color=LINES[3])
            if reference and method != reference:
                axis.stairs(shares[reference][1], SIZES, color=REFERENCE, linewidth=0.9, linestyle=":")
            axis.set_xscale("log")
            axis.set_yscale("symlog", linthresh=1.0)
            axis.set_ylim(0, 220)
            axis.set_yticks([0, 1, 10, 100], ["0", "1", "10", "100"])
            axis.set_xticks([EMPTY, 1e-4, 1e-2, 1], ["0", "10⁻⁴", "10⁻²", "1"])
            axis.axvline(10**-6.25, color=INK, linewidth=0.5)
            axis.minorticks_off()
            axis.set_title(f"{method}\n{zeros[method]:.0%} exactly 0", fontsize=9.5)
            axis.tick_params(labelbottom=True, labelleft=True)
            axis.set_xlabel("|w|")
        for axis in axes[: len(weights) : 4]:
            axis.set_ylabel("% of the weights")
        return as_svg(figure)


def size_shares(w: np.ndarray) -> tuple[float, np.ndarray]:
    """The percentage of exact zeros, and that of the others by size, between SIZES; what is smaller or larger stands
    in the outermost of them.

    >>> empty, heights = size_shares(np.array([0.0, 1e-9, 0.5, 0.5]))
    >>> empty, heights[0], heights.sum()
    (25.0, 25.0, 75.0)
    """
    size = np.abs(np.ravel(w)).astype(np.float64)
    counts = np.histogram(np.clip(size[size > 0], SIZES[0], SIZES[-1]), SIZES)[0]
    return float(100 * (size == 0).mean()), 100 * counts / size.size


def weight_images(weights: Mapping[str, np.ndarray], units: Sequence[int], means: np.ndarray, side: int) -> bytes:
    """A row per method: the input weights (side², units) of the same hidden units as images of side x side.

    Blue is negative, white 0, red positive; each row has its own scale, written at its left. Above them stand the
    images `means` (count, side²), dark where there is ink: what the inputs look like.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context({**SETTINGS, "axes.grid": False}):
        figure, axes = panel_grid(len(weights) + 1, 1, 0.92)
        _strip(axes[0], [*means], side, "Greys", (0.0, float(means.max()) or 1.0))
        axes[0].set_ylabel("mean digits:\nall, 0 to 9", rotation=0, ha="right", va="center", labelpad=8)
        for axis, (method, w) in zip(axes[1:], weights.items()):
            scale = float(np.abs(w[:, units]).max()) or 1.0
            _strip(axis, [w[:, unit] for unit in units], side, "RdBu_r", (-scale, scale))
            axis.set_ylabel(f"{method}\n±{scale:.2f}", rotation=0, ha="right", va="center", labelpad=8)
        for place, unit in enumerate(units):
            axes[-1].annotate(f"unit {unit}", (place * (side + 1) + side / 2, side), (0, -4), textcoords="offset points",
                ha="center", va="top", fontsize=8)  # fmt: skip
        return as_svg(figure)


def _strip(axis: Any, pictures: Sequence[np.ndarray], side: int, colors: str, ends: tuple[float, float]) -> None:
    """Images in a row, as one picture: an axis for each takes seconds."""
    strip = np.full((side, len(pictures) * (side + 1) - 1), np.nan)
    for place, picture in enumerate(pictures):
        strip[:, place * (side + 1) : place * (side + 1) + side] = picture.reshape(side, side)
    axis.imshow(strip, cmap=colors, vmin=ends[0], vmax=ends[1], interpolation="none")
    for place in range(len(pictures)):
        corner = (place * (side + 1) - 0.5, -0.5)
        frame = load_pyplot().Rectangle(corner, side, side, fill=False, edgecolor="#aaaaaa", linewidth=0.6)
        axis.add_patch(frame)
    axis.set(xticks=[], yticks=[], xlim=(-1, len(pictures) * (side + 1) - 1), ylim=(side, -1))
    axis.spines[:].set_visible(False)
