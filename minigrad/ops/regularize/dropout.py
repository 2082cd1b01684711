"""Dropout: an element is dropped or kept by its own bit of a random stream."""

from __future__ import annotations

import numpy as np

from ... import kernels as K
from ...engine import differentiable
from ..elementwise.mask import masked_scale


@differentiable(x=lambda g, y, x, *, p, key, stream, offset, scale: masked_scale(g, bits=y.saved, scale=scale))
def dropout(x, *, p, key, stream, offset=0, scale):
    """y = x * scale where kept, 0 where dropped; element i is kept if 16 bits of (key, stream, offset + i) >= 65536 p.

    The mask depends on nothing else, such as values, dtype, layout or threads. Backward needs one bit per element.
    ValueError for a p outside [0, 1].

    >>> import minigrad as mg
    >>> mg.dropout(mg.tensor([1, 2, 3, 4]), p=0.5, key=0, stream=1, scale=2.0)
    tensor([0., 4., 0., 0.])
    """
    y = K.empty_like(x)
    bits = K.empty(((x.size + 7) // 8,), np.uint8)
    K.dropout(K.contiguous(x), y, bits, key=key, stream=stream, offset=offset, p=p, scale=scale)
    return y, bits
