"""A backward pass as a table: every op of the forward pass, every rule that the walk asked, in its order."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from ..engine import Tensor, accumulate, flat
from ..op import Op, op_of
from .formula import Call, Key, call_of, formula, key, plain, short
from .lookout import Lookout, caller, in_walk

ACCUMULATE = op_of(accumulate)
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
    the argument, number of the node, or the text of a plain value); place is the user's line.
    """

    number: int
    stamp: int
    name: str
    op: str | None
    inputs: tuple[tuple[str, int | str], ...]
    value: Value
    tracked: bool
    place: str = ""

    @property
    def label(self) -> str:
        """How tables call it: #3 for the result of an op, else its name."""
        return f"#{self.number}" if self.op else self.name


@dataclass
class Part:
    """What one rule gave: the gradient of one argument, by the formula, and what was there already, if anything.

    formula is in the names g (the gradient of the result), y (the result) and those of the arguments; with_numbers is
    the same with single numbers put in. total is `before` + gradient.
    """

    argument: str
    node: int
    formula: str
    with_numbers: str
    gradient: Value
    before: Value | None = None
    total: Value | None = None

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


class trace(Lookout):
    """A `with` block that notes the ops called in it and the backward passes run in it, step by step.

    Printed, it is the table of what was made (forward), and of what the walk did (backward): in the order of the walk,
    the node, the gradient that came to it, the formula of each rule that was asked, what it gave, to which node, and
    the sum where gradients meet. In a notebook it shows itself as HTML. `nodes` are the tensors by number, `walks` the
    walks, each a list of Visit. Tensors of at most `numbers` elements are shown and kept whole (and stay as they were),
    larger ones by their norm. model gives its parameters their names.

    What it shows is what the engine's own hook hands out: no second implementation computes it. Formulas are the ops
    that a rule called. It costs time and memory, so it is for a small graph or a single step. Nothing is noted of the
    time outside of the block: a tensor made before it counts as a leaf.

    >>> import minigrad as mg
    >>> w = mg.tensor(2.0, requires_grad=True)
    >>> with mg.debug.trace() as t:
    ...     e = w * 3.0 - 1.0
    ...     (e * e).backward()
    >>> print(t)  # doctest: +ELLIPSIS
    forward
      #2  mul  6   a: leaf 1 = 2, b: 3  line <...
      #3  sub  5   a: #2, b: 1          line <...
      #4  mul  25  a: #3, b: #3         line <...
    backward
      1  #4 mul  g = 1   a: g · a = 1 · 5 = 5    to #3
                         b: g · a = 1 · 5 = 5    to #3, 5 + 5 = 10
      2  #3 sub  g = 10  a: g = 10               to #2
      3  #2 mul  g = 10  a: g · b = 10 · 3 = 30  to leaf 1
    """

    def __init__(self, model: Any = None, numbers: int = 16) -> None:
        self.numbers = numbers
        self.names = {} if model is None else {id(p): name for name, p in model.named_parameters()}
        self.nodes: dict[int, Node] = {}
        self.walks: list[list[Visit]] = []
        self._by_stamp: dict[int, int] = {}
        self._calls: dict[Key, Call] = {}  # what rules called, by its result
        self._last: tuple[int, int] = (0, 0)  # stamp of the visited node, and the argument whose rule was asked last

    def look(
        self,
        op: Op,
        y: Tensor,
        inputs: tuple,
        options: dict,
        i: int | None = None,
        g: Any = None,
        gradient: Any = None,
    ) -> None:
        if i is not None:
            self._rule(op, y, inputs, i, g, gradient)
        elif not in_walk():
            self._made(op, y, inputs)
        elif op is ACCUMULATE:
            part = self.walks[-1][-1].parts[-1]
            part.before, part.total = self._value(inputs[0]), self._value(y)
        else:
            self._calls[key(y)] = call_of(op, inputs, options)

    def _made(self, op: Op, y: Tensor, inputs: tuple) -> None:
        if op is ACCUMULATE:  # backward adds what it found to the .grad that was there
            return
        known = [
            (op.argument(k), self._node(x).number if isinstance(x, Tensor) else plain(x))
            for k, x in enumerate(inputs)
            if x is not None
        ]
        self._add(y, op.name, tuple(known), os.path.basename(caller()))

    def _node(self, x: Tensor) -> Node:
        """The node of a tensor; one that was not made in the block becomes a leaf."""
        if x.stamp not in self._by_stamp:
            self._add(x, None, (), "")
        return self.nodes[self._by_stamp[x.stamp]]

    def _add(self, x: Tensor, op: str | None, inputs: tuple, place: str) -> None:
        number = len(self.nodes) + 1
        kind = "leaf" if x.tracked else "constant"
        name = self.names.get(id(x)) or f"{kind} {number}"
        self.nodes[number] = Node(number, x.stamp, name, op, inputs, self._value(x), x.tracked, place)
        self._by_stamp[x.stamp] = number

    def _value(self, x: Tensor) -> Value:
        return Value.of(x, self.numbers)

    def _rule(self, op: Op, y: Tensor, inputs: tuple, i: int, g: Tensor, gradient: Tensor) -> None:
        """Rule i of y's op made `gradient` of g, the gradient of y. A walk goes from younger to older nodes."""
        if not self.walks or y.stamp > self._last[0] or (y.stamp == self._last[0] and i <= self._last[1]):
            self.walks.append([])
        visits, number = self.walks[-1], self._node(y).number
        if not visits or visits[-1].node != number:
            visits.append(Visit(number, self._value(g)))
        self._last = y.stamp, i
        named: dict[Key, str] = {}
        numbered: dict[Key, str] = {}
        for x, name in [(g, "g"), (y, "y"), *((x, op.argument(k)) for k, x in enumerate(inputs))]:
            named.setdefault(key(x), name)
            numbered.setdefault(key(x), name if isinstance(x, Tensor) and x.array.size != 1 else short(x))
        zero = op.rules[i] is flat
        texts = ["0" if zero else formula(key(gradient), self._calls, names.get) for names in (named, numbered)]
        node = self._node(inputs[i]).number
        visits[-1].parts.append(Part(op.argument(i), node, texts[0], texts[1], self._value(gradient)))

    def __repr__(self) -> str:
        tables = self._tables()
        if not tables:
            return "nothing was traced: call ops and backward inside of the block"
        return "\n".join(line for title, table in tables for line in (title, *columns(table)))

    def _repr_html_(self) -> str:
        return "".join(
            f"<p><b>{escape(title)}</b></p><table>"
            + "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table)
            + "</table>"
            for title, table in self._tables()
        )

    def _tables(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """The forward pass and each walk: a title, and rows of cells."""
        forward: list[tuple[str, ...]] = [
            (
                node.label,
                str(node.op),
                str(node.value),
                ", ".join(f"{name}: {self._told(x)}" for name, x in node.inputs),
                f"line {node.place}",
            )
            for node in self.nodes.values()
            if node.op
        ]
        tables = [("forward", forward)] if forward else []
        for number, visits in enumerate(self.walks, 1):
            title = "backward" if len(self.walks) == 1 else f"backward {number}"
            tables.append((title, [row for step, visit in enumerate(visits, 1) for row in self._rows(step, visit)]))
        return tables

    def _told(self, x: int | str) -> str:
        """An argument: the result #3; a leaf with its value; a plain value."""
        if isinstance(x, str):
            return x
        node = self.nodes[x]
        return node.label if node.op else f"{node.label} = {node.value}"

    def _rows(self, step: int, visit: Visit) -> list[tuple[str, ...]]:
        """The rows of one visit: a row for each rule, the first of which says which node it is."""
        node = self.nodes[visit.node]
        rows: list[tuple[str, ...]] = []
        for part in visit.parts:
            first = not rows
            steps = [part.formula]
            if (
                part.gradient.numbers is not None
                and part.gradient.numbers.size == 1
                and part.with_numbers != part.formula
            ):
                steps.append(part.with_numbers)
            if steps[-1] != str(part.gradient) and steps[0] != "0":
                steps.append(str(part.gradient))
            arrives = self.nodes[part.node].label
            if part.total is not None:
                arrives += (
                    f", {part.before} + {part.gradient} = {part.total}" if part.total.few else f", sum {part.total}"
                )
            rows.append(
                (
                    str(step) if first else "",
                    f"{node.label} {node.op or ''}".rstrip() if first else "",
                    f"g = {visit.gradient}" if first else "",
                    f"{part.argument}: {' = '.join(steps)}",
                    f"to {arrives}",
                )
            )
        return rows


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of cells as lines whose columns begin below each other."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
