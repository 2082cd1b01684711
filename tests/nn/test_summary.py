"""nn.summary: shapes, parameters, operations and bytes by hand; what is left as it was; bad input."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Two(nn.Module):
    def __init__(self):
        self.a, self.b, self.unused = nn.Linear(3, 4), nn.Linear(4, 4, bias=False), nn.Linear(9, 9)
        self.b.weight.requires_grad_(False)

    def forward(self, x, y):
        return self.b(self.b(self.a(x))), y @ y.T


def test_counts_by_hand(backend):
    found = nn.summary(Two(), (5, 3), np.ones((2, 7)))
    rows = {row.name: row for row in found.rows}
    assert rows[""].output == "(5, 4), (2, 2)" and rows[""].flops == 2 * 2 * 7 * 2 + 14  # the view of y.T counts as 14
    assert rows["a"].flops == 2 * 5 * 3 * 4 and rows["b"].flops == 2 * (2 * 5 * 4 * 4)
    assert (rows["a"].parameters, rows["b"].parameters, rows["unused"].parameters) == (16, 16, 90)
    assert rows["a"].bytes == 80 and rows["b"].bytes == 160
    assert rows["unused"].output == "" and "not called" in repr(found)
    assert (found.parameters, found.frozen, found.parameter_bytes) == (122, 16, 488)
    assert found.flops == sum(row.flops for row in found.rows) and found.activation_bytes == 240


def test_what_is_left_as_it_was(backend):
    mg.manual_seed(3)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
    before = mg.rng.get_state()
    model[1].eval()
    nn.summary(model, (2, 3))
    assert model.training and not model[1].training and mg.rng.get_state() == before
    assert not model._hooks and model[0].weight.grad is None
    with pytest.raises(mg.ShapeError, match=r"model\.0"):
        nn.summary(model, (2, 4))
    assert not model[0]._hooks and mg.engine._watch is None


def test_shared_parameters_count_once():
    layer = nn.Linear(3, 3)
    other = nn.Linear(3, 3)
    other.weight = layer.weight
    found = nn.summary(nn.Sequential(layer, other, layer), (1, 3))
    assert found.parameters == 15 and [row.parameters for row in found.rows] == [0, 12, 3]
    assert found.rows[1].flops == 2 * 2 * 9


def test_texts():
    model = nn.Sequential(nn.Linear(1000, 1000, dtype="float64"), nn.Sequential(nn.Softmax()))
    found = nn.summary(model, (600, 1000))
    assert repr(found).splitlines()[2].split() == [
        "0:",
        "Linear",
        "1000->1000",
        "(600,",
        "1000)",
        "1,001,000",
        "1,200",
        "4,687.5",
    ]
    page = found._repr_html_()
    assert "Linear 1000-&gt;1000" in page and page.count("<tr>") == 5
    assert nn.summary(model.to("float32"), (0, 1000)).flops == 0


def test_bad_input():
    for call, error, text in [
        (lambda: nn.summary(nn.ReLU()), TypeError, "got no input"),
        (lambda: nn.summary(nn.ReLU, (1, 2)), TypeError, "need an nn.Module"),
        (lambda: nn.summary(nn.ReLU(), (1, -2)), ValueError, r"dimension 1 of the shape \(1, -2\) is -2"),
    ]:
        with pytest.raises(error, match=text):
            call()
