"""Networks of tables: shapes, scaling, and when training stops."""

import numpy as np
import pytest
from tabular.models import KINDS

from minigrad import data, tabular
from minigrad.tabular.perceptron import Perceptron


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_shapes_without_making_one(dropout):
    build = Perceptron(5, (4, 3), 2, dropout)
    assert {name: array.shape for name, array in build().state_dict().items()} == build.shapes()


def test_inputs_and_targets_are_scaled_by_training_rows(houses):
    model = tabular.train(houses, **KINDS["mlp"], test=0)
    table = data.read_csv(
        houses,
        **{k: v for k, v in KINDS["mlp"].items() if k in data.read_csv.__wrapped__.__kwdefaults__ or k == "target"},
    )
    network = model.network
    np.testing.assert_allclose(network.scale.mean, table.x.mean(0), rtol=1e-9)
    np.testing.assert_allclose(network.targets.std, [table.y.std()], rtol=1e-9)
    assert tabular.train(houses, **KINDS["mlp, classes"]).network.targets is None


def test_validation_rows_tell_when_to_stop(houses):
    model = tabular.train(houses, **{**KINDS["mlp"], "epochs": 400, "patience": 3, "lr": 0.05})
    about = model.about
    assert about["epochs"] < 400 and about["best epoch"] == about["epochs"] - 3 and about["validation rows"] == 7
    whole = tabular.train(houses, **{**KINDS["mlp"], "validation": 0.0})
    assert whole.about["epochs"] == 12 and "best epoch" not in whole.about
