"""The tables of docs/claims.md, from the figures that `minigrad claims` keeps: nothing on the page is typed by hand.

python -m minigrad.lab.gallery.claims_page minigrad-claims/claims.json    keep these in docs/claims.json, and
python -m minigrad.lab.gallery.claims_page                                write the tables of docs/claims.md anew

A run of some claims takes the place of these in docs/claims.json; the page says which were run later, and when.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..pages.report import VERDICTS
from . import claim

DOCS = Path(__file__).parents[3] / "docs"
PLACE = re.compile(r"(<!-- claims: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
Found = dict[str, Any]
WIDTH = 128  # of a line of text on the page


def number_of(name: str) -> str:
    """C8 of C8_depth."""
    return name.split("_")[0]


def run(found: Found) -> str:
    """When, where and how long, in a sentence."""
    made, names = found["run"], found["examples"]
    alone = [number_of(name) for name in claim.TIMED if name in names]
    jobs = f"{made['jobs']} side by side ({' and '.join(alone)} alone)" if made["jobs"] > 1 else "one after the other"
    count = len(names) - len(found.get("new", []))
    told = (
        f"Measured on {made['date']} on {made['data']}, with {made['kernels']} kernels ({made['variant']}), one thread "
        f"a claim, {jobs}, on {made['processors']} processors of an {made['cpu']}; Python {made['python']}, NumPy "
        f"{made['numpy']}. All {count} claims together took {made['seconds']:.0f} seconds."
    )
    for one in found.get("later", []):
        which, made = [number_of(name) for name in one["examples"]], one["run"]
        listed = " and ".join([", ".join(which[:-1]), which[-1]]) if len(which) > 1 else which[0]
        told += f" {listed} ran later, on {made['date']}, beside other work, in {made['seconds']:.0f} seconds."
    return textwrap.fill(told, WIDTH)


def merged(kept: Found, found: Found) -> Found:
    """Kept figures, and those of a run of some claims in their place; `later` notes it, `new` what is there since.

    >>> kept = {"run": {"date": "1"}, "examples": {"C2_shrinkage": 1, "C1_exact_zeros": 2}}
    >>> both = merged(kept, {"run": {"date": "2"}, "examples": {"C2_shrinkage": 3, "C20_before_batch_norm": 4}})
    >>> both["examples"], both["new"]
    ({'C1_exact_zeros': 2, 'C2_shrinkage': 3, 'C20_before_batch_norm': 4}, ['C20_before_batch_norm'])
    """
    again, examples = found["examples"], kept["examples"] | found["examples"]
    later = [
        {**one, "examples": [name for name in one["examples"] if name not in again]} for one in kept.get("later", [])
    ]
    return {
        **kept,
        "examples": {name: examples[name] for name in claim.SIZES if name in examples},
        "later": [*(one for one in later if one["examples"]), {"run": found["run"], "examples": list(again)}],
        "new": kept.get("new", []) + [name for name in again if name not in kept["examples"]],
    }


def verdicts(found: Found) -> str:
    """A line for every verdict."""
    lines = ["| claim | verdict | on | seconds |", "|---|---|---|---|"]
    for name, made in found["examples"].items():
        for i, kept in enumerate(made["kept"]):
            first = "" if i else number_of(name)
            seconds = "" if i else f"{made['seconds']:.0f}"
            lines.append(
                f"| {first} | {' '.join(VERDICTS[kept['kind']])} | {kept['words'].replace('|', chr(92) + '|')} | {seconds} |"
            )
    return "\n".join(lines)


def sizes(found: Found) -> str:
    """In full and, in brackets, with --quick."""
    lines = ["| claim | sizes |", "|---|---|"]
    for name, kinds in claim.SIZES.items():
        told = "; ".join(f"{what} {full:,} ({quick:,})" for what, (full, quick) in kinds.items())
        lines.append(f"| {number_of(name)} | {told} |")
    return "\n".join(lines)


TABLES = {"run": run, "verdicts": verdicts, "sizes": sizes}


def with_tables(page: str, found: Found) -> str:
    """The page with its places `<!-- claims: NAME -->` ... `<!-- end -->` filled.

    >>> with_tables("<!-- claims: sizes -->\\n<!-- end -->", {})[:40]
    '<!-- claims: sizes -->\\n| claim | sizes |'
    """
    return PLACE.sub(lambda m: f"{m[1]}{TABLES[m[2]](found)}\n{m[3]}", page)


def main(arguments: Sequence[str]) -> None:
    for path in map(Path, arguments):
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["run"]["quick"]:
            raise SystemExit(f"{path}: the page needs claims in full")
        if set(found["examples"]) != set(claim.SIZES):
            found = merged(json.loads((DOCS / "claims.json").read_text(encoding="utf-8")), found)
        (DOCS / "claims.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page, kept = DOCS / "claims.md", json.loads((DOCS / "claims.json").read_text(encoding="utf-8"))
    page.write_text(with_tables(page.read_text(encoding="utf-8"), kept), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
