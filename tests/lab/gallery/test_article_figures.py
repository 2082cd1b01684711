"""The figures of the articles are drawn from whatever the programs hand them."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from minigrad.insight import plotting
from minigrad.lab.gallery import article_figures

pytest.importorskip("matplotlib", reason="needs the extra `figures`")


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_curves(log):
    x = np.array([0.1, 1.0, 10.0])
    panels = {"one": {"a": (x, [1.0, 2.0, 3.0]), "b": (range(1, 20), np.arange(19) + 0.5)}, "two": {"a": (x, x)}}
    png = article_figures.curves(panels, "x", "y", log=log, columns=2, alike=False, marks={"one": {"here": 1.0}})
    assert png.startswith(b"<svg")


def text_of(svg):
    return " ".join(ElementTree.fromstring(svg).itertext())


def test_a_run_of_one_epoch_has_no_curve():
    assert article_figures.curves({"loss": {"a": ([1], [2.0]), "b": ([1], [[2.0], [3.0]])}}, "epoch", "loss") == b""


def test_exact_zeros_are_drawn_on_a_logarithmic_axis():
    lines = {"same": ([1, 2, 3], [0.0, 0.0, 0.0]), "apart": ([1, 2, 3], [0.1, 0.2, 0.3])}
    assert "exactly 0" in text_of(article_figures.curves({"p": lines}, "step", "distance", log="y"))
    lines["same"] = [1, 2, 3], [1e-9, 1e-9, 1e-9]
    assert "exactly 0" not in text_of(article_figures.curves({"p": lines}, "step", "distance", log="y"))


def test_one_colour_for_one_meaning_in_all_figures():
    """Training rows have the colour of training, held-out rows theirs, whatever stands beside them."""
    x = [1.0, 2.0, 3.0]
    for names in (
        ["training rows, right labels", "test rows", "training rows, as trained on"],
        ["validation rows", "a"],
    ):
        svg = article_figures.curves({"p": {name: (x, [[1.0, 2.0, 3.0], [2.0, 3.0, 5.0]]) for name in names}}, "x", "y")
        assert plotting.HELD in svg.decode() and (plotting.TRAIN in svg.decode()) == ("test rows" in names)


def test_ratios_are_shown_minus_one_with_their_intervals():
    found = {"slower": (1.25, 1.2, 1.3), "faster": (0.5, 0.4, 0.6), "open": (1.01, 0.9, 1.1)}
    svg = article_figures.ratios({"a step": found})
    text = text_of(svg)
    assert "+25.0%" in text and "-50.0%" in text and "+1.0%" in text
    for colour in (plotting.WORSE, plotting.BETTER, plotting.UNDECIDED):
        assert colour in svg.decode()


def test_images_take_gaps_and_zeros():
    picture = np.arange(9.0).reshape(3, 3) - 4
    picture[0, 0] = np.nan
    assert article_figures.images({"gap": picture, "zeros": np.zeros((3, 3))}).startswith(b"<svg")
