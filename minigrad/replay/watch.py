"""What a recorded step depends on: before each run it is compared with its state at the recording.

The comparison must take microseconds only, because a run of one small step takes no longer. So the values that are
compared are listed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import kernels as K
from ..engine import Tensor
from ..nn.module import Module
from ..optim.parameter_groups import same_groups
from .recorder import Recorder

PLAIN = (bool, int, float, str, bytes, type(None))
IN_SCALARS = ("params", "lr", "weight_decay", "initial_lr")  # not compared: written into the table before each run


class Watch:
    """The state of everything that Python's decisions in a step depend on."""

    def __init__(self, function: Callable, recorder: Recorder) -> None:
        self._backend = K._backend
        self._looks: list[Any] = [OfModule(module) for module in recorder.modules.values()]
        self._looks += [OfOptimizer(optimizer) for optimizer in recorder.optimizers if hasattr(optimizer, "_tables")]
        self._looks += [OfTerms(terms) for terms in recorder.terms]
        self._looks.append(OfVariables(function))

    def changed(self) -> str:
        """What differs from the recording, in words; "" if nothing does."""
        if K._backend is not self._backend:
            return "the backend"
        for look in self._looks:
            if not look.same():
                return look.name
        return ""


class OfTensors:
    """Tensors, with their arrays, whether they require grad, and their hooks."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self._tensors = [(t, t.array, t.tracked) for t in tensors]
        self._hooks = [(t, list(t.hooks or ())) for t in tensors]

    def same(self) -> bool:
        """Whether arrays, requires_grad and hooks are those of the recording."""
        if not all(t.array is array and t.tracked is tracked for t, array, tracked in self._tensors):
            return False
        return all(list(t.hooks or ()) == hooks for t, hooks in self._hooks)


class OfModule:
    """A module: its numbers and strings, such as `training`, its submodules, parameters, buffers and hooks."""

    def __init__(self, module: Module) -> None:
        self.name = f"a {type(module).__name__}"
        self._values, self._watchers = module.__dict__, module.watchers
        self._plain = [(n, v) for n, v in module.__dict__.items() if type(v) in PLAIN or n == "held"]
        self._parts = [(n, v) for n, v in module.__dict__.items() if isinstance(v, (Tensor, Module))]
        self._tensors = OfTensors([t for _, t in self._parts if isinstance(t, Tensor)])
        self._count = len(self._watchers)
        self._size, self._module, self._hooks = len(module.__dict__), module, hooks_of(module)

    def same(self) -> bool:
        """Whether the module is as it was at the recording."""
        values = self._values
        if not self._tensors.same() or len(self._watchers) != self._count or len(values) != self._size:
            return False
        if hooks_of(self._module) != self._hooks:
            return False
        if not all(values.get(name) is t for name, t in self._parts):
            return False
        return all(values.get(name) == value for name, value in self._plain)


def hooks_of(module: Module) -> list[Any]:
    """The functions that a call of the module calls, except those that a replay repeats (hooks.replays)."""
    found = [hook for hooks in vars(module._hooks).values() for hook in hooks] if module._hooks else []
    return [hook for hook in found if not getattr(hook[0], "replays", False)]


class OfOptimizer:
    """An optimizer: its tables, and the options that are not in them."""

    def __init__(self, optimizer: Any) -> None:
        self.name = optimizer.name
        self._optimizer, self._tables = optimizer, optimizer._tables
        self._tensors = OfTensors([p for table in self._tables for p in table.params])
        self._options = [
            (table.group, name, value)
            for table in self._tables
            for name, value in table.group.items()
            if name not in IN_SCALARS
        ]
        self._rest = self._others()

    def same(self) -> bool:
        """Whether the optimizer is as it was at the recording; rates and strengths in its tables may differ."""
        optimizer = self._optimizer
        if optimizer._tables is not self._tables or not self._tensors.same():
            return False
        if not same_groups(optimizer.param_groups, optimizer._held):
            return False
        return all(group[name] == value for group, name, value in self._options) and self._others() == self._rest

    def _others(self) -> Any:
        """Hooks; whether sums are computed; rates and strengths of terms on groups, and the bounds of constraints."""
        optimizer = self._optimizer
        given: list[Any] = [plain(entry.term) for entry in optimizer._grouped.entries]
        if given:
            given += [(group["lr"], group.get("weight_decay")) for group in optimizer.param_groups]
        if "constraints" in optimizer._terms:
            given += [plain(entry.term) for entry in optimizer._terms["constraints"].entries]
        return list(optimizer._hooks), optimizer._asked, given


class OfTerms:
    """Terms in a loss, whose strengths are arguments of kernels."""

    def __init__(self, terms: Any) -> None:
        self.name = f"a strength of {', '.join(entry.name for entry in terms.entries)}"
        self._entries = [(entry.term, plain(entry.term)) for entry in terms.entries]

    def same(self) -> bool:
        """Whether all strengths are as they were at the recording."""
        return all(plain(term) == before for term, before in self._entries)


class OfVariables:
    """The variables that a function uses from outside, its closure and globals: numbers, strings and tensors."""

    name = "a variable that the step uses"

    def __init__(self, function: Callable) -> None:
        function = getattr(function, "__func__", function)
        code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
        self._cells = [(cell, value) for cell in cells for value in _content(cell) if type(value) in PLAIN]
        self._globals = getattr(function, "__globals__", {})
        names = code.co_names if code is not None else ()
        self._named = [(n, self._globals[n]) for n in names if type(self._globals.get(n, self)) in PLAIN]
        around = [value for cell in cells for value in _content(cell)] + [self._globals.get(n) for n in names]
        self._tensors = OfTensors([value for value in around if isinstance(value, Tensor)])

    def same(self) -> bool:
        """Whether they are as they were at the recording."""
        if not self._tensors.same() or not all(_content(cell) == [value] for cell, value in self._cells):
            return False
        return all(self._globals.get(name) == value for name, value in self._named)


def _content(cell: Any) -> list[Any]:
    """The value of a variable of a closure, as a list, which is empty if it has no value yet."""
    try:
        return [cell.cell_contents]
    except ValueError:
        return []


def plain(x: Any) -> list[tuple[str, Any]]:
    """(name, value) of each attribute of an object whose type is in PLAIN."""
    slots = [name for kind in type(x).__mro__ for name in kind.__dict__.get("__slots__", ())]
    names = [*getattr(x, "__dict__", ()), *slots]
    return [(name, getattr(x, name, None)) for name in names if type(getattr(x, name, None)) in PLAIN]
