"""Figures say what their numbers say: titles, colours by meaning, names that do not overlap, sizes."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from minigrad.insight import plotting
from minigrad.lab.pages import figures, selection_figures, weight_figures
from minigrad.lab.pages.figures import End, colours_of, counted, name_ends, spread_out
from minigrad.lab.pages.statistics import Gain
from minigrad.selection import CrossValidation

matplotlib = pytest.importorskip("matplotlib", reason="needs the extra `figures`")


def text_of(svg):
    assert len(svg) < 600_000
    return " ".join(" ".join(ElementTree.fromstring(svg).itertext()).split())


def result(mean, error=0.1, greater=False, folds=4):
    """A cross-validation with these means over λ, and equal spread at every one."""
    mean = np.asarray(mean, float)
    apart = np.array([-1, 1, -1, 1])[:folds] * error * np.sqrt(folds) * np.sqrt(3 / 4)
    scores = mean + apart[:, None]
    return CrossValidation(np.logspace(1, -2, len(mean)), scores, np.ones_like(scores), "mse", greater)


@pytest.mark.parametrize("seed", range(20))
def test_names_at_ends_do_not_overlap(seed):
    rng = np.random.default_rng(seed)
    wanted = rng.uniform(0, 100, rng.integers(1, 12)).tolist()
    places = spread_out(wanted, 5.0, 0.0, 100.0)
    assert min(places) >= 0 and max(places) <= 100
    assert np.diff(np.sort(places)).min(initial=5.0) >= 5.0 - 1e-9
    assert [wanted.index(w) for w in sorted(wanted)] == np.argsort(places, kind="stable").tolist()  # their order stays
    assert spread_out([1.0, 50.0], 5.0, 0.0, 100.0) == [1.0, 50.0]  # nothing moves without need
    crowded = sorted(spread_out([50.0] * 30, 5.0, 0.0, 100.0))
    assert np.allclose(np.diff(crowded), 100 / 29)


def test_names_at_ends_are_drawn_apart():
    from matplotlib.text import Text

    figure, (axis,) = figures.panel_grid(1, 1, 3.0)
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 10)
    name_ends({axis: [End(f"line {i}", 1.0, 5 + 0.01 * i, plotting.LINES[i]) for i in range(6)]})
    figure.draw_without_rendering()
    boxes = sorted((Text.get_window_extent(name) for name in axis.texts), key=lambda box: box.y0)
    assert len(boxes) == 6
    assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))
    figures.load_pyplot().close(figure)


def test_colours_follow_what_names_mean():
    names = ["training rows, as trained on", "training rows, right labels", "test rows", "none", "L2"]
    for order in (names, names[::-1]):
        found = colours_of(order)
        assert found["training rows, as trained on"] == plotting.TRAIN
        assert found["test rows"] == plotting.HELD
        assert found["none"] == plotting.REFERENCE
        assert {found["L2"], found["training rows, right labels"]} <= set(plotting.LINES)


def test_learning_curves_say_where_the_test_loss_is_least():
    epochs = np.arange(10)
    rising = 1 + 0.1 * (epochs - 3) ** 2
    curves = {
        "none": {"training": [np.linspace(2, 0, 10)] * 2, "test": [rising, rising]},
        "L2": {"training": [np.linspace(2, 1, 10)] * 2, "test": [np.linspace(3, 1.5, 10)] * 2},
    }
    text = text_of(figures.learning_curves(curves, 5.0, "none"))
    assert "least 1.00, ends 4.60" in text and "falls to 1.50" in text and "test, none" in text


def test_gains_are_sorted_and_counted():
    gains = {"a": Gain(0.5, 1.0), "b": Gain(3.0, 1.0), "c": Gain(-2.0, 1.0)}
    svg = figures.gain_intervals({"accuracy": gains}, {"accuracy": 1}, {"accuracy": {n: [1.0, 2.0] for n in gains}})
    text = text_of(svg)
    assert "1 better, 1 worse, 1 undecided" in text
    assert text.index(" b ") < text.index(" a ") < text.index(" c ")
    assert counted({"a": Gain(2.0, 1.0)}, -1) == "1 worse"
    assert plotting.BETTER.encode() in svg and plotting.WORSE.encode() in svg


def test_weights_have_a_bar_of_exact_zeros():
    w = np.array([0.0, 0.0, 1e-3, -1e-3, 0.5, 0.5, 0.5, 1e-12])
    empty, heights = weight_figures.size_shares(w)
    assert empty == 25 and heights.sum() == 75 and heights[0] == 12.5
    text = text_of(weight_figures.weight_sizes({"L1": w, "none": w[2:]}, {"L1": 0.25, "none": 0.0}, "none"))
    assert "25% exactly 0" in text and "|w|" in text


def test_penalties_have_a_panel_each():
    text = text_of(weight_figures.penalty_curves({"L1": [[3.0, 1.0]], "L2": [[0.5, 0.25]]}))
    assert "3.00 to 1.00" in text and "0.50 to 0.25" in text


def test_the_same_units_stand_below_the_mean_digits():
    w = {"none": np.random.default_rng(0).standard_normal((4, 5)), "L1": np.zeros((4, 5))}
    text = text_of(weight_figures.weight_images(w, [1, 4], np.ones((2, 4)), side=2))
    assert "mean digits" in text and "unit 1" in text and "unit 4" in text and "unit 0" not in text


def test_the_error_over_lambda_names_both_picks_and_what_they_cost():
    found = result([50.0, 1.05, 1.0, 1.3], error=0.1)
    assert (found.best, found.one_se) == (2, 1)
    picked = selection_figures.Picked(np.array([2.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), ["a", "b", "c"])
    text = text_of(selection_figures.error_over_lambda(found, picked))
    assert f"best: λ = {found.lambda_min:.3g}" in text and f"one-SE pick: λ = {found.lambda_1se:.3g}" in text
    assert "50 at λ = 10 ↑" in text  # it does not flatten the dip
    assert "2 inputs at the best λ, 1 at the one-SE pick" in text
    assert selection_figures.largest_of(picked) == [0, 2]


@pytest.mark.parametrize("greater", [False, True])
def test_the_largest_lambda_does_not_flatten_the_dip(greater):
    sign = -1 if greater else 1
    figure, (axis,) = figures.panel_grid(1, 1, 4.0)
    selection_figures._error_panel(axis, result(sign * np.array([50.0, 1.05, 1.0, 1.3]), 0.1, greater))
    near, far = sorted(sign * edge for edge in axis.get_ylim())
    assert near < 0.9 and 1.3 < far < 3.0  # the dip, its band, and not the 50 of the largest λ
    figures.load_pyplot().close(figure)


def test_picks_that_coincide_are_both_named():
    found = result([50.0, 1.0, 1.3], error=0.01)
    assert found.best == found.one_se
    text = text_of(selection_figures.error_over_lambda(found))
    assert "best, and one-SE pick" in text and "the largest within one standard error" in text


@pytest.mark.parametrize("mean", [[1.0, 1.0], [0.5, 0.9, 0.8], [1e-9, 2e-9]])
def test_scores_of_any_kind_are_drawn(mean):
    for greater in (False, True):
        assert "of the folds" in text_of(selection_figures.error_over_lambda(result(mean, 0.01, greater)))


def test_paths_are_named_in_the_order_of_entry():
    lambdas = np.array([1.0, 0.1, 0.01])
    table = np.array([[0.0, 0.5, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    text = text_of(
        selection_figures.coefficient_paths(lambdas, table, ["late", "later", "never"], [0, 1, 2], {"best": 0.1})
    )
    assert "1 late" in text and "2 later" in text and "never" not in text and "best: 0.1" in text
    assert "late, later enter first, of 2 that enter" in text
    panels = {"y = a": table, "y = b": -table}
    text = text_of(
        selection_figures.coefficient_paths(lambdas, panels, ["late", "later", "never"], [0, 1, 2], {"best": 0.1})
    )
    assert "y = a: late" in text and "y = b: late" in text


def test_a_figure_has_only_colours_of_the_table():
    known = {colour.light for colour in (*plotting.MEANINGS.values(), *plotting.PAGE.values(), *plotting.SERIES)}
    svgs = [
        selection_figures.error_over_lambda(result([3.0, 1.0, 2.0])),
        figures.learning_curves({"none": {"training": [[2.0, 1.0]], "test": [[3.0, 2.0]]}}, 3.0),
        weight_figures.penalty_curves({"L1": [[3.0, 1.0]]}),
    ]
    for svg in svgs:
        drawn = re.findall(r"(?:stroke|fill): (#[0-9a-f]{6})", svg.decode().split("</style>")[-1])
        assert set(drawn) <= known, set(drawn) - known
