"""Where to draw the nodes of a graph: in layers, inputs above what is made of them, with few crossings.

After Sugiyama, Tagawa, Toda (1981): nodes get layers, then an order within each layer by the barycentres of their
neighbours, then places that pull neighbours below each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

GAP = 24.0  # between two boxes of a layer
ROW = 92.0  # from a layer to the next
SWEEPS = 6  # of ordering and of pulling
BENDS = 20_000  # so many at most: beyond, long edges are straight


class Place(NamedTuple):
    """The middle of a box, and its layer."""

    x: float
    y: float
    layer: int


def layered(widths: Mapping[int, float], sources: Mapping[int, Sequence[int]]) -> tuple[dict, dict]:
    """Places of nodes, and the bends of edges that pass layers in between.

    widths of the nodes, in an order in which sources come before what is made of them; sources[n]: the nodes that n is
    made of. Returns node -> Place, and (source, node) -> [(x, y), ...].

    >>> places, bends = layered({1: 50.0, 2: 50.0, 3: 50.0}, {3: [1, 2]})
    >>> [places[n].layer for n in (1, 2, 3)], places[3].x == (places[1].x + places[2].x) / 2
    ([0, 0, 1], True)
    """
    layer = layers_of(widths, sources)
    edges = [(source, node) for node, given in sources.items() for source in dict.fromkeys(given) if source != node]
    size: dict = dict(widths)
    straight = sum(layer[node] - layer[source] - 1 for source, node in edges) > BENDS
    above: dict = {}
    below: dict = {}
    chains: dict = {}
    for source, node in edges:
        chain = [] if straight else [(source, node, at) for at in range(layer[source] + 1, layer[node])]
        layer.update({bend: bend[2] for bend in chain})
        size.update(dict.fromkeys(chain, 2.0))
        chains[source, node] = chain
        for upper, lower in pairwise([source, *chain, node]):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    rows = rows_of(layer)
    order(rows, above, below)
    x = placed(rows, size, above, below)
    places = {node: Place(x[node], layer[node] * ROW, layer[node]) for node in widths}
    return places, {edge: [(x[b], layer[b] * ROW) for b in chain] for edge, chain in chains.items() if chain}


def rows_of(layer: Mapping) -> list[list]:
    """The nodes and bends of each layer."""
    rows: list[list] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node, at in layer.items():
        rows[at].append(node)
    return rows


def layers_of(widths: Mapping[int, float], sources: Mapping[int, Sequence[int]]) -> dict:
    """The layer of each node: one below its lowest source. What has no source stands just above its first use."""
    layer: dict = {}
    for node in widths:
        layer[node] = 1 + max((layer[source] for source in sources.get(node, ())), default=-1)
    first: dict = {}
    for node, given in sources.items():
        for source in given:
            first[source] = min(first.get(source, layer[node]), layer[node])
    for node in widths:
        if not sources.get(node) and node in first:
            layer[node] = first[node] - 1
    return layer


def order(rows: list[list], above: Mapping, below: Mapping) -> None:
    """Sort each row by where the neighbours in the row before it stand, down and up in turn."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        previous: dict = {}
        for row in rows if down else reversed(rows):
            at = {node: i for i, node in enumerate(row)}
            row.sort(key=lambda node: mean([previous[n] for n in neighbours.get(node, ()) if n in previous], at[node]))
            previous = {node: i for i, node in enumerate(row)}


def placed(rows: list[list], size: Mapping, above: Mapping, below: Mapping) -> dict:
    """x of each node: near the mean of its neighbours, in the order of its row, without overlaps."""
    x: dict = {}
    for row in rows:
        left = -sum(size[node] + GAP for node in row) / 2
        for node in row:
            x[node] = left + (size[node] + GAP) / 2
            left += size[node] + GAP
    for sweep in range(SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            spread(row, {node: mean([x[n] for n in neighbours.get(node, ())], x[node]) for node in row}, size, x)
    left = min((x[node] - size[node] / 2 for row in rows for node in row), default=0.0)
    return {node: at - left for node, at in x.items()}


def spread(row: Sequence, wish: Mapping, size: Mapping, x: dict) -> None:
    """Give each node of a row the place that it wishes for, as far as the order and the widths allow.

    Pushed apart from the left and from the right, and the mean of both taken.
    """
    pushed = []
    for direction in (1, -1):
        ordered = row if direction == 1 else row[::-1]
        found, edge = {}, None
        for node in ordered:
            at = wish[node] * direction
            found[node] = at if edge is None else max(at, edge + size[node] / 2)
            edge = found[node] + size[node] / 2 + GAP
        pushed.append({node: at * direction for node, at in found.items()})
    for node in row:
        x[node] = (pushed[0][node] + pushed[1][node]) / 2


def mean(numbers: Sequence[float], otherwise: float) -> float:
    """The mean; of none, `otherwise`."""
    return sum(numbers) / len(numbers) if numbers else otherwise
