"""Terms in an optimizer: what they need to be bound. How the updates of whole groups end: group_steps.py."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine import Tensor
from ..reg.terms import Terms

NEEDS = {"penalty": ("l1", "l2"), "prox": ("prox",), "constraints": ("project",)}


class Metric(NamedTuple):
    """Each coordinate took the step lr / ((√square root + eps) scale)."""

    square: np.ndarray
    root: float
    eps: float
    scale: float


def check_bound(who: str, bound: Mapping[str, Any], held: Container[Tensor]) -> None:
    """Raise unless the terms of every moment can act there, on parameters that are held, under names of their own."""
    names: set[str] = set()
    for moment, terms in bound.items():
        caller = f"{who}({moment}=...)"
        if not isinstance(terms, Terms):
            raise TypeError(f"{caller}: got {terms!r}; need terms = reg.on(model, selector, penalty)")
        terms.refuse_bound(caller)
        twice = [other for other, given in bound.items() if given is terms and other != moment]
        if twice:
            raise ValueError(f"{caller}: the same terms are given as {twice[0]}=, and would count twice")
        for entry in terms.entries:
            lacks = [need for need in NEEDS[moment] if not hasattr(entry.term, need)]
            if lacks or entry.of_batch:
                fault = f"has no {', '.join(lacks)}" if lacks else "is on what the model computes"
                raise TypeError(f"{caller} needs terms with {', '.join(NEEDS[moment])}; {entry.term!r} {fault}. "
                                f"{_elsewhere(entry.term)}")  # fmt: skip
            if entry.name in names:
                raise ValueError(f"{caller}: two terms are named {entry.name!r}; names are the keys of the mapping")
            names.add(entry.name)
        check_held(caller, terms, held)


def check_held(caller: str, terms: Terms, held: Container[Tensor]) -> None:
    """Raise for the first parameter with a term on it that is not held."""
    for entry in terms.entries:
        for parameter, w in entry.parameters:
            if w not in held:
                raise ValueError(f"{caller}: {entry.name!r} is on {parameter}, which this optimizer does not "
                                 "hold; if the model or a layer was made anew, make new terms with reg.on")  # fmt: skip


def _elsewhere(term: Any) -> str:
    """Where a term can act."""
    if hasattr(term, "project"):
        return "Use constraints=."
    return "Use it in the loss." if not hasattr(term, "prox") else "Use it in the loss, or as prox=."


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
