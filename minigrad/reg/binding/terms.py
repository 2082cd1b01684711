"""Terms: penalties and what they are on, as a scalar of the graph, as numbers by name, as a table to read."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ... import kernels as K
from ...engine import Tensor, touch
from ...errors import GraphError
from ...insight.aligned import as_table
from ...nn.module import Module
from ...nn.standing import Standing
from ...ops.elementwise.arithmetic import add
from ...recording import aside, mode
from ..weights.group_layout import Layout

WHOLE = Layout("whole", (), ())


class Entry:
    """One term, the name it is reported by, and its parameters with their names. reg/outputs/ has other entries.

    layouts has the groups of each parameter, by name, where the term is on groups.
    """

    of_batch = False  # whether the term depends on the batch
    joint = False  # whether it takes all parameters at once, by name
    on_loss = False  # whether it is on the gradient of the data loss by the input, which then has to require grad

    def __init__(
        self,
        name: str,
        term: Any,
        parameters: tuple[tuple[str, Tensor], ...],
        layouts: Mapping[str, Layout] | None = None,
    ) -> None:
        self.name, self.term, self.parameters, self.layouts = name, term, parameters, dict(layouts or {})

    def owners(self) -> Sequence[tuple[str, Any]]:
        """What the term is on, by name; on each, there is one term of its kind."""
        return self.parameters

    def arguments(self, loss: Tensor | None) -> list[tuple]:
        """What the term is called with, once for each."""
        return [(w, self.layouts[name]) if name in self.layouts else (w,) for name, w in self.parameters]

    def places(self) -> list[str]:
        """What the term is on, as the table prints it."""
        return [
            f"{name} {w.array.shape}" + (f": {self.layouts[name]}" if self.layouts.get(name, WHOLE).kept else "")
            for name, w in self.parameters
        ]

    def groups_of(self, w: Any) -> list[Layout]:
        """The groups of one of the parameters, in a list; an empty list where the term is not on groups."""
        return [self.layouts[name] for name, own in self.parameters if own is w and name in self.layouts]

    def value(self, loss: Tensor | None = None) -> float:
        """The present value of the term, without a graph."""
        return sum(self.term.value(*arguments) for arguments in self.arguments(loss))


class Terms:
    """What `reg.on` returns: `terms()` for the loss, `terms.value()` for the eye; print(terms) lists what they are on.

    An optimizer may take the terms over: optim.Adam(params, penalty=terms) adds their gradients, prox=terms applies
    their proximal maps, constraints=terms their projections, inside the update. `terms()` then raises as long as that
    optimizer lives: a term counts once. GraphError where a layer was replaced in the model after reg.on: the terms are
    still on the old one. A copy (copy, deepcopy, pickle) is bound to no optimizer; copied together with the optimizer
    that applies them, as (model, optimizer, terms), they are bound to its copy.
    """

    def __init__(self, entries: list[Entry], unmatched: list[str], model: Module | None = None) -> None:
        self.entries = entries
        self.unmatched = unmatched
        named = [pair for entry in entries for pair in entry.parameters]
        self._standing = None if model is None else Standing(model, named)
        self.shares: dict[str, float] = {}  # of the objective, in the last epoch of fit
        self._of_batch: dict[str, float] = {}  # what depends on the batch, as it was when terms() was called
        self._optimizer: weakref.ref[Any] | None = None
        self._moment = ""

    @property
    def optimizer(self) -> Any:
        """The living optimizer that took the terms over, or None."""
        return self._optimizer() if self._optimizer is not None else None

    @property
    def moment(self) -> str:
        """Where the terms act: 'loss', or 'penalty' (the gradient), 'prox', 'constraints' in an optimizer's update."""
        return self._moment if self.optimizer is not None else "loss"

    def bind(self, optimizer: Any, moment: str) -> None:
        """Let an optimizer apply the terms; it is held weakly."""
        self.refuse_bound(f"{type(optimizer).__name__}({moment}=...)")
        self.refuse_replaced(f"{type(optimizer).__name__}({moment}=...)")
        self._optimizer, self._moment = weakref.ref(optimizer), moment

    def refuse_bound(self, caller: str) -> None:
        """Raise if an optimizer applies the terms already."""
        if self.optimizer is not None:
            raise GraphError(
                f"{caller}: these terms act in {type(self.optimizer).__name__}({self._moment}=...) "
                "already, as long as that optimizer lives, and would count twice. Another optimizer (or "
                "the same cell run again) needs new terms: call reg.on anew; terms.value() gives the "
                "numbers"
            )

    def refuse_replaced(self, caller: str) -> None:
        """Raise if a parameter with a term on it is no longer one of the model."""
        lost = self._standing.lost() if self._standing is not None else []
        if lost:
            raise GraphError(
                f"{caller}: the terms are on {', '.join(lost)}, which the model no longer has: a layer "
                "was replaced after reg.on; make new terms with reg.on"
            )

    def __getstate__(self) -> dict[str, Any]:
        """What copy, deepcopy and pickle take. An optimizer that is copied along binds its copy."""
        kept = {**self.__dict__, "shares": dict(self.shares), "_of_batch": dict(self._of_batch)}
        return {**kept, "_optimizer": None, "_moment": "", "_standing": None}

    def __call__(self, loss: Tensor | None = None) -> Tensor:
        """The sum of all terms, a scalar of the graph: loss = data_loss + terms().

        Terms on outputs take those of the model's last call. A term on the gradient of the loss needs terms(data_loss).
        """
        self.refuse_bound("terms()")
        self.refuse_replaced("terms()")
        if mode.step is not None:
            mode.step.termed(self)
        total = None
        for entry in self.entries:
            if not callable(entry.term):
                raise TypeError(
                    f"terms(): {entry.term!r} has no value to add to a loss; give it to an optimizer: constraints=terms"
                )
            values = [entry.term(*arguments) for arguments in entry.arguments(loss)]
            if mode.step is not None:
                mode.step.valued(self, entry, values)
            if entry.of_batch:
                with aside():
                    self._of_batch[entry.name] = sum(value.item() for value in values)
            for value in values:
                total = value if total is None else add(total, value)
        assert total is not None  # reg.on refuses selectors that match nothing
        return total

    def value(self) -> dict[str, float]:
        """Name -> present value of each term, without a graph; what depends on the batch: as in the last terms()."""
        self.refuse_replaced("terms.value()")
        return {
            e.name: self._of_batch.get(e.name, float("nan")) if e.of_batch else e.value()
            for e in self.entries
            if hasattr(e.term, "value")
        }

    def of_batch(self, loss: Tensor) -> dict[str, float]:
        """Name -> value of each term that depends on the batch, for the model's last call."""
        return {entry.name: entry.value(loss) for entry in self.entries if entry.of_batch}

    @property
    def on_loss(self) -> bool:
        """Whether a term needs the data loss, and an input that requires grad."""
        return any(entry.on_loss for entry in self.entries)

    def note_shares(self, row: Mapping[str, float]) -> None:
        """Take each term's share of the objective from an epoch of a history: its value / total."""
        self.shares = {e.name: row[e.name] / row["total"] for e in self.entries if e.name in row and row["total"]}

    def at_epoch(self, epoch: int) -> None:
        """Set every strength that is a function of the epoch; the first epoch is 1. fit does it."""
        for entry in self.entries:
            if hasattr(entry.term, "at_epoch"):
                entry.term.at_epoch(epoch)

    def project(self, only: Iterable[Tensor] | None = None) -> None:
        """Write onto each parameter (of `only`) its projection by every constraint; intervals before norms."""
        wanted = None if only is None else set(only)
        for entry in sorted(self.entries, key=lambda entry: getattr(entry.term, "order", 0)):
            for w, *groups in entry.arguments(None):
                if wanted is None or w in wanted:
                    if hasattr(entry.term, "project_into"):
                        entry.term.project_into(w.array, w.array, *groups)
                    else:
                        K.copy(entry.term.project(w).array, w.array)
                    touch([w])

    def table(self, loss: float | None = None) -> str:
        """What each term is, where it acts, on what; given the data loss, or after fit: its share of the objective."""
        shares = self.shares
        if loss is not None:
            values = self.value()
            total = sum(values.values(), loss)
            shares = {name: value / total for name, value in values.items()}
        rows = self._rows(shares)
        widths = [max(map(len, column)) for column in zip(*rows)][:-1]
        lines = ["  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths)), row[-1]]) for row in rows]
        return "\n".join([*lines, self._not_penalised()])

    def _rows(self, shares: Mapping[str, float]) -> list[tuple[str, ...]]:
        """The table's rows, its head first."""
        rows: list[tuple[str, ...]] = [("term", "l1", "l2", "moment", *(["share"] if shares else []), "on")]
        for entry in self.entries:
            head = self._cells(entry, shares)
            for i, place in enumerate(entry.places()):
                rows.append((*(head if i == 0 else [""] * len(head)), place))
        return rows

    def _not_penalised(self) -> str:
        return f"not penalised: {', '.join(self.unmatched) or 'none'}"

    def _cells(self, entry: Entry, shares: Mapping[str, float]) -> list[str]:
        """What the table says of a term before the places where it acts."""
        term = entry.term
        moment = getattr(term, "moment", "loss")
        if self.optimizer is not None:
            moment = f"{self._moment} in {type(self.optimizer).__name__}"
        strengths = [f"{getattr(term, key):g}" if hasattr(term, key) else "-" for key in ("l1", "l2")]
        share = [f"{shares[entry.name]:.1%}" if entry.name in shares else "-"] if shares else []
        return [entry.name, *strengths, moment, *share]

    def _repr_html_(self) -> str:
        """What a notebook shows: the same table."""
        head, *rows = self._rows(self.shares)
        return f"{as_table(rows, head)}<p>{escape(self._not_penalised())}</p>"

    def __repr__(self) -> str:
        return self.table()
