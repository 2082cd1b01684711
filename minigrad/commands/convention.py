"""minigrad convention: what the regularizer of another library is in minigrad's terms."""

from __future__ import annotations

import argparse
import json

from ..reg import conventions
from .options import at_least

DESCRIPTION = """Say what a regularizer that was written for another library is in canonical form,
mean data loss + l1 Σ|w| + (l2/2) Σw²: its effective l1 and l2, which parameters it touches, whether it is part of the
loss (coupled) or of the update (decoupled), and the line that does the same in minigrad.

TEXT is a call, or names and values with blanks between. A grammar of its own reads it; nothing is evaluated."""

EXAMPLES = """\
examples:
  minigrad convention "sklearn.Ridge(alpha=3)" --rows 100
  minigrad convention "keras l2(0.01)" --check
  minigrad convention "torch AdamW weight_decay=1e-4"
  minigrad convention "glmnet lambda=0.1 alpha=0.5" --sd-y 2.3
  minigrad convention 'Dense(64, kernel_regularizer="l2")'
  minigrad convention --list"""


def add_convention(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "convention",
        help="what the regularizer of another library is in l1, l2 and minigrad's own line",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("text", nargs="*", metavar="TEXT", help="such as 'sklearn.Ridge(alpha=3)'")
    command.add_argument(
        "--rows", type=at_least(1), metavar="N", help="training rows, where the strength depends on them"
    )
    command.add_argument(
        "--sd-y", type=float, metavar="S", help="standard deviation of y over n (glmnet with alpha < 1)"
    )
    command.add_argument(
        "--batch", type=at_least(1), metavar="N", help="rows of a batch, where the strength depends on it"
    )
    command.add_argument("--check", action="store_true", help="try it on the installed library")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--list", action="store_true", help="list the names that are known")
    command.set_defaults(run=run_convention)
    return command


def run_convention(options: argparse.Namespace) -> None:
    """minigrad convention."""
    if options.list:
        print("\n".join(conventions.known()))
        return
    if not options.text:
        options.refuse("what is to be read? For instance: minigrad convention 'sklearn.Ridge(alpha=3)' --rows 100")
    text = " ".join(options.text)
    try:
        found = conventions.read(text, rows=options.rows, sd_y=options.sd_y, batch=options.batch)
        tried = conventions.check(found) if options.check else None
    except (TypeError, ArithmeticError) as error:
        raise ValueError(str(error)) from None
    if options.json:
        print(json.dumps({**found.as_dict(), **({"check": tried} if tried else {})}, ensure_ascii=False, indent=1))
    else:
        print(found, *([f"  check     {tried}"] if tried else []), sep="\n")
