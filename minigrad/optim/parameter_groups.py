"""Parameter groups: what an optimizer is given, checked before anything is built from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import is_
from typing import Any

from ..checks import refuse_unknown
from ..dtypes import REAL
from ..engine import Tensor
from ..errors import DTypeError, GraphError
from ..nn.module import Module, Parameters

SHOWN = 6  # names in an error
FIRST_RATE = "initial_lr"  # what schedules note in a group beside its options


def check_param(who: str, p: Any, name: str = "") -> None:
    """A parameter is a real leaf whose array can be written in one run."""
    if not isinstance(p, Tensor):
        raise TypeError(f"{who}: a parameter is a {type(p).__name__}; need tensors, as of model.parameters()")
    what = name or "a parameter"
    if p.array.dtype not in REAL:
        raise DTypeError(f"{who}: {what} is {p.array.dtype}; need float32 or float64")
    if p.tracked and p.op is not None:
        raise GraphError(f"{who}: {what} was made by {p.op.name}; only leaves can be updated")
    if not (p.array.flags.c_contiguous and p.array.flags.writeable):
        raise ValueError(f"{who}: {what} {p.array.shape} is strided or read-only; copy it with mg.tensor")


def make_groups(
    who: str,
    params: Any,
    options: dict[str, Any],
    check: Callable[[dict[str, Any]], None],
    known: Mapping[Tensor, str] | None = None,
) -> tuple[list[dict[str, Any]], dict[Tensor, str]]:
    """One dict per group: its parameters under "params", and every option, from the group or from the optimizer.

    Beside them, the names of the parameters: the known ones, and those from model.parameters() or named_parameters().
    """
    groups: list[dict[str, Any]] = []
    names = dict(known or {})
    seen: set[Tensor] = set()
    for given in _given_groups(who, params):
        if not isinstance(given, Mapping) or "params" not in given:
            raise TypeError(f"{who}: a group is {given!r:.200}; need a dict with the key 'params'")
        refuse_unknown(who, given, ("params", FIRST_RATE, *options))
        held, own_names = _tensors(who, given["params"])
        names = {**own_names, **names}
        group = {**options, **given, "params": held}
        check(group)
        for p in held:
            check_param(who, p, names.get(p, "") if isinstance(p, Tensor) else "")
            if p in seen:
                raise ValueError(f"{who}: {label(p, names)} is listed twice; it would be stepped twice")
            seen.add(p)
        groups.append(group)
    if not seen:
        raise ValueError(f"{who}: the groups hold no parameters")
    return groups, names


def _given_groups(who: str, params: Any) -> Sequence[Any]:
    """The groups as they were given: a list of parameters is one group of them. What is no list is refused."""
    if isinstance(params, (Module, Tensor, Mapping)):
        cure = "a list of tensors" if isinstance(params, Tensor) else "model.parameters()"
        if isinstance(params, Mapping) and "params" in params:
            cure = "a list of groups: [{'params': ...}]"
        raise TypeError(f"{who}: params is a {type(params).__name__}; pass {cure}")
    if not isinstance(params, Iterable):
        cure = " with its parentheses" if callable(params) else ""
        raise TypeError(f"{who}: params is a {type(params).__name__}; pass model.parameters(){cure}")
    items = params if isinstance(params, Parameters) else list(params)
    if not items:
        raise ValueError(f"{who}: the list of parameters is empty")
    return items if isinstance(items[0], Mapping) else [{"params": items}]


def _tensors(who: str, held: Any) -> tuple[list[Any], dict[Tensor, str]]:
    """The parameters of a group, given as a tensor, as tensors or as (name, tensor) pairs; and their names."""
    if isinstance(held, Tensor):
        return [held], {}
    if isinstance(held, (Module, Mapping)) or not isinstance(held, Iterable):
        raise TypeError(
            f"{who}: 'params' of a group is a {type(held).__name__}; pass tensors, such as model.parameters()"
        )
    names = dict(held.names) if isinstance(held, Parameters) else {}
    params = []
    for item in held:
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], Tensor):
            names[item[1]], item = item
        params.append(item)
    return params, {p: names[p] for p in params if isinstance(p, Tensor) and p in names}


def label(p: Tensor, names: Mapping[Tensor, str]) -> str:
    """A parameter for an error: its name, if it has one, and its shape."""
    return f"{names.get(p, 'a parameter')} {p.array.shape}"


def listed(words: Sequence[str]) -> str:
    """Names for an error: the first SHOWN of them, and the number of the others."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def same_groups(groups: Sequence[Mapping[str, Any]], held: Sequence[tuple[Mapping[str, Any], list[Tensor]]]) -> bool:
    """Whether these are still the same dicts with the same tensors under "params"."""
    if len(groups) != len(held):
        return False
    for group, (known, params) in zip(groups, held):
        now = group.get("params")
        if group is not known or type(now) is not list or len(now) != len(params) or not all(map(is_, now, params)):
            return False
    return True
