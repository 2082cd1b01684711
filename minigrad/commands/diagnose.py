"""minigrad diagnose: the health of a training, of a script's own or of the network of a table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..errors import NonFiniteError
from ..insight.html_report import Report
from ..tabular.training import trained
from ..train import Watch
from ..train.health.page import add_to, page_of
from ..train.health.script import watching
from . import choose_data
from .choose_options import FILES, add_table
from .options import at_least, one_thread
from .scripts import ScriptError, run_script
from .train import add_network, part, settings_of, strength

FOUND = 1  # the exit status where something is ill

EXAMPLES = """\
examples:
  minigrad diagnose train.py                       run it, and say what is ill in whatever it trains
  minigrad diagnose train.py --html health.html    the same as a page with curves
  minigrad diagnose train.py -- --epochs 3         what stands behind -- goes to the script
  minigrad diagnose houses.csv --target price      train the network of `minigrad train --model mlp`, and look at it
  minigrad diagnose digits --json > health.json    for machines

exit status: 0 nothing found, 1 something is ill, 2 an error"""


def add_diagnose(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "diagnose",
        help="watch a training, of a script or of a table's network, and say what is ill and what cures it",
        description="Runs a script and watches every optimizer that steps in it, by fit or in a loop of its own; or "
        f"trains the network of `minigrad train --model mlp` on a table. {FILES}. Says which layer vanishes, explodes, "
        "is dead, saturated, gets no gradient, or does not learn; since which step, by which numbers, and a remedy.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("data", metavar="SCRIPT|DATA", help="a Python script, a CSV file, or the name of a data set")
    command.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="for the script, behind --")
    command.add_argument("--every", type=at_least(1), metavar="N", help="updates between two that are watched")
    command.add_argument("--html", type=Path, metavar="FILE", help="write a page, too")
    command.add_argument("--json", action="store_true", help="print JSON instead of text")
    add_table(command)
    add_network(command)
    command.add_argument("--test", type=part, metavar="SHARE", default=0.2, help="of rows held out (default: 0.2)")
    command.add_argument("--l1", type=strength, metavar="NUMBER", help="l1 Σ|w|, by the proximal map: exact zeros")
    command.add_argument("--l2", type=strength, metavar="NUMBER", help="l2/2 Σw²")
    command.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of splits and networks (default: 0)")
    command.set_defaults(
        run=run_diagnose, nested=False, warm_start=False, model="mlp", lam=None, l1_ratio=None, pick=None, count=50,
        cv_folds=5, folds=5, standardize=True, fold_groups=None,
    )  # fmt: skip
    return command


def run_diagnose(options: argparse.Namespace) -> int:
    """minigrad diagnose; 1 where something was found."""
    script = options.data.endswith(".py")
    if options.html is not None and options.html.suffix != ".html":
        raise ValueError(f"--html {options.html}: need a name that ends in .html")
    seen = of_script(options) if script else of_table(options)
    ill = sum(bool(watch.findings) for _, watch in seen)
    if options.json:
        made = [{"training": title, **json.loads(watch.to_json())} for title, watch in seen]
        print(json.dumps({"trainings": made}, indent=1, ensure_ascii=False))
    else:
        print("\n\n".join(f"{title}\n{watch.report()}" for title, watch in seen))
    if options.html is not None:
        path = page(seen, options.data).write(options.html)
        if not options.json:
            print(f"\n{path}: open it in a browser")
    return FOUND if ill else 0


def page(seen: list[tuple[str, Watch]], source: str) -> Report:
    """One page for all trainings."""
    name = f"Health of {Path(source).name}"
    if len(seen) == 1:
        watch = seen[0][1]
        return page_of(watch.course, watch.findings, watch.notes, name, watch.limits)
    report = Report(name, f"{len(seen)} trainings")
    for title, watch in seen:
        report.section(title)
        add_to(report, watch.course, watch.findings, watch.notes, watch.limits, level=3)
    return report


def of_script(options: argparse.Namespace) -> list[tuple[str, Watch]]:
    """A title and what was seen, for each optimizer that stepped. ValueError where none did."""
    seen = watching(options.every or 50)
    try:
        run_script(Path(options.data), options.arguments, seen)
    except ScriptError as failed:
        error = failed.error
        if not isinstance(error, NonFiniteError) or not seen.found:  # what that says is part of the diagnosis
            raise
        print(f"{options.data} ended by {type(error).__name__}: {error}\n", file=sys.stderr)
    if not seen.found:
        raise ValueError(f"{options.data} trains nothing that can be watched: no optimizer of minigrad made a step")
    return [(trained.title, trained) for trained in seen.found]


def of_table(options: argparse.Namespace) -> list[tuple[str, Watch]]:
    """The network of a table, watched."""
    if options.arguments:
        raise ValueError(
            f"{options.arguments[0]!r}: arguments behind -- are for scripts, and {options.data} is a table"
        )
    one_thread(options)
    settings = settings_of(options)
    rows = choose_data.rows(options)
    assert rows.table is not None
    watch = Watch(options.every or "1 epoch")
    name = options.data if rows.table.recipe is None else Path(options.data).name
    model: Any = trained(rows.table, settings, [watch], name)
    layers = "-".join(str(n) for n in settings.hidden)
    return [
        (f"{rows.title}: {len(rows.x)} rows; a network of {layers} relu units, {model.about['epochs']} epochs", watch)
    ]
