"""A file is written whole or not at all: into a neighbour that then takes its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write; it becomes `path` when the block ends without an error, else nothing has changed.

    Readers see the old file or the new one. The bytes are on the disk before the name is (fsync).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "a")) as file:
    ...         _ = file.write(b"all of it")
    ...     os.listdir(folder), Path(folder, "a").read_bytes()
    (['a'], b'all of it')
    """
    path = Path(path)
    part = path.with_name(f".{path.name[:200]}.{os.urandom(8).hex()}.part")  # same folder: same file system
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
