"""A folder of checkpoints: their names, in which order they stand, and a lock, so that one training writes into it."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


NAME = re.compile(r"epoch-(\d+)(?:-batch-(\d+))?\.safetensors")
BEST = "best.safetensors"


def file_name(place: tuple[int, int]) -> str:
    """The name of the checkpoint of a place: epochs done, and batches of the next one.

    >>> file_name((3, 0)), file_name((3, 120))
    ('epoch-0003.safetensors', 'epoch-0004-batch-000120.safetensors')
    """
    epochs, batches = place
    return f"epoch-{epochs + 1:04}-batch-{batches:06}.safetensors" if batches else f"epoch-{epochs:04}.safetensors"


def place_of(name: str) -> tuple[int, int] | None:
    """The place that a checkpoint's name says, None for any other file."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    return (int(found[1]), 0) if found[2] is None else (int(found[1]) - 1, int(found[2]))


def checkpoints(folder: str | os.PathLike[str]) -> list[Path]:
    """The checkpoints in a folder, oldest place first, without the best one; none where there is no folder."""
    path = Path(folder)
    names = os.listdir(path) if path.is_dir() else []
    places = {name: place for name in names if (place := place_of(name)) is not None}
    return [path / name for name in sorted(places, key=lambda name: places[name])]


class Lock:
    """A lock on a folder until the process ends or releases it; ValueError if another training has it.

    Nothing is locked where the system cannot lock folders.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor: int | None = None
        if fcntl is None:
            return
        self._descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise ValueError(
                    f"Checkpoint: another training writes into {folder} now; name another folder, or wait for it"
                ) from None

    def release(self) -> None:
        """Give the folder free."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
