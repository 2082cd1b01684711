"""Training of a table: held-out rows, λ, scores, seeds, and what cannot be done."""

import warnings

import numpy as np
import pytest
from tabular.models import KINDS, PRICE, SOLD

import minigrad as mg
from minigrad import data, linear_model, selection, tabular
from minigrad.tabular.settings import Settings
from minigrad.tabular.training import parts_of


def test_the_linear_model_is_that_of_selection(houses):
    """The same rows, folds and grid: the same coefficients, to the bit."""
    table = data.read_csv(houses, **PRICE)
    model = tabular.train(table, count=8)
    parts = parts_of(table, Settings(), classes=False)
    family = linear_model.Regression(standardize=True)
    found = selection.cross_validate(family, parts.train.x, parts.train.y, count=8)
    assert model.coefficients.tobytes() == found.model.coefficients.tobytes()
    assert model.about["lambda"]["value"] == found.lambda_min and model.about["lambda"]["1se"] == found.lambda_1se
    right = 1 - np.mean((model.predict(parts.test) - parts.test.y) ** 2) / np.var(parts.test.y)
    assert abs(model.about["scores"]["held out"]["R²"] - right) < 1e-12
    assert model.fill.tobytes() == data.MeanImputer(parts.train.x).mean.tobytes()
    np.testing.assert_allclose(model.centre, parts.train.x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(model.scale, parts.train.x.std(0), rtol=1e-13)
    assert model.about["rows"] == {"training": 72, "held out": 18} and len(parts.test.index) == 18


def test_held_out_rows_take_no_part(houses):
    """With other targets in the rows held out, model, means and deviations stay as they are."""
    table = data.read_csv(houses, **PRICE)
    parts = parts_of(table, Settings(), classes=False)
    changed = table.y.copy()
    held_out = np.isin(table.index, parts.test.index)
    changed[held_out] += 1e6
    x = table.x.copy()
    x[held_out, 0] *= 9
    for options in (KINDS["linear"], KINDS["mlp"]):
        options = {k: v for k, v in options.items() if k not in PRICE}
        first, second = (tabular.train(t, **options) for t in (table, table._replace(x=x, y=changed)))
        assert first.predict(table.x).tobytes() == second.predict(table.x).tobytes()
        assert first.fill.tobytes() == second.fill.tobytes() and first.scale.tobytes() == second.scale.tobytes()


@pytest.mark.parametrize("kind", ["linear", "mlp", "mlp, classes"])
def test_a_function_of_the_seed(houses, new, kind):
    first, again = (tabular.train(houses, **KINDS[kind]) for _ in range(2))
    mg.rand(3)  # draws nothing that training draws
    assert first.predict(new).tobytes() == again.predict(new).tobytes() and first.about == again.about
    other = tabular.train(houses, **KINDS[kind], seed=1)
    assert other.output(new).tobytes() != first.output(new).tobytes()


def test_groups_are_held_out_whole(houses):
    groups = np.repeat(np.arange(30), 3).astype(str)
    table = data.read_csv(houses, **PRICE).beside(groups=groups)
    parts = parts_of(table, Settings(test=0.2), classes=False)
    assert not set(parts.train.groups) & set(parts.test.groups) and len(parts.test.x) == 18
    assert tabular.train(table, count=5, folds=3).about["rows"]["held out"] == 18


def test_strengths(houses):
    both = tabular.train(houses, **PRICE, l1=5.0, l2=2.0)
    same = tabular.train(houses, **PRICE, lam=7.0, l1_ratio=5 / 7)
    np.testing.assert_allclose(both.coefficients, same.coefficients, rtol=1e-9)
    assert both.about["lambda"] == {"how": "given", "l1": 5.0, "l2": 2.0}
    zero = tabular.train(houses, **{**PRICE, "ignore": ["sold", "town"], "categorical": []}, l2=0.0)
    x = data.read_csv(houses, **{**PRICE, "ignore": ["sold", "town"], "categorical": []})
    parts = parts_of(x, Settings(), classes=False)
    exact = np.linalg.lstsq(np.c_[parts.train.x, np.ones(72)], parts.train.y, rcond=None)[0]
    np.testing.assert_allclose(zero.coefficients, exact[:2], rtol=1e-9)
    sparse = tabular.train(houses, **{**KINDS["mlp"], "l1": 0.5})
    assert sparse.network.nonzeros < 50 and "of 76 weights are not 0" in sparse.show()


def test_weights_of_rows(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("w,x,y\n" + "".join(f"{1 + i % 3},{i},{2 * i + i % 2}\n" for i in range(40)))
    model = tabular.train(path, "y", weights="w", lam=0.1, test=0)
    doubled = data.read_csv(path, "y", weights="w")
    rows = np.repeat(np.arange(40), doubled.weights.astype(int))
    plain = tabular.train(doubled._replace(x=doubled.x[rows], y=doubled.y[rows]).beside(weights=None), lam=0.1, test=0)
    np.testing.assert_allclose(model.coefficients, plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(
        list(model.about["scores"]["training"].values()), list(plain.about["scores"]["training"].values())
    )


def test_weights_of_rows_in_a_network(tmp_path):
    """Rows of weight 0 count for nothing: their targets may be anything."""
    path, models = tmp_path / "w.csv", []
    options = {"model": "mlp", "epochs": 3, "test": 0, "hidden": 4}
    for strange in (5, 5000):
        rows = [f"{int(i % 4 > 0)},{i},{2 * i + i % 2 if i % 4 else strange}" for i in range(40)]
        path.write_text("\n".join(["w,x,y", *rows]) + "\n")
        table = data.read_csv(path, "y", weights="w")
        models.append(tabular.train(table, **options))
    assert models[0].predict(table.x).tobytes() == models[1].predict(table.x).tobytes()
    named = table._replace(y=np.where(table.weights > 0, np.where(table.y > 30, "b", "c"), "a"))
    with pytest.raises(ValueError, match="class a of y has weight 0 in every training row"):
        tabular.train(named, **options)
    plain = tabular.train(table.beside(weights=None), **options)
    assert plain.predict(table.x).tobytes() != models[1].predict(table.x).tobytes()
    with pytest.raises(ValueError, match="Network takes no weights of rows"):
        tabular.train(path, "y", weights="w", **options, lam="cv", count=2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({**PRICE, "model": "logistic"}, "price holds numbers: name it in categorical"),
        ({**SOLD, "model": "linear"}, "sold holds classes: use 'logistic' or 'mlp'"),
        ({**PRICE, "model": "forest"}, "model is 'forest'; need auto, linear, logistic, mlp"),
        ({**PRICE, "lam": 1.0, "l1": 1.0}, "lam and l1 or l2 are both given"),
        ({**PRICE, "lam": "auto"}, "lam is 'auto'"),
        ({**PRICE, "test": 1.0}, "test is 1; need a share below 1"),
        ({**PRICE, "test": 0.999}, "puts 90 of 90 rows into the test part"),
        ({**PRICE, "model": "mlp", "hidden": (4, 0)}, "hidden is 0; need at least 1"),
        ({**PRICE, "lr": 0.0, "model": "mlp"}, "lr is 0"),
        ({**PRICE, "seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_done(houses, options, said):
    with pytest.raises((ValueError, TypeError), match=said):
        tabular.train(houses, **options)


def test_arguments_in_the_wrong_place(houses):
    table = data.read_csv(houses, **PRICE)
    with pytest.raises(TypeError, match="target: of paths only"):
        tabular.train(table, "price")
    with pytest.raises(TypeError, match="data is a ndarray; need the path of a CSV file, a DataFrame, or a table"):
        tabular.train(table.x)
    with pytest.raises(ValueError, match="the table has no target 'price'"):
        tabular.train(table._replace(y=None))
    with pytest.raises(TypeError, match="did you mean 'categorical'"):
        tabular.train(houses, categoricals=["town"])


def test_a_class_seen_once(tmp_path):
    """It must be among the training rows; else it is named."""
    path = tmp_path / "c.csv"
    rows = [f"{i},{'ab'[i % 2]}" for i in range(30)] + ["7,once"]
    path.write_text("x,kind\n" + "\n".join(rows) + "\n")
    said, models = set(), []
    for seed in range(8):
        try:
            models.append(tabular.train(path, "kind", categorical="kind", lam=0.1, seed=seed))
        except ValueError as error:
            said.add(str(error).partition(":")[0])
    assert said <= {"class once of kind has 1 row in all, and none among the training rows"}
    models.append(tabular.train(path, "kind", categorical="kind", lam=0.1, test=0))
    assert all(model.classes.tolist() == ["a", "b", "once"] for model in models)


def test_constant_and_empty_columns(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("x,one,empty,y\n" + "".join(f"{i},3,,{2 * i + i % 3}\n" for i in range(20)))
    model = tabular.train(path, "y", ignore="empty", lam=0.01)
    assert model.coefficients[1] == 0 and model.scale[1] == 1
    assert model.predict(path).tobytes() == model.predict([[i, 3.0] for i in range(20)]).tobytes()
    network = tabular.train(path, "y", ignore="empty", model="mlp", epochs=2)
    assert np.isfinite(network.predict([[1.0, 3.0], [2.0, 99.0]])).all()
    with pytest.raises(ValueError, match="column 'empty' has no value in any row"):
        tabular.train(path, "y", missing="keep")


def test_notes_of_solvers_are_kept(houses):
    model = tabular.train(houses, **PRICE, count=3)
    assert any("smallest of the grid" in note for note in model.about["notes"]) and "note: the best λ" in model.show()


def test_other_warnings_are_not_swallowed(houses):
    class Warns(mg.train.Callback):
        def on_train_begin(self, run):
            warnings.warn("the disk is full", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="the disk is full"):
        model = tabular.train(houses, **KINDS["mlp"], callbacks=[Warns()])
    assert model.about["notes"] == []


def beside(houses, **changes):
    """The table of houses with a known part of the price: its rooms, in thousands."""
    table = data.read_csv(houses, **PRICE)
    return table.beside(offset=5000 * table.x[:, table.names.index("rooms")], **changes)


def test_bounds_factors_and_an_offset_are_those_of_the_family(houses):
    """By columns' names: the same rows, folds and grid as selection with numbers for each input."""
    table = beside(houses)
    given = {"lower": {"size": 0.0, "town": -1e4}, "upper": {"town": 1e4}, "penalty_factor": {"size": 0}}
    model = tabular.train(table, count=8, **given)
    parts = parts_of(table, Settings(), classes=False).train
    towns = [name.startswith("town=") for name in table.names]
    sizes = [name == "size" for name in table.names]
    family = linear_model.Regression(
        standardize=True,
        lower=np.where(towns, -1e4, np.where(sizes, 0.0, -np.inf)),
        upper=np.where(towns, 1e4, np.inf),
        penalty_factor=np.where(sizes, 0.0, 1.0),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)  # a pick at the edge of a short grid
        found = selection.cross_validate(family, parts.x, parts.y, count=8, offset=parts.offset)
    assert model.coefficients.tobytes() == found.model.coefficients.tobytes()
    assert model.about["settings"]["lower"] == [["size", 0.0], ["town", -1e4]]
    with pytest.raises(ValueError, match=r"tabular\.train: lower: there is no input 'sise'; there are size"):
        tabular.train(table, count=8, lower={"sise": 0.0})
    for bad in ("much", {"size": "much"}, {3: 0.0}, {"size": float("nan")}):
        with pytest.raises(ValueError, match=r"tabular\.train: upper is .*; need a number, or \{column: number\}"):
            tabular.train(table, upper=bad)
    with pytest.raises(ValueError, match=r"lower\[0\] is 1.0; need at most 0"):
        tabular.train(table, lower=1.0)
    for name, value in (("lower", 0.0), ("penalty_factor", {"size": 0})):
        with pytest.raises(ValueError, match=f"model 'mlp' takes no {name}; 'linear' and 'logistic' do"):
            tabular.train(data.read_csv(houses, **PRICE), model="mlp", **{name: value})
    with pytest.raises(ValueError, match="model 'mlp' takes no offset"):
        tabular.train(table, model="mlp")
    everything = tabular.train(table, lam=1.0, lower=0.0, upper=float("inf"))
    assert (everything.coefficients >= 0).all() and everything.about["settings"]["upper"] == [[None, "inf"]]


def test_a_model_with_an_offset_is_kept_and_asks_for_it(houses, tmp_path):
    table = beside(houses, recipe=None)
    model = tabular.train(table, lam=10.0, test=0)
    model.save(tmp_path / "model")
    again = tabular.load(tmp_path / "model")
    assert again.core.offset and again.core.family == "Regression"
    expected = model.core.output(table.x, table.offset)
    assert again.predict(table).tobytes() == again.predict(table.x, offset=table.offset).tobytes() == expected.tobytes()
    assert "beside the offset, which every prediction needs" in again.show()
    with pytest.raises(ValueError, match="trained with an offset; need offset=, a number for each row"):
        again.predict(table.x)
    with pytest.raises(TypeError, match="offset: of arrays only"):
        again.predict(table, offset=table.offset)
    plain = tabular.train(data.read_csv(houses, **PRICE), lam=10.0, test=0)
    with pytest.raises(ValueError, match="offset: the model was trained without one"):
        plain.predict(table.x, offset=table.offset)
    plain.save(tmp_path / "plain")
    assert "offset" not in mg.load(tmp_path / "plain" / "model.safetensors")
