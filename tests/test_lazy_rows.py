"""lazy_rows: the rows of an array, whatever lies under it, cast and checked as they are taken."""

import copy
import mmap
import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from minigrad.data import Loader, Standardizer, open_npy
from minigrad.errors import DTypeError, NonFiniteError, ShapeError
from minigrad.lazy_rows import LazyRows, find_map, is_lazy, lazy

DTYPES = [
    "float32",
    "float64",
    ">f4",
    ">f8",
    "uint8",
    "bool",
    "int8",
    ">i2",
    "uint16",
    ">i4",
    "uint32",
    "int64",
    "uint64",
]


@pytest.fixture
def numbers(rng):
    return rng.integers(0, 100, (50, 6))


def stored(folder, array):
    np.save(folder / "x.npy", array)
    return np.load(folder / "x.npy", mmap_mode="r")


LAYOUTS = {
    "whole": lambda x: x,
    "part": lambda x: x[7:41],
    "columns": lambda x: x[:, 1:4],
    "every other": lambda x: x[::2, ::2],
    "backwards": lambda x: x[::-1],
    "transposed": lambda x: x.T,
    "images": lambda x: x.reshape(50, 1, 2, 3),
    "one column": lambda x: x[:, 2],
    "plain": lambda x: np.asarray(x)[3:],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_are_those_of_the_array(backend, tmp_path, numbers, dtype, layout):
    mapped = LAYOUTS[layout](stored(tmp_path, (numbers - 5 * (np.dtype(dtype).kind == "f")).astype(dtype)))
    assert is_lazy(mapped) and not is_lazy(np.array(mapped))
    for wanted in (None, "float32", "float64"):
        rows = LazyRows(mapped, wanted)
        right = np.array(mapped).astype(rows.dtype)
        assert rows.shape == right.shape and (rows.ndim, rows.size, len(rows)) == (right.ndim, right.size, len(right))
        assert rows.dtype.isnative and (wanted is None or rows.dtype == wanted)
        for index in (
            slice(3),
            slice(2, 4),
            slice(None, None, -2),
            slice(2, 2),
            np.array([2, 0, 2, -1]),
            [1],
            np.array([], np.int64),
            np.arange(len(right)) % 3 == 0,
        ):
            taken = rows[index]
            assert type(taken) is np.ndarray and taken.dtype == rows.dtype
            assert taken.flags.c_contiguous and taken.flags.aligned
            np.testing.assert_array_equal(taken, right[index])
        np.testing.assert_array_equal(rows[-1], right[-1])
        np.testing.assert_array_equal(list(rows), right)
        np.testing.assert_array_equal(np.asarray(rows), right)


def test_bytes_at_odd_places(tmp_path, numbers):
    (tmp_path / "raw").write_bytes(b"abc" + numbers.astype(np.float64).tobytes())
    mapped = np.memmap(tmp_path / "raw", np.float64, "r", 3, numbers.shape)
    assert not mapped.flags.aligned
    batches = list(Loader(mapped, np.arange(50), 8, shuffle=False))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), numbers)


def test_memory_maps_of_other_kinds(tmp_path, numbers):
    x = numbers.astype(np.float32)
    (tmp_path / "raw").write_bytes(x.tobytes())
    with open(tmp_path / "raw", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as map_:
        rows = LazyRows(np.frombuffer(map_, np.float32).reshape(x.shape))
        assert rows.file is not None and rows.file.path is None
        np.testing.assert_array_equal(rows[:], x)
        twin = pickle.loads(pickle.dumps(rows))  # a map without a name is kept by its numbers
        np.testing.assert_array_equal(twin[:], x)
        assert twin.file is None
        del rows
    assert find_map(x) is None and find_map([1.0]) is None and find_map(stored(tmp_path, x) * 2) is None


@pytest.mark.parametrize("index", [[50], [-51], 50, -51, [0.5], [[1]], [True], "a", None])
def test_indices_that_are_none(numbers, index):
    with pytest.raises((IndexError, TypeError, ValueError)):
        LazyRows(numbers)[index]


def test_numbers_that_are_not_finite_are_named_by_their_row(tmp_path):
    x = np.ones((40, 2, 3))
    x[33, 1, 2] = np.nan
    x[35, 0, 0] = 1e39
    rows = LazyRows(stored(tmp_path, x))
    assert rows[:33].all()
    for index in (slice(30, 36), [1, 33], 33):
        with pytest.raises(NonFiniteError, match="x: row 33, column 1, 2 is nan; fill or drop"):
            rows[index]
    with pytest.raises(NonFiniteError, match=r"x: row 35, column 0, 0 is 1e\+39, too large for float32"):
        rows.astype("float32")[34:]
    passed = LazyRows(x, "float32", finite=False)[30:]
    assert np.isnan(passed[3, 1, 2]) and np.isinf(passed[5, 0, 0])


def test_integers_that_int64_does_not_hold():
    x = np.zeros((9, 1), np.uint64)
    x[7] = 2**64 - 1
    assert LazyRows(x)[:7].dtype == np.int64
    with pytest.raises(DTypeError, match="x is uint64 and holds 18446744073709551615"):
        LazyRows(x)[5:]


def test_rows_are_prepared_as_they_are_read(backend, tmp_path, numbers):
    pixels = stored(tmp_path, numbers.astype(">i2"))
    seen = []

    def scaled(rows):
        seen.append(len(rows))
        assert rows.dtype.isnative and not rows.flags.writeable
        return rows.reshape(-1, 1, 2, 3) / np.float32(255)

    rows = LazyRows(pixels, prepare=scaled)
    assert seen == [1] and rows.shape == (50, 1, 2, 3) and rows.dtype == np.float32
    np.testing.assert_array_equal(rows[[4, 3]], rows[:][[4, 3]])
    np.testing.assert_array_equal(rows[:].reshape(50, 6), numbers.astype(np.float32) / np.float32(255))
    scale = Standardizer(np.asarray(pixels))
    np.testing.assert_array_equal(LazyRows(pixels, prepare=scale)[10:20], scale(np.asarray(pixels))[10:20])


@pytest.mark.parametrize(
    ("prepare", "error", "words"),
    [
        (lambda rows: rows[:1].sum(), ShapeError, r"prepare made \(\) of \(1, 6\)"),
        (lambda rows: rows[:0], ShapeError, r"x: prepare made \(0, 6\) of \(1, 6\); need a row for each row"),
        (lambda rows: rows.astype(str), DTypeError, "x: what prepare returned is <U"),
        (lambda rows: rows.astype(np.float16), DTypeError, "float16"),
        (np.float32, TypeError, "prepare is <class 'numpy.float32'>; need a function"),
        (3, TypeError, "prepare is 3"),
    ],
)
def test_what_prepare_makes_is_checked(numbers, prepare, error, words):
    with pytest.raises(error, match=words):
        LazyRows(numbers, prepare=prepare)


def test_prepare_makes_rows_of_one_shape(numbers):
    rows = LazyRows(numbers, prepare=lambda rows: rows[:, : len(rows)])
    with pytest.raises(ShapeError, match=r"prepare made \(3, 3\) of \(3, 6\)"):
        rows[:3]


def test_what_makes_no_rows():
    for array, error, words in [
        (3.0, ShapeError, "a single number"),
        (np.ones(2, complex), DTypeError, "x is complex128"),
        (LazyRows(np.ones(2)), TypeError, "LazyRows already"),
    ]:
        with pytest.raises(error, match=words):
            LazyRows(array)
    with pytest.raises(DTypeError, match="LazyRows: dtype is int8"):
        LazyRows(np.ones(2), "int8")
    with pytest.raises(ValueError, match="copy=False forbids"):
        LazyRows(np.ones(2)).__array__(copy=False)
    assert np.asarray(LazyRows(np.ones(2)), np.float32).dtype == np.float32
    assert "LazyRows((2,) float64)" in repr(LazyRows(np.ones(2)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not cut a file that is mapped")
def test_a_file_that_was_cut_is_named(tmp_path, numbers):
    """Reading beyond its end would end the process by SIGBUS."""
    mapped = stored(tmp_path, np.ones((3000, 60), np.float32))
    loader = Loader(mapped[1000:], np.arange(2000), 100)
    plain = LazyRows(np.asarray(mapped))
    batches = iter(loader)
    next(batches)
    os.truncate(tmp_path / "x.npy", 500_000)
    for act in (
        lambda: next(batches),
        lambda: next(iter(loader)),
        lambda: plain[:2],
        lambda: Loader(mapped, mapped, 9),
    ):
        with pytest.raises(ValueError, match=r"file .*x\.npy has 500000 bytes, and had at least 720128"):
            act()
    with pytest.raises(ValueError, match="it was cut"):
        pickle.loads(pickle.dumps(loader))


def test_a_file_that_was_replaced_is_still_there(tmp_path):
    mapped = stored(tmp_path, np.ones((3000, 60), np.float32))
    if sys.platform != "win32":
        os.replace(tmp_path / "x.npy", tmp_path / "y.npy")
        np.save(tmp_path / "x.npy", np.zeros(3))
    assert all(x.all() for x, _ in Loader(mapped, np.arange(3000), 100))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pickles_keep_the_name_of_the_file(tmp_path, layout):
    numbers = np.arange(300.0).reshape(50, 6).astype(">f4")
    mapped = LAYOUTS[layout](stored(tmp_path, np.tile(numbers, (1, 1))))
    loader = Loader(mapped, np.arange(len(mapped)), 7, seed=2)
    packed = pickle.dumps(loader.x)
    assert len(packed) < 1000 and b"x.npy" in packed
    twin = pickle.loads(pickle.dumps(loader))
    assert twin.x.file is not None
    for a, b in zip(loader, twin):
        np.testing.assert_array_equal(a.x, b.x)
    if layout != "backwards":
        return
    program = f"import pickle, sys; print(pickle.loads(bytes.fromhex({packed.hex()!r}))[:].sum())"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(found.stdout) == np.asarray(mapped, np.float32).sum()
    if sys.platform != "win32":
        (tmp_path / "x.npy").rename(tmp_path / "z.npy")
        with pytest.raises(FileNotFoundError, match=r"x\.npy"):
            pickle.loads(packed)


def test_what_was_written_into_a_private_map_is_pickled(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    private = np.load(tmp_path / "x.npy", mmap_mode="c")
    private[:] = 7
    assert pickle.loads(pickle.dumps(LazyRows(private)))[:].all()
    shared = np.load(tmp_path / "x.npy", mmap_mode="r+")
    shared[:] = 8
    assert pickle.loads(pickle.dumps(LazyRows(shared)))[:].all()


def test_copies_share_the_array(tmp_path, numbers):
    loader = Loader(stored(tmp_path, numbers), np.arange(50), 7)
    for twin in (copy.copy(loader), copy.deepcopy(loader)):
        assert twin.x is loader.x
        assert [x.tolist() for x, _ in twin] == [x.tolist() for x, _ in copy.copy(loader)]
    assert lazy(loader.x, "validation x").name == "validation x" and loader.x.name == "x"


@pytest.mark.skipif(sys.platform == "win32", reason="needs files with holes")
def test_a_loader_of_a_large_file_copies_nothing(tmp_path):
    """1 GB, all of it a hole in the file: what is allocated are the order of the rows and the batches."""
    n = 320_000
    with open(tmp_path / "x.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (n, 400)})
        file.truncate(file.tell() + n * 400 * 8)
    tracemalloc.start()
    loader = Loader(open_npy(tmp_path / "x.npy"), np.zeros(n, np.uint8), 64, dtype="float32")
    made = tracemalloc.get_traced_memory()[1]
    batches = iter(loader)
    for _ in range(5):
        assert next(batches).x.dtype == np.float32
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made < 16 * n  # y, as int64
    assert peak < 100 * n + 2_000_000  # y, and what the order is made of: 48 bytes a row, or 92 on reference kernels
