"""What the fields of a column hold: numbers, TRUE and FALSE, or words; and which of them are gaps."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .records import SHOWN
from .sheet import HEADER, NUMBER, Sheet

GAPS = ("NA", "N/A", "NaN", "nan", "null", "?")  # what an empty field may be called, unless `na` says otherwise
TRUTH = {"TRUE": 1.0, "True": 1.0, "true": 1.0, "FALSE": 0.0, "False": 0.0, "false": 0.0}
PLAIN = frozenset("0123456789+-.eE")  # float() takes other text as well: inf, 1_0, digits of other scripts
# The largest float64 and float32, and netCDF's: other programs write them where there is no number.
FILLS = (1.797693e308, 3.402823e38, 9.96921e36)
DATE = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ].*)?|\d{1,2}:\d{2}(:\d{2})?.*")
THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.'\u2019 \u00a0\u202f]\d{3})+([.,]\d+)?")
FORMS = (  # of numbers elsewhere: hexadecimal, digits in groups, Fortran's exponent, the minus of typesetters
    re.compile(r"[+-]?0[xX][0-9a-fA-F]+"),
    re.compile(r"[+-]?\d{1,3}(_\d{3})+"),
    re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[dD][+-]?\d+"),
    re.compile(r"[−–](\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
)
SIGNS = re.compile(r"[+-]?[$€£¥]?\s*[+-]?[\d.,'\u2019 \u00a0\u202f]*\d\s*[%$€£¥]?")


class Gaps(NamedTuple):
    """The words that mean "no value": texts, and numbers such as -999, which mean it however they are written."""

    words: frozenset[str]
    numbers: tuple[float, ...]

    def marks(self, fields: Sequence[str]) -> np.ndarray:
        """Which fields are gaps, (n,) bool."""
        if self.words.isdisjoint(fields):  # most columns have none
            return np.zeros(len(fields), bool)
        return np.array([field in self.words for field in fields], bool)


def as_gaps(na: Iterable[str] | None) -> Gaps:
    """The gaps for read_csv(na=...): the empty field is always one.

    >>> as_gaps(["-", "-999"]).marks(["", "-", "3", "NA", "-999"]).tolist()
    [True, True, False, False, True]
    """
    words = GAPS if na is None else (na,) if isinstance(na, str) else tuple(na)
    if not all(isinstance(word, str) for word in words):
        raise TypeError(f"read_csv: na is {na!r}; need words as the file has them, like ['-', '-999']")
    words = tuple(word.strip() for word in words)
    return Gaps(frozenset(["", *words]), tuple(float(word) for word in words if NUMBER.fullmatch(word)))


class Numbers(NamedTuple):
    """A column of numbers, NaN at gaps; and whether they were written as TRUE and FALSE."""

    values: np.ndarray
    truth: bool


class Words(NamedTuple):
    """A column of words, '' at gaps."""

    values: np.ndarray
    levels: list[str]


def parsed(sheet: Sheet, name: str, gaps: Gaps, decimal: str) -> Numbers | Words:
    """What the column of this name holds, by its fields.

    ValueError for numbers among which few words stand, or that are written otherwise than with digits and one decimal
    point.
    """
    fields = sheet.column(name)
    plain = list(fields) if decimal == "." else [_with_point(field) for field in fields]
    there = ~gaps.marks(fields)
    values = _floats(plain, there)
    if values is None:
        present = [plain[i] for i in np.flatnonzero(there)]
        if all(field in TRUTH for field in present):
            return Numbers(np.array([TRUTH.get(field, np.nan) for field in plain]), True)
        odd = [i for i in np.flatnonzero(there).tolist() if not NUMBER.fullmatch(plain[i])]
        _refuse_numbers(sheet, name, odd, len(present), gaps, decimal)
        return as_words(fields, gaps)
    for number in gaps.numbers:
        values[values == number] = np.nan
    _refuse_values(sheet, name, values)
    return Numbers(values, False)


def _with_point(field: str) -> str:
    """A number that has a decimal comma with a point; what has a point already is none."""
    return field if "." in field and not NUMBER.fullmatch(field) else field.replace(".", "?").replace(",", ".")


def as_words(fields: Sequence[str], gaps: Gaps) -> Words:
    """The fields as words, with their levels in sorted order."""
    words = ["" if field in gaps.words else field for field in fields]
    return Words(np.array(words, dtype=np.str_), sorted(set(words) - {""}))


def _floats(fields: list[str], there: np.ndarray) -> np.ndarray | None:
    """Every field that is no gap as a number, NaN elsewhere; None where one is no number."""
    present = fields if there.all() else [fields[i] for i in np.flatnonzero(there)]
    if not set("".join(present)) <= PLAIN:
        return None
    values = np.full(len(fields), np.nan)
    try:
        values[there] = list(map(float, present))
    except ValueError:  # an empty number, two signs
        return None
    return values


def _refuse_numbers(sheet: Sheet, name: str, odd: list[int], present: int, gaps: Gaps, decimal: str) -> None:
    """ValueError where the odd fields of a column are numbers written otherwise, or few words among numbers."""
    fields = sheet.column(name)
    ways = {i: way for i in odd if (way := _way(fields[i], decimal))}
    if 2 * len(ways) > len(odd):
        row, way = next(iter(ways.items()))
        raise ValueError(f"{sheet.place(row)}: column {name!r} is {fields[row][:SHOWN]!r}, {way}")
    if all(fields[i] in TRUTH for i in odd):
        row = odd[0]
        raise ValueError(
            f"{sheet.place(row)}: column {name!r} is {fields[row]!r} among numbers; write 1 for TRUE and 0 for FALSE"
        )
    if 2 * len(odd) > present:
        return  # a column of words, which `categorical` names
    used = {field for column in sheet.columns for field in gaps.words.intersection(column)} - {""}
    words = sorted(used | _among_numbers(sheet, gaps, decimal) | {fields[i] for i in odd if i not in ways})[:8]
    row = next(i for i in odd if i not in ways)
    option = shlex.quote("--na=" + ",".join(map(quoted, words)))
    raise ValueError(
        f"{sheet.place(row)}: column {name!r} is {fields[row][:SHOWN]!r}, not a number; say that the column is "
        f"categorical, ignore it, or, as {present - len(odd)} of its {present} fields are numbers, say that the others "
        f"mean a missing value: na={words} (command line: {option})"
    )


def _among_numbers(sheet: Sheet, gaps: Gaps, decimal: str) -> set[str]:
    """The words of all columns that hold more numbers than words: what `na` may have to name."""
    found: set[str] = set()
    for column in sheet.columns:
        kinds = Counter(field for field in column if field not in gaps.words)
        odd = [field for field in kinds if not NUMBER.fullmatch(field) and not _way(field, decimal)]
        if 2 * sum(kinds[field] for field in odd) <= sum(kinds.values()):
            found.update(odd)
    return found


POINT = "write it with digits and one decimal point"


def _way(field: str, decimal: str) -> str:
    """How a field is a number or a date that is written otherwise than here, and what would do; '' for a word."""
    if field.lower().lstrip("+-") in ("inf", "infinity"):
        return "not a number to compute with; write a finite one, or name it as a missing value"
    if DATE.fullmatch(field) and not NUMBER.fullmatch(field):
        return "a date or a time; write it as a number, such as days since a date, or ignore the column"
    separated = _way_of_separators(field, decimal)
    if separated:
        return separated
    if any(form.fullmatch(field) for form in FORMS):
        return f"not a number as it is written; {POINT}, or, if these are words, name the column in categorical"
    if SIGNS.fullmatch(field) and any(sign in field for sign in "%$€£¥"):
        return "a number with a sign of percent or currency; write the number alone"
    if SIGNS.fullmatch(field) and not NUMBER.fullmatch(field):
        return f"not a number as it is written; {POINT}"
    return ""


def _way_of_separators(field: str, decimal: str) -> str:
    """The same for numbers with separators of thousands or another decimal sign; '' for all else."""
    if re.fullmatch(r"[+-]?\d{1,3}[,.]\d{3}", field):
        return "with thousands or with decimals? Write thousands without a separator, and decimals behind a point"
    if THOUSANDS.fullmatch(field):
        return "a number with thousands separators; write its digits without them, and decimals behind a point"
    if decimal == "," and NUMBER.fullmatch(field):
        return f"a number with a point, where decimal=',' was said; {POINT}, or with a comma everywhere"
    if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", field):
        return "not a number; write a decimal point, or pass decimal=',' (command line: --decimal ,)"
    return ""


def _refuse_values(sheet: Sheet, name: str, values: np.ndarray) -> None:
    """ValueError where a number is above the range of float64, or what programs write for "no value"."""
    fields, size = sheet.column(name), np.abs(values)
    for row in np.flatnonzero(size == np.inf)[:1]:
        raise ValueError(f"{sheet.place(row)}: column {name!r} is {fields[row][:SHOWN]!r}, too large for float64")
    near = np.zeros(size.shape, bool)
    for fill in FILLS:
        near |= np.abs(size / fill - 1) < 1e-3
    for row in np.flatnonzero(near)[:1]:
        option = shlex.quote(f"--na={fields[row]}")
        raise ValueError(
            f"{sheet.place(row)}: column {name!r} is {fields[row]}, too large to compute with; other programs write it "
            f"for a missing value: na=[{fields[row]!r}] (command line: {option})"
        )


def indicator(words: np.ndarray, level: str) -> np.ndarray:
    """(n,): 1 where a row has the level, 0 where it has another, NaN where it has none ('').

    >>> indicator(as_words(["Aa", "", "Bb"], as_gaps(None)).values, "Aa").tolist()
    [1.0, nan, 0.0]
    """
    return np.where(words == "", np.nan, (words == level).astype(np.float64))


def refuse_data(sheet: Sheet, found: dict[str, Numbers | Words]) -> None:
    """ValueError where the header is a row of data: all columns are words, and each name is a word of its column."""
    named = [isinstance(column, Words) and name in column.levels for name, column in found.items()]
    if len(named) > 1 and all(named):
        raise ValueError(
            f"{sheet.head}: each name is a value of its column, too, as {next(iter(found))!r}; is this line data? Need "
            f"a header with names: {HEADER}"
        )


def refuse_words(sheet: Sheet, found: dict[str, Words], target: str) -> None:
    """ValueError that names all columns of words that are not said to be categorical, with the option to paste."""
    if not found:
        return
    told = [
        f"{name!r} is {column.values[column.values != ''][0][:SHOWN]!r} ({len(column.levels)} "
        f"level{'s' * (len(column.levels) > 1)})"
        for name, column in list(found.items())[:10]
    ]
    more = f" and {len(found) - 10} more columns" if len(found) > 10 else ""
    # A level for almost every row, as names and addresses have: nothing can be learned from such a column.
    ids = [n for n, c in found.items() if n != target and len(c.levels) > max(20, len(sheet.lines) // 2)]
    names = [name for name in found if name not in ids]
    first = next(iter(found.values()))
    place = sheet.place(int(np.flatnonzero(first.values != "")[0]))
    raise ValueError(
        f"{place}: column {', '.join(told)}{more}, not {'numbers' if len(found) > 1 else 'a number'}; say that columns "
        "are categorical, or ignore them: "
        f"{', '.join(p for p in (_python('categorical', names), _python('ignore', ids)) if p)} (command line: "
        f"{' '.join(p for p in (_option('--categorical', names), _option('--ignore', ids)) if p)}); "
        "categorical='all' (--categorical all) takes every column of words"
    )


def quoted(name: str) -> str:
    """A name in a list after an option: in quotes where it holds a comma or a quote."""
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"') or name != name.strip() else name


def _python(keyword: str, names: list[str]) -> str:
    return f"{keyword}={names}" if names else ""


def _option(option: str, names: list[str]) -> str:
    return f"{option} {shlex.quote(','.join(map(quoted, names)))}" if names else ""
