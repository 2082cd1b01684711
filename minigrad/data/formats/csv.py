"""Tables from CSV files: numeric and categorical columns as said; what is not as said is an error with file:line."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...checks import named_keywords
from ..prepare.imputation import MeanImputer
from .fields import Gaps, Numbers, Words, as_gaps, as_words, parsed, refuse_data, refuse_words
from .recipe import MISSING, Column, Recipe
from .records import as_delimiter
from .rows import beside, gaps_of, matrix, refuse_empty, refuse_gaps, rows_with_target
from .sheet import Sheet, read_sheet, refuse_no_name
from .table import Table
from .text import read_text

BLOCK = 64  # columns whose means are taken at a time


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
    index: str | None = None,
    groups: str | None = None,
    weights: str | None = None,
    offset: str | None = None,
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
    missing         what to do about missing values: "error"; "keep": NaN in x (in every column of its levels), to be
                    filled by what training rows say; "mean": the mean of the column
    missing_target  what to do about a row without a target: "error", or "drop" the row, with a note
    na              the words that mean "no value", besides an empty field: None is NA, N/A, NaN, nan, null and ?, which
                    others replace. A number, such as "-999", means it however the file writes it
    index           a column of names of rows, kept as table.index; a first column without a name is taken as such
    groups          a column that says which rows belong together (of one person, place, day), kept as table.groups
    weights         a column of the weights of rows, at least 0, kept as table.weights
    offset          a column of known parts of the outputs, kept as table.offset; none of these is an input
    delimiter       one sign between fields; "\\\\t" or "tab", and " " or "blanks" for runs of blanks and tabs
    header          False: there is none, columns are c1, c2, ...; True: line 1 is one, though numbers stand in it
    decimal         "." or ",": what stands before decimals
    encoding        of the text, where no byte order mark says it
    dtype           of x: float64, float32, or an integer type for columns of whole numbers

    table.read(path) reads another file the same way, with or without the target: the same columns in the same order,
    the same levels, in whatever order that file has them. table.notes says what was left out: names of rows, rows
    without a target.
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
    every_name = tuple(sheet.names)
    roles = _roles(sheet, target, categorical, ignore, (index, groups, weights, offset))
    _leave_out(sheet, roles)
    rows_with_target(sheet, roles.target, gaps, missing_target)
    aside = beside(sheet, index, groups, weights, gaps, decimal, offset)
    found = _columns(sheet, roles, gaps, decimal, header)
    if missing == "error":
        refuse_gaps(sheet, found)
    of_target = found.pop(roles.target)
    columns = [_described(name, column) for name, column in found.items()]
    x, means = _matrix(sheet, columns, found, np.dtype(dtype), missing)
    recipe = Recipe(
        tuple(columns), _described(roles.target, of_target), means, every_name, ignore, index, groups, weights,
        missing, missing_target, None if na is None else (na,) if isinstance(na, str) else tuple(na), delimiter, header,
        decimal, encoding, x.dtype.name, offset,
    )  # fmt: skip
    return Table(x, of_target.values, recipe.names, roles.target).beside(
        notes=tuple(sheet.notes), recipe=recipe, **aside
    )


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
    choices: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("missing", missing, MISSING),
        ("missing_target", missing_target, ("error", "drop")),
        ("decimal", decimal, (".", ",")),
    )
    for name, value, known in choices:
        if value not in known:
            raise ValueError(f"read_csv: {name} is {value!r}; need {' or '.join(map(repr, known))}")
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
    beside: tuple[str | None, ...],
) -> Roles:
    """The roles of the columns, each of which is there and has one role; beside x stand those of `beside`."""
    every = categorical == "all" and "all" not in sheet.names
    named = () if every else (categorical,) if isinstance(categorical, str) else tuple(categorical)
    aside = tuple(name for name in beside if name is not None)
    _refuse_absent(sheet, [target, *named, *aside, *(name for name in ignore if name not in ("", *sheet.left_out))])
    if target is None:
        target = next((name for name in reversed(sheet.names) if name and name not in aside), "")
    if target in ignore:
        raise ValueError(f"{sheet.head}: the target {target!r} is among the columns to ignore")
    _refuse_two_roles(sheet, (target, *aside))
    return Roles(target, named, every, ignore, aside)


def _refuse_two_roles(sheet: Sheet, names: tuple[str, ...]) -> None:
    for twice in [name for name in names[1:] if names.count(name) > 1]:
        raise ValueError(
            f"{sheet.head}: target, index, groups, weights and offset need a column each; {twice!r} is named twice"
        )


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
            found[name] = column = as_words(sheet.column(name), gaps) if said else parsed(sheet, name, gaps, decimal)
            if isinstance(column, Numbers) and not np.isnan(column.values).any():
                sheet.forget(name)
    if header is None:
        refuse_data(sheet, found)
    if not roles.every:
        words = {n: c for n, c in found.items() if isinstance(c, Words) and n not in roles.categorical}
        refuse_words(sheet, words, roles.target)
    truth = [name for name, column in found.items() if isinstance(column, Numbers) and column.truth]
    if truth:
        sheet.notes.append(f"TRUE and FALSE were taken as 1 and 0: {', '.join(truth)}")
    return found


def _described(name: str, column: Numbers | Words) -> Column:
    """What is to be kept of a column."""
    if isinstance(column, Words):
        return Column(name, "words", tuple(column.levels))
    return Column(name, "truth" if column.truth else "numbers")


def _matrix(
    sheet: Sheet, columns: list[Column], found: dict[str, Numbers | Words], dtype: np.dtype, missing: str
) -> tuple[np.ndarray, tuple[float, ...]]:
    """x, and the means of its columns, gaps left out, which fill the gaps if that is asked for."""
    made: dict[str, tuple[np.ndarray, str | None]] = {}
    names = set(found)
    for column in columns:
        name = column.name
        if gaps_of(found[name]).all():
            refuse_empty(sheet, name)
        values = found.pop(name).values
        for twice in [new for new in column.names if new in made or (new != name and new in names)]:
            raise ValueError(
                f"{sheet.head}: a level of the categorical column {name!r} makes a column {twice!r}, and there is one "
                "of that name; rename one of them, or ignore one"
            )
        levels = column.levels if column.kind == "words" else (None,)
        made.update({new: (values, level) for new, level in zip(column.names, levels)})
    x = matrix(sheet, made, dtype)
    blocks = [MeanImputer(x[:, i : i + BLOCK]) for i in range(0, x.shape[1], BLOCK)]
    means = tuple(float(mean) for block in blocks for mean in block.mean)
    return (MeanImputer.of(np.array(means, x.dtype))(x) if missing == "mean" else x), means
