"""The command `minigrad articles`: run the examples of the articles, and write what they say and show as one page."""

from __future__ import annotations

import argparse
import json
import platform
import runpy
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .. import kernels
from . import figures
from .articles import SIZES, Article
from .report import Report

FOLDER = Path(__file__).parent.parent.parent / "examples" / "articles"
VERDICTS = ("must hold", "holds", "does not hold")
TITLE = "Five articles on regularization: what they say, what their programs do, and what is right"


def main(options: argparse.Namespace) -> None:
    """The command `minigrad articles`."""
    chosen = programs(options.articles)
    options.out.mkdir(parents=True, exist_ok=True)
    drawn, start = figures.wanted(options), time.perf_counter()
    done = []
    for path in chosen:
        print(f"\n{'=' * 110}\n{path.name}")
        began = time.perf_counter()
        done.append((run(path, options.quick, drawn), time.perf_counter() - began))
    page = write(done, options.quick, time.perf_counter() - start).write(options.out / "articles.html")
    found = {
        a.name: {"seconds": seconds, "sizes": a.size, "kept": [k._asdict() for k in a.kept]} for a, seconds in done
    }
    (options.out / "articles.json").write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"\nreport: {page.resolve()}   ({time.perf_counter() - start:.1f} s)")


def programs(numbers: Sequence[str]) -> list[Path]:
    """The examples of these articles, of all without any; they stand in the source tree only."""
    paths = sorted(FOLDER.glob("[0-9][0-9][0-9]_*.py"))
    if not paths:
        raise ImportError("the articles stand in the source tree, not in an installed package: use a checkout")
    known = sorted({path.name[:3] for path in paths})
    unknown = [number for number in numbers if number not in known]
    if unknown:
        raise ValueError(f"there is no article {unknown[0]}; there are {', '.join(known)}")
    return [path for path in paths if not numbers or path.name[:3] in numbers]


def run(path: Path, quick: bool = False, drawn: bool = False) -> Article:
    """Run an example as if from its command line; the Article that it made."""
    before = sys.argv
    sys.argv = [str(path), *(["--quick"] if quick else []), *(["--figures"] if drawn else [])]
    try:
        return runpy.run_path(str(path))["article"]
    finally:
        sys.argv = before


def write(done: Sequence[tuple[Article, float]], quick: bool, seconds: float) -> Report:
    """The page: what was checked and found, then each example in its own words."""
    threads = kernels.get_num_threads()
    report = Report(
        TITLE,
        f"{'Quick sizes' if quick else 'Full sizes'}, {seconds:.0f} s, {kernels.backend()} kernels, "
        f"{kernels.cpu_variant()}, {threads} thread{'s' if threads > 1 else ''}, on {platform.machine()}.",
    )
    report.text(
        "Each program is rebuilt step for step with its mistakes, its failure is shown, and what is right is "
        "computed beside it. A line that must hold is mathematics and was asserted; a line that holds, or does "
        "not, is what these data and seeds say. One convention serves all: mean loss + l1 Σ|w| + (l2/2) Σw²."
    )
    if quick:
        report.text("A short run, to see that all works: read nothing into what holds and what does not.")
    report.links({article.name: article.title for article, _ in done})
    report.section("What was checked, and what was found")
    counts = [[sum(kept.kind == verdict for kept in article.kept) for verdict in VERDICTS] for article, _ in done]
    report.table(("example", *VERDICTS, "seconds"), [
        [article.name, *map(str, row), f"{took:.1f}"] for (article, took), row in zip(done, counts)])  # fmt: skip
    for article, _ in done:
        report.section(article.title, anchor=article.name)
        report.note(f"examples/articles/{article.name}.py")
        for method, arguments in article.told:
            getattr(report, method)(*arguments)
    report.section("Sizes")
    rows = [
        ["" if i else name, what, *(f"{n:,}" for n in both)]
        for name, sizes in SIZES.items()
        for i, (what, both) in enumerate(sizes.items())
    ]
    report.table(("example", "what", "in full", "with --quick"), rows)
    report.note("Seeds are 0, 1, 2, ...; each example says what it draws from them.")
    return report
