"""The rows of a sheet as numbers: which count, what stands beside them, where they have gaps, and x."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from ...errors import DTypeError
from .fields import Gaps, Numbers, Words, indicator, parsed, quoted
from .sheet import Sheet

KEEP = "missing='keep' (command line: --missing mean) takes it, to be filled from training rows"
DROP = "missing_target='drop' (command line: --missing-target drop) leaves such rows out"


def rows_with_target(sheet: Sheet, target: str, gaps: Gaps, missing_target: str) -> None:
    """Leave out the rows without a target, or refuse them."""
    fields = sheet.column(target)
    gap = gaps.marks(fields)
    rows = np.flatnonzero(gap)
    if not rows.size:
        return
    if missing_target == "error":
        share = f", as in {rows.size} of {len(gap)} rows" if rows.size > 1 else ""
        cure = "no row has a target; read(path, target=False) leaves the column out" if gap.all() else DROP
        first = int(rows[0])
        raise ValueError(f"{sheet.place(first)}: column {target!r} is missing ({fields[first]!r}){share}; {cure}")
    if gap.all():
        raise ValueError(f"{sheet.head}: no row has a target: column {target!r} is empty")
    sheet.keep_rows(np.flatnonzero(~gap).tolist())
    sheet.notes.append(f"{rows.size} of {len(gap)} rows have no {target!r} and were left out")


def beside(
    sheet: Sheet,
    index: str | None,
    groups: str | None,
    weights: str | None,
    gaps: Gaps,
    decimal: str,
    offset: str | None = None,
) -> dict[str, Any]:
    """The names, groups, weights and offsets of the rows: names as the file has them, gaps and all."""
    found: dict[str, Any] = {}
    for role, name in (("groups", groups), ("weights", weights), ("offsets", offset)):
        if name is not None:
            for row in np.flatnonzero(gaps.marks(sheet.column(name)))[:1]:
                raise ValueError(f"{sheet.place(row)}: column {name!r} is missing; every row needs its {role[:-1]}")
    if groups is not None:
        found["groups"] = np.array(sheet.column(groups), dtype=np.str_)
    if weights is not None:
        found["weights"] = _weights(sheet, weights, gaps, decimal)
    if offset is not None:
        column = parsed(sheet, offset, gaps, decimal)
        if not isinstance(column, Numbers):
            raise ValueError(f"{sheet.place(0)}: column {offset!r} holds words; need offsets, numbers")
        found["offset"] = column.values
    if index is not None:
        found["index"], found["index_name"] = np.array(sheet.column(index), dtype=np.str_), index
    elif sheet.row_names is not None:
        found["index"], found["index_name"] = np.array(sheet.row_names, dtype=np.str_), ""
    return found


def _weights(sheet: Sheet, weights: str, gaps: Gaps, decimal: str) -> np.ndarray:
    column = parsed(sheet, weights, gaps, decimal)
    if not isinstance(column, Numbers):
        raise ValueError(f"{sheet.place(0)}: column {weights!r} holds words; need weights, numbers of at least 0")
    for row in np.flatnonzero(~(column.values >= 0))[:1]:
        raise ValueError(f"{sheet.place(row)}: column {weights!r} is {column.values[row]:g}; need at least 0")
    if not column.values.any():
        raise ValueError(f"{sheet.head}: column {weights!r} holds nothing but 0; some row needs a weight above 0")
    return column.values


def gaps_of(column: Numbers | Words) -> np.ndarray:
    """Which rows of a column have no value, (n,) bool."""
    return column.values == "" if isinstance(column, Words) else np.isnan(column.values)


def refuse_gaps(sheet: Sheet, found: Mapping[str, Numbers | Words], cure: str = KEEP, empty: bool = False) -> None:
    """ValueError for the first gap, which counts those of all columns; empty: also where a column has nothing else."""
    rows = {name: np.flatnonzero(gaps_of(column)) for name, column in found.items()}
    rows = {name: at for name, at in rows.items() if at.size}
    if not rows:
        return
    name = min(rows, key=lambda name: rows[name][0])
    for each in [] if empty else [each for each in rows if rows[each].size == len(sheet.lines)]:
        refuse_empty(sheet, each)
    first, total = int(rows[name][0]), sum(at.size for at in rows.values())
    shown = ", ".join(list(rows)[:8]) + (", ..." if len(rows) > 8 else "")
    share = f", as are {total} fields in {shown}" if total > 1 else ""
    raise ValueError(f"{sheet.place(first)}: column {name!r} is missing ({sheet.column(name)[first]!r}){share}; {cure}")


def refuse_empty(sheet: Sheet, name: str) -> NoReturn:
    """ValueError for a column without a value: no mean fills it."""
    raise ValueError(
        f"{sheet.head}: column {name!r} has no value in any row; leave it out: ignore=[{name!r}] (command line: "
        f"--ignore {shlex.quote(quoted(name))})"
    )


def matrix(sheet: Sheet, columns: dict[str, tuple[np.ndarray, str | None]], dtype: np.dtype) -> np.ndarray:
    """The columns side by side, (n, p), in the dtype: float64, float32, or an integer type of whole numbers.

    columns: name -> (values, level), empty afterwards. Of a level None the values are the numbers themselves, else
    words of which one is the level: the column is then 1 where a row has it, 0 where it has another word, NaN where it
    has none.
    """
    if dtype.kind not in "iu" and dtype not in (np.float64, np.float32):
        raise DTypeError(f"read_csv: dtype is {dtype}; need float64, float32 or an integer type")
    x = np.empty((len(sheet.lines), len(columns)), dtype)
    for i, name in enumerate(list(columns)):
        values, level = columns.pop(name)  # so that its memory is free again
        if level is not None:
            values = indicator(values, level)
        if dtype.kind in "iu":
            _refuse_broken(sheet, name, values, dtype)
        with np.errstate(over="ignore"):
            x[:, i] = values
        for row in np.flatnonzero(np.isinf(x[:, i])).tolist() if dtype == np.float32 else ():
            raise ValueError(f"{sheet.place(row)}: column {name!r} is {values[row]:g}, too large for float32")
    return x


def _refuse_broken(sheet: Sheet, name: str, values: np.ndarray, dtype: np.dtype) -> None:
    """ValueError for the first value that an integer type does not hold."""
    limit = np.iinfo(dtype)
    bad = ~((values == np.trunc(values)) & (values >= limit.min) & (values <= min(limit.max, 2**53)))
    for row in np.flatnonzero(bad)[:1]:
        raise ValueError(
            f"{sheet.place(row)}: column {name!r} is {values[row]:g}; dtype={dtype.name!r} needs whole numbers "
            "of its range, without gaps"
        )
