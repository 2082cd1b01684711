"""The records of a table of text: lines cut at the delimiter, quotes honoured, each with the line where it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator

NAMED = {"\\t": "\t", "tab": "\t", "blank": " ", "blanks": " ", "space": " ", "\\s+": " "}
PART = 1 << 20  # characters that are cut into lines at a time
SHOWN = 40  # characters of a field in an error


def as_delimiter(delimiter: str) -> str:
    """One sign between fields: as it is, or by a name that a shell lets through; ' ' stands for runs of blanks.

    >>> as_delimiter("tab"), as_delimiter("blanks"), as_delimiter(";")
    ('\\t', ' ', ';')
    """
    found = NAMED.get(delimiter, delimiter)
    if not isinstance(found, str) or len(found) != 1 or found in '"\r\n.+-' or found.isalnum():
        raise ValueError(
            f"read_csv: the delimiter is {delimiter!r}; need one sign, as ',' or ';', '\\t' for a tab, or ' ' for runs "
            "of blanks"
        )
    return found


def records(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line where it begins, fields without blanks around them) of each record; a blank line has no fields.

    A field in quotes may hold delimiters, line ends and, doubled, quotes; blanks may stand around the quotes. The
    delimiter ' ' means runs of blanks and tabs. ValueError, naming file and line, where a quote is not closed.

    >>> list(records("a.csv", 'x, "y"\\n1, "2, 3"', ","))
    [(1, ['x', 'y']), (2, ['1', '2, 3'])]
    """
    found = _of_lines(text, delimiter) if '"' not in text else _of_fields(name, text, delimiter)
    for line, fields in found:
        yield line, fields if fields != [""] else []


def _of_lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a text without quotes: a line is a record."""
    for line, content in enumerate(_lines(text), 1):
        fields = re.split("[ \t]+", content.strip(" \t")) if delimiter == " " else content.split(delimiter)
        plain = content.isascii() and content.isprintable() and " " not in content
        yield line, fields if plain else [field.strip() for field in fields]


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, of which only a part is in memory apart from it."""
    at = 0
    while (end := text.find("\n", at + PART)) >= 0:
        yield from text[at:end].split("\n")
        at = end + 1
    yield from text[at:].split("\n")


def _of_fields(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a text with quotes, field after field."""
    field = _pattern(delimiter)
    at, line, start = 0, 1, 1
    fields: list[str] = []
    while True:
        found = field.match(text, at)
        if found is None:
            raise ValueError(f"{name}:{start}: {_fault(text, at)}")
        in_quotes, plain = found["quoted"], found["plain"]
        fields.append((plain if in_quotes is None else in_quotes.replace('""', '"')).strip())
        at, line = found.end(), line + found[0].count("\n")
        if found["gap"] is None:
            yield start, fields
            if not found[0].endswith("\n"):  # the text ends here
                return
            fields, start = [], line


def _pattern(delimiter: str) -> re.Pattern[str]:
    """A field with the blanks around it and what ends it: the delimiter (`gap`), the end of the line or of the text."""
    sign = re.escape(delimiter)
    blank, inside, end = "[ \t]", rf"[^{sign}\n]", rf"(?:\n|\Z|(?P<gap>{sign}))"
    if delimiter == "\t":
        blank = "[ ]"
    elif delimiter == " ":
        inside, end = "[^ \t\n]", r"(?:[ \t]*(?:\n|\Z)|(?P<gap>[ \t]+))"
    outside = "" if delimiter == " " else f"{blank}*"  # behind a quote blanks are the delimiter, if it is ' '
    return re.compile(rf'{blank}*(?:"(?P<quoted>[^"]*(?:""[^"]*)*)"{outside}|(?!{blank}|")(?P<plain>{inside}*)){end}')


def _fault(text: str, at: int) -> str:
    """Why no field can be read from `at` on, where a quote opens."""
    closed = re.compile(r'\s*"[^"]*(?:""[^"]*)*"').match(text, at)
    if closed is None:
        shown = text[at : at + SHOWN].strip().split("\n")[0]
        return f"a quote is open to the end of the file, from {shown} on; look for a quote that is not closed"
    rest = text[closed.end() : closed.end() + SHOWN].split("\n")[0]
    return f"{rest!r} follows a closing quote; look for a quote that is not closed, or double it inside a field"
