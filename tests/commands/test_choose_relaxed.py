"""Bounds, offsets and relaxed fits on the command line, from the file to the kept models and back."""

import json

import numpy as np
import pytest

from minigrad import cli, data, selection, tabular
from minigrad.linear_model import Logistic, Regression, relaxed


@pytest.fixture
def table(tmp_path):
    """A file of houses: three inputs, a town, a known part of the price, and whether it is dear."""
    draw = np.random.default_rng(4)
    x, town = draw.standard_normal((60, 3)), draw.integers(0, 3, 60)
    known = 2 * draw.standard_normal(60)
    y = 2 * x[:, 0] - x[:, 1] + 0.5 * town + known + draw.standard_normal(60)
    rows = [
        f"{a!r},{b!r},{c!r},{'xyz'[t]},{k!r},{'ny'[int(p > 0)]},{p!r}"
        for (a, b, c), t, k, p in zip(x.tolist(), town.tolist(), known.tolist(), y.tolist())
    ]
    file = tmp_path / "houses.csv"
    file.write_text("size,age,rooms,town,known,dear,price\n" + "\n".join(rows) + "\n")
    return file


def run(table, *words, command="cv", target="price", ignore="dear"):
    out = table.parent / "out"
    plain = [command, str(table), "--target", target, "--ignore", ignore, "--categorical", "town,dear", "--no-figures"]
    code = cli.main([*plain, "--out", str(out), *(["--count", "6", "--ratio", "0.01"]), *words])
    return code, out


def test_cross_validation_with_bounds_and_an_offset_is_that_of_python(table, capsys):
    code, out = run(table, "--offset", "known", "--lower", "0,town=-inf", "--upper", "size=1.5")
    assert code == 0
    told = capsys.readouterr().out
    assert "beside an offset" in told and "lower bounds, upper bounds" in told
    read = data.read_csv(table, "price", categorical=["town"], ignore=["dear"], offset="known")
    assert read.names == ["size", "age", "rooms", "town=x", "town=y", "town=z"]
    family = Regression(standardize=True, lower=[0, 0, 0] + [-np.inf] * 3, upper=[1.5] + [np.inf] * 5)
    result = selection.cross_validate(family, read.x, read.y, count=6, ratio=0.01, offset=read.offset)
    plain = json.loads((out / "cv.json").read_text())
    json.dumps(plain, allow_nan=False)
    assert plain["lambdas"] == result.lambdas.tolist()
    assert plain["scores"] == result.scores.tolist()
    kept = tabular.load(out)
    assert kept.coefficients.tolist() == result.model.coefficients.tolist() and kept.coefficients[0] == 1.5
    np.testing.assert_array_equal(kept.predict(table), result.model.output(read.x, read.offset))
    assert kept.recipe.offset == "known" and "beside the offset 'known'" in kept.show()


def test_relaxed_picks(table, capsys):
    code, out = run(table, "--offset", "known", "--relax")
    assert code == 0
    told = capsys.readouterr().out
    assert "refitted on the support, without penalty" in told and "the best λ, relaxed" in told
    read = data.read_csv(table, "price", categorical=["town"], ignore=["dear"], offset="known")
    plain = json.loads((out / "cv.json").read_text())
    found = plain["relaxed"]["errors"]["one-standard-error"]
    family, scores = Regression(standardize=True), []
    for train, test in selection.KFold(5, seed=0).split(read.x, read.y):
        x, y, known = read.x[train], read.y[train], read.offset[train]
        model = relaxed(family, family.start(x, y, offset=known).fit(found["lambda"]), x, y, offset=known)
        scores.append(float(((read.y[test] - model.output(read.x[test], read.offset[test])) ** 2).mean()))
    assert found["scores"] == pytest.approx(scores, rel=1e-9)
    assert found["mean"] == pytest.approx(np.mean(scores)) and f"{found['mean']:.6g}" in told
    kept = tabular.load(out / "model-1se-relaxed.safetensors")
    first = family.start(read.x, read.y, offset=read.offset).fit(found["lambda"])
    expected = relaxed(family, first, read.x, read.y, offset=read.offset).coefficients
    assert kept.coefficients == pytest.approx(expected, abs=1e-9)
    assert kept.about["lambda"]["mean"] == found["mean"] and "refitted without penalty" in kept.about["notes"][0]
    assert "refitted without penalty" in kept.show()


def test_relaxed_classes_and_gaps(table, capsys):
    """Classes that the support separates in a fold are told; gaps are filled by means of training rows."""
    text = table.read_text().splitlines()
    cells = text[3].split(",")
    cells[1] = ""
    table.write_text("\n".join([*text[:3], ",".join(cells), *text[4:]]) + "\n")
    words = ["--relax", "--missing", "mean", "--weights", "known"]
    code, _ = run(table, *words, target="dear", ignore="price")
    assert code == 2 and "need at least 0" in capsys.readouterr().err
    code, out = run(table, *words[:3], target="dear", ignore="price,known")
    assert code == 0 and "relaxed" in json.loads((out / "cv.json").read_text())
    kept = tabular.load(out / "model-relaxed.safetensors")
    assert kept.kind == "logistic" and kept.core.family == Logistic.__name__
    assert np.isfinite(kept.output(table)).all()


def test_new_files_need_the_offset(table, tmp_path, capsys):
    assert run(table, "--offset", "known", "--lower", "0", command="path")[0] == 0
    new = tmp_path / "new.csv"
    new.write_text("town,size,age,rooms,known\nx,1,2,3,10\nx,1,2,3,0\n")
    capsys.readouterr()
    assert cli.main(["predict", str(tmp_path / "out"), str(new)]) == 0
    ten, zero = (float(line) for line in capsys.readouterr().out.split()[1:])
    assert ten - zero == pytest.approx(10)
    for field, said in (("", "column 'known' is missing"), ("much", "column 'known' holds words; need offsets")):
        new.write_text(f"town,size,age,rooms,known\nx,1,2,3,{field}\n")
        assert cli.main(["predict", str(tmp_path / "out"), str(new)]) == 2
        assert said in capsys.readouterr().err
    new.write_text("town,size,age,rooms\nx,1,2,3\n")
    assert cli.main(["predict", str(tmp_path / "out"), str(new)]) == 2
    assert "there is no column 'known', the offset of every output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--upper", "sise=1"], "--upper: there is no input 'sise'; there are size, age, rooms, town=x"),
        (["--offset", "knwn"], "there is no column 'knwn'; did you mean 'known'?"),
        (["--offset", "price"], "target, index, groups, weights and offset need a column each; 'price'"),
        (["--offset", "town"], "column 'town' holds words; need offsets, numbers"),
        (["--model", "mlp", "--lower", "0", "--relax"], "--lower, --relax: --model mlp has no such option"),
        (["--model", "mlp", "--offset", "known"], "--offset: --model mlp has no such option"),
        (["--lower", "0", "--upper", "0"], "no coefficient can move from 0 within its bounds"),
    ],
)
def test_what_is_refused(table, capsys, words, said):
    assert run(table, *words)[0] == 2
    assert said in capsys.readouterr().err


def test_an_offset_of_three_classes_is_refused(table, capsys):
    assert run(table, "--offset", "known", target="town", ignore="price,dear")[0] == 2
    assert "--offset known: town has 3 classes, each with a logit of its own" in capsys.readouterr().err


def test_bounds_that_are_none_are_refused_at_once(table, capsys):
    for words, said in (
        (["--lower", "1"], "'1': need a number of at most 0"),
        (["--upper", "age=-1"], "'age=-1': need a number of at least 0"),
        (["--upper", "age=much"], "'age=much': need a number"),
        (["--lower", "age=nan"], "'age=nan': need a number"),
    ):
        with pytest.raises(SystemExit):
            run(table, *words)
        assert said in capsys.readouterr().err


def test_train_takes_them_too(table, capsys):
    words = ["--target", "price", "--ignore", "dear", "--categorical", "town", "--offset", "known", "--test", "0"]
    words += ["--lower", "0,town=-inf", "--penalty-factor", "age=0", "--count", "8"]
    assert cli.main(["train", str(table), *words, "--out", str(table.parent / "model")]) == 0
    assert "beside the offset 'known'" in capsys.readouterr().out
    kept = tabular.load(table.parent / "model")
    assert (kept.coefficients[:3] >= 0).all() and kept.about["settings"]["penalty_factor"] == [["age", 0.0]]
    read = kept.read(table)
    assert read.offset is not None and np.isfinite(kept.predict(read)).all()
