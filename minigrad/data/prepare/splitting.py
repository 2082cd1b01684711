"""Training and test rows: disjoint, drawn from a seed, in the proportions of the classes if asked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...checks import finite, whole
from ...errors import ShapeError
from ...rng import SEEDS, SPLIT, permutation, stream
from ..dataset import Dataset, pair, take_rows


class Split(NamedTuple):
    """Two data sets that share no row. It unpacks: `train, test = split(x, y)`.

    >>> train, test = Split(Dataset(np.zeros((3, 2)), np.arange(3)), Dataset(np.zeros((1, 2)), np.arange(1)))
    >>> len(train.x), len(test.x)
    (3, 1)
    """

    train: Dataset
    test: Dataset


def split(x: Any, y: Any, test: float = 0.2, seed: int = 0, stratify: Any = None) -> Split:
    """Training and test rows, disjoint, each in random order: a function of (number of rows, test, seed, stratify).

    test is a share in (0, 1), rounded to whole rows, or a number of rows. stratify, usually y, holds n labels: every
    class is then shared out in the same proportion, as nearly as whole rows allow (largest remainders first).
    ValueError if a part would be empty.

    >>> y = np.repeat([0, 1], 5)
    >>> train, test = split(np.zeros((10, 3)), y, test=0.4, stratify=y)
    >>> train.x.shape, sorted(test.y.tolist())
    ((6, 3), [0, 0, 1, 1])
    """
    x, y = pair(x, y)
    n = len(x)
    is_share = isinstance(test, (float, np.floating))
    rows = round(finite(test, "split: test", 0, 1) * n) if is_share else whole(test, "split: test", 0)
    if not 0 < rows < n:
        raise ValueError(f"split: test={test} puts {rows} of {n} rows into the test part; need 1 to {n - 1}")
    groups = np.zeros(n, np.int64) if stratify is None else np.unique(_labels(stratify, n), return_inverse=True)[1]
    order = permutation(n, whole(seed, "split: seed", 0, SEEDS), stream(SPLIT, 0))
    chosen = np.zeros(n, bool)
    for group, share in enumerate(_shares(np.bincount(groups), rows)):
        chosen[order[groups[order] == group][:share]] = True
    train, held_out = order[~chosen[order]], order[chosen[order]]
    return Split(*(Dataset(take_rows(x, part), take_rows(y, part)) for part in (train, held_out)))


def subsample(x: Any, y: Any, rows: float, seed: int = 0, stratify: Any = None) -> Dataset:
    """A random part of the rows: `rows` is a share in (0, 1) or a number of rows; arguments and streams as in split.

    >>> subsample(np.zeros((10, 3)), np.repeat([0, 1], 5), 4, stratify=np.repeat([0, 1], 5)).y.tolist()
    [1, 1, 0, 0]
    """
    return split(x, y, rows, seed, stratify).test


def _labels(stratify: Any, n: int) -> np.ndarray:
    labels = np.asarray(stratify)
    if labels.shape != (n,):
        raise ShapeError(f"split: stratify is {labels.shape}; need one label per row, shape ({n},)")
    return labels


def _shares(sizes: np.ndarray, rows: int) -> np.ndarray:
    """rows shared out in proportion to sizes, in whole numbers: floors, then one more for the largest remainders."""
    shares, remainders = np.divmod(sizes * rows, sizes.sum())
    shares[np.argsort(-remainders, kind="stable")[: rows - shares.sum()]] += 1
    return shares
