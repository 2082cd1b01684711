"""mg.explain: a backward pass as a page on which one can step forward and back through every number."""

from __future__ import annotations

import json
import math
import os
from html import escape
from pathlib import Path
from typing import Any

from ..atomic import atomic_write
from ..engine import Tensor, grad
from ..errors import GraphError
from .folding import levels_of
from .graph import Node, Part, behind
from .trace import trace

PAGE = Path(__file__).parent / "page"
MOST = 100_000  # nodes; a page of more does not open in a browser


class Explanation:
    """One walk of a trace and the graph behind it: `save` writes a page, `dot` and `mermaid` give text for other tools.

    In a notebook it shows the page itself.

    GraphError if nothing was traced, there was no such backward pass, or the graph has more nodes than a page takes.

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0])
    >>> made = mg.explain((w * w).sum())
    >>> type(made).__name__
    'Explanation'
    """

    def __init__(self, seen: trace, walk: int = 0, title: str = "A backward pass") -> None:
        if not 0 <= walk < max(1, len(seen.walks)):
            raise GraphError(f"explain: there were {len(seen.walks)} backward passes; walk {walk} (from 0) is none")
        if not seen.nodes:
            raise GraphError("explain: nothing was traced; call ops and backward inside of the block")
        self.seen, self.title = seen, title
        self.visits = seen.walks[walk] if seen.walks else []
        self.stepped = seen.steps[walk : walk + 1] if len(seen.steps) == len(seen.walks) else []  # one behind each walk
        self.nodes = behind(seen.nodes, self.visits[0].node) if self.visits else seen.nodes
        if len(self.nodes) > MOST:
            raise GraphError(f"explain: the graph has {len(self.nodes):,} nodes; a page takes {MOST:,} at most")

    def data(self) -> dict[str, Any]:
        """What the page shows, as plain lists and dicts: nodes, steps, and drawings of the graph, the fullest last."""
        nodes = {number: self._node(node) for number, node in self.nodes.items()}
        steps: list[dict] = [{"kind": "forward", "node": n} for n, node in self.nodes.items() if node.op]
        for visit in self.visits:
            spent = sum(part.seconds for part in visit.parts)
            nodes[visit.node].update(gradient=str(visit.gradient), norm=plotted(visit.gradient.norm), backward=spent)
            steps += [
                {"kind": "backward", "node": visit.node, "g": str(visit.gradient), **self._part(part)}
                for part in visit.parts
            ]
            for part in visit.parts:
                nodes[part.node].update(gradient=str(part.arrived), norm=plotted(part.arrived.norm))
        steps += self._updates()
        paths = {n: self.seen.path(node) for n, node in self.nodes.items() if node.op}
        return {
            "title": self.title,
            "nodes": list(nodes.values()),
            "steps": steps,
            "levels": [level.drawn() for level in levels_of(self.nodes, paths)],
        }

    def _node(self, node: Node) -> dict[str, Any]:
        shape = "x".join(map(str, node.value.shape)) or "number"
        return {
            "n": node.number,
            "op": node.op,
            "name": node.name if node.op is None else f"#{node.number}",
            "shape": f"{shape} {node.value.dtype}",
            "value": str(node.value),
            "arguments": [list(pair) for pair in node.inputs],
            "place": node.place,
            "module": self.seen.path(node),
            "bytes": node.bytes,
            "seconds": node.seconds,
        }

    def _updates(self) -> list[dict[str, Any]]:
        """What the optimizer's step behind the walk did to each parameter of the graph."""
        numbers = {id(node.leaf): n for n, node in self.nodes.items() if node.leaf is not None}
        done = [(step.name, update) for step in self.stepped for update in step.updates]
        return [
            {"kind": "update", "node": numbers[id(update.parameter)], "by": name, "rows": update.rows()}
            for name, update in done
            if id(update.parameter) in numbers
        ]

    def _part(self, part: Part) -> dict[str, Any]:
        said: dict[str, Any] = {
            "argument": part.argument,
            "to": part.node,
            "formula": part.formula,
            "gradient": str(part.gradient),
        }
        if part.gradient.few and part.with_numbers not in (part.formula, str(part.gradient)):
            said["numbers"] = part.with_numbers
        if part.total is not None:
            said.update(before=str(part.before), total=str(part.total))
        return said

    def html(self) -> str:
        """The page: one file, which needs nothing else."""
        data = json.dumps(self.data(), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
        style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ("explain.css", "explain.js"))
        body = (PAGE / "explain.html").read_text(encoding="utf-8")
        fields = {"TITLE": escape(self.title), "STYLE": style, "DATA": data, "SCRIPT": script}
        pieces = body.split("@@")
        return "".join(fields[piece] if i % 2 else piece for i, piece in enumerate(pieces))

    def save(self, path: str | os.PathLike) -> Path:
        """Write the page, whole or not at all; returns its path."""
        with atomic_write(path) as file:
            file.write(self.html().encode("utf-8"))
        return Path(path)

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="{escape(self.title, quote=True)}" style="width:100%;height:640px;border:0" '
            f'srcdoc="{escape(self.html(), quote=True)}"></iframe>'
        )

    def __repr__(self) -> str:
        ops = sum(node.op is not None for node in self.nodes.values())
        return f"Explanation({ops} ops, {len(self.visits)} of them visited; .save('page.html') writes the page)"

    def edges(self) -> list[tuple[int, int, str]]:
        """(node, node made of it, name of the argument) for each argument that is a tensor."""
        return [(x, n, name) for n, node in self.nodes.items() for name, x in node.inputs if isinstance(x, int)]

    def dot(self) -> str:
        """The graph as DOT, for graphviz: `dot -Tsvg`."""
        shapes = {True: "", False: ", shape=box"}
        lines = [f"  n{n} [label={self._label(node)}{shapes[node.op is not None]}];" for n, node in self._all()]
        lines += [f"  n{x} -> n{n} [label={quoted(name)}];" for x, n, name in self.edges()]
        return "\n".join(["digraph {", *lines, "}"]) + "\n"

    def mermaid(self) -> str:
        """The graph as Mermaid, which many Markdown viewers draw."""
        marks = {True: ("([", "])"), False: ("[", "]")}  # of an op, of a leaf
        lines = [f"  n{n}{self._label(node).join(marks[node.op is not None])}" for n, node in self._all()]
        lines += [f"  n{x} -->|{name}| n{n}" for x, n, name in self.edges()]
        return "\n".join(["flowchart TD", *lines]) + "\n"

    def _label(self, node: Node) -> str:
        return quoted(label_of(node, self.seen.path(node)))

    def _all(self) -> list[tuple[int, Node]]:
        return list(self.nodes.items())


def explain(
    loss: Tensor, path: str | os.PathLike | None = None, model: Any = None, gradient: Any = None
) -> Explanation:
    """How the gradients of a loss are formed, step by step, as a page to click through.

    The graph behind `loss` is walked back once, as backward walks it, and each step is noted: the node, the gradient
    that came to it, the rule of each argument as a formula with its numbers, and the sum where gradients meet. Nothing
    changes: no `.grad`, and the graph stays. path writes the page there; in a notebook it shows itself. model gives
    parameters and modules their names; a loss of more than one element needs `gradient`, of its shape.

    GraphError if the loss depends on no tensor that requires grad, or backward has freed its graph. For what a user's
    script does, with the lines of its forward pass and the modules that ops belong to, trace it: `with
    mg.debug.trace(model) as t: ...`, and `mg.debug.Explanation(t)`; or `minigrad explain script.py`.

    >>> import minigrad as mg
    >>> w = mg.tensor(2.0, requires_grad=True)
    >>> page = mg.explain((w * 3.0 - 1.0) ** 2.0)
    >>> page
    Explanation(3 ops, 3 of them visited; .save('page.html') writes the page)
    >>> [step["formula"] for step in page.data()["steps"] if step["kind"] == "backward"]
    ['g · 2 · x', 'g', 'g · b']
    """
    if not isinstance(loss, Tensor) or not loss.tracked:
        raise GraphError("explain: the loss does not depend on a tensor with requires_grad=True")
    seen = trace(model)
    seen.add_graph(loss)
    if any(node.freed for node in seen.nodes.values()):
        raise GraphError(
            "explain: backward has walked this graph, and freed it: explain the loss before backward, or trace both: "
            "with minigrad.debug.trace(model) as t"
        )
    leaves = [node.leaf for node in seen.nodes.values() if node.leaf is not None and node.leaf.tracked]
    with seen:
        grad(loss, leaves, gradient, retain_graph=True, allow_unused=True)
    page = Explanation(seen)
    if path is not None:
        page.save(path)
    return page


def plotted(number: float) -> float | None:
    """A number as JSON takes it: none that is not finite."""
    return number if math.isfinite(number) else None


def label_of(node: Node, module: str) -> str:
    """A node in a drawing: its number and op, or its name, its shape, and the module that made it."""
    parts = [f"#{node.number} {node.op}" if node.op else node.name, "x".join(map(str, node.value.shape))]
    return " ".join([part for part in [*parts, f"in {module}" if module else ""] if part])


def quoted(text: str) -> str:
    """A label for DOT and Mermaid."""
    return '"' + text.replace("\\", "/").replace('"', "'") + '"'
