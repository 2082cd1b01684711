"""The digits in the package: 1,797 handwritten digits of 8x8 pixels, enough for every example without a download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...checks import real_dtype
from ..dataset import Dataset
from ..formats.idx import read_idx

FILE = Path(__file__).parent.parent / "files" / "digits.idx.gz"  # (1797, 65) uint8: 64 pixels of 0 to 16, the label


def load_digits(dtype: Any = "float32", flat: bool = True) -> Dataset:
    """x (1797, 64), or (1797, 1, 8, 8) if not flat: pixel / 16, in [0, 1], exact; y (1797,) int64, the digit 0 to 9.

    The test set of Alpaydin and Kaynak (1998), as scikit-learn ships it; origin and licence: files/digits.md.

    >>> x, y = load_digits()
    >>> x.shape, x.dtype, float(x.max()), y[:5].tolist()
    ((1797, 64), dtype('float32'), 1.0, [0, 1, 2, 3, 4])
    """
    table = read_idx(FILE)
    x = table[:, :64].astype(real_dtype(dtype, "load_digits: dtype")) / 16
    return Dataset(x if flat else x.reshape(-1, 1, 8, 8), table[:, 64].astype(np.int64))
