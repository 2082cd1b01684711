"""sparsity: what was counted by hand."""

import pytest
from reg.zeros.emptied import chain, empty_columns, empty_rows, write, zero

from minigrad import nn, reg


def test_sparsity_counts():
    model = chain(3, 4, 2)
    empty_columns(model[0], [1, 2])
    write(model[0].weight, lambda w: w.__setitem__((0, 0), -0.0))
    empty_rows(model[1], [0])
    found = reg.sparsity(model)
    assert [(z.name, z.zeros, z.size, z.rows, z.columns) for z in found] == [
        ("0.weight", 7, 12, 0, 2),
        ("0.bias", 0, 4, 0, 0),
        ("1.weight", 2, 8, 1, 0),
        ("1.bias", 0, 2, 0, 0),
    ]
    assert (found.zeros, found.size, found.share) == (9, 26, 9 / 26)
    assert repr(found).splitlines()[1].split() == ["0.weight", "(3,", "4)", "7", "58.3%", "0/3", "2/4"]
    with pytest.raises(TypeError, match="the model is a int"):
        reg.sparsity(3)
    assert reg.sparsity(nn.ReLU()).share == 0.0


def test_sparsity_by_layer():
    model = nn.Sequential(
        nn.Embedding(7, 3),
        nn.Conv2d(2, 4, 3),
        nn.ConvTranspose2d(4, 2, 2),
        nn.LSTM(3, 2),
        nn.EmbeddingBag(4, 2),
        nn.Linear(2, 2),
    )
    zero(model, "0.weight", [1, 4])
    zero(model, "1.weight", [0, 2])
    zero(model, "1.weight", (3, 1))
    zero(model, "2.weight", (slice(None), 1))
    zero(model, "3.weight_ih_l0", (slice(None), [0, 2, 4, 6, 7]))  # all gates of unit 0, and gate o of unit 1
    zero(model, "4.weight", (slice(None), 1))
    found = {z.name: dict(z.groups) for z in reg.sparsity(model) if z.groups}
    assert found == {
        "0.weight": {"entries": (2, 7), "columns": (0, 3)},
        "1.weight": {"filters": (2, 4), "channels": (0, 2), "kernels": (5, 8)},
        "2.weight": {"filters": (1, 2), "channels": (0, 4), "kernels": (4, 8)},
        "3.weight_ih_l0": {"gates": (5, 8), "units": (1, 2)},
        "3.weight_hh_l0": {"gates": (0, 8), "units": (0, 2)},
        "4.weight": {"entries": (0, 4), "columns": (1, 2)},
    }
    text = repr(reg.sparsity(model)).splitlines()
    assert text[0].endswith("empty by layer")
    assert text[2].split()[-6:] == ["filters", "2/4,", "channels", "0/2,", "kernels", "5/8"]
