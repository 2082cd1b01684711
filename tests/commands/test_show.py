"""minigrad show: a model, or any file of tensors."""

import numpy as np
from commands.choosing import READ, run

import minigrad as mg
from minigrad import tabular


def test_a_model(houses, tmp_path, capsys):
    assert run("train", houses, *READ, "--count", 6, "--out", tmp_path / "m") == 0
    capsys.readouterr()
    assert run("show", tmp_path / "m") == 0
    text = capsys.readouterr().out
    assert text.startswith(tabular.load(tmp_path / "m").show()) and "model.safetensors: " in text
    assert text.endswith("the digest fits\n")
    assert run("show", tmp_path / "m" / "model.safetensors") == 0 and capsys.readouterr().out == text


def test_another_file(tmp_path, capsys):
    path = tmp_path / "a.safetensors"
    mg.save(path, mg.nn.Linear(3, 2), metadata={"data": "houses"})
    assert run("show", path) == 0
    text = capsys.readouterr().out
    assert "weight    F32  3 × 2" in text and "data: houses" in text and "the digest fits" in text
    mg.save(path, {f"t{i}": np.ones(()) for i in range(60)})
    assert run("show", path) == 0 and "and 10 more" in capsys.readouterr().out


def test_zeros_are_counted_where_there_are_any(tmp_path, capsys):
    model = mg.nn.Sequential(mg.nn.Conv2d(2, 4, 3), mg.nn.LSTM(3, 2), mg.nn.Linear(4, 3))
    path = tmp_path / "a.safetensors"
    mg.save(path, model)
    assert run("show", path) == 0 and "empty" not in capsys.readouterr().out
    state = model.state_dict()
    for name, index in (("0.weight", 1), ("1.weight_hh_l0", (slice(None), 3)), ("2.weight", 0)):
        state[name][index] = 0
    mg.save(path, state)
    assert run("show", path) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line}
    assert lines["tensor"] == ["dtype", "shape", "zeros", "empty"]
    assert lines["0.weight"][-5:] == ["25.0%", "filters", "1/4,", "channels", "0/2"]
    assert lines["1.weight_hh_l0"][-3:] == ["12.5%", "gates", "1/8"]
    assert lines["2.weight"][-5:] == ["25.0%", "rows", "1/4,", "columns", "0/3"]
    assert lines["1.weight_ih_l0"] == ["F32", "3", "×", "8"]


def test_damage_is_told_and_ends_with_2(houses, tmp_path, capsys):
    assert run("train", houses, *READ, "--lambda", "1", "--out", tmp_path / "m") == 0
    path = tmp_path / "m" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    capsys.readouterr()
    assert run("show", tmp_path / "m") == 2
    said = capsys.readouterr()
    assert "the digest does not fit" in said.out and "the digest does not fit" in said.err


def test_folders_without_a_model(tmp_path, capsys):
    assert run("show", tmp_path) == 2 and "there is no model.safetensors in this folder" in capsys.readouterr().err
    mg.save(tmp_path / "b.safetensors", mg.nn.Linear(3, 2))
    assert run("show", tmp_path) == 2 and "it has b.safetensors: name one of these" in capsys.readouterr().err
    assert run("show", tmp_path / "no") == 2 and "there is no folder or file" in capsys.readouterr().err
