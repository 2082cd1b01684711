"""Terms: penalties and the parameters they are on, as a scalar of the graph, as numbers by name, as a table to read."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from ..engine import Tensor
from ..errors import GraphError
from ..ops.elementwise import add


class Entry(NamedTuple):
    """One penalty, the name it is reported by, and its parameters with their names."""

    name: str
    term: Any
    parameters: tuple[tuple[str, Tensor], ...]


class Terms:
    """What `reg.on` returns: `terms()` for the loss, `terms.value()` for the eye; print(terms) lists what they are on.

    An optimizer may take the terms over: optim.Adam(params, penalty=terms) adds their gradients, prox=terms applies
    their proximal maps, both inside the update. `terms()` then raises as long as that optimizer lives: a term counts
    once.
    """

    def __init__(self, entries: list[Entry], unmatched: list[str]) -> None:
        self.entries = entries
        self.unmatched = unmatched
        self._optimizer: weakref.ref[Any] | None = None
        self._moment = ""

    @property
    def optimizer(self) -> Any:
        """The living optimizer that took the terms over, or None."""
        return self._optimizer() if self._optimizer is not None else None

    @property
    def moment(self) -> str:
        """Where the terms act: 'loss', or 'penalty' (the gradient) or 'prox' in an optimizer's update."""
        return self._moment if self.optimizer is not None else "loss"

    def bind(self, optimizer: Any, moment: str) -> None:
        """Let an optimizer apply the terms; it is held weakly."""
        self.refuse_bound(f"{type(optimizer).__name__}({moment}=...)")
        self._optimizer, self._moment = weakref.ref(optimizer), moment

    def refuse_bound(self, caller: str) -> None:
        """Raise if an optimizer applies the terms already."""
        if self.optimizer is not None:
            raise GraphError(f"{caller}: these terms act in {type(self.optimizer).__name__}({self._moment}=...) "
                             "already and would count twice; terms.value() gives the numbers")  # fmt: skip

    def __call__(self) -> Tensor:
        """The sum of all terms, a scalar of the graph: loss = data_loss + terms()."""
        self.refuse_bound("terms()")
        total = None
        for _, term, parameters in self.entries:
            for _, w in parameters:
                value = term(w)
                total = value if total is None else add(total, value)
        assert total is not None  # reg.on refuses selectors that match nothing
        return total

    def value(self) -> dict[str, float]:
        """Name -> present value of each term, without a graph."""
        return {name: sum(term.value(w) for _, w in parameters) for name, term, parameters in self.entries}

    def __repr__(self) -> str:
        moment = self.moment if self.optimizer is None else f"{self._moment} in {type(self.optimizer).__name__}"
        rows: list[tuple[str, ...]] = [("term", "l1", "l2", "moment", "on")]
        for name, term, parameters in self.entries:
            strengths = [f"{getattr(term, key):g}" if hasattr(term, key) else "-" for key in ("l1", "l2")]
            for i, (parameter, w) in enumerate(parameters):
                head = ("", "", "", "") if i else (name, *strengths, moment)
                rows.append((*head, f"{parameter} {w.array.shape}"))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths)), row[4]]) for row in rows]
        return "\n".join([*lines, f"not penalised: {', '.join(self.unmatched) or 'none'}"])
