"""minigrad cv and minigrad path: tables, files and figures, and errors in one line."""

import json
import re
import sys

import numpy as np
import pytest
from lab.pages import read

from minigrad import cli, linear_model, selection
from minigrad.data import read_csv
from minigrad.lab import choose_options

READ = ["--categorical", "town", "--ignore", "c"]  # with these options the file can be read


@pytest.fixture
def houses(tmp_path):
    """A CSV file with a word column, a gap, and a price that follows from two of five columns."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 4)).round(3)
    towns = rng.choice(["Aa", "Bb", "Cc"], 60)
    price = x[:, 0] * 3 - x[:, 1] + (towns == "Bb") * 2 + 0.5 * rng.standard_normal(60)
    rows = [",".join([*map(str, row), town, f"{p:.3f}"]) for row, town, p in zip(x, towns, price)]
    rows[3] = rows[3].replace(rows[3].split(",")[2], "", 1)
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(["a,b,c,d,town,price", *rows]) + "\n")
    return path


def run(*arguments):
    return cli.main([str(a) for a in arguments])


def test_cv_of_a_file(houses, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    out = tmp_path / "out"
    options = ["--categorical", "town", "--missing", "mean", "--count", 12, "--folds", 4, "--nested", "--out", out]
    assert run("cv", houses, *options, "--log", tmp_path / "log") == 0
    text = capsys.readouterr().out
    assert "price of houses.csv: 60 rows, 7 inputs, Regression" in text and "missing = mean" in text
    assert "nested cross-validation, λ chosen anew in each of 4 outer folds: mse" in text and "1se" in text
    assert sorted(p.name for p in out.iterdir()) == ["cv.html", "cv.json", "cv.txt", "error.png", "path.png"]
    assert text.startswith((out / "cv.txt").read_text())
    found = json.loads((out / "cv.json").read_text())
    assert len(found["lambdas"]) == 12 and found["settings"]["missing"] == "mean" and found["nested"]["mean"] > 0
    page = read((out / "cv.html").read_text())
    assert len(page.images) == 2 and page.loads == []
    assert run("cv", houses, *options, "--log", tmp_path / "log") == 0  # from the log
    assert capsys.readouterr().out == text


def test_path_of_a_file(houses, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--categorical", "town", "--ignore", "c", "--count", 8, "--no-figures", "--out", out]
    assert run("path", houses, *options) == 0
    found = json.loads((out / "path.json").read_text())
    assert found["names"] == ["a", "b", "d", "town=Aa", "town=Bb", "town=Cc"]
    assert found["nonzeros"][0] == 0 < found["nonzeros"][-1] and np.shape(found["coefficients"]) == (8, 6)
    assert "non-zeros" in capsys.readouterr().out


@pytest.mark.parametrize("raw", [False, True])
def test_columns_are_standardized_unless_asked_not_to(houses, raw, tmp_path, capsys):
    options = ["--categorical", "town", "--missing", "mean", "--count", 3, "--no-figures", "--out", tmp_path]
    assert run("path", houses, *options, *(["--no-standardize"] if raw else [])) == 0
    assert f"standardize = {not raw}" in capsys.readouterr().out


def test_what_does_not_converge_is_noted_once(tmp_path, capsys):
    """Three columns and their sum, almost: at the least λ the sweeps would not end."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 3))
    rows = np.column_stack([x, x.sum(1) + 1e-7 * rng.standard_normal(30), x[:, 0] + rng.standard_normal(30)])
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b,c,d,y", *(",".join(map(repr, row)) for row in rows.tolist())]))
    for command in ("path", "cv"):
        assert run(command, path, "--ratio", 1e-9, "--count", 3, "--no-figures", "--out", tmp_path) == 0
        said = capsys.readouterr()
        assert "sweeps left a duality gap of" in said.out and said.err == ""


@pytest.mark.parametrize("command", ["cv", "path"])
@pytest.mark.parametrize("options", [["moons"], ["blobs", "--model", "mlp", "--epochs", 1, "--hidden", 4]])
def test_data_sets_by_name(command, options, tmp_path, capsys):
    assert run(command, *options, "--count", 3, "--no-figures", "--out", tmp_path) == 0
    assert ("Network" if "mlp" in options else "Logistic") in capsys.readouterr().out


def test_a_path_of_a_network_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    assert run("path", "moons", "--model", "mlp", "--epochs", 1, "--count", 3, "--out", tmp_path) == 0
    assert (tmp_path / "path.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "houses.csv:2: column 'town' is"),
        ([*READ, "--score", "accuracy"], "price is a column of numbers: name it in --categorical"),
        ([*READ, "--score", "log_loss"], "--score log_loss needs classes"),
        ([*READ, "--target", "town", "--score", "mse"], "town holds classes: use log_loss or accuracy"),
        ([*READ, "--categorical", "price"], "price has 59 classes in 60 rows; if it holds numbers"),
        ([*READ, "--weights", "town"], "column 'town' holds words"),
        ([*READ, "--fold-groups", "town"], "3 groups do not fill --folds 5"),
        ([*READ, "--folds", "61"], "60 rows do not fill --folds 61"),
        ([*READ, "--log", "/nowhere/log"], "--log /nowhere/log: need a file in a folder"),
        ([*READ, "--seed", str(2**64)], "--seed 18446744073709551616: need less than"),
        (["--delimiter", ""], "the delimiter is ''; need one sign"),
        (["--categorical", "town"], "houses.csv:5: column 'c' is missing"),
        (["--categorical", "twon"], "houses.csv:1: there is no column 'twon'; did you mean 'town'?"),
        (["--target", "town", "--categorical", "town", "--ignore", "c", "--model", "linear"], "use logistic or mlp"),
        (["--categorical", "town", "--missing", "mean", "--model", "logistic"], "name it in --categorical"),
    ],
)
def test_errors_are_one_line(houses, options, said, tmp_path, capsys):
    assert run("cv", houses, *options, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad cv: ") and said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_coefficients_by_name(houses, tmp_path, capsys):
    """Printed, in the report and in the JSON; those that the README's Python line gives, in the units of the data."""
    out = tmp_path / "out"
    options = ["--categorical", "town", "--ignore", "c", "--count", 9, "--no-figures", "--out", out]
    assert run("cv", houses, *options) == 0
    said = capsys.readouterr().out
    found = json.loads((out / "cv.json").read_text())
    table = read_csv(houses, categorical="town", ignore="c")
    family = linear_model.Regression(standardize=True)
    right = selection.cross_validate(family, table.x, table.y, count=9)
    assert found["lambda_min"] == right.lambda_min
    at = found["coefficients"]["at"]
    assert found["coefficients"]["inputs"] == table.names and found["coefficients"]["classes"] is None
    assert at["best"] == {"lambda": right.lambda_min, "intercept": right.model.intercept,
                          "coefficients": right.model.coefficients.tolist()}  # fmt: skip
    assert at["one-standard-error"]["coefficients"] == right.model_1se.coefficients.tolist()
    lines = said[said.index("Coefficients, in the units of the data, for price") :].splitlines()
    assert lines[1].startswith("input") and lines[2].startswith("(intercept)") and lines[3].split()[0] == "a"
    assert float(lines[3].split()[1]) == float(f"{right.model.coefficients[0]:.6g}")
    assert "in the units of the data, for price" in (out / "cv.html").read_text(encoding="utf-8")
    assert run("path", houses, *options) == 0
    said = capsys.readouterr().out
    assert "inputs that enter (-: leave)" in said and "the smallest λ" in said
    rows = [line for line in said.splitlines() if re.match(r"[\d.e-]+ +[1-9]\d* ", line)]
    assert re.search(" a$| a,", rows[0])  # the first input to enter


def test_the_largest_effects_come_first(tmp_path, capsys):
    """An effect is a coefficient times the deviation of its column: units do not decide. Zeros are left out."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 30))
    y = 3 * x[:, 0] + 2 * x[:, 1] + 0.01 * x[:, 2:].sum(1)
    x[:, 0] *= 1000  # in metres, not in kilometres
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"v{i}" for i in range(30)) + ",y\n"
                    + "\n".join(",".join(map(repr, row)) for row in np.column_stack([x, y]).tolist()))  # fmt: skip
    assert run("path", path, "--count", 3, "--ratio", 1e-4, "--no-figures", "--out", tmp_path) == 0
    lines = capsys.readouterr().out.split("Coefficients, in the units of the data, for y")[1].splitlines()
    assert "(5 smaller ones stand in the JSON)" in lines[0]
    assert [line.split()[0] for line in lines[1:5]] == ["input", "(intercept)", "v0", "v1"]
    assert len(lines[1:]) == 2 + 25 + 2
    assert run("path", path, "--count", 2, "--ratio", 0.9, "--no-figures", "--out", tmp_path) == 0
    lines = capsys.readouterr().out.split("Coefficients, in the units of the data, for y")[1].splitlines()
    assert lines[0] == " (29 of 30 inputs have none)" and lines[3].startswith("v0 ")


@pytest.mark.parametrize("command", ["cv", "path"])
def test_coefficients_of_classes_and_networks(command, houses, tmp_path, capsys):
    options = [*READ, "--target", "town", "--count", 4, "--no-figures", "--out", tmp_path]
    assert run(command, houses, *options) == 0
    said = capsys.readouterr().out
    assert re.search(r"for each town.*\ninput +Aa +Bb +Cc\n\(intercept\)", said)
    assert run(command, houses, *options, "--model", "mlp", "--epochs", 1, "--hidden", 3) == 0
    assert "Length of the weights from each input" in capsys.readouterr().out
    found = json.loads((tmp_path / f"{command}.json").read_text())["input_weights"]
    assert found["inputs"] == ["a", "b", "d", "price"] and found["classes"] == ["Aa", "Bb", "Cc"]
    text = houses.read_text().replace("Cc", "Bb")
    houses.write_text(text)
    assert run(command, houses, *options) == 0
    assert "for log odds of town = Bb" in capsys.readouterr().out


def test_notes_say_what_was_taken_as_something(houses, tmp_path, capsys):
    """They stand in what is printed, in the report and in the JSON."""
    lines = houses.read_text().splitlines()
    extra = ["row,sick,one,size,y", *(f"{i},{'TRUE' if i % 3 else 'FALSE'},7,{line.split(',')[0]},{i % 2}"
                                      for i, line in enumerate(lines[1:]))]  # fmt: skip
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


@pytest.mark.parametrize(("command", "options"), [("cv", ["--nested"]), ("cv", ["--repeats", 2]), ("path", [])])
def test_groups_and_weights(command, options, houses, tmp_path, capsys):
    """Rows of weight 2 are rows that stand twice; groups are never cut in two."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((40, 3)).round(3)
    y = (x[:, 0] * 2 - x[:, 1] + 0.3 * rng.standard_normal(40)).round(3)
    twice = np.arange(40) % 4 == 0
    once = [f"{','.join(map(str, row))},g{i % 8},{1 + twice[i]},{y[i]}" for i, row in enumerate(x)]
    doubled = [line for i, line in enumerate(once) for _ in range(1 + twice[i])]
    groups = ["--fold-groups", "group"] if command == "cv" else ["--ignore", "group"]
    common = ["--count", 6, "--no-figures", *options, *groups]
    found = []
    for name, lines, option in (("once", once, ["--weights", "w"]), ("doubled", doubled, ["--ignore", "w"])):
        path = tmp_path / f"{name}.csv"
        path.write_text("a,b,c,group,w,y\n" + "\n".join(lines))
        assert run(command, path, *common, *option, "--out", tmp_path / name) == 0
        found.append(json.loads((tmp_path / name / f"{command}.json").read_text()))
    said = capsys.readouterr().out
    assert "40 rows" in said and ", weighted" in said and (command == "path" or "in 8 groups" in said)
    np.testing.assert_allclose(found[0]["lambdas"], found[1]["lambdas"], rtol=1e-10)
    if command == "path":
        np.testing.assert_allclose(found[0]["coefficients"], found[1]["coefficients"], rtol=1e-8, atol=1e-10)


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


@pytest.mark.parametrize("arguments", [["--ratio", "2"], ["--l1-ratio", "1.5"], ["--lr", "-1"], ["--jobs", "0"],
                                       ["--jobs", "1.5"], ["--ratio", "x"], ["--missing-target", "mean"]])  # fmt: skip
def test_numbers_out_of_range_name_their_option(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["cv", "moons", *arguments])
    assert stopped.value.code == 2 and f"argument {arguments[0]}: " in capsys.readouterr().err


def test_names_behind_an_option():
    told = {"a, b": ("a", "b"), '"a, b",c': ("a, b", "c"), "": ("",), "a,": ("a",), "-,.": ("-", ".")}
    assert {text: choose_options._names(text) for text in told} == told


def test_missing_files_and_extras(tmp_path, capsys, monkeypatch):
    assert run("cv", tmp_path / "nowhere.csv") == 2
    assert "nowhere.csv" in capsys.readouterr().err
    assert run("cv", "moons", "--target", "y") == 2
    assert "of CSV files only: --target" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "joblib", None)
    assert run("cv", "moons", "--jobs", 2, "--out", tmp_path) == 2
    assert "minigrad[parallel]" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["cv", "path"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for word in ("--target", "--categorical", "--missing", "--l1-ratio", "training rows", "examples:", "digits, mnist"):
        assert word in text
    assert all(len(line) <= 110 for line in text.splitlines())
