"""The table of a family: sizes down the side, one line per row, the columns once for each thread count."""

from __future__ import annotations

import statistics
from typing import Any

from .case import Case
from .driver import ROOFS, TITLES, Row

COLUMNS = {"time": 9, "±": 5, "rate": 8, "roof": 5, "base": 9}


def results(
    case: Case, rows: list[Row], roofs: tuple[str, ...], unit: str, base: str = "numpy"
) -> list[dict[str, Any]]:
    """What JSON keeps of every row, and the table shows; `base` is the peer whose best row the others are held to."""
    found = []
    for row in rows:
        same = {r.who: r for r in rows if r.threads == row.threads}
        best = min((r for r in same.values() if r.peer == base), key=lambda r: r.median, default=None)
        alone = next((r for r in rows if r.who == row.who and r.threads == 1), None)
        work = row.flops if unit == "GFLOP/s" else row.bytes
        found.append(
            {
                "case": case.name,
                "dtype": case.dtype,
                "who": row.who,
                "threads": row.threads,
                "seconds": row.median,
                "spread": row.spread,
                "samples": list(row.samples.values()),
                "flops": row.flops,
                "bytes": row.bytes,
                "rate": work / row.median / 1e9 if unit and work else None,
                "unit": unit,
                "share of roof": share(row, same, roofs),
                "base": base,
                f"times {base}": row.over(best) if best and row.who not in ROOFS else None,
                "gain of threads": row.over(alone) if alone and row.threads > 1 else None,
                "agrees": row.agrees,
            }
        )
    return found


def share(row: Row, same: dict[str, Row], roofs: tuple[str, ...]) -> float | None:
    """The time that the machine's roofs allow over the row's time: FLOPs at the FMA peak, plus a copy of its bytes."""
    fma, copy = same.get("FMA peak"), same.get("copy")
    if row in (fma, copy) or (("FMA" in roofs) and not fma) or (("copy" in roofs) and not copy):
        return None
    seconds = row.flops * fma.best / fma.flops if fma and row.flops else 0.0
    seconds += copy.best if copy else 0.0
    return seconds / row.median or None


def time_text(seconds: float) -> str:
    """Three digits and a unit.

    >>> time_text(22.4e-6), time_text(0.0107), time_text(3.3e-7)
    ('22.4 us', '10.7 ms', '0.33 us')
    """
    value, unit = (seconds * 1e6, "us") if seconds < 1e-3 else (seconds * 1e3, "ms") if seconds < 1 else (seconds, "s")
    return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"


def cells(result: dict[str, Any] | None) -> list[str]:
    if result is None:
        return ["-", "", "", "", ""]
    rate, roof, over = result["rate"], result["share of roof"], result["times " + result["base"]]
    return [
        time_text(result["seconds"]) + ("" if result["agrees"] else "!"),
        f"{result['spread']:.0%}",
        "" if rate is None else f"{rate:.1f}",
        "" if roof is None else f"{roof:.0%}",
        "" if over is None else f"{over:.2f}",
    ]


def head(title: str, unit: str, threads: list[int], widths: tuple[int, int], base: str = "numpy") -> list[str]:
    names = [{"rate": unit, "base": f"x {TITLES[base]}"}.get(name, name) for name in COLUMNS]
    block = " ".join(name.rjust(width) for name, width in zip(names, COLUMNS.values(), strict=True))
    gap = " " * sum(widths)
    over = gap + "".join(f"  {f'{n} thread' + 's' * (n > 1):-^{len(block)}}" for n in threads)
    return [title, over, gap + f"  {block}" * len(threads) + ("   gain" if len(threads) > 1 else "")]


APART = ("naive C", "minigrad generic")  # what compilers and processors do without: shown below, for comparison


def in_order(names: list[str]) -> list[str]:
    """The rows of a case: peers and variants, then the machine's roofs, then naive C and the generic variant."""
    return sorted(names, key=lambda who: (who in APART, APART.index(who) if who in APART else 0))


def lines(
    found: list[dict[str, Any]], threads: list[int], widths: tuple[int, int], default: str | None = None
) -> list[str]:
    """The lines of one case; that of the variant which is used by default has a mark before it, ">"."""
    text, title = [], found[0]["case"] if found else ""
    for who in in_order(list(dict.fromkeys(r["who"] for r in found))):
        by_threads = {r["threads"]: r for r in found if r["who"] == who}
        mark = "> " if who == default else "  " if default else ""
        line = title.ljust(widths[0]) + (mark + who).ljust(widths[1])
        for n in threads:
            values = zip(cells(by_threads.get(n)), COLUMNS.values(), strict=True)
            line += "  " + " ".join(value.rjust(width) for value, width in values)
        gains = [r["gain of threads"] for r in by_threads.values() if r["gain of threads"]]
        text.append(line + (f"  {gains[-1]:5.2f}" if gains else ""))
        title = ""
    if not all(r["agrees"] for r in found):
        text.append(" " * widths[0] + f"!  its numbers differ from {TITLES[found[0]['base']]}'s")
    return [line.rstrip() for line in text]


def times_base(found: list[dict[str, Any]], default: str) -> dict[str, float]:
    """How many times as fast as the base's best row the default variant is, by case, at the fewest threads."""
    fewest = min((r["threads"] for r in found), default=1)
    rows = [r for r in found if r["who"] == default and r["threads"] == fewest]
    return {
        f"{r['case']}{', float64' * (r['dtype'] == 'float64')}": r[f"times {r['base']}"]
        for r in rows
        if r[f"times {r['base']}"]
    }


def sentence(found: list[dict[str, Any]], default: str) -> str:
    """What the table of a family comes to, in a sentence; "" where the default variant has no base beside it."""
    over = times_base(found, default)
    if not over:
        return ""
    base = TITLES[found[0]["base"]]
    lost = [name for name, times in over.items() if times < 1]
    middle = statistics.median(over.values())
    least = min(over, key=lambda name: over[name])
    cases = f"{len(over)} case{'s' * (len(over) > 1)}"
    told = f"{default}, the default here, is {middle:.2f} times as fast as {base}'s best row in the median of {cases}"
    if len(over) == 1:
        return f"{default}, the default here, is {middle:.2f} times as fast as {base}'s best row."
    if not lost:
        return f"{told}, {over[least]:.2f} times at the least ({least})."
    return f"{told}; slower in {len(lost)}, at the least {over[least]:.2f} times as fast ({least})."
