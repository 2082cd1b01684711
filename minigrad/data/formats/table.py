"""A table: rows of numbers, the target of each, and their names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class _Columns(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    names: list[str]
    target: str


class Table(_Columns):
    """x (n, p) with the names of its columns, y (n,) with its name; it unpacks into these four.

    x           float64, or the dtype that was asked for
    y           float64, or str where the target is categorical
    groups      (n,) str, what the column of groups said; None without one
    weights     (n,) float64, at least 0; None without a column of weights
    notes       what was left out of the file or taken as something, in words
    """

    groups: np.ndarray | None = None
    weights: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def beside(self, **values: Any) -> Table:
        """This table with groups, weights or notes."""
        self.__dict__.update(values)
        return self

    def _replace(self, **values: Any) -> Table:
        return Table(*super()._replace(**values)).beside(**vars(self))
