"""minigrad papers: numbers that others have printed, computed again."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import one_thread


def add_papers(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    papers = commands.add_parser(
        "papers",
        help="numbers that books and papers have printed, computed again",
        description="Runs the programs of examples/papers: each sets printed numbers beside ours, with a band that was "
        "fixed beforehand, and writes a page. Data come from installed packages (pip install --no-deps faraway ISLP), "
        "whose files are read and whose code is not; where one is missing, its program says so and compares nothing.",
    )
    papers.add_argument("numbers", nargs="*", metavar="PAPER", help="P1, for instance (default: all)")
    papers.add_argument(
        "--out",
        type=Path,
        default=Path("minigrad-papers"),
        metavar="FOLDER",
        help="where the page goes (default: ./minigrad-papers)",
    )
    papers.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    papers.add_argument("--no-figures", action="store_true", help="a page without figures, without matplotlib")
    papers.set_defaults(run=run_papers)
    return papers


def run_papers(options: argparse.Namespace) -> None:
    from ..lab.gallery import pages

    one_thread(options)
    pages.main(options, pages.PAPERS)
