"""Specs of ops/shape.py, ops/reduce.py and ops/linalg.py, and of the fused gradients of ops/elementwise.py."""

import math

from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops.elementwise import fused_activations
from minigrad.ops.reduce import softmax
from minigrad.ops.shape import broadcast

from .build import Spec, binary, broadcasting, reduced, shapes, unary, values

ACTIVATIONS = st.sampled_from([None, "relu", "tanh", "sigmoid"])


@st.composite
def reshaped(draw):
    """The factors of a size in another order, or -1 for one of them."""
    old = draw(shapes(0))
    new = draw(st.permutations([n for n in old if n != 1]))
    new = [*new, *[1] * draw(st.integers(0, 2))]
    if new and math.prod(old):
        i = draw(st.integers(0, len(new) - 1))
        new[i] = draw(st.sampled_from([new[i], -1]))
    return [values(old, 5)], {"shape": tuple(new)}


@st.composite
def permuted(draw):
    """Dimensions in any order, counted from either end."""
    old = draw(shapes(0, 4))
    order = draw(st.permutations(range(len(old))))
    return [values(old, 6)], {"dims": tuple(d - len(old) if draw(st.booleans()) else d for d in order)}


@st.composite
def two_dims(draw):
    old = draw(shapes(1, 4))
    one = st.integers(-len(old), len(old) - 1)
    return [values(old, 7)], {"dim0": draw(one), "dim1": draw(one)}


@st.composite
def broadcasts(draw):
    small, full = draw(broadcasting(2))
    wanted = tuple(max(m, n) if m and n else 0 for m, n in zip((1,) * (len(full) - len(small)) + small, full))
    if len(small) > len(full):
        wanted = tuple(max(m, n) if m and n else 0 for m, n in zip(small, (1,) * (len(small) - len(full)) + full))
    return [values(small, 8)], {"shape": wanted}


@st.composite
def repeats(draw):
    """What a sum over dim leaves of an array of a shape; with the dimensions, or without."""
    (x,), options = draw(reduced())
    g = x.sum(options["dim"], keepdims=options.get("keepdim", False))
    return [values(g.shape, 9)], {"shape": x.shape, "dim": options["dim"]}


@st.composite
def products(draw):
    m, k, n = (draw(st.sampled_from([0, 1, 2, 3, 5])) for _ in range(3))
    ta, tb = draw(st.booleans()), draw(st.booleans())
    a, b = values((k, m) if ta else (m, k), 10), values((n, k) if tb else (k, n), 11)
    return [a, b], {"ta": ta, "tb": tb}


@st.composite
def layers(draw):
    m, k, n = (draw(st.sampled_from([0, 1, 2, 3, 5])) for _ in range(3))
    arrays = [values((m, k), 12, 0.1), values((k, n), 13, 0.1), values((n,), 14, 0.1)]  # no kink of relu
    return arrays[: draw(st.integers(2, 3))], {"activation": draw(ACTIVATIONS)}


def affine(torch, x, w, b=None, *, activation):
    y = x @ w if b is None else x @ w + b
    return y if activation is None else getattr(torch, activation)(y)


def along(low=-2.0, high=2.0, n=1):
    """Arrays of one shape and a dim of theirs."""

    @st.composite
    def drawn(draw):
        old = draw(shapes(1))
        dim = draw(st.integers(-len(old), len(old) - 1))
        return [values(old, 15 + i, low, high) for i in range(n)], {"dim": dim}

    return drawn()


def summed(name):
    def call(torch, x, dim=None, **options):
        f = getattr(torch, name)
        return f(x) if dim is None else f(x, dim, **options)

    return call


SPECS = {
    "reshape": Spec(mg.reshape, reshaped(), lambda torch, x, shape: torch.reshape(x, shape)),
    "permute": Spec(mg.permute, permuted(), lambda torch, x, dims: torch.permute(x, dims)),
    "transpose": Spec(mg.transpose, two_dims(), lambda torch, x, dim0, dim1: torch.transpose(x, dim0, dim1)),
    "broadcast_to": Spec(mg.broadcast_to, broadcasts(), lambda torch, x, shape: torch.broadcast_to(x, shape)),
    "repeat_along": Spec(broadcast.repeat_along, repeats()),
    "cast": Spec(mg.cast, unary(options={"dtype": st.just("float64")})),
    "sum": Spec(mg.sum, reduced(), summed("sum")),
    "mean": Spec(mg.mean, reduced(empty=False), summed("mean")),
    "softmax": Spec(mg.softmax, along(), lambda torch, x, dim: torch.softmax(x, dim)),
    "log_softmax": Spec(mg.log_softmax, along(), lambda torch, x, dim: torch.log_softmax(x, dim)),
    "softmax_grad": Spec(softmax.softmax_grad, along(n=2)),
    "log_softmax_grad": Spec(softmax.log_softmax_grad, along(n=2)),
    "matmul": Spec(
        mg.matmul,
        products(),
        lambda torch, a, b, ta, tb: (a.T if ta else a) @ (b.T if tb else b),
    ),
    "affine": Spec(mg.affine, layers(), affine),
    "relu_grad": Spec(fused_activations.relu_grad, binary((-2.0, 2.0), (0.1, 2.0))),
    "tanh_grad": Spec(fused_activations.tanh_grad, binary()),
    "sigmoid_grad": Spec(fused_activations.sigmoid_grad, binary()),
}
