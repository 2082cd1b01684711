"""A model of a table: what it answers, from files, tables and arrays, and what it refuses."""

import numpy as np
import pytest
from tabular.models import KINDS, PRICE, SOLD

import minigrad as mg
from minigrad import tabular
from minigrad.errors import NonFiniteError, ShapeError


@pytest.mark.parametrize("kind", KINDS)
def test_the_loaded_model_is_the_trained_one_to_the_bit(houses, new, tmp_path, kind, backend):
    model = tabular.train(houses, **KINDS[kind])
    model.save(tmp_path / "model")
    found = tabular.load(tmp_path / "model")
    assert found.predict(new).tobytes() == model.predict(new).tobytes() and found.verified is True
    assert (
        found.output(houses, extra_columns="ignore").tobytes() == model.output(houses, extra_columns="ignore").tobytes()
    )
    assert found.about == model.about and found.recipe == model.recipe and found.names == model.names
    again = tmp_path / "again"
    found.save(again)
    for name in ("model.safetensors", "model.json"):
        assert (again / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
    assert found.show() == model.show()


def test_files_tables_and_arrays_give_one_answer(houses, new):
    model = tabular.train(houses, **KINDS["linear"])
    table = model.read(new)
    assert table.index.tolist() == ["n1", "n2", "n3", "n4", "n5"] and table.names == model.names
    for data in (table, table.x, table.x.tolist()):
        assert model.predict(data).tobytes() == model.predict(new).tobytes()
    assert abs(model.predict(new)[0] - (90.5 * 1000 + 15000 + 20000)) < 12000


def test_a_file_of_one_backend_loads_in_the_other(houses, new, tmp_path):
    if mg.kernels.backend() != "native":
        pytest.skip("needs the compiled kernels")
    for writer, reader in (("native", "reference"), ("reference", "native")):
        with mg.use_backend(writer):
            tabular.train(houses, **KINDS["mlp"]).save(tmp_path / writer)
            wanted = tabular.load(tmp_path / writer).predict(new)
        with mg.use_backend(reader):
            np.testing.assert_allclose(tabular.load(tmp_path / writer).predict(new), wanted, rtol=1e-5)


def test_classes_have_names_and_probabilities(houses, new):
    for kind in ("logistic", "mlp, classes", "logistic, three classes"):
        model = tabular.train(houses, **KINDS[kind])
        data = model.read(houses, extra_columns="ignore") if "three" in kind else model.read(new)
        p, said = model.predict_proba(data), model.predict(data)
        assert p.shape == (len(data.x), len(model.classes)) and set(said) <= set(model.classes)
        np.testing.assert_allclose(p.sum(1), 1, rtol=1e-12)
        assert (model.classes[p.argmax(1)] == said).all()
    with pytest.raises(ValueError, match="predicts numbers, price"):
        tabular.train(houses, **KINDS["linear, given"]).predict_proba(new)


def test_gaps(houses, new):
    """Refused where training had none, unless asked; filled with means of the training rows where it had."""
    gaps = new.with_name("gaps.csv")
    gaps.write_text(new.read_text().replace("60,0", ""))
    model = tabular.train(houses, **KINDS["linear, given"])
    with pytest.raises(ValueError, match=r"gaps.csv:3: column 'size' is missing .*--missing mean"):
        model.predict(gaps)
    size = model.names.index("size")
    table = model.read(gaps, missing="mean")
    assert table.x[1, size] == model.fill[size]
    with pytest.raises(NonFiniteError, match="predict: x: row 0, column 0 is nan"):
        model.predict(np.full((1, 5), np.nan))
    first = houses.read_text().split("\n")
    first[4] = ";".join([first[4].split(";")[0], "", *first[4].split(";")[2:]])
    houses.write_text("\n".join(first))
    filled = tabular.train(houses, **{**KINDS["linear, given"], "missing": "keep"})
    assert filled.fills_gaps and filled.predict(gaps).tobytes() == filled.predict(filled.read(gaps)).tobytes()
    array = filled.read(gaps).x
    array[1, size] = np.nan
    assert filled.predict(array).tobytes() == filled.predict(gaps).tobytes()
    assert "filled with means of the training rows" in filled.show()


def test_what_does_not_fit_is_named(houses, new):
    model = tabular.train(houses, **KINDS["linear, given"])
    with pytest.raises(ShapeError, match=r"x is \(2, 3\); need \(rows, 5\)"):
        model.predict(np.ones((2, 3)))
    table = model.read(new)
    with pytest.raises(ShapeError, match="no column 'size'"):
        model.predict(table._replace(names=["rooms", "town=Aa", "town=Bb", "town=Cc", "rooms"]))
    with pytest.raises(TypeError, match="extra_columns: of files only"):
        model.predict(table, extra_columns="ignore")
    with pytest.raises(TypeError, match="did you mean 'extra_columns'"):
        model.predict(new, extra_colums="ignore")
    with pytest.raises(NonFiniteError, match="its inputs are too large"):
        model.predict(np.full((1, 5), 1e306))


def test_scores_of_new_rows(houses):
    model = tabular.train(houses, **KINDS["linear"])
    table = model.read(houses, extra_columns="ignore")
    found = model.score(table)
    right = 1 - ((model.predict(table) - table.y) ** 2).sum() / ((table.y - table.y.mean()) ** 2).sum()
    assert abs(found["R²"] - right) < 1e-12 and found["R²"] > 0.8
    with pytest.raises(ValueError, match="has no target 'price'"):
        model.score(table._replace(y=None))
    gaps = table.y.copy()
    gaps[1:] = np.nan
    assert np.isnan(model.score(table._replace(y=gaps))["R²"])
    classes = tabular.train(houses, **KINDS["logistic"])
    table = classes.read(houses, extra_columns="ignore")
    plain = classes.score(table)
    strange = table.y.astype("U9")
    strange[0] = "unheard"
    assert "log loss" in plain and classes.score(table._replace(y=strange)).keys() == {"accuracy"}


def test_a_model_of_arrays(tmp_path):
    x, y, _ = mg.data.regression(50, 3, noise=0.1, nonzero=2, dtype="float64")
    model = tabular.train(mg.data.Table(x, y, list("abc"), "y"), lam=0.01)
    model.save(tmp_path)
    found = tabular.load(tmp_path)
    assert found.recipe is None and found.predict(x).tobytes() == model.predict(x).tobytes()
    with pytest.raises(ValueError, match="trained on arrays"):
        found.predict("new.csv")
    digits = mg.data.load_digits("float64")
    few = mg.data.Table(digits.x[:200], digits.y[:200], [f"x{i}" for i in range(64)], "digit")
    classes = tabular.train(few, lam=0.05)
    assert classes.predict(few.x[:5]).dtype == np.int64 and classes.classes.tolist() == list(range(10))


def test_a_million_rows_stay_small(houses, new):
    """A part of the rows is in memory as fields at a time."""
    model = tabular.train(houses, **KINDS["linear, given"])
    body = new.read_text().split("\n", 1)
    text = body[0] + "\n" + body[1] * 30000
    sizes, total = [], 0.0
    for table in model.read_in_parts("big", text):
        sizes.append(len(table.x))
        total += float(model.output(table).sum())
    assert max(sizes) * 4 <= tabular.predictor.FIELDS and sum(sizes) == 150000 and len(sizes) == 3
    assert abs(total / 30000 - model.predict(new).sum()) < 1e-4


def test_options_of_both(houses):
    assert tabular.train(houses, **SOLD, lam=0.1, test=0).about["rows"] == {"training": 90, "held out": 0}
    with pytest.raises(ValueError, match="there is no column 'pryce'; did you mean 'price'"):
        tabular.train(houses, **{**PRICE, "target": "pryce"})
