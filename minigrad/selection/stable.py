"""What stability selection found: how often each column is picked at each λ, the stable ones, and the bound."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np

from ..checks import finite
from ..insight.html_report import as_html
from ..insight.plotting import INK, LINES, PICK, REFERENCE, axes, finished
from .log import plain

SHOWN = 20  # columns of a table


def bound_of(q: float, cutoff: float, p: int, pairs: int | None = None) -> float:
    """The most false columns on average, of p, if a half picks q: q²/((2π - 1) p); with `pairs`, of that many draws,
    the bound for unimodal distributions, theorem 2 of Shah, Samworth 2013:

        q²/(2 (2π - 1 - 1/(2B)) p)            if  min(½ + θ², ½ + 1/(2B) + ¾θ²) < π ≤ ¾, θ = q/p
        4 (1 - π + 1/(2B)) q²/((1 + 1/B) p)   if  π > ¾, both for θ ≤ 1/√3

    with π rounded up to the next share that 2B halves can have; the first one where neither holds. At most p.

    >>> bound_of(5, 0.75, 50), round(bound_of(5, 0.9, 50, pairs=50), 3)
    (1.0, 0.216)
    """
    theta, general = q / p, q * q / ((2 * cutoff - 1) * p)
    factor = math.inf
    if pairs is not None and theta <= 1 / math.sqrt(3):
        half = 1 / (2 * pairs)
        cutoff = math.ceil(cutoff / half - 1e-9) * half
        if cutoff > 0.75:
            factor = 4 * (1 - cutoff + half) / (1 + 2 * half)
        elif cutoff > min(0.5 + theta * theta, 0.5 + half + 0.75 * theta * theta) and 2 * cutoff - 1 > half:
            factor = 1 / (2 * (2 * cutoff - 1 - half))
    return min(general, factor * q * q / p, float(p))


def most_picks(bound: float, cutoff: float, p: int, pairs: int | None = None) -> float:
    """The largest q of at most p whose bound is at most this: by halving, since the bound grows with q.

    >>> round(most_picks(1.0, 0.75, 50), 6)
    5.0
    """
    low, high = 0.0, float(p)
    if bound_of(high, cutoff, p, pairs) <= bound:
        return high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if bound_of(middle, cutoff, p, pairs) <= bound else (low, middle)
    return low


def checked_cutoff(cutoff: Any, unimodal: bool, pairs: bool) -> float:
    """The cutoff as a number above 1/2; ValueError too where the sharper bound is asked for without pairs."""
    cutoff = finite(cutoff, "stability: cutoff", at_most=1.0)
    if not cutoff > 0.5:
        raise ValueError(f"stability: cutoff is {cutoff:g}; need a share above 1/2, at most 1, as the bound does")
    if unimodal and not pairs:
        raise ValueError("stability: unimodal=True is a bound for complementary pairs; pass pairs=True, too")
    return cutoff


def wanted_picks(bound: Any, q: Any, cutoff: float, p: int, pairs: int | None) -> float:
    """The q at which the range ends: as given, or the largest that keeps the bound; infinite if neither is given."""
    if bound is not None and q is not None:
        raise ValueError("stability: give bound or q, not both; the other follows from it and the cutoff")
    if q is not None:
        q = finite(q, "stability: q", at_least=0.0)
        if not 0 < q <= p:
            raise ValueError(f"stability: q is {q:g}; need more than 0 columns, and at most the {p} that are penalized")
        return q
    if bound is None:
        return math.inf
    return most_picks(finite(bound, "stability: bound", at_least=1e-12), cutoff, p, pairs)


@dataclass
class Stability:
    """Shares of halves that pick a column, at falling λ.

    lambdas         the path, (λ,)
    frequencies     (λ, p): the share of halves in which the coefficient of a column is not 0
    names, judged   of the columns, (p,); those that are never penalized are not judged
    cutoff          π, the share from which a column is stable
    end             how many λ the range has, from the largest on; 0 if already the first picks too many
    picked          (λ,): q of the range that ends there, the mean number of columns that a half picks anywhere in it
    q, bound        of the range: q, and the bound on the mean number of false columns, E[V]
    shares          (p,): the largest frequency within the range
    stable          the columns whose share is at least the cutoff, most frequent first

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> found = selection.stability(linear_model.Regression(), x, y, draws=20, bound=1.0)
    >>> type(found).__name__, found.frequencies.shape[1], len(found.shares)
    ('Stability', 5, 5)
    """

    lambdas: np.ndarray
    frequencies: np.ndarray
    names: list[str]
    judged: np.ndarray
    cutoff: float
    picked: np.ndarray
    end: int
    halves: int
    pairs: int | None = None
    wanted: float | None = None
    trouble: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        picks: np.ndarray,
        lambdas: np.ndarray,
        names: list[str],
        judged: np.ndarray,
        cutoff: float,
        most: float,
        pairs: int | None,
        wanted: float | None,
        trouble: list[str],
    ) -> Stability:
        """Of the picks (halves, λ, p), booleans; the range ends before more than `most` columns are picked on average.

        pairs: how many, for the bound of unimodal distributions; else None.
        """
        within = np.logical_or.accumulate(picks & judged, axis=1)  # picked at this λ or a larger one
        picked = within.sum((0, 2)) / len(picks)
        end = int((picked <= most).sum())  # picked never falls
        return cls(
            lambdas, picks.sum(0) / len(picks), names, judged, cutoff, picked, end, len(picks), pairs, wanted, trouble
        )

    def at(self, cutoff: float | None = None, *, bound: float | None = None, q: float | None = None) -> Stability:
        """The answer of the same halves to another cutoff, and another bound or q; neither: the whole path.

        >>> from minigrad import linear_model
        >>> from minigrad.data import regression
        >>> from minigrad.selection import stability
        >>> x, y, _ = regression(120, 20, noise=1.0, nonzero=2, dtype="float64")
        >>> found = stability(linear_model.Regression(), x, y, bound=1.0, draws=20)
        >>> found.at(0.9, bound=0.5).end <= found.end
        True
        """
        cutoff = checked_cutoff(self.cutoff if cutoff is None else cutoff, False, False)
        most = wanted_picks(bound, q, cutoff, int(self.judged.sum()), self.pairs)
        return replace(self, cutoff=cutoff, end=int((self.picked <= most).sum()), wanted=bound)

    @property
    def q(self) -> float:
        return float(self.picked[self.end - 1]) if self.end else 0.0

    @property
    def bound(self) -> float:
        return bound_of(self.q, self.cutoff, int(self.judged.sum()), self.pairs)

    @property
    def shares(self) -> np.ndarray:
        found = self.frequencies[: self.end].max(0) if self.end else np.zeros(len(self.names))
        return np.where(self.judged, found, np.nan)

    @property
    def stable(self) -> list[int]:
        shares = np.nan_to_num(self.shares)
        order = np.argsort(-shares, kind="stable")
        return [int(j) for j in order if shares[j] >= self.cutoff - 1e-12]

    @property
    def notes(self) -> list[str]:
        """What is to be said against the range and the bound."""
        notes = list(self.trouble)
        if not self.end:
            notes.append(
                f"already at the largest λ, {self.lambdas[0]:.6g}, a half picks {self.picked[0]:.3g} columns, more "
                "than wanted: no column can be stable; start at a larger λ, or allow a larger bound"
            )
        elif self.wanted is not None and self.end == len(self.lambdas):
            notes.append(
                f"the whole path keeps the bound of {self.wanted:g}: it ends at λ = {self.lambdas[-1]:.6g} with "
                f"{self.q:.3g} columns; a smaller ratio= would go on"
            )
        if self.end and self.bound >= max(1.0, len(self.stable)):
            notes.append(
                f"the bound allows {self.bound:.3g} false columns, as many as are stable, so it says nothing of these; "
                "ask for a smaller bound="
            )
        free = [name for name, judged in zip(self.names, self.judged) if not judged]
        if free:
            notes.append(f"never penalized, so always there, and not judged: {', '.join(free)}")
        return notes

    HEAD = ("column", "share of halves", "first λ", "stable")

    def rows(self) -> list[list[str]]:
        """A row of text per column, most frequent first, under HEAD; first λ: the largest at which it is stable."""
        shares = np.nan_to_num(self.shares)
        found = []
        for j in np.argsort(-shares, kind="stable"):
            if not self.judged[j]:
                continue
            reached = np.flatnonzero(self.frequencies[: self.end, j] >= self.cutoff - 1e-12)
            first = f"{self.lambdas[reached[0]]:.6g}" if reached.size else ""
            found.append([self.names[j], f"{shares[j]:.3f}", first, "yes" if reached.size else ""])
        return found

    def headline(self) -> str:
        """One line: the range, q and the bound."""
        range_ = f"λ from {self.lambdas[0]:.6g} to {self.lambdas[self.end - 1]:.6g}" if self.end else "no λ"
        return (
            f"{self.halves} halves, {range_}: {self.q:.3g} of {int(self.judged.sum())} columns picked from a half; "
            f"cutoff {self.cutoff:g}: at most {self.bound:.3g} false columns on average"
        )

    def table(self, top: int = SHOWN) -> str:
        """The columns as aligned text, at most `top` of them, and the notes below."""
        every = self.rows()
        rows = [list(self.HEAD), *every[:top]]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:]))]).rstrip()
            for row in rows
        ]
        more = [f"{len(every) - top} more: table(top={len(every)})"] if len(every) > top else []
        return "\n".join([self.headline(), *lines, *more, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """What a notebook shows: the range and the bound, the columns, and the notes."""
        rows, notes = self.rows(), "".join(f"<p>note: {escape(note)}</p>" for note in self.notes)
        more = f"<p>{len(rows) - SHOWN} more: print(found.table({len(rows)}))</p>" if len(rows) > SHOWN else ""
        return f"<p>{escape(self.headline())}</p>{as_html(self.HEAD, rows[:SHOWN])}{more}{notes}"

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A figure of matplotlib: the share of halves that pick each column over λ, stable ones in colour.

        A dashed line is the cutoff, a shaded part the range. λ of 0 is left out. ImportError without matplotlib.
        """
        found, shown, stable = axes("Stability.plot"), self.lambdas > 0, set(self.stable)
        for j in np.flatnonzero(self.judged).tolist():
            if j not in stable:
                found.plot(self.lambdas[shown], self.frequencies[shown, j], color=REFERENCE, alpha=0.35, lw=0.8)
        for rank, j in enumerate(self.stable):
            label = self.names[j] if rank < 10 else None
            style = "--" if rank >= len(LINES) else "-"
            found.plot(
                self.lambdas[shown],
                self.frequencies[shown, j],
                style,
                label=label,
                color=LINES[rank % len(LINES)],
                lw=1.6,
            )
        found.axhline(self.cutoff, color=INK, linestyle="--", lw=1)
        if self.end and self.lambdas[self.end - 1] > 0:
            found.axvspan(self.lambdas[self.end - 1], self.lambdas[0], color=PICK, alpha=0.08, linewidth=0)
        title = f"{len(stable)} stable columns, at most {self.bound:.2g} false on average"
        found.set(xscale="log", xlabel="λ", ylabel="share of halves", title=title, ylim=(-0.02, 1.02))
        if stable:
            found.legend(frameon=False, fontsize=8)
        return finished(found, path)

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "cutoff": self.cutoff,
            "q": self.q,
            "bound": self.bound,
            "wanted bound": self.wanted,
            "halves": self.halves,
            "stable": [self.names[j] for j in self.stable],
            "names": self.names,
            "shares": [None if math.isnan(v) else float(v) for v in self.shares],
            "lambdas": self.lambdas.tolist(),
            "in the range": self.end,
            "picked": self.picked.tolist(),
            "frequencies": self.frequencies.tolist(),
            "notes": self.notes,
        }

    def to_json(self) -> str:
        """as_dict as text."""
        return json.dumps(plain(self.as_dict()), indent=1, ensure_ascii=False)

    def named(self, columns: Sequence[int] | None = None) -> list[str]:
        """The names of columns; of the stable ones, unless others are given."""
        return [self.names[j] for j in (self.stable if columns is None else columns)]

    def __repr__(self) -> str:
        return f"Stability({len(self.stable)} stable of {int(self.judged.sum())} columns; {self.headline()})"
