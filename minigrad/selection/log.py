"""The log of a sweep: a line of JSON for what each task gave, so that an interrupted sweep can go on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .identity import identity

KIND = "minigrad sweep 1"


class Log:
    """The file `path` of a sweep with these settings (plain values); `done` maps keys to results read from it.

    The first line holds the settings, functions among them by a hash of their code (see identity.py). A file of other
    settings is refused: ValueError names the first that differs. Lines are only appended, each by one write, then
    synced: a killed process loses the task it was at. What it may have written of a last line is cut off, also where
    something has put an end of line behind it.
    """

    def __init__(self, path: str | os.PathLike[str], settings: dict[str, Any]) -> None:
        self.path, self.done = Path(path), {}  # type: Path, dict[str, Any]
        head = {"kind": KIND, **plain(settings)}
        whole, found = self._read()
        if found:
            self._check(head, found[0])
            self.done = {row["key"]: row["result"] for row in found[1:]}
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(self._file, whole)
        if not found:
            self._append(head)

    def _read(self) -> tuple[int, list[dict[str, Any]]]:
        """The bytes of whole lines, and their rows."""
        data = self.path.read_bytes() if self.path.exists() else b""
        lines = data.splitlines(keepends=True)
        if lines and _broken(lines[-1]) and (len(lines) > 1 or _begun(lines[0])):
            lines.pop()
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                if not (row["kind"] == KIND if number == 1 else {"key", "result"} <= set(row)):
                    raise KeyError
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{self.path}:{number}: not a line of a minigrad sweep; name another log") from None
            rows.append(row)
        return sum(map(len, lines)), rows

    def _check(self, head: dict[str, Any], found: dict[str, Any]) -> None:
        for name in [*head, *found]:
            if head.get(name) != found.get(name):
                raise ValueError(
                    f"{self.path}: the log is of another sweep: {name} was {_short(found.get(name))}, "
                    f"now it is {_short(head.get(name))}; name another log, or delete this one"
                )

    def add(self, key: str, result: Any) -> None:
        """Note what a task gave."""
        self._append({"key": key, "result": result})
        self.done[key] = result

    def _append(self, row: dict[str, Any]) -> None:
        os.write(self._file, (json.dumps(row, ensure_ascii=False) + "\n").encode())
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _broken(line: bytes) -> bool:
    """Whether a line is the beginning of one that was not written to its end."""
    try:
        json.loads(line)
    except ValueError:
        return True
    return not line.endswith(b"\n")


def _begun(line: bytes) -> bool:
    """Whether a broken first line is that of a log."""
    head, line = json.dumps({"kind": KIND})[:-1].encode(), line.rstrip(b"\r\n")
    return line.startswith(head) or head.startswith(line)


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings as JSON has them; a function, a class or an object by its identity."""
    return json.loads(json.dumps(settings, default=identity))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
