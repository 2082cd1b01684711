"""Running sums, products and norms of rows in NumPy: x is (rows, n); accumulators are float64, rounded once."""

import numpy as np


def cumsum(x, out, *, reverse=False):
    """out[r, i] = x[r, 0] + ... + x[r, i], added one after the other; from the last element down if reverse."""
    way = slice(None, None, -1 if reverse else 1)
    out[:, way] = np.cumsum(x[:, way], axis=1, dtype=np.float64)


def prod(x, out):
    """out[r] = Πᵢ x[r, i]; 1 of nothing."""
    out[...] = x.prod(1, dtype=np.float64).reshape(out.shape)


def prod_grad(g, x, out):
    """out[r, i] = g[r] Πₖ x[r, k] over k ≠ i, computed without a division, because x[r, i] may be 0."""
    left, right = np.ones(x.shape), np.ones(x.shape)
    np.cumprod(x[:, :-1], axis=1, dtype=np.float64, out=left[:, 1:])
    np.cumprod(x[:, :0:-1], axis=1, dtype=np.float64, out=right[:, -2::-1])
    out[...] = g.reshape(-1, 1) * (left * right)


def norm(x, out):
    """out[r] = √Σᵢ x[r, i]², 0 of nothing; no overflow or underflow of the squares."""
    top = np.abs(x).max(1, keepdims=True, initial=0).astype(np.float64)
    top[(top == 0) | ~np.isfinite(top)] = 1
    scale = np.exp2(np.floor(np.log2(top)))
    out[...] = (np.sqrt(((x / scale) ** 2).sum(1)) * scale[:, 0]).reshape(out.shape)
