"""A sheet: the columns of a data file as text, with their names, before anything is said about what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from .records import SHOWN, records

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
NO_NAME = re.compile(r"Unnamed: \d+(_level_\d+)?")  # pandas calls a column so that had no name
HEADER = "header=False takes line 1 as data, header=True as names (command line: --no-header, --header)"
BLOCK = 1 << 18  # fields that are turned from rows into columns at a time
SHORT = 4  # characters of a field of which there are many equal ones
Record = tuple[int, list[str]]  # the line where it begins, and its fields
LOOKED = 20  # lines, to tell which delimiter a file has
DELIMITERS = {";": "';'", "\t": "'\\t'", "|": "'|'", ",": "','", " ": "' '"}


@dataclass
class Sheet:
    """The fields of each column, the name of each (several may be ''), and the line where each row begins.

    notes       what was left out or taken as something, in words
    left_out    the names of columns that were left out as names of rows
    row_names   the fields of the first of these columns; None without one
    """

    path: str
    names: list[str]
    columns: list[tuple[str, ...]]
    lines: list[int]
    header_line: int = 1
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    row_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        self._at = {name: i for i, name in enumerate(self.names)}

    def place(self, row: int) -> str:
        """file:line of a row."""
        return f"{self.path}:{self.lines[row]}"

    @property
    def head(self) -> str:
        """file:line of the header."""
        return f"{self.path}:{self.header_line}"

    def column(self, name: str) -> tuple[str, ...]:
        """The fields under a name."""
        return self.columns[self._at[name]]

    def rename(self, names: Sequence[str]) -> None:
        """Give the columns other names."""
        self.names = list(names)
        self._at = {name: i for i, name in enumerate(self.names)}

    def forget(self, name: str) -> None:
        """Free the fields of a column of numbers without gaps, which no later error shows."""
        self.columns[self._at[name]] = ()

    def keep_columns(self, kept: Sequence[int]) -> None:
        """Leave out all other columns."""
        self.names, self.columns = [self.names[i] for i in kept], [self.columns[i] for i in kept]
        self._at = {name: i for i, name in enumerate(self.names)}

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Leave out all other rows."""
        self.columns = [tuple(column[i] for i in rows) for column in self.columns]
        self.lines = [self.lines[i] for i in rows]
        self.row_names = None if self.row_names is None else tuple(self.row_names[i] for i in rows)


def read_sheet(path: str, text: str, delimiter: str, header: bool | None = None) -> Sheet:
    """The sheet in a text: a header, then rows of as many fields.

    header      True: the first record holds names. False: there is none, and columns are called c1, c2, ... None: the
                first record holds names, and is refused where numbers stand in it

    Taken as meant: a delimiter at the end of each line; columns without a name and without a field; rows of empty
    fields at the end. A first column without a name is the names of rows, as pandas and R write them, if no two of them
    are equal: it is left out, with a note; so is one that the header has no name for at all. ValueError, with file and
    line, for anything else.

    >>> sheet = read_sheet("a.csv", ",x,y\\n1,2,3\\n2,5,6\\n", ",")
    >>> sheet.names, sheet.columns, sheet.lines, len(sheet.notes)
    (['x', 'y'], [('2', '5'), ('3', '6')], [2, 3], 1)
    """
    first, found = begin(path, records(path, text, delimiter))
    second = list(islice(found, 1))
    check_delimiter(path, [first, *second], text, header)
    return sheet_of(path, first, chain(second, found), header)


def begin(path: str, found: Iterator[Record]) -> tuple[Record, Iterator[Record]]:
    """The first record that is no empty line, and those after it. ValueError where all fields of all are empty."""
    first = next((record for record in found if record[1]), None)
    if first is not None and not any(first[1]):
        after = list(found)
        first, found = first if any(any(fields) for _, fields in after) else None, iter(after)
    if first is None:
        raise ValueError(f"{path}:1: the file is empty; need a header")
    return first, found


def sheet_of(path: str, first: Record, rows: Iterable[Record], header: bool | None = None) -> Sheet:
    """The sheet of a first record, of names unless header is False, and rows, which are taken one after the other."""
    line, names = first
    if header is False:
        line, names = 0, [f"c{i}" for i in range(1, 1 + len(names))]
    if header is None:
        _check_names(f"{path}:{line}", names)
    lines, columns, odd = by_column(chain([first], rows) if header is False else rows)
    if not lines:
        raise ValueError(f"{path}:{line}: there is no row below the header")
    names = names if odd else _fitted(names, columns)
    if len(names) != len(columns):
        odd = lines[0], len(columns)
    if odd:
        short = ": an empty line" if not odd[1] else ""
        raise ValueError(f"{path}:{odd[0]}: {odd[1]} fields, the header has {len(names)}{short}")
    sheet = Sheet(path, names, columns, lines, line or 1)
    _without_row_names(sheet)
    return sheet


def by_column(rows: Iterable[Record]) -> tuple[list[int], list[tuple[str, ...]], tuple[int, int] | None]:
    """(lines, columns, None), or the line and the number of fields of the first row that has not as many as the first.

    Rows of empty fields at the end are left out. Only a block of rows is in memory beside the columns, and equal short
    fields are one object, so that a table of small numbers takes eight bytes a field.
    """
    lines: list[int] = []
    columns: list[Any] = []
    shared: dict[str, str] = {}
    held: list[Record] = []  # rows of empty fields: the end, unless a filled one follows
    rows = iter(rows)
    while more := list(islice(rows, max(1, BLOCK // len(columns)) if columns else 1)):
        block = held + more
        end = len(block)
        while end and not any(block[end - 1][1]):
            end -= 1
        block, held = block[:end], block[end:]
        if block and not columns:
            columns = [[] for _ in block[0][1]]
        for line, fields in block:
            if len(fields) != len(columns):
                return [*lines, line], columns, (line, len(fields))
            lines.append(line)
        for column, part in zip(columns, zip(*(fields for _, fields in block))):
            column.extend([shared.setdefault(f, f) if len(f) <= SHORT else f for f in part])
    for i, column in enumerate(columns):
        columns[i] = tuple(column)
    return lines, columns, None


def check_delimiter(path: str, found: list[Record], text: str, header: bool | None) -> None:
    """Refuse a first record of one field that another delimiter would cut, or that more fields follow in the next."""
    if len(found[0][1]) != 1:
        return
    place = f"{path}:{found[0][0] if header is not False else 1}"
    first, below = found[0][1][0], len(found[1][1]) if len(found) > 1 else 1
    said = re.fullmatch(r"sep=(.?)", first)
    if said:
        raise ValueError(f"{place}: {first!r} is a line for Excel: delete it, and pass delimiter={said[1]!r}")
    signs = [sign for sign in DELIMITERS if sign in first]
    alike = [sign for sign in signs if _cuts_alike(text, sign)]
    if not alike and below > 1:
        raise ValueError(
            f"{place}: one field, {first[:SHOWN]!r}, above one of {below}; if it is a title or a comment, delete it: "
            "the file must begin with its header"
        )
    if signs:
        sign = (alike or signs)[0]
        shown = DELIMITERS[sign]
        raise ValueError(
            f"{place}: one column, {first[:SHOWN]!r}; is the delimiter {shown}? delimiter={shown} (command line: "
            f"--delimiter {shown})"
        )


def _cuts_alike(text: str, sign: str) -> bool:
    """Whether the delimiter cuts the first lines into equal numbers of fields."""
    head = "\n".join(text.split("\n")[:LOOKED])
    try:
        return len({len(fields) for _, fields in records("", head, sign) if fields}) == 1
    except ValueError:  # a quote that is closed below
        return False


def _check_names(place: str, names: list[str]) -> None:
    """Refuse a header that looks like a row of data: it holds numbers that do not count columns or years."""
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    if numbers and not _counts(numbers):
        are = "are numbers" if len(numbers) > 1 else "is a number"
        raise ValueError(f"{place}: {', '.join(numbers)[:SHOWN]} {are}; need a header with names: {HEADER}")


def _counts(names: list[str]) -> bool:
    """Whether names are 0, 1, 2, ... or years, one after the other, of at least three columns.

    >>> _counts(["0", "1", "2"]), _counts(["1998", "1999", "2000"]), _counts(["1", "2", "3"])
    (True, True, False)
    """
    if len(names) < 3 or not all(name.isdigit() for name in names):
        return False
    first = int(names[0])
    return (first == 0 or 1500 <= first <= 2200) and [int(name) for name in names] == [
        *range(first, first + len(names))
    ]


def _fitted(names: list[str], columns: list[tuple[str, ...]]) -> list[str]:
    """The names for columns that are one more or one less; a last column that is empty is taken out of the list."""
    if len(columns) == len(names) + 1:
        if not any(columns[-1]):  # a delimiter ends each row, but not the header
            columns.pop()
            return names
        return ["", *names]  # R's row names
    if len(columns) == len(names) - 1 and not names[-1]:  # a delimiter ends the header only
        return names[:-1]
    return names


def _without_row_names(sheet: Sheet) -> None:
    """Leave out quotes around names, columns that have neither name nor field, and a first column of row names."""
    if all(len(name) > 2 and name[0] == name[-1] == "'" for name in sheet.names):
        sheet.names = [name[1:-1] for name in sheet.names]  # some programs write single quotes
    kept = [i for i, (name, column) in enumerate(zip(sheet.names, sheet.columns)) if name or any(column)]
    while len(kept) > 1 and _nameless(sheet.names[kept[0]]) and _differ(sheet.columns[kept[0]]):
        sheet.left_out.append(sheet.names[kept[0]])
        first = sheet.columns[kept.pop(0)]
        sheet.row_names = first if sheet.row_names is None else sheet.row_names
        sheet.notes.append(f"the first column has no name: taken as names of rows ({first[0][:SHOWN]}, ...), left out")
    sheet.keep_columns(kept)


def _nameless(name: str) -> bool:
    return not name or NO_NAME.fullmatch(name) is not None


def _differ(fields: tuple[str, ...]) -> bool:
    return len(set(fields)) == len(fields)


def refuse_no_name(sheet: Sheet) -> None:
    """ValueError where a column has no name."""
    if "" in sheet.names:
        at = sheet.names.index("")
        names_rows = at == 0 and not _differ(sheet.columns[0])
        twice = " and some of its fields are equal, so that they are no names of rows;" if names_rows else ""
        raise ValueError(
            f"{sheet.head}: column {at + 1} has no name{twice or ';'} write one into the header, or leave such columns "
            "out: ignore=[''] (command line: --ignore '')"
        )
