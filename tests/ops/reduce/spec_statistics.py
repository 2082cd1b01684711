"""Specs of ops/reduce/: extremes.py, statistics.py and norms.py."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, reduced, shapes, values

import minigrad as mg

ONE = {"several": False, "empty": False}
INFINITY = float("inf")


@st.composite
def distinct(draw, several=False):
    """One array without ties, so that differences do not cross one; dim and keepdim."""
    (x,), options = draw(reduced(several=several, empty=False))
    order = np.random.default_rng(x.size).permutation(x.size)
    return [(order / max(1, x.size) + 0.1).reshape(x.shape)], options


@st.composite
def along(draw, count=1, min_size=1, low=-2.0, high=2.0, options=None):
    """Arrays of one shape and a dim that is not empty."""
    shape = tuple(max(min_size, n) for n in draw(shapes(1)))
    seed = draw(st.integers(0, 999))
    chosen = {name: draw(strategy) for name, strategy in (options or {}).items()}
    arrays = [values(shape, seed + i, low, high, avoid=(0.0,)) for i in range(count)]
    return arrays, {"dim": draw(st.integers(-len(shape), len(shape) - 1)), **chosen}


def of_one_dim(function):
    """A call of PyTorch's max or min, which have no keepdim without dim."""
    return lambda torch, x, dim=None, **options: (
        getattr(torch, function)(x) if dim is None else getattr(torch, function)(x, dim, **options)
    )


def theirs(function):
    """A call of PyTorch's function of that name; without dim where it is None, which some of them refuse."""
    return lambda torch, x, dim=None, **options: (
        getattr(torch, function)(x, **options) if dim is None else getattr(torch, function)(x, dim=dim, **options)
    )


def tensor_norm(torch, x, p, dim=None, keepdim=False):
    return torch.linalg.vector_norm(x, 2 if p == "fro" else p, dim, keepdim)


POWERS = st.sampled_from(["fro", 2, 1, 3, 2.5, 0.7, -1.5, INFINITY, -INFINITY])
AWAY = {"avoid": (0.0,), "empty": False}
SPECS = {
    "extreme": [
        Spec(mg.max, distinct(), of_one_dim("max")),
        Spec(mg.min, distinct(), of_one_dim("min")),
    ],
    "extremum": [
        Spec(mg.amax, distinct(several=True), theirs("amax")),
        Spec(mg.amin, distinct(several=True), theirs("amin")),
    ],
    "argmin": Spec(mg.argmin, reduced(**ONE), lambda torch, x, dim=None, **o: torch.argmin(x, dim, **o), order=0),
    "argmax": Spec(mg.argmax, reduced(**ONE), lambda torch, x, dim=None, **o: torch.argmax(x, dim, **o), order=0),
    "any": Spec(mg.any, reduced(), theirs("any"), order=0),
    "all": Spec(mg.all, reduced(), theirs("all"), order=0),
    "count_nonzero": Spec(mg.count_nonzero, reduced(keepdim=False), theirs("count_nonzero"), order=0),
    "product": Spec(mg.prod, reduced(several=False), theirs("prod")),
    "running": Spec(mg.cumsum, along(), lambda torch, x, dim: torch.cumsum(x, dim)),
    "var": Spec(mg.var, along(min_size=3, options={"correction": st.sampled_from([0, 1, 1.5])}), theirs("var")),
    "std": Spec(mg.std, along(min_size=3, options={"unbiased": st.booleans()}), theirs("std")),
    "log_sum_exp": Spec(
        mg.logsumexp,
        reduced(empty=False).filter(lambda case: case[1]["dim"] is not None),
        lambda torch, x, dim, **options: torch.logsumexp(x, dim, **options),
    ),
    "euclidean": Spec(mg.norm, reduced(**AWAY), lambda torch, x, **o: tensor_norm(torch, x, 2, **o), rtol=1e-11),
    "power_norm": Spec(mg.norm, reduced(**AWAY, options={"p": POWERS}), tensor_norm, rtol=1e-10, atol=1e-10),
    "normalize": Spec(
        mg.normalize,
        along(options={"p": st.sampled_from([1.0, 2.0, 3.0])}),
        lambda torch, x, **options: torch.nn.functional.normalize(x, **options),
    ),
    "cosine_similarity": Spec(
        mg.cosine_similarity,
        along(2),
        lambda torch, a, b, dim: torch.nn.functional.cosine_similarity(a, b, dim),
    ),
}
