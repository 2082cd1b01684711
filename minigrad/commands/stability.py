"""minigrad stability: which inputs are picked again and again on halves of the rows, with a report."""

from __future__ import annotations

import argparse

from .. import selection
from ..lab.pages import figures
from ..lab.pages.console import make_folder
from ..lab.pages.report import Report
from . import choose_options
from .choose import Pictures, describe, job, told_below, write
from .options import at_least


def add_stability(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = choose_options.add(commands, "stability", run_stability)
    asked = command.add_argument_group("stability")
    asked.add_argument(
        "--cutoff",
        type=above_half,
        default=0.75,
        metavar="P",
        help="the share of halves that must pick an input, above 0.5 (default: 0.75)",
    )
    asked.add_argument(
        "--bound",
        type=choose_options.positive,
        default=1.0,
        metavar="N",
        help="false inputs that are allowed on average; the range of λ follows (default: 1)",
    )
    asked.add_argument("--draws", type=at_least(2), default=100, metavar="N", help="halves of the rows (default: 100)")
    asked.add_argument(
        "--pairs", action="store_true", help="use the other half of each draw, too (Shah, Samworth 2013)"
    )
    asked.add_argument("--unimodal", action="store_true", help="their sharper bound; implies --pairs")
    asked.add_argument(
        "--jobs",
        type=choose_options.jobs,
        default=1,
        metavar="N",
        help="processes, -1: all cores; needs joblib; same result (default: 1)",
    )
    asked.add_argument("--log", type=choose_options.Path, metavar="FILE", help="note finished draws here; resumes")
    return command


def above_half(text: str) -> float:
    """A share above 1/2, at most 1."""
    value = choose_options.share(text)
    if not value > 0.5:
        raise argparse.ArgumentTypeError(f"{text!r}: need a share above 0.5, at most 1")
    return value


def run_stability(options: argparse.Namespace) -> None:
    """minigrad stability."""
    if options.model == "mlp":
        raise ValueError("--model mlp has no coefficient for each input; linear and logistic have")
    if options.l1_ratio == 0:
        raise ValueError("--l1-ratio 0: a ridge picks every input at every λ; need some L1")
    asked = job(options)
    rows = asked.rows
    make_folder(options.out)
    with told_below():
        found = selection.stability(
            asked.family,
            rows.x,
            rows.y,
            cutoff=options.cutoff,
            bound=options.bound,
            pairs=options.pairs or options.unimodal,
            unimodal=options.unimodal,
            draws=options.draws,
            count=options.count,
            ratio=options.ratio,
            names=rows.names,
            seed=options.seed,
            n_jobs=options.jobs,
            log=options.log,
            progress=None,
            weights=rows.weights,
            offset=rows.offset,
        )
    told = f"stable inputs: {', '.join(found.named()) or 'none'}"
    lines = [f"{rows.title}: {describe(asked)}", told, "", found.table(), *(f"note: {note}" for note in rows.notes)]
    report = Report(f"Stable inputs of {rows.title}", describe(asked))
    report.text(f"{told[0].upper()}{told[1:]}. {found.headline()}.")
    pictures: Pictures = {}
    if figures.wanted(options):
        pictures["stability"] = figures.as_png(found.plot()), "The share of halves that pick each input, over λ"
    notes = [*rows.notes, *found.notes]
    tables = [(found.HEAD, found.rows())]
    write(options, "stability", "\n".join(lines), found.as_dict(), report, pictures, tables, notes)
