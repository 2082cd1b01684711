"""Products with a sparse matrix by its columns, in NumPy.

A matrix (rows, n) is three arrays: column j has the entries first[j] <= e < first[j + 1], and entry e is the number
x[e] in row row[e]. first and row are int64; within a column the rows rise; all other numbers are 0.
"""

import numpy as np


def sparse_dots(first, row, x, v, out):
    """out[j] = Σ x[e] v[row[e]] over the entries of column j. v (rows,), out (n,); an empty column gives 0.

    Native kernels sum a column in four chains of fused multiply-adds: entry e belongs to chain (e - first[j]) % 4, and
    the result is (chain 0 + chain 1) + (chain 2 + chain 3).
    """
    out[:] = 0
    full = np.flatnonzero(np.diff(first))
    if full.size:
        out[full] = np.add.reduceat(x * v[row], first[full])


def sparse_sum(first, row, x, v, out):
    """out[row[e]] += x[e] v[j] over the entries of column j, for j rising, where v[j] is not 0. v (n,), out (rows,)."""
    for j in np.flatnonzero(v):
        entries = slice(first[j], first[j + 1])
        out[row[entries]] += x[entries] * v[j]


def sparse_gram(first, row, x, v, out):
    """out = Xᵀ diag(v) X, (n, n), symmetric. v (rows,).

    For j <= k, native kernels sum x[e] (v[i] X[i, k]), i = row[e], over the entries e of column j, in four chains as in
    sparse_dots.
    """
    column = np.zeros(len(v), x.dtype)
    for k in range(len(out)):
        mine = slice(first[k], first[k + 1])
        column[row[mine]] = v[row[mine]] * x[mine]
        sparse_dots(first[: k + 2], row[: first[k + 1]], x[: first[k + 1]], column, out[k, : k + 1])
        out[: k + 1, k] = out[k, : k + 1]
        column[row[mine]] = 0
