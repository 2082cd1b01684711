"""Tables from CSV files: numeric and categorical columns as said; what is not as said is an error with file:line."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...checks import refuse_unknown

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
GAPS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "?"})
KEEP = "missing='keep' (minigrad cv: --missing mean) takes it, to be filled from training rows"
SHOWN = 40  # characters of a field in an error


class Table(NamedTuple):
    """x (n, p) float64 with the names of its columns, y (n,) with its name: float64, or str where it is categorical."""

    x: np.ndarray
    y: np.ndarray
    names: list[str]
    target: str


def read_csv(
    path: str | os.PathLike[str], target: str | None = None, *, categorical: Sequence[str] = (),
    ignore: Sequence[str] = (), missing: str = "error", delimiter: str = ",",
) -> Table:  # fmt: skip
    """The table of a CSV file: a header, then a row per line; UTF-8, with or without a byte order mark, any line ends.

    target          the column to be predicted; None: the last one
    categorical     columns of words: each level becomes a column `name=level` of 0 and 1, levels in sorted order; a
                    categorical target stays words. All other columns hold numbers with a decimal point
    ignore          columns to leave out
    missing         what an empty field, NA, N/A, NaN, null or ? is: "error", or "keep": NaN in x (in every column of
                    its levels), to be filled by what training rows say. The target has no gaps

    ValueError names file, line and column of the first thing that is not as said.
    """
    if missing not in ("error", "keep"):
        raise ValueError(f"read_csv: missing is {missing!r}; need 'error' or 'keep'")
    records = _records(Path(path), delimiter)
    place, header = next(records, (f"{path}:1", []))
    names = [name.strip() for name in header]
    _check_header(place, names, delimiter)
    target = names[-1] if target is None else target
    for name in (target, *categorical, *ignore):
        if name not in names:
            refuse = f"{place}: there is no column {name!r}"
            try:
                refuse_unknown("", [name], names)
            except TypeError as error:
                raise ValueError(f"{refuse}; {str(error).partition('; ')[2]}") from None
    if target in ignore:
        raise ValueError(f"{place}: the target {target!r} is among the columns to ignore")
    words: dict[str, list[str]] = {name: [] for name in names if name in categorical}
    numbers: dict[str, list[float]] = {name: [] for name in names if name not in words}
    for place, fields in records:
        if len(fields) != len(names):
            raise ValueError(f"{place}: {len(fields)} fields, the header has {len(names)}")
        for name, field in zip(names, fields):
            if name in ignore:
                continue
            text = field.strip()
            if text in GAPS and (missing == "error" or name == target):
                cure = "" if name == target else f"; {KEEP}"
                raise ValueError(f"{place}: column {name!r} is missing ({field!r}){cure}")
            if name in words:
                words[name].append("" if text in GAPS else text)
            else:
                numbers[name].append(np.nan if text in GAPS else _number(place, name, text))
    if not (words.get(target) or numbers.get(target)):
        raise ValueError(f"{place}: there is no row below the header")
    columns: dict[str, np.ndarray] = {}
    for name in names:
        if name in ignore or name == target:
            continue
        columns.update(_indicators(name, words[name]) if name in words else {name: np.array(numbers[name])})
    if not columns:
        raise ValueError(f"{path}:1: there is no column beside the target {target!r}")
    y = np.array(words[target] if target in words else numbers[target])
    return Table(np.column_stack(list(columns.values())), y, list(columns), target)


def _records(path: Path, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """(file:line where it starts, fields) of every record; blank lines at the end are no records."""
    data = path.read_bytes()
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise ValueError(f"{path}:{line}: a NUL byte; need text in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{line}: byte {data[error.start]:#x} is not UTF-8; save the file as UTF-8") from None
    reader = csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            yield f"{path}:{start}", fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}:{start}: {error}; look for a quote that is not closed") from None


def _check_header(place: str, names: list[str], delimiter: str) -> None:
    if not names:
        raise ValueError(f"{place}: the file is empty; need a header")
    other = next((sign for sign in ";\t|," if sign in names[0] and sign != delimiter), None)
    if len(names) == 1 and other:
        raise ValueError(f"{place}: one column, {names[0][:SHOWN]!r}; is the delimiter {other!r}?")
    for i, name in enumerate(names):
        if not name:
            raise ValueError(f"{place}: column {i + 1} has no name")
        if name in names[:i]:
            raise ValueError(f"{place}: the name {name!r} stands twice")
    if all(NUMBER.fullmatch(name) for name in names):
        raise ValueError(f"{place}: {', '.join(names)[:SHOWN]} are numbers; need a header with names")


def _number(place: str, name: str, text: str) -> float:
    if not NUMBER.fullmatch(text):
        comma = NUMBER.fullmatch(text.replace(",", ".", 1))
        cure = "write a decimal point" if comma else "say that the column is categorical, or ignore it"
        raise ValueError(f"{place}: column {name!r} is {text[:SHOWN]!r}, not a number; {cure}")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{place}: column {name!r} is {text[:SHOWN]!r}, too large for float64")
    return value


def _indicators(name: str, words: list[str]) -> dict[str, np.ndarray]:
    """name=level -> 1 where a row has the level, 0 where it has another, NaN where it has none."""
    column = np.array(words)
    levels = sorted({word for word in words if word})
    return {f"{name}={level}": np.where(column == "", np.nan, (column == level).astype(np.float64)) for level in levels}
