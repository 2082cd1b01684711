"""Elements kept and scaled where a bit is set: what dropout does to a tensor."""

from __future__ import annotations

from ... import kernels as K
from ...engine import differentiable


@differentiable(x=lambda g, y, x, *, bits, scale: masked_scale(g, bits=bits, scale=scale))
def masked_scale(x, *, bits, scale):
    """y = x * scale where its bit in bits is set, 0 elsewhere. Linear in x, so its gradient is itself, to any order.

    >>> import minigrad as mg
    >>> import numpy as np
    >>> mg.masked_scale(mg.tensor([1, 2, 3]), bits=np.array([0b101], np.uint8), scale=2.0)
    tensor([2., 0., 6.])
    """
    y = K.empty_like(x)
    K.masked_scale(K.contiguous(x), bits, y, scale=scale)
    return y
