"""The console: every encoding takes every text, errors name a close match, folders can be written to or are refused."""

import argparse
import io
import re
import sys

import pytest

from minigrad import cli
from minigrad.lab.pages import console

TEXT = "λ = 0.1 ± 0.02, ‖w‖ ≤ 3, Σ|w|, é, ȣ"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", TEXT),
        ("ascii", "lambda = 0.1 +- 0.02, ||w|| <= 3, sum |w|, ?, ?"),
        ("latin-1", "lambda = 0.1 ± 0.02, ||w|| <= 3, sum |w|, é, ?"),
        ("cp1252", "lambda = 0.1 ± 0.02, ||w|| <= 3, sum |w|, é, ?"),
        ("cp1253", "λ = 0.1 ± 0.02, ||w|| <= 3, Σ|w|, ?, ?"),
    ],
)
def test_any_encoding(monkeypatch, encoding, written):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    with console.any_encoding():
        print(TEXT, end="", flush=True)
    assert raw.getvalue().decode(encoding) == written
    if encoding == "ascii":  # afterwards all is as before
        with pytest.raises(UnicodeEncodeError):
            print("λ", flush=True)


def test_a_stream_that_cannot_be_changed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with console.any_encoding():
        assert console.to_the_end(lambda: 3) == 3


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--modle", "mlp"], "unrecognized arguments: --modle mlp; did you mean --model?"),
        (["--targte=y"], "did you mean --target?"),
        (["-target", "y"], "did you mean --target?"),
        (["--xyz"], "unrecognized arguments: --xyz; .*see minigrad cv --help"),
        (["--categorical", "a", "b"], "joined by commas, A,B"),
        (["--model", "mpl"], r"invalid choice: 'mpl' .*; did you mean mlp\?"),
        (["--model", "lasso"], "did you mean --model linear --l1-ratio 1?"),
        (["--model", "zebra"], r"logistic'?\)\n"),
        (["--target", "-x"], "expected one argument; a value that begins with - follows =, as in --na=-"),
    ],
)
def test_close_matches(capsys, typed, said):
    top = console.Parser(prog="minigrad")
    command = top.add_subparsers().add_parser("cv")
    command.add_argument("--model", choices=("mlp", "linear", "logistic"))
    command.add_argument("--target")
    command.add_argument("--categorical", metavar="A,B")
    with pytest.raises(SystemExit) as stopped:
        command.parse_args(typed)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: minigrad cv ")
    assert re.search(said, error), error


def test_folders(tmp_path):
    console.make_folder(tmp_path / "a" / "b")
    console.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir() and not list((tmp_path / "a" / "b").iterdir())
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=r"^--out .*file.*: a file has this name, .*name a folder"):
            console.make_folder(path)


def test_a_folder_that_takes_nothing(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", "x")

    monkeypatch.setattr(console.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=r"--log .*: nothing can be written there \(permission denied\); name another"):
        console.make_folder(tmp_path, "--log")


def test_what_the_system_says():
    assert console.os_error(PermissionError(13, "Permission denied", "a.csv")) == "a.csv: permission denied"
    assert console.os_error(OSError("told in full")) == "told in full"
    assert console.os_error(OSError(28, "No space left on device")) == "no space left on device"


def test_the_command_is_a_parser_of_this_kind():
    from minigrad import cli

    assert isinstance(cli.parser(), console.Parser) and issubclass(console.Parser, argparse.ArgumentParser)


@pytest.mark.parametrize(
    ("typed", "cure"),
    [
        ("--alpha 0.1", "; λ is chosen by cv"),
        ("--Lambda=0.1", "; λ is chosen by cv"),
        ("--learning_rate 1", "; did you mean --lr?"),
        ("--sep ,", ""),  # this parser has no --delimiter
        ("--hepl", "; did you mean --help?"),
        ("--cuont 3", "; did you mean --count?"),
    ],
)
def test_options_of_other_programs(typed, cure):
    parser = console.Parser(prog="minigrad cv")
    for option in ("--lr", "--count", "--ratio"):
        parser.add_argument(option)
    said = parser.cure(f"unrecognized arguments: {typed}")
    assert said.startswith(cure) if cure else "did you mean" not in said


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("arguments", [["--version"], ["cv", "--help"], ["info"]])
def test_help_and_version_that_cannot_be_written_fail(arguments, monkeypatch, capsys):
    """argparse itself takes no notice, and exits with 0."""
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(console, "_discard_output", lambda: None)
    assert cli.main(arguments) == 2
    assert "no space left" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["cv", "nowhere.csv"], ["cv", "--foo"]])
def test_errors_that_cannot_be_written_keep_their_exit_status(arguments, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Full())
    monkeypatch.setattr(console, "_discard_output", lambda: None)
    assert cli.main(arguments) == 2
