"""Terms on what a model computes, not on its parameters: on outputs of modules, and on the gradient of the loss.

A module tells its watchers about each call (nn.Module.watch), so that `terms()` finds the output of the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine import Tensor
from ...errors import GraphError
from ...nn.module import Module
from ...recording import is_grad_enabled
from ..binding.on import fits, nothing_matched
from ..binding.term import Penalty
from ..binding.terms import Entry


class Watch:
    """The last call of a module: its input, its output, and whether it was recorded."""

    def __init__(self, name: str, module: Module) -> None:
        self.name, self.module = name or "the model", module
        self.input = self.output = None
        self.recorded = False
        module.watch(self)

    def __getstate__(self) -> dict[str, Any]:
        """What copy, deepcopy and pickle take: the last call belongs to the graph of the original."""
        return {"name": self.name, "module": self.module}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.name, self.module = state["name"], state["module"]
        self.input = self.output = None
        self.recorded = False
        self.module.watch(self)

    def __call__(self, args: tuple, output: Any) -> None:
        self.input, self.output, self.recorded = args[0] if args else None, output, is_grad_enabled()


class OutputEntry(Entry):
    """A term and the modules that it watches."""

    of_batch = True

    def __init__(self, name: str, term: Any, watched: list[Watch]) -> None:
        super().__init__(name, term, ())
        self.watched = watched

    def owners(self) -> list[tuple[str, Any]]:
        return [(watch.name, watch.module) for watch in self.watched]

    def arguments(self, loss: Tensor | None) -> list[tuple]:
        """The output of each module in its last call."""
        for watch in self.watched:
            if watch.output is None or (is_grad_enabled() and not watch.recorded):
                raise GraphError(
                    f"{self.name}: {watch.name} has no output yet that was recorded; run the model before terms()"
                )
        return [(watch.output,) for watch in self.watched]

    def places(self) -> list[str]:
        return [f"output of {watch.name} ({type(watch.module).__name__})" for watch in self.watched]


class LossEntry(OutputEntry):
    """A term on the gradient of the data loss by the input of the model."""

    on_loss = True

    def arguments(self, loss: Tensor | None) -> list[tuple]:
        """The data loss, and the input of the model in its last call."""
        super().arguments(loss)
        if loss is None:
            raise GraphError(f"{self.name} is on the gradient of the data loss; call terms(loss)")
        return [(loss, watch.input) for watch in self.watched]

    def places(self) -> list[str]:
        return ["gradient of the loss by the input"]


class OutputPenalty(Penalty):
    """Base of the penalties on outputs: called with the output of each module that the selector matches."""

    __slots__ = ()
    entry = OutputEntry

    def bind(self, name: str, model: Module, selector: Any) -> OutputEntry:
        """The entry of this term in the terms of reg.on."""
        modules = select_modules(model, selector)
        if not modules:
            there = [name for name, _ in model.named_modules() if name]
            raise ValueError(nothing_matched(selector, "module", there, "'' is the model"))
        return self.entry(name, self, [Watch(*pair) for pair in modules])


def select_modules(model: Module, selector: str | type | Callable[[str, Module], bool]) -> list[tuple[str, Module]]:
    """The (name, module) pairs that a selector matches; of patterns, only '' matches the model itself."""
    modules = list(model.named_modules())
    if isinstance(selector, str):
        return [(name, m) for name, m in modules if (fits(name, selector) if name and selector else name == selector)]
    if isinstance(selector, type) and issubclass(selector, Module):
        return [(name, m) for name, m in modules if isinstance(m, selector)]
    if callable(selector) and not isinstance(selector, type):
        return [(name, m) for name, m in modules if selector(name, m)]
    raise TypeError(f"reg.on: the selector is {selector!r}; need a pattern, a layer type, or f(name, module)")
