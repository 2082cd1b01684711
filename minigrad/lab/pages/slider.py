"""A slider for λ on a page: it moves the coefficients, the exact zeros, the error and the fit together.

One element of HTML with its numbers, style and script, which loads nothing from elsewhere. What the user's data say is
JSON with `<` escaped, and the script sets it as text, never as markup.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...insight.plotting import MEANINGS, SERIES
from .selection_figures import shorter

PAGE = Path(__file__).parent / "page"
INPUTS, ROWS = 24, 240  # that are drawn: the inputs with the largest coefficients, rows evenly spaced


class Course(NamedTuple):
    """A number at every λ: what it is, and its standard error, if it has one."""

    name: str
    values: Sequence[float]
    error: Sequence[float] | None = None


class Steps(NamedTuple):
    """What the slider shows, λ by λ, λ falling.

    panels   class (or "") -> coefficients (inputs, λ)
    what     what a coefficient is, in words
    zeros    how many weights are exactly 0 of how many, at each λ, as text
    courses  scores over λ: of held-out rows first, if there are any
    target   of the rows: numbers, or the classes as 0, 1, ...
    answers  (λ, rows): predictions, or the probability of the class that is right
    classes  their names, if the target holds classes
    picks    name -> place of λ; the first is where the slider starts
    """

    lambdas: Sequence[float]
    names: Sequence[str]
    panels: Mapping[str, np.ndarray]
    what: str
    zeros: Sequence[str]
    courses: Sequence[Course]
    target: np.ndarray
    answers: np.ndarray
    classes: Sequence[Any] | None
    picks: Mapping[str, int]


def right_probabilities(outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The probability (m,) that logits (m,), (m, 1) or (m, classes) give the classes y, 0 and up.

    >>> right_probabilities(np.array([0.0, 100.0]), np.array([1, 0])).round(3).tolist()
    [0.5, 0.0]
    """
    logits = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], 1)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares[np.arange(len(y)), y] / shares.sum(1)


def element(steps: Steps) -> str:
    """The slider as an element of HTML, for Report.embed."""
    text = json.dumps(data(steps), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    fields = {
        "STYLE": _colours() + _part("slider.css"),
        "DATA": text.replace("<", "\\u003c"),
        "SCRIPT": _part("slider.js"),
    }
    pieces = _part("slider.html").split("@@")
    return "".join(fields[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def data(steps: Steps) -> dict[str, Any]:
    """What the script is given: plain lists, numbers of four digits, null where there is none."""
    tables = {title: np.asarray(table, np.float64) for title, table in steps.panels.items()}
    size = np.abs(np.stack([*tables.values()])).max((0, 2))
    largest = [int(i) for i in np.argsort(-size, kind="stable")[:INPUTS] if size[i] > 0]
    rows = np.unique(np.linspace(0, len(steps.target) - 1, min(ROWS, len(steps.target))).round().astype(np.int64))
    return {
        "lambdas": [float(lam) for lam in steps.lambdas],
        "names": [shorter(steps.names[i], 16) for i in largest],
        "left": len(steps.names) - len(largest),
        "panels": [{"title": str(title), "w": [_plain(table[i]) for i in largest]} for title, table in tables.items()],
        "what": steps.what,
        "zeros": list(steps.zeros),
        "courses": [
            {"name": c.name, "values": _plain(c.values), "error": None if c.error is None else _plain(c.error)}
            for c in steps.courses
        ],
        "target": _plain(np.asarray(steps.target, np.float64)[rows]),
        "answers": [_plain(row) for row in np.asarray(steps.answers)[:, rows]],
        "classes": None if steps.classes is None else [shorter(name, 12) for name in steps.classes],
        "rows": f"{len(rows)} of {len(steps.target)} rows" if len(rows) < len(steps.target) else f"{len(rows)} rows",
        "picks": dict(steps.picks),
    }


def _plain(values: Any) -> list[float | None]:
    return [float(f"{v:.4g}") if math.isfinite(v) else None for v in map(float, values)]


def _part(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _colours() -> str:
    """The colours of the figures as variables of CSS, for light and dark pages."""
    named = {name.replace(" ", "-"): colour for name, colour in MEANINGS.items()}
    named |= {f"series-{i}": colour for i, colour in enumerate(SERIES)}
    light, dark = (" ".join(f"--{name}: {colour[page]};" for name, colour in named.items()) for page in (0, 1))
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
