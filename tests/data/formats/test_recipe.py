"""The recipe of a table as plain JSON and back; a damaged or hostile one is refused by name."""

import dataclasses
import json

import numpy as np
import pytest

from minigrad.data import read_csv
from minigrad.data.formats.recipe import Recipe

TEXT = "nr;größe;ort;neu;w;g;weg;preis\n1;1,5;Aa;TRUE;1;p;x;10\n2;-;Bb;FALSE;2;q;x;20,5\n3;4;Aa;TRUE;1;p;x;\n"
OPTIONS = {
    "target": "preis", "categorical": ["ort"], "ignore": ["weg"], "index": "nr", "groups": "g", "weights": "w",
    "delimiter": ";", "decimal": ",", "na": ["-"], "missing": "keep", "missing_target": "drop", "dtype": "float32",
}  # fmt: skip


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT, encoding="utf-8")
    return read_csv(path, **OPTIONS)


def test_json_and_back(table, tmp_path):
    plain = json.loads(json.dumps(table.recipe.to_dict(), allow_nan=False))
    recipe = Recipe.from_dict(plain)
    assert recipe == table.recipe and plain["format"] == 1 and recipe.names == table.names
    found = recipe.read(tmp_path / "a.csv")
    assert (
        found.x.tobytes() == table.x.tobytes() and found.weights.tolist() == [1, 2] and found.y.tolist() == [10, 20.5]
    )


def test_an_offset_is_written_only_where_there_is_one(table):
    """Recipes without one are as they always were; those without the entry are read."""
    plain = table.recipe.to_dict()
    assert "offset" not in plain and Recipe.from_dict(plain).offset is None
    named = dataclasses.replace(table.recipe, header=(*table.recipe.header, "known"), offset="known")
    assert named.to_dict()["offset"] == "known" and Recipe.from_dict(named.to_dict()) == named
    with pytest.raises(ValueError, match="the column 'other' does not stand in its header"):
        Recipe.from_dict({**plain, "offset": "other"})


def test_means_are_those_of_the_values_there(table):
    assert table.recipe.means == (1.5, 0.5, 0.5, 0.5)  # of two rows: the third has no target
    assert np.isnan(table.x[1, 0])


def test_missing_mean_fills_at_once(tmp_path, table):
    filled = read_csv(tmp_path / "a.csv", **{**OPTIONS, "missing": "mean"})
    assert filled.x[:, 0].tolist() == [1.5, 1.5] and filled.recipe.missing == "mean"
    (tmp_path / "b.csv").write_text("größe;ort;neu\n;Bb;TRUE\n", encoding="utf-8")
    assert filled.read(tmp_path / "b.csv").x[0, 0] == 1.5


def change(plain, **values):
    return {**plain, **values}


DAMAGES = {
    "no mapping": (lambda p: [p], "need names and values"),
    "another format": (lambda p: change(p, format=2), "its format is 2; this version of minigrad reads 1"),
    "format true": (lambda p: change(p, format=True), "its format is True"),
    "an entry less": (lambda p: {k: v for k, v in p.items() if k != "header"}, "it has no 'header'"),
    "an entry more": (lambda p: change(p, exec="rm"), "it has 'exec', which no recipe has"),
    "columns": (lambda p: change(p, columns={}), "columns is {}; need a list"),
    "no column": (lambda p: change(p, columns=[], means=[]), "there is none"),
    "a kind": (lambda p: change(p, columns=[{"name": "a", "kind": "pickle"}]), "of the kind 'pickle'"),
    "a kind that is a list": (lambda p: change(p, columns=[{"name": "a", "kind": []}]), "of the kind"),
    "levels of numbers": (
        lambda p: change(p, columns=[{"name": "a", "kind": "numbers", "levels": ["x"]}]),
        "and levels of words alone",
    ),
    "equal levels": (lambda p: change(p, target={"name": "preis", "kind": "words", "levels": ["x", "x"]}), "different"),
    "a level without a word": (
        lambda p: change(p, target={"name": "preis", "kind": "words", "levels": ["", "x"]}),
        "different words",
    ),
    "a name that is a number": (lambda p: change(p, target={"name": 3, "kind": "numbers"}), "need text"),
    "a column twice": (lambda p: change(p, columns=p["columns"] * 2, means=p["means"] * 2), "stands in it twice"),
    "means": (lambda p: change(p, means=p["means"][1:]), "3 means for 4 columns"),
    "a mean that is none": (lambda p: change(p, means=[float("nan")] * 4), "need finite numbers"),
    "a mean as text": (lambda p: change(p, means=["1"] * 4), "need finite numbers"),
    "the header": (lambda p: change(p, header=["größe"]), "does not stand in its header"),
    "missing": (lambda p: change(p, missing="guess"), "missing is 'guess'"),
    "missing as a list": (lambda p: change(p, missing=["error"]), "missing is"),
    "named": (lambda p: change(p, named=1), "named is 1"),
    "decimal": (lambda p: change(p, decimal="x"), "decimal is 'x'"),
    "the delimiter": (lambda p: change(p, delimiter="ab"), "delimiter is 'ab'"),
    "a dtype of objects": (lambda p: change(p, dtype="O"), "need a type of numbers"),
    "a dtype that is none": (lambda p: change(p, dtype="float33"), "float33"),
    "the encoding": (lambda p: change(p, encoding=None), "encoding holds None"),
    "the index": (lambda p: change(p, index=3), "index holds 3"),
    "na": (lambda p: change(p, na=[1]), "na holds 1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_recipes_are_refused(table, damage):
    act, said = DAMAGES[damage]
    with pytest.raises(ValueError, match=f"(?s)recipe of a table is damaged, or none: .*{said}"):
        Recipe.from_dict(act(table.recipe.to_dict()))
