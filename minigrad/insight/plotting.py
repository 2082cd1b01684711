"""Figures that objects draw of themselves: matplotlib where it is installed, one clear line where it is not."""

from __future__ import annotations

import io
import os
from typing import Any

HELD, TRAIN, PICK = "#b4501e", "#1e6fb4", "#2e8b57"  # held-out rows, training rows, what was picked


def axes(who: str, size: tuple[float, float] = (6.4, 4.0)) -> Any:
    """Axes of a new figure, which belongs to no window. ImportError without matplotlib, in the name of `who`."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f"{who} needs matplotlib: pip install 'minigrad[figures]'") from None

    class Drawn(Figure):
        """A figure that a notebook shows, though it belongs to no window of pyplot."""

        def _repr_svg_(self) -> str:
            text = io.StringIO()
            self.savefig(text, format="svg")
            return text.getvalue()

    found = Drawn(figsize=size, layout="constrained").subplots()
    found.spines[["top", "right"]].set_visible(False)
    found.grid(axis="y", alpha=0.25)
    return found


def finished(axes: Any, path: str | os.PathLike[str] | None) -> Any:
    """The figure of the axes, saved to `path` if given."""
    if path is not None:
        axes.figure.savefig(path)
    return axes.figure
