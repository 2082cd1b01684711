"""Whether parameters that were noted once are still those of a module: a layer may have been replaced since."""

from __future__ import annotations

import weakref
from collections.abc import Iterable

from ..engine import Tensor
from .module import PARAMETER, Module


def lost(module: Module, named: Iterable[tuple[str, Tensor]]) -> list[str]:
    """The names of those among these (name, tensor) pairs that are no longer parameters of a module.

    >>> from minigrad import nn
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    >>> named = list(model.named_parameters())
    >>> model[1] = nn.Linear(2, 1)
    >>> lost(model, named)
    ['1.weight', '1.bias']
    """
    present = {id(p) for p in module.parameters()}
    return [name for name, p in named if id(p) not in present]


class Standing:
    """Some parameters of a module as they stand now, asked at every step whether one was replaced: `lost()`.

    The places are noted once, because a walk over the tree takes 10 times as long as this look at each place.
    """

    def __init__(self, module: Module, named: Iterable[tuple[str, Tensor]]) -> None:
        self._module, self._named = weakref.ref(module), list(named)
        self._places = [
            (part.__dict__, name, part.__dict__[name])
            for _, part in module.named_modules()
            for name in (*(name for name, kind in part._parts.items() if kind == PARAMETER), *part._modules)
        ]

    def lost(self) -> list[str]:
        """The names of those that are no longer parameters of the module; none where the module is gone."""
        for place, name, held in self._places:
            if place.get(name) is not held:
                module = self._module()
                return [] if module is None else lost(module, self._named)
        return []
