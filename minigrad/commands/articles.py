"""minigrad articles: the five articles, their programs with their mistakes, and what is right."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import one_thread


def add_articles(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    articles = commands.add_parser(
        "articles",
        help="five articles on regularization: their programs with their mistakes, corrected and measured",
        description="Runs the programs of examples/articles and writes what they say and show as one page.",
    )
    articles.add_argument("numbers", nargs="*", metavar="NUMBER", help="000 to 004 (default: all)")
    articles.add_argument("--out", type=Path, default=Path("minigrad-articles"), metavar="FOLDER",
                          help="where the page goes (default: ./minigrad-articles)")  # fmt: skip
    articles.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    articles.add_argument("--no-figures", action="store_true", help="a page without figures, without matplotlib")
    articles.set_defaults(run=run_articles)
    return articles


def run_articles(options: argparse.Namespace) -> None:
    from ..lab.gallery import pages

    one_thread(options)
    pages.main(options, pages.ARTICLES)
