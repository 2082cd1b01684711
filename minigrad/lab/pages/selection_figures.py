"""Figures of the choice of λ: the error over λ with its band and both picks, and the paths of coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...selection import CrossValidation
from .figures import LINES, SETTINGS, TEST, TRAIN, as_png, load_pyplot, panel_grid

LABELLED = 8  # paths that are named


def training(settings: Mapping[str, Any]) -> str:
    """How the networks along λ were trained, in words; nothing for models that are not trained by epochs."""
    if "warm" not in settings:
        return ""
    if settings["warm"]:
        return f"warm start: each λ goes on from the network of the last, {settings['most epochs']} epochs at each"
    return f"each λ afresh, until validation rows stop improving, at most {settings['most epochs']} epochs"


def error_over_lambda(result: CrossValidation) -> bytes:
    """Mean score ± one standard error against λ (log), the non-zeros above, both picks marked."""
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        figure, (axis,) = panel_grid(1, 1, 4.2)
        lambdas, positive = result.lambdas, result.lambdas > 0  # λ = 0 has no place on a logarithmic axis
        mean, error = (part[positive] for part in (result.mean, result.error))
        axis.fill_between(lambdas[positive], mean - error, mean + error, color=TRAIN, alpha=0.18, linewidth=0,
                          label="± one standard error")  # fmt: skip
        axis.plot(lambdas[positive], mean, color=TRAIN, marker="o", markersize=3,
                  label=f"mean of {len(result.scores)} folds")  # fmt: skip
        for index, style, name in ((result.best, "-", "best"), (result.one_se, "--", "one standard error")):
            axis.axvline(lambdas[index], color=TEST, linestyle=style, linewidth=1.2,
                         label=f"{name}: λ = {lambdas[index]:.3g}")  # fmt: skip
        level = result.mean[result.best] + (-1 if result.greater_is_better else 1) * result.error[result.best]
        axis.axhline(level, color="#7a7f87", linestyle=":", linewidth=1, label="best mean and one standard error")
        axis.set_xscale("log")
        axis.set_xlabel("λ")
        axis.set_ylabel(result.score)
        if how := training(result.settings):
            axis.set_title(how, fontsize="small")
        figure.legend(loc="outside lower center", ncols=3)
        _counts_on_top(axis, lambdas[positive], np.array(result.mean_nonzeros)[positive])
        return as_png(figure)


def coefficient_paths(
    lambdas: Any, coefficients: Any, names: Sequence[str], nonzeros: Any, marks: dict[str, float]
) -> bytes:
    """Each row of coefficients (inputs, λ) against λ (log), the largest ones named; `marks` are vertical lines."""
    pyplot = load_pyplot()
    coefficients = np.asarray(coefficients, np.float64)
    largest = np.argsort(-np.abs(coefficients).max(1), kind="stable")
    with pyplot.rc_context(SETTINGS):
        figure, (axis,) = panel_grid(1, 1, 4.2)
        for rank, row in enumerate(largest):
            named = rank < LABELLED
            axis.plot(lambdas, coefficients[row], color=LINES[rank % len(LINES)] if named else "#b9bcc2",
                      linestyle="--" if named and rank >= len(LINES) else "-", linewidth=1.6 if named else 0.8,
                      zorder=3 if named else 2, label=names[row] if named else None)  # fmt: skip
        for (name, lam), style in zip(marks.items(), ("-", "--")):
            axis.axvline(lam, color=TEST, linestyle=style, linewidth=1.2, label=f"{name}: λ = {lam:.3g}")
        axis.axhline(0, color="#333333", linewidth=0.8)
        axis.set_xscale("log")
        axis.set_xlabel("λ")
        axis.set_ylabel("coefficient")
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        _counts_on_top(axis, lambdas, nonzeros)
        return as_png(figure)


def _counts_on_top(axis: Any, lambdas: np.ndarray, counts: Any) -> None:
    """The non-zeros at up to eight λ, evenly spaced along the upper edge."""
    top = axis.secondary_xaxis("top")
    at = range(0, len(lambdas), -(-len(lambdas) // 8))
    shown = [f"{counts[i]:.4g}" if counts[i] < 1000 else f"{counts[i]:,.0f}" for i in at]
    top.set_xticks(lambdas[list(at)], shown)
    top.minorticks_off()
    top.set_xlabel("non-zeros")
