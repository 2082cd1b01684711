"""A backward pass as a table: every op of the forward pass, every rule that the walk asked, in its order."""

from __future__ import annotations

import os
import time
from html import escape
from typing import Any

from ..engine import Tensor, accumulate, flat
from ..op import Op, op_of
from .aligned import as_table, columns
from .formula import PLAIN, Call, Key, call_of, formula, key, plain, short
from .graph import Node, Part, Value, Visit, behind
from .lookout import Lookout, caller, in_walk, modules_at_work, users_frame
from .updates import Stepped, Update, Updates, noted, stepped

ACCUMULATE = op_of(accumulate)


class trace(Lookout):
    """A `with` block that notes the ops called in it and the backward passes run in it, step by step.

    Printed, it is the table of what was made (forward), and of what the walk did (backward): in the order of the walk,
    the node, the gradient that came to it, the formula of each rule that was asked, what it gave, to which node, and
    the sum where gradients meet. In a notebook it shows itself as HTML. `nodes` are the tensors by number, `walks` the
    walks, each a list of Visit, `steps` what optimizers did to each parameter. Tensors of at most `numbers` elements
    are shown and kept whole (and stay as they were), larger ones by their norm. model gives its parameters their names;
    other tensors have that of the one variable that holds them, if there is one. A step of an optimizer in the block is
    a table, too: of each parameter the gradient, what a penalty adds, the step, what the proximal map makes 0 of, and
    the numbers before and after.

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
      #2  mul  6   a: w = 2, b: 3  line <...
      #3  sub  5   a: #2, b: 1     line <...
      #4  mul  25  a: #3, b: #3    line <...
    backward
      1  #4 mul  g = 1   a: g · a = 1 · 5 = 5    to #3
                         b: g · a = 1 · 5 = 5    to #3, 5 + 5 = 10
      2  #3 sub  g = 10  a: g = 10               to #2
      3  #2 mul  g = 10  a: g · b = 10 · 3 = 30  to w
    """

    def __init__(self, model: Any = None, numbers: int = 16) -> None:
        self.numbers = numbers
        self.nodes: dict[int, Node] = {}
        self.walks: list[list[Visit]] = []
        self.steps: list[Stepped] = []  # of optimizers
        self._updates = Updates(self._step_begins, self._step_ends)
        self._before: list = []
        self.paths: dict[int, str] = {}  # id of a module -> its path
        self._names: dict[int, str] = {}  # id of a parameter -> its name
        self._by_stamp: dict[int, int] = {}
        self._calls: dict[Key, Call] = {}  # what rules called, by its result
        self._last: tuple[int, int] = (0, 0)  # stamp of the visited node, and the argument whose rule was asked last
        self._rest = 0.0  # seconds in a rule so far
        self._left = time.perf_counter()  # when the last look was over
        self._following = False  # whether it saw an op: else the time since is also that of reading data, and not told
        if model is not None:
            self.name(model)

    def __enter__(self) -> trace:
        self._updates.start()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self._updates.stop()
        super().__exit__(*error)

    def _step_begins(self, optimizer: Any) -> None:
        self._before = noted(optimizer)

    def _step_ends(self, optimizer: Any) -> None:
        self.steps.append(stepped(optimizer, self._before, self.numbers))
        self._left = time.perf_counter()

    def name(self, model: Any, prefix: str = "") -> None:
        """Call a model's parameters and modules by their names, behind a prefix; also those traced already."""
        dot = f"{prefix}." if prefix else ""
        self._names.update({id(p): dot + name for name, p in model.named_parameters()})
        self.paths.update({id(module): (dot + path).rstrip(".") for path, module in model.named_modules()})
        for node in self.nodes.values():
            if node.leaf is not None:
                node.name = self._names.get(id(node.leaf), node.name)

    def path(self, node: Node) -> str:
        """The modules that a node was made in: their path if `name` was told of them, else their classes."""
        if not node.modules:
            return ""
        return self.paths.get(id(node.modules[-1])) or ".".join(type(module).__name__ for module in node.modules)

    def add_graph(self, output: Tensor) -> None:
        """Take in what is recorded behind a tensor that was made before the block, in its order."""
        found, waiting = {}, [output]
        while waiting:
            t = waiting.pop()
            if t.stamp not in found and t.stamp not in self._by_stamp:
                found[t.stamp] = t
                waiting += [x for x in t.inputs or () if isinstance(x, Tensor)]
        for stamp in sorted(found):
            t = found[stamp]
            if t.op is not None and t.inputs is not None:
                self._add(t, t.op.name, self._arguments(t.op, t.inputs, t.options or {}), "")
            else:
                self._node(t).freed = t.op is not None and t.tracked

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
        seconds = time.perf_counter() - self._left
        if i is not None:
            self._rule(op, y, inputs, i, g, gradient).seconds, self._rest = self._rest + seconds, 0.0
            self._following = False
        elif not in_walk():
            if op is not ACCUMULATE:  # by which backward adds what it found to a .grad that was there
                node = self._add(y, op.name, self._arguments(op, inputs, options), os.path.basename(caller()))
                node.modules, node.seconds = modules_at_work(), seconds if self._following else 0.0
                self._following = True
        elif op is ACCUMULATE:
            part = self.walks[-1][-1].parts[-1]
            part.before, part.total = self._value(inputs[0]), self._value(y)
        else:
            self._calls[key(y)] = call_of(op, inputs, options)
            self._rest += seconds
        self._left = time.perf_counter()

    def _arguments(self, op: Op, inputs: tuple, options: dict) -> tuple[tuple[str, int | str], ...]:
        """The arguments of an op by name: the numbers of nodes, and plain values as text."""
        given = [(op.argument(k), x) for k, x in enumerate(inputs)]
        given += [(name, x) for name, x in options.items() if isinstance(x, PLAIN) and x != op.options.get(name)]
        return tuple(
            (name, self._node(x).number if isinstance(x, Tensor) else plain(x)) for name, x in given if x is not None
        )

    def _node(self, x: Tensor) -> Node:
        """The node of a tensor; one that was not made in the block becomes a leaf."""
        if x.stamp not in self._by_stamp:
            self._add(x, None, (), "")
        return self.nodes[self._by_stamp[x.stamp]]

    def _add(self, x: Tensor, op: str | None, inputs: tuple, place: str) -> Node:
        number = len(self.nodes) + 1
        kind = "leaf" if x.tracked else "constant"
        name = self._names.get(id(x)) or (None if op else self._variable(x)) or f"{kind} {number}"
        node = Node(number, x.stamp, name, op, inputs, self._value(x), x.tracked, x.array.nbytes, place)
        node.leaf = None if op else x
        self.nodes[number], self._by_stamp[x.stamp] = node, number
        return node

    def _variable(self, x: Tensor) -> str:
        """The one variable of the calling code that holds a tensor; nothing where none or several do."""
        frame = users_frame()
        held = [name for name, value in {**frame.f_globals, **frame.f_locals}.items() if value is x and name[0] != "_"]
        return held[0] if len(held) == 1 and all(held[0] != node.name for node in self.nodes.values()) else ""

    def _value(self, x: Tensor) -> Value:
        return Value.of(x, self.numbers)

    def _rule(self, op: Op, y: Tensor, inputs: tuple, i: int, g: Tensor, gradient: Tensor) -> Part:
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
        return visits[-1].parts[-1]

    def table(self, walk: int | None = None) -> str:
        """The forward pass and all walks as text, or one walk (counted from 0) and what stands behind it."""
        tables = self._tables(walk)
        if walk is not None:
            tables = tables[:1] + tables[1 : 1 + len(self.walks)][walk : walk + 1]
        if not tables:
            return "nothing was traced: call ops and backward inside of the block"
        return "\n".join(line for title, table in tables for line in (title, *columns(table)))

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        return "".join(f"<p><b>{escape(title)}</b></p>{as_table(table)}" for title, table in self._tables())

    def _forward(self, walk: int | None) -> list[tuple[str, list[tuple[str, ...]]]]:
        """The table of the ops behind a walk, or of all; none if there are none."""
        forward: list[tuple[str, ...]] = [
            (
                node.label,
                str(node.op),
                str(node.value),
                ", ".join(f"{name}: {self._told(x)}" for name, x in node.inputs),
                f"line {node.place}",
            )
            for node in self._behind(walk).values()
            if node.op
        ]
        places = {row[-1] for row in forward}
        title = "forward"
        if len(places) == 1 and len(forward) > 1:  # all in one line, such as that of fit
            title, forward = f"forward, {places.pop()}", [row[:-1] for row in forward]
        return [(title, forward)] if forward else []

    def _tables(self, walk: int | None = None) -> list[tuple[str, list[tuple[str, ...]]]]:
        """The forward pass and each walk: a title, and rows of cells."""
        tables = self._forward(walk)
        for number, visits in enumerate(self.walks, 1):
            title = "backward" if len(self.walks) == 1 else f"backward {number}"
            tables.append((title, [row for step, visit in enumerate(visits, 1) for row in self._rows(step, visit)]))
        for number, step in enumerate(self.steps, 1):
            title = "update" if len(self.steps) == 1 else f"update {number}"
            tables.append((f"{title}, by {step.name}", [self._updated(update) for update in step.updates]))
        return tables

    def _updated(self, update: Update) -> tuple[str, ...]:
        """What a step did to a parameter: what it was made of, and before → after."""
        said = dict(update.rows())
        told = [f"{name} {said[name]}" if name in said else "" for name in ("gradient", "penalty", "step", "prox")]
        return (self._called(update.parameter), *told, f"{said['before']} → {said['after']}")

    def _called(self, p: Tensor) -> str:
        """A parameter by its name, else as the leaf that it is in the graph."""
        name = self._names.get(id(p))
        return name or next((n.name for n in self.nodes.values() if n.leaf is p), "a parameter")

    def _behind(self, walk: int | None) -> dict[int, Node]:
        """The nodes that a walk went through; all of them if there is none."""
        if walk is None or not 0 <= walk < len(self.walks):
            return self.nodes
        return behind(self.nodes, self.walks[walk][0].node)

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
                arrives += f", {part.before} + {part.gradient} = {part.total}" if part.total.few else told_sum(part)
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


def told_sum(part: Part) -> str:
    """A sum where large gradients meet: its norm, and those of what was added."""
    assert part.before is not None
    return f", {part.total}: the sum of norm {part.before.norm:.4g} and norm {part.gradient.norm:.4g}"
