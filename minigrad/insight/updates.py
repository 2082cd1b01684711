"""Looking on at every step of every optimizer: what it found, and what it left."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine import Tensor
from .formula import plain
from .graph import WRITTEN, Value

Look = Callable[[Any], Any]
STEPPING: list[tuple[type, Callable[..., Any]]] = []


def stepping(kind: type, steps_taken: Callable[..., Any]) -> None:
    """Tell of the base of the optimizers, which stands on a higher floor, and of optim.binding.steps_taken."""
    STEPPING.append((kind, steps_taken))


class Updates:
    """While it is on, `before` and `after` are called around each optimizer.step(); inner calls of step are not told.

    They hold for the whole process. Where step raises, after is called all the same.
    """

    def __init__(self, before: Look, after: Look) -> None:
        self.before, self.after = before, after
        self._inside = 0
        self._kept: list[tuple[Any, Any]] = []

    def start(self) -> None:
        """Look on from now."""
        self._kept = [
            (kind, kind.__dict__["step"]) for base, _ in STEPPING for kind in _kinds(base) if "step" in kind.__dict__
        ]
        for kind, step in self._kept:
            kind.step = self._told(step)

    def stop(self) -> None:
        """Look on no more."""
        for kind, step in self._kept:
            kind.step = step
        self._kept = []

    def _told(self, step: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(step)
        def told(optimizer: Any, *args: Any, **options: Any) -> Any:
            if self._inside:
                return step(optimizer, *args, **options)
            self._inside += 1
            self.before(optimizer)
            try:
                return step(optimizer, *args, **options)
            finally:
                self._inside -= 1
                self.after(optimizer)

        return told


def _kinds(kind: Any) -> Iterator[Any]:
    """A class and those that are made from it."""
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


# --- what a step did -----------------------------------------------------------------------------------------------


@dataclass
class Update:
    """What a step of an optimizer did to one parameter.

    gradient is that of backward, None where there was none; penalty names the terms whose gradients the step adds, with
    the sum of these for small tensors; step is lr, or the step of each coordinate; threshold is what the proximal map
    makes 0 of, step · l1; new_zeros counts the elements that became 0.
    """

    parameter: Tensor
    gradient: Value | None
    penalty: str
    penalty_gradient: Value | None
    step: str
    prox: str
    threshold: str
    before: Value
    after: Value
    new_zeros: int

    def rows(self) -> list[tuple[str, str]]:
        """What there is to say of it: pairs of a name and a text."""
        pull = "" if self.penalty_gradient is None else f": its gradient = {self.penalty_gradient}"
        limit = f": 0 where at most step · l1 = {self.threshold}" if self.threshold else ""
        said = [
            ("gradient", "none" if self.gradient is None else f"g = {self.gradient}"),
            ("penalty", f"{self.penalty}{pull}" if self.penalty else ""),
            ("step", self.step),
            ("prox", f"{self.prox}{limit}" if self.prox else ""),
            ("before", str(self.before)),
            ("after", f"{self.after}" + (f", {self.new_zeros} became 0" if self.new_zeros else "")),
        ]
        return [(name, text) for name, text in said if text]


@dataclass
class Stepped:
    """A step of an optimizer: its name, and what it did to each parameter that it holds."""

    name: str
    updates: list[Update]


def noted(optimizer: Any) -> list[tuple[Any, np.ndarray, Any]]:
    """Before a step: parameters, copies of their arrays and gradients."""
    held = [p for group in optimizer.param_groups for p in group["params"]]
    return [(p, p.array.copy(), None if p.grad is None else Tensor(p.grad.array.copy())) for p in held]


def stepped(optimizer: Any, before: list[tuple[Any, np.ndarray, Any]], most: int) -> Stepped:
    """After it: what it did. Tensors of more than `most` elements are told by their norms."""
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    found = []
    for p, array, gradient in before:
        group = groups.get(id(p), {})
        taken = STEPPING[0][1](optimizer, p, group) if "lr" in group else None
        penalties, maps = (_on(optimizer, when, p) for when in ("penalty", "prox"))
        pull = _pull([entry.term for entry in penalties], array)
        l1 = sum(getattr(entry.term, "l1", 0.0) for entry in maps)
        new = int(((array != 0) & (p.array == 0)).sum())
        found.append(
            Update(
                p,
                None if gradient is None else Value.of(gradient, most),
                ", ".join(entry.name for entry in penalties),
                None if pull is None else Value.of(Tensor(pull), most),
                _range(taken, most),
                ", ".join(entry.name for entry in maps),
                _range(taken * l1, most) if l1 and taken is not None else "",
                Value.of(Tensor(array), most),
                Value.of(p, most),
                new,
            )
        )
    return Stepped(optimizer.name, found)


def _on(optimizer: Any, when: str, p: Any) -> list[Any]:
    """The terms that act on a parameter, as penalty or by their proximal maps."""
    terms = optimizer._terms.get(when)
    return [] if terms is None else [e for e in terms.entries if any(w is p for _, w in e.parameters)]


def _pull(terms: list[Any], w: np.ndarray) -> np.ndarray | None:
    """l1 sign(w) + l2 w of the terms, where that is all of them."""
    if not terms or not all(hasattr(term, "l1") and hasattr(term, "l2") for term in terms):
        return None
    l1, l2 = (w.dtype.type(sum(getattr(term, name) for term in terms)) for name in ("l1", "l2"))
    return l1 * np.sign(w) + l2 * w


def _range(step: Any, most: int) -> str:
    """A step: one number, the few of a small tensor, or from the least to the largest."""
    if step is None:
        return ""
    if isinstance(step, np.ndarray) and step.size and step.min() == step.max():
        return plain(float(step.flat[0]))
    if isinstance(step, np.ndarray) and step.size > min(most, WRITTEN):
        return f"{plain(float(step.min()))} to {plain(float(step.max()))}"
    if not isinstance(step, np.ndarray) or step.size == 1:
        return plain(float(step))
    return np.array2string(step, precision=4, separator=" ", max_line_width=10_000).replace("\n", "")
