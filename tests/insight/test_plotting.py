"""The colours of figures: one table, told apart by all readers, on light and dark pages; drawings that browsers read."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from minigrad.insight import plotting

# Linear RGB as two kinds of colour-blind readers see it (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN = {
    "all colours": np.eye(3),
    "no red cones": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "no green cones": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}  # fmt: skip
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip


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
@pytest.mark.parametrize("table", [list(plotting.MEANINGS.values()), list(plotting.SERIES)], ids=["meanings", "series"])
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
