"""minigrad claims: what is said of regularization, each with a criterion."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import at_least, one_thread


def add_claims(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    claims = commands.add_parser(
        "claims",
        help="what is said of regularization, each with a criterion: does it hold?",
        description="Runs the programs of examples/claims: mathematical criteria are asserted, empirical ones print "
        "`holds`, `does not hold` or `undecided` with their figures; writes a page.",
    )
    claims.add_argument("numbers", nargs="*", metavar="CLAIM", help="C3, for instance (default: all)")
    claims.add_argument("--out", type=Path, default=Path("minigrad-claims"), metavar="FOLDER",
                        help="where the page goes (default: ./minigrad-claims)")  # fmt: skip
    claims.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    claims.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="claims side by side, by joblib (1)")
    claims.add_argument("--no-figures", action="store_true", help="a page without figures, without matplotlib")
    claims.set_defaults(run=run_claims)
    return claims


def run_claims(options: argparse.Namespace) -> None:
    from ..lab.gallery import pages

    one_thread(options)
    pages.main(options, pages.CLAIMS)
