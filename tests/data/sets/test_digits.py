"""digits: the bundled bytes are the published numbers."""

import gzip
import hashlib

import numpy as np
import pytest

from minigrad.data import load_digits
from minigrad.data.sets.digits import FILE
from minigrad.errors import DTypeError

CONTENT = "4af6f3417d7865cd8b5dbd03a9e4f16e8ef14c0f4c336c712afa1421a4f382a9"


def test_the_file_is_small_and_its_page_names_its_hash_author_and_licence():
    assert FILE.stat().st_size <= 60_000
    assert hashlib.sha256(gzip.decompress(FILE.read_bytes())).hexdigest() == CONTENT
    page = FILE.with_name("digits.md").read_text(encoding="utf-8")
    for fact in (CONTENT, "Alpaydin", "Kaynak", "1998", "10.24432/C50P49", "CC BY 4.0"):
        assert fact in page


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_digits_are_those_of_scikit_learn(dtype):
    x, y = load_digits(dtype)
    assert x.shape == (1797, 64)
    assert x.dtype == dtype
    assert y.dtype == np.int64
    datasets = pytest.importorskip("sklearn.datasets", reason="needs the extra sklearn")
    original = datasets.load_digits()
    np.testing.assert_array_equal(x * 16, original.data)
    np.testing.assert_array_equal(y, original.target)


def test_digits_without_scikit_learn():
    x, y = load_digits()
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert int((x * 16).sum(dtype=np.float64)) == 561718
    np.testing.assert_array_equal(load_digits(flat=False).x.reshape(1797, 64), x)
    assert load_digits(flat=False).x.shape == (1797, 1, 8, 8)


def test_each_call_gives_arrays_of_its_own():
    load_digits().x[:] = 5
    assert load_digits().x.max() == 1
    with pytest.raises(DTypeError, match="int8"):
        load_digits("int8")
