"""The command line: what it prints, its exit status, and errors without a traceback."""

import subprocess
import sys

import pytest

import minigrad
from minigrad import cli


def run(*arguments, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "minigrad", *arguments], capture_output=True, text=True, timeout=120,
        env={**os.environ, **environment}, encoding="utf-8",
    )  # fmt: skip


def test_info_as_a_module():
    found = run("info", PYTHONIOENCODING="utf-8")
    assert found.returncode == 0, found.stderr
    for word in (minigrad.__version__, "backend", "threads", "python", "mnist"):
        assert word in found.stdout


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["demo", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for option in ("--data", "--out", "--seeds", "--epochs", "--quick", "--no-figures", "--threads", "--download"):
        assert option in text


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"minigrad {minigrad.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dmeo"],
        ["demo", "--seeds", "0"],
        ["demo", "--epochs", "two"],
        ["demo", "--threads", "-1"],
        ["demo", "--dat", "x"],
    ],
)
def test_wrong_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "minigrad" in capsys.readouterr().err


def test_missing_mnist_is_one_line_that_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cli.main(["demo", "--data", "mnist", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad demo: ") and "MINIGRAD_DATA" in error and "--download" in error
    assert "Traceback" not in error


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["demo", "--seeds", "1", "--epochs", "1", "--no-figures", "--out", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err


def test_threads_hold_for_the_command(capsys):
    before = minigrad.get_num_threads()
    assert cli.main(["info", "--threads", "1"]) == 0
    assert "threads      1\n" in capsys.readouterr().out
    assert minigrad.get_num_threads() == before


def test_ctrl_c_ends_with_130(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run_info", interrupted)
    assert cli.main(["info"]) == 130
    assert "interrupted" in capsys.readouterr().err
