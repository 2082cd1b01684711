"""The figure of the rules for λ: what each loses to the best λ, with its interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .figures import SETTINGS, TRAIN, as_png, load_pyplot, panel_grid


def excess_by_rule(found: Mapping[str, tuple[float, float]]) -> bytes:
    """Mean excess and half width of its interval by rule, as points with bars; what lies far outside is told."""
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, (axis,) = panel_grid(1, 1, 0.6 + 0.38 * len(found))
        names = list(found)
        means = np.array([found[name][0] for name in names])
        halves = np.nan_to_num(np.array([found[name][1] for name in names]))
        places = np.arange(len(names))[::-1]
        limit = 3 * float(np.median(means)) + 10
        axis.errorbar(means, places, xerr=halves, fmt="o", color=TRAIN, capsize=3, lw=1.4)
        for place, mean in zip(places, means):
            if mean > limit:
                axis.annotate(f"{mean:.0f}", (limit, place), ha="right", va="center", fontsize=9)
        axis.axvline(0, color="0.5", lw=0.8)
        axis.set(
            xlim=(min(0.0, float((means - halves).min())) - 1, limit),
            yticks=places,
            yticklabels=names,
            xlabel="100 log(error / error of the best λ): mean over data sets, 95% interval",
        )
        return as_png(figure)
