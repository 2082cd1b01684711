"""The figures of terms and of sparsity: they are drawn, and show what their terms compute."""

import numpy as np
import pytest

from minigrad import nn, reg

matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib: pip install minigrad[figures]")
from docs.figures import terms  # noqa: E402
from minigrad.lab.pages import figures  # noqa: E402

SVG = b"<svg"


@pytest.mark.parametrize("name", ["l1", "sparse-group-lasso", "max-norm", "activity"])
def test_figures_are_drawn(tmp_path, name):
    terms.draw(name, tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_bytes()[:4] == SVG


def test_every_figure_stands_in_the_page():
    page = terms.Path(__file__).parents[3] / "docs" / "regularization.md"
    if not page.exists():
        pytest.skip("needs the checkout, not an installed package")
    text = page.read_text()
    for name in terms.FIGURES:
        assert f"images/reg-{name}.svg" in text
        assert (page.parent / "images" / f"reg-{name}.svg").read_bytes()[:4] == SVG


def test_the_curve_is_the_proximal_map():
    figure, axis = matplotlib.pyplot.subplots() if hasattr(matplotlib, "pyplot") else figures.load_pyplot().subplots()
    terms.shrinkage(axis, lambda v: reg.L1(1.0).prox(v, 1.0).data, "")
    v, shrunk = axis.lines[1].get_data()
    np.testing.assert_allclose(shrunk, np.sign(v) * np.maximum(np.abs(v) - 1, 0))
    figures.load_pyplot().close(figure)


def test_sparsity_bars():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2, init="zeros"))
    assert figures.sparsity_bars({"a": reg.sparsity(model), "b": reg.sparsity(model)})[:4] == SVG
