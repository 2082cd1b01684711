"""What must be as it was when a step was recorded: it is looked at before each run, and named where it changed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .. import kernels as K
from ..engine import Tensor
from ..nn.module import Module
from .recorder import Recorder

PLAIN = (bool, int, float, str, bytes, type(None))
IN_SCALARS = ("params", "lr", "weight_decay", "initial_lr")  # options that stand in the table, and are written anew


class Watch:
    """The state of all that Python decides by in a step."""

    def __init__(self, function: Callable, recorder: Recorder) -> None:
        self._function, self._modules = function, list(recorder.modules.values())
        self._optimizers, self._terms = list(recorder.optimizers), list(recorder.terms)
        self._tensors = _tensors_around(function)
        self._backend = K._backend
        self._before = self._state()

    def changed(self) -> str:
        """What is no longer as it was, in words; "" if all is."""
        now = self._state()
        if now == self._before:
            return ""
        return next((name for name in now if now[name] != self._before.get(name)), "something")

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"the backend": K._backend}
        for module in self._modules:
            state[f"{type(module).__name__} {id(module):x}"] = _of_module(module)
        for optimizer in self._optimizers:
            state[f"{getattr(optimizer, 'name', type(optimizer).__name__)} {id(optimizer):x}"] = _of_optimizer(
                optimizer
            )
        for terms in self._terms:
            state[f"the strengths of {', '.join(entry.name for entry in terms.entries)}"] = _of_terms(terms)
        state["a tensor that the step uses"] = [(id(t.array), t.tracked) for t in self._tensors]
        state["a variable that the step uses"] = _numbers_around(self._function)
        return state


def _of_module(module: Module) -> tuple:
    numbers, tensors = [], []
    for name, value in module.__dict__.items():
        if isinstance(value, Tensor):
            tensors.append((name, id(value), id(value.array), value.tracked))
        elif type(value) in PLAIN or name == "held":
            numbers.append((name, value))
    return tuple(numbers), tuple(tensors), len(module.watchers)


def _of_optimizer(optimizer: Any) -> tuple:
    tables = [
        (
            id(table),
            tuple((id(p), id(p.array), p.tracked) for p in table.params),
            tuple((name, value) for name, value in table.group.items() if name not in IN_SCALARS),
        )
        for table in getattr(optimizer, "_tables", ())
    ]
    groups = [(id(group), tuple(map(id, group["params"]))) for group in getattr(optimizer, "param_groups", ())]
    hooks = tuple(map(id, getattr(optimizer, "_hooks", ())))
    return tables, groups, hooks, getattr(optimizer, "_asked", False), _given_as_numbers(optimizer)


def _given_as_numbers(optimizer: Any) -> list[Any]:
    """What stands in no table: the rates and strengths of terms on groups, and the bounds of constraints."""
    grouped = getattr(optimizer, "_grouped", None)
    found: list[Any] = [_plain(entry.term) for entry in grouped.entries] if grouped is not None else []
    if found:
        found += [(group["lr"], group.get("weight_decay")) for group in optimizer.param_groups]
    constraints = getattr(optimizer, "_terms", {}).get("constraints")
    return found + ([] if constraints is None else [_plain(entry.term) for entry in constraints.entries])


def _of_terms(terms: Any) -> tuple:
    return tuple(tuple(_plain(entry.term)) for entry in terms.entries)


def _plain(x: Any) -> list[tuple[str, Any]]:
    """The numbers and words that an object holds."""
    names = [
        *getattr(x, "__dict__", ()),
        *(name for kind in type(x).__mro__ for name in kind.__dict__.get("__slots__", ())),
    ]
    return [(name, getattr(x, name, None)) for name in names if type(getattr(x, name, None)) in PLAIN]


def _around(function: Callable) -> list[Any]:
    """The values of the variables of a function that are not its own."""
    plain = inspect.unwrap(function)
    plain = getattr(plain, "__func__", plain)
    try:
        found = inspect.getclosurevars(plain)
    except (TypeError, ValueError):
        return []
    return [*found.nonlocals.values(), *found.globals.values()]


def _tensors_around(function: Callable) -> list[Tensor]:
    return [value for value in _around(function) if isinstance(value, Tensor)]


def _numbers_around(function: Callable) -> list[Any]:
    return [value for value in _around(function) if type(value) in PLAIN]
