"""Drawings of one graph in several degrees of detail: every op, or the ops of a module as one box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .graph import Node
from .layout import layered

LETTER, EDGE, LEAST = 7.0, 26.0, 56.0  # widths in a drawing: of a letter, of both margins of a box, of any box


@dataclass
class Box:
    """A box of a drawing: what it says, the numbers of the nodes in it, whether these are ops, and several."""

    title: str
    below: str
    nodes: list[int] = field(default_factory=list)
    op: bool = True
    folded: bool = False


@dataclass
class Level:
    """A drawing: its name, its boxes, and for each box those that it gets something from."""

    name: str
    boxes: dict[int, Box]
    sources: dict[int, list[int]]

    def drawn(self) -> dict[str, Any]:
        """Boxes with their places and edges with their bends, for the page."""
        widths = {i: width_of(box) for i, box in self.boxes.items()}
        places, bends = layered(widths, self.sources)
        return {
            "name": self.name,
            "boxes": [
                {
                    "title": box.title,
                    "below": box.below,
                    "nodes": box.nodes,
                    "kind": "module" if box.folded else "op" if box.op else "leaf",
                    "x": round(places[i].x, 1),
                    "y": places[i].y,
                    "w": widths[i],
                    "id": i,
                }
                for i, box in self.boxes.items()
            ],
            "edges": [
                [source, i, [[round(x, 1), y] for x, y in bends.get((source, i), ())]]
                for i, given in self.sources.items()
                for source in dict.fromkeys(given)
                if source != i
            ],
        }


def width_of(box: Box) -> float:
    """A box is as wide as the longer of its lines."""
    return round(max(LEAST, LETTER * max(len(box.title), len(box.below)) + EDGE), 1)


def levels_of(nodes: Mapping[int, Node], paths: Mapping[int, str]) -> list[Level]:
    """Drawings from the coarsest to the fullest: ops folded by the first part of their modules' paths, by two, ...

    Parts that all of the paths begin with are left out: the whole model in one box shows nothing.
    """
    deepest = max((path.count(".") + 1 for path in paths.values() if path), default=0)
    levels = [folded(nodes, {}, "every op", paths)]
    parts = list(zip(*(path.split(".") for path in paths.values() if path)))
    shared = next((depth for depth, names in enumerate(parts) if len(set(names)) > 1), len(parts))
    coarsest = min(shared + 1, deepest)
    for depth in range(deepest, max(0, coarsest - 1), -1):
        name = "modules" if depth == coarsest else f"modules, {depth} deep"
        level = folded(nodes, {n: ".".join(path.split(".")[:depth]) for n, path in paths.items() if path}, name)
        if len(level.boxes) < len(levels[-1].boxes):
            levels.append(level)
    return levels[::-1]


def folded(
    nodes: Mapping[int, Node], groups: Mapping[int, str], name: str, paths: Mapping[int, str] | None = None
) -> Level:
    """The graph with ops of one group in one box, as long as they were made one after the other.

    paths: of ops outside of groups, the modules that boxes name beside the shape.

    Such runs make no circle: each is a stretch of the order in which the ops were made. A leaf whose users all stand in
    one such box stands in it too.
    """
    runs = runs_of({n: groups.get(n) for n, node in nodes.items() if node.op})
    home = {n: run[0] for run in runs for n in run}
    boxes = {run[0]: box_of(nodes, run, groups.get(run[0])) for run in runs}
    for n, path in (paths or {}).items():
        boxes[n].below = " in ".join(part for part in (boxes[n].below, path) if part)
    users = users_of(nodes, home)
    leaves: dict[int, Box] = {}
    for n, node in nodes.items():
        if not node.op:
            within = users.get(n, set())
            home[n] = min(within) if len(within) == 1 and boxes[min(within)].folded else n
            if home[n] == n:
                leaves[n] = Box(node.name, size_of(node), [n], op=False)
            else:
                boxes[home[n]].nodes.append(n)
    return Level(name, leaves | boxes, sources_of(nodes, home, leaves | boxes))


def sources_of(nodes: Mapping[int, Node], home: Mapping[int, int], boxes: Mapping[int, Box]) -> dict[int, list[int]]:
    """For each box the others that it gets something from."""
    sources: dict[int, list[int]] = {box: [] for box in boxes}
    for n, node in nodes.items():
        sources[home[n]] += [home[x] for _, x in node.inputs if isinstance(x, int) and home[x] != home[n]]
    return sources


def users_of(nodes: Mapping[int, Node], home: Mapping[int, int]) -> dict[int, set[int]]:
    """The boxes in which a tensor is used."""
    users: dict[int, set[int]] = {}
    for n, box in home.items():
        for _, x in nodes[n].inputs:
            if isinstance(x, int):
                users.setdefault(x, set()).add(box)
    return users


def runs_of(groups: dict[int, str | None]) -> list[list[int]]:
    """Stretches of nodes of one group; a node without one is a stretch of its own."""
    runs: list[list[int]] = []
    last = None
    for n, group in groups.items():
        if group is None or group != last:
            runs.append([])
        runs[-1].append(n)
        last = group
    return runs


def box_of(nodes: Mapping[int, Node], run: list[int], group: str | None) -> Box:
    """The box of a stretch of ops: that of the op, if it is one, else that of the module."""
    node = nodes[run[0]]
    if group is not None:
        below = f"{len(run)} ops" if len(run) > 1 else f"{node.op} {size_of(node)}".strip()
        return Box(group, below, run, folded=True)
    return Box(f"#{node.number} {node.op}", size_of(node), run)


def size_of(node: Node) -> str:
    """The shape of a tensor, as boxes show it: that of a single number is empty."""
    return "x".join(map(str, node.value.shape))
