"""What becomes a tensor: an array of one's own, from numbers, lists or arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import kernels as K
from .dtypes import check_dtype
from .errors import DTypeError, ShapeError


def owned(data: Any, dtype: Any = None, op: str = "tensor") -> np.ndarray:
    """A C-contiguous copy of data in native byte order. Python numbers become float32, booleans stay boolean.

    Errors name the op that it is for.

    >>> owned([1, 2]).dtype, owned([True]).dtype, owned(np.array([1, 2])).dtype
    (dtype('float32'), dtype('bool'), dtype('int64'))
    """
    if type(data) is np.ndarray and dtype is None and data.dtype == np.int64 and data.dtype.isnative:
        return data.copy()  # labels, in every step
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
    else:
        try:
            array = np.array(data)
        except ValueError as error:
            raise ShapeError(f"{op}: the nested lists are ragged ({error})") from None
        if dtype is None and array.dtype.kind in "iuf":
            dtype = np.float32
    want = array.dtype if dtype is None else np.dtype(dtype)
    if not want.isnative:
        want = want.newbyteorder("=")
    check_dtype(op, want)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{op}: got an array of {array.dtype}; need numbers")
    own = K.empty(array.shape, want)
    np.copyto(own, array, casting="unsafe")
    return own
