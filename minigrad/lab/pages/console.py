"""The console: text that any encoding takes, options that name a close match, folders that can be written to."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import difflib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

USER_ERROR = 2  # exit status of what the user can mend
CLOSED = 141  # of a program whose output nobody reads any more: 128 + SIGPIPE, as a shell reports it

# How signs of the reports read where the console's encoding does not have them.
WRITTEN_OUT = {
    "λ": "lambda",
    "Σ": "sum ",
    "ρ": "rho",
    "ω": "omega",
    "φ": "phi",
    "β": "beta",
    "µ": "u",
    "μ": "u",
    "‖": "||",
    "±": "+-",
    "−": "-",
    "–": "-",
    "…": "...",
    "·": "*",
    "×": "x",
    "÷": "/",
    "√": "sqrt ",
    "²": "^2",
    "ᵀ": "^T",
    "½": "1/2",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "→": "->",
    "∞": "inf",
    "°": "*",
    "’": "'",
    "“": '"',
    "”": '"',
}


def _written_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(WRITTEN_OUT.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error("minigrad.written_out", _written_out)


@contextlib.contextmanager
def any_encoding() -> Iterator[None]:
    """Standard output and error take every text: what their encoding lacks is written out, λ as lambda.

    >>> "λ = 0.1 ± ȣ".encode("ascii", "minigrad.written_out")
    b'lambda = 0.1 +- ?'
    """
    before = write_out()
    try:
        yield
    finally:
        for stream, errors in before:
            with contextlib.suppress(ValueError, OSError):  # closed meanwhile
                stream.reconfigure(errors=errors)


def write_out() -> list[tuple[Any, str]]:
    """From now on standard output and error take every text; each of them, and what it did before."""
    streams: list[Any] = [stream for stream in (sys.stdout, sys.stderr) if hasattr(stream, "reconfigure")]
    before = [(stream, stream.errors) for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="minigrad.written_out")
    return before


def to_the_end(act: Callable[[], int]) -> int:
    """The exit status of act(), whose output has arrived; one line, and no traceback, where it could not."""
    try:
        try:
            return act()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough
        _discard_output()
        return CLOSED
    except OSError as error:  # a full disk
        _discard_output()
        with contextlib.suppress(OSError):  # where standard error is full, the exit status alone says it
            print(f"minigrad: the output could not be written: {os_error(error)}", file=sys.stderr)
        return USER_ERROR


def _discard_output() -> None:
    """Send what is left of the output nowhere, so that the interpreter does not fail at its end, when it flushes."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def os_error(error: OSError) -> str:
    """What the system says, without its number: the file, and the reason.

    >>> os_error(FileNotFoundError(2, "No such file or directory", "a.csv"))
    'a.csv: no such file or directory'
    """
    if not error.strerror:
        return str(error)
    reason = error.strerror[0].lower() + error.strerror[1:]
    return f"{os.fspath(error.filename)}: {reason}" if error.filename is not None else reason


def make_folder(path: Path, option: str = "--out") -> None:
    """Make the folder that an option names, unless it is there. ValueError if nothing can be written into it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{option} {path}: a file has this name, or a part of it; name a folder") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValueError(f"{option} {path}: nothing can be written there ({reason}); name another folder") from None


# What other programs call a choice of an option -> what to type here.
ELSEWHERE = {
    "lasso": "--model linear --l1-ratio 1",
    "ridge": "--model linear --l1-ratio 0",
    "ols": "--model linear",
    "elasticnet": "--model linear --l1-ratio 0.5",
    "elastic-net": "--model linear --l1-ratio 0.5",
    "network": "--model mlp",
    "nn": "--model mlp",
    "classification": "--model logistic",
    "regression": "--model linear",
    "rmse": "--score mse",
    "r2": "--score mse",
    "auc": "--score log_loss",
    "help": "--help",
    "version": "--version",
}

# What other programs call an option -> what to do here.
OPTIONS_ELSEWHERE = {
    "--alpha": "λ is chosen by cv, and path fits every λ: --count and --ratio set the grid",
    "--lambda": "λ is chosen by cv, and path fits every λ: --count and --ratio set the grid",
    "--lambdas": "λ is chosen by cv, and path fits every λ: --count and --ratio set the grid",
    "--sep": "did you mean --delimiter?",
    "--cv": "did you mean --folds?",
    "--nfolds": "did you mean --folds?",
    "--learning-rate": "did you mean --lr?",
    "--family": "did you mean --model?",
    "--groups": "did you mean --fold-groups?",
    "--response": "did you mean --target?",
    "--label": "did you mean --target?",
    "--scoring": "did you mean --score?",
    "--random-state": "did you mean --seed?",
    "--n-jobs": "did you mean --jobs?",
    "--dec": "did you mean --decimal?",
    "--drop": "did you mean --ignore?",
    "--output": "did you mean --out?",
    "--test-size": "did you mean --test?",
    "--index-col": "did you mean --index?",
    "--id": "did you mean --index?",
    "--probability": "did you mean --proba?",
}

# The same in commands that have not the options named there.
OTHERWISE = {
    "--alpha": "did you mean --lambda? It stands beside the mean loss: l1 = λR, l2 = λ(1 - R)",
    "--lambdas": "did you mean --lambda?",
    "--c": "did you mean --lambda? Of logistic models it is 1 / (C rows)",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors show the usage of the command that was typed, and a close match.

    >>> parser = Parser(prog="minigrad cv")
    >>> _ = parser.add_argument("--model")
    >>> parser.cure("unrecognized arguments: --modle mlp")
    '; did you mean --model?'
    """

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help and version: argparse itself takes no notice where they cannot be written, and exits with 0."""
        stream = sys.stderr if file is None else file
        if message and stream is not None:
            stream.write(message)

    def error(self, message: str) -> None:  # type: ignore[override]  # it raises SystemExit
        super().error(message + self.cure(message))

    def cure(self, message: str) -> str:
        """What may have been meant, after a message of argparse."""
        unknown = re.match("unrecognized arguments: (.*)", message)
        if unknown:
            return self._cure_of_options(unknown[1].split())
        choice = re.match(r".*invalid choice: '([^']*)' \((?:choose from|maybe you meant) (.*)\)", message)
        if choice and "maybe you meant" not in message:
            close = difflib.get_close_matches(choice[1], re.findall(r"[\w.-]+", choice[2]), 1)
            meant = close[0] if close else ELSEWHERE.get(choice[1].lower())
            return f"; did you mean {meant}?" if meant else ""
        if message.endswith("expected one argument"):
            return "; a value that begins with - follows =, as in --na=-"
        return ""

    def _cure_of_options(self, words: list[str]) -> str:
        """What may have been meant by words that no option takes."""
        options = [option for option in self._option_string_actions if option.startswith("--")]
        for word in words:
            typed = word.split("=")[0].replace("_", "-").lower()
            for elsewhere in (OPTIONS_ELSEWHERE.get(typed), OTHERWISE.get(typed)):
                if elsewhere is not None and set(re.findall("--[a-z-]+", elsewhere)) <= set(options):
                    return f"; {elsewhere}"
            close = difflib.get_close_matches(typed, options, 1) if word.startswith("-") else []
            close = [option for option in close if option != "--help" or "--help".startswith(typed[:4])]
            if close:
                return f"; did you mean {close[0]}?"
        if any(action.metavar == "A,B" for action in self._actions):
            return f"; several names behind one option are joined by commas, A,B; see {self.prog} --help"
        return f"; see {self.prog} --help"


def close_to(word: str, known: list[str]) -> str:
    """`; did you mean X?` for a word that is close to a known one, else nothing."""
    close = difflib.get_close_matches(word.lower(), known, 1)
    return f"; did you mean {close[0]}?" if close else ""
