"""Drawings of one graph in several degrees of detail: every op, or the ops of a module as one box."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .layout import layered
from .trace import trace

LETTER, EDGE, LEAST = 7.0, 26.0, 56.0  # widths in a drawing: of a letter, of both margins of a box, of any box


@dataclass
class Box:
    """A box of a drawing: what it says, and the numbers of the nodes in it."""

    title: str
    below: str
    nodes: list[int] = field(default_factory=list)
    op: bool = True


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
                    "op": box.op,
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


def levels_of(seen: trace) -> list[Level]:
    """Drawings from the coarsest to the fullest: ops folded by the first part of their modules' paths, by two, ..."""
    from .explain import path_of

    paths = {n: path_of(node, seen) for n, node in seen.nodes.items() if node.op}
    deepest = max((path.count(".") + 1 for path in paths.values() if path), default=0)
    full = folded(seen, {}, "every op")
    levels = [full]
    for depth in range(deepest, 0, -1):
        name = "modules" if depth == 1 else f"modules, {depth} deep"
        level = folded(seen, {n: ".".join(path.split(".")[:depth]) for n, path in paths.items() if path}, name)
        if len(level.boxes) < len(levels[-1].boxes):
            levels.append(level)
    return levels[::-1]


def folded(seen: trace, groups: dict[int, str], name: str) -> Level:
    """The graph with ops of one group in one box, as long as they were made one after the other.

    Such runs make no circle: each is a stretch of the order in which the ops were made. A leaf whose users all stand in
    one box stands in it too, unless it is the box of a single op.
    """
    boxes: dict[int, Box] = {}
    home: dict[int, int] = {}  # node -> its box
    last = None
    for n, node in seen.nodes.items():
        if not node.op:
            continue
        group = groups.get(n)
        if group is None or group != last:
            boxes[n] = Box(node.op, "x".join(map(str, node.value.shape)) or "1")
            home[n] = n
        else:
            home[n] = home[previous]  # noqa: F821
        boxes[home[n]].nodes.append(n)
        if len(boxes[home[n]].nodes) > 1:
            boxes[home[n]].title, boxes[home[n]].below = str(group), f"{len(boxes[home[n]].nodes)} ops"
        last, previous = group, n
    users: dict[int, set[int]] = {}
    for n, box in home.items():
        for _, x in seen.nodes[n].inputs:
            if isinstance(x, int):
                users.setdefault(x, set()).add(box)
    for n, node in seen.nodes.items():
        if node.op:
            continue
        within = users.get(n, set())
        only = next(iter(within)) if len(within) == 1 else None
        if only is not None and len(boxes[only].nodes) > 1 and groups:
            home[n] = only
            boxes[only].nodes.append(n)
        else:
            home[n] = n
            boxes[n] = Box(node.name, "x".join(map(str, node.value.shape)) or "1", [n], op=False)
    sources: dict[int, list[int]] = {box: [] for box in boxes}
    for n in seen.nodes:
        sources[home[n]] += [home[x] for _, x in seen.nodes[n].inputs if isinstance(x, int) and home[x] != home[n]]
    ordered = sorted(boxes, key=lambda box: (boxes[box].op, box))  # leaves first: they have no sources
    return Level(name, {box: boxes[box] for box in ordered}, sources)
