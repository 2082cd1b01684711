"""The project's docstrings as pages show them: paragraphs, tables of names, formulas as they stand, examples.

A docstring is plain text, not markup: `*` is a product and `|w|` a norm. What its layout says is kept. A block that is
indented holds either rows of a name, two or more blanks and words, or text whose lines stay as they are.
"""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple


class Block(NamedTuple):
    """A piece of a docstring: kind is text, rows, lines, points or example; rows are (name, words)."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()


ROW = re.compile(r"(\S.*?)(\s{2,})(\S.*)")
POINT = re.compile(r"(?:[-*]|\d+\.) +")


def blocks(docstring: str | None) -> list[Block]:
    """The blocks of a docstring, from top to bottom.

    >>> for block in blocks('''y = 2 x.
    ...
    ...     x   what is doubled,
    ...         a number
    ...     by  a factor
    ...
    ...     >>> 2 * 2
    ...     4
    ... '''):
    ...     print(block)
    Block(kind='text', text='y = 2 x.', rows=())
    Block(kind='rows', text='', rows=(('x', 'what is doubled, a number'), ('by', 'a factor')))
    Block(kind='example', text='>>> 2 * 2\\n4', rows=())
    """
    found: list[Block] = []
    for lines in pieces(inspect.cleandoc(docstring or "").splitlines()):
        found.append(block(lines))
    return [*joined(found)]


def pieces(lines: list[str]) -> list[list[str]]:
    """Lines in groups: an empty line ends one, and so does an indent that begins or ends; an example keeps its output.

    An indent that is the column of a row's description goes on with the row.
    """
    groups: list[list[str]] = [[]]
    for line in lines:
        last = groups[-1]
        if not line.strip():
            groups.append([])
        elif last and last[0].lstrip().startswith(">>>"):
            last.append(line)
        elif last and (line.lstrip().startswith(">>>") or not goes_on(line, last)):
            groups.append([line])
        else:
            last.append(line)
    return [group for group in groups if group]


def goes_on(line: str, group: list[str]) -> bool:
    """Whether a line belongs to the group: both are indented or neither, or it goes on with a point or a row."""
    indent, first = (len(text) - len(text.lstrip()) for text in (line, group[0]))
    row = ROW.fullmatch(group[0].strip())
    return bool(indent) == bool(first) or bool(POINT.match(group[0])) or bool(row and indent - first >= row.start(3))


def block(lines: list[str]) -> Block:
    """The block that a group of lines is."""
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    lines = [line[indent:] for line in lines]
    if lines[0].startswith(">>>"):
        return Block("example", "\n".join(lines))
    if POINT.match(lines[0]):
        return Block("points", rows=tuple(("", words) for words in points(lines)))
    table = rows(lines)
    if table and (indent or len(table) > 1 or re.fullmatch("[^=;]{1,24}", table[0][0])):
        return Block("rows", rows=table)
    if indent:
        return Block("lines", "\n".join(lines))
    return Block("text", " ".join(line.strip() for line in lines))


def rows(lines: list[str]) -> tuple[tuple[str, str], ...] | None:
    """The rows of a table, if all its descriptions begin in one column; what is indented goes on with the row above."""
    first = ROW.fullmatch(lines[0])
    if not first:
        return None
    column, found = first.start(3), []
    for line in lines:
        row = ROW.fullmatch(line)
        if len(line) - len(line.lstrip()) >= column:
            found[-1] = found[-1][0], f"{found[-1][1]} {line.strip()}"
        elif row and line[column - 2 : column] == "  " and line[column] != " ":
            found.append((line[:column].strip(), line[column:].strip()))
        else:
            return None
    return tuple(found)


def points(lines: list[str]) -> list[str]:
    """The items of a list; lines without a mark go on with the item above."""
    found: list[str] = []
    for line in lines:
        if POINT.match(line):
            found.append(POINT.sub("", line, count=1))
        else:
            found[-1] += f" {line.strip()}"
    return found


def joined(found: list[Block]) -> list[Block]:
    """Examples that only an empty line parts become one, and so do the parts of a table and of lines as they stand."""
    result: list[Block] = []
    for one in found:
        last = result[-1] if result else None
        if last and one.kind == last.kind in ("example", "lines"):
            result[-1] = Block(one.kind, f"{last.text}\n\n{one.text}")
        else:
            result.append(one)
    return result


def first_sentence(docstring: str | None) -> str:
    """What a list of names says of one: the first paragraph, up to its first full stop.

    >>> first_sentence('''Σ|w|, of all weights. Biases stay out.''')
    'Σ|w|, of all weights.'
    """
    found = blocks(docstring)
    text = found[0].text if found and found[0].kind == "text" else ""
    return re.split(r"(?<=[.;])\s+(?=[A-Z_`λΣ])", text, maxsplit=1)[0].rstrip(";")
