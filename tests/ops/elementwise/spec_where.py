"""Specs of ops/elementwise/where.py."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, binary, broadcasting, unary, values

import minigrad as mg
from minigrad.ops.elementwise import where


@st.composite
def masked(draw):
    """A mask and two arrays that broadcast."""
    seed, (mask, *shapes) = draw(st.integers(0, 999)), draw(broadcasting(3))
    return [np.asarray(values(mask, seed) > 0), *(values(shape, seed + 1 + i) for i, shape in enumerate(shapes))], {}


@st.composite
def filled(draw):
    """An array and a mask that is broadcast to it."""
    (x,), _ = draw(unary())
    return [x, np.asarray(values(x.shape[draw(st.integers(0, x.ndim)) :], 5) > 0)], {}


def theirs(torch, *xlh):
    """Clamp; broadcast before, since PyTorch fails in the backward pass where an empty tensor is broadcast."""
    return torch.clamp(*torch.broadcast_tensors(*xlh))


LOW, HIGH = (-1.5, -0.5), (0.5, 1.5)
SPECS = {
    "where": [
        Spec(mg.where, masked(), lambda torch, c, a, b: torch.where(c, a, b)),
        Spec(lambda c, a, b: mg.where(c, a, 0.5) * b, masked(), lambda torch, c, a, b: torch.where(c, a, 0.5) * b),
    ],
    "masked_fill": Spec(
        lambda x, mask: mg.masked_fill(x, mask, 0.5), filled(), lambda torch, x, mask: torch.masked_fill(x, mask, 0.5)
    ),
    "step": Spec(where.step, binary()),
    "maximum": Spec(mg.maximum, binary(), lambda torch, a, b: torch.maximum(a, b)),
    "minimum": Spec(mg.minimum, binary(), lambda torch, a, b: torch.minimum(a, b)),
    "clamp": [
        Spec(mg.clamp, binary((-2, 2), LOW, HIGH), theirs),
        Spec(mg.clamp, binary((-2, 2), HIGH, LOW), theirs),
        Spec(lambda x: mg.clamp(x, -1, 0.5), unary(avoid=(-1, 0.5)), lambda torch, x: torch.clamp(x, -1, 0.5)),
        Spec(lambda x: mg.clamp(x, max=0.5), unary(avoid=(0.5,)), lambda torch, x: torch.clamp(x, max=0.5)),
        Spec(lambda x: mg.clamp(x, min=-1), unary(avoid=(-1,)), lambda torch, x: torch.clamp(x, min=-1)),
    ],
    "lerp": [
        Spec(mg.lerp, binary((-2, 2), (-2, 2), (0, 1)), lambda torch, a, b, w: torch.lerp(a, b, w)),
        Spec(lambda a, b: mg.lerp(a, b, 0.3), binary(), lambda torch, a, b: torch.lerp(a, b, 0.3)),
        Spec(lambda a, b: mg.lerp(a, b, 0.7), binary(), lambda torch, a, b: torch.lerp(a, b, 0.7)),
    ],
}
