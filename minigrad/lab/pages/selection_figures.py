"""Figures of the choice of λ: the error over λ with its picks and their coefficients, and the paths of coefficients.

λ falls from left to right: at the left end all weights are 0, to the right inputs enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...insight.plotting import FAINT, INK, LINES, PAPER, PICK, REFERENCE, SETTINGS, several
from ...selection import CrossValidation
from .figures import HELD, End, as_svg, load_pyplot, name_ends, panel_grid

LABELLED = 10  # paths that are named
COMPARED = 16  # inputs whose coefficients at both picks are drawn
STEEP = 12.0  # standard errors above the best mean, from where the error over λ leaves the frame


class Picked(NamedTuple):
    """Coefficients (inputs,) at both picks, the names of the inputs, and what a coefficient is in words."""

    best: np.ndarray
    one_se: np.ndarray
    names: Sequence[str]
    what: str = "standardized coefficient"


def training(settings: Mapping[str, Any]) -> str:
    """How the networks along λ were trained, in words; nothing for models that are not trained by epochs."""
    if "warm" not in settings:
        return ""
    epochs = several(settings["most epochs"], "epoch")
    if settings["warm"]:
        return f"warm start: each λ goes on from the network of the last, {epochs} at each"
    return f"each λ afresh, until validation rows stop improving, at most {epochs}"


def error_over_lambda(result: CrossValidation, picked: Picked | None = None) -> bytes:
    """Mean score ± one standard error against λ (log), the non-zeros above, both picks marked with what they cost.

    picked: the coefficients at both picks, drawn below.
    """
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        lower = None
        if picked is None:
            figure, (axis,) = panel_grid(1, 1, 4.2)
        else:
            shown = largest_of(picked)
            height = 0.9 + 0.24 * len(shown)
            figure, axes = pyplot.subplots(
                2, 1, figsize=(9.6, 4.2 + height), height_ratios=[4.2, height], layout="constrained"
            )
            axis, lower = axes
            _coefficients_at_picks(lower, result, picked, shown)
        _error_panel(axis, result)
        return as_svg(figure)


def _error_panel(axis: Any, result: CrossValidation) -> None:
    positive = (result.lambdas > 0) & np.isfinite(result.mean)  # λ = 0 has no place on a logarithmic axis
    lambdas, mean = result.lambdas[positive], result.mean[positive]
    error = np.nan_to_num(result.error[positive])
    axis.fill_between(lambdas, mean - error, mean + error, color=HELD, alpha=0.18, linewidth=0)
    axis.plot(lambdas, mean, color=HELD, marker="o", markersize=3)
    best = float(result.mean[result.best])
    slack = float(np.nan_to_num(result.error[result.best])) * (-1 if result.greater_is_better else 1)
    if slack:
        axis.axhspan(best, best + slack, color=PICK, alpha=0.13, linewidth=0)
    ends = [lam for lam in (result.lambda_1se, result.lambda_min) if lam > 0]
    if len(ends) == 2 and ends[0] != ends[1]:
        axis.axvspan(ends[1], ends[0], color=PICK, alpha=0.07, linewidth=0)
    for lam, style in zip(ends, ("--", "-")):
        axis.axvline(lam, color=PICK, linestyle=style, linewidth=1.1)
    axis.set_xscale("log")
    axis.invert_xaxis()
    _frame(axis, result, lambdas, mean, error)
    _say_picks(axis, result)
    axis.set_xlabel("λ, falling")
    axis.set_ylabel(f"{result.score.replace('_', ' ')} of the folds")
    how = training(result.settings)
    axis.set_title(finding(result) + (f"\n{how}" if how else ""))
    _counts_on_top(axis, lambdas, np.array(result.mean_nonzeros)[positive])


def finding(result: CrossValidation) -> str:
    """What the cross-validation found, in a line: both picks and their scores."""
    score = result.score.replace("_", " ")
    best = f"{score} {result.mean[result.best]:.4g} at λ = {result.lambda_min:.3g}, the best of {len(result.lambdas)} λ"
    if result.best == result.one_se:
        return f"{best}, and the largest within one standard error"
    return f"{best}; within one standard error of it: λ = {result.lambda_1se:.3g}"


def _frame(axis: Any, result: CrossValidation, lambdas: np.ndarray, mean: np.ndarray, error: np.ndarray) -> None:
    """Limits of the score: the dip fills the frame, and where the curve leaves it, its end is written there."""
    best = float(result.mean[result.best])
    unit = max(float(np.nan_to_num(result.error[result.best])), 1e-12 * abs(best))
    sign = -1 if result.greater_is_better else 1
    worst = float((sign * mean).max())
    far = sign * best + max(STEEP * unit, 1.5 * (sign * result.mean[result.one_se] - sign * best))
    if not worst > far or not unit:
        return
    edges = [float((sign * (mean - sign * error)).min()) - 0.6 * unit, far]
    low, high = sorted(sign * edge for edge in edges)
    axis.set_ylim(low, high)
    inside = np.flatnonzero(sign * mean <= far)
    for place, edge, ha in ((0, inside[0], "left"), (-1, inside[-1], "right")):
        if sign * mean[place] > far:
            axis.annotate(
                f"{mean[place]:.4g} at λ = {lambdas[place]:.3g} {'↑' if sign > 0 else '↓'}",
                (lambdas[edge], 0.98 if sign > 0 else 0.02),
                (8 if ha == "left" else -8, 0),
                ("data", "axes fraction"),
                "offset points",
                ha=ha,
                va="top" if sign > 0 else "bottom",
                fontsize=8.5,
                color=HELD,
            )


def _say_picks(axis: Any, result: CrossValidation) -> None:
    """Both picks as diamonds, filled and hollow; beside each its λ, its inputs and its score."""
    places = {"best": result.best, "one-SE pick": result.one_se}
    for i, size, face in zip(places.values(), (7, 12), (PICK, "none")):
        if result.lambdas[i] > 0:
            axis.plot(
                result.lambdas[i], result.mean[i], "D", color=PICK, markerfacecolor=face, markersize=size, zorder=6
            )
    if result.best == result.one_se:
        places = {"best, and one-SE pick": result.best}
    for rank, (name, i) in enumerate(places.items()):
        if not result.lambdas[i] > 0:
            continue
        words = (
            f"{name}: λ = {result.lambdas[i]:.3g}\n{counted(result.mean_nonzeros[i])} non-zeros in a fold, "
            f"{with_error(result.mean[i], result.error[i])}"
        )
        left = axis.transLimits.transform(axis.transScale.transform((result.lambdas[i], result.mean[i])))[0]
        to_right = left < 0.72
        axis.annotate(
            words,
            (result.lambdas[i], (0.86, 0.68)[rank] if not result.greater_is_better else (0.14, 0.32)[rank]),
            (6 if to_right else -6, 0),
            ("data", "axes fraction"),
            "offset points",
            ha="left" if to_right else "right",
            va="top" if not result.greater_is_better else "bottom",
            fontsize=8.5,
            color=PICK,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5, "alpha": 0.8},
        )


def with_error(mean: float, error: float) -> str:
    """A mean to four digits, ± its standard error to as many decimals; without one where there is none.

    >>> with_error(2980.56, 187.2), with_error(0.116213, 0.0121), with_error(0.5, float("nan"))
    ('2981 ± 187', '0.1162 ± 0.0121', '0.5')
    """
    shown = f"{mean:.4g}"
    if not np.isfinite(error):
        return shown
    if "e" in shown:
        return f"{shown} ± {error:.2g}"
    return f"{shown} ± {error:.{len(shown.partition('.')[2])}f}"


def counted(mean: float) -> str:
    """A mean of counts.

    >>> counted(4.6), counted(1832.4)
    ('4.6', '1,832')
    """
    return f"{mean:.3g}" if mean < 1000 else f"{mean:,.0f}"


def largest_of(picked: Picked) -> list[int]:
    """The inputs with the largest coefficients at the picks, at most COMPARED, the largest first; none that is 0."""
    size = np.maximum(np.abs(picked.best), np.abs(picked.one_se))
    return [int(i) for i in np.argsort(-size, kind="stable")[:COMPARED] if size[i] > 0]


def _coefficients_at_picks(axis: Any, result: CrossValidation, picked: Picked, shown: Sequence[int]) -> None:
    """A row for each input: its coefficient at the best λ, filled, and at the one-standard-error λ, hollow."""
    for place, i in enumerate(shown):
        axis.plot([picked.best[i], picked.one_se[i]], [place] * 2, color=PICK, linewidth=0.9, alpha=0.6)
        axis.plot(picked.best[i], place, "D", color=PICK, markersize=5)
        axis.plot(picked.one_se[i], place, "D", color=PICK, markerfacecolor="none", markersize=8)
    axis.axvline(0, color=INK, linewidth=1)
    axis.set_yticks(range(len(shown)), [shorter(picked.names[i]) for i in shown])
    axis.set_ylim(max(len(shown), 1) - 0.5, -0.5)
    axis.grid(False, axis="y")
    axis.set_xlabel(f"{picked.what} (filled: best λ, hollow: one-SE pick)")
    used = [int((w != 0).sum()) for w in (picked.best, picked.one_se)]
    rest = f", the {len(shown)} largest" if max(used) > len(shown) else ""
    axis.set_title(f"{several(used[0], 'input')} at the best λ, {used[1]} at the one-SE pick{rest}")


def coefficient_paths(
    lambdas: Any,
    coefficients: Any,
    names: Sequence[str],
    nonzeros: Any,
    marks: Mapping[str, float],
    what: str = "coefficient",
) -> bytes:
    """Rows of coefficients (inputs, λ) against λ (log), falling; the largest are named at their ends, numbered in the
    order in which they enter. `marks` are vertical lines. coefficients may be a table for each of several panels.
    """
    panels = coefficients if isinstance(coefficients, Mapping) else {"": coefficients}
    positive = np.asarray(lambdas) > 0
    lambdas, nonzeros = np.asarray(lambdas)[positive], np.asarray(nonzeros)[positive]
    tables = {title: np.asarray(table, np.float64)[:, positive] for title, table in panels.items()}
    single = len(tables) == 1
    pyplot = load_pyplot()
    with pyplot.rc_context(SETTINGS):
        columns = 1 if single else 2
        figure, axes = panel_grid(len(tables), columns, 4.4 if single else 3.0, sharey=True)
        ends = {}
        for axis, (title, table) in zip(axes, tables.items()):
            order = entry_order(np.abs(table))
            ends[axis] = _path_panel(axis, lambdas, table, names, order, LABELLED if single else LABELLED // 2)
            axis.set_title(f"{title}: {path_finding(order, names)}".removeprefix(": "), fontsize=10 if single else 9)
            axis.set_xlabel("λ, falling")
            axis.tick_params(labelleft=True)
            lines = _mark_picks(axis, marks, label=single)
        for axis in axes[: len(tables) : columns]:
            axis.set_ylabel(what)
        if single:
            _counts_on_top(axes[0], lambdas, nonzeros)
        elif lines:
            figure.legend(lines.values(), lines, loc="outside lower center", ncols=3)
        name_ends(ends)
        return as_svg(figure)


def _path_panel(
    axis: Any, lambdas: np.ndarray, table: np.ndarray, names: Sequence[str], order: Mapping[int, int], most: int
) -> list[End]:
    """A line for each input; the largest have colours, and their names as ends to be written."""
    largest = np.argsort(-np.abs(table).max(1), kind="stable")[:most]
    named = sorted((int(i) for i in largest if i in order), key=order.__getitem__)
    for i, row in enumerate(table):
        if i not in named and row.any():
            axis.plot(lambdas, row, color=REFERENCE, alpha=0.35, linewidth=0.7)
    ends = []
    for rank, i in enumerate(named):
        color = LINES[rank % len(LINES)]
        axis.plot(lambdas, table[i], color=color, linestyle="--" if rank >= len(LINES) else "-", zorder=3)
        ends.append(End(f"{order[i]} {shorter(names[i])}", float(lambdas[-1]), float(table[i, -1]), color))
    axis.axhline(0, color=INK, linewidth=0.8)
    axis.set_xscale("log")
    axis.set_xlim(lambdas[0], lambdas[-1])
    return ends


def _mark_picks(axis: Any, marks: Mapping[str, float], label: bool) -> dict[str, Any]:
    """A vertical line for each pick, by name; with `label` it is named on the picture. Picks at one λ share a line."""
    lines: dict[str, Any] = {}
    shared: dict[float, list[str]] = {}
    for name, lam in marks.items():
        shared.setdefault(float(lam), []).append(name)
    for rank, (lam, names) in enumerate(shared.items()):
        if not lam > 0:
            continue
        told = f"{', '.join(names)}: {lam:.3g}"
        lines[told] = axis.axvline(lam, color=PICK, linestyle=("-", "--", ":")[rank % 3], linewidth=1.1)
        if label:
            axis.annotate(
                told,
                (lam, 0.02),
                (-3, 0),
                ("data", "axes fraction"),
                "offset points",
                ha="right",
                va="bottom",
                rotation=90,
                fontsize=8.5,
                color=PICK,
            )
    return lines


def entry_order(sizes: np.ndarray) -> dict[int, int]:
    """For each input that is ever used, the place at which it enters: sizes (inputs, λ), λ falling; the larger first
    among those that enter together.

    >>> entry_order(np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 1.0], [0.0, 3.0, 4.0], [0.0, 0.0, 0.0]]))
    {2: 1, 0: 2, 1: 3}
    """
    used = np.flatnonzero((sizes != 0).any(1))
    first = {int(i): int(np.flatnonzero(sizes[i])[0]) for i in used}
    ordered = sorted(first, key=lambda i: (first[i], -sizes[i, first[i]]))
    return {i: place for place, i in enumerate(ordered, 1)}


def path_finding(order: Mapping[int, int], names: Sequence[str]) -> str:
    """Which inputs enter first, in a line."""
    if not order:
        return "no input enters on this grid"
    first = [shorter(names[i]) for i in list(order)[:3]]
    ending = "enters" if len(first) == 1 else "enter"
    return f"{', '.join(first)} {ending} first, of {len(order)} that enter"


def shorter(name: Any, most: int = 18) -> str:
    """A name that has room in a figure.

    >>> shorter("a column with a long name")
    'a column with a l…'
    """
    name = str(name)
    return name if len(name) <= most else name[: most - 1] + "…"


def _counts_on_top(axis: Any, lambdas: np.ndarray, counts: Any) -> None:
    """The non-zeros at up to eight λ, evenly spaced along the upper edge."""
    top = axis.secondary_xaxis("top")
    at = range(0, len(lambdas), -(-len(lambdas) // 8))
    shown = [counted(counts[i]) for i in at]
    top.set_xticks(lambdas[list(at)], shown)
    top.minorticks_off()
    top.set_xlabel("non-zeros", fontsize=8.5, color=FAINT)
    top.tick_params(labelsize=8.5, length=2)
