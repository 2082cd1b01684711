"""A model as text and in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from ..insight.html_report import as_html

DEPTH_SHOWN = 12  # levels of a tree that repr prints


def as_tree(self: Any) -> str:
    """The layers of a model, each on its line below what holds it."""
    lines: list[str] = []
    for name, module in self.named_modules():
        depth = name.count(".") + 1 if name else 0
        text = f"{type(module).__name__}({module.extra_repr()})"
        if depth <= DEPTH_SHOWN:
            lines.append(f"{'  ' * depth}{name.rpartition('.')[2] + ': ' if name else ''}{text}")
        elif lines[-1][-3:] != "...":
            lines.append("  " * depth + "...")
    return "\n".join(lines)


def in_notebook(self: Any) -> str:
    """The layers, and name, shape and size of every parameter, as HTML; nn.summary says the shapes of outputs, too."""
    rows = [
        (name, " × ".join(map(str, p.array.shape)), f"{p.array.size:,}", "" if p.requires_grad else "frozen")
        for name, p in self.named_parameters()
    ]
    count = sum(p.array.size for p in self.parameters())
    table = as_html(("parameter", "shape", "numbers", ""), rows) if rows else ""
    return f"<pre>{escape(repr(self))}</pre>{table}<p>{count:,} parameters</p>"
