"""Folds: which rows train and which test, drawn from a seed; and the seed of each fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import whole
from ..errors import ShapeError
from ..rng import SEEDS, SPLIT, permutation, stream

Pair = tuple[np.ndarray, np.ndarray]
# Call numbers of the purpose SPLIT from here on; data.split has 0.
REPEATS, FITS, NESTED, STARTS, HALVES = 1, 1 << 40, 1 << 41, 1 << 42, 1 << 43


class KFold:
    """k folds of the rows, each the test part once; `repeats` times, in another order. A function of (n, k, seed, y).

    stratified=True deals out the rows of each class of y in turn, so that every fold has its share of every class,
    as nearly as whole rows allow. Fold sizes differ by at most one row. It is a splitter for scikit-learn, too. Rows of
    one group, where split is given groups, stay in one fold: the largest groups are dealt out first, each to the fold
    with the fewest rows, and classes then are not.

    ValueError for fewer rows, or groups, than folds, and for stratified folds of a y that holds no classes; ShapeError
    for a y of another length.

    >>> for train, test in KFold(3, seed=1).split(np.zeros(7)):
    ...     print(sorted([*train, *test]) == list(range(7)), len(test))
    True 3
    True 2
    True 2
    """

    def __init__(self, k: int = 5, *, repeats: int = 1, stratified: bool = False, seed: int = 0) -> None:
        self.k, self.repeats = whole(k, "KFold: k", 2), whole(repeats, "KFold: repeats", 1)
        self.stratified, self.seed = bool(stratified), whole(seed, "KFold: seed", 0, SEEDS)

    def get_n_splits(self, x: Any = None, y: Any = None, groups: Any = None) -> int:
        """k · repeats."""
        return self.k * self.repeats

    def split(self, x: Any, y: Any = None, groups: Any = None) -> Iterator[Pair]:
        """(training rows, test rows) of every fold, sorted int64 indices. y is needed where stratified."""
        n = len(x)
        if n < self.k:
            raise ValueError(f"KFold: {n} rows do not fill {self.k} folds")
        if groups is not None:
            yield from self._of_groups(as_groups(groups, n))
            return
        classes = np.zeros(n, np.int64)
        if self.stratified:
            if y is None or np.shape(y) != (n,):
                raise ShapeError(f"KFold: stratified folds need y, one class for each of {n} rows")
            y = np.asarray(y)
            if y.dtype.kind == "f" and (y != np.floor(y)).any():
                raise ValueError(f"KFold: stratified folds need classes, and y holds numbers, such as {y[0]:.6g}")
            classes = np.unique(y, return_inverse=True)[1]
        for repeat in range(self.repeats):
            order = permutation(n, self.seed, stream(SPLIT, REPEATS + repeat))
            dealt = order[np.argsort(classes[order], kind="stable")]  # class after class, each in random order
            fold = np.empty(n, np.int64)
            fold[dealt] = np.arange(n) % self.k
            for i in range(self.k):
                yield np.flatnonzero(fold != i), np.flatnonzero(fold == i)

    def _of_groups(self, groups: np.ndarray) -> Iterator[Pair]:
        """The folds of rows in groups 0, 1, ..."""
        sizes = np.bincount(groups)
        if len(sizes) < self.k:
            raise ValueError(f"KFold: {len(sizes)} groups do not fill {self.k} folds")
        for repeat in range(self.repeats):
            order = permutation(len(sizes), self.seed, stream(SPLIT, REPEATS + repeat))
            filled, fold = [0] * self.k, np.empty(len(sizes), np.int64)
            for group in order[np.argsort(-sizes[order], kind="stable")].tolist():
                fold[group] = filled.index(min(filled))
                filled[fold[group]] += int(sizes[group])
            for i in range(self.k):
                yield np.flatnonzero(fold[groups] != i), np.flatnonzero(fold[groups] == i)

    def __repr__(self) -> str:
        return f"KFold({self.k}, repeats={self.repeats}, stratified={self.stratified}, seed={self.seed})"


def as_groups(groups: Any, n: int) -> np.ndarray:
    """The groups of n rows, numbers or words, as 0, 1, ... in sorted order.

    >>> as_groups(["b", "a", "b"], 3).tolist()
    [1, 0, 1]
    """
    names = np.asarray(groups)
    if names.shape != (n,):
        raise ShapeError(f"groups are {names.shape}; need one for each of {n} rows")
    gaps = [i for i, name in enumerate(names.tolist()) if name is None or name != name]
    if gaps:
        raise ValueError(f"groups: row {gaps[0]} is {names[gaps[0]]}; every row needs a group")
    return np.unique(names, return_inverse=True)[1]


def as_folds(folds: Any, x: Any, y: Any, stratified: bool, seed: int, groups: Any = None) -> list[Pair]:
    """The checked folds of a number, of a splitter (KFold, or one of scikit-learn), or of pairs (train, test).

    With groups, one for each row, no group may be in both parts of a fold.
    """
    if hasattr(folds, "__index__") and not isinstance(folds, bool):
        folds = KFold(folds, stratified=stratified and groups is None, seed=seed)
    members = None if groups is None else as_groups(groups, len(x))
    found = []
    for i, pair in enumerate(_pairs(folds, x, y, groups)):
        try:
            train, test = (np.asarray(rows) for rows in pair)
        except (TypeError, ValueError):
            raise TypeError(f"folds: fold {i} is {pair!r:.60}; need a pair (training rows, test rows)") from None
        train, test = _rows(train, f"folds: fold {i}, training", len(x)), _rows(test, f"folds: fold {i}, test", len(x))
        if np.intersect1d(train, test).size:
            raise ValueError(f"folds: fold {i} trains and tests on row {np.intersect1d(train, test)[0]}")
        if members is not None and np.intersect1d(members[train], members[test]).size:
            row = test[np.isin(members[test], members[train])][0]
            raise ValueError(f"folds: fold {i} trains and tests on rows of group {np.asarray(groups)[row]!s}")
        found.append((train, test))
    if len(found) < 2:
        raise ValueError(f"folds: there are {len(found)}; need at least 2")
    return found


def _pairs(folds: Any, x: Any, y: Any, groups: Any = None) -> list[Any]:
    """What a splitter or an iterable gives."""
    if isinstance(folds, (str, bytes, bool, float)) or not (hasattr(folds, "split") or isinstance(folds, Iterable)):
        raise TypeError(
            f"folds is {folds!r:.60}; need a whole number, a splitter such as selection.KFold(5), or pairs (training "
            "rows, test rows)"
        )
    try:
        if not hasattr(folds, "split"):
            return list(folds)
        return list(folds.split(x, y) if groups is None else folds.split(x, y, groups))
    except (TypeError, ValueError) as error:
        if groups is not None or "group" not in str(error):
            raise
        kind = type(folds).__name__
        raise ValueError(
            f"folds: {kind} needs groups; pass groups=, one for each row, or its pairs, "
            f"folds=list({kind}(...).split(x, y, groups)) ({error})"
        ) from None


def _rows(index: np.ndarray, name: str, n: int) -> np.ndarray:
    if index.ndim != 1 or index.size == 0 or index.dtype.kind not in "iu":
        raise ValueError(f"{name} rows are {index.dtype} {index.shape}; need at least one row number")
    bad = index[(index < 0) | (index >= n)]
    if bad.size:
        raise IndexError(f"{name} rows: {bad[0]} is not one of {n} rows")
    return index.astype(np.int64, copy=False)


def repeats_of(folds: list[Pair], n: int) -> int:
    """How often the row that is tested most is tested: the repeats of repeated K-fold, 1 for K-fold."""
    return int(np.bincount(np.concatenate([test for _, test in folds]), minlength=n).max())


def fit_seed(seed: int, fold: int, index: int) -> int:
    """The seed of the fit of λ number `index` in a fold: 64 bits that depend on nothing else."""
    return _bits(seed, FITS + fold, index)


def nested_seed(seed: int, fold: int) -> int:
    """The seed of the folds inside an outer fold."""
    return _bits(seed, NESTED + fold, 0)


def start_seed(seed: int, fold: int) -> int:
    """The seed of what a family draws once per fold, whatever λ: the rows that tell a network when to stop."""
    return _bits(seed, STARTS + fold, 0)


def _bits(seed: int, call: int, offset: int) -> int:
    out = np.empty(1, np.uint64)
    K.random_bits(out, key=seed, stream=stream(SPLIT, call), offset=offset)
    return int(out[0])
