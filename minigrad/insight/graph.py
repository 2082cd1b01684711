"""What a trace holds: the tensors of a graph, and what the walk did at each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine import Tensor
from .formula import plain

WRITTEN = 6  # a table writes out tensors of at most so many elements


@dataclass
class Value:
    """A tensor's numbers, if they are few, else their norm √Σx² and how many are 0."""

    shape: tuple[int, ...]
    dtype: np.dtype
    numbers: np.ndarray | None
    norm: float
    zeros: int

    @classmethod
    def of(cls, x: Tensor, most: int) -> Value:
        """The value of a tensor; of more than `most` elements without the numbers."""
        wide = x.array.astype(np.float64)
        numbers = x.array.copy() if x.array.size <= most else None
        return cls(x.array.shape, x.array.dtype, numbers, float(np.sqrt((wide * wide).sum())), int((wide == 0).sum()))

    @property
    def few(self) -> bool:
        """Whether the numbers are known, and so few that a table writes them out."""
        return self.numbers is not None and self.numbers.size <= WRITTEN

    def __str__(self) -> str:
        if self.numbers is None or not self.few:
            zeros = f", {self.zeros} zeros" if self.zeros else ""
            return f"{'x'.join(map(str, self.shape))}, norm {self.norm:.4g}{zeros}"
        if self.numbers.ndim == 0:
            return plain(self.numbers.item())
        return np.array2string(self.numbers, precision=4, separator=" ", max_line_width=10_000).replace("\n", "")


@dataclass
class Node:
    """A tensor of the graph: number (in the order in which they were made), name, and how it was made.

    op is None for a leaf (a parameter or another tensor that nothing made) and a constant; inputs are pairs (name of
    the argument, number of the node, or the text of a plain value); place is the user's line; modules are those whose
    forward made it, the outermost first; seconds from the op before to its end; leaf is the tensor itself, of leaves;
    freed says that an op made it and a walk has forgotten how.
    """

    number: int
    stamp: int
    name: str
    op: str | None
    inputs: tuple[tuple[str, int | str], ...]
    value: Value
    tracked: bool
    bytes: int
    place: str = ""
    modules: tuple[Any, ...] = ()
    seconds: float = 0.0
    leaf: Tensor | None = None
    freed: bool = False

    @property
    def label(self) -> str:
        """How tables call it: #3 for the result of an op, else its name."""
        return f"#{self.number}" if self.op else self.name


@dataclass
class Part:
    """What one rule gave: the gradient of one argument, by the formula, and what was there already, if anything.

    formula is in the names g (the gradient of the result), y (the result) and those of the arguments; with_numbers is
    the same with single numbers put in. total is `before` + gradient; seconds is the time of the
    rule.
    """

    argument: str
    node: int
    formula: str
    with_numbers: str
    gradient: Value
    before: Value | None = None
    total: Value | None = None
    seconds: float = 0.0

    @property
    def arrived(self) -> Value:
        """What the input's gradient is after this part."""
        return self.total or self.gradient


@dataclass
class Visit:
    """One node that the walk visited: its gradient, complete, and what each rule made of it."""

    node: int
    gradient: Value
    parts: list[Part] = field(default_factory=list)


def behind(nodes: dict[int, Node], root: int) -> dict[int, Node]:
    """The nodes that the root was made from, and itself, in their order."""
    found, waiting = {root}, [root]
    while waiting:
        for _, x in nodes[waiting.pop()].inputs:
            if isinstance(x, int) and x not in found:
                found.add(x)
                waiting.append(x)
    return {n: nodes[n] for n in sorted(found)}
