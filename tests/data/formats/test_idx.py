"""idx: every type comes back bit for bit; every other sequence of bytes is a ValueError that names the file."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from minigrad.data import open_idx, read_idx, write_idx
from minigrad.data.formats.idx import parse_idx
from minigrad.errors import DTypeError

DTYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]


def idx(code, shape, content=b""):
    return struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape) + content


SMALL = idx(0x0B, (2, 3), struct.pack(">6h", -1, 2, 300, -400, 5, 6))


@pytest.mark.parametrize("name", ["a", "a.gz"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3, 4), (3, 0, 2)])
def test_round_trip(tmp_path, name, dtype, shape):
    a = (np.arange(np.prod(shape, dtype=int)) - 3).astype(np.int8).astype(dtype).reshape(shape)
    if a.dtype.kind == "f" and a.size > 4:
        a.reshape(-1)[:4] = [np.nan, -0.0, np.inf, 1e-40]
    write_idx(tmp_path / name, a)
    back = read_idx(tmp_path / name)
    assert back.dtype == a.dtype
    assert back.dtype.isnative
    assert back.shape == a.shape
    assert back.tobytes() == a.tobytes()
    back[...] = 0  # the array is the reader's own


def test_layout_in_memory_does_not_show_in_the_file(tmp_path):
    a = np.arange(24, dtype=np.int32).reshape(4, 6)
    for i, same in enumerate((a, np.asfortranarray(a), a[::-1][::-1], a.astype(">i4"))):
        write_idx(tmp_path / str(i), same)
        assert (tmp_path / str(i)).read_bytes() == (tmp_path / "0").read_bytes()
    assert (tmp_path / "0").read_bytes() == idx(0x0C, (4, 6), a.astype(">i4").tobytes())


def test_packed_bytes_are_a_function_of_the_array(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, np.arange(100, dtype=np.uint8))
    content = (tmp_path / "a.gz").read_bytes()
    assert content == (tmp_path / "b.gz").read_bytes()
    assert content[3:8] == b"\0" * 5  # no name, no time


@pytest.mark.parametrize(
    "a", [np.arange(3), np.zeros(2, bool), np.zeros(2, np.float16), np.array(["a"]), np.zeros(1, complex)]
)
def test_other_types_are_refused_and_nothing_is_written(tmp_path, a):
    with pytest.raises(DTypeError, match=f"no type for {a.dtype}"):
        write_idx(tmp_path / "a", a)
    assert not list(tmp_path.iterdir())


NOT_IDX = [
    (b"", "too short: 0 bytes"),
    (b"\0\0\x08", "too short: 3 bytes"),
    (b"\x01\0\x08\x01", "not an IDX file: it begins with 01 00 08 01"),
    (b"PK\x03\x04", "not an IDX file"),
    (idx(0x0A, (1,), b"\0"), "not an IDX file"),
    (idx(0x08, (2, 3))[:11], "ends within its 2 dimensions"),
    (idx(0x08, (3,), b"ab"), "too short: 2 bytes of elements, its header promises 3"),
    (idx(0x08, (3,), b"abcd"), "too long: 4 bytes of elements, its header promises 3"),
    (idx(0x0E, (1,), b"1234567"), "too short: 7 bytes of elements, its header promises 8"),
    (idx(0x08, (1,) * 65, b"a"), "65 dimensions"),
    (idx(0x08, (2**32 - 1,) * 3, b"abc"), "over max_bytes"),
    (idx(0x08, (2**32 - 1, 2**32 - 1, 0)), "over max_bytes"),
    (idx(0x08, (2**30,), b"abc"), "too short: 3 bytes"),
]


@pytest.mark.parametrize(("content", "reason"), NOT_IDX, ids=range(len(NOT_IDX)))
def test_what_is_no_idx_file_says_why(tmp_path, content, reason):
    (tmp_path / "plain").write_bytes(content)
    with pytest.raises(ValueError, match=f"plain: .*{reason}"):
        read_idx(tmp_path / "plain")
    (tmp_path / "packed").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match="packed: "):
        read_idx(tmp_path / "packed")


def test_gzip_damage_says_why(tmp_path):
    packed = gzip.compress(SMALL, mtime=0)
    for content, reason in (
        (packed[:-8] + b"\0\0\0\0" + packed[-4:], "CRC"),
        (packed[:-1], "damaged gzip data"),
        (packed + b"more", "damaged gzip data"),
        (gzip.compress(SMALL + b"x"), "too long"),
        (gzip.compress(SMALL[:-1]), "too short"),
    ):
        (tmp_path / "a.gz").write_bytes(content)
        with pytest.raises(ValueError, match=rf"a\.gz: .*{reason}"):
            read_idx(tmp_path / "a.gz")


def test_missing_files_and_folders_keep_their_own_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "a")
    with pytest.raises(OSError):
        read_idx(tmp_path)


BOMBS = [
    (gzip.compress(idx(0x08, (3,), bytes(50_000_000)), 9), "too long"),  # unpacks to more than its header says
    (gzip.compress(idx(0x08, (1 << 30,), b"abc")), "holds fewer"),  # says more than it can hold
    (gzip.compress(idx(0x08, (30_000_000,), bytes(30_000_000)), 9), "over max_bytes"),  # honest, but too large
]


@pytest.mark.parametrize(("content", "reason"), BOMBS, ids=range(len(BOMBS)))
def test_bombs_are_refused_in_little_memory(content, reason):
    assert len(content) < 60_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=reason):
            parse_idx(content, max_bytes=1 << 31 if "max" not in reason else 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [False, True])
def test_every_truncation_is_an_error(packed):
    content = gzip.compress(SMALL, mtime=0) if packed else SMALL
    for size in range(len(content)):
        with pytest.raises(ValueError):
            parse_idx(content[:size])


def test_every_flipped_bit_of_plain_idx_is_an_error_or_lies_in_an_element():
    right, survived = parse_idx(SMALL), []
    for place, content in flips(SMALL):
        try:
            found = parse_idx(content)
        except ValueError:
            continue
        survived.append(place)
        assert found.shape == right.shape
        assert (found != right).sum() == 1
    assert survived == [place for place in range(12, 24) for _ in range(8)]  # IDX itself has no checksum


def test_every_flipped_bit_of_packed_idx_is_an_error_or_changes_nothing():
    content = gzip.compress(SMALL, mtime=0)
    right, survived = parse_idx(content), set()
    for place, flipped in flips(content):
        try:
            found = parse_idx(flipped)
        except ValueError:
            continue
        np.testing.assert_array_equal(found, right)
        survived.add(place)
    assert survived <= {*range(3, 10), len(content) - 9}  # gzip's header, and what pads the last byte of its data


def flips(content):
    """(place, content with one bit of that byte flipped), for every bit."""
    for place in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            yield place, bytes(flipped)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3, 4), (3, 0, 2)])
def test_open_in_place(tmp_path, dtype, shape):
    a = (np.arange(np.prod(shape, dtype=int)) - 3).astype(np.int8).astype(dtype).reshape(shape)
    write_idx(tmp_path / "a", a)
    for path in (tmp_path / "a", str(tmp_path / "a")):
        mapped = open_idx(path)
        assert isinstance(mapped, np.memmap) and not mapped.flags.writeable and mapped.filename == str(tmp_path / "a")
        assert mapped.dtype.newbyteorder("=") == a.dtype and mapped.shape == shape
        np.testing.assert_array_equal(mapped, read_idx(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "too short: 0 bytes"),
        (b"\0\0\x0b", "too short: 3 bytes"),
        (b"\0\0\x77\1", "not an IDX file"),
        (SMALL[:9], "the header ends"),
        (SMALL[:-1], "too short: 11 bytes of elements, its header promises 12"),
        (SMALL + b"\0", "too long: 13 bytes"),
        (gzip.compress(SMALL), "it is gzipped; unpack it, gunzip --keep FILE, or read it into memory: read_idx"),
        (idx(0x08, (4_000_000_000, 4_000_000_000, 4_000_000_000)), "over max_bytes"),
        (idx(0x08, (4_000_000_000, 1_000_000_000)), "too short: 0 bytes of elements"),
    ],
)
def test_what_is_not_opened(tmp_path, content, words):
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(ValueError, match=f"wrong: .*{words}"):
        open_idx(tmp_path / "wrong")


def test_nothing_to_open(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_idx(tmp_path / "none")
