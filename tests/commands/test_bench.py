"""minigrad bench where the benchmarks are, and where they are not."""

import pytest

from minigrad import cli
from minigrad.lab import shipped


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_without_the_benchmarks(option, tmp_path, monkeypatch, capsys):
    """The package alone answers --help, and refuses to run with where the benchmarks would be."""
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "minigrad")
    assert cli.main(["bench", option]) == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: minigrad bench") and "no examples/ and benchmarks/" in said
    assert cli.main(["bench", "--quick"]) == 2
    assert "no examples/ and benchmarks/" in capsys.readouterr().err
