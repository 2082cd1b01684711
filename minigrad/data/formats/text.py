"""The text of a data file: plain or gzipped, in a named encoding; what is no text is refused with what would do."""

from __future__ import annotations

import os
from pathlib import Path

MOST = 1 << 31  # bytes that a gzipped file may unpack to
LOOKED = 1 << 16  # bytes at the beginning that tell what a file is

# What a file of bytes begins with that is no table of text -> what it is, and what to do.
OTHERS = {
    b"PK\x03\x04": ("a workbook (xlsx, ods) or a zip archive", "save the sheet as CSV, or unpack the archive"),
    b"\xd0\xcf\x11\xe0": ("a workbook (xls)", "save the sheet as CSV"),
    b"BZh": ("packed by bzip2", "unpack it, or pack it by gzip"),
    b"\xfd7zXZ": ("packed by xz", "unpack it, or pack it by gzip"),
    b"(\xb5/\xfd": ("packed by zstd", "unpack it, or pack it by gzip"),
    b"PAR1": ("a Parquet file", "save it as CSV; pandas: read_parquet, then to_csv(index=False)"),
    b"ARROW1": ("a Feather file", "save it as CSV; pandas: read_feather, then to_csv(index=False)"),
    b"\x89HDF": ("an HDF5 file", "save the table as CSV"),
    b"\x93NUMPY": ("an array of NumPy", "load it by numpy.load, and call selection.cross_validate in Python"),
    b"$FL2": ("an SPSS file", "save it as CSV"),
    b"<stata_dta>": ("a Stata file", "save it as CSV"),
    b"%PDF": ("a PDF file", "save the table as CSV"),
    b"RDX": ("an R data file", "save the table by write.csv"),
    b"X\n\0\0\0": ("an R data file", "save the table by write.csv"),
    b"\x80\x04\x95": ("a pickle", "load it in Python, which runs what it says, and save the table as CSV"),
}
MARKED = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}  # byte order marks


def read_text(path: str | os.PathLike[str], encoding: str = "utf-8") -> str:
    """The text of a file, plain or gzipped (told by content), with \\n at the end of each line and no mark in front.

    A byte order mark, where there is one, decides between UTF-8 and UTF-16; else `encoding` does, by a name of Python's
    codecs. ValueError, with file, line and cure, for a workbook, an archive, a NUL byte, a byte that the encoding does
    not have, damaged gzip data, or gzip data of more than 2 GiB.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_bytes("a,b\\r\\nä,1".encode("cp1252"))
    ...     read_text(Path(folder, "a.csv"), "cp1252")
    'a,b\\nä,1'
    """
    return text_of(os.fspath(path), Path(path).read_bytes(), encoding)


def text_of(name: str, data: bytes, encoding: str = "utf-8") -> str:
    """The same of bytes that have been read; `name` stands in the errors."""
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(name, data)
    _refuse_others(name, data)
    marked = next((kind for mark, kind in MARKED.items() if data.startswith(mark)), None)
    if marked != "utf-16" and b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise ValueError(f"{name}:{line}: a NUL byte; need text in UTF-8")
    return _decoded(name, data, marked or encoding).replace("\r\n", "\n").replace("\r", "\n")


def _unpacked(name: str, data: bytes) -> bytes:
    import gzip
    import io
    import zlib

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(MOST + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{name}: damaged gzip data: {error}") from None
    if len(text) > MOST:
        raise ValueError(f"{name}: it unpacks to more than {MOST:,} bytes; unpack it, and take a part of the rows")
    return text


def _refuse_others(name: str, data: bytes) -> None:
    bytes_of_no_text = any(byte in data[:LOOKED] for byte in range(7))  # a text may begin with BZh or PAR1, too
    for start, (kind, cure) in OTHERS.items():
        if data.startswith(start) and bytes_of_no_text:
            raise ValueError(f"{name}: this is {kind}, not a table of text: {cure}")
    head = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ValueError(f"{name}: this is a page or a document in XML, not a table of text: download the file itself")
    if head.startswith((b"{", b"[{", b"[[")):
        raise ValueError(f"{name}: this is JSON, not a table of text: save it as CSV; pandas: read_json, then to_csv")
    if head.startswith(b"@relation"):
        raise ValueError(f"{name}: this is an ARFF file: delete the lines above its data, and write a header of names")


def _decoded(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError:
        raise ValueError(f"read_csv: the encoding {encoding!r} is not known; utf-8, cp1252 and latin-1 are") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = "UTF-8" if encoding in ("utf-8", "utf-8-sig") else encoding
        cure = "save the file as UTF-8, or name its encoding: encoding='cp1252' (command line: --encoding cp1252)"
        raise ValueError(f"{name}:{line}: byte {data[error.start]:#x} is not {what}; {cure}") from None
