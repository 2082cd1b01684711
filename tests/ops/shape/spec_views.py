"""Specs of ops/shape/views.py and broadcast.py."""

from hypothesis import strategies as st
from ops.specs import Spec, shapes, values

import minigrad as mg
from minigrad.ops.shape import views


@st.composite
def with_dims(draw, **options):
    """One array of at least one dimension; an option is a function of its shape that gives a strategy."""
    shape = draw(shapes(1))
    drawn = {name: draw(strategy(shape)) for name, strategy in options.items()}
    return [values(shape, draw(st.integers(0, 999)))], drawn


def one_dim(shape):
    return st.integers(-len(shape), len(shape) - 1)


def some_dims(shape):
    return st.one_of(one_dim(shape), st.permutations(range(len(shape))).map(lambda p: p[: len(p) // 2 + 1]))


def counts(shape):
    """As many numbers as dimensions, or one more."""
    return st.lists(st.integers(0, 3), min_size=len(shape), max_size=len(shape) + 1)


@st.composite
def moves(draw):
    """movedim: as many destinations as sources."""
    shape = draw(shapes(1))
    n = draw(st.integers(1, len(shape)))
    order = st.permutations(range(-len(shape), 0)).map(lambda p: p[:n])
    return [values(shape, 1)], {"source": tuple(draw(order)), "destination": tuple(draw(order))}


@st.composite
def expansions(draw):
    """expand: sizes 1 become others, or -1 keeps them; new dimensions in front."""
    shape = draw(shapes(0))
    sizes = [draw(st.sampled_from([0, 1, 4, -1])) if n == 1 else draw(st.sampled_from([n, -1])) for n in shape]
    return [values(shape, 2)], {"sizes": [*draw(st.lists(st.integers(0, 3), max_size=2)), *sizes]}


@st.composite
def squeezable(draw):
    shape = draw(shapes(1))
    dims = [d for d, n in enumerate(shape) if n == 1]
    return [values(shape, 3)], {"dims": tuple(d for d in dims if draw(st.booleans()))}


SPECS = {
    "flatten": Spec(
        mg.flatten,
        with_dims(
            start_dim=lambda s: st.integers(-len(s), -len(s) // 2),
            end_dim=lambda s: st.integers(len(s) // 2, len(s) - 1),
        ),
        lambda torch, x, **o: torch.flatten(x, **o),
    ),
    "unsqueeze": Spec(
        mg.unsqueeze,
        with_dims(dim=lambda s: st.integers(-len(s) - 1, len(s))),
        lambda torch, x, dim: torch.unsqueeze(x, dim),
    ),
    "add_dims": Spec(views.add_dims, with_dims(dims=lambda s: st.sampled_from([(0,), (0, 2), (-1,)]))),
    "squeeze": [
        Spec(mg.squeeze, with_dims(), lambda torch, x: torch.squeeze(x)),
        Spec(mg.squeeze, with_dims(dim=some_dims), lambda torch, x, dim: torch.squeeze(x, dim)),
    ],
    "drop_dims": Spec(views.drop_dims, squeezable()),
    "t": Spec(mg.t, shapes(0, 2).map(lambda s: ([values(s, 4)], {})), lambda torch, x: torch.t(x)),
    "swapaxes": Spec(
        mg.swapaxes,
        with_dims(dim0=one_dim, dim1=one_dim),
        lambda torch, x, dim0, dim1: torch.swapaxes(x, dim0, dim1),
    ),
    "movedim": Spec(mg.movedim, moves(), lambda torch, x, **o: torch.movedim(x, **o)),
    "expand": Spec(
        lambda x, sizes: x.expand(*sizes) if sizes else x.expand([]),
        expansions(),
        lambda torch, x, sizes: x.expand(sizes),
    ),
    "repeat": Spec(lambda x, n: x.repeat(*n), with_dims(n=counts), lambda torch, x, n: x.repeat(*n)),
    "tile": Spec(
        mg.tile,
        with_dims(dims=lambda s: st.lists(st.integers(0, 3), max_size=4)),
        lambda torch, x, dims: torch.tile(x, dims),
    ),
}
