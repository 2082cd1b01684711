"""Specs of ops/shape: views, what broadcasting repeats, and the sums that undo it."""

import math

from hypothesis import strategies as st
from ops.specs import Spec, broadcasting, reduced, shapes, summed, unary, values

import minigrad as mg
from minigrad.ops.shape import broadcast


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


SPECS = {
    "reshape": Spec(mg.reshape, reshaped(), lambda torch, x, shape: torch.reshape(x, shape)),
    "permute": Spec(mg.permute, permuted(), lambda torch, x, dims: torch.permute(x, dims)),
    "transpose": Spec(mg.transpose, two_dims(), lambda torch, x, dim0, dim1: torch.transpose(x, dim0, dim1)),
    "broadcast_to": Spec(mg.broadcast_to, broadcasts(), lambda torch, x, shape: torch.broadcast_to(x, shape)),
    "repeat_along": Spec(broadcast.repeat_along, repeats()),
    "cast": Spec(mg.cast, unary(options={"dtype": st.just("float64")})),
    "sum": Spec(mg.sum, reduced(), summed("sum")),
}
