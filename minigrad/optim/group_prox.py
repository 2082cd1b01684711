"""The proximal step of whole groups, which ends the update of their parameters.

Update kernels see one coordinate at a time. Where every coordinate took the step lr, the kernel has moved w, and w =
prox(w, lr) ends the update. Under a diagonal metric (Adam's √v̂ + eps, coordinate j taking the step lr / metric_j)
the map of a group has no closed form. All its coordinates then take the smallest step among them, lr / max metric:
the proximal step for the least scalar bound of the metric. Its fixed points are the stationary points of loss +
penalty; one threshold beside each coordinate's own step would move them.

Beyond the update that is four passes: the largest metric of each group, the shorter way from where w was, the norms
of the groups, what scales them; and a copy of w before it moves. Nothing is allocated in a step.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor
from ..reg.binding.terms import Entry, Terms
from ..reg.weights.group_layout import Layout
from .binding import Metric, by_coordinate, steps_that_last


def check_maps(caller: str, terms: Terms) -> None:
    """The proximal maps of two terms on one parameter do not add up, unless both act on each coordinate."""
    for entry in terms.entries:
        mine = {w for _, w in entry.parameters}
        for other in terms.entries:
            if other is entry or by_coordinate(entry.term) or mine.isdisjoint(w for _, w in other.parameters):
                continue
            raise ValueError(
                f"{caller}: {entry.name!r} and {other.name!r} are on one parameter; the maps of groups do not add up "
                "with others: L1 beside groups is SparseGroupLasso, L2 goes into penalty="
            )


class GroupStep:
    """A term on groups of one parameter, of any kind that has a prox: without a layout, the parameter is one group.

    Kernels take the axes of a group side by side; where they are not (input channels), copies with moved axes are made.
    """

    def __init__(self, term: Any, w: Tensor, groups: Layout | None = None) -> None:
        self.term, self.parameters = term, (w,)
        self.groups = groups or Layout("whole", w.array.shape, ())
        self.before = K.empty_like(self.groups.taken(w.array))
        moved = self.groups.order is not None
        self.w, self.square = (K.empty_like(self.before) if moved else self.before for _ in range(2))
        self.steps = self.groups.per_group(w.array.dtype)

    def _take(self, array: np.ndarray, into: np.ndarray) -> np.ndarray:
        """The array in the layout of the kernels: a view of it, or its copy in `into`."""
        seen = self.groups.seen(array)
        if self.groups.order is None:
            return seen
        K.copy(seen, into)
        return into

    def begin(self) -> None:
        """Note where w is, if its coordinates will take steps of their own."""
        K.copy(self.groups.seen(self.parameters[0].array), self.before)

    def end(self, metrics: list[Metric] | None, lr: float, keep: float) -> None:
        """Map w, which the update moved; without metrics every step was lr. It had decayed by the factor keep."""
        array, axes = self.parameters[0].array, self.groups.axes
        taken = self._take(array, self.w)
        if metrics is None:
            K.copy(lr, self.steps)
        else:
            square, root, eps, scale = metrics[0]
            square = self._take(square, self.square)
            if keep != 1:
                K.mul(self.before, keep, self.before)
            K.group_level(taken, self.before, square, self.steps, *axes, lr=lr, root=root, eps=eps, scale=scale)
        if hasattr(self.term, "shrink"):
            self.term.shrink(taken, self.steps, self.groups)
            self.groups.put_back(taken, array)
        else:
            self.groups.put_back(taken, array)
            K.copy(self.term.prox(self.parameters[0], float(self.steps)).array, array)


class JointStep:
    """A term on groups of several parameters: as one matrix, whose rows are the groups."""

    def __init__(self, term: Any, parameters: Mapping[str, Tensor]) -> None:
        self.term, self.names, self.parameters = term, tuple(parameters), tuple(parameters.values())
        self.gathered = term.gathered(self._arrays())
        self.before, self.rows, self.square = (self.gathered.matrix() for _ in range(3))
        self.factors = self.gathered.factors(term.scaled)
        self.steps = K.empty_like(self.factors)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: w.array for name, w in zip(self.names, self.parameters)}

    def begin(self) -> None:
        """The same as GroupStep.begin, for all parameters of the term."""
        self.gathered.gather(self._arrays(), self.before)

    def end(self, metrics: list[Metric] | None, lr: float, keep: float) -> None:
        """As GroupStep.end; there is one metric per parameter, and they differ in their squares alone."""
        if metrics is None:
            self.gathered.gather(self._arrays(), self.rows)
            K.copy(lr, self.steps)
        else:
            self.gathered.gather(dict(zip(self.names, (m.square for m in metrics))), self.square)
            self.gathered.gather(self._arrays(), self.rows)
            if keep != 1:
                K.mul(self.before, keep, self.before)
            _, root, eps, scale = metrics[0]
            K.group_level(self.rows, self.before, self.square, self.steps, 1, 2, lr=lr, root=root, eps=eps, scale=scale)
        K.mul(self.steps, self.factors, self.steps)
        self.term.shrink(self.rows, self.steps)
        self.gathered.scatter(self.rows, self._arrays())


class GroupSteps:
    """The terms on groups in the prox of an optimizer, and their values before its last step."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = weakref.proxy(optimizer)
        self.entries: list[Entry] = []
        self.steps: list[GroupStep | JointStep] = []
        self.values: dict[str, float] = {}

    def add(self, entry: Entry) -> None:
        """Take a term; all parameters of one that is joint have one group of options."""
        self.entries.append(entry)
        if not entry.joint:
            self.steps += [GroupStep(entry.term, *arguments) for arguments in entry.arguments(None)]
            return
        if len({id(self._options(w)) for _, w in entry.parameters}) > 1:
            raise ValueError(
                f"{self.optimizer.name}(prox=...): the parameters of {entry.name!r} are in several groups"
                " of options; its groups take one step"
            )
        self.steps.append(JointStep(entry.term, dict(entry.parameters)))

    def begin(self, valued: bool) -> list[GroupStep | JointStep]:
        """Before the update: the steps whose parameters it will move, and, if they are asked for, the values."""
        if valued:
            self.values = {entry.name: entry.value() for entry in self.entries}
        moving = [step for step in self.steps if self._all_move(step)]
        for step in moving if self.optimizer.own_steps else []:
            step.begin()
        return moving

    def end(self, moved: list[GroupStep | JointStep]) -> None:
        """After the update."""
        optimizer = self.optimizer
        for step in moved:
            options = self._options(step.parameters[0])
            metrics = [optimizer.metric(p, options) for p in step.parameters] if optimizer.own_steps else None
            keep = 1 - options["lr"] * options["weight_decay"] if optimizer.decoupled else 1.0
            step.end(metrics, options["lr"] * steps_that_last(options), keep)

    def term_of(self, p: Tensor) -> Any:
        """The term that acts on the parameter p."""
        return next(step.term for step in self.steps if p in step.parameters)

    def _options(self, p: Tensor) -> dict[str, Any]:
        return self.optimizer._rows[p][0].group

    def _all_move(self, step: GroupStep | JointStep) -> bool:
        """Whether the parameters of a step will move; raise where that is not for all to say."""
        if len(step.parameters) == 1:
            return step.parameters[0].tracked
        moving = [p.tracked for p in step.parameters]
        state, counters = self.optimizer.state, self.optimizer.counters
        taken = {tuple(float(state[p][name]) for name in counters) for p in step.parameters}
        if any(moving) and (not all(moving) or len(taken) > 1):
            why = "took different numbers of steps" if all(moving) else "do not all require grad"
            raise ValueError(
                f"{self.optimizer.name}: the parameters of prox={step.term!r} {why}; their groups shrink as one"
            )
        return all(moving)
