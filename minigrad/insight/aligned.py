"""Rows of cells as text whose columns stand below each other, and as a table of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A line for each row, indented by two.

    >>> columns([("a", "12"), ("abc", "1")])
    ['  a    12', '  abc  1']
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def as_table(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows as HTML.

    >>> as_table([("a<b", "1")])
    '<table><tr><td>a&lt;b</td><td>1</td></tr></table>'
    """
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
