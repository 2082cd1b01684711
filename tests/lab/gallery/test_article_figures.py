"""The figures of the articles are drawn from whatever the programs hand them."""

import numpy as np
import pytest

from minigrad.lab.gallery import article_figures

pytest.importorskip("matplotlib", reason="needs the extra `figures`")


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_curves(log):
    x = np.array([0.1, 1.0, 10.0])
    panels = {"one": {"a": (x, [1.0, 2.0, 3.0]), "b": (range(1, 20), np.arange(19) + 0.5)}, "two": {"a": (x, x)}}
    png = article_figures.curves(panels, "x", "y", log=log, columns=2, alike=False, marks={"one": {"here": 1.0}})
    assert png.startswith(b"<svg")


def test_images_take_gaps_and_zeros():
    picture = np.arange(9.0).reshape(3, 3) - 4
    picture[0, 0] = np.nan
    assert article_figures.images({"gap": picture, "zeros": np.zeros((3, 3))}).startswith(b"<svg")
