"""Specs of the matrix product and the affine map."""

from hypothesis import strategies as st
from ops.specs import Spec, values

import minigrad as mg

ACTIVATIONS = st.sampled_from([None, "relu", "tanh", "sigmoid"])


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


SPECS = {
    "matmul": Spec(
        mg.matmul,
        products(),
        lambda torch, a, b, ta, tb: (a.T if ta else a) @ (b.T if tb else b),
    ),
    "affine": Spec(mg.affine, layers(), affine),
}
