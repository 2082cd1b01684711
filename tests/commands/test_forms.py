"""One table in the forms in which other programs write it: `minigrad cv` finds the same coefficients in each."""

import gzip
import json

import numpy as np
import pytest

from minigrad import cli
from minigrad.data import regression

X, Y, _ = regression(40, 3, noise=0.5, nonzero=2, seed=1, dtype="float64")
ROWS = [[*(f"{v:.4f}" for v in x), str("ab"[i % 2]), f"{1000 + 10 * y:.3f}"] for i, (x, y) in enumerate(zip(X, Y))]
NAMES = ["size", "age", "far", "kind", "price"]
COMMON = ["--target", "price", "--categorical", "kind"]


def lines(rows, header=NAMES, sep=",", quote="", end=""):
    """The text of a table."""
    cells = [[f"{quote}{cell}{quote}" for cell in row] for row in ([header] if header else []) + rows]
    return "\n".join(sep.join(row) + end for row in cells) + "\n"


def numbered(rows, first=0):
    return [[str(i), *row] for i, row in enumerate(rows, first)]


def with_cell(row, column, cell):
    return [[cell if (i, j) == (row, column) else c for j, c in enumerate(r)] for i, r in enumerate(ROWS)]


FORMS = {
    "plain": (lines(ROWS), []),
    "pandas, with its index": (lines(numbered(ROWS), ["", *NAMES]), []),
    "R, write.csv": (lines(numbered(ROWS, 1), ["", *NAMES], quote='"'), []),
    "R, write.table": (lines(numbered(ROWS, 1), sep=" "), ["--delimiter", " "]),
    "runs of blanks": (lines(ROWS, sep="   "), ["--delimiter", "blanks"]),
    "tabs": (lines(ROWS, sep="\t"), ["--delimiter", "\\t"]),
    "a delimiter at each line's end": (lines(ROWS, end=","), []),
    "empty columns and rows of a spreadsheet": (lines(ROWS, end=",,") + ",,,,,,\n,,,,,,\n", []),
    "semicolons and decimal commas": (lines(ROWS, sep=";").replace(".", ","), ["--delimiter", ";", "--decimal", ","]),
    "blanks before quotes": (lines(ROWS, sep=", ", quote='"'), []),
    "a spreadsheet's UTF-16": (lines(ROWS, sep="\t").encode("utf-16"), ["--delimiter", "tab"]),
    "a byte order mark": (lines(ROWS).replace("\n", "\r\n").encode("utf-8-sig"), []),
    "gzip": (gzip.compress(lines(ROWS).encode()), []),
    "words found by themselves": (lines(ROWS), ["--categorical", "all"]),
    "rows without a target": (
        lines([*ROWS, ["1", "2", "3", "a", "NA"], ["1", "2", "3", "c", ""]]),
        ["--missing-target", "drop"],
    ),
    "a column to be ignored": (lines(numbered(ROWS), ["id", *NAMES]), ["--ignore", "id"]),
    "an index": (lines(numbered(ROWS), ["id", *NAMES]), ["--index", "id"]),
    "groups and weights": (
        lines(
            [[*row[:4], f"g{i // 4}", "1", row[4]] for i, row in enumerate(ROWS)], [*NAMES[:4], "group", "w", "price"]
        ),
        ["--fold-groups", "group", "--weights", "w"],
    ),
}


def fitted(tmp_path, content, options):
    path, out = tmp_path / "t.csv", tmp_path / "out"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert cli.main(["path", str(path), *options, "--count", "3", "--no-figures", "--out", str(out)]) == 0
    found = json.loads((out / "path.json").read_text(encoding="utf-8"))
    return found["names"], found["coefficients"]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_coefficients(form, tmp_path, capsys):
    content, options = FORMS[form]
    options = [option for option in options if option not in ("--fold-groups", "group")] + (
        ["--ignore", "group"] if "--fold-groups" in options else []
    )
    common = COMMON[:2] if "all" in options else COMMON
    names, coefficients = fitted(tmp_path, content, [*common, *options])
    assert names == ["size", "age", "far", "kind=a", "kind=b"]
    np.testing.assert_allclose(coefficients, fitted(tmp_path, FORMS["plain"][0], COMMON)[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_cv_to_coefficients_by_name(form, tmp_path, capsys):
    content, options = FORMS[form]
    path, out = tmp_path / "t.csv", tmp_path / "out"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    common = COMMON[:2] if "all" in options else COMMON
    told = [str(path), *common, *options, "--count", "4", "--folds", "4", "--no-figures", "--out", str(out)]
    assert cli.main(["cv", *told]) == 0
    said = capsys.readouterr()
    assert "Coefficients, in the units of the data, for price" in said.out and "kind=" in (out / "cv.json").read_text()
    assert said.err == ""


def test_a_file_without_a_header(tmp_path, capsys):
    names, coefficients = fitted(tmp_path, lines(ROWS, header=None), ["--no-header", "--categorical", "c4"])
    assert names == ["c1", "c2", "c3", "c4=a", "c4=b"]
    np.testing.assert_array_equal(coefficients, fitted(tmp_path, lines(ROWS), COMMON)[1])


@pytest.mark.parametrize(
    ("content", "options", "facts"),
    [
        (lines(ROWS, header=None), [], ["need a header", "--no-header"]),
        (lines(ROWS), ["--target", "price"], ["'kind' is 'a'", "--categorical kind"]),
        (lines(ROWS, sep="\t"), COMMON, ["--delimiter '\\t'"]),
        (lines(ROWS, sep=";"), COMMON, ["--delimiter ';'"]),
        (lines(with_cell(3, 1, "-")), COMMON, [":5: column 'age' is '-'", "--na=-"]),
        (lines(with_cell(3, 1, "NA")), COMMON, [":5: column 'age' is missing ('NA')", "--missing mean"]),
        (lines(with_cell(3, 4, "?")), COMMON, ["column 'price' is missing", "--missing-target drop"]),
        (lines(with_cell(3, 1, '"1,234"')), COMMON, ["'1,234'", "thousands"]),
        (lines(with_cell(3, 1, "$12")), COMMON, ["'$12'", "currency"]),
        (lines(with_cell(3, 1, "2020-01-31")), COMMON, ["a date"]),
        (lines(with_cell(3, 3, "c")), COMMON[:2] + ["--target", "kind", "--categorical", "kind"], ["'c' has 1 row"]),
        (b"PK\x03\x04\x14\0\6\0", COMMON, ["a workbook", "save the sheet as CSV"]),
        (lines(ROWS).encode("utf-16")[2:], COMMON, ["a NUL byte"]),
        (lines(with_cell(0, 3, "é")).encode("latin-1"), COMMON, ["byte 0xe9 is not UTF-8", "--encoding cp1252"]),
        ("kind=a," + lines(ROWS, header=NAMES[1:]), COMMON, ["makes a column 'kind=a'"]),
    ],
)
def test_one_clear_line(content, options, facts, tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert cli.main(["cv", str(path), *options, "--no-figures", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad cv: ") and error.count("\n") == 1
    assert all(fact in error for fact in facts), error
