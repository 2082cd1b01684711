"""What fit and evaluate refuse, before a weight has changed, with an error that says what came and what would do."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import EarlyStopping, Progress, accuracy, binary_accuracy, evaluate, fit


def good():
    x = np.random.default_rng(0).random((12, 5)).astype(np.float32)
    return {"x": x, "y": np.arange(12) % 3}


def with_nan():
    data = good()
    data["x"][7, 2] = np.nan
    return data


def with_infinity():
    data = good()
    data["x"][3, 4] = np.inf
    return data


def model():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4, activation="relu"), nn.Linear(4, 3))


CASES = {
    "wrong width": ({"x": np.ones((12, 6), np.float32)}, {}, ValueError, r"Linear 5->4.*\(1, 6\)|6"),
    "rows differ": ({"y": np.zeros(11, int)}, {}, mg.ShapeError, "12 rows, y has 11"),
    "one number": ({"x": np.float32(1.0)}, {}, mg.ShapeError, "single number"),
    "no rows": ({"x": np.ones((0, 5), np.float32), "y": np.zeros(0, int)}, {}, mg.ShapeError, "at least one row"),
    "nan": (with_nan(), {}, mg.NonFiniteError, "row 7, column 2 is nan"),
    "infinity": (with_infinity(), {}, mg.NonFiniteError, "row 3, column 4 is inf"),
    "label too high": ({"y": np.array([0, 1, 3] * 4)}, {}, ValueError, "row 2 is 3; need labels from 0 to 2"),
    "label negative": ({"y": np.array([0, -1, 1] * 4)}, {}, ValueError, "row 1 is -1"),
    "float labels": ({"y": np.zeros(12, np.float32)}, {}, mg.DTypeError, "integer"),
    "text": ({"x": np.array([["a"] * 5] * 12)}, {}, mg.DTypeError, "real numbers"),
    "batch_size 0": ({}, {"batch_size": 0}, ValueError, "batch_size is 0; need at least 1"),
    "batch_size 1.5": ({}, {"batch_size": 1.5}, TypeError, "batch_size is 1.5"),
    "epochs -1": ({}, {"epochs": -1}, ValueError, "epochs is -1; need at least 0"),
    "epochs 2.5": ({}, {"epochs": 2.5}, TypeError, "whole number"),
    "seed -1": ({}, {"seed": -1}, ValueError, "seed is -1"),
    "misspelt": ({}, {"epoch": 3}, TypeError, "unknown keyword 'epoch'; did you mean 'epochs'"),
    "unknown": ({}, {"zzz": 3}, TypeError, "unknown keyword 'zzz'; it takes model, data"),
    "penalty that is no terms": ({}, {"penalty": 0.1}, TypeError, "reg.on"),
    "penalty unbound": ({}, {"penalty": reg.L2(0.1)}, TypeError, "reg.on"),
    "validation": ({}, {"validation_data": (np.ones((3, 5)), np.array([0, 1, 9]))}, ValueError, "row 2 is 9"),
}


@pytest.mark.parametrize("case", CASES)
def test_fit_refuses(case):
    change, options, error, message = CASES[case]
    data = {**good(), **change}
    net = model()
    before = {name: p.data.copy() for name, p in net.named_parameters()}
    with pytest.raises(error, match=message):
        fit(net, (data["x"], data["y"]), mg.cross_entropy, optim.Adam(net.parameters()), **{"epochs": 1, **options})
    assert all((before[name] == p.data).all() for name, p in net.named_parameters())


def test_terms_count_once():
    net, data = model(), tuple(good().values())
    terms = reg.on(net, "*.weight", reg.L2(0.1))
    optimizer = optim.Adam(net.parameters(), penalty=terms)
    with pytest.raises(mg.GraphError, match="count twice"):
        fit(net, data, mg.cross_entropy, optimizer, terms, epochs=1)
    twin = reg.on(net, "*.weight", reg.L2(0.1))
    with pytest.raises(ValueError, match="two penalties have the name"):
        fit(net, data, mg.cross_entropy, optimizer, twin, epochs=1)


def test_a_penalty_may_not_take_the_name_of_a_column():
    net, data = model(), tuple(good().values())
    terms = reg.on(net, {"loss": ("*.weight", reg.L2(0.1))})
    with pytest.raises(ValueError, match="'loss', which the history needs"):
        fit(net, data, mg.cross_entropy, optim.Adam(net.parameters()), terms, epochs=1)


def test_softmax_outputs_and_sums_of_rows_are_refused():
    net, data = nn.Sequential(model(), nn.Softmax()), tuple(good().values())
    with pytest.raises(ValueError, match="expects logits"):
        fit(net, data, mg.cross_entropy, optim.Adam(net.parameters()), epochs=1)
    net = model()
    with pytest.raises(ValueError, match="need their mean"):
        fit(net, data, lambda a, b: mg.cross_entropy(a, b, reduction="none"), optim.Adam(net.parameters()), epochs=1)


def test_data_that_is_no_pair():
    net = model()
    for data in (good()["x"], [1, 2, 3], None, "digits"):
        with pytest.raises(TypeError, match="need a pair"):
            evaluate(net, data, mg.cross_entropy)
    with pytest.raises(ValueError, match="batch_size is 0"):
        evaluate(net, tuple(good().values()), mg.cross_entropy, batch_size=0)


def test_metrics_refuse_what_does_not_fit():
    with pytest.raises(mg.ShapeError, match="use binary_accuracy"):
        accuracy(mg.tensor([[1.0], [2.0]]), [0, 1])
    with pytest.raises(mg.ShapeError, match="same shape"):
        binary_accuracy(mg.tensor([[1.0], [2.0]]), [0, 1])


def test_callbacks_refuse_what_does_not_fit():
    net, data = model(), tuple(good().values())
    with pytest.raises(ValueError, match="did you mean 'loss'"):
        fit(net, data, mg.cross_entropy, optim.Adam(net.parameters()), callbacks=[EarlyStopping("los")])
    with pytest.raises(ValueError, match="patience is 0"):
        EarlyStopping(patience=0)
    with pytest.raises(ValueError, match="'min' or 'max'"):
        EarlyStopping(mode="least")
    with pytest.raises(ValueError, match="every is 0"):
        Progress(every=0)
