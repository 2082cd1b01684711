"""How a table was read from its file, so that other files are read the same way: as an object, and as plain JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...checks import named_keywords, refuse_unknown_of
from .fields import as_gaps
from .records import as_delimiter
from .reread import Reader, Rules, Written, read_again, reader_of, tables
from .table import Table

FORMAT = 1
KINDS = ("numbers", "truth", "words")
MISSING = ("error", "keep", "mean")


@dataclass(frozen=True)
class Column:
    """A column of the file: its name and what it holds.

    kind        "numbers"; "truth": TRUE and FALSE, taken as 1 and 0; "words", with their levels in sorted order
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The columns of x that it makes: one for each level of words."""
        return [f"{self.name}={level}" for level in self.levels] if self.kind == "words" else [self.name]


@dataclass(frozen=True)
class Recipe:
    """How a file was read. `read` reads another one so; `to_dict` and `from_dict` turn it into plain JSON and back.

    columns     the inputs, in the order of x
    target      what is to be predicted
    means       of the columns of x, (p,), gaps left out: what missing="mean" puts into gaps
    header      all names of the file, in its order
    ignore      the columns that were left out; index, groups, weights, offset: those that stand beside x
    named       what read_csv was told as `header`; the rest are its options, too
    """

    columns: tuple[Column, ...]
    target: Column
    means: tuple[float, ...]
    header: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    index: str | None = None
    groups: str | None = None
    weights: str | None = None
    missing: str = "error"
    missing_target: str = "error"
    na: tuple[str, ...] | None = None
    delimiter: str = ","
    named: bool | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    dtype: str = "float64"
    offset: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns of x."""
        return [name for column in self.columns for name in column.names]

    @named_keywords
    def read(
        self,
        path: str | os.PathLike[str],
        *,
        target: bool | None = None,
        handle_unknown: str = "error",
        extra_columns: str = "error",
        missing_columns: str = "error",
        missing: str | None = None,
        missing_target: str | None = None,
        rename: Mapping[str, str] | None = None,
        index: str | None = None,
        delimiter: str | None = None,
        decimal: str | None = None,
        encoding: str | None = None,
        na: Sequence[str] | None = None,
    ) -> Table:
        """Another file as a table with the same columns in the same order; the file may have them in any order.

        target          None: y is read where the file has it, and is None elsewhere; True: it must be there; False: it
                        is left out
        handle_unknown  a level of a column of words that the first file did not have: "error"; "ignore": all columns
                        of its levels are 0; "missing": as a missing value
        extra_columns   columns that the first file did not have: "error", or "ignore"
        missing_columns inputs that this file lacks: "error", or "fill": as a missing value in each row
        missing         missing values: "error", "keep" (NaN) or "mean": the means of the first file. None: as there
        missing_target  rows without a target: "error", "drop", or "keep": NaN, or '' among words, where classes that
                        the first file did not have are kept, too. None: as there
        rename          {name in this file: name in the first}
        index           the column with the names of the rows, kept as table.index. None: as there, if it is there
        delimiter, decimal, encoding, na    where this file is written otherwise than the first

        ValueError names file, line and column of the first thing that is not as it was, and what would do: words where
        numbers were, and the other way round, too. table.notes says what was taken as something.
        """
        reader = self._reader(
            target=target,
            handle_unknown=handle_unknown,
            extra_columns=extra_columns,
            missing_columns=missing_columns,
            missing=missing,
            missing_target=missing_target,
            rename=rename,
            index=index,
            delimiter=delimiter,
            decimal=decimal,
            encoding=encoding,
            na=na,
        )
        return read_again(reader, path)

    def read_in_parts(self, name: str, text: str, fields: int = 1 << 18, **options: Any) -> Iterator[Table]:
        """The tables of the text of a file called `name`, as many rows at a time as have `fields` fields.

        The options are those of `read`. What is refused in a later part is refused when it is read.
        """
        refuse_unknown_of(self.read, "read_in_parts", options)
        return tables(self._reader(**options), name, text, fields)

    def _reader(self, **options: Any) -> Reader:
        """The options of `read`, checked, with those of the first file in place of None."""
        given = {name: value for name, value in options.items() if value is not None}
        rename, index = dict(given.pop("rename", {})), given.pop("index", None)
        how = Written(*(given.pop(name, getattr(self, name)) for name in Written._fields))
        rules = Rules(**{"missing": self.missing, "missing_target": self.missing_target, **given})
        return reader_of(self, rules, rename, index, how)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the version of the form; `offset` only where there is one."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.offset is None:
            del plain["offset"]
        plain |= {"columns": [_plain(column) for column in self.columns], "target": _plain(self.target)}
        for name in ("means", "header", "ignore", "na"):
            plain[name] = None if plain[name] is None else list(plain[name])
        return {"format": FORMAT, **plain}

    @classmethod
    def from_dict(cls, plain: Any) -> Recipe:
        """What to_dict gave. ValueError, naming the entry, for anything else; nothing in it is executed."""
        plain = {"offset": None, **plain} if isinstance(plain, dict) else plain
        entries = _entries(plain, "the recipe", [field.name for field in fields(cls)])
        columns = _list(entries["columns"], "columns")
        entries |= {
            "columns": tuple(_column(column, f"columns[{i}]") for i, column in enumerate(columns)),
            "target": _column(entries["target"], "target"),
            "means": tuple(_number(mean, "means") for mean in _list(entries["means"], "means")),
        }
        for name in ("header", "ignore", "na"):
            if not (name == "na" and entries[name] is None):
                entries[name] = _texts(entries[name], name)
        found = cls(**entries)
        _check(found)
        return found


def _plain(column: Column) -> dict[str, Any]:
    levels = {"levels": list(column.levels)} if column.kind == "words" else {}
    return {"name": column.name, "kind": column.kind, **levels}


def _bad(what: str) -> ValueError:
    return ValueError(f"the recipe of a table is damaged, or none: {what}")


def _entries(plain: Any, what: str, names: list[str]) -> dict[str, Any]:
    """The entries of these names, all of which are there, and no others."""
    if not isinstance(plain, dict):
        raise _bad(f"{what} is {plain!r:.60}; need names and values")
    form = plain.get("format")
    if form != FORMAT or isinstance(form, bool):
        raise _bad(f"its format is {form!r:.40}; this version of minigrad reads {FORMAT}")
    missing, unknown = [n for n in names if n not in plain], [n for n in plain if n not in (*names, "format")]
    if missing or unknown:
        raise _bad(f"it has no {missing[0]!r}" if missing else f"it has {unknown[0]!r:.60}, which no recipe has")
    return {name: plain[name] for name in names}


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _bad(f"{name} is {value!r:.60}; need a list")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    for item in _list(value, name):
        _text(item, name)
    return tuple(value)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _bad(f"{name} holds {value!r:.60}; need text")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _bad(f"{name} holds {value!r:.60}; need finite numbers")
    return float(value)


def _column(plain: Any, name: str) -> Column:
    if not isinstance(plain, dict) or not {"name", "kind"} <= set(plain) <= {"name", "kind", "levels"}:
        raise _bad(f"{name} is {plain!r:.60}; need a name, a kind, and of words the levels")
    kind = plain["kind"]
    if kind not in KINDS or (kind == "words") != ("levels" in plain):
        raise _bad(f"{name} is of the kind {kind!r:.40}; need {', '.join(KINDS)}, and levels of words alone")
    levels = _texts(plain["levels"], f"the levels of {name}") if kind == "words" else ()
    if "" in levels or len(set(levels)) < len(levels) or (kind == "words" and not levels):
        raise _bad(f"the levels of {name} are {levels!r:.60}; need different words, at least one")
    return Column(_text(plain["name"], name), kind, levels)


def _check(found: Recipe) -> None:
    """Refuse entries that no file can have been read by."""
    _check_names(found)
    known = {"missing": MISSING, "missing_target": ("error", "drop"), "decimal": (".", ",")}
    for name, values in {**known, "named": (None, True, False)}.items():
        value = getattr(found, name)
        if not any(value is other or (isinstance(value, str) and value == other) for other in values):
            raise _bad(f"{name} is {value!r:.40}; need {', '.join(map(repr, values))}")
    _text(found.encoding, "encoding")
    try:
        as_gaps(found.na)
        as_delimiter(_text(found.delimiter, "delimiter"))
        if np.dtype(_text(found.dtype, "dtype")).kind not in "iuf":
            raise ValueError(f"dtype is {found.dtype!r:.40}; need a type of numbers")
    except (TypeError, ValueError) as error:
        raise _bad(str(error)) from None


def _check_names(found: Recipe) -> None:
    """Every column has one role and stands in the header, and every column of x has a mean."""
    inputs = [column.name for column in found.columns]
    beside = (found.index, found.groups, found.weights, found.offset)
    aside = [_text(name, "index") for name in beside if name is not None]
    names = [*inputs, found.target.name, *aside]
    if not inputs or len(set(found.names)) < len(found.names) or len(set(names)) < len(names):
        raise _bad("a column stands in it twice, or there is none")
    if len(found.means) != len(found.names):
        raise _bad(f"it has {len(found.means)} means for {len(found.names)} columns")
    for name in set(names) - set(found.header):
        raise _bad(f"the column {name!r:.60} does not stand in its header")
