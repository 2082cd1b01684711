"""minigrad bench: the benchmarks of the checkout or of the installed package."""

from __future__ import annotations

import argparse
import sys

from ..lab import shipped
from ..lab.pages.console import USER_ERROR


def add_bench(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    bench = commands.add_parser(
        "bench", add_help=False, help="the kernels against NumPy and, where installed, PyTorch, JAX and numba"
    )
    bench.add_argument("families", nargs="*")
    bench.set_defaults(run=run_bench)
    return bench


def run_bench(options: argparse.Namespace) -> None:
    asked = options.rest  # in the order in which it was typed
    try:
        root = shipped.root()
    except ImportError as error:
        if not {"-h", "--help"} & set(asked):
            raise
        print(
            f"usage: minigrad bench [FAMILY ...] [OPTION ...]\n\nThe benchmarks list them; here there are none: {error}"
        )
        return
    sys.path.insert(0, str(root))
    from benchmarks.harness.command import main as bench  # type: ignore[import-not-found, unused-ignore]

    if bench(asked, "minigrad bench"):
        raise SystemExit(USER_ERROR)
