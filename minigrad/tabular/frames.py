"""DataFrames, of pandas or what is like it, as files: what a table is read from."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def is_frame(data: Any) -> bool:
    """Whether it is a DataFrame: it has columns and writes itself as CSV."""
    return hasattr(data, "columns") and callable(getattr(data, "to_csv", None))


@contextmanager
def as_file(frame: Any) -> Iterator[Path]:
    """A CSV file with the rows of a DataFrame, without its index; it goes at the end of the block."""
    handle, path = tempfile.mkstemp(suffix=".csv")
    os.close(handle)
    try:
        frame.to_csv(path, index=False)
        yield Path(path)
    finally:
        os.unlink(path)
