"""minigrad explain: a script as Python would run it, up to a backward pass."""

import pytest

from minigrad.cli import main

SCRIPT = """\
import sys
import minigrad as mg
from helper import RATE
w = mg.tensor([1.0, 2.0], requires_grad=True)
print(__name__, sys.argv[1:])
for step in range(3):
    w.grad = None
    loss = mg.sum(w * w) * RATE
    loss.backward()
    print("step", step)
print("end")
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "helper.py").write_text("RATE = 3.0\n")
    (tmp_path / "s.py").write_text(SCRIPT)
    return "s.py"


def test_the_page_of_the_second_pass(script, capsys, tmp_path):
    assert main(["explain", script, "--nth", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("__main__ []\nstep 0\n")
    assert "step 1" not in out
    assert out.endswith("explain.html: 3 ops forward, 3 visited backward; open it in a browser\n")
    assert "Backward pass 2 of s.py" in (tmp_path / "explain.html").read_text()


@pytest.mark.parametrize(("option", "start"), [("--dot", "digraph"), ("--mermaid", "flowchart"), ("--text", "forward")])
def test_text(script, capsys, option, start, tmp_path):
    assert main(["explain", option, script, "--", "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "['--epochs', '3']" in out
    assert start in out
    assert not (tmp_path / "explain.html").exists()


def test_scripts_that_do_not_get_there(script, capsys, tmp_path):
    assert main(["explain", script, "--nth", "4"]) == 2
    assert "s.py calls backward 3 times; --nth is 4" in capsys.readouterr().err
    (tmp_path / "none.py").write_text("raise SystemExit(3)\n")
    assert main(["explain", "none.py"]) == 2
    assert "none.py calls no backward" in capsys.readouterr().err
    assert main(["explain", "missing.py"]) == 2
    assert "missing.py: no such script" in capsys.readouterr().err


def test_it_ends_right_behind_backward(script, capsys, tmp_path):
    """Nothing behind the backward runs: no error, no file; in fit neither, whose backward is in minigrad's own code."""
    (tmp_path / "s.py").write_text(SCRIPT.replace("backward()", "backward()\n    1 / 0\n    open('side', 'w')"))
    assert main(["explain", script]) == 0
    assert "3 ops forward" in capsys.readouterr().out
    assert not (tmp_path / "side").exists()
    (tmp_path / "g.py").write_text(
        "import minigrad as mg\nw = mg.tensor(2.0, requires_grad=True)\n"
        "for k in range(3):\n    g, = mg.grad(w * w, [w])\n    print('after', k)\n"
    )
    assert main(["explain", "g.py", "--nth", "2"]) == 0
    out = capsys.readouterr().out
    assert "after 0" in out and "after 1" not in out
    (tmp_path / "f.py").write_text(FIT)
    assert main(["explain", "f.py", "--text", "--nth", "3"]) == 0
    out = capsys.readouterr().out
    assert "model.weight" in out and "after" not in out


FIT = """
import minigrad as mg
from minigrad import nn, optim, train
class Say(train.Callback):
    def on_gradients(self, run):
        print("gradients")
    def on_batch_end(self, run):
        print("a batch is over")
model = nn.Linear(2, 1)
data = mg.zeros((8, 2)).data, mg.zeros((8, 1)).data
train.fit(model, data, mg.mse, optim.SGD(model.parameters(), lr=0.1), batch_size=2, callbacks=[Say()])
print("after")
"""


def test_a_failing_rule_is_told(tmp_path, capsys):
    bad = "import minigrad as mg\nw = mg.tensor([1.0], requires_grad=True)\ny = mg.sum(w * w)\n"
    (tmp_path / "bad.py").write_text(bad + "w.register_hook(lambda g: 1 / 0)\ny.backward()\n")
    assert main(["explain", str(tmp_path / "bad.py")]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explain", "profile"])
def test_a_script_that_fails_says_where(command, tmp_path, capsys):
    script = tmp_path / "bad.py"
    script.write_text("import minigrad as mg\ndef f():\n    mg.ones((2, 3)) @ mg.ones((2, 3))\nf()\n")
    assert main([command, str(script)]) == 2
    said = capsys.readouterr().err
    assert f"minigrad {command}: {script} stopped with an error" in said
    assert f'File "{script}", line 3, in f' in said and "ShapeError" in said
    assert said.count("File ") == 2
    script.write_text("x = (1\n")
    assert main([command, str(script)]) == 2
    assert "SyntaxError" in capsys.readouterr().err
