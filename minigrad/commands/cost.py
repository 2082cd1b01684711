"""minigrad cost: what each term costs in time and memory."""

from __future__ import annotations

import argparse

from .options import at_least, one_thread


def add_cost(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    cost = commands.add_parser(
        "cost",
        help="what each regularizer costs: time and memory of a step, prediction, parameters",
        description="Times training steps of a network, with and without each term, in turn; "
        "minigrad.lab.cost.of does the same for a model of your own.",
    )
    cost.add_argument(
        "--network",
        choices=("relu", "C1", "R1"),
        default="relu",
        help="linear layers with relu (the default), C1: convolutions on images of 28x28, R1: an LSTM over 50 steps",
    )
    cost.add_argument("--data", choices=("digits", "mnist"), help="where a batch for relu comes from (digits)")
    cost.add_argument("--hidden", type=at_least(1), nargs="+", metavar="N", help="hidden units of relu (128 128)")
    cost.add_argument("--batch-size", type=at_least(1), metavar="N", help="rows of the batch (32, for C1 64)")
    cost.add_argument(
        "--terms",
        nargs="+",
        metavar="TERM",
        help="L1, L2, elastic-net, group-lasso, max-norm, dropout, Gaussian-dropout, DropConnect, clipping, averages, "
        "zeros, compact; C1: also spatial-dropout, batch-norm, group-norm; R1: variational-dropout, recurrent-dropout "
        "(all that the network takes)",
    )
    cost.add_argument("--rounds", type=at_least(1), metavar="N", help="how often each row is timed (21)")
    cost.add_argument("--json", action="store_true", help="print JSON instead of a table")
    cost.set_defaults(run=run_cost)
    return cost


def run_cost(options: argparse.Namespace) -> None:
    from ..lab.cost import cost

    options.rounds = options.rounds or cost.ROUNDS
    one_thread(options)
    cost.main(options)
