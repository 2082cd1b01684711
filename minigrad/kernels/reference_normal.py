"""Normal random numbers in NumPy, part of reference.py: one uniform number through the normal quantile."""

import numpy as np

from . import philox
from .quantile import normal_quantile


def normal(out, *, key, stream, offset, mean, std):
    """out = mean + std Φ⁻¹((k + ½) 2⁻⁵³), k the upper 53 bits: Wichura's AS 241 in float64, rounded once."""
    k = (philox.double_words(key, stream, offset, out.size) >> np.uint64(11)).astype(np.float64)
    z = normal_quantile((k - 2.0**52 + 0.5) * 2.0**-53)
    np.copyto(out, (mean + std * z).reshape(out.shape), casting="same_kind")
