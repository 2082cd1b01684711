"""The commands `minigrad articles`, `claims` and `papers`: run examples, and write what they say as one page."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import re
import runpy
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ... import kernels
from ...selection import sweep
from .. import shipped
from ..pages import figures, machine
from ..pages.console import any_encoding, make_folder
from ..pages.report import VERDICTS, Report
from . import claim, paper
from .article import Article

QUICK = "A short run, to see that all works: read nothing into what holds and what does not."


class Collection(NamedTuple):
    """Examples of one kind: what one is called, their folder in examples/, their class, title and foreword."""

    kind: str
    folder: str
    made: type[Article]
    title: str
    foreword: str

    @property
    def path(self) -> Path:
        """Where the programs stand; ImportError in a package without them."""
        return shipped.root() / "examples" / self.folder


ARTICLES = Collection(
    "article",
    "articles",
    Article,
    "Five articles on regularization: what they say, what their programs do, and what is right",
    "Each program is rebuilt step for step with its mistakes, its failure is shown, and what is right is "
    "computed beside it. A line that must hold is mathematics and was asserted; a line that holds, or does "
    "not, is what these data and seeds say, and undecided is where an interval covers both. One convention serves "
    "all: mean loss + l1 Σ|w| + (l2/2) Σw².",
)
CLAIMS = Collection("claim", "claims", claim.Claim, claim.TITLE, claim.FOREWORD)
PAPERS = Collection("paper", "papers", paper.Paper, paper.TITLE, paper.FOREWORD)


def main(options: argparse.Namespace, collection: Collection) -> None:
    """Run the chosen examples of a collection, and write their page and what they kept as JSON."""
    chosen = programs(collection, options.numbers)
    make_folder(options.out)
    drawn, start = figures.wanted(options), time.perf_counter()
    jobs = getattr(options, "jobs", 1)
    done = run_all(collection, chosen, options.quick, drawn, jobs)
    page = write(done, options.quick, time.perf_counter() - start, collection)
    name = f"{collection.kind}s"
    found = {
        "run": {
            **machine.facts(),
            "data": claim.Images().name,
            "quick": options.quick,
            "jobs": jobs,
            "seconds": time.perf_counter() - start,
        },
        "examples": {
            a.name: {"seconds": seconds, "sizes": a.size, "kept": [k._asdict() for k in a.kept]} for a, seconds in done
        },
    }
    (options.out / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    written = page.write(options.out / f"{name}.html")
    if options.quick:
        print(f"\n{QUICK}")
    print(f"\nreport: {written.resolve()}   ({time.perf_counter() - start:.1f} s)")


def number_of(path: Path) -> str:
    """002 of 002_descent.py, C3 of C3_generalization.py."""
    return path.stem.split("_")[0]


def programs(collection: Collection, numbers: Sequence[str] = ()) -> list[Path]:
    """The examples with these numbers, all without any."""
    paths = sorted(collection.path.glob("*.py"), key=lambda path: (int(re.sub(r"\D", "", number_of(path))), path))
    known = list(dict.fromkeys(map(number_of, paths)))
    unknown = [number for number in numbers if number.upper() not in known]
    if unknown:
        raise ValueError(f"there is no {collection.kind} {unknown[0]}; there are {', '.join(known)}")
    wanted = [number.upper() for number in numbers] or known
    return [path for path in paths if number_of(path) in wanted]


def run_all(
    collection: Collection, paths: Sequence[Path], quick: bool, drawn: bool, jobs: int = 1
) -> list[tuple[Article, float]]:
    """Each example and its seconds: one after the other, or side by side in `jobs` processes.

    There the long ones begin, and what measures time stands alone after all others.
    """
    alone = [path for path in paths if jobs == 1 or path.stem in claim.TIMED]
    first = {name: place for place, name in enumerate(claim.LONG)}
    beside = sorted((path for path in paths if path not in alone), key=lambda path: first.get(path.stem, len(first)))
    tasks = {path.stem: (path, quick, drawn, collection.kind) for path in beside}
    done = sweep.run(run_silently, tasks, n_jobs=jobs) if tasks else {}
    for path in alone:
        print(f"\n{'=' * 110}\n{path.name}")
        began = time.perf_counter()
        done[path.stem] = run(path, quick, drawn, collection.kind), time.perf_counter() - began
    return [done[path.stem] for path in paths]


def run_silently(path: Path, quick: bool, drawn: bool, kind: str) -> tuple[Article, float]:
    """Run an example in a process of its own, and print all that it says at its end."""
    out, began = io.StringIO(), time.perf_counter()
    with contextlib.redirect_stdout(out):
        made = run(path, quick, drawn, kind)
    with any_encoding():
        print(f"\n{'=' * 110}\n{path.name}\n{out.getvalue()}", flush=True)
    return made, time.perf_counter() - began


def run(path: Path, quick: bool = False, drawn: bool = False, kind: str = "article") -> Article:
    """Run an example as if from its command line; the Article that it made, under the name `kind`."""
    before = sys.argv
    sys.argv = [str(path), *(["--quick"] if quick else []), *(["--figures"] if drawn else [])]
    try:
        return runpy.run_path(str(path))[kind]
    finally:
        sys.argv = before


def write(
    done: Sequence[tuple[Article, float]], quick: bool, seconds: float, collection: Collection = ARTICLES
) -> Report:
    """The page: what was checked and found, then each example in its own words."""
    threads = kernels.get_num_threads()
    report = Report(
        collection.title,
        f"{'Quick sizes' if quick else 'Full sizes'}, {seconds:.0f} s, {kernels.backend()} kernels, "
        f"{kernels.cpu_variant()}, {threads} thread{'s' if threads > 1 else ''}, on {platform.machine()}.",
    )
    report.text(collection.foreword)
    if quick:
        report.text(QUICK)
    report.links({article.name: article.title for article, _ in done})
    report.section("What was checked, and what was found")
    counts = [[sum(kept.kind == verdict for kept in article.kept) for verdict in VERDICTS] for article, _ in done]
    report.table(
        ("example", *(" ".join(VERDICTS[verdict]) for verdict in VERDICTS), "seconds"),
        [[article.name, *map(str, row), f"{took:.1f}"] for (article, took), row in zip(done, counts)],
    )
    for article, _ in done:
        report.section(article.title, anchor=article.name)
        report.note(f"examples/{collection.kind}s/{article.name}.py")
        for method, arguments in article.told:
            getattr(report, method)(*arguments)
    report.section("Sizes")
    rows = [
        ["" if i else name, what, *(f"{n:,}" for n in both)]
        for name, sizes in collection.made.sizes.items()
        for i, (what, both) in enumerate(sizes.items())
    ]
    report.table(("example", "what", "in full", "with --quick"), rows)
    report.note("Seeds are 0, 1, 2, ...; each example says what it draws from them.")
    return report
