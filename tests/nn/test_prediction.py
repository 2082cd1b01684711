"""Module.predict: the bits of the forward pass in eval mode, whatever comes as x, and nothing left behind."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import Dataset, Loader
from minigrad.train import predict

X = np.random.default_rng(0).standard_normal((23, 5)).astype(np.float32)


def network(dtype="float32"):
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8, activation="relu"), nn.Dropout(0.5), nn.Linear(8, 3)).to(dtype)


@pytest.mark.parametrize("size", [1, 2, 7, 22, 23, 24, 256])
def test_the_bits_do_not_depend_on_the_batches(backend, size):
    model = network()
    right = model.eval()(mg.tensor(X)).data
    model.train()
    found = model.predict(X, batch_size=size)
    assert type(found) is np.ndarray and found.dtype == np.float32
    np.testing.assert_allclose(found, right, rtol=0 if backend == "native" else 1e-5)  # OpenBLAS promises no bits
    again = found.copy()
    found[:] = 0.0  # it is the caller's own
    assert (predict(model, X, batch_size=size) == again).all()


def test_modes_streams_and_graphs_are_left_as_found():
    model = network()
    model[1].eval()
    state = mg.rng.get_state()
    model.predict(X)
    assert [m.training for _, m in model.named_modules()] == [True, True, False, True]
    assert mg.rng.get_state() == state and mg.is_grad_enabled()
    with pytest.raises(mg.ShapeError, match=r"x is \(23, 4\)"):
        model.predict(X[:, :4])
    assert [m.training for _, m in model.named_modules()] == [True, True, False, True]


@pytest.mark.parametrize(
    "x",
    [
        X.tolist(),
        X.astype(np.float64),
        mg.tensor(X),
        mg.tensor(X, requires_grad=True),
        np.asfortranarray(X),
        X[:, ::-1][:, ::-1],
        X.astype(">f4"),
        Dataset(X, np.zeros(23)),
        Loader(X, np.zeros(23), 4),
    ],
    ids=["lists", "float64", "tensor", "leaf", "Fortran", "strides", "big-endian", "Dataset", "Loader"],
)
def test_what_x_may_be(x):
    model = network()
    assert (model.predict(x, batch_size=10) == model.predict(X)).all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "bool", "uint32"])
@pytest.mark.parametrize("real", ["float32", "float64"])
def test_integers_reach_products_as_floats_would(backend, dtype, real):
    x = (np.abs(X) * 3).astype(dtype)
    model = network(real)
    assert (model.predict(x, batch_size=9) == model.predict(x.astype(real))).all()
    scaled = nn.Sequential(Scale(), model)  # begins with arithmetic, which integers do not have
    assert (scaled.predict(x, batch_size=9) == scaled.predict(x.astype(real))).all()


class Scale(nn.Module):
    def forward(self, x):
        return x / 255.0


class Words(nn.Module):
    def __init__(self):
        self.table = nn.Parameter(np.arange(40.0).reshape(20, 2), "float32")

    def forward(self, words):
        return mg.embedding(words, self.table)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "uint64"])
def test_integers_stay_integers_for_an_embedding(dtype):
    model, words = Words(), np.array([[0, 3], [19, 4], [7, 7]], dtype)
    assert (model.predict(words, batch_size=2) == model.table.data[words.astype(int)]).all()
    assert (model.predict(words.tolist()) == model.table.data[words.astype(int)]).all()
    with pytest.raises(mg.DTypeError, match=r"float32.*need integers"):
        model.predict(words.astype(float))


class Several(nn.Module):
    def __init__(self, make):
        self.linear, self.make = nn.Linear(5, 2), make

    def forward(self, x):
        return self.make(self.linear(x))


@pytest.mark.parametrize("size", [2, 23])
def test_outputs_of_several_parts(size):
    def make(y):
        return {"y": y, "rest": (mg.argmax(y, dim=1), [y * 2.0])}

    found = Several(make).predict(X, batch_size=size)
    assert found["y"].shape == (23, 2) and found["rest"][0].dtype == np.int64
    assert isinstance(found["rest"], tuple) and (found["rest"][1][0] == 2 * found["y"]).all()


@pytest.mark.parametrize("size", [1, 2, 4, 23])
@pytest.mark.parametrize(
    "make", [lambda y: y.sum(), lambda y: y.sum(dim=0), lambda y: y.transpose(0, 1), lambda y: mg.cat([y, y])]
)
def test_outputs_without_a_row_for_each_row_come_from_one_batch(make, size):
    model = Several(make)
    for x in (X, X[:22]):  # of 22 rows the last batch is as large as the others
        assert (model.predict(x, batch_size=size) == make(model.linear(mg.tensor(x))).data).all()


def test_no_rows_and_no_parameters():
    assert network().predict(X[:0]).shape == (0, 3)
    assert nn.Flatten().predict(X.astype(np.float64)).dtype == np.float64
    assert nn.Flatten().predict(X.tolist()).dtype == np.float32
    shared = nn.Flatten().predict(X)
    shared[:] = 1.0
    assert (X != 1.0).any()


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (None, mg.DTypeError, "x is a NoneType; need an array"),
        ("abc", mg.ShapeError, "x is a str"),
        (3.0, mg.ShapeError, "a single number"),
        (X[0], mg.ShapeError, r"a single row is x\.reshape\(1, -1\)"),
        ((X, np.zeros(23)), TypeError, "got a pair; need the rows x alone"),
        ([[1.0, 2.0], [3.0]], mg.ShapeError, "predict: x: "),
        (np.array([["a"] * 5]), mg.DTypeError, "x is <U1; need real numbers"),
        (X.astype(object), mg.DTypeError, r"object.*astype\('float32'\)"),
        (X.astype(complex), mg.DTypeError, "complex128"),
        (X.astype(np.float16), mg.DTypeError, r"float16.*astype\('float32'\)"),
        (np.full((2, 5), 2**64 - 1, np.uint64), mg.DTypeError, "holds 18446744073709551615"),
    ],
)
def test_what_x_may_not_be(x, error, words):
    with pytest.raises(error, match=words):
        network().predict(x)


def test_bad_options_and_models():
    for size, error in ((0, ValueError), (2.5, TypeError), (None, TypeError)):
        with pytest.raises(error, match="predict: batch_size"):
            network().predict(X, batch_size=size)
    with pytest.raises(TypeError, match="the model returned a NoneType; need a tensor"):
        Several(lambda y: None).predict(X)
    mixed = network()
    mixed[0].to("float64")
    with pytest.raises(mg.DTypeError, match="float32 and float64"):
        mixed.predict(X)


def test_after_a_fit_it_answers_without_dropout():
    model = network()
    mg.train.fit(model, (X, np.arange(23) % 3), mg.cross_entropy, optim.Adam(model.parameters()), epochs=1)
    assert model.training and (model.predict(X) == model.predict(X)).all()
