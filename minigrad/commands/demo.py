"""minigrad demo: one network with seven regularizers, and a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..lab.pages import console
from .options import at_least, one_thread


def add_demo(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    demo = commands.add_parser(
        "demo",
        help="train one network with seven regularizers and write a report",
        description="Trains one network on handwritten digits with no penalty, L2, L1 (by sub-gradient and proximal), "
        "elastic net, dropout, and dropout with L2, over several seeds; prints a table and writes a report to look at. "
        "With --data mnist it trains a network of 784-64-64-10 units on MNIST with two readings of one L2 penalty.",
    )
    demo.add_argument("--data", choices=("digits", "mnist"), default="digits",
                      help="the digits in the package (default), or MNIST, found in $MINIGRAD_DATA/mnist")  # fmt: skip
    demo.add_argument("--out", type=Path, default=Path("minigrad-demo"), metavar="FOLDER",
                      help="where the report goes (default: ./minigrad-demo)")  # fmt: skip
    demo.add_argument("--seeds", type=at_least(1), metavar="N", help="number of seeds (default: 10; mnist: 3)")
    demo.add_argument("--epochs", type=at_least(1), metavar="N", help="epochs of training (default: 60; mnist: 10)")
    demo.add_argument("--quick", action="store_true", help="a few seeds and epochs only: to see that it works")
    demo.add_argument("--no-figures", action="store_true", help="a report of tables only, without matplotlib")
    demo.add_argument(
        "--download", action="store_true", help="with --data mnist: download what is missing, and check it"
    )
    demo.set_defaults(run=run_demo)
    return demo


def run_demo(options: argparse.Namespace) -> None:
    from ..lab.demo import mnist, report

    console.make_folder(options.out)  # before the work, not after it
    one_thread(options)
    job = {"digits": report, "mnist": mnist}[options.data]
    job.main(options)
