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
    assert out.startswith("__main__ []\nstep 0\nstep 1\n")
    assert "step 2" not in out
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


def test_a_script_that_fails_says_why(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        main(["explain", str(tmp_path / "bad.py")])
