"""Specs of ops/shape/slices.py and join.py, and of ops/index/diagonals.py."""

from hypothesis import strategies as st
from ops.shape.spec_views import one_dim, some_dims, with_dims
from ops.specs import Spec, shapes, values

import minigrad as mg
from minigrad.ops.shape import slices


@st.composite
def parts(draw, op):
    """Arrays to be joined along dim: equal but for their sizes there, or of one shape for stack."""
    shape = draw(shapes(1 if op == "cat" else 0))
    count, seed = draw(st.integers(1, 5)), draw(st.integers(0, 999))
    if op == "stack":
        dim, sizes = draw(st.integers(-len(shape) - 1, len(shape))), None
    else:
        dim = draw(one_dim(shape))
        sizes = [draw(st.integers(0, 4)) for _ in range(count)]
    found = []
    for i in range(count):
        own = list(shape)
        if sizes:
            own[dim] = sizes[i]
        found.append(values(own, seed + i))
    return found, {"dim": dim}


@st.composite
def narrowed(draw):
    shape = draw(shapes(1))
    dim = draw(one_dim(shape))
    length = draw(st.integers(0, shape[dim]))
    start = draw(st.integers(0, shape[dim] - length))
    if draw(st.booleans()) and start:
        start -= shape[dim]
    return [values(shape, 5)], {"dim": dim, "start": start, "length": length}


@st.composite
def cut(draw):
    """split: one size, or sizes that sum to the whole."""
    shape = draw(shapes(1))
    dim = draw(one_dim(shape))
    n = shape[dim]
    if draw(st.booleans()):
        return [values(shape, 6)], {"split_size_or_sections": draw(st.integers(1, n + 2)), "dim": dim}
    ends = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    sizes = [b - a for a, b in zip([0, *ends], [*ends, n])]
    return [values(shape, 6)], {"split_size_or_sections": sizes, "dim": dim}


@st.composite
def rolled(draw):
    shape = draw(shapes(1))
    shift = st.integers(-7, 7)
    if draw(st.booleans()):
        return [values(shape, 7)], {"shifts": draw(shift)}
    dims = draw(st.lists(one_dim(shape), min_size=1, max_size=3))
    return [values(shape, 7)], {"shifts": [draw(shift) for _ in dims], "dims": dims}


@st.composite
def selected(draw):
    shape = tuple(max(n, 1) for n in draw(shapes(1)))
    dim = draw(one_dim(shape))
    return [values(shape, 8)], {"dim": dim, "index": draw(st.integers(-shape[dim], shape[dim] - 1))}


TRIANGLES, DIAGONALS = (
    st.builds(lambda s, k: ([values(s, 9)], {"diagonal": k}), shapes(low, high), st.integers(-4, 4))
    for low, high in ((2, 4), (1, 2))
)
PLACES = st.sampled_from(
    [
        ([values((2, 3), 11)], {"index": (slice(1, 3), slice(None, None, -1)), "shape": (4, 3), "value": 2.5}),
        ([values((2, 1), 11)], {"index": (1, slice(0, 5, 3), None), "shape": (2, 5)}),
        ([values((0, 3), 11)], {"index": (slice(2, 2),), "shape": (4, 3)}),
        ([values((2, 3), 11)], {"index": (), "shape": (2, 3), "value": 7.0}),
        ([values((), 11)], {"index": (1, -1), "shape": (2, 3)}),
    ]
)
NOT_EMPTY = with_dims(dim=one_dim).filter(lambda case: case[0][0].shape[case[1]["dim"]])
SPECS = {
    "concatenate": Spec(lambda *xs, dim: mg.cat(xs, dim), parts("cat"), lambda torch, *xs, dim: torch.cat(xs, dim)),
    "pile": Spec(lambda *xs, dim: mg.stack(xs, dim), parts("stack"), lambda torch, *xs, dim: torch.stack(xs, dim)),
    "place": Spec(slices.place, PLACES),
    "narrow": Spec(mg.narrow, narrowed(), lambda torch, x, **o: torch.narrow(x, **o)),
    "select": Spec(mg.select, selected(), lambda torch, x, **o: torch.select(x, **o)),
    "flip": Spec(
        mg.flip,
        with_dims(dims=some_dims),
        lambda torch, x, dims: torch.flip(x, [dims] if isinstance(dims, int) else dims),
    ),
    "split": Spec(mg.split, cut(), lambda torch, x, **o: torch.split(x, **o)),
    "chunk": Spec(
        mg.chunk,
        with_dims(chunks=lambda s: st.integers(1, 7), dim=one_dim),
        lambda torch, x, **o: torch.chunk(x, **o),
    ),
    "unbind": Spec(mg.unbind, NOT_EMPTY, lambda torch, x, dim: torch.unbind(x, dim)),
    "roll": Spec(mg.roll, rolled(), lambda torch, x, **o: torch.roll(x, **o)),
    "diag": Spec(mg.diag, DIAGONALS, lambda torch, x, diagonal: torch.diag(x, diagonal)),
    "tril": Spec(mg.tril, TRIANGLES, lambda torch, x, diagonal: torch.tril(x, diagonal)),
    "triu": Spec(mg.triu, TRIANGLES, lambda torch, x, diagonal: torch.triu(x, diagonal)),
}
