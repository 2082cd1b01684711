"""Parameter groups: what an optimizer is given, checked before anything is built from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..checks import refuse_unknown
from ..dtypes import REAL
from ..engine import Tensor
from ..errors import DTypeError, GraphError
from ..nn.module import Module


def check_param(who: str, p: Any) -> None:
    """A parameter is a real leaf whose array can be written in one run."""
    if not isinstance(p, Tensor):
        raise TypeError(f"{who}: a parameter is a {type(p).__name__}; need tensors, as of model.parameters()")
    if p.array.dtype not in REAL:
        raise DTypeError(f"{who}: a parameter is {p.array.dtype}; need float32 or float64")
    if p.tracked and p.op is not None:
        raise GraphError(f"{who}: a parameter was made by {p.op.name}; only leaves can be updated")
    if not (p.array.flags.c_contiguous and p.array.flags.writeable):
        raise ValueError(f"{who}: a parameter {p.array.shape} is strided or read-only; copy it with mg.tensor")


def make_groups(
    who: str, params: Any, options: dict[str, Any], check: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """One dict per group: its parameters under "params", and every option, from the group or from the optimizer."""
    if isinstance(params, (Module, Tensor)):
        cure = "model.parameters()" if isinstance(params, Module) else "a list of tensors"
        raise TypeError(f"{who}: params is a {type(params).__name__}; pass {cure}")
    items = list(params)
    if not items:
        raise ValueError(f"{who}: the list of parameters is empty")
    groups, seen = [], set()
    for given in items if isinstance(items[0], Mapping) else [{"params": items}]:
        if not isinstance(given, Mapping) or "params" not in given:
            raise TypeError(f"{who}: a group is {given!r}; need a dict with the key 'params'")
        refuse_unknown(who, given, ("params", *options))
        held = given["params"]
        group = {**options, **given, "params": [held] if isinstance(held, Tensor) else list(held)}
        check(group)
        for p in group["params"]:
            check_param(who, p)
            if p in seen:
                raise ValueError(f"{who}: a parameter {p.array.shape} is listed twice; it would be stepped twice")
            seen.add(p)
        groups.append(group)
    if not seen:
        raise ValueError(f"{who}: the groups hold no parameters")
    return groups
