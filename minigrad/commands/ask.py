"""minigrad ask: questions to a training that was recorded."""

from __future__ import annotations

import argparse
import os
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import data as sets
from ..tabular.reopened import reopened, settings_of, table_of
from ..train import OpenRun, open_run
from ..train.travel.folder import read_about
from . import choose_data
from .options import one_thread
from .scripts import as_main

QUESTIONS = ("why-zero", "since-dead", "loss-jump", "at", "check", "what")
USES = {
    "why-zero": "nothing, or NAME INDEX ..., such as: why-zero 0.weight 3 5",
    "since-dead": "nothing, LAYER, or LAYER UNIT, such as: since-dead 0 7",
    "loss-jump": "no more, or a STEP",
    "at": "a STEP, such as: at 1234",
    "check": "no more",
    "what": "no more",
}

DESCRIPTION = """Ask a training that was recorded, by minigrad train --model mlp --record FOLDER or by train.Record in a
script, what happened inside. Its steps are made again to the same bits, so data and script have to be as they were.

  why-zero NAME INDEX ...   why is this weight 0? The step at which it became so, its gradient and the threshold
  why-zero                  how many weights of each parameter are 0, and which
  since-dead LAYER UNIT     since when does this unit fire for no row?
  since-dead [LAYER]        which units fire for no row
  loss-jump [STEP]          which batch made the loss jump? The largest jump, or the one at STEP
  at STEP                   the step: its loss, the rows of its batch, norms of gradients and of the update
  check                     make all steps again, and compare bits
  what                      what the record holds"""

EXAMPLES = """\
examples:
  minigrad train houses.csv --target price --model mlp --l1 1e-3 --record run
  minigrad ask run why-zero 0.weight 3 5 --data houses.csv
  minigrad ask run why-zero 0.weight rooms 5 --data houses.csv       an input by the name of its column
  minigrad ask run since-dead 0 7 --data houses.csv
  minigrad ask run since-dead --data houses.csv                      which units are dead
  minigrad ask run loss-jump --script mine.py          mine.py defines build, a function, and data; its training
                                                       stands below if __name__ == "__main__":"""


def add_ask(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "ask",
        help="ask a recorded training: why is this weight 0, since when is this unit dead, ...",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("folder", type=Path, metavar="RUN", help="the folder of the record")
    command.add_argument("question", choices=QUESTIONS, metavar="QUESTION", help=", ".join(QUESTIONS))
    command.add_argument("about", nargs="*", metavar="ABOUT", help="what it is about: see above")
    given = command.add_mutually_exclusive_group()
    given.add_argument("--data", metavar="DATA", help="the CSV file, or data set, that minigrad train was given")
    given.add_argument("--script", type=Path, metavar="FILE", help="a Python file that defines build and data")
    command.set_defaults(run=run_ask)
    return command


def run_ask(options: argparse.Namespace) -> None:
    """minigrad ask."""
    one_thread(options)
    about = read_about(options.folder)
    _check_count(options)
    run, names = _opened(options, about)
    print(_answer(run, options.question, options.about, names))


def _check_count(options: argparse.Namespace) -> None:
    """ValueError for more or fewer words than the question takes."""
    low, high = {"why-zero": (0, 99), "since-dead": (0, 2), "loss-jump": (0, 1), "at": (1, 1)}.get(
        options.question, (0, 0)
    )
    if not low <= len(options.about) <= high:
        got = " ".join(options.about) or "nothing"
        raise ValueError(f"{options.question}: got {got}; need {USES[options.question]}")


def _opened(options: argparse.Namespace, about: dict[str, Any]) -> tuple[OpenRun, Sequence[str]]:
    """The run, and the names of its inputs, as far as they are known."""
    if options.script is not None:
        build, data = _of_script(options.script)
        return open_run(options.folder, build, data), ()
    try:
        settings = settings_of(about["about"])
    except ValueError as error:
        raise ValueError(f"{options.folder}: {error}") from None
    trained_on = about["about"]["data"]
    if options.data is None and about["about"]["recipe"] is None:
        options.data = trained_on  # a data set that comes with minigrad, or is made
    if options.data is None:
        raise ValueError(f"{options.folder} was trained on {trained_on}: name it, --data {trained_on}")
    if about["about"]["recipe"] is not None:
        if not Path(options.data).is_file():
            raise ValueError(f"--data {options.data}: there is no such file; the training was given {trained_on}")
        return reopened(options.folder, about["about"], table_of(about["about"], options.data))
    if options.data != trained_on:
        raise ValueError(f"--data {options.data}: the training was given the data set {trained_on}")
    x, y = choose_data.named(trained_on, settings.seed)
    table = sets.Table(x, y, [f"x{i}" for i in range(x.shape[1])], "the target")
    return reopened(options.folder, about["about"], table)


def _of_script(script: Path) -> tuple[Any, Any]:
    """build and data of a script, whose training is not run: it is no __main__."""
    if not script.is_file():
        raise FileNotFoundError(2, "no such script", str(script))
    with as_main(script, []):
        found = runpy.run_path(os.fspath(script), run_name="asked")
        for name in ("build", "data"):
            if name not in found:
                raise ValueError(
                    f"{script} defines no {name}; need a function build() that returns (model, loss, optimizer), and "
                    "data, what fit was given"
                )
        data = found["data"]
        return found["build"], data() if callable(data) else data


# --- answers -------------------------------------------------------------------------------------------------------


def _answer(run: OpenRun, question: str, about: list[str], names: Sequence[str]) -> str:
    if question == "why-zero" and not about:
        return str(run.zeros())
    if question == "since-dead" and len(about) < 2:
        return str(run.dead_units(*about))
    if question == "why-zero":
        return _why_zero(run, about, names)
    if question == "since-dead":
        return str(run.since_dead(about[0], _whole(about[1], "UNIT")))
    if question == "loss-jump":
        return str(run.loss_jump(_whole(about[0], "STEP") if about else None))
    if question == "at":
        return _at(run, _whole(about[0], "STEP"))
    return run.check() if question == "check" else str(run)


def _why_zero(run: OpenRun, about: list[str], names: Sequence[str]) -> str:
    """The answer; of the weights of an input its column may be named, and is."""
    name, *index = about
    first = next(iter(run.at(1).before), "") if names else ""
    inputs = list(names) if name == first else []
    numbers = [inputs.index(i) if k == 0 and i in inputs else _index(i, inputs, k) for k, i in enumerate(index)]
    text = str(run.why_zero(name, *numbers))
    if inputs and numbers and 0 <= numbers[0] < len(inputs):
        text = f"{name}[{numbers[0]}] has the weights of the input {inputs[numbers[0]]!r}. {text}"
    return text


def _index(text: str, inputs: list[str], axis: int) -> int:
    """A number that was typed. ValueError names the inputs that could have been meant."""
    try:
        return int(text)
    except ValueError:
        known = (
            f", or an input: {', '.join(inputs[:8])}{', ...' if len(inputs) > 8 else ''}" if inputs and not axis else ""
        )
        raise ValueError(f"why-zero: INDEX {text!r}; need a whole number{known}") from None


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{what} {text!r}; need a whole number") from None


def _at(run: OpenRun, step: int) -> str:
    """A moment in some lines."""
    moment = run.at(step)
    rows = ", ".join(map(str, moment.rows[:12].tolist())) + (", ..." if len(moment.rows) > 12 else "")
    lines = [
        f"step {moment.step:,} of {run.steps:,}: epoch {moment.epoch}, batch {moment.number} of {run.batches}",
        f"loss {moment.loss:.6g}" + ("" if moment.updated else "; no update was made"),
        f"rows of the data: {rows}",
        f"{'parameter':<16} {'norm':>12} {'gradient':>12} {'update':>12}",
    ]
    for name, before in moment.before.items():
        gradient, after = moment.gradients.get(name), moment.after[name]
        sizes = [before, gradient, None if after.dtype.kind != "f" else after - before]
        said = ["none" if array is None else f"{float((array.astype(float) ** 2).sum() ** 0.5):.6g}" for array in sizes]
        lines.append(f"{name:<16} {said[0]:>12} {said[1]:>12} {said[2]:>12}")
    return "\n".join(lines)
