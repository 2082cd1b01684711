"""minigrad ask: questions to a training that minigrad train --record, or a script, has kept."""

import json

import numpy as np
import pytest
from commands.choosing import READ, run

from minigrad import tabular
from minigrad.tabular.reopened import reopened, table_of
from minigrad.train.travel.folder import read_about

NETWORK = ("--model", "mlp", "--hidden", 6, "--epochs", 20, "--validation", 0)


@pytest.fixture
def asked(houses, tmp_path, capsys):
    """Ask the record of a small training, and get its exit status, output and error."""
    more = ("--l1", 0.3, "--record", tmp_path / "run", "--out", tmp_path / "m")
    assert run("train", houses, *READ, *NETWORK, *more) == 0
    assert "ask what happened inside: minigrad ask" in capsys.readouterr().out

    def ask(*words, data=houses):
        status = run("ask", tmp_path / "run", *words, *(("--data", data) if data else ()))
        said = capsys.readouterr()
        return status, said.out.strip(), said.err.strip()

    return ask


def test_a_zero_of_the_model_that_was_kept(asked, houses, tmp_path):
    weight = tabular.load(tmp_path / "m").core.module[0].weight.data
    zeros = np.argwhere(weight == 0)
    assert len(zeros)
    i, j = map(int, zeros[0])
    status, said, _ = asked("why-zero", "0.weight", i, j)
    names = ["a", "b", "d", "town=Aa", "town=Bb", "town=Cc"]
    assert status == 0 and said.startswith(
        f"0.weight[{i}] has the weights of the input {names[i]!r}. 0.weight[{i}, {j}]"
    )
    assert "is 0 since step" in said and "≤" in said
    assert asked("why-zero", "0.weight", names[i], j)[1] == said
    about = read_about(tmp_path / "run")["about"]
    opened, _ = reopened(tmp_path / "run", about, table_of(about, houses))
    assert all((opened.state_after(opened.steps).model["0.weight"] == weight).ravel())


def test_the_other_questions(asked):
    assert asked("since-dead", 0, 1)[1].startswith("unit 1 of layer '0'")
    assert "step" in asked("loss-jump")[1] and asked("loss-jump", 30)[0] == 0
    status, said, _ = asked("at", 30)
    assert status == 0 and said.startswith("step 30 of 40: epoch 15, batch 2 of 2") and "0.weight" in said
    assert asked("check")[1].startswith("equal: 40 steps") and "40 steps of Adam" in asked("what")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("why-zero", "0.weigth", 0, 0), "there is no parameter '0.weigth'; did you mean '0.weight'?"),
        (("why-zero", "0.weight", 0), "need 2 numbers to name one element, got 1"),
        (("why-zero", "0.weight", 99, 0), "index 99 of axis 0 is outside of 0 to"),
        (("why-zero", "0.weight", "e", 0), "INDEX 'e'; need a whole number, or an input: a, b, d, town=Aa"),
        (("since-dead", 0, 1, 2), "since-dead: got 0 1 2; need nothing, LAYER, or LAYER UNIT"),
        (("since-dead", "x"), "there is no layer 'x'"),
        (("since-dead", "x", 0), "there is no layer 'x'"),
        (("at", 41), "step 41: the training has 40 steps"),
        (("at", "last"), "STEP 'last'; need a whole number"),
    ],
)
def test_errors(asked, words, said):
    status, _, error = asked(*words)
    assert status == 2 and said in error


def test_what_is_zero_and_what_is_dead_is_listed(asked, houses, tmp_path):
    weight = tabular.load(tmp_path / "m").core.module[0].weight.data
    status, said, _ = asked("why-zero")
    line = next(line for line in said.splitlines() if line.startswith("0.weight: "))
    first = " ".join(map(str, np.argwhere(weight == 0)[0]))
    assert status == 0 and line.startswith(f"0.weight: {(weight == 0).sum()} of {weight.size} are 0: {first}")
    about = read_about(tmp_path / "run")["about"]
    opened, _ = reopened(tmp_path / "run", about, table_of(about, houses))
    dead = [unit for unit in range(6) if opened.since_dead("0", unit).kind != "alive"]
    listed = opened.dead_units()
    assert listed.numbers.get("0", []) == opened.dead_units("0").numbers["0"] == dead
    assert asked("since-dead")[1] == str(listed) and asked("since-dead", 0)[0] == 0


def test_a_data_set_of_its_own_need_not_be_named(tmp_path, capsys):
    more = ("--record", tmp_path / "run", "--out", tmp_path / "m")
    assert run("train", "moons", "--model", "mlp", "--hidden", 4, "--epochs", 2, *more) == 0
    capsys.readouterr()
    assert run("ask", tmp_path / "run", "what") == 0
    assert "steps of Adam" in capsys.readouterr().out


def test_data_that_is_missing_or_changed(asked, houses, tmp_path):
    assert "was trained on houses.csv: name it, --data houses.csv" in asked("what", data=None)[2]
    assert "there is no such file; the training was given houses.csv" in asked("what", data=tmp_path / "no.csv")[2]
    text = houses.read_text().splitlines()
    first = text[1].split(",")
    changed = tmp_path / "changed.csv"
    changed.write_text("\n".join([text[0], ",".join([str(float(first[0]) + 1), *first[1:]]), *text[2:]]) + "\n")
    status, _, error = asked("what", data=changed)
    assert status == 2 and "is of another training: data x was" in error
    assert "there is no such folder; need the folder of a recorded training" in failed(tmp_path / "none", asked)


def failed(folder, asked):
    """The error about a folder without a record."""
    with pytest.raises(FileNotFoundError) as caught:
        read_about(folder)
    return str(caught.value)


def test_what_has_no_steps_is_not_recorded(houses, tmp_path, capsys):
    assert run("train", houses, *READ, "--lambda", 1, "--record", tmp_path / "run", "--out", tmp_path / "m") == 2
    assert "--record keeps the steps of a network" in capsys.readouterr().err
    more = ("--lambda", "cv", "--record", tmp_path / "run", "--out", tmp_path / "m")
    assert run("train", houses, *READ, *NETWORK[:2], *more) == 2
    assert "--record keeps one training, and --lambda cv makes many" in capsys.readouterr().err


def test_a_record_is_not_written_over(asked, houses, tmp_path, capsys):
    more = ("--l1", 0.3, "--record", tmp_path / "run", "--out", tmp_path / "m")
    assert run("train", houses, *READ, *NETWORK, *more) == 2
    assert "holds the record of an earlier training; name another folder" in capsys.readouterr().err


SCRIPT = """
import numpy as np
import minigrad as mg
from minigrad import nn, optim, train

x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
data = x, x[:, :1]

def build():
    model = nn.Linear(3, 1)
    return model, mg.mse, optim.SGD(model.parameters(), lr=0.1)

if __name__ == "__main__":
    model, loss, optimizer = build()
    train.fit(model, data, loss, optimizer, epochs=3, callbacks=[train.Record("run")])
"""


def test_a_script_says_how_the_run_was_made(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SCRIPT)
    import runpy

    runpy.run_path("mine.py", run_name="__main__")
    assert run("ask", "run", "at", 4, "--script", "mine.py") == 0
    assert "step 4 of 6: epoch 2, batch 2 of 2" in capsys.readouterr().out
    assert run("ask", "run", "what", "--data", "x.csv") == 2
    assert "minigrad train did not make it: name a script" in capsys.readouterr().err
    (tmp_path / "other.py").write_text(SCRIPT.replace("def build", "def made").replace("= build()", "= made()"))
    assert run("ask", "run", "what", "--script", "other.py") == 2
    assert "other.py defines no build; need a function build() that returns" in capsys.readouterr().err
    assert run("ask", "run", "what", "--script", "no.py") == 2 and "no.py" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["about"] == {}
