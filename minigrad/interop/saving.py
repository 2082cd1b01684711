"""Keep models and tensors: `save` writes a file, `load` gives its arrays back, bit for bit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..engine import Tensor
from .header import METADATA
from .safetensors import OWN, Loaded, read, write

MAX_DEPTH = 100  # mappings in mappings


def save(path: str | os.PathLike[str], what: Any, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a model, or a mapping of names to tensors, to a safetensors file, whole or not at all.

    `what`: a module or anything with a state_dict() of arrays; or a mapping whose values are tensors, arrays, numbers,
    modules, or mappings again: {"model": model, "step": 3} becomes `model.0.weight`, ..., `step`. Every bit is kept:
    dtype, shape, NaN payloads, -0.0. Python's floats become float64, whole numbers int64. `metadata` is text kept
    beside the tensors, which minigrad.load gives as `.metadata`; counters and histories go in by interop.pack_json.

    A symbolic link is followed, permissions of an old file are kept; a crash, a kill or a full disk leave the old file.
    The file also carries a SHA-256 of itself; interop/safetensors.py has the format and the formula.

    TypeError or ValueError, naming the entry, for what is no array, a dtype that safetensors does not have (float128,
    complex128, objects), or a name that stands for two tensors; OSError if the file cannot be written.

    >>> import tempfile
    >>> import minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.ReLU())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.save(f"{folder}/model.safetensors", model, metadata={"data": "houses"})
    ...     state = mg.load(f"{folder}/model.safetensors")
    >>> model.load_state_dict(state), state.metadata
    (([], []), {'data': 'houses'})
    """
    if not isinstance(what, Mapping) and not callable(getattr(what, "state_dict", None)):
        turned = "; the order is save(path, what)" if not isinstance(path, (str, os.PathLike)) else ""
        raise TypeError(f"save: got a {type(what).__name__}; need a module or a mapping of names to tensors{turned}")
    arrays: dict[str, np.ndarray] = {}
    for name, array in _entries(what, "", 0):
        if name in arrays:
            raise ValueError(f"save: two entries have the name {name!r:.99}; need a name for each")
        arrays[name] = array
    write(path, arrays, _text(metadata))


def load(path: str | os.PathLike[str], *, mmap: bool = False, verify: bool | None = None) -> Loaded:
    """The arrays in a safetensors file, name -> NumPy array in the file's order, for `model.load_state_dict`.

    What comes back is a dictionary with `.metadata` (the text saved beside the arrays), `.verified` (whether the digest
    was compared) and `.part("model")` (the arrays below a name). Files of other programs load too. BF16 becomes
    float32, exactly; the eight-bit and smaller floats that NumPy does not have are refused.

    `mmap=True` checks the header and maps the numbers into memory, read-only, as they are used: for files larger than
    memory. They must not be cut meanwhile (minigrad.save never does: it replaces files). `verify=None` compares the
    digest if the file has one, unless mmap; `verify=True` compares it in any case, and needs one; `verify=False` never.

    ValueError, naming file and reason, if it is no safetensors file, was cut, or has changed since it was written.
    Nothing is executed, and memory is bounded by a few times the file's size, whatever it says.

    >>> import tempfile
    >>> import minigrad as mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.save(f"{folder}/a.safetensors", {"x": np.arange(3), "step": 7})
    ...     mg.load(f"{folder}/a.safetensors")["x"]
    array([0, 1, 2])
    """
    return read(path, mmap, verify)


def _entries(what: Any, path: str, depth: int) -> Iterator[tuple[str, np.ndarray]]:
    """Name and array of everything below `path`, whose name is empty at the top."""
    if callable(getattr(what, "state_dict", None)):
        what = what.state_dict()
    if not isinstance(what, Mapping):
        yield path, _array(what, path)
        return
    if depth > MAX_DEPTH:
        raise ValueError(f"save: {path:.99} has more than {MAX_DEPTH} levels")
    for key, item in what.items():
        if not isinstance(key, str):
            raise TypeError(f"save: {path or 'the mapping'} has the key {key!r:.99}; need strings")
        name = f"{path}.{key}" if depth else key
        _check_text(name, "the name")
        if name == METADATA:
            raise ValueError(f"save: the name {METADATA!r} is taken by the format; need another")
        yield from _entries(item, name, depth + 1)


def _array(value: Any, name: str) -> np.ndarray:
    if isinstance(value, Tensor):
        return value.array
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"save: {name!r:.99} is a masked array, whose mask would be lost; save .filled() and the mask")
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if isinstance(value, (bool, float)):
        return np.array(value, np.bool_ if isinstance(value, bool) else np.float64)
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return np.array(value, np.int64)
    raise TypeError(
        f"save: {name!r:.99} is a {type(value).__name__}; need a tensor, an array, a number below 2^63, or "
        "a mapping (for text: metadata, for lists and settings: interop.pack_json)"
    )


def _text(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """The metadata, checked; a copy."""
    given = {} if metadata is None else metadata
    if not isinstance(given, Mapping):
        raise TypeError(f"save: metadata is a {type(given).__name__}; need a mapping of names to strings")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"save: metadata has {key!r:.99}: {value!r:.99}; need strings (str(...), json.dumps(...))")
        _check_text(key, "metadata")
        _check_text(value, "metadata")
        if key.startswith(OWN):
            raise ValueError(f"save: metadata has {key!r:.99}; names that begin with {OWN!r} are minigrad's own")
    return dict(given)


def _check_text(text: str, what: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"save: {what} {text!r:.99} is no text: {error.reason}") from None
