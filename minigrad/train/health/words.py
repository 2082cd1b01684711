"""A watched training as rows and as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .sight import Step, layer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .causes import Finding
    from .course import Course

ENDS = 12  # rows at each end of a table that is shown in a terminal


def rows_of(step: Step) -> list[dict[str, Any]]:
    """A dict for each layer, and for each module that has parameters and was not seen at work.

    output is the rms of the layer's output, zeros the share of exact zeros in it, dead and saturated shares of units
    and of outputs, gradient the norm that came back to it; weight, weight_gradient and update are norms over its
    parameters, ratio is update / weight. NaN where it has none.
    """
    by_layer: dict[str, list[Any]] = {}
    for weight in step.weights:
        by_layer.setdefault(layer_of(weight.name), []).append(weight)
    layers = {layer.name: layer for layer in step.layers}
    rows = []
    for name in [*layers, *(name for name in by_layer if name not in layers)]:
        layer, weights = layers.get(name), by_layer.get(name, [])
        size, update = total(w.norm for w in weights), total(w.update for w in weights)
        row: dict[str, Any] = {"step": step.number, "epoch": step.epoch, "loss": step.loss, "layer": name}
        row["op"] = "" if layer is None else layer.op
        for key, given in ("output", "size"), ("zeros", "zeros"), ("dead", "dead"), ("saturated", "saturated"):
            row[key] = math.nan if layer is None else getattr(layer, given)
        row["gradient"] = math.nan if layer is None else layer.gradient
        row["weight"], row["weight_gradient"] = size, total(w.gradient for w in weights)
        row["update"], row["ratio"] = update, update / size if size else math.nan
        row["state"] = ", ".join(dict.fromkeys(w.state for w in weights))
        rows.append(row)
    return rows


def total(norms: Any) -> float:
    """The norm of several vectors together, of those that have one; NaN where none has."""
    squares = [n * n for n in norms if not math.isnan(n)]
    return math.sqrt(sum(squares)) if squares else math.nan


COLUMNS = {
    "layer": "layer",
    "op": "op",
    "output": "output rms",
    "zeros": "zeros",
    "dead": "dead",
    "saturated": "saturated",
    "gradient": "gradient",
    "weight": "weights",
    "weight_gradient": "their gradient",
    "ratio": "update / weights",
}


def shown_rows(course: Course, step: Step) -> tuple[list[str], list[list[str]]]:
    """Heads and cells of the table of one step, without columns that nothing has."""
    rows = [[cell(key, row[key]) for key in COLUMNS] for row in rows_of(step)]
    kept = [i for i in range(len(COLUMNS)) if any(row[i] for row in rows)]
    heads = list(COLUMNS.values())
    return [heads[i] for i in kept], [[row[i] for i in kept] for row in rows]


def cell(key: str, value: Any) -> str:
    """A number of the table; nothing for NaN."""
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return ""
    return f"{value:.0%}" if key in ("zeros", "dead", "saturated") else f"{value:.3g}"


def headline(course: Course, findings: Sequence[Finding]) -> str:
    """What was found, in one line."""
    if not course.steps and not course.ended:
        return "no step was watched: was the model trained?"
    if not findings:
        return "healthy: nothing found"
    return "found: " + ", ".join(dict.fromkeys(each.kind for each in findings))


def summary(course: Course) -> str:
    """Steps and losses in one line."""
    constant = course.constant()
    against = f"; a constant output has {constant:.4g}" if math.isfinite(constant) else ""
    losses = f"loss {course.first_loss():.4g} at the start, {course.last_loss():.4g} at the end{against}"
    rate = f"{course.optimizer}, lr {course.rate:.3g}; " if course.optimizer and math.isfinite(course.rate) else ""
    return f"{len(course.steps)} watched of {course.updates} steps; {rate}{losses}"


def told(course: Course, findings: Sequence[Finding], notes: Sequence[Finding]) -> str:
    """The report as text."""
    lines = [headline(course, findings), summary(course)]
    for each in findings:
        lines += ["", str(each)]
    for each in notes:
        lines += ["", f"note: {each.words}"]
    if course.steps:
        head, rows = shown_rows(course, course.steps[-1])
        lines += ["", f"layers in step {course.steps[-1].number}", *shortened(aligned(head, rows))]
    return "\n".join(lines)


def shortened(lines: list[str]) -> list[str]:
    """The lines, those in the middle of many left out."""
    if len(lines) <= 2 * ENDS + 2:
        return lines
    left_out = len(lines) - 1 - 2 * ENDS
    return [*lines[: ENDS + 1], f"  ... {left_out} more: watch.table has all", *lines[-ENDS:]]


def aligned(head: list[str], rows: list[list[str]]) -> list[str]:
    """Columns below each other: text to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = []
    for row in (head, *rows):
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines
