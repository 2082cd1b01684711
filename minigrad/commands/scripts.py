"""Running a user's script inside of a command, as Python would run it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..nn.module import Module

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
OURS = (PACKAGE, "minigrad/")  # how Python and how Cython name the files of the package


class Enough(BaseException):
    """Ends a script from inside: what was wanted of it has happened."""


def run_script(script: Path, arguments: list[str], within: Any) -> dict[str, Any]:
    """Run a script in a `with` block; the variables that it has where it ends, exits, or is stopped by Enough.

    FileNotFoundError if there is none; ScriptError for what the script raises.
    """
    if not script.is_file():
        raise FileNotFoundError(2, "no such script", str(script))
    source = script.read_bytes()
    try:
        with as_main(script, arguments), within:  # which sees what the script raises as it is
            return _run(script, source)
    except Exception as error:
        known = any(frame.filename == str(script) for frame in traceback.extract_tb(error.__traceback__))
        if not known and not isinstance(error, SyntaxError):
            raise  # not from the script, but from `within`
        raise ScriptError(script, error) from None


def _run(script: Path, source: bytes) -> dict[str, Any]:
    """Run a script as __main__; its variables."""
    module = type(sys)("__main__")
    module.__file__ = str(script)
    before, sys.modules["__main__"] = sys.modules["__main__"], module
    try:
        exec(compile(source, str(script), "exec", dont_inherit=True), module.__dict__)
    except (Enough, SystemExit):
        pass
    finally:
        sys.modules["__main__"] = before
    return module.__dict__


def _is_users(file: str) -> bool:
    """Whether a file is neither minigrad's nor that of a package that was installed, such as NumPy."""
    return not file.startswith(OURS) and not {"site-packages", "dist-packages"} & set(Path(file).parts)


class ScriptError(ValueError):
    """What a script raised, with the lines of the user's files that led there, and none of minigrad's or of NumPy's.

    error is the exception itself.
    """

    def __init__(self, script: Path, error: Exception) -> None:
        self.error = error
        frames = traceback.extract_tb(error.__traceback__)
        here = [k for k, frame in enumerate(frames) if frame.filename == str(script)]
        own = [frame for frame in frames[here[0] :] if _is_users(frame.filename)] if here else []
        said = "".join([*traceback.format_list(own), *traceback.format_exception_only(type(error), error)])
        super().__init__(f"{script} stopped with an error\n{said.rstrip()}")


def models_of(variables: Mapping[str, Any]) -> list[tuple[str, Module]]:
    """The models among a script's variables, by their names."""
    found = [(name, value) for name, value in variables.items() if not name.startswith("_")]
    return [(name, value) for name, value in found if isinstance(value, Module)]


@contextmanager
def as_main(script: Path, arguments: list[str]) -> Iterator[None]:
    """The arguments and the path of modules that a script finds when Python runs it."""
    argv, path = sys.argv, list(sys.path)
    sys.argv, sys.path[:0] = [str(script), *arguments], [os.path.dirname(os.path.abspath(script))]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path
