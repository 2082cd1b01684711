"""Attention: means of values, weighted by the products of their keys with a query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import rng
from ...checks import finite, truth
from ...engine import Tensor
from ...errors import DTypeError, ShapeError
from ..elementwise.arithmetic import add, mul
from ..elementwise.where import where
from ..linalg.matmul import matmul
from ..reduce.softmax import softmax
from ..regularize.dropout import dropout
from ..shape.axes import check_real, given


def attention_weights(query: Tensor, key: Tensor, masks: Sequence[Any], causal: bool, scale: float | None) -> Tensor:
    """softmax(scale query keyᵀ + masks) (..., queries, keys): the weight of each key's value for each query.

    A mask has booleans, True where a query may use a key, or numbers that are added. causal: query i uses the keys 0 to
    i. scale None is 1/√width. A query that may use no key, by boolean masks, has weights 0.
    """
    factor = 1 / math.sqrt(query.array.shape[-1]) if scale is None else scale
    scores = matmul(mul(query, factor), key, tb=True)
    seen = np.tri(*scores.array.shape[-2:], dtype=np.bool_) if causal else None
    for mask in masks:
        m = mask if isinstance(mask, Tensor) else Tensor(np.asarray(mask))
        if m.array.dtype != bool:
            scores = add(scores, m)
        else:
            seen = m.array if seen is None else seen & m.array
    if seen is None:
        return softmax(scores)
    weights = softmax(where(seen, scores, -np.inf))
    some = seen.any(-1, keepdims=True)
    return weights if some.all() else where(some, weights, 0.0)


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """y = softmax(scale query keyᵀ + attn_mask) value: for each query a mean of the values.

    query is (..., queries, width), key (..., keys, width), value (..., keys, any); the dimensions before the last two
    are batches and broadcast. attn_mask broadcasts with (..., queries, keys): booleans, True where a query may use a
    key, or numbers that are added before the softmax. is_causal lets query i use the keys 0 to i only; it cannot be
    given beside a mask. scale None is 1/√width. dropout_p is the probability with which a weight is dropped, by the
    process's dropout streams; give 0 in evaluation. A query that may use no key gets 0. The rows of a batch do not
    influence each other.

    source    Vaswani et al. 2017, Attention is all you need, section 3.2.1

    ValueError for both a mask and is_causal, or a dropout_p outside [0, 1]; ShapeError for sizes that do not fit;
    DTypeError for integers, several dtypes, or a mask of integers.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> mg.scaled_dot_product_attention(x, x, mg.tensor([[1.0], [3.0]]), is_causal=True, scale=0.0)
    tensor([[1.],
            [2.]])
    """
    op = "scaled_dot_product_attention"
    q, k, v = given(query), given(key), given(value)
    p, causal = finite(dropout_p, f"{op}: dropout_p", 0.0, 1.0), truth(is_causal, f"{op}: is_causal")
    check_attention(op, q, k, v)
    if attn_mask is not None and causal:
        raise ValueError(f"{op}: got attn_mask and is_causal; need one: let the mask be False above its diagonal")
    check_mask(op, "attn_mask", attn_mask, (q.array.shape[-2], k.array.shape[-2]))
    weights = attention_weights(q, k, [] if attn_mask is None else [attn_mask], causal, scale)
    if p > 0:
        drawn, stream = rng.next_stream(rng.DROPOUT)
        weights = dropout(weights, p=p, key=drawn, stream=stream, scale=1 / (1 - p) if p < 1 else 0.0)
    return matmul(weights, v)


def check_attention(op: str, q: Tensor, k: Tensor, v: Tensor) -> None:
    """Raise unless query, key and value are floats of one dtype, with shapes that fit."""
    check_real(op, q, k, v)
    shapes = q.array.shape, k.array.shape, v.array.shape
    if min(map(len, shapes)) < 2 or shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise ShapeError(
            f"{op}: query is {shapes[0]}, key {shapes[1]}, value {shapes[2]}; need (..., queries, width), "
            "(..., keys, width) and (..., keys, any)"
        )
    if len({q.array.dtype, k.array.dtype, v.array.dtype}) > 1:
        raise DTypeError(f"{op}: query is {q.dtype}, key {k.dtype}, value {v.dtype}; need one dtype")


def check_mask(op: str, name: str, mask: Any, shape: tuple[int, int]) -> None:
    """Raise unless a mask holds booleans or floats and broadcasts with (..., queries, keys)."""
    if mask is None:
        return
    array = mask.array if isinstance(mask, Tensor) else np.asarray(mask)
    if array.dtype.kind not in "bf":
        raise DTypeError(f"{op}: {name} is {array.dtype}; need booleans, or floats to be added: cast it with to(bool)")
    if any(n not in (1, wanted) for n, wanted in zip(array.shape[::-1], shape[::-1])):
        raise ShapeError(f"{op}: {name} is {array.shape}; need (..., {shape[0]}, {shape[1]}): queries, keys")
