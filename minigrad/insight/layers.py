"""Which layer called an op: the module whose forward was on the stack, by its name in the model."""

from __future__ import annotations

from typing import Any

from ..engine import Tensor
from .lookout import modules_at_work


class Layers:
    """Notes for each result of an op the module that made it, so that its rules are the same layer's."""

    def __init__(self) -> None:
        self.paths: dict[int, str] = {}  # id of a module -> its path
        self._kept: dict[int, Any] = {}  # id of a module -> the module: ids of what is gone would come again
        self._by_stamp: dict[int, int] = {}
        self._backward = False  # whether the last op was one of a walk

    def name(self, model: Any, prefix: str = "") -> None:
        """Call the modules of a model by their paths, behind a prefix."""
        dot = f"{prefix}." if prefix else ""
        self._kept[id(model)] = model
        self.paths.update({id(module): (dot + path).rstrip(".") for path, module in model.named_modules()})

    def of(self, y: Tensor, backward: bool, sums: bool) -> int | None:
        """The id of the module that made y, which an op gave, or whose rule was asked; None outside of modules."""
        if sums:
            return None
        if backward:
            self._backward = True
            return self._by_stamp.get(y.stamp)
        if self._backward:  # a step is over: of the graphs before it, only ones that somebody kept are walked again
            self._by_stamp.clear()
            self._backward = False
        modules = modules_at_work()
        if not modules:
            return None
        outer, inner = modules[0], modules[-1]
        if id(inner) not in self._kept:
            self._kept[id(inner)] = inner
            path = next((path for path, module in outer.named_modules() if module is inner), "")
            self.paths.setdefault(id(inner), path)
        self._by_stamp[y.stamp] = id(inner)
        return id(inner)

    def called(self, layer: int | None) -> str:
        """The name of a layer: its path in the model, and what it is."""
        if layer is None:
            return ""
        kind = str(self._kept[layer]).partition("\n")[0] if layer in self._kept else ""
        kind = kind if len(kind) <= 30 else type(self._kept[layer]).__name__
        return f"{self.paths.get(layer, '')} {kind}".strip()
