"""Every op: gradients to second order against central differences, on both backends."""

import importlib
import importlib.util
import pkgutil
import types

import numpy as np
import pytest

import minigrad as mg
import minigrad.ops
from minigrad.insight.gradcheck import gradcheck
from minigrad.ops.elementwise import fused_activations, mask
from minigrad.ops.index import gather
from minigrad.ops.losses import binary, classes, regression
from minigrad.ops.reduce import softmax, statistics
from minigrad.ops.regularize import penalty
from minigrad.ops.shape import axes, broadcast

if importlib.util.find_spec("hypothesis"):
    from ops import specs

R = np.random.default_rng(7)


def normal(*dims):
    return R.standard_normal(dims)


def positive(*dims):
    return 0.3 + R.random(dims)


X, Y, G0 = normal(3, 4), normal(3, 4), np.array(0.7)
TARGET, PROBABILITIES, HALF = np.array([0, 3, 1]), positive(3, 4), R.random((3, 4))
BITS = np.array([0b10110101, 0b1001], np.uint8)

CASES = {
    "add": [
        (mg.add, X, Y),
        (mg.add, X, Y[0]),
        (mg.add, X[:, :1], Y),
        (lambda x: mg.add(2.0, x), X),
        (lambda x: x + x, X),
    ],
    "sub": [(mg.sub, X, Y), (mg.sub, X[:1], Y), (lambda x: 1 - x, X)],
    "mul": [(mg.mul, X, Y), (mg.mul, X, Y[:, :1]), (lambda x: x * 3, X), (lambda x: x * x, X), (mg.mul, G0, X)],
    "div": [(mg.div, X, positive(3, 4)), (mg.div, X, positive(4)), (lambda x: 1 / x, positive(2, 2))],
    "neg": [(mg.neg, X)],
    "abs": [(mg.abs, X)],
    "sign": [(mg.sign, X)],
    "square": [(mg.square, X), (lambda x: x**2, X)],
    "sqrt": [(mg.sqrt, positive(3, 4)), (lambda x: x**0.5, positive(2))],
    "exp": [(mg.exp, X), (mg.exp, normal(0, 3)), (mg.exp, G0)],
    "log": [(mg.log, positive(3, 4))],
    "relu": [(mg.relu, X)],
    "tanh": [(mg.tanh, X)],
    "sigmoid": [(mg.sigmoid, X)],
    "relu_grad": [(fused_activations.relu_grad, X, np.abs(Y))],
    "tanh_grad": [(fused_activations.tanh_grad, X, Y)],
    "sigmoid_grad": [(fused_activations.sigmoid_grad, X, Y)],
    "reshape": [(lambda x: x.reshape(2, 6), X), (lambda x: x.reshape(-1) * 2, X), (lambda x: x.T.reshape(3, 4), X)],
    "permute": [(lambda x: x.permute(2, 0, 1) * 2, normal(2, 3, 4)), (lambda x: mg.transpose(x, 0, -1), X)],
    "broadcast_to": [(lambda x: x.broadcast_to((5, 3, 4)) * 2, X), (lambda x: x.broadcast_to((3, 4)), normal(3, 1))],
    "repeat_along": [
        (lambda g, s=s, d=d: broadcast.repeat_along(g, shape=s, dim=d), normal(*n))
        for n, s, d in [((3,), (3, 4), 1), ((3, 1), (3, 4), 1), ((), (3, 4), None), ((2, 4), (2, 3, 4), -2)]
    ],
    "cast": [(lambda x: x.to("float64") * x, X)],
    "sum": [
        (lambda x, d=d, k=k: mg.sum(mg.square(x), dim=d, keepdim=k), normal(2, 3, 4))
        for d in (None, 0, 1, -1, (0, 1), (0, 2), (0, 1, 2), ())
        for k in (False, True)
    ],
    "mean": [
        (lambda x, d=d, k=k: mg.mean(mg.square(x), dim=d, keepdim=k), normal(2, 3, 4))
        for d in (None, 0, 1, (0, 2))
        for k in (False, True)
    ],
    "extreme": [(lambda x, d=d, f=f: f(x * x, d).values, X) for d in (0, 1) for f in (mg.max, mg.min)]
    + [(lambda x: mg.max(x, dim=0, keepdim=True).values, X)],
    "put_back": [(lambda g: gather.put_back(g, index=TARGET, shape=(3, 4), dim=1), normal(3))],
    "pick": [(lambda x: gather.pick(x * x, index=TARGET, dim=1), X)],
    "extremum": [(lambda x, d=d, f=f: f(x * x, d), X) for d in (None, 0, (0, 1)) for f in (mg.amax, mg.amin)],
    "prod_grad": [(statistics.prod_grad, normal(2), normal(2, 4)), (statistics.prod_grad, normal(1), np.eye(1, 3))],
    "center": [(lambda x: statistics.center(x * x, dims=(1,)), X)],
    "softmax": [(lambda x, d=d: mg.softmax(x, dim=d), X) for d in (0, 1)]
    + [(mg.softmax, normal(2, 2, 3)), (mg.softmax, normal(4))],
    "log_softmax": [(lambda x, d=d: mg.log_softmax(x, dim=d), X) for d in (0, 1)],
    "softmax_grad": [(lambda g, y, d=d: softmax.softmax_grad(g, y, dim=d), X, HALF) for d in (0, 1)],
    "log_softmax_grad": [(lambda g, y, d=d: softmax.log_softmax_grad(g, y, dim=d), X, -HALF) for d in (0, 1)],
    "matmul": [
        (
            lambda a, b, ta=ta, tb=tb: mg.matmul(a, b, ta=ta, tb=tb),
            normal(*((4, 3) if ta else (3, 4))),
            normal(*((2, 4) if tb else (4, 2))),
        )
        for ta in (False, True)
        for tb in (False, True)
    ]
    + [
        (lambda a: a @ a, normal(3, 3)),
        (mg.matmul, normal(3, 4), normal(4, 1)),
        (mg.matmul, normal(2, 0), normal(0, 3)),
    ],
    "affine": [
        (lambda x, w, b, a=a: mg.affine(x, w, b, activation=a), X, normal(4, 2), normal(2))
        for a in (None, "relu", "tanh", "sigmoid")
    ]
    + [(mg.affine, X, normal(4, 2))],
    "cross_entropy": [
        (lambda x, t=t, r=r: mg.cross_entropy(x, t, reduction=r), X)
        for t in (TARGET, PROBABILITIES)
        for r in ("mean", "sum", "none")
    ],
    "cross_entropy_grad": [
        (lambda g, x, t=t, r=r: classes.cross_entropy_grad(g, x, t, reduction=r), normal(3) if r == "none" else G0, X)
        for t in (TARGET, PROBABILITIES)
        for r in ("mean", "sum", "none")
    ],
    "mse": [(lambda x, t, r=r: mg.mse(x, t, reduction=r), X, Y) for r in ("mean", "sum", "none")],
    "mse_grad": [
        (lambda g, x, t, r=r: regression.mse_grad(g, x, t, reduction=r), X if r == "none" else G0, X, Y)
        for r in ("mean", "none")
    ],
    "bce_with_logits": [
        (lambda x, r=r: mg.bce_with_logits(x, HALF, reduction=r), X) for r in ("mean", "sum", "none")
    ],
    "bce_with_logits_grad": [
        (lambda g, x, r=r: binary.bce_with_logits_grad(g, x, HALF, reduction=r), X if r == "none" else G0, Y)
        for r in ("mean", "none")
    ],
    "elastic_net": [(lambda w: mg.elastic_net(w, l1=0.3, l2=0.4), X), (lambda w: mg.elastic_net(w.T, l2=0.4), X)],
    "elastic_net_grad": [(lambda g, w: penalty.elastic_net_grad(g, w, l1=0.3, l2=0.4), G0, X)],
    "dropout": [(lambda x: mg.dropout(x, p=0.5, key=3, stream=4, scale=2.0), X)],
    "masked_scale": [(lambda x: mask.masked_scale(x, bits=BITS, scale=1.5), X)],
}


def all_ops():
    for module in pkgutil.walk_packages(minigrad.ops.__path__, "minigrad.ops."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, types.FunctionType) and hasattr(value, "op"):
                yield value.op.name


def generated():
    """The ops whose gradients test_generated.py checks."""
    return {name for name, _ in specs.load()} if importlib.util.find_spec("hypothesis") else set(all_ops())


def test_every_op_has_a_case():
    assert set(CASES) <= set(all_ops())
    assert not set(all_ops()) - set(CASES) - generated()


@pytest.mark.parametrize("name", CASES)
def test_gradients_to_second_order(name, backend):
    for function, *arrays in CASES[name]:
        assert gradcheck(function, arrays)


def test_the_second_half_of_max_grads_and_ties(backend):
    x = mg.tensor([[1.0, 5.0, 5.0], [2.0, 2.0, 0.0]], requires_grad=True)
    mg.max(x, dim=1).values.sum().backward()
    assert x.grad.tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kinks_and_nan(backend, dtype):
    x = mg.tensor([0.0, -0.0, np.nan, 2.0], dtype=dtype, requires_grad=True)
    for function, expected in [(mg.relu, [0, 0, np.nan, 1]), (mg.abs, [0, 0, np.nan, 1]), (mg.sign, [0, 0, 0, 0])]:
        x.grad = None
        y = function(x)
        y.sum().backward()
        assert np.isnan(y.data[2])
        np.testing.assert_array_equal(x.grad.data, expected)


def test_shape_helper_names_the_dimension():
    with pytest.raises(mg.ShapeError, match="twice"):
        axes.normalize_dims("sum", (0, -2), 2)


def test_gradcheck_finds_a_wrong_rule_and_a_wrong_second_derivative():
    @mg.differentiable(x=lambda g, y, x: mg.mul(g, mg.mul(2.1, x)))
    def wrong_first(x):
        return x * x

    @mg.differentiable(g=lambda gg, z, g, x: mg.mul(gg, x), x=lambda gg, z, g, x: mg.mul(gg, x))
    def wrong(g, x):
        return g * x * 2

    @mg.differentiable(x=lambda g, y, x: wrong(g, x))
    def wrong_second(x):
        return x * x

    with pytest.raises(AssertionError, match="gradient of input 0"):
        gradcheck(wrong_first, [X])
    with pytest.raises(AssertionError, match="second derivative"):
        gradcheck(wrong_second, [X])
    assert gradcheck(wrong_second, [X], order=1)
    with pytest.raises(ValueError, match="float64"):
        gradcheck(mg.exp, [X.astype(np.float32)])
