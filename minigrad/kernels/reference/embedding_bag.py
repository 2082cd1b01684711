"""Bags of rows of a table in NumPy: their sums, means and maxima, and the gradients.

index (int64) holds numbers of rows of a table, each in [0, rows). Bag b has the entries of index from offsets[b] up to
the first of the next bag; without offsets each entry is a bag. An entry whose index is `skip` is left out.
"""

import numpy as np

from .gather import check_indices

BAG_SUM, BAG_MEAN, BAG_MAX = 0, 1, 2


def _bags(kernel, index, offsets, entries, count):
    """(bag, its entries) of each bag."""
    check_indices(kernel, "index", index, entries)
    if offsets is None:
        return [(b, slice(b, b + 1)) for b in range(count)]
    check_indices(kernel, "offset", offsets, index.size + 1)
    ends = [*offsets.tolist(), index.size][1:]
    if offsets.size and (offsets[0] != 0 or (np.diff(offsets) < 0).any()):
        raise ValueError(f"{kernel}: offsets {offsets.tolist()!r:.60}; need them to rise from 0")
    return [(b, slice(start, end)) for b, (start, end) in enumerate(zip(offsets.tolist(), ends))]


def embedding_bag(weight, index, out, *, mode=0, offsets=None, scale=None, largest=None, skip=-1):
    """out[b] = the sum of weight[index[i]] scale[i] over bag b, or the mean (mode 1) or maximum (2); 0 if b is empty.

    largest (bags, width) is written for a maximum: the row of weight that each number of out is from, -1 in an empty
    bag. scale may be given for sums only.
    """
    for b, part in _bags("embedding_bag", index, offsets, len(weight), len(out)):
        kept = np.arange(part.start, part.stop)[index[part] != skip]
        rows = weight[index[kept]].astype(np.float64)
        if mode == BAG_MAX:
            if not kept.size:
                out[b], largest[b] = 0, -1
                continue
            nan = np.isnan(rows).any(0)
            first = np.where(nan, np.isnan(rows).argmax(0), np.where(np.isnan(rows), -np.inf, rows).argmax(0))
            largest[b] = index[kept][first]
            out[b] = rows[first, np.arange(rows.shape[1])]
        else:
            total = (rows if scale is None else rows * scale[kept, None]).sum(0)
            out[b] = total / max(1, kept.size) if mode == BAG_MEAN else total


def embedding_bag_grad(g, index, out, *, mode=0, offsets=None, scale=None, largest=None, skip=-1):
    """out = 0; then out[index[i]] += g[b] scale[i] for each entry i of each bag b in order; g[b] / entries for a mean.

    For a maximum out[largest[b, j], j] += g[b, j], except where largest is -1.
    """
    out[...] = 0
    for b, part in _bags("embedding_bag_grad", index, offsets, len(out), len(g)):
        if mode == BAG_MAX:
            columns = np.flatnonzero(largest[b] >= 0)
            out[largest[b, columns], columns] += g[b, columns]
            continue
        kept = np.arange(part.start, part.stop)[index[part] != skip]
        for i in kept:
            factor = 1 if scale is None else scale[i]
            out[index[i]] += g[b] / g.dtype.type(kept.size) if mode == BAG_MEAN else g[b] * factor


def embedding_bag_dots(g, weight, index, out, *, offsets=None, skip=-1):
    """out[i] = Σ g[b] weight[index[i]] for each entry i of each bag b: the gradient of scale."""
    out[...] = 0
    for b, part in _bags("embedding_bag_dots", index, offsets, len(weight), len(g)):
        kept = np.arange(part.start, part.stop)[index[part] != skip]
        out[kept] = (weight[index[kept]].astype(np.float64) * g[b]).sum(1)
