"""Sheets: headers and row names as pandas, R and spreadsheets write them, or none; or a line that says why not."""

import pytest

from minigrad.data.formats.sheet import read_sheet, refuse_no_name

TABLE = "x,y\n1,2\n3,5\n"
RIGHT = (["x", "y"], [("1", "3"), ("2", "5")])


def sheet_of(text, delimiter=",", **options):
    return read_sheet("t.csv", text, delimiter, **options)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (TABLE, 0),
        ("\n\n" + TABLE, 0),  # blank lines in front
        (TABLE + ",\n,\n", 0),  # a spreadsheet's empty rows
        ("x,y,\n1,2,\n3,5,\n", 0),  # a delimiter at the end of each line
        ("x,y\n1,2,\n3,5,\n", 0),  # of the rows only
        ("x,y,\n1,2\n3,5\n", 0),  # of the header only
        ("x,,y,,\n1,,2,,\n3,,5,,\n", 0),  # a spreadsheet's empty columns
        (",x,y\n0,1,2\n7,3,5\n", 1),  # pandas
        (",Unnamed: 0,x,y\n0,0,1,2\n1,1,3,5\n", 2),  # pandas, saved twice
        ('"","x","y"\n"a",1,2\n"b",3,5\n', 1),  # R, write.csv
        ("x,y\n1,1,2\n2,3,5\n", 1),  # R, write.table: the header is one name short
        ("'x','y'\n1,2\n3,5\n", 0),  # single quotes
    ],
)
def test_one_table(text, notes):
    found = sheet_of(text)
    assert (found.names, found.columns) == RIGHT and len(found.notes) == notes
    assert all("no name" in note and "left out" in note for note in found.notes)


def test_lines_of_rows():
    assert sheet_of('x,y\n"1\n",2\n3,5\n').lines == [2, 4]
    assert sheet_of(TABLE).place(1) == "t.csv:3"


def test_row_names_are_left_out_only_if_they_differ():
    found = sheet_of(",x,y\na,1,2\na,3,5\n")
    assert found.names == ["", "x", "y"]
    with pytest.raises(ValueError, match=r"csv:1: column 1 has no name and some of its fields are equal.*--ignore ''"):
        refuse_no_name(found)
    found = sheet_of("x,,y\n1,7,2\n3,8,5\n")
    with pytest.raises(ValueError, match=r"t\.csv:1: column 2 has no name; write one .*--ignore ''"):
        refuse_no_name(found)


def test_no_header():
    found = sheet_of("1,2\n3,5\n", header=False)
    assert (found.names, found.columns) == (["c1", "c2"], RIGHT[1]) and found.lines == [1, 2]


@pytest.mark.parametrize("first", ["1,2,3", "5.1,3.5,oak", "oak,7,x", "1,2", "3,4,5", "1e3,a,b"])
def test_a_header_of_numbers_is_refused_unless_said(first):
    row = ",".join("9" for _ in first.split(","))
    with pytest.raises(ValueError, match=r"t\.csv:1: .*need a header with names: .*--no-header, --header"):
        sheet_of(f"{first}\n{row}\n")
    assert sheet_of(f"{first}\n{row}\n", header=True).names == first.split(",")


@pytest.mark.parametrize("first", ["0,1,2,target", "country,1960,1961,1962", "0,1,2,3"])
def test_numbers_that_count_are_names(first):
    """Columns that pandas numbered, and years."""
    assert sheet_of(first + "\n" + ",".join("9" for _ in first.split(",")) + "\n").names == first.split(",")


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        (TABLE.replace(",", ";"), "delimiter ';'"),
        (TABLE.replace(",", "\t"), r"--delimiter '\\t'"),
        (TABLE.replace(",", "|"), "delimiter '\\|'"),
        (TABLE.replace(",", "   "), "--delimiter ' '"),
        ("first name\tlast name\na\tb\n", r"--delimiter '\\t'"),  # not at its blanks
        ("a;b\n1,5;2,5\n", "delimiter ';'"),  # decimal commas below are no fields
        ("mpg\tcyl weight\n1  2  3\n", "--delimiter ' '"),  # not at its tab
        ("sep=;\nx;y\n", "a line for Excel: delete it, and pass delimiter=';'"),
    ],
)
def test_another_delimiter(text, cure):
    with pytest.raises(ValueError, match=rf"t\.csv:1: .*{cure}"):
        sheet_of(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "t.csv:1: the file is empty"),
        ("\n ,\n", "t.csv:1: the file is empty"),
        ("x,y\n", "t.csv:1: there is no row below"),
        ("# made by hand\nx,y\n1,2\n", "t.csv:1: one field, '# made by hand', above one of 2; if it is a title or"),
        ("x,y\n1,2\n3\n", r"t\.csv:3: 1 fields, the header has 2"),
        ("x,y\n1,2\n\n3,4\n", r"t\.csv:3: 0 fields, the header has 2: an empty line"),
        ("x,y\n1,2,7\n3,4\n", r"t\.csv:2: 3 fields, the header has 2"),
    ],
)
def test_what_is_refused(text, what):
    with pytest.raises(ValueError, match=what):
        sheet_of(text)
