"""Hashes of arrays: equal where dtype, shape and bits are, on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from ...engine import Tensor
from ...nn import Module


def digest(array: np.ndarray) -> str:
    """Hash of name-free content: dtype, shape, little-endian bytes in C order, every NaN written one way."""
    array = np.ascontiguousarray(array)
    array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    header = f"{array.dtype.name} {array.shape} ".encode()
    return hashlib.sha256(header + array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def stage_hashes(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """name -> short hash of each array, and `all` -> the full hash over them in order."""
    hashes = {name: digest(array) for name, array in arrays.items()}
    together = hashlib.sha256("".join(f"{name}:{h};" for name, h in hashes.items()).encode()).hexdigest()
    return {**{name: h[:16] for name, h in hashes.items()}, "all": together}


def gradients(model: Module, **inputs: Tensor) -> dict[str, np.ndarray]:
    """name -> gradient, of the inputs and then of the model's parameters."""
    named = [*inputs.items(), *model.named_parameters()]
    return {name: t.grad.data for name, t in named if t.grad is not None}
