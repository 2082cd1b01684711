"""Specs of ops/layers/embedding.py."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, shapes, values

import minigrad as mg
from minigrad.ops.layers import embedding

MODES = ["sum", "mean", "max"]


def entries(n, shape, seed):
    return np.random.default_rng(seed).integers(0, n, shape)


@st.composite
def rows(draw, padding=False):
    """Numbers of rows, and a table; a row of padding, or none."""
    n, seed = draw(st.integers(1, 5)), draw(st.integers(0, 99))
    row = draw(st.integers(-n, n - 1)) if padding else None
    return [entries(n, draw(shapes(0, 2)), seed), values((n, 3), seed)], {"padding_idx": row}


def their_embedding(torch, index, weight, padding_idx):
    return torch.nn.functional.embedding(index, weight, padding_idx)


@st.composite
def bagged(draw, factors=False):
    """A table, numbers of rows in bags (some empty), where the bags begin, and factors."""
    rows, n, bags = draw(st.integers(1, 5)), draw(st.integers(0, 7)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 99))
    offsets = np.sort(np.random.default_rng(seed).integers(0, n + 1, bags))
    offsets[0] = 0
    arrays = [values((rows, draw(st.integers(1, 3))), seed)] + ([values((n,), seed + 1)] if factors else [])
    mode = "sum" if factors else draw(st.sampled_from(MODES))
    padding = draw(st.one_of(st.none(), st.integers(0, rows - 1)))
    return arrays, {"input": entries(rows, n, seed), "offsets": offsets, "mode": mode, "padding_idx": padding}


def embedding_bag(weight, scale=None, *, input, offsets, **options):
    return mg.embedding_bag(input, weight, offsets, per_sample_weights=scale, **options)


def their_embedding_bag(torch, weight, scale=None, *, input, offsets, **options):
    input, offsets = torch.tensor(input), torch.tensor(offsets)
    return torch.nn.functional.embedding_bag(input, weight, offsets, per_sample_weights=scale, **options)


@st.composite
def below(draw, kind):
    """The arguments of an op behind the functions."""
    arrays, options = draw(bagged(factors=kind == "dots" or draw(st.booleans())))
    weight, index, offsets = arrays[0], options["input"], options["offsets"]
    g = values((len(offsets), weight.shape[1]), 5)
    made = {
        "index": index,
        "offsets": offsets,
        "skip": -1 if options["padding_idx"] is None else options["padding_idx"],
    }
    if kind == "dots":
        return [g, weight], made
    made["mode"] = embedding.MODES[options["mode"]]
    if kind == "bags":
        return arrays, made
    largest = None
    if options["mode"] == "max":
        largest = embedding.bags(mg.tensor(weight), **made).saved
    return [g, *arrays[1:]], {**made, "entries": len(weight), "largest": largest}


SPECS = {
    "embedding": [
        Spec(mg.embedding, rows(), their_embedding),
        Spec(mg.embedding, rows(True), their_embedding, order=0),  # the row of padding has no gradient: by definition
    ],
    "rows_of_table": Spec(
        lambda weight, index: embedding.rows_of_table(weight, index=index.reshape(-1)),
        rows().map(lambda case: ([case[0][1]], {"index": case[0][0]})),
    ),
    "embedding_bag": [
        Spec(embedding_bag, bagged(), their_embedding_bag),
        Spec(embedding_bag, bagged(True), their_embedding_bag),
    ],
    "bags": Spec(embedding.bags, below("bags")),
    "bags_grad": Spec(embedding.bags_grad, below("grad")),
    "bag_dots": Spec(embedding.bag_dots, below("dots")),
}
