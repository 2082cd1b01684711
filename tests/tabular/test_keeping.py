"""A model in files: whole or not at all, nothing believed unseen, damage told by name."""

import json

import numpy as np
import pytest
from tabular.models import KINDS

import minigrad as mg
from minigrad import tabular
from minigrad.interop import pack_json, unpack_json
from minigrad.tabular import keeping


@pytest.fixture
def saved(houses, tmp_path):
    tabular.train(houses, **KINDS["mlp"]).save(tmp_path / "model")
    return tmp_path / "model" / "model.safetensors"


def rewritten(path, change=lambda plain: plain, tensors=lambda tensors: tensors):
    """The file with other words or tensors, and a digest that fits them."""
    loaded = mg.load(path)
    plain = change(unpack_json(loaded["about"]))
    mg.save(path, tensors({**loaded, "about": pack_json(plain)}), metadata=loaded.metadata)


def test_the_readable_copy_says_the_same(saved):
    plain = json.loads((saved.parent / "model.json").read_text(encoding="utf-8"))
    assert plain == unpack_json(mg.load(saved)["about"]) and plain["recipe"]["decimal"] == ","
    (saved.parent / "model.json").write_text("{}")
    assert tabular.load(saved.parent).predict(np.ones((1, 5))).shape == (1,)  # nothing is read from it


def test_a_folder_or_its_file(saved, tmp_path):
    assert tabular.load(saved).names == tabular.load(saved.parent).names == tabular.load(str(saved)).names
    with pytest.raises(FileNotFoundError, match=r"there is no model.safetensors in this folder"):
        tabular.load(tmp_path)
    with pytest.raises(OSError, match="nowhere"):
        tabular.load(tmp_path / "nowhere")
    with pytest.raises(TypeError, match="got a dict"):
        tabular.load({})
    with pytest.raises(NotADirectoryError, match=r"houses.csv is a file; need the name of a folder"):
        tabular.load(saved).save(tmp_path / "houses.csv")


def test_other_files_are_told_apart(tmp_path):
    mg.save(tmp_path / "model.safetensors", mg.nn.Linear(2, 1))
    with pytest.raises(ValueError, match=r"it holds tensors, and no model of minigrad.tabular"):
        tabular.load(tmp_path)


def test_a_failed_save_leaves_the_old_model(saved, houses, monkeypatch):
    before = saved.read_bytes()
    model = tabular.train(houses, **KINDS["linear"])

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        model.save(saved.parent)
    assert saved.read_bytes() == before and sorted(p.name for p in saved.parent.iterdir()) == [
        "model.json",
        "model.safetensors",
    ]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_cut_and_flipped_files_are_refused(saved, share):
    data = saved.read_bytes()
    at = int(share * len(data))
    saved.write_bytes(data[:at])
    with pytest.raises(ValueError, match=r"model.safetensors"):
        tabular.load(saved)
    saved.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(ValueError, match=r"model.safetensors"):
        tabular.load(saved)


def put(**values):
    return lambda plain: {**plain, **values}


WORDS = {
    "format": (put(format=7), "its format is 7"),
    "entries": (put(run="rm"), "it has the entries"),
    "kind": (put(kind="forest"), "its kind is 'forest'"),
    "names": (put(names=[1]), "are no text"),
    "other names": (put(names=["a"] * 5), "not those of the recipe"),
    "about": (put(about=3), "what is to be said about it"),
    "λ as a number": (put(about={"lambda": 3}), "it has 'lambda': 3, which no model has"),
    "λ without its score": (
        put(about={"lambda": {"how": "cross-validation", "pick": "min", "l1": 1, "l2": 0}}),
        "it has 'lambda': ",
    ),
    "scores of words": (put(about={"scores": {"training": {"R²": "good"}}}), "it has 'scores': "),
    "notes": (put(about={"notes": "all well"}), "it has 'notes': "),
    "more to be said": (put(about={"exec": "rm"}), "it has 'exec': 'rm'"),
    "classes": (put(classes=["b", "a"]), "sorted, at least two"),
    "mixed classes": (put(classes=["b", 1]), "sorted, at least two"),
    "recipe": (put(recipe={"format": 1}), "recipe of a table is damaged"),
    "no network": (put(network=None), "its network is None"),
    "huge layers": (
        put(network={"inputs": 5, "hidden": [1 << 60], "outputs": 1, "dropout": 0}),
        "not those of the layers that it names",
    ),
    "layers of none": (put(network={"inputs": 5, "hidden": [-1], "outputs": 1, "dropout": 0}), "whole numbers above 0"),
    "truth for units": (put(network={"inputs": 5, "hidden": [True], "outputs": 1, "dropout": 0}), "whole numbers"),
    "dropout": (put(network={"inputs": 5, "hidden": [8, 4], "outputs": 1, "dropout": "x"}), "its dropout is 'x'"),
    "outputs": (put(network={"inputs": 5, "hidden": [8, 4], "outputs": 2, "dropout": 0}), "which do not fit"),
    "a linear model without coefficients": (put(kind="linear"), "there is no 'coefficients'"),
}


@pytest.mark.parametrize("damage", WORDS)
def test_words_that_no_model_has(saved, damage):
    change, said = WORDS[damage]
    rewritten(saved, change)
    with pytest.raises(ValueError, match=rf"(?s)model.safetensors: the model is damaged, or none: .*{said}"):
        tabular.load(saved)


TENSORS = {
    "a missing weight": (lambda t: {k: v for k, v in t.items() if k != "network.0.weight"}, "not those of the layers"),
    "another shape": (lambda t: {**t, "network.0.weight": np.ones((5, 9), np.float32)}, "not those of the layers"),
    "another dtype": (lambda t: {**t, "network.0.weight": np.ones((5, 8))}, "network.0.weight|0.weight is float64"),
    "NaN": (lambda t: {**t, "fill": np.full(5, np.nan)}, "fill holds a number that is not finite"),
    "a deviation of 0": (lambda t: {**t, "inputs.std": np.zeros(5)}, "not above 0"),
    "no fill": (lambda t: {k: v for k, v in t.items() if k != "fill"}, "there is no 'fill'"),
    "about is no JSON": (lambda t: {**t, "about": np.frombuffer(b"exec()", np.uint8)}, "no JSON"),
}


@pytest.mark.parametrize("damage", TENSORS)
def test_tensors_that_no_model_has(saved, damage):
    change, said = TENSORS[damage]
    rewritten(saved, tensors=change)
    with pytest.raises(ValueError, match=rf"(?s)model.safetensors: the model is damaged, or none: .*{said}"):
        tabular.load(saved)


def test_a_second_model_beside_the_first(houses, tmp_path):
    model = tabular.train(houses, **KINDS["linear"])
    keeping.save(model, tmp_path / "m", "other.safetensors")
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["other.json", "other.safetensors"]
    assert tabular.load(tmp_path / "m" / "other.safetensors").about == model.about


def test_a_file_of_another_program_has_no_digest(saved, capsys):
    """The format's own library writes no digest: the model loads, and `show` says so."""
    from minigrad import cli
    from minigrad.interop.header import Entry, build_header

    loaded = mg.load(saved)
    codes = {"float32": "F32", "float64": "F64", "int64": "I64", "uint8": "U8"}
    at, entries = 0, []
    for name, array in loaded.items():
        entries.append((name, Entry(codes[str(array.dtype)], array.shape, at, at := at + array.nbytes)))
    header = build_header(loaded.metadata, entries)
    saved.write_bytes(len(header).to_bytes(8, "little") + header + b"".join(a.tobytes() for a in loaded.values()))
    assert tabular.load(saved).verified is None
    assert cli.main(["show", str(saved)]) == 0
    said = capsys.readouterr().out
    assert "no digest: nothing says whether" in said and "units 5-8-4-1" in said
