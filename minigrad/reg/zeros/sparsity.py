"""sparsity: how many exact zeros a model has, and how many of its rows, columns, filters, gates and so on are empty."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ...insight.aligned import as_table
from ...nn.cells import Weights
from ...nn.conv import Convolutional
from ...nn.embedding import Embedding, EmbeddingBag
from ...nn.module import Module
from ..weights.group_layout import layout, owner

HEAD = ("parameter", "shape", "zeros", "share", "empty rows", "empty columns")
BY_LAYER = "empty by layer"
NONE: Mapping[str, tuple[int, int]] = MappingProxyType({})
# The words of group_layout.py that say more of a weight than rows and columns do, and how they are printed.
WORDS: dict[type, dict[str, str]] = {
    Convolutional: {"filters": "filters", "channels": "channels", "kernels": "kernels"},
    Weights: {"gates": "gates", "units": "units"},
    Embedding: {"rows": "entries", "columns": "columns"},
    EmbeddingBag: {"rows": "entries", "columns": "columns"},
}


class Zeros(NamedTuple):
    """The zeros of one parameter; rows are slices of its first axis, columns of its last one. Vectors have neither.

    groups has what its layer has beside: (empty ones, all) by name: filters, channels and kernels of a convolution,
    gates and units of a recurrent layer, entries and columns of an embedding.
    """

    name: str
    shape: tuple[int, ...]
    zeros: int
    size: int
    rows: int
    columns: int
    groups: Mapping[str, tuple[int, int]] = NONE

    @property
    def shares(self) -> tuple[float, float, float]:
        """The shares of zeros, of empty rows and of empty columns."""
        m, n = (self.shape[0], self.shape[-1]) if len(self.shape) > 1 else (1, 1)
        return self.zeros / max(self.size, 1), self.rows / max(m, 1), self.columns / max(n, 1)


class Sparsity(tuple[Zeros, ...]):
    """What `sparsity` returns: one Zeros per parameter; it prints as a table."""

    @property
    def zeros(self) -> int:
        """Exact zeros in all parameters."""
        return sum(entry.zeros for entry in self)

    @property
    def size(self) -> int:
        """Numbers in all parameters."""
        return sum(entry.size for entry in self)

    @property
    def share(self) -> float:
        """The part of all parameters that is exactly zero."""
        return self.zeros / self.size if self.size else 0.0

    def _repr_html_(self) -> str:
        """What a notebook shows: the same table."""
        head, *rows = self._rows()
        return as_table(rows, head)

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
        return "\n".join(lines)

    def _rows(self) -> list[tuple[str, ...]]:
        """The table's rows, its head first."""
        told = any(entry.groups for entry in self)
        rows: list[tuple[str, ...]] = [(*HEAD, BY_LAYER) if told else HEAD]
        for entry in self:
            share = f"{entry.shares[0]:.1%}"
            empty = f"{entry.rows}/{entry.shape[0]}", f"{entry.columns}/{entry.shape[-1]}"
            matrix = len(entry.shape) > 1 and not entry.groups
            groups = ", ".join(f"{word} {empty}/{count}" for word, (empty, count) in entry.groups.items())
            row = (entry.name, str(entry.shape), str(entry.zeros), share, *(empty if matrix else ("", "")))
            rows.append((*row, groups) if told else row)
        rows.append(("all", "", str(self.zeros), f"{self.share:.1%}", *[""] * (2 + told)))
        return rows


def sparsity(model: Module) -> Sparsity:
    """Count the exact zeros of every parameter, and what is empty as a whole.

    TypeError for what is no Module.

    >>> import minigrad as mg
    >>> sparsity(mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.Linear(2, 1, init="zeros")))
    parameter   shape  zeros   share  empty rows  empty columns
    0.weight   (3, 2)      0    0.0%         0/3            0/2
    0.bias       (2,)      2  100.0%
    1.weight   (2, 1)      2  100.0%         2/2            1/1
    1.bias       (1,)      1  100.0%
    all                    5   45.5%
    >>> sparsity(mg.nn.Conv2d(3, 2, 5, init="zeros", bias=False))[0].groups
    {'filters': (2, 2), 'channels': (3, 3), 'kernels': (6, 6)}
    """
    if not isinstance(model, Module):
        raise TypeError(f"sparsity: the model is a {type(model).__name__}; need an nn.Module")
    return Sparsity(_zeros(name, w.array, owner(model, w)) for name, w in model.named_parameters())


def _zeros(name: str, w: np.ndarray, layer: Module | None) -> Zeros:
    empty = w == 0
    rows = columns = 0
    groups: dict[str, tuple[int, int]] = {}
    if w.ndim > 1:
        rows = int(empty.reshape(len(w), -1).all(1).sum())
        columns = int(empty.reshape(-1, w.shape[-1]).all(0).sum())
        for kind, words in WORDS.items():
            if isinstance(layer, kind):
                found = {word: layout(groups, w.shape, layer) for groups, word in words.items()}
                groups = {word: (each.empty(w), each.count) for word, each in found.items()}
    return Zeros(name, w.shape, int(empty.sum()), w.size, rows, columns, groups)
