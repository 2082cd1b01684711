"""Group lasso over named groups: slices of several parameters that become 0 together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite
from ...engine import Tensor
from ...nn.module import Module
from ...ops.elementwise.arithmetic import add, mul
from ...ops.index.getitem import getitem
from ...ops.reduce.norms import norm
from ...ops.shape.join import concatenate
from ...ops.shape.views import reshape
from ...recording import no_grad
from ..binding.on import nothing_matched, select
from ..binding.term import Penalty
from ..binding.terms import Entry
from .group_rows import Gathered, Part


class JointEntry(Entry):
    """A term on all its parameters at once: it is called with a dict of their names."""

    joint = True

    def arguments(self, loss: Tensor | None) -> list[tuple]:
        """The parameters by name."""
        return [(dict(self.parameters),)]


class NamedGroupLasso(Penalty):
    """strength Σ s_g ‖w_g‖, group g a list of slices, (name of a parameter, index); s_g is 1, or √size if scaled.

    A unit with all that belongs to it, its column, its bias and the row that leaves it, is one such group. In the loss
    groups may overlap; as prox= they may not.

    gradient  strength s_g w_g / ‖w_g‖, and 0 for a group of zeros
    prox(v)   v_g max(1 - step strength s_g / ‖v_g‖, 0)
    source    Yuan, Lin 2006 (see GroupLasso); groups of a unit: Scardapane, Comminiello, Hussain, Uncini 2017, Group
              sparse regularization for deep neural networks, section 3

    ValueError for an empty group, and for a parameter that the model does not have.

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

    def gathered(self, arrays: Mapping[str, np.ndarray]) -> Gathered:
        """The groups in these arrays as the rows of a matrix."""
        return Gathered(self.name, self.groups, arrays)

    def shrink(self, rows: np.ndarray, steps: np.ndarray) -> None:
        """rows = the proximal map of each row, whose step (times s_g) is in steps."""
        K.group_soft_threshold(rows, steps, rows, 1, 2, l1=0.0, strength=self.strength)

    def prox(self, parameters: Mapping[str, Any], step: float) -> dict[str, Tensor]:
        """The proximal map at all parameters by name, constant tensors.

        >>> term = NamedGroupLasso(1.0, {"pair": [("a", 0), ("b", 0)], "alone": [("b", 1)]})
        >>> term.prox({"a": [3.0, 9.0], "b": [4.0, 0.5]}, step=2.5)
        {'a': tensor([1.5, 9. ]), 'b': tensor([2., 0.])}
        """
        arrays = {name: np.array(self.real(w).array) for name, w in parameters.items()}
        gathered = self.gathered(arrays)
        rows = gathered.gather(arrays, gathered.matrix())
        steps = gathered.factors(self.scaled)
        K.mul(steps, finite(step, "prox: step", at_least=0.0), steps)
        self.shrink(rows, steps)
        gathered.scatter(rows, arrays)
        return {name: Tensor(array) for name, array in arrays.items()}

    @property
    def name(self) -> str:
        return f"NamedGroupLasso({self.written('strength')}, {len(self.groups)} groups)"
