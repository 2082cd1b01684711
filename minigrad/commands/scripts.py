"""Running a user's script inside of a command, as Python would run it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Enough(BaseException):
    """Ends a script from inside: what was wanted of it has happened."""


def run_script(script: Path, arguments: list[str], within: Any) -> dict[str, Any]:
    """Run a script in a `with` block; the variables that it has where it ends, exits, or is stopped by Enough.

    FileNotFoundError if there is none; what the script raises is raised.
    """
    if not script.is_file():
        raise FileNotFoundError(2, "no such script", str(script))
    variables: dict[str, Any] = {}
    code = compile(script.read_bytes(), str(script), "exec", dont_inherit=True)
    with as_main(script, arguments), within:
        module = type(sys)("__main__")
        module.__file__ = str(script)
        variables = module.__dict__
        before, sys.modules["__main__"] = sys.modules["__main__"], module
        try:
            exec(code, variables)
        except (Enough, SystemExit):
            pass
        finally:
            sys.modules["__main__"] = before
    return variables


@contextmanager
def as_main(script: Path, arguments: list[str]) -> Iterator[None]:
    """The arguments and the path of modules that a script finds when Python runs it."""
    argv, path = sys.argv, list(sys.path)
    sys.argv, sys.path[:0] = [str(script), *arguments], [os.path.dirname(os.path.abspath(script))]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path
