"""Rows of cells as text whose columns stand below each other, and as a table of HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

NUMBER = re.compile(r"|-|[-+]?[\d.,]+(e[-+]?\d+)?( ?%)?")  # an empty cell and a dash stand in columns of numbers, too


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A line for each row, indented by two.

    >>> columns([("a", "12"), ("abc", "1")])
    ['  a    12', '  abc  1']
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def as_table(rows: Sequence[tuple[str, ...]], head: Sequence[str] = ()) -> str:
    """The rows as HTML below a head. Columns of numbers end at one place, others begin there.

    >>> as_table([("a<b", "1")])
    '<table><tr><td style="text-align:left">a&lt;b</td><td style="text-align:right">1</td></tr></table>'
    """
    sides = ["right" if all(NUMBER.fullmatch(cell) for cell in column) else "left" for column in zip(*rows)]

    def line(tag: str, row: Sequence[str]) -> str:
        cells = (f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>' for cell, side in zip(row, sides))
        return f"<tr>{''.join(cells)}</tr>"

    top = f"<thead>{line('th', head)}</thead>" if head else ""
    return f"<table>{top}{''.join(line('td', row) for row in rows)}</table>"
