"""minigrad diagnose: scripts and tables, text, JSON and pages, the exit status, and errors of the user's."""

import json

import numpy as np
import pytest

from minigrad import cli

LOOP = """
import sys
import minigrad as mg
from minigrad import nn, optim
mg.manual_seed(0)
x, y = mg.data.load_digits()
activation = sys.argv[1]
layers = [nn.Linear(32, 32, activation=activation) for _ in range(15)]
model = nn.Sequential(nn.Linear(64, 32), *layers, nn.Linear(32, 10)) if activation == "sigmoid" else nn.Linear(64, 10)
optimizer = optim.SGD(model.parameters(), lr=0.1)
for i in range(60):
    optimizer.zero_grad()
    rows = slice(25 * i, 25 * i + 25)
    mg.cross_entropy(model(mg.tensor(x[rows])), y[rows]).backward()
    optimizer.step()
print("the script's own line")
"""
BROKEN = """
import minigrad as mg
from minigrad import nn, optim, train
model = nn.Sequential(nn.Linear(64, 10, activation="relu"), nn.Linear(10, 10))
optimizer = optim.SGD(model.parameters(), lr=1e30)
train.fit(model, mg.data.load_digits(), mg.cross_entropy, optimizer, epochs=1)
"""


def script(folder, text, name="mine.py"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_loop_that_vanishes(tmp_path, capsys):
    assert cli.main(["diagnose", script(tmp_path, LOOP), "--html", str(tmp_path / "p.html"), "--", "sigmoid"]) == 1
    out = capsys.readouterr().out
    assert "the script's own line" in out
    assert "found: vanishing" in out and "Sequential, trained by SGD" in out and "try: relu with He's start" in out
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "<h1>Health of mine.py</h1>" in page and "vanishing: 0" in page


def test_a_loop_that_is_healthy(tmp_path, capsys):
    assert cli.main(["diagnose", script(tmp_path, LOOP), "--every", "20", "--", "tanh"]) == 0
    assert "healthy: nothing found\n7 watched of 60 steps" in capsys.readouterr().out


def test_a_script_that_breaks_off(tmp_path, capsys):
    assert cli.main(["diagnose", script(tmp_path, BROKEN), "--json"]) == 1
    said = capsys.readouterr()
    (training,) = json.loads(said.out)["trainings"]
    assert training["findings"][0]["kind"] == "rate too large"
    assert "NonFiniteError" in said.err


def test_several_trainings_are_on_one_page(tmp_path, capsys):
    twice = (
        LOOP
        + "\nmodel = nn.Linear(64, 10)\noptimizer = optim.Adam(model.parameters())\n"
        + ("mg.train.fit(model, (x, y), mg.cross_entropy, optimizer, epochs=2)")
    )
    path = tmp_path / "two.html"
    assert cli.main(["diagnose", script(tmp_path, twice), "--html", str(path), "--", "tanh"]) == 0
    assert capsys.readouterr().out.count("healthy") == 2
    assert "2 trainings" in path.read_text(encoding="utf-8")


def table(folder, rows=300):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3))
    y = 2 * x[:, 0] - x[:, 1] + 0.1 * rng.normal(size=rows)
    path = folder / "houses.csv"
    np.savetxt(path, np.column_stack([x, y]), delimiter=",", header="a,b,c,price", comments="", fmt="%.5f")
    return str(path)


def test_the_network_of_a_table(tmp_path, capsys):
    arguments = ["--epochs", "30", "--hidden", "16", "8"]
    assert cli.main(["diagnose", table(tmp_path), "--target", "price", *arguments]) == 0
    out = capsys.readouterr().out
    assert "houses.csv: 300 rows; a network of 16-8 relu units, 30 epochs\nhealthy: nothing found" in out


def test_the_network_of_a_table_at_a_rate_that_is_too_large(tmp_path, capsys):
    arguments = ["--epochs", "5", "--lr", "100", "--validation", "0", "--json"]
    assert cli.main(["diagnose", table(tmp_path), *arguments]) == 1
    (training,) = json.loads(capsys.readouterr().out)["trainings"]
    assert training["findings"][0]["kind"] == "rate too large"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.py"], "no such script"),
        (["none.csv"], "there is no file"),
        (["{idle}"], "trains nothing that can be watched"),
        (["{table}", "--html", "page.txt"], "need a name that ends in .html"),
        (["{table}", "extra"], "arguments behind -- are for scripts"),
        (["{table}", "--target", "prize"], "prize"),
    ],
)
def test_errors_of_the_user(arguments, said, tmp_path, capsys):
    known = {"{idle}": script(tmp_path, "import minigrad", "idle.py"), "{table}": table(tmp_path)}
    assert cli.main(["diagnose", *(known.get(each, each) for each in arguments)]) == 2
    assert said in capsys.readouterr().err
