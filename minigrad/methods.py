"""The methods of Tensor beyond the core's list in tensor.py: one line for each, by family."""

from __future__ import annotations

from typing import Any

from .ops.extremes import all, amax, amin, any, argmin, count_nonzero, max, min
from .ops.norms import norm
from .ops.statistics import cumsum, logsumexp, prod, std, var
from .tensor import attach

METHODS: dict[str, Any] = {
    # extremes and statistics
    "max": max, "min": min, "amax": amax, "amin": amin, "argmin": argmin, "any": any, "all": all,
    "count_nonzero": count_nonzero, "prod": prod, "cumsum": cumsum, "var": var, "std": std, "logsumexp": logsumexp,
    "norm": norm,
}  # fmt: skip

attach(METHODS)
