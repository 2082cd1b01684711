"""The figures of docs/regularization.md, one for each term: `python -m docs.figures.terms docs/images`.

A unit ball is the set {w: R(w) <= 1} in a plane of weights: its corners are where solutions like to lie. A shrinkage
curve is the proximal map with step 1: what is left of a weight, or of the norm of a group, that came to v.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import nn, optim, reg
from minigrad.lab.pages.figures import LINES, PICK, REFERENCE, SETTINGS, as_svg, load_pyplot
from minigrad.nn.sequential import Sequential
from minigrad.ops.elementwise.fused_activations import sigmoid
from minigrad.ops.losses.binary import bce_with_logits
from minigrad.ops.losses.regression import mse
from minigrad.ops.reduce.softmax import softmax
from minigrad.recording import no_grad
from minigrad.tensor import tensor

from .draws import confidence, dropout, gaussian, schedules, spatial

REACH = np.linspace(-1.6, 1.6, 81)
TERM = LINES[0]
LEAST, CURVED = (
    np.array([0.45, 1.45]),
    np.array([[1.0, 0.5], [0.5, 1.2]]),
)  # a loss, (w - LEAST)ᵀ CURVED (w - LEAST) / 2


def loss(a: Any, b: Any) -> Any:
    """A loss of two weights, whose contour lines are ellipses."""
    x, y = a - LEAST[0], b - LEAST[1]
    return (CURVED[0, 0] * x * x + 2 * CURVED[0, 1] * x * y + CURVED[1, 1] * y * y) / 2


def touching(value: Callable[[float, float], float]) -> np.ndarray:
    """Where the least loss on the edge of the unit ball, R(w) = 1, lies: the ellipse through it touches the ball.

    R grows with the distance from 0, so bisection finds the edge of the ball in every direction.
    """
    found = []
    for angle in np.linspace(0, 360, 721):
        turn = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}.get(angle % 360)  # exactly on the axes
        direction = np.array(turn or (np.cos(np.radians(angle)), np.sin(np.radians(angle))))
        low, high = 0.0, 8.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if value(*(middle * direction)) < 1 else (low, middle)
        found.append(low * direction)
    return min(found, key=lambda w: loss(*w))


def ball(axis: Any, value: Callable[[float, float], float], title: str, names: tuple[str, str] = ("w₁", "w₂")) -> None:
    """The contour lines of a term in a plane, its unit ball filled; dashed, those of a loss, and where one touches."""
    z = np.array([[value(a, b) for a in REACH] for b in REACH])
    axis.contourf(REACH, REACH, z, [0, 1], colors=[TERM], alpha=0.25)
    axis.contour(REACH, REACH, z, [0.5, 1, 1.5, 2], colors=[TERM], linewidths=[0.8, 1.8, 0.8, 0.8])
    at = touching(value)
    fine = np.linspace(-1.6, 1.6, 161)
    levels = [share * float(loss(*at)) for share in (0.1, 0.4, 1.0)]
    axis.contour(
        fine, fine, loss(*np.meshgrid(fine, fine)), levels, colors=[REFERENCE], linewidths=0.9, linestyles="--"
    )
    axis.plot(*LEAST, "+", color=REFERENCE, markersize=6)
    axis.plot(*at, "D", color=PICK, markersize=5, zorder=5)
    empty = [name for name, w in zip(("w₁", "w₂"), at) if w == 0]
    found = f"a corner: {empty[0]} is exactly 0" if empty else "no corner: both weights stay"
    axis.set(title=f"{title} meets a loss at\n{found}", xlabel=names[0], ylabel=names[1], aspect="equal")


def shrinkage(axis: Any, shrunk: Callable[[np.ndarray], np.ndarray], title: str, of: str = "v") -> None:
    """What a map makes of v, beside v itself."""
    v = np.linspace(0 if "‖" in of else -3, 3, 301)
    axis.plot(v, v, color=REFERENCE, linestyle="--", linewidth=0.8, label=f"{of} itself")
    axis.plot(v, shrunk(v), color=TERM, label="after the map")
    axis.set(title=title, xlabel=of, ylabel=f"what is left of {of}", aspect="equal")
    axis.legend(loc="upper left", frameon=False, fontsize=7)


def of_weights(term: reg.ElasticNet) -> Callable[[Any, Any], None]:
    """Ball and curve of a term that acts on each weight."""

    def draw(left: Any, right: Any) -> None:
        ball(left, lambda a, b: term.value(np.array([a, b])), term.name)
        shrinkage(right, lambda v: term.prox(v, 1.0).data, "shrinkage")

    return draw


def of_groups(term: reg.GroupLasso, across: bool = False) -> Callable[[Any, Any], None]:
    """The ball within a group, and across two, and what is left of the norm of one."""

    def draw(left: Any, right: Any) -> None:
        ball(left, lambda a, b: term.value(np.array([[a], [b]])), term.name, ("w₁", "w₂, of the same group"))
        if across:
            z = [[term.value(np.array([[a, b], [0, 0]])) for a in REACH] for b in REACH]
            left.contour(REACH, REACH, z, [1], colors=[LINES[3]], linewidths=[1.8])
            left.set(ylabel="w₂")
            left.text(-0.9, 1.12, "of one group", color=TERM, ha="center", fontsize=7)
            left.text(0, 0.32, "of two groups", color=LINES[3], ha="center", fontsize=7)
        direction = np.array([[0.8], [0.6]])  # of the group, whose norm is v
        norms = lambda v: np.linalg.norm([term.prox(direction * x, 1.0).data[:, 0] for x in v], axis=1)
        shrinkage(right, norms, "shrinkage of a group (0.8, 0.6) v", "‖v‖")

    return draw


def of_constraint(constraint: Any) -> Callable[[Any, Any], None]:
    """The set in a plane, and how points are projected onto it."""

    def draw(left: Any, right: Any) -> None:
        points = np.random.default_rng(2).uniform(-1.6, 1.6, (28, 2))
        for p in points:
            q = constraint.project(p.reshape(2, 1)).data[:, 0]
            left.annotate("", q, p, arrowprops={"arrowstyle": "->", "color": TERM, "linewidth": 0.9})
            left.plot(*q, "o", color=PICK, markersize=3)
        left.set(
            title=f"{constraint.name}: projections",
            xlabel="w₁",
            ylabel="w₂",
            aspect="equal",
            xlim=(-1.7, 1.7),
            ylim=(-1.7, 1.7),
        )
        grouped = hasattr(constraint, "groups")
        row = (
            (lambda v: np.abs(constraint.project(v.reshape(1, -1)).data[0]))
            if grouped
            else (lambda v: constraint.project(v).data)
        )
        shrinkage(right, row, "what is left", "‖v‖" if grouped else "v")

    return draw


def orthogonal(left: Any, right: Any) -> None:
    """Singular values under the soft orthogonal penalty alone."""
    layer = nn.Linear(12, 8, init="normal", dtype="float64")
    with no_grad():
        layer.weight.copy_(np.random.default_rng(0).standard_normal((12, 8)) * 0.4)
    terms = reg.on(layer, "weight", reg.Orthogonal(1.0))
    optimizer = optim.SGD(layer.parameters(), lr=0.01)
    values, penalty = [], []
    for _ in range(120):
        values.append(np.linalg.svd(layer.weight.data)[1])
        penalty.append(sum(terms.value().values()))
        optimizer.zero_grad()
        terms().backward()
        optimizer.step()
    left.plot(values, color=TERM, linewidth=1)
    left.set(title="Orthogonal(1): singular values", xlabel="step", ylim=(0, None))
    right.semilogy(penalty, color=TERM)
    right.set(title="value of the penalty", xlabel="step")


def activity(left: Any, right: Any) -> None:
    """The two norms of a softmax of two classes, and their slopes."""
    z = np.linspace(-4, 4, 161)
    y = softmax(tensor(np.stack([z, np.zeros_like(z)], 1))).data
    for color, (name, value) in zip(LINES, (("‖ŷ‖₁", np.abs(y).sum(1)), ("‖ŷ‖₂", np.linalg.norm(y, axis=1)))):
        left.plot(z, value, color=color, label=name)
        right.plot(z, np.gradient(value, z), color=color, label=name)
    left.set(title="norms of a softmax", xlabel="logit of class 1", ylim=(0, 1.1))
    right.set(title="their slopes: that of ‖ŷ‖₁ is 0", xlabel="logit of class 1")
    left.legend()


def input_gradient(left: Any, right: Any) -> None:
    """A network on 48 points whose classes overlap: the probability that it learns, and the slope."""
    x = np.linspace(-1, 1, 48).reshape(-1, 1)
    t = (np.random.default_rng(5).uniform(size=x.shape) < 1 / (1 + np.exp(-4 * x))).astype(np.float64)
    grid = np.linspace(-1, 1, 300).reshape(-1, 1)
    left.plot(x, t, "o", color=REFERENCE, markersize=3)
    for color, strength in zip(LINES, (0.0, 0.05)):
        model = curve_network(np.random.default_rng(1))
        term, optimizer = reg.InputGradient(strength), optim.Adam(model.parameters(), lr=0.01)
        for _ in range(600):
            optimizer.zero_grad()
            batch = tensor(x, requires_grad=True)
            loss = bce_with_logits(model(batch), t)
            (loss + term(loss, batch)).backward()
            optimizer.step()
        with no_grad():
            learned = sigmoid(model(tensor(grid))).data[:, 0]
        left.plot(grid, learned, color=color)
        right.plot(grid, np.gradient(learned, grid[:, 0]), color=color, label=f"strength {strength:g}")
    left.set(title="InputGradient: probability of class 1", xlabel="x")
    right.set(title="its slope", xlabel="x")
    right.legend(loc="upper right", fontsize=7)


def curve_network(rng: np.random.Generator) -> Sequential:
    """1-40-40-1, tanh, with weights of a size that lets it wiggle."""

    def wide(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return (rng.standard_normal(shape) * 1.5 / np.sqrt(shape[0])).astype(dtype)

    sizes = ((1, 40, "tanh"), (40, 40, "tanh"), (40, 1, None))
    return Sequential(*(nn.Linear(m, n, activation=f, init=wide, dtype="float64") for m, n, f in sizes))


def fista(left: Any, right: Any) -> None:
    """The Lasso of an ill-conditioned problem: the error of the objective, and how many weights are zero."""
    rng = np.random.default_rng(3)
    u, v = (np.linalg.qr(rng.standard_normal((k, 24)))[0] for k in (60, 24))
    x = np.sqrt(60) * (u * np.geomspace(1, 1 / 300, 24)) @ v.T
    y = (x @ rng.standard_normal(24) + 0.1 * rng.standard_normal(60)).reshape(-1, 1)
    tx, ty = tensor(x), tensor(y)
    runs = {}
    for name, kind, options in (
        ("ISTA", optim.ISTA, {}),
        ("FISTA", optim.FISTA, {"restart": False}),
        ("FISTA, restarts", optim.FISTA, {}),
    ):
        model = nn.Linear(24, 1, bias=False, init="zeros", dtype="float64")
        terms = reg.on(model, "weight", reg.L1(1e-3))
        optimizer = kind(model.parameters(), prox=terms, **options)

        def closure(model: Any = model) -> Any:
            return mse(model(tx), ty) * 0.5

        objective, zeros = [], []
        for _ in range(1200):
            loss = optimizer.step(closure)
            objective.append(loss + sum(terms.value().values()))
            zeros.append(int((model.weight.data == 0).sum()))
        runs[name] = objective, zeros
    least = min(min(objective) for objective, _ in runs.values())
    for color, (name, (objective, zeros)) in zip(LINES, runs.items()):
        left.loglog(np.arange(1, 1201), np.maximum(np.array(objective) - least, 1e-14), color=color, label=name)
        right.semilogx(np.arange(1, 1201), zeros, color=color)
    left.set(title="objective above its minimum", xlabel="step", ylim=(1e-14, None))
    left.legend()
    right.set(title="exact zeros, of 24 weights", xlabel="step")


FIGURES: dict[str, Callable[[Any, Any], None]] = {
    "l1": of_weights(reg.L1(1.0)),
    "l2": of_weights(reg.L2(1.0)),
    "elastic-net": of_weights(reg.ElasticNet(0.5, 1.0)),
    "norm": of_groups(reg.Norm(1.0)),
    "group-lasso": of_groups(reg.GroupLasso(1.0), across=True),
    "sparse-group-lasso": of_groups(reg.SparseGroupLasso(0.5, 0.5)),
    "orthogonal": orthogonal,
    "activity": activity,
    "input-gradient": input_gradient,
    "box": of_constraint(reg.Box(-0.5, 1.0)),
    "non-negative": of_constraint(reg.NonNegative()),
    "max-norm": of_constraint(reg.MaxNorm(1.0)),
    "unit-norm": of_constraint(reg.UnitNorm()),
    "fista": fista,
    "dropout": dropout,
    "spatial": spatial,
    "gaussian": gaussian,
    "confidence": confidence,
    "schedules": schedules,
}


def draw(name: str, path: Path) -> None:
    """Write one figure as SVG, for light and dark pages."""
    plot = load_pyplot()
    with plot.rc_context({**SETTINGS, "font.size": 8, "axes.titlesize": 8}):
        figure, (left, right) = plot.subplots(1, 2, figsize=(6.4, 3.1), layout="constrained")
        FIGURES[name](left, right)
        path.write_bytes(as_svg(figure))


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    for term in sys.argv[2:] or FIGURES:
        draw(term, folder / f"reg-{term}.svg")
        print(folder / f"reg-{term}.svg")
