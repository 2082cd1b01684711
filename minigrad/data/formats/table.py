"""A table: rows of numbers, the target of each, and their names; it reads other files as it was read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .recipe import Recipe


class _Columns(NamedTuple):
    x: np.ndarray
    y: Any
    names: list[str]
    target: str


class Table(_Columns):
    """x (n, p) with the names of its columns, y (n,) with its name; it unpacks into these four.

    x           float64, or the dtype that was asked for
    y           float64, or str where the target is categorical; None where a file that was read later has no target
    index       (n,) str, the names of the rows, and index_name their column's; None without one
    groups      (n,) str, what the column of groups said; None without one
    weights     (n,) float64, at least 0; None without a column of weights
    offset      (n,) float64, a known part of the output of each row; None without a column of them
    notes       what was left out of the file or taken as something, in words
    recipe      how the file was read: recipe.to_dict() is plain JSON; None for a table that was made by hand

    read raises ValueError for a table that was read from no file.

    >>> table = Table(np.array([[60.0], [99.0]]), np.array([50.0, 97.0]), ["size"], "price")
    >>> x, y, names, target = table
    >>> x.shape, names, target
    ((2, 1), ['size'], 'price')
    """

    index: np.ndarray | None = None  # type: ignore[assignment]  # in place of tuple.index, which finds a value
    index_name: str = ""
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    recipe: Recipe | None = None

    def beside(self, **values: Any) -> Table:
        """This table with an index, groups, weights, an offset, notes or a recipe."""
        self.__dict__.update(values)
        return self

    def read(self, path: str | os.PathLike[str], **options: Any) -> Table:
        """Another file, read as this one was: Recipe.read has the options. ValueError for a table made by hand.

        >>> import pathlib, tempfile
        >>> from minigrad.data import read_csv
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     old, new = pathlib.Path(folder, "old.csv"), pathlib.Path(folder, "new.csv")
        ...     _ = old.write_text("size,town,price\\n1.5,Aa,10\\n2,Bb,20\\n")
        ...     _ = new.write_text("town,size\\nBb,3\\n")
        ...     table = read_csv(old, categorical=["town"]).read(new)
        >>> table.names, table.x.tolist(), table.y
        (['size', 'town=Aa', 'town=Bb'], [[3.0, 0.0, 1.0]], None)
        """
        if self.recipe is None:
            raise ValueError(
                "Table.read: this table was read from no file; need one of read_csv, which says how to read"
            )
        return self.recipe.read(path, **options)

    def _replace(self, **values: Any) -> Table:
        return Table(*super()._replace(**values)).beside(**vars(self))
