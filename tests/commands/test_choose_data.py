"""What is said of the rows: notes on what may not be meant, and refusals by name before any fit."""

import json

import numpy as np
import pytest
from commands.choosing import run

from minigrad.commands import choose_data


def test_notes_say_what_was_taken_as_something(houses, tmp_path, capsys):
    """They stand in what is printed, in the report and in the JSON."""
    lines = houses.read_text().splitlines()
    extra = [
        "row,sick,one,size,y",
        *(f"{i},{'TRUE' if i % 3 else 'FALSE'},7,{line.split(',')[0]},{i % 2}" for i, line in enumerate(lines[1:])),
    ]
    extra[7] = extra[7][:-1]
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(f"{'' if i == 0 else 'r' + str(i)},{line}" for i, line in enumerate(extra)))
    out = tmp_path / "out"
    assert run("cv", path, "--missing-target", "drop", "--count", 3, "--no-figures", "--out", out) == 0
    said = capsys.readouterr().out
    notes = json.loads((out / "cv.json").read_text())["notes"]
    page = (out / "cv.html").read_text(encoding="utf-8")
    for words in (
        "the first column has no name: taken as names of rows (r1, ...), left out",
        "1 of 60 rows have no 'y' and were left out",
        "TRUE and FALSE were taken as 1 and 0: sick",
        "y has 2 values (0, 1) and is predicted as a number, by linear regression; if they are classes, --cat",
        "columns with one value, which no model can use: one",
    ):
        assert any(note.startswith(words) for note in notes), words
        assert f"note: {words}" in said and words.split("'")[0] in page


@pytest.mark.parametrize(
    ("values", "noted"),
    [("01", True), ("12", True), ("234", True), (("1.5", "2.5"), True), (("1.5", "2.5", "3.5"), False)],
)
def test_a_target_that_may_be_classes(values, noted, tmp_path, capsys):
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    path.write_text("x,y\n" + "".join(f"{rng.normal():.3f},{values[i % len(values)]}\n" for i in range(30)))
    assert run("path", path, "--count", 2, "--no-figures", "--out", tmp_path) == 0
    assert ("--categorical y classifies" in capsys.readouterr().out) == noted


def test_rows_that_are_numbered(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("id,x,y\n" + "".join(f"{i + 1},{i * 37 % 11},{i * 7 % 13}\n" for i in range(20)))
    assert run("path", path, "--count", 2, "--no-figures", "--out", tmp_path) == 0
    assert "column id numbers the rows; --ignore id leaves it out" in capsys.readouterr().out


@pytest.mark.parametrize("gap", [[""] * 60, ["1.5"] + [""] * 59, [""] * 30 + ["1.5", "2.5"] + [""] * 28])
def test_columns_with_few_numbers(gap, tmp_path, capsys):
    """None, one, or two in one group of folds: refused by name before a fit, with --ignore."""
    rng = np.random.default_rng(0)
    path = tmp_path / "t.csv"
    rows = [f"{rng.normal():.3f},{cell},{i // 12},{rng.normal():.3f}" for i, cell in enumerate(gap)]
    path.write_text("size,gap,day,price\n" + "\n".join(rows))
    assert run("cv", path, "--missing", "mean", "--fold-groups", "day", "--no-figures", "--out", tmp_path / "o") == 2
    error = capsys.readouterr().err
    assert "'gap'" in error and "--ignore gap" in error and error.count("\n") == 1


def test_columns_that_are_constant_in_a_fold(tmp_path, capsys):
    """A level that one row has: a note, and no weight where that row is tested."""
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal():.3f},{'rare' if i == 7 else 'ab'[i % 2]},{i % 5}" for i in range(40)]
    path.write_text("x,kind,y\n" + "\n".join(rows))
    assert run("cv", path, "--categorical", "kind", "--count", 3, "--no-figures", "--out", tmp_path / "o") == 0
    words = "columns with one value in the training rows of a fold, which cannot use them: kind=rare"
    assert f"note: {words}\n" in capsys.readouterr().out
    assert words in json.loads((tmp_path / "o" / "cv.json").read_text())["notes"]


def test_classes_that_are_too_rare(tmp_path, capsys):
    path = tmp_path / "t.csv"
    kinds = ["common"] * 30 + ["other"] * 20 + ["rare"] * 2
    rng = np.random.default_rng(0)
    path.write_text("x,kind\n" + "\n".join(f"{rng.normal():.3f},{kind}" for kind in kinds))
    common = ["--categorical", "kind", "--count", 3, "--no-figures", "--out", tmp_path / "o"]
    assert run("cv", path, *common) == 0
    capsys.readouterr()
    assert run("cv", path, *common, "--nested") == 2
    assert "classes of kind with fewer than 3 rows: 'rare' has 2 rows" in capsys.readouterr().err
    path.write_text(path.read_text().rpartition("\n")[0])
    assert run("cv", path, *common) == 2
    assert "'rare' has 1 row; " in capsys.readouterr().err
    assert run("path", path, *common) == 0


def test_groups_that_hold_a_class_or_are_too_few(tmp_path, capsys):
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    path.write_text("x,day,kind\n" + "".join(f"{rng.normal():.3f},{i // 6},{'ab'[i // 6 == 2]}\n" for i in range(36)))
    common = ["--fold-groups", "day", "--count", 3, "--no-figures", "--out", tmp_path / "o"]
    assert run("cv", path, "--categorical", "kind", *common) == 2
    assert "class b of kind has no row in the training rows of fold" in capsys.readouterr().err
    path.write_text("x,day,y\n" + "".join(f"{rng.normal():.3f},{i // 6},{rng.normal():.3f}\n" for i in range(36)))
    assert run("cv", path, "--nested", *common) == 2
    assert "groups in the training rows of fold 0 do not fill 5 inner folds" in capsys.readouterr().err
    assert run("cv", path, "--nested", "--folds", 3, *common) == 0


def test_targets_and_inputs_that_say_nothing(tmp_path, capsys):
    path = tmp_path / "t.csv"
    for text, words in (
        ("a,y\n" + "".join(f"{i},3\n" for i in range(20)), "y is 3.0 in every row: there is nothing to predict"),
        ("a,y\n" + "".join(f"3,{i}\n" for i in range(20)), "every input column is constant, as 'a' is 3"),
        ("a,y\n" + "".join(f"{(-1) ** i}.2e308,{i % 7}\n" for i in range(20)), "column 'a' reaches from -1.2e+308"),
    ):
        path.write_text(text)
        assert run("cv", path, "--no-figures", "--out", tmp_path / "o") == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digit", "there is no file 'digit', and no data set of this name; did you mean digits?"),
        ("hoses.csv", "did you mean houses.csv?"),
        ("https://x.org/a.csv", "is an address; download the file"),
        ("nowhere/a.csv", "there is no folder nowhere"),
        (".", "is a folder; need a CSV file in it"),
    ],
)
def test_data_that_are_not_there(name, said, houses, capsys, monkeypatch):
    monkeypatch.chdir(houses.parent)
    assert run("cv", name) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.mark.parametrize("command", ["cv", "path"])
def test_numbers_out_of_range_name_their_column(command, tmp_path, capsys):
    """The advice for a mark of a missing value can be pasted."""
    path = tmp_path / "marks.csv"
    numbers = np.random.default_rng(0).standard_normal(30)
    body = [f"{-9.99e307 if i == 3 else v!r},{i % 7},{v * 1e160!r},{v:.3f}" for i, v in enumerate(numbers.tolist())]
    path.write_text("\n".join(["size,b,large,price", *body]))
    options = ["--no-figures", "--count", 3, "--out", tmp_path / "out"]
    assert run(command, path, "--ignore", "large", *options) == 2
    said = capsys.readouterr().err
    assert "column 'size' reaches -9.99e+307, too large" in said and "--na=-9.99e+307 --missing mean" in said
    assert run(command, path, "--ignore", "large", "--na=-9.99e+307", "--missing", "mean", *options) == 0
    assert run(command, path, "--ignore", "size", "--target", "large", *options) == 2
    assert "large varies by" in capsys.readouterr().err


def test_a_column_without_a_value_is_named_with_the_option_that_leaves_it_out(tmp_path, capsys):
    path = tmp_path / "gaps.csv"
    path.write_text("\n".join(["size,none,price", *(f"{'' if i == 0 else i},,{i * i}" for i in range(20))]))
    assert run("cv", path, "--no-figures", "--out", tmp_path / "out") == 2
    assert "column 'none' has no value in any row; leave it out" in capsys.readouterr().err


def test_values_of_nines_far_from_the_others_are_noted():
    found = {
        (1.0, -99.0, 2.0, -99.0): (-99.0, 2),
        (1.0, 9999.0, 3.0): (9999.0, 1),
        (np.nan, -999.0, 3.0, 8.0): (-999.0, 1),
        (97.0, 98.0, 99.0): None,  # percents
        (10.0, 500.0, 999.0): None,
        (-99.0, -99.0): None,
        (1.0, 1000.0, 2.0): None,
        (1.0, -99.5, 2.0): None,
        (np.nan, np.nan): None,
    }
    assert {values: choose_data._marks(np.array(values)) for values in found} == found


def test_marks_of_missing_values_are_noted_with_the_option(tmp_path, capsys):
    path = tmp_path / "marks.csv"
    path.write_text("\n".join(["size,price", *(f"{-999 if i == 3 else i},{i * i}" for i in range(30))]))
    options = ["--no-figures", "--count", 3, "--out", tmp_path / "out"]
    assert run("cv", path, *options) == 0
    said = capsys.readouterr().out
    assert "column size is -999 in 1 row, far from all other values; if it means a missing value: --na=-999" in said
    assert run("cv", path, "--na=-999", "--missing", "mean", *options) == 0
    assert "far from all" not in capsys.readouterr().out


def test_a_class_of_weight_0_is_named(tmp_path, capsys):
    path = tmp_path / "weighted.csv"
    path.write_text("\n".join(["a,w,kind", *(f"{i % 7},{i % 2},{'ill' if i % 2 else 'well'}" for i in range(40))]))
    options = ["--weights", "w", "--categorical", "kind", "--no-figures", "--out", tmp_path / "out"]
    for command in ("cv", "path"):
        assert run(command, path, *options) == 2
        assert "class well of kind has weight 0 in every row (--weights w)" in capsys.readouterr().err
