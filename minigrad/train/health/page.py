"""A watched training as a page, and as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...insight.html_report import Report
from .drawing import lines
from .words import headline, shown_rows, summary

if TYPE_CHECKING:
    from .causes import Finding
    from .course import Course

SHOWN = 6  # layers or steps that a drawing has


def page_of(course: Course, findings: Sequence[Finding], notes: Sequence[Finding], title: str, limits: Any) -> Report:
    """The page: what was found and what cures it, curves, the layers at the last watched step, the limits."""
    report = Report(title, summary(course))
    add_to(report, course, findings, notes, limits)
    return report


def add_to(
    report: Report, course: Course, findings: Sequence[Finding], notes: Sequence[Finding], limits: Any, level: int = 2
) -> None:
    """The same as sections of a page that may have more."""
    report.text(headline(course, findings)[:1].upper() + headline(course, findings)[1:] + ".")
    for each in findings:
        report.section(f"{each.kind}: {each.layer}" if each.layer else each.kind, level)
        report.text(each.words + ".")
        if each.remedy:
            report.text(f"Try {each.remedy}.")
            report.code(each.code)
    for each in notes:
        report.note(f"Note: {each.words}.")
    if not course.steps:
        return
    for heading, svg, description in drawings(course):
        report.section(heading, level)
        report.drawing(svg, description)
    report.section(f"Layers in step {course.steps[-1].number}", level)
    report.table(*shown_rows(course, course.steps[-1]))
    report.section("Limits", level)
    report.note("A number beyond its limit is a finding; each limit is an argument of Watch. docs/health.md says why.")
    report.table(["limit", "value"], [[name, f"{value:g}"] for name, value in vars(limits).items()])


class Panel(NamedTuple):
    """What one drawing shows: curves by name over x, logarithmic or not, and what it says to who cannot see it."""

    heading: str
    curves: dict[str, list[tuple[float, float]]]
    across: str
    up: str
    log: bool
    description: str
    top: float = -math.inf  # which the scale reaches at least


def panels(course: Course) -> list[Panel]:
    """What there is to draw."""
    return [loss_panel(course), *depth_panel(course), update_panel(course), *unit_panels(course)]


def loss_panel(course: Course) -> Panel:
    """The loss by step, beside that of a constant."""
    series, constant = course.series(), course.constant()
    curves = {"loss": [(float(n), loss) for n, loss in series]}
    if math.isfinite(constant) and series:
        curves["of a constant"] = [(float(series[0][0]), constant), (float(series[-1][0]), constant)]
    said = f"The loss by step, from {course.first_loss():.4g} to {course.last_loss():.4g}."
    return Panel("The loss", curves, "step", "loss", False, said)


def depth_panel(course: Course) -> list[Panel]:
    """The gradient at each layer, in some steps."""
    names = [layer.name for layer in course.layers(course.steps[-1])]
    if len(names) < 2:
        return []
    curves = {
        f"step {step.number}": [(float(i), layer.gradient) for i, layer in enumerate(course.layers(step))]
        for step in picked(course.steps)
    }
    said = (
        f"The norm of the gradient at the output of each of {len(names)} layers, first to last, in some steps: a curve "
        "that climbs from left to right vanishes on its way back."
    )
    across = f"layer ({names[0]} … {names[-1]})"
    return [Panel("The gradient through depth", curves, across, "‖gradient‖", True, said)]


def update_panel(course: Course) -> Panel:
    """Updates beside weights, by step."""
    matrices = [w.name for w in course.steps[-1].weights if len(w.shape) > 1 and not math.isnan(w.ratio)]
    curves = {name: [(float(n), w.ratio) for n, w in course.weights(name)] for name in picked(matrices)}
    said = "The norm of the update over that of the weights, by step; near 0.001 is usual."
    return Panel("Updates beside weights", curves, "step", "‖update‖ / ‖weights‖", True, said)


def unit_panels(course: Course) -> list[Panel]:
    """Dead units and saturated outputs, where there are layers that can have them."""
    found = []
    for kind, heading in ("dead", "Dead units"), ("saturated", "Saturated outputs"):
        layers = [layer.name for layer in course.steps[-1].layers if not math.isnan(getattr(layer, kind))]
        curves = {
            name: [(float(n), getattr(seen, kind)) for n, seen in course.of_layer(name)] for name in picked(layers)
        }
        if curves:
            found.append(
                Panel(heading, curves, "step", "share", False, f"{heading}: their share by layer and step.", 1.0)
            )
    return found


def drawings(course: Course) -> list[tuple[str, str, str]]:
    """(heading, SVG, description)."""
    made = [(p.heading, lines(p.curves, p.across, p.up, p.log, p.top), p.description) for p in panels(course)]
    return [each for each in made if each[1]]


def picked(items: Sequence[Any]) -> list[Any]:
    """All of a few; of many, some spread over all, the first and the last among them."""
    if len(items) <= SHOWN:
        return list(items)
    return [items[round(i * (len(items) - 1) / (SHOWN - 1))] for i in range(SHOWN)]


def figure_of(course: Course) -> Any:
    """The curves as panels of a matplotlib figure."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("Watch.plot: needs matplotlib, pip install 'minigrad[figures]'") from None
    shown = panels(course)
    figure, axes = pyplot.subplots(len(shown), 1, figsize=(8, 2.6 * len(shown)), squeeze=False, layout="constrained")
    for axis, panel in zip(axes[:, 0], shown):
        for name, points in panel.curves.items():
            axis.plot([a for a, _ in points], [b for _, b in points], ".-", label=name)
        if panel.log:
            axis.set_yscale("log")
        axis.set(title=panel.heading, xlabel=panel.across, ylabel=panel.up)
        if panel.curves:
            axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure
