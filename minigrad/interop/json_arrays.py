"""Counters, histories and settings as JSON in a uint8 array, so that a file of tensors can hold them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..errors import DTypeError

MAX_DEPTH = 100  # lists in lists


def pack_json(value: Any) -> np.ndarray:
    """A uint8 array, one-dimensional, with `value` as JSON in ASCII; unpack_json gives the value back, exactly.

    Taken are None, booleans, whole numbers of any size that Python prints (4300 digits), floats with every bit (NaN
    without its payload, inf and -0.0 too: NaN and Infinity, which Python's JSON knows and strict JSON does not),
    strings, lists, and dictionaries with strings for keys. Tuples come back as lists, NumPy's numbers as Python's.
    TypeError for anything else, ValueError for more than 100 levels.

    >>> history = {"epoch": 3, "loss": [0.5, float("inf"), -0.0]}
    >>> unpack_json(pack_json(history))
    {'epoch': 3, 'loss': [0.5, inf, -0.0]}
    """
    text = json.dumps(_plain(value, "the value", 0), separators=(",", ":"))
    return np.frombuffer(text.encode("ascii"), np.uint8).copy()


def unpack_json(array: Any, name: str = "unpack_json") -> Any:
    """What pack_json was given, from its array or a tensor of it; `name` stands in the errors.

    Nothing is executed. DTypeError unless the array is uint8, ValueError unless it holds JSON with each key once.
    """
    array = np.asarray(array)
    if array.dtype != np.uint8 or array.ndim != 1:
        raise DTypeError(f"{name}: got {array.dtype} {array.shape}; need uint8 with one axis, as pack_json gives it")
    try:
        return json.loads(array.tobytes().decode("utf-8"), object_pairs_hook=_once)
    except RecursionError:
        raise ValueError(f"{name}: no JSON of pack_json, it has more than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise ValueError(f"{name}: no JSON, {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _plain(value: Any, where: str, depth: int) -> Any:
    """value with NumPy's numbers as Python's; refused where JSON would change it in silence."""
    if depth > MAX_DEPTH:
        raise ValueError(f"pack_json: {where:.80} has more than {MAX_DEPTH} levels")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"pack_json: {where:.80} has the key {key!r:.80}; need strings")
        return {key: _plain(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    raise TypeError(
        f"pack_json: {where:.80} is a {type(value).__name__}; need numbers, strings, None, lists or "
        "dictionaries (arrays are saved as tensors)"
    )
