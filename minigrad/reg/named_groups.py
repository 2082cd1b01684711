"""Group lasso over groups that one names: slices of several parameters that stand or fall together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import Tensor, no_grad
from ..nn.module import Module
from ..ops.elementwise import add, mul
from ..ops.getitem import getitem
from ..ops.norms import norm
from ..ops.pieces import concatenate
from ..ops.shape import reshape
from .base import Penalty
from .select import nothing_matched, select
from .terms import Entry

Part = tuple[str, Any]  # the name of a parameter, and an index into it


class JointEntry(Entry):
    """A term on all its parameters at once: it is called with a dict of their names."""

    def arguments(self, loss: Tensor | None) -> list[tuple]:
        """The parameters by name."""
        return [(dict(self.parameters),)]


class NamedGroupLasso(Penalty):
    """strength Σ s_g ‖w_g‖, group g a list of slices, (name of a parameter, index); s_g is 1, or √size if scaled.

    A unit with all that belongs to it, its column, its bias and the row that leaves it, is one such group. Groups may
    overlap. It acts in the loss: a proximal map over several parameters needs one step for all of them.

    >>> import numpy as np, minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.Linear(2, 1))
    >>> units = {f"unit {j}": [("0.weight", np.s_[:, j]), ("0.bias", j), ("1.weight", j)] for j in range(2)}
    >>> mg.reg.on(model, mg.reg.everything, mg.reg.NamedGroupLasso(0.1, units))
    term                                       l1  l2  moment  on
    NamedGroupLasso(0.1, 2 groups) everything  -   -   loss    0.weight (3, 2)
                                                               0.bias (2,)
                                                               1.weight (2, 1)
    not penalised: 1.bias
    """

    __slots__ = ("groups", "scaled", "strength")
    strength: float

    def __init__(self, strength: float, groups: Mapping[str, Sequence[Part]], *, scaled: bool = False) -> None:
        self.strength, self.scaled, self.groups = strength, bool(scaled), dict(groups)
        if not self.groups or not all(self.groups.values()):
            raise ValueError("NamedGroupLasso: a group is empty; need {name: [(parameter, index), ...]}")

    def bind(self, name: str, model: Module, selector: Any) -> JointEntry:
        """The entry of this term in the terms of reg.on: the parameters of its groups, which the selector matches."""
        matched = dict(select(model, selector))
        wanted = dict.fromkeys(parameter for parts in self.groups.values() for parameter, _ in parts)
        missing = [parameter for parameter in wanted if parameter not in matched]
        if missing:
            raise ValueError(nothing_matched(missing[0], "parameter", list(matched), "a group names it"))
        entry = JointEntry(name, self, tuple((parameter, matched[parameter]) for parameter in wanted))
        entry.value()  # an index that does not fit is said now
        return entry

    def __call__(self, parameters: Mapping[str, Tensor]) -> Tensor:  # type: ignore[override]
        total = None
        for parts in self.groups.values():
            slices = [getitem(self.real(parameters[name]), index) for name, index in parts]
            norms = concatenate(*(reshape(norm(w), shape=(1,)) for w in slices), dim=0)
            scale = math.sqrt(math.fsum(w.array.size for w in slices)) if self.scaled else 1.0
            value = mul(norm(norms), scale * self.strength)
            total = value if total is None else add(total, value)
        assert total is not None
        return total

    def value(self, parameters: Mapping[str, Tensor]) -> float:
        with no_grad():
            return self(parameters).item()

    @property
    def name(self) -> str:
        return f"NamedGroupLasso({self.written('strength')}, {len(self.groups)} groups)"
