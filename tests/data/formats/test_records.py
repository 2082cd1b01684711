"""Records: the csv module of Python agrees where it can read a text; blanks and quotes as other programs write them."""

import csv
import io
import random

import pytest

from minigrad.data.formats import records as module
from minigrad.data.formats.records import as_delimiter, records


def cut(text, delimiter=","):
    return list(records("t.csv", text, delimiter))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quotes", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_what_the_standard_library_writes(delimiter, quotes):
    draw = random.Random(0)
    letters = ["a", "1", " b", '"', delimiter, "\n", "", "é"]
    rows = [["".join(draw.choices(letters, k=draw.randrange(5))).strip() for _ in range(3)] for _ in range(200)]
    rows = [row if any(row) else ["x", "", ""] for row in rows]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quotes, lineterminator="\n").writerows(rows)
    found = cut(out.getvalue(), delimiter)
    assert [fields for _, fields in found[:-1]] == rows and found[-1][1] == []
    text = out.getvalue().split("\n")
    for line, fields in found[:-1]:  # each begins where it says
        assert fields[0].split("\n")[0][:1] in text[line - 1][:2] or not fields[0]


def test_blanks_around_fields_and_quotes():
    assert cut('"x" , "y"\n 1 ,\t"a, ""b"""  \n') == [(1, ["x", "y"]), (2, ["1", 'a, "b"']), (3, [])]
    assert cut('"x"\t "y"\n\t2', "\t") == [(1, ["x", "y"]), (2, ["", "2"])]
    assert cut('5" pipe,2\n"a"') == [(1, ['5" pipe', "2"]), (2, ["a"])]


@pytest.mark.parametrize("quote", ["", '"'])
def test_runs_of_blanks(quote):
    text = f"  {quote}x{quote}  y\t z \n1 2\t\t3\n\n   \n"
    assert cut(text, " ") == [(1, ["x", "y", "z"]), (2, ["1", "2", "3"]), (3, []), (4, []), (5, [])]
    assert cut('"a b" 2', " ") == [(1, ["a b", "2"])]


def test_lines_are_counted_through_quotes():
    assert cut('"a\nb",1\n"c",2') == [(1, ["a\nb", "1"]), (3, ["c", "2"])]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('a,b\n1,"2\n3,4\n', r"t\.csv:2: a quote is open to the end .* from \"2"),
        ('a,b\n1,"2"x\n', r"t\.csv:2: 'x' follows a closing quote"),
        ('"a"b c', r"t\.csv:1: 'b c' follows"),
    ],
)
def test_quotes_that_are_wrong(text, what):
    with pytest.raises(ValueError, match=what):
        cut(text)


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "a", "3", ".", "-", None, 1])
def test_no_delimiters(delimiter):
    with pytest.raises(ValueError, match=r"read_csv: the delimiter is .*need one sign"):
        as_delimiter(delimiter)


@pytest.mark.parametrize(("said", "meant"), [("\\t", "\t"), ("tab", "\t"), ("blanks", " "), (" ", " "), ("|", "|")])
def test_delimiters_that_a_shell_lets_through(said, meant):
    assert as_delimiter(said) == meant


@pytest.mark.parametrize("part", [1, 2, 5, 1000])
def test_lines_come_in_parts(monkeypatch, part):
    monkeypatch.setattr(module, "PART", part)
    for text in ("", "\n", "a\n\nbc\n", "abc,d\ne", "\n\n\n", "abcdef\ng\n"):
        assert list(module._lines(text)) == text.split("\n")
