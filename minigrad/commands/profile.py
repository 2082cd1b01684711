"""minigrad profile: what a script's kernels and ops cost."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..insight.profile import profile
from .scripts import models_of, run_script

EXAMPLES = """\
examples:
  minigrad profile train.py                        run it, and print what each kernel and op took
  minigrad profile train.py --beside               each kernel beside its NumPy reference, too
  minigrad profile train.py -o steps.html          the same as a page with bars
  minigrad profile train.py -o steps.json          a trace that Perfetto opens (ui.perfetto.dev)
  minigrad profile train.py -- --epochs 3          what stands behind -- goes to the script"""


def add_profile(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "profile",
        help="run a script, and say what each kernel and op of it costs",
        description="Runs a script and counts and times every kernel and op: calls, time, bytes, FLOPs, and Python's "
        "own share, from the first kernel to the last; forward, backward and update for each step. Steps that "
        "fit(compile=True) would replay run in Python meanwhile, with the same kernels.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("script", help="a Python script")
    command.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="for the script, behind --")
    command.add_argument("-o", "--out", metavar="FILE", help="write a page (.html) or a trace for Perfetto (.json)")
    command.add_argument("--beside", action="store_true", help="compare each kernel with its NumPy reference")
    command.set_defaults(run=run_profile)
    return command


def run_profile(options: argparse.Namespace) -> None:
    if options.out and Path(options.out).suffix not in (".html", ".json"):
        raise ValueError(f"--out {options.out}: neither .html (a page) nor .json (a trace for Perfetto)")
    seen = profile(beside=options.beside)
    for name, model in models_of(run_script(Path(options.script), options.arguments, seen)):
        seen.layers.name(model, name)
    if not seen.tally.calls:
        raise ValueError(f"{options.script} calls no kernel of minigrad")
    seen.cut()
    if options.out:
        print(f"{seen.save(options.out)}: {len(seen.tally.calls)} kernel calls in {seen.seconds:.3g} s")
    else:
        print(seen)
