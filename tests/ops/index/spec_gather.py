"""Specs of ops/index/gather.py and getitem.py."""

import numpy as np
from hypothesis import strategies as st
from ops.shape.spec_views import one_dim
from ops.specs import Spec, shapes, values

import minigrad as mg
from minigrad.ops.index import gather


@st.composite
def integers(draw, shape, low, high):
    """An int64 array with numbers in [low, high)."""
    return np.random.default_rng(draw(st.integers(0, 999))).integers(low, max(high, low + 1), shape)


@st.composite
def slices(draw, n, steps):
    bound = st.one_of(st.none(), st.integers(-n - 1, n + 1))
    return slice(draw(bound), draw(bound), draw(st.sampled_from(steps)))


@st.composite
def indices(draw, kind, steps=(None, 1, 2)):
    """An array and an index of it: basic; with integer arrays that broadcast; or with one mask."""
    shape = draw(shapes(1, 4))
    common = draw(shapes(0, 2))
    mask = range(0)
    if kind == "mask":
        first = draw(st.integers(0, len(shape) - 1))
        mask = range(first, draw(st.integers(first + 1, len(shape))))
    items = []
    for d, n in enumerate(shape):
        if d in mask:
            if d == mask.start:
                sizes = tuple(shape[i] for i in mask)
                items.append(np.random.default_rng(draw(st.integers(0, 99))).random(sizes) < 0.5)
            continue
        choice = draw(st.sampled_from(["int", "slice", "all", "array", "array"]))
        if choice == "array" and kind == "arrays" and n:
            own = tuple(1 if draw(st.booleans()) else m for m in common[draw(st.integers(0, len(common))) :])
            items.append(draw(integers(own, -n, n)))
        elif choice == "int" and n:
            items.append(draw(st.integers(-n, n - 1)))
        else:
            items.append(slice(None) if choice == "all" else draw(slices(n, steps)))
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(items)))
        width = draw(st.integers(0, 2))
        if all(isinstance(item, slice) for item in items[at : at + width]):
            items[at : at + width] = [Ellipsis]
    while len(items) > 1 and isinstance(items[-1], slice) and draw(st.booleans()):
        items.pop()
    return [values(shape, draw(st.integers(0, 999)))], {"index": tuple(items) if len(items) != 1 else items[0]}


def theirs(torch, x, index):
    def own(item):
        return torch.tensor(item) if isinstance(item, np.ndarray) else item

    return x[tuple(map(own, index)) if isinstance(index, tuple) else own(index)]


@st.composite
def gathered(draw):
    """x, and an index with as many dimensions, nowhere larger but along dim."""
    shape = draw(shapes(1))
    dim = draw(one_dim(shape))
    own = [draw(st.integers(0, n)) for n in shape]
    own[dim] = draw(st.integers(0, 4)) if shape[dim] else 0
    return [values(shape, draw(st.integers(0, 999))), draw(integers(own, 0, shape[dim]))], {"dim": dim}


@st.composite
def scattered(draw):
    (x, index), options = draw(gathered())
    return [x, index, values(index.shape, draw(st.integers(0, 999)))], options


@st.composite
def along(draw):
    """take_along_dim: x and indices broadcast, but for dim."""
    full = draw(shapes(1))
    dim = draw(one_dim(full))
    shape, own = ([1 if draw(st.booleans()) and draw(st.booleans()) else n for n in full] for _ in range(2))
    own[dim] = draw(st.integers(0, 4)) if shape[dim] else 0
    return [values(shape, 1), draw(integers(own, 0, shape[dim]))], {"dim": dim}


@st.composite
def rows_by_index(draw, min_dims=0, max_dims=1):
    """x, a dimension, and an index of its slices."""
    shape = draw(shapes(1))
    dim = draw(st.integers(0, len(shape) - 1))
    own = draw(shapes(min_dims, max_dims)) if shape[dim] else (0,)
    return [values(shape, draw(st.integers(0, 999))), draw(integers(own, 0, shape[dim]))], {"dim": dim}


@st.composite
def masked(draw):
    (x, *_), _ = draw(along())
    mask = np.random.default_rng(draw(st.integers(0, 999))).random(x.shape[draw(st.integers(0, x.ndim)) :]) < 0.6
    return [x, np.asarray(mask)], {}


@st.composite
def padded(draw, mode):
    """x and a pad that the mode allows, for some of the last dimensions."""
    most = 3 if mode == "constant" else draw(st.integers(1, 2))
    shape = draw(shapes(1)) if mode == "constant" else tuple(max(n, 2) for n in draw(shapes(most + 1, most + 1)))
    reach = {"reflect": lambda n: n - 1, "circular": lambda n: n}.get(mode, lambda n: 3)
    pad = []
    for n in shape[::-1][: draw(st.integers(1, most)) if mode == "constant" else most]:
        low = -(n // 2) if mode == "constant" else 0
        pad += [draw(st.integers(low, reach(n))), draw(st.integers(low, reach(n)))]
    options = {"pad": pad, "mode": mode} | ({"value": 1.5} if mode == "constant" and draw(st.booleans()) else {})
    return [values(shape, draw(st.integers(0, 999)))], options


def add_at(x, index, src, *, dim):
    return gather.add_at(x, src, index, dim=dim, shape=x.shape)


@st.composite
def added(draw):
    (x, index), options = draw(rows_by_index(0, 2))
    d = options["dim"]
    return [x, index, values(x.shape[:d] + index.shape + x.shape[d + 1 :], 3)], options


SPECS = {
    "view": [
        Spec(lambda x, index: x[index], indices("basic"), theirs),
        Spec(lambda x, index: x[index], indices("basic", steps=(-1, -2, 3))),
    ],
    "getitem": [
        Spec(lambda x, index: x[index], indices("arrays"), theirs),
        Spec(lambda x, index: x[index], indices("mask"), theirs),
    ],
    "take": Spec(gather.take, rows_by_index(0, 2)),
    "add_at": Spec(add_at, added()),
    "index_select": Spec(
        lambda x, index, dim: mg.index_select(x, dim, index),
        rows_by_index(),
        lambda torch, x, index, dim: torch.index_select(x, dim, index),
    ),
    "gather": Spec(
        lambda x, index, dim: mg.gather(x, dim, index),
        gathered(),
        lambda torch, x, index, dim: torch.gather(x, dim, index),
    ),
    "scatter_add": Spec(
        lambda x, index, src, dim: mg.scatter_add(x, dim, index, src),
        scattered(),
        lambda torch, x, index, src, dim: torch.scatter_add(x, dim, index, src),
    ),
    "take_along_dim": Spec(
        mg.take_along_dim, along(), lambda torch, x, index, dim: torch.take_along_dim(x, index, dim)
    ),
    "masked_select": Spec(mg.masked_select, masked(), lambda torch, x, mask: torch.masked_select(x, mask)),
    "pad": [
        Spec(mg.pad, padded(mode), lambda torch, x, pad, **o: torch.nn.functional.pad(x, pad, **o))
        for mode in ("constant", "reflect", "replicate", "circular")
    ],
}
