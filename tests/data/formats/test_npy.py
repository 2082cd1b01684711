"""npy: what numpy.save wrote, in place; every other file is an error that names it."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from minigrad.data import open_npy
from minigrad.errors import DTypeError


def npy(array, version=None, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version, **options)
    return file.getvalue()


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("dtype", ["float32", ">f8", "uint8", ">i2", "bool", "uint64"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3, 4), (3, 0, 2)])
def test_arrays_in_place(tmp_path, dtype, shape, version):
    a = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)
    (tmp_path / "a.npy").write_bytes(npy(a, version))
    for path in (tmp_path / "a.npy", str(tmp_path / "a.npy")):
        mapped = open_npy(path)
        assert isinstance(mapped, np.memmap) and not mapped.flags.writeable and mapped.filename == str(path)
        assert (mapped.dtype, mapped.shape) == (a.dtype, a.shape)
        np.testing.assert_array_equal(mapped, a)


SMALL = npy(np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", ValueError, "not an NPY file: it begins with , not"),
        (b"\x93NUM", ValueError, "not an NPY file: it begins with 93 4e 55 4d"),
        (b"PK\x03\x04rest", ValueError, r"an archive of arrays \(.npz\); take one out"),
        (pickle.dumps([1.0]), ValueError, "not an NPY file"),
        (SMALL[:20], ValueError, "damaged NPY header"),
        (SMALL.replace(b"'shape'", b"'shade'"), ValueError, "damaged NPY header"),
        (SMALL.replace(b"(2, 3)", b"(((((("), ValueError, "damaged NPY header"),
        (SMALL.replace(b"(2, 3)", b"(-2,-3)").replace(b" \n", b"\n"), ValueError, "damaged NPY header: shape is"),
        (SMALL.replace(b"<f8", b"<q9"), ValueError, "damaged NPY header"),
        (SMALL[:-1], ValueError, r"too short: 175 bytes; its header promises \(2, 3\) float64, 176 bytes"),
        (SMALL + b"0", ValueError, "too long: 177 bytes"),
        (npy(np.asfortranarray(np.ones((2, 3)))), ValueError, r"Fortran order.*np\.ascontiguousarray"),
        (npy(np.ones(2, [("a", "f4")])), DTypeError, "need real numbers"),
        (npy(np.ones(2, [("\u20ac", "f4")]), (3, 0)), ValueError, "NPY version 3.0 is for records"),
        (npy(np.array([None]), allow_pickle=True), DTypeError, "is object"),
        (npy(np.array(["a"])), DTypeError, "is <U1"),
        (npy(np.ones(2, np.float16)), DTypeError, "is float16"),
    ],
)
def test_what_is_not_opened(tmp_path, content, error, words):
    (tmp_path / "wrong.npy").write_bytes(content)
    with pytest.raises(error, match=f"wrong.npy.*{words}"):
        open_npy(tmp_path / "wrong.npy")


def test_every_cut_is_noticed(tmp_path):
    for length in range(len(SMALL)):
        (tmp_path / "cut.npy").write_bytes(SMALL[:length])
        with pytest.raises(ValueError, match=r"cut\.npy"):
            open_npy(tmp_path / "cut.npy")


def test_other_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", SMALL)
    with pytest.raises(ValueError, match="archive"):
        open_npy(tmp_path / "x.npz")
    with pytest.raises(FileNotFoundError):
        open_npy(tmp_path / "none.npy")
    np.save(tmp_path / "column.npy", np.asfortranarray(np.ones((3, 1))))
    assert open_npy(tmp_path / "column.npy").shape == (3, 1)
