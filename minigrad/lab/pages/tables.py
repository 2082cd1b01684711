"""Small tables of text, aligned for a terminal; as HTML they stand in insight/html_report.py."""

from __future__ import annotations

from collections.abc import Sequence

from ...insight.html_report import as_html as as_html


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
