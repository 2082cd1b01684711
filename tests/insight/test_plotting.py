"""The colours of figures: one table, told apart by all readers, on light and dark pages; drawings for browsers."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from minigrad.insight import plotting

# Linear RGB as two kinds of colour-blind readers see it (Machado, Oliveira and Fernandes 2009, severity 1).
RED = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
GREEN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
SEEN = {"all colours": np.eye(3), "no red cones": np.array(RED), "no green cones": np.array(GREEN)}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
TABLES = {"meanings": list(plotting.MEANINGS.values()), "series": list(plotting.SERIES)}


def linear(colour):
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ np.clip(rgb, 0, 1), 0.008856) / TO_XYZ.sum(1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(a, b):
    bright, dark = sorted((float(TO_XYZ[1] @ linear(c)) for c in (a, b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("reader", SEEN)
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_colours_are_told_apart(table, reader, page):
    seen = {colour[page]: lab(SEEN[reader] @ linear(colour[page])) for colour in table}
    assert len(seen) == len(table)
    apart = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in itertools.combinations(seen, 2)}
    assert min(apart.values()) > 14, min(apart, key=apart.get)


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_colours_stand_out_from_the_page(page):
    paper = plotting.PAGE["paper"][page]
    for colour in (*plotting.MEANINGS.values(), *plotting.SERIES):
        assert contrast(colour[page], paper) > 3, colour
    for name in ("ink", "faint"):
        assert contrast(plotting.PAGE[name][page], paper) > 4.5, name


def test_every_colour_has_one_meaning():
    colours = [*plotting.MEANINGS.values(), *plotting.SERIES, *plotting.PAGE.values()]
    for page in (0, 1):
        assert len({colour[page] for colour in colours}) == len(colours)


@pytest.fixture
def drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="draws: pip install minigrad[figures]")
    axis = plotting.axes("a test")
    axis.plot([1, 2], [1, 3], color=plotting.TRAIN)
    axis.set_title("a < b & λ")
    plotting.finished(axis, tmp_path / "a.svg")
    return axis, (tmp_path / "a.svg").read_bytes()


def test_a_drawing_is_one_element_and_the_same_each_time(drawn):
    axis, svg = drawn
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg") and root.get("viewBox")
    assert "a < b & λ" in "".join(root.itertext())  # text stays text
    assert svg == plotting.as_svg(axis.figure)
    ids = re.findall(r' id="([^"]+)"', svg.decode())
    assert len(ids) == len(set(ids)) and all(f"#{name}" in svg.decode() for name in ids)


def test_a_drawing_takes_the_colours_of_a_dark_page(drawn):
    svg = drawn[1].decode()
    light, dark = plotting.MEANINGS["training"]
    assert f"stroke: {light}" in svg and "prefers-color-scheme: dark" in svg
    assert f'[style*="stroke: {light}"] {{ stroke: {dark} !important }}' in svg
    assert plotting.MEANINGS["worse"].dark not in svg  # only what is drawn
    known = {colour.light for colour in (*plotting.MEANINGS.values(), *plotting.PAGE.values(), *plotting.SERIES)}
    assert set(re.findall(r"(?:stroke|fill): (#[0-9a-f]{6})", svg.split("</style>")[-1])) <= known


def test_numbers_of_things():
    assert plotting.several(1, "epoch") == "1 epoch" and plotting.several(0, "epoch") == "0 epochs"
