"""The dtypes of tensors."""

from __future__ import annotations

import numpy as np

from .errors import DTypeError

REAL = (np.dtype(np.float32), np.dtype(np.float64))
DTYPES = (*REAL, np.dtype(np.int64), np.dtype(np.int32), np.dtype(np.uint8), np.dtype(np.bool_))


def check_dtype(op: str, dtype: np.dtype) -> None:
    """Refuse the dtypes that no tensor has."""
    if dtype not in DTYPES:
        raise DTypeError(f"{op}: dtype {dtype} is not taken; need one of {', '.join(map(str, DTYPES))}")
