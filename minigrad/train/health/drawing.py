"""Lines over steps or layers as a drawing of SVG that takes its page's colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ...insight.plotting import LINES, REFERENCE, TRAIN, dark_style

MEANT = {"loss": TRAIN, "of a constant": REFERENCE}
WIDE, HIGH, LEFT, RIGHT, TOP, LOW = 720, 250, 62, 150, 14, 40
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Plane:
    """Where numbers stand in the drawing."""

    x0: float
    x1: float
    y0: float
    y1: float
    log: bool

    def x(self, x: float) -> float:
        """The place across."""
        return LEFT + (x - self.x0) * (WIDE - LEFT - RIGHT) / ((self.x1 - self.x0) or 1)

    def y(self, y: float) -> float:
        """The place up of a number, or of its logarithm where the scale is one."""
        return HIGH - LOW - (y - self.y0) * (HIGH - TOP - LOW) / ((self.y1 - self.y0) or 1)

    def places(self, points: Points) -> list[tuple[float, float]]:
        """The places of points."""
        return [(self.x(x), self.y(scaled(y, self.log))) for x, y in points]


def lines(curves: Mapping[str, Points], across: str, up: str, log: bool = False, top: float = -math.inf) -> str:
    """Curves by name, named at their ends; log: a logarithmic scale, on which what is not above 0 has no place.

    The scale reaches to `top` at least. "" where there is nothing to draw.
    """
    kept = {name: [(x, y) for x, y in points if drawable(y, log)] for name, points in curves.items()}
    kept = {name: points for name, points in kept.items() if points}
    if not kept:
        return ""
    xs = [x for points in kept.values() for x, _ in points]
    ys = [scaled(y, log) for points in kept.values() for _, y in points]
    plane = Plane(min(xs), max(xs), min(ys) if log else min([0.0, *ys]), max([top, *ys]), log)
    parts = [f'<svg viewBox="0 0 {WIDE} {HIGH}" font-size="12" fill="currentColor">', *axes(plane, across, up)]
    ends: list[float] = []
    for i, (name, points) in enumerate(kept.items()):
        colour, places = MEANT.get(name, LINES[i % len(LINES)]), plane.places(points)
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path d="M{path}" fill="none" style="stroke: {colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" style="fill: {colour}"/>' for x, y in places]
        ends.append(free_place(places[-1][1] + 4, ends))
        mark, word = f"M{WIDE - RIGHT + 8} {ends[-1] - 4:.1f}h12", f'x="{WIDE - RIGHT + 25}" y="{ends[-1]:.1f}"'
        parts.append(
            f'<path d="{mark}" style="stroke: {colour}" stroke-width="3"/><text {word}>{escape(name[:20])}</text>'
        )
    parts.insert(1, f"<style>{dark_style(''.join(parts))}</style>")
    return "".join(parts) + "</svg>"


def drawable(y: float, log: bool) -> bool:
    """Whether a number has a place."""
    return math.isfinite(y) and (y > 0 or not log)


def axes(plane: Plane, across: str, up: str) -> list[str]:
    """Lines across with their numbers, three numbers below, and what both are."""
    parts = []
    for tick in ticks(plane.y0, plane.y1, plane.log):
        y, said = plane.y(tick), f"1e{tick:.0f}" if plane.log else f"{tick:.3g}"
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDE - RIGHT}" stroke="currentColor" opacity=".15"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{said}</text>')
    for x in sorted({plane.x0, (plane.x0 + plane.x1) // 2, plane.x1}):
        parts.append(f'<text x="{plane.x(x):.1f}" y="{HIGH - LOW + 16}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDE - RIGHT) / 2}" y="{HIGH - 6}" text-anchor="middle">{escape(across)}</text>')
    turned = f'transform="rotate(-90 12 {HIGH / 2})" text-anchor="middle"'
    return [*parts, f'<text x="12" y="{HIGH / 2}" {turned}>{escape(up)}</text>']


def scaled(y: float, log: bool) -> float:
    """y, or its logarithm to the base 10."""
    return math.log10(y) if log else y


def ticks(low: float, high: float, log: bool) -> list[float]:
    """Up to about five places of lines: whole powers of ten on a logarithmic scale."""
    if log:
        step = max(1, round((high - low) / 5))
        return [float(n) for n in range(math.ceil(low), math.floor(high) + 1, step)]
    apart = 10.0 ** math.floor(math.log10((high - low) / 2)) if high > low else 1.0
    while (high - low) / apart > 6:
        apart *= 2
    return [math.ceil(low / apart) * apart + apart * i for i in range(int((high - low) / apart) + 1)]


def free_place(y: float, taken: Sequence[float]) -> float:
    """A place for a name that covers none of those taken: the nearest, 14 away or more."""
    tries = [y + sign * 3 * n for n in range(60) for sign in (1, -1)]
    return next((t for t in tries if TOP <= t <= HIGH - LOW + 4 and all(abs(t - other) >= 14 for other in taken)), y)
