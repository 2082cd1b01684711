"""Text of a file: gzip and byte order marks are honoured, encodings named, and what is no table is told by its kind."""

import gzip

import pytest

from minigrad.data.formats import text
from minigrad.data.formats.text import read_text

PLAIN = "a,b\nä,1\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-be").join([b"\xfe\xff", b""]),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        gzip.compress(PLAIN.encode()),
        gzip.compress(PLAIN.encode("utf-8-sig")),
    ],
)
def test_one_text(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert read_text(path) == PLAIN


def test_encodings_by_name(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(PLAIN.encode("cp1252"))
    assert read_text(path, "cp1252") == read_text(path, "latin-1") == PLAIN
    with pytest.raises(ValueError, match=r"t\.csv:2: byte 0xe4 is not UTF-8; .*--encoding cp1252"):
        read_text(path)
    with pytest.raises(ValueError, match="the encoding 'klingon' is not known; utf-8, cp1252"):
        read_text(path, "klingon")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04\x14\0", "a workbook .* save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "a workbook"),
        (b"PAR1\x15\0", "a Parquet file, .*to_csv"),
        (b"\x93NUMPY\x01\0", "an array of NumPy, .*numpy.load"),
        (b"BZh91AY&SY\0\1\2", "packed by bzip2, .*unpack it"),
        (gzip.compress(b"RDX3\nX\n\0\0\0\3"), "an R data file, .*write.csv"),
        (b"<!DOCTYPE html>\n<html>", "a page .*download the file itself"),
        (b'{"a": [1, 2]}', "JSON"),
        (b"@RELATION iris\n", "an ARFF file"),
        (b"a,b\n1,\0\n", r":2: a NUL byte"),
        (gzip.compress(PLAIN.encode())[:-9], "damaged gzip data"),
    ],
)
def test_what_is_no_table(tmp_path, content, what):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"t\.csv.*{what}"):
        read_text(path)


def test_text_that_begins_as_other_files_do(tmp_path):
    path = tmp_path / "t.csv"
    for first in ("PAR1,PAR2", "BZh,y", "RDX,y", "ARROW1,y", "X\n1"):
        path.write_text(first)
        assert read_text(path) == first


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "MOST", 1000)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"1" * 1001))
    with pytest.raises(ValueError, match="unpacks to more than 1,000 bytes"):
        read_text(path)
    path.write_bytes(gzip.compress(b"1" * 1000))
    assert len(read_text(path)) == 1000
