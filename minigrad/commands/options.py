"""Options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from .. import kernels

INTERRUPTED = 130


def one_thread(options: argparse.Namespace) -> None:
    """Compute with one thread unless --threads says otherwise.

    Batches of 32 rows leave a second thread little to gain. Where other processes keep the cores busy it has much to
    lose: measured at a load of 11 on two cores, 0.6 s with one thread became 33 s with two.
    """
    if options.threads is None:
        kernels.set_num_threads(1)


def at_least(low: int) -> Callable[[str], int]:
    """The type of an option that is a whole number of at least `low`."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(f"{text!r}: need a whole number of at least {low}")
        return value

    return number
