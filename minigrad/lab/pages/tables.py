"""Small tables of text: aligned for a terminal, or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def as_text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart: the first to the left, the others to the right. Line ends in a cell become blanks.

    >>> print(as_text(["name", "n"], [["a", "10"], ["bc", "7"]]))
    name   n
    a     10
    bc     7
    """
    head, *rows = [[" ".join(cell.splitlines()) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))
        )
        for row in (head, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def as_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls sideways where the page is narrower."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
