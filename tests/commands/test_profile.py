"""minigrad profile: a script's costs as a table, a page, a trace."""

import pytest

from minigrad.cli import main


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.py").write_text("import minigrad as mg\nx = mg.tensor([[1.0]])\nprint((x @ x).item())\n")
    return "s.py"


def test_the_table(script, capsys):
    assert main(["profile", script, "--beside"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1.0\nphases (")
    assert "matmul" in out
    assert "times as fast as NumPy" in out


def test_files(script, capsys, tmp_path):
    assert main(["profile", script, "-o", "p.html"]) == 0
    assert "p.html: " in capsys.readouterr().out
    assert main(["profile", script, "-o", "p.txt"]) == 2
    assert "neither .html" in capsys.readouterr().err


def test_a_script_without_kernels(tmp_path, capsys):
    (tmp_path / "none.py").write_text("print('nothing')\n")
    assert main(["profile", str(tmp_path / "none.py")]) == 2
    assert "calls no kernel of minigrad" in capsys.readouterr().err
