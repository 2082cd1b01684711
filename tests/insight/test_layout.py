"""Drawings: layers that respect the order, no overlaps, few crossings, long edges that bend."""

import random

from minigrad.insight.layout import GAP, layered


def crossings(places, sources):
    """How many pairs of edges between two neighbouring layers cross."""
    edges = [(places[s], places[n]) for n, given in sources.items() for s in given]
    return sum(
        a.layer == c.layer and (a.x - c.x) * (b.x - d.x) < 0 for i, (a, b) in enumerate(edges) for c, d in edges[:i]
    )


def test_a_tree_is_drawn_without_a_crossing():
    sources = {n: [2 * n, 2 * n + 1] for n in range(1, 16)}
    order = range(31, 0, -1)
    places, bends = layered(dict.fromkeys(order, 60.0), sources)
    assert crossings(places, sources) == 0
    assert not bends


def test_random_graphs_have_no_overlaps_and_edges_go_down():
    draw = random.Random(0)
    for _ in range(20):
        widths = {n: draw.uniform(40, 120) for n in range(60)}
        sources = {n: draw.sample(range(n), min(n, draw.randint(0, 3))) for n in widths}
        places, bends = layered(widths, sources)
        for n, given in sources.items():
            for s in given:
                assert places[s].layer < places[n].layer
                assert len(bends.get((s, n), ())) == places[n].layer - places[s].layer - 1
        for a in widths:
            assert places[a].x - widths[a] / 2 >= -1e-9
            for b in range(a):
                if places[a].layer == places[b].layer:
                    assert abs(places[a].x - places[b].x) >= (widths[a] + widths[b]) / 2 + GAP - 1e-9


def test_a_parameter_stands_just_above_its_first_use():
    chain = {n: [n - 1] for n in range(1, 10)} | {9: [8, 10]}
    places, _ = layered(dict.fromkeys([*range(9), 10, 9], 50.0), chain)
    assert places[10].layer == places[9].layer - 1 == 8


def test_nothing_and_very_long_edges():
    assert layered({}, {}) == ({}, {})
    n = 300
    sources = {k: [k - 1, *range(0, k - 1, 2)] for k in range(1, n)}
    places, bends = layered(dict.fromkeys(range(n), 50.0), sources)
    assert len(places) == n
    assert not bends  # more than the page can draw: straight
