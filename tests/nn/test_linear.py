"""Layers against NumPy and against differences, on both backends; what they refuse, and what they advise."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


@pytest.mark.parametrize("activation", [None, "relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_gradients(backend, rng, activation, bias):
    layer = nn.Linear(3, 2, bias=bias, activation=activation, dtype="float64")

    def apply(x, w, *b):
        layer.weight = w
        if b:
            layer.bias = b[0]
        return layer(x)

    inputs = [rng.standard_normal((4, 3)), rng.standard_normal((3, 2)), rng.standard_normal(2)]
    assert mg.testing.gradcheck(apply, inputs if bias else inputs[:2])


def test_linear_value_and_rows_of_any_shape(backend, rng):
    layer = nn.Linear(3, 2, dtype="float64")
    x = rng.standard_normal((5, 4, 3))
    np.testing.assert_allclose(layer(mg.tensor(x)).data, x @ layer.weight.data + layer.bias.data, rtol=1e-14)
    assert mg.testing.gradcheck(layer, [x[:2]], order=1)
    assert layer(mg.tensor(x[:0])).shape == (0, 4, 2)
    assert layer(x[0]).shape == (4, 2)  # an array is taken too


@pytest.mark.parametrize(
    "layer", [nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Softmax(), nn.Softmax(dim=0), nn.Flatten()], ids=repr
)
def test_gradients_of_the_others(backend, rng, layer):
    assert mg.testing.gradcheck(layer, [rng.standard_normal((3, 4))])


def test_flatten():
    assert nn.Flatten()(np.zeros((2, 3, 4), np.float32)).shape == (2, 12)
    assert nn.Flatten()(np.zeros((0, 3, 4), np.float32)).shape == (0, 12)
    assert nn.Flatten()(np.zeros(2, np.float32)).shape == (2, 1)
    with pytest.raises(mg.ShapeError, match="single number"):
        nn.Flatten()(1.0)


def test_sequential_is_a_list():
    layers = [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)]
    model = nn.Sequential(*layers)
    assert list(model) == layers
    assert model[-1] is layers[2]
    assert list(model[1:]) == layers[1:]
    assert model.append(nn.Sigmoid()) is model
    assert len(model) == 4
    model[-1] = nn.Tanh()
    assert isinstance(model[3], nn.Tanh)
    with pytest.raises(IndexError):
        model[4] = nn.Tanh()
    x = mg.tensor([[1.0, 2.0]])
    assert nn.Sequential()(x) is x
    for wrong, advice in ((nn.ReLU, "did you mean ReLU()"), (mg.relu, "need a Module"), ([nn.ReLU()], "need a Module")):
        with pytest.raises(TypeError) as error:
            nn.Sequential(nn.Linear(2, 2), wrong)
        assert advice in str(error.value)


@pytest.mark.parametrize(
    "x, error, advice",
    [
        (np.zeros(3, np.float32), mg.ShapeError, "a single row is x.reshape(1, -1)"),
        (np.zeros((2, 4), np.float32), mg.ShapeError, r"x is (2, 4); need (rows, 3)"),
        (1.0, mg.ShapeError, "need (rows, 3)"),
        (np.zeros((2, 3)), mg.DTypeError, "x.to('float32')"),
        (np.zeros((2, 4), np.int64), mg.ShapeError, "x is (2, 4); need (rows, 3)"),
    ],
)
def test_linear_refuses(x, error, advice):
    with pytest.raises(error) as raised:
        nn.Linear(3, 2)(x)
    assert advice in str(raised.value)
    with pytest.raises(mg.ShapeError, match=r"a column is x\.reshape\(-1, 1\)"):
        nn.Linear(1, 2)(np.zeros(5, np.float32))


@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["uint8", "bool", "int32", "int64"])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (0, 3)])
def test_linear_takes_integers_in_the_dtype_of_its_weight(backend, dtype, real, shape):
    """The same bits, forward and backward, as from the same numbers as floats; the integers get no gradient."""
    layer = nn.Linear(3, 2, activation="tanh", dtype=real)
    x = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 200, shape).astype(dtype)
    found = []
    for given in (x, mg.tensor(x), x.astype(real)):
        layer.zero_grad()
        y = layer(given)
        (y * y).sum().backward()
        found.append([y.data.copy(), *(p.grad.data.copy() for p in layer.parameters())])
    for integers in found[:2]:
        for a, b in zip(integers, found[2]):
            assert a.dtype == b.dtype == real and a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    "arguments, error, match",
    [
        ({"in_features": 0}, ValueError, "in_features is 0"),
        ({"out_features": 2.0}, TypeError, "whole number"),
        ({"activation": "softmax"}, ValueError, "need None or relu, tanh, sigmoid"),
        ({"init": "he_norml"}, ValueError, "did you mean 'he_normal'"),
        ({"init": lambda shape, dtype: np.zeros(3)}, mg.ShapeError, r"init returned \(3,\)"),
        ({"activaton": "relu"}, TypeError, "Linear: unknown keyword 'activaton'; did you mean 'activation'"),
        ({"dtype": "float16"}, mg.DTypeError, "float16"),
    ],
)
def test_linear_checks_its_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        nn.Linear(**{"in_features": 3, "out_features": 2, **arguments})


def test_dense_is_linear_and_linear_chooses_its_start():
    assert nn.Dense is nn.Linear
    layer = nn.Linear(3, 2, init=lambda shape, dtype: np.ones(shape, dtype))
    assert (layer.weight.data == 1).all()
    assert (layer.bias.data == 0).all()


def test_losses_are_those_of_ops(backend, rng):
    x, t = rng.standard_normal((4, 3)), rng.random((4, 3))
    assert nn.MSELoss("sum")(x, t).item() == pytest.approx(((x - t) ** 2).sum())
    logits, classes = mg.tensor(x), [0, 1, 2, 0]
    assert nn.CrossEntropyLoss()(logits, classes).item() == mg.cross_entropy(logits, classes).item()
    assert nn.BCEWithLogitsLoss("none")(logits, t).shape == (4, 3)
    with pytest.raises(ValueError, match="reduction is 'avg'"):
        nn.CrossEntropyLoss("avg")
    with pytest.raises(ValueError, match=r"^CrossEntropyLoss mean: cross_entropy: .* the output of a softmax"):
        nn.CrossEntropyLoss()(nn.Softmax()(logits), classes)
    fused = nn.Linear(3, 3, activation="sigmoid", dtype="float64")(logits)
    for probabilities, target in ((nn.Sigmoid()(logits), t), (fused, t), (fused.reshape(-1), t.ravel())):
        with pytest.raises(ValueError, match="output of a sigmoid"):
            nn.BCEWithLogitsLoss()(probabilities, target)
    studied = nn.CrossEntropyLoss(allow_probabilities=True)(nn.Softmax()(logits), classes)
    assert studied.item() > 0


def test_the_reduction_of_a_loss_is_no_weight():
    """PyTorch's first argument of a loss is the weights of the classes."""
    for make, cure in [(nn.CrossEntropyLoss, "weight=..."), (nn.BCEWithLogitsLoss, "weight=..."), (nn.MSELoss, "")]:
        with pytest.raises(ValueError, match=rf"{make.__name__}: reduction is array.*need one of.*{cure}"):
            make(np.array([1.0, 20.0]))
        with pytest.raises(ValueError, match="reduction is 'average'"):
            make("average")
