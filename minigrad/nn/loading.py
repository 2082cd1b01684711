"""What does not fit when arrays are loaded into the tensors of a module: the parts of one message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine import Tensor


def faults(own: Mapping[str, Tensor], state: Mapping[str, Any], given: Mapping[str, Any], strict: bool) -> list[str]:
    """All that is wrong with a state: names that are missing or unexpected (if strict), arrays that do not fit."""
    missing, unexpected = [n for n in own if n not in state], [n for n in state if n not in own]
    names = _strict_faults(missing, unexpected) if strict else _faults_where_none_fits(own, state, given)
    return names + _misfits(own, given)


def _strict_faults(missing: list[str], unexpected: list[Any]) -> list[str]:
    """What to say of names that a state lacks, and of those that the module has not."""
    faults = [f"missing {', '.join(missing)}"] if missing else []
    return faults + ([f"unexpected {', '.join(map(str, unexpected))}"] if unexpected else [])


def _faults_where_none_fits(own: Mapping[str, Any], state: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """What to say of a state that has names, and none of the module's."""
    if not own or not state or given:
        return []
    return [f"no name fits: the module has {', '.join(own)}, the state {', '.join(map(str, state))}"]


def _misfits(own: Mapping[str, Tensor], given: Mapping[str, np.ndarray]) -> list[str]:
    """What a message says about each given array that does not go into the tensor of its name."""
    faults = []
    for name, array in given.items():
        want = own[name].array
        if array.shape != want.shape:
            faults.append(f"{name} is {array.shape}, need {want.shape}")
        elif not np.can_cast(array.dtype, want.dtype, "same_kind"):
            faults.append(f"{name} is {array.dtype}, need {want.dtype}")
    return faults
