"""Tables from CSV files: numeric and categorical columns as said; what is not as said is an error with file:line."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ...checks import named_keywords
from ...errors import DTypeError
from .fields import Gaps, Numbers, Words, as_gaps, as_words, indicators, parsed, quoted, refuse_data, refuse_words
from .records import as_delimiter
from .sheet import Sheet, read_sheet, refuse_no_name
from .table import Table
from .text import read_text

KEEP = "missing='keep' (command line: --missing mean) takes it, to be filled from training rows"
DROP = "missing_target='drop' (command line: --missing-target drop) leaves such rows out"


@named_keywords
def read_csv(
    path: str | os.PathLike[str],
    target: str | None = None,
    *,
    categorical: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    missing: str = "error",
    missing_target: str = "error",
    na: Sequence[str] | None = None,
    groups: str | None = None,
    weights: str | None = None,
    delimiter: str = ",",
    header: bool | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    dtype: Any = "float64",
) -> Table:
    """The table of a CSV file: a header, then a row per line; plain or gzipped, any line ends.

    target          the column to be predicted; None: the last one
    categorical     columns of words: each level becomes a column `name=level` of 0 and 1, levels in sorted order; a
                    categorical target stays words. "all": every column of words. All other columns hold numbers with a
                    decimal point, or TRUE and FALSE, which are 1 and 0
    ignore          columns to leave out; '' is every column without a name
    missing         what to do about missing values: "error", or "keep": NaN in x (in every column of its levels), to be
                    filled by what training rows say
    missing_target  what to do about a row without a target: "error", or "drop" the row, with a note
    na              the words that mean "no value", besides an empty field: None is NA, N/A, NaN, nan, null and ?, which
                    others replace. A number, such as "-999", means it however the file writes it
    groups          a column that says which rows belong together (of one person, place, day), kept as table.groups
    weights         a column of the weights of rows, at least 0, kept as table.weights; neither is an input
    delimiter       one sign between fields; "\\\\t" or "tab", and " " or "blanks" for runs of blanks and tabs
    header          False: there is none, columns are c1, c2, ...; True: line 1 is one, though numbers stand in it
    decimal         "." or ",": what stands before decimals
    encoding        of the text, where no byte order mark says it
    dtype           of x: float64, float32, or an integer type for columns of whole numbers

    table.notes says what was left out: a first column of row names (as pandas and R write it), rows without a target.
    ValueError names file, line and column of the first thing that is not as said, and what would do.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "houses.csv")
    ...     _ = path.write_text("size,town,price\\n1.5,Aa,10\\n2,Bb,20\\n")
    ...     x, y, names, target = read_csv(path, categorical=["town"])
    >>> names, x.tolist(), y.tolist(), target
    (['size', 'town=Aa', 'town=Bb'], [[1.5, 1.0, 0.0], [2.0, 0.0, 1.0]], [10.0, 20.0], 'price')
    """
    _check_path(path)
    _check_choices(missing, missing_target, decimal, as_delimiter(delimiter), header)
    gaps = as_gaps(na)
    sheet = read_sheet(os.fspath(path), read_text(path, encoding), as_delimiter(delimiter), header)
    for option, names in (("categorical", categorical), ("ignore", ignore)):
        if not isinstance(names, Iterable):
            raise TypeError(f"read_csv: {option} is {names!r}; need names of columns, such as {option}=['town']")
    ignore = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    _check_header(sheet, ignore)
    roles = _roles(sheet, target, categorical, ignore, groups, weights)
    _leave_out(sheet, roles)
    _rows_with_target(sheet, roles.target, gaps, missing_target)
    aside = _aside(sheet, groups, weights, gaps, decimal)
    found = _columns(sheet, roles, gaps, decimal, header)
    if missing == "error":
        _refuse_gaps(sheet, found)
    y = found.pop(roles.target).values
    x, names = _matrix(sheet, found, np.dtype(dtype))
    return Table(x, y, names, roles.target).beside(notes=tuple(sheet.notes), **aside)


class Roles(NamedTuple):
    """Which columns are what; `every` says that each column of words is categorical."""

    target: str
    categorical: tuple[str, ...]
    every: bool
    ignore: tuple[str, ...]
    aside: tuple[str, ...]


def _check_path(path: Any) -> None:
    """TypeError or ValueError for what is no path: an open file, an address."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"read_csv: path is a {type(path).__name__}; need the path of a file, as a str or a pathlib.Path"
        )
    if "://" in os.fspath(path):
        raise ValueError(f"read_csv: {os.fspath(path)} is an address; download the file, and name that")


def _check_choices(missing: str, missing_target: str, decimal: str, delimiter: str, header: bool | None) -> None:
    if header is not None and not isinstance(header, bool):
        raise TypeError(f"read_csv: header is {header!r}; need True, False, or None: line 1 unless it holds numbers")
    for name, value, known in (
        ("missing", missing, ("error", "keep")),
        ("missing_target", missing_target, ("error", "drop")),
        ("decimal", decimal, (".", ",")),
    ):
        if value not in known:
            raise ValueError(f"read_csv: {name} is {value!r}; need {known[0]!r} or {known[1]!r}")
    if decimal == delimiter:
        raise ValueError("read_csv: a comma cannot be the delimiter and stand before decimals; delimiter=';' is usual")


def _check_header(sheet: Sheet, ignore: tuple[str, ...]) -> None:
    """ValueError where a column that is used has no name, or that of another one."""
    if "" not in ignore:
        refuse_no_name(sheet)
    seen: set[str] = set()
    for name in sheet.names:
        if name in seen and name not in ignore:
            raise ValueError(f"{sheet.head}: the name {name!r} stands twice; rename one of the columns, or ignore both")
        seen.add(name)


def _roles(
    sheet: Sheet,
    target: str | None,
    categorical: str | Sequence[str],
    ignore: tuple[str, ...],
    groups: str | None,
    weights: str | None,
) -> Roles:
    """The roles of the columns, each of which is there and has one role."""
    every = categorical == "all" and "all" not in sheet.names
    named = () if every else (categorical,) if isinstance(categorical, str) else tuple(categorical)
    aside = tuple(name for name in (groups, weights) if name is not None)
    _refuse_absent(sheet, [target, *named, *aside, *(name for name in ignore if name not in ("", *sheet.left_out))])
    if target is None:
        target = next((name for name in reversed(sheet.names) if name and name not in aside), "")
    if target in ignore:
        raise ValueError(f"{sheet.head}: the target {target!r} is among the columns to ignore")
    if target in aside or len(set(aside)) < len(aside):
        raise ValueError(f"{sheet.head}: target, groups and weights need a column each; {aside[0]!r} is named twice")
    return Roles(target, named, every, ignore, aside)


def _leave_out(sheet: Sheet, roles: Roles) -> None:
    """Take the columns to be ignored out of the sheet."""
    kept = [i for i, name in enumerate(sheet.names) if name not in roles.ignore or name in roles.aside]
    sheet.keep_columns(kept)
    if not set(sheet.names) - {roles.target, *roles.aside}:
        raise ValueError(f"{sheet.head}: there is no column beside the target {roles.target!r}")


def _refuse_absent(sheet: Sheet, names: Sequence[str | None]) -> None:
    """ValueError for the first name that no column has, with a close match."""
    for name in names:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"read_csv: {name!r} is no name of a column; need words, as the header has them")
        if name is not None and name not in sheet.names:
            known = [n for n in sheet.names if n]
            close = difflib.get_close_matches(name, known, 1)
            fold = [n for n in known if n.lower() == name.strip().lower()]
            shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
            cure = f"did you mean {(fold or close)[0]!r}?" if fold or close else f"there are {shown}"
            raise ValueError(f"{sheet.head}: there is no column {name!r}; {cure}")


def _columns(sheet: Sheet, roles: Roles, gaps: Gaps, decimal: str, header: bool | None) -> dict[str, Numbers | Words]:
    """What the inputs and the target hold. ValueError for columns of words that are not said to be categorical."""
    found: dict[str, Numbers | Words] = {}
    for name in sheet.names:
        if name not in roles.aside:
            said = name in roles.categorical
            found[name] = as_words(sheet.column(name), gaps) if said else parsed(sheet, name, gaps, decimal)
    if header is None:
        refuse_data(sheet, found)
    if not roles.every:
        words = {n: c for n, c in found.items() if isinstance(c, Words) and n not in roles.categorical}
        refuse_words(sheet, words, roles.target)
    truth = [name for name, column in found.items() if isinstance(column, Numbers) and column.truth]
    if truth:
        sheet.notes.append(f"TRUE and FALSE were taken as 1 and 0: {', '.join(truth)}")
    return found


def _rows_with_target(sheet: Sheet, target: str, gaps: Gaps, missing_target: str) -> None:
    """Leave out the rows without a target, or refuse them."""
    fields = sheet.column(target)
    gap = gaps.marks(fields)
    rows = np.flatnonzero(gap)
    if not rows.size:
        return
    if missing_target == "error":
        share = f", as in {rows.size} of {len(gap)} rows" if rows.size > 1 else ""
        cure = "no row has a target" if gap.all() else DROP
        first = int(rows[0])
        raise ValueError(f"{sheet.place(first)}: column {target!r} is missing ({fields[first]!r}){share}; {cure}")
    if gap.all():
        raise ValueError(f"{sheet.head}: no row has a target: column {target!r} is empty")
    sheet.keep_rows(np.flatnonzero(~gap).tolist())
    sheet.notes.append(f"{rows.size} of {len(gap)} rows have no {target!r} and were left out")


def _aside(sheet: Sheet, groups: str | None, weights: str | None, gaps: Gaps, decimal: str) -> dict[str, Any]:
    """The groups and the weights of the rows."""
    found: dict[str, Any] = {}
    for role, name in (("groups", groups), ("weights", weights)):
        if name is not None:
            for row in np.flatnonzero(gaps.marks(sheet.column(name)))[:1]:
                raise ValueError(f"{sheet.place(row)}: column {name!r} is missing; every row needs its {role[:-1]}")
    if groups is not None:
        found["groups"] = np.array(sheet.column(groups), dtype=np.str_)
    if weights is not None:
        column = parsed(sheet, weights, gaps, decimal)
        if not isinstance(column, Numbers):
            raise ValueError(f"{sheet.place(0)}: column {weights!r} holds words; need weights, numbers of at least 0")
        for row in np.flatnonzero(~(column.values >= 0))[:1]:
            raise ValueError(f"{sheet.place(row)}: column {weights!r} is {column.values[row]:g}; need at least 0")
        if not column.values.any():
            raise ValueError(f"{sheet.head}: column {weights!r} holds nothing but 0; some row needs a weight above 0")
        found["weights"] = column.values
    return found


def _gaps_of(column: Numbers | Words) -> np.ndarray:
    return column.values == "" if isinstance(column, Words) else np.isnan(column.values)


def _refuse_gaps(sheet: Sheet, found: dict[str, Numbers | Words]) -> None:
    """ValueError for the first gap, which counts those of all columns."""
    rows = {name: np.flatnonzero(_gaps_of(column)) for name, column in found.items()}
    rows = {name: at for name, at in rows.items() if at.size}
    if not rows:
        return
    name = min(rows, key=lambda name: rows[name][0])
    for empty in [each for each in rows if rows[each].size == len(sheet.lines)]:
        _refuse_empty(sheet, empty)
    first, total = int(rows[name][0]), sum(at.size for at in rows.values())
    shown = ", ".join(list(rows)[:8]) + (", ..." if len(rows) > 8 else "")
    share = f", as are {total} fields in {shown}" if total > 1 else ""
    raise ValueError(f"{sheet.place(first)}: column {name!r} is missing ({sheet.column(name)[first]!r}){share}; {KEEP}")


def _refuse_empty(sheet: Sheet, name: str) -> NoReturn:
    """ValueError for a column without a value: no mean fills it."""
    raise ValueError(
        f"{sheet.head}: column {name!r} has no value in any row; leave it out: ignore=[{name!r}] (command line: "
        f"--ignore {shlex.quote(quoted(name))})"
    )


def _matrix(sheet: Sheet, found: dict[str, Numbers | Words], dtype: np.dtype) -> tuple[np.ndarray, list[str]]:
    """The columns side by side in their dtype, and their names: a column of words is one for each of its levels."""
    columns: dict[str, np.ndarray] = {}
    for name, column in found.items():
        if _gaps_of(column).all():
            _refuse_empty(sheet, name)
        made = indicators(name, column) if isinstance(column, Words) else {name: column.values}
        for twice in [new for new in made if new in columns or (new != name and new in found)]:
            raise ValueError(
                f"{sheet.head}: a level of the categorical column {name!r} makes a column {twice!r}, and there is one "
                "of that name; rename one of them, or ignore one"
            )
        columns.update(made)
    x = np.column_stack(list(columns.values()))
    if dtype.kind not in "iu":
        if dtype not in (np.float64, np.float32):
            raise DTypeError(f"read_csv: dtype is {dtype}; need float64, float32 or an integer type")
        return x.astype(dtype, copy=False), list(columns)
    for name, values in columns.items():
        limit = np.iinfo(dtype)
        bad = ~((values == np.trunc(values)) & (values >= limit.min) & (values <= min(limit.max, 2**53)))
        for row in np.flatnonzero(bad)[:1]:
            raise ValueError(
                f"{sheet.place(row)}: column {name!r} is {values[row]:g}; dtype={dtype.name!r} needs whole numbers "
                "of its range, without gaps"
            )
    return x.astype(dtype), list(columns)
