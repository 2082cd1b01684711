"""Fetch one file over https: bounded in size, checked by its hash, and only then stored."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ...atomic import atomic_write

TIMEOUT = 60  # seconds without an answer
OVERHEAD = 1024  # bytes that gzip may add to what it cannot pack


def fetch_gzip(urls: Iterable[str], path: str | os.PathLike[str], sha256: str, size: int) -> None:
    """Store at `path` the first gzip file found at `urls` that unpacks to `size` bytes with this SHA-256.

    OSError with one line per address if none does. Nothing else is ever stored, not even for a moment.
    """
    failures = []
    for url in urls:
        try:
            content = _download(url, size + OVERHEAD)
            _check(content, sha256, size)
        except (OSError, ValueError) as error:
            failures.append(f"  {url}: {error}")
            continue
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(content)
        return
    raise OSError("\n".join([f"{os.fspath(path)} could not be fetched:", *failures]))


def _download(url: str, limit: int) -> bytes:
    """What an address holds, at most `limit` bytes; https from end to end."""
    import http.client
    import urllib.request

    if not url.startswith("https://"):
        raise ValueError("not an https address")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            if not answer.url.startswith("https://"):
                raise ValueError(f"redirected to {answer.url}, which is not https")
            content: bytes = answer.read(limit + 1)
    except http.client.HTTPException as error:
        raise OSError(f"broken answer: {error!r}") from None
    if len(content) > limit:
        raise ValueError(f"longer than {limit} bytes")
    return content


def _check(content: bytes, sha256: str, size: int) -> None:
    """ValueError unless the content is gzip of `size` bytes with this hash; unpacks at most one byte more."""
    import gzip
    import hashlib
    import io
    import zlib

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(size + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"damaged gzip data: {error}") from None
    found = hashlib.sha256(unpacked).hexdigest()
    if len(unpacked) != size or found != sha256:
        raise ValueError(f"not the expected file: SHA-256 {found}, need {sha256}")
