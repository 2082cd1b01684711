"""Another file, read as the first one was: what is not as it was there is an error by name, or taken as was said."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..prepare.imputation import MeanImputer
from .fields import Gaps, Numbers, Words, as_gaps, as_words, parsed
from .records import SHOWN, as_delimiter, records
from .rows import beside, gaps_of, matrix, refuse_gaps, rows_with_target
from .sheet import NUMBER, Sheet, begin, check_delimiter, read_sheet, refuse_no_name, sheet_of
from .table import Table
from .text import read_text

if TYPE_CHECKING:
    from .recipe import Column, Recipe

MEAN = (
    "missing='mean' fills such fields with the means of the rows that the columns were learned from, missing='keep' "
    "with NaN (command line: --missing mean)"
)
CHOICES = {
    "handle_unknown": ("error", "ignore", "missing"),
    "extra_columns": ("error", "ignore"),
    "missing_columns": ("error", "fill"),
    "missing": ("error", "keep", "mean"),
    "missing_target": ("error", "drop", "keep"),
}


class Rules(NamedTuple):
    """What is done about what is not as it was: see Recipe.read."""

    handle_unknown: str = "error"
    extra_columns: str = "error"
    missing_columns: str = "error"
    missing: str = "error"
    missing_target: str = "error"
    target: bool | None = None

    def check(self) -> None:
        """ValueError for a rule that is none."""
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"read: {name} is {value!r}; need {', '.join(map(repr, known))}")
        if not (self.target is None or isinstance(self.target, bool)):
            raise TypeError(f"read: target is {self.target!r}; need True, False, or None: if the file has it")


class Written(NamedTuple):
    """How a file is written."""

    delimiter: str
    decimal: str
    encoding: str
    na: Sequence[str] | None


class Reader(NamedTuple):
    """All that says how a file is read."""

    recipe: Recipe
    rules: Rules
    rename: dict[str, str]
    index_column: str | None
    how: Written

    @property
    def header(self) -> bool | None:
        """What read_sheet is told: names that are numbers have been accepted once."""
        numbers = any(NUMBER.fullmatch(name) for name in self.recipe.header)
        return True if self.recipe.named is None and numbers else self.recipe.named

    def table(self, sheet: Sheet) -> Table:
        """The table in a sheet."""
        recipe, rules = self.recipe, self.rules
        _name(sheet, self)
        target = recipe.target.name if _has_target(sheet, self) else None
        _check_columns(sheet, self)
        gaps = as_gaps(self.how.na)
        if target is not None and rules.missing_target != "keep":
            rows_with_target(sheet, target, gaps, rules.missing_target)
        y = None if target is None else _target(sheet, self, gaps)
        found = {column.name: _column(sheet, column, self, gaps) for column in recipe.columns}
        if rules.missing == "error":
            there = {name: column for name, column in found.items() if name in sheet.names}
            refuse_gaps(sheet, there, MEAN, empty=True)
        x = _matrix(sheet, self, found)
        index = (
            self.index_column
            if self.index_column is not None
            else recipe.index
            if recipe.index in sheet.names
            else None
        )
        judged = (recipe.groups, recipe.weights) if target is not None else ()
        groups, weights = ([name if name in sheet.names else None for name in judged] + [None, None])[:2]
        aside = beside(sheet, index, groups, weights, gaps, self.how.decimal, recipe.offset)
        table = Table(x, y, recipe.names, recipe.target.name)
        return table.beside(notes=tuple(sheet.notes), recipe=recipe, **aside)


def read_again(reader: Reader, path: str | os.PathLike[str]) -> Table:
    """What Recipe.read returns."""
    text = read_text(path, reader.how.encoding)
    return reader.table(read_sheet(os.fspath(path), text, reader.how.delimiter, reader.header))


def reader_of(recipe: Recipe, rules: Rules, rename: Mapping[str, str], index: str | None, how: Written) -> Reader:
    """The reader, its options checked."""
    rules.check()
    if not all(isinstance(name, str) for pair in rename.items() for name in pair):
        raise TypeError(f"read: rename is {rename!r:.80}; need {{name in this file: name in the first}}")
    for old, name in rename.items():
        _refuse_unknown_name(recipe, old, name)
    how = how._replace(delimiter=as_delimiter(how.delimiter))
    if how.decimal not in (".", ",") or how.decimal == how.delimiter:
        raise ValueError(f"read: decimal is {how.decimal!r}; need '.' or ',', and another sign between fields")
    return Reader(recipe, rules, dict(rename), index, how)


def tables(reader: Reader, name: str, text: str, fields: int) -> Iterator[Table]:
    """The tables of a text, so many rows at a time that not many more than `fields` fields are in memory."""
    first, found = begin(name, records(name, text, reader.how.delimiter))
    rows = max(1, fields // len(first[1]))
    named = reader.header is not False
    found = found if named else chain([first], found)
    block, begun = list(islice(found, rows)), False
    check_delimiter(name, [first, *block[:1]], text, reader.header)
    while block or not begun:
        end = len(block)
        while end and not any(block[end - 1][1]):
            end -= 1
        block, held = block[:end], block[end:]  # rows of empty fields are the end, unless a filled one follows
        more = list(islice(found, rows))
        if block or not (begun or more):
            head = (first[0], list(first[1])) if named else block.pop(0)
            yield reader.table(sheet_of(name, head, block, reader.header))
            begun = True
        block = held + more if more else []


def _refuse_unknown_name(recipe: Recipe, old: str, name: str) -> None:
    known = [*recipe.header]
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        meant = f"did you mean {close[0]!r}?" if close else f"known are {_shown(known)}"
        raise ValueError(f"read: rename: {old!r} is to be {name!r}, which is no known column; {meant}")


def _name(sheet: Sheet, reader: Reader) -> None:
    """Give the columns the names of the first file: renamed ones, and all of them where there is no header."""
    recipe = reader.recipe
    if recipe.named is False:
        names = [name for name in recipe.header if name]
        without = [name for name in names if name != recipe.target.name]
        fitting = next((given for given in (names, without) if len(given) == len(sheet.names)), None)
        if fitting is None:
            raise ValueError(
                f"{sheet.head}: {len(sheet.names)} columns without a header; need {len(names)}, or "
                f"{len(without)} without the target {recipe.target.name!r}"
            )
        sheet.rename(fitting)
    for old in reader.rename:
        if old not in sheet.names:
            raise ValueError(f"{sheet.head}: rename: there is no column {old!r}; there are {_shown(sheet.names)}")
    sheet.rename([reader.rename.get(name, name) for name in sheet.names])


def _has_target(sheet: Sheet, reader: Reader) -> bool:
    """Whether y is to be read. ValueError where the target must be there and is not."""
    name, wanted = reader.recipe.target.name, reader.rules.target
    if wanted and name not in sheet.names:
        raise ValueError(f"{sheet.head}: there is no column {name!r}, the target{_close(name, sheet.names)}")
    return name in sheet.names and wanted is not False


def _check_columns(sheet: Sheet, reader: Reader) -> None:
    """Refuse columns that are missing, additional, without a name, or twice; note what is taken as something."""
    recipe = reader.recipe
    inputs = [column.name for column in recipe.columns]
    beside = (recipe.index, recipe.groups, recipe.weights, recipe.offset, reader.index_column)
    aside = [name for name in beside if name is not None]
    _check_there(sheet, recipe.offset, ", the offset of every output")
    _check_there(sheet, reader.index_column, " for the index")
    known = {*inputs, recipe.target.name, *recipe.ignore, *aside}
    extra = [name for name in sheet.names if name and name not in known]
    _check_missing(sheet, [name for name in inputs if name not in sheet.names], extra, reader)
    _check_extra(sheet, extra, reader.rules)
    if "" not in recipe.ignore:
        refuse_no_name(sheet)
    for name in [name for name in (*inputs, *aside, recipe.target.name) if sheet.names.count(name) > 1]:
        raise ValueError(f"{sheet.head}: the name {name!r} stands twice; rename one of the columns, or take one out")


def _check_there(sheet: Sheet, name: str | None, role: str) -> None:
    if name is not None and name not in sheet.names:
        raise ValueError(f"{sheet.head}: there is no column {name!r}{role}{_close(name, sheet.names)}")


def _check_missing(sheet: Sheet, missing: list[str], extra: list[str], reader: Reader) -> None:
    if missing and reader.rules.missing_columns == "error":
        if any(_in_utf8(name, reader.how.encoding) in missing for name in extra):
            raise ValueError(
                f"{sheet.head}: there is no column {missing[0]!r}; expected is {reader.how.encoding}, and this "
                "file is UTF-8: encoding='utf-8' (command line: --encoding utf-8)"
            )
        raise ValueError(f"{sheet.head}: {_missing_columns(missing, extra, sheet.names)}")
    if missing:
        sheet.notes.append(f"missing columns, taken as missing values in every row: {_shown(missing)}")


def _in_utf8(name: str, encoding: str) -> str:
    """A name that was decoded by this encoding, decoded as UTF-8; '' where its bytes are none."""
    try:
        return name.encode(encoding).decode("utf-8")
    except UnicodeError:
        return ""


def _check_extra(sheet: Sheet, extra: list[str], rules: Rules) -> None:
    if extra and rules.extra_columns == "error":
        raise ValueError(
            f"{sheet.head}: unknown column{'s' if len(extra) > 1 else ''} {_shown(extra)}; leave "
            f"{'them' if len(extra) > 1 else 'it'} out by extra_columns='ignore' (command line: --extra-columns ignore)"
        )
    if extra:
        sheet.notes.append(f"unknown columns, left out: {_shown(extra)}")


def _missing_columns(missing: list[str], extra: list[str], names: list[str]) -> str:
    """What to say of columns that are not there: with a close name of a new column, if there is one."""
    renamed = {name: other for name in missing[:8] if (other := _closest(name, extra)) is not None}
    told = ", ".join(repr(n) + (f" (is it {renamed[n]!r}?)" if n in renamed else "") for n in missing[:8])
    more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
    if renamed:
        python = "{" + ", ".join(f"{other!r}: {name!r}" for name, other in renamed.items()) + "}"
        options = " ".join(f"--rename {other}={name}" for name, other in renamed.items())
        cure = f"rename={python} (command line: {options}) takes one for the other"
    else:
        cure = (
            f"there are {_shown([n for n in names if n])}; missing_columns='fill' (command line: --missing-columns "
            "fill) takes them as missing values"
        )
    return f"there is no column {told}{more}; {cure}"


def _closest(name: str, names: list[str]) -> str | None:
    fold = [other for other in names if other.strip().lower() == name.strip().lower()]
    close = fold or difflib.get_close_matches(name, [other for other in names if other], 1)
    return close[0] if close else None


def _close(name: str, names: list[str]) -> str:
    found = _closest(name, names)
    return f"; did you mean {found!r}?" if found is not None else f"; there are {_shown([n for n in names if n])}"


def _shown(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _column(sheet: Sheet, column: Column, reader: Reader, gaps: Gaps) -> Numbers | Words:
    """A column as the first file had it: numbers, or words of known levels."""
    if column.name not in sheet.names:  # to be filled
        n = len(sheet.lines)
        return Words(np.full(n, ""), []) if column.kind == "words" else Numbers(np.full(n, np.nan), False)
    if column.kind == "words":
        return _words(sheet, column, reader, gaps)
    found = parsed(sheet, column.name, gaps, reader.how.decimal)
    there = np.flatnonzero(~gaps_of(found))
    if not there.size:
        return Numbers(np.full(len(sheet.lines), np.nan), False)
    odd = there[: isinstance(found, Words) or (found.truth and column.kind == "numbers")]  # the first, if all are odd
    if column.kind == "truth" and not odd.size:
        odd = there[~np.isin(found.values[there], (0, 1))]
    for row in odd.tolist()[:1]:
        what = ", a word" if isinstance(found, Words) else ""
        raise ValueError(
            f"{sheet.place(row)}: column {column.name!r} is {sheet.column(column.name)[row][:SHOWN]!r}{what}; expected "
            f"are {'TRUE and FALSE, or 1 and 0' if column.kind == 'truth' else 'numbers'}"
        )
    return found


def _words(sheet: Sheet, column: Column, reader: Reader, gaps: Gaps) -> Words:
    """A column of words; unknown levels are refused, or taken as was said."""
    found = as_words(sheet.column(column.name), gaps)
    known = set(column.levels)
    unknown = [level for level in found.levels if level not in known]
    if not unknown:
        return found
    rows = np.flatnonzero(np.isin(found.values, unknown))
    if reader.rules.handle_unknown == "error":
        raise ValueError(_unknown(sheet, column, unknown, rows))
    sheet.notes.append(
        f"column {column.name}: {rows.size} row{'s' * (rows.size > 1)} with an unknown level "
        f"({_shown(unknown)}), taken as {'missing' if reader.rules.handle_unknown == 'missing' else '0 in all levels'}"
    )
    if reader.rules.handle_unknown == "missing":
        found.values[rows] = ""
    return found


def _unknown(sheet: Sheet, column: Column, unknown: list[str], rows: np.ndarray) -> str:
    """What to say of words that are no levels."""
    row = int(rows[0])
    field = sheet.column(column.name)[row][:SHOWN]
    place = f"{sheet.place(row)}: column {column.name!r} is {field!r}"
    if all(NUMBER.fullmatch(level) for level in unknown) and not any(NUMBER.fullmatch(n) for n in column.levels):
        return f"{place}, a number; expected are words, such as {column.levels[0]!r}"
    close = _closest(field, list(column.levels))
    more = f" (one of {len(unknown)})" if len(unknown) > 1 else ""
    meant = f"did you mean {close!r}?" if close is not None else f"known are {_shown(list(column.levels))}."
    return (
        f"{place}, an unknown level{more}; {meant} Or handle_unknown='ignore' takes it as none "
        "of the levels, 'missing' as a missing value (command line: --handle-unknown ignore)"
    )


def _target(sheet: Sheet, reader: Reader, gaps: Gaps) -> np.ndarray:
    """The target: numbers, NaN at gaps, or words, '' at gaps; new classes are refused, unless all is to be kept."""
    target = reader.recipe.target
    if target.kind == "words" and reader.rules.missing_target == "keep":
        return as_words(sheet.column(target.name), gaps).values
    return _column(sheet, target, reader, gaps).values


def _matrix(sheet: Sheet, reader: Reader, found: dict[str, Numbers | Words]) -> np.ndarray:
    """x, with its gaps filled if that is the rule."""
    recipe = reader.recipe
    columns: dict[str, tuple[np.ndarray, str | None]] = {}
    for column in recipe.columns:
        values = found[column.name].values
        for name, level in zip(column.names, column.levels if column.kind == "words" else (None,)):
            columns[name] = (values, level)
    x = matrix(sheet, columns, np.dtype(recipe.dtype))
    filled_in = reader.rules.missing == "mean" or (reader.rules.missing == "error" and set(found) - set(sheet.names))
    return MeanImputer.of(np.array(recipe.means, x.dtype))(x) if filled_in else x
