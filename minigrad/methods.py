"""The methods of Tensor beyond the core's list in tensor.py: one line for each, by family."""

from __future__ import annotations

from typing import Any

from .ops.arrange import as_one, expand, expand_as, flatten, movedim, repeat, squeeze, swapaxes, t, tile, unsqueeze
from .ops.getitem import getitem
from .ops.indexing import gather, index_select, masked_select, scatter_add, take_along_dim
from .ops.pieces import chunk, diag, flip, narrow, roll, rows, select, split, tril, triu, unbind
from .tensor import attach

METHODS: dict[str, Any] = {
    # dimensions
    "flatten": flatten, "unsqueeze": unsqueeze, "squeeze": squeeze, "t": t, "swapaxes": swapaxes, "movedim": movedim,
    "expand": expand, "expand_as": expand_as, "repeat": repeat, "tile": lambda t, *dims: tile(t, as_one(dims)),
    # pieces
    "narrow": narrow, "select": select, "flip": lambda t, *dims: flip(t, as_one(dims)), "split": split, "chunk": chunk,
    "unbind": unbind, "__iter__": rows, "roll": roll, "diag": diag, "tril": tril, "triu": triu,
    # indexing
    "__getitem__": getitem, "gather": gather, "scatter_add": scatter_add, "index_select": index_select,
    "take_along_dim": take_along_dim, "masked_select": masked_select,
}  # fmt: skip

attach(METHODS)
