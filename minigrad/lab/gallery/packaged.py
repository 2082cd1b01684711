"""Data sets of numbers to predict, read from the files of installed packages without importing these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .paper import shipped_file, table

FARAWAY, ISLP = "faraway/datasets/{0}/{0}.csv.bz2", "ISLP/data/{0}.csv"


class Packaged(NamedTuple):
    """Where a data set lies, what is to be predicted, and the columns that say it already, or name a row."""

    package: str
    target: str
    dropped: tuple[str, ...] = ()

    def path(self, name: str) -> str:
        return (FARAWAY if self.package == "faraway" else ISLP).format(name)


SETS = {
    "chredlin": Packaged("faraway", "involact", ("zip",)),
    "divusa": Packaged("faraway", "divorce"),
    "fat": Packaged("faraway", "brozek", ("siri", "density", "free")),
    "galapagos": Packaged("faraway", "Species"),
    "globwarm": Packaged("faraway", "nhtemp"),
    "hsb": Packaged("faraway", "science", ("id",)),
    "infmort": Packaged("faraway", "mortality", ("country",)),
    "mba": Packaged("faraway", "happy"),
    "meatspec": Packaged("faraway", "fat"),
    "ozone": Packaged("faraway", "O3"),
    "prostate": Packaged("faraway", "lpsa"),
    "sat": Packaged("faraway", "total", ("verbal", "math")),
    "savings": Packaged("faraway", "sr"),
    "seatpos": Packaged("faraway", "hipcenter"),
    "statedata": Packaged("faraway", "LifeExp", ("State",)),
    "swiss": Packaged("faraway", "Fertility"),
    "teengamb": Packaged("faraway", "gamble"),
    "uswages": Packaged("faraway", "wage"),
    "Auto": Packaged("ISLP", "mpg", ("name",)),
    "Boston": Packaged("ISLP", "medv"),
    "Carseats": Packaged("ISLP", "Sales"),
    "College": Packaged("ISLP", "Apps", ("Accept", "Enroll")),
    "Credit": Packaged("ISLP", "Balance", ("ID",)),
    "Hitters": Packaged("ISLP", "Salary"),
    "Wage": Packaged("ISLP", "wage", ("logwage",)),
}


def load(name: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Inputs (m, p), the target (m,) and the names of the inputs, of a data set of SETS.

    Rows with a gap are left out, and so is a first column of row names without a name. A column of words becomes a
    column of 0 and 1 for each word but the first in sorted order. ImportError without the package of the data.
    """
    asked = SETS[name]
    heads, rows = table(shipped_file(asked.package, asked.path(name)))
    heads = ["", *heads] if len(rows[0]) > len(heads) else heads  # R leaves the column of row names without a head
    rows = [row for row in rows if not {"", "NA", "?"} & set(row)]
    columns: list[list[float]] = []
    names: list[str] = []
    for i, head in enumerate(heads):
        if head and head != asked.target and head not in asked.dropped:
            for label, values in _numbers(head, [row[i] for row in rows]):
                names.append(label)
                columns.append(values)
    target = [float(row[heads.index(asked.target)]) for row in rows]
    return np.array(columns, np.float64).T.copy(), np.array(target, np.float64), names


def _numbers(head: str, cells: list[str]) -> Iterator[tuple[str, Any]]:
    """The columns of numbers that a column of text makes, with their names."""
    try:
        yield head, [float(cell) for cell in cells]
    except ValueError:
        for word in sorted(set(cells))[1:]:
            yield f"{head} = {word}", [float(cell == word) for cell in cells]
