"""Terms in an optimizer: what they need to be bound, and the proximal step of whole groups.

Update kernels see one coordinate at a time. Where every coordinate took the step lr, the kernel has moved w, and w =
prox(w, lr) ends the update. Under a diagonal metric (Adam's √v̂ + eps, coordinate j taking the step lr / metric_j)
the map of a group has no closed form. All its coordinates then take the smallest step among them, lr / max metric:
the proximal step for the least scalar bound of the metric. Its fixed points are the stationary points of loss +
penalty; one threshold beside each coordinate's own step would move them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor
from ..reg.terms import Terms

NEEDS = {"penalty": ("l1", "l2"), "prox": ("prox",), "constraints": ("project",)}


def check_bound(who: str, bound: Mapping[str, Any], held: Container[Tensor]) -> None:
    """Raise unless the terms of every moment can act there, on parameters that are held, under names of their own."""
    names: set[str] = set()
    for moment, terms in bound.items():
        caller = f"{who}({moment}=...)"
        if not isinstance(terms, Terms):
            raise TypeError(f"{caller}: got {terms!r}; need terms = reg.on(model, selector, penalty)")
        terms.refuse_bound(caller)
        for entry in terms.entries:
            lacks = [need for need in NEEDS[moment] if not hasattr(entry.term, need)]
            if lacks or entry.of_batch:
                fault = f"has no {', '.join(lacks)}" if lacks else "is on what the model computes"
                raise TypeError(f"{caller} needs terms with {', '.join(NEEDS[moment])}; {entry.term!r} {fault}. "
                                f"{_elsewhere(entry.term)}")  # fmt: skip
            for parameter, w in entry.parameters:
                if w not in held:
                    raise ValueError(f"{caller}: {entry.name!r} is on {parameter}, which this optimizer does not "
                                     "hold")  # fmt: skip
            if entry.name in names:
                raise ValueError(f"{caller}: two terms are named {entry.name!r}; names are the keys of the mapping")
            names.add(entry.name)
    if "prox" in bound:
        _check_maps(f"{who}(prox=...)", bound["prox"])


def _elsewhere(term: Any) -> str:
    """Where a term can act."""
    if hasattr(term, "project"):
        return "Use constraints=."
    return "Use it in the loss." if not hasattr(term, "prox") else "Use it in the loss, or as prox=."


def _check_maps(caller: str, terms: Terms) -> None:
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


def by_coordinate(term: Any) -> bool:
    """Whether (l1, l2) say all of a term, so that kernels apply its gradient and its proximal map."""
    return all(hasattr(term, name) for name in NEEDS["penalty"])


def steps_that_last(group: Mapping[str, Any]) -> float:
    """1 / (1 - momentum): how many steps lr a lasting gradient moves a weight by, once the buffer is full.

    The proximal maps take this step. With lr alone their fixed points would be those of (1 - momentum) times the terms.
    """
    momentum = group.get("momentum", 0.0)
    if momentum >= 1:
        raise ValueError(f"a proximal map needs a momentum below 1, got {momentum}")
    return 1 / (1 - momentum)


def group_step(term: Any, w: Tensor, before: np.ndarray | None, metric: np.ndarray | None, lr: float) -> None:
    """End the update of w, which came from `before`, by the proximal map of a term. metric None: the step was lr."""
    step: Any = lr
    if metric is not None:
        first, last = term.axes(w.array.shape) if hasattr(term, "axes") else (0, w.array.ndim)
        shape = w.array.shape
        top = K.empty(shape[:first] + (1,) * (last - first) + shape[last:], metric.dtype)
        K.max(metric, top, np.empty(top.shape, np.int64), first, last)
        K.div(metric, top, metric)
        K.sub(w.array, before, w.array)  # the move
        K.mul(w.array, metric, w.array)
        K.add(w.array, before, w.array)
        steps = K.empty(shape[:first] + shape[last:], metric.dtype)
        K.div(lr, top.reshape(steps.shape), steps)
        step = steps if hasattr(term, "axes") else float(steps)
    K.copy(term.prox(w, step).array, w.array)
