"""minigrad predict: rows in the order of the input, with their names; whole or nothing."""

import csv
import io
import subprocess
import sys

import numpy as np
import pytest
from commands.choosing import READ, run

from minigrad import tabular

NEW = "nr,town,d,b,a\nr1,Bb,0.5,1,2\nr2,Aa,1,-1,0.25\nr3,Cc,0,0,0\n"


@pytest.fixture
def model(houses, tmp_path, capsys):
    assert run("train", houses, *READ, "--count", 6, "--out", tmp_path / "model") == 0
    capsys.readouterr()
    return tmp_path / "model"


@pytest.fixture
def classes(houses, tmp_path, capsys):
    options = ["--target", "town", "--categorical", "town", "--ignore", "c", "--l1", "0.01"]
    assert run("train", houses, *options, "--out", tmp_path / "classes") == 0
    capsys.readouterr()
    return tmp_path / "classes"


@pytest.fixture
def new(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(NEW)
    return path


def cells(text, delimiter=","):
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def test_the_same_numbers_as_in_python(model, new, capsys):
    assert run("predict", model, new, "--index", "nr") == 0
    said = capsys.readouterr()
    head, *rows = cells(said.out)
    assert head == ["nr", "price"] and [row[0] for row in rows] == ["r1", "r2", "r3"] and said.err == ""
    found = np.array([float(row[1]) for row in rows])
    assert found.tobytes() == tabular.load(model).predict(new, index="nr").tobytes()


def test_a_file_and_scores(model, houses, tmp_path, capsys):
    out = tmp_path / "rows.csv"
    assert run("predict", model, houses, "--out", out) == 0
    said = capsys.readouterr()
    assert said.out == "" and "60 rows have price: R² 0." in said.err and f"60 rows written to {out}" in said.err
    assert len(out.read_text().split("\n")) == 62 and out.read_text().startswith("price\n")
    assert run("predict", model, houses, "--out", out, "--no-score") == 0
    assert "R²" not in capsys.readouterr().err


def test_classes_and_probabilities(classes, houses, capsys):
    assert run("predict", classes, houses, "--proba") == 0
    said = capsys.readouterr()
    head, *rows = cells(said.out)
    assert head == ["town", "P(Aa)", "P(Bb)", "P(Cc)"] and "60 rows have town: accuracy 0." in said.err
    p = np.array([row[1:] for row in rows], float)
    assert p.tobytes() == tabular.load(classes).predict_proba(houses).tobytes()
    assert [row[0] for row in rows] == ["Aa Bb Cc".split()[i] for i in p.argmax(1)]  # noqa: SIM905


def test_a_target_with_gaps_and_new_classes_is_no_hindrance(classes, houses, capsys):
    text = houses.read_text().replace(",Aa,", ",,", 1).replace(",Bb,", ",Zz,", 1)
    houses.write_text(text)
    assert run("predict", classes, houses) == 0
    assert "59 rows have town: accuracy 0." in capsys.readouterr().err
    houses.write_text("a,b,d,price,town\n1,2,3,4,\n")
    assert run("predict", classes, houses) == 0
    assert "no row has town: no scores" in capsys.readouterr().err


def test_german_files(houses, tmp_path, capsys):
    text = houses.read_text().replace(",", ";").replace(".", ",")
    houses.write_text(text)
    options = [*READ, "--delimiter", ";", "--decimal", ",", "--lambda", "0.01", "--out", tmp_path / "m"]
    assert run("train", houses, *options) == 0
    new = tmp_path / "new.csv"
    new.write_text("Nr;town;d;b;a\n1;Bb;0,5;1;2\n2;Aa;1;-1;0,25\n")
    capsys.readouterr()
    assert run("predict", tmp_path / "m", new, "--index", "Nr") == 0
    head, *rows = cells(capsys.readouterr().out, ";")
    assert head == ["Nr", "price"] and all("," in row[1] and "." not in row[1] for row in rows)
    found = np.array([float(row[1].replace(",", ".")) for row in rows])
    assert found.tobytes() == tabular.load(tmp_path / "m").predict(new, index="Nr").tobytes()


def test_from_standard_input(model, new, capsys, monkeypatch):
    class Input:
        buffer = io.BytesIO(NEW.encode())

    assert run("predict", model, new, "--index", "nr") == 0
    wanted = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", Input)
    assert run("predict", model, "-", "--index", "nr") == 0
    assert capsys.readouterr().out == wanted


def test_rules(model, new, capsys):
    for content, options in (
        (NEW.replace("Cc", "Dd"), ["--handle-unknown", "ignore"]),
        (NEW.replace("Cc", "Dd"), ["--handle-unknown", "missing", "--missing", "mean"]),
        (NEW.replace(",d,", ",D,"), ["--rename", "D=d"]),
        (NEW.replace("nr,", "q,"), ["--extra-columns", "ignore"]),
        (NEW.replace(",d,", ",q,"), ["--extra-columns", "ignore", "--missing-columns", "fill"]),
        (NEW.replace(",0,0,0", ",,0,0"), ["--missing", "mean"]),
        (NEW.replace(",", "|"), ["--delimiter", "|"]),
        (NEW.replace(",0,0,0", ",x,0,0"), ["--missing", "mean", "--na", "x"]),
    ):
        new.write_text(content)
        index = [] if "nr" not in content else ["--index", "nr"]
        assert run("predict", model, new, *index) == 2, options
        assert capsys.readouterr().err.startswith("minigrad predict: ")
        assert run("predict", model, new, *index, *options) == 0, options
        capsys.readouterr()


def test_nothing_half_written(model, new, tmp_path, capsys, monkeypatch):
    """An error in a later part of the file: the old file stays, and standard output has nothing."""
    monkeypatch.setattr(tabular.predictor, "FIELDS", 10)
    new.write_text(NEW + "r4,Bb,x,1,2\n")
    out = tmp_path / "rows.csv"
    out.write_text("old")
    for options in ([], ["--out", out]):
        assert run("predict", model, new, "--index", "nr", *options) == 2
        said = capsys.readouterr()
        assert said.out == "" and "new.csv:5: column 'd' is 'x'" in said.err
    assert out.read_text() == "old" and not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model", "nowhere.csv"], "nowhere.csv: no such file"),
        (["modle", "new.csv"], "there is no folder or file 'modle'; did you mean model?"),
        (["new.csv", "model"], "new.csv is a table; need a model: the folder that minigrad train writes"),
        (["new.csv", "model"], "the order is MODEL DATA"),
        (["model", "new.csv", "--proba"], "predicts numbers, price, and has no classes"),
        (["model", "new.csv", "--out", "new.csv"], "this is the file with the rows"),
        (["model", "new.csv", "--index", "number"], "no column 'number' for the index"),
        (["model", "empty.csv"], "the file is empty"),
        (["model", "."], "is a directory"),
    ],
)
def test_errors_are_one_line(model, new, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    assert run("predict", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad predict: ") and said in error and error.count("\n") == 1


def test_a_model_without_a_recipe(tmp_path, new, capsys):
    assert run("train", "moons", "--lambda", "0.1", "--out", tmp_path / "m") == 0
    assert run("predict", tmp_path / "m", new) == 2
    assert "was trained on a data set without a file" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory as Linux counts it, in KiB")
def test_many_rows_in_little_memory(houses, tmp_path):
    """400 000 rows, a file of 14 MB: below 180 MB in all, of which Python, NumPy and minigrad take 45."""
    assert run("train", houses, *READ, "--lambda", "0.1", "--out", tmp_path / "m") == 0
    big, out = tmp_path / "big.csv", tmp_path / "rows.csv"
    with big.open("w") as file:
        file.write("a,b,d,town\n")
        file.writelines(f"{i / 7:.6f},{i / 11:.6f},{i / 13:.6f},{'ABC'[i % 3]}{'abc'[i % 3]}\n" for i in range(400_000))
    program = (
        "import resource, sys; from minigrad import cli; assert cli.main(sys.argv[1:]) == 0; "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, "predict", tmp_path / "m", big, "--out", out]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert int(done.stdout) < 180 * 1024, done.stdout
    with out.open() as file:
        assert sum(1 for _ in file) == 400_001
