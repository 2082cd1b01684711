"""Specs of ops/layers/attention.py."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, values

import minigrad as mg


@st.composite
def attended(draw, masked):
    """query, key, value with batches, and a mask of booleans (some queries see nothing) or of numbers, or none."""
    batch = tuple(draw(st.lists(st.integers(1, 2), max_size=2)))
    queries, keys, width, out = (draw(st.integers(1, 4)) for _ in range(4))
    seed = draw(st.integers(0, 99))
    shapes = (*batch, queries, width), (*batch, keys, width), (*batch, keys, out)
    arrays = [values(shape, seed + i) for i, shape in enumerate(shapes)]
    options = {"scale": draw(st.sampled_from([None, 0.7]))}
    if not masked:
        return arrays, {**options, "is_causal": draw(st.booleans())}
    if draw(st.booleans()):
        return arrays, {**options, "attn_mask": np.random.default_rng(seed).random((queries, keys)) < 0.6}
    return [*arrays, values((queries, keys), seed + 3)], options


def ours(q, k, v, attn_mask=None, **options):
    return mg.scaled_dot_product_attention(q, k, v, attn_mask, **options)


def theirs(torch, q, k, v, attn_mask=None, **options):
    mask = torch.tensor(attn_mask) if isinstance(attn_mask, np.ndarray) else attn_mask
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, **options)


SPECS = {
    "scaled_dot_product_attention": [Spec(ours, attended(masked), theirs) for masked in (False, True)],
}
