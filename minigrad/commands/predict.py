"""minigrad predict: what a model that was kept says of new rows."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np

from .. import tabular
from ..atomic import atomic_write
from ..data import Table
from ..data.formats.records import as_delimiter
from ..data.formats.text import text_of
from ..tabular.judging import probabilities
from .choose_options import names
from .options import one_thread
from .show import check_model

DESCRIPTION = """Predict the rows of a CSV file by a model that minigrad train, cv or path has kept.

The file is read as the training file was: same columns in any order, same levels, decimals and words for
missing values; the target may be there or not. What is not as it was (a column that is missing, new or
renamed, a level that training did not see, words where numbers were) is an error by name, with the option
that takes it. The output has a line for each row, in the order of the input: the column of names of rows,
if there is one, and the prediction under the name of the target. Where the file has the target, too, the
scores go to standard error."""

EXAMPLES = """\
examples:
  minigrad predict houses-model new.csv
  minigrad predict houses-model new.csv --out prices.csv
  minigrad predict patients-model new.csv --proba --index patient --out risks.csv
  minigrad predict houses-model new.csv --rename Size=size --extra-columns ignore --handle-unknown ignore
  cat new.csv | minigrad predict houses-model -"""


def add_predict(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "predict",
        help="predict the rows of a CSV file by a model that was kept",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("model", type=Path, metavar="MODEL", help="the folder of a model, or its file .safetensors")
    command.add_argument("data", metavar="DATA", help="a CSV file, plain or gzipped; -: standard input")
    command.add_argument("--out", type=Path, metavar="FILE", help="where the rows go (default: standard output)")
    command.add_argument("--proba", action="store_true", help="a column for the probability of each class, too")
    rules = command.add_argument_group("what is not as it was in training")
    rules.add_argument(
        "--handle-unknown",
        choices=("error", "ignore", "missing"),
        help="a level that training did not see: an error (default), none of the levels, or a missing value",
    )
    rules.add_argument("--extra-columns", choices=("error", "ignore"), help="an error (default), or left out")
    rules.add_argument(
        "--missing-columns", choices=("error", "fill"), help="an error (default), or the mean of the training rows"
    )
    rules.add_argument(
        "--missing",
        choices=("error", "mean"),
        help="missing values: an error, or the mean of the training rows (default: as in training)",
    )
    rules.add_argument(
        "--rename", type=_renamed, action="append", metavar="NEW=OLD", help="the column NEW is what OLD was in training"
    )
    rules.add_argument("--no-score", action="store_true", help="leave the target out where the file has it")
    written = command.add_argument_group("the table, where it is written otherwise than the training file")
    written.add_argument("--index", metavar="NAME", help="the column of names of rows")
    written.add_argument("--delimiter", metavar="CHAR", help="between fields")
    written.add_argument("--decimal", choices=(".", ","), metavar="CHAR", help="before decimals")
    written.add_argument("--encoding", metavar="NAME", help="of the text")
    written.add_argument(
        "--na", type=names, action="extend", metavar="A,B", help="what means missing, as an empty field does"
    )
    command.set_defaults(run=run_predict)
    return command


def run_predict(options: argparse.Namespace) -> None:
    """minigrad predict."""
    one_thread(options)
    check_model(options.model, options.data)
    model = tabular.load(options.model)
    if options.proba and model.classes is None:
        raise ValueError(f"--proba: the model predicts numbers, {model.target}, and has no classes")
    if model.recipe is None:
        raise ValueError(f"{options.model}: the model was trained on a data set without a file, and reads none")
    if options.out is not None and options.data != "-" and options.out.exists() and options.out.samefile(options.data):
        raise ValueError(f"--out {options.out}: this is the file with the rows; name another")
    data = sys.stdin.buffer.read() if options.data == "-" else Path(options.data).read_bytes()
    name = "standard input" if options.data == "-" else options.data
    text = text_of(name, data, options.encoding or model.recipe.encoding)
    del data
    style = Style.of(options, model)
    with _output(options.out) as file:
        found = _written(model, model.read_in_parts(name, text, **_rules(options)), style, file)
    _tell(model, found, options.out)


class Style(NamedTuple):
    """How the output is written: as the input is."""

    delimiter: str
    decimal: str
    proba: bool

    @classmethod
    def of(cls, options: argparse.Namespace, model: tabular.Predictor) -> Style:
        """The delimiter and the decimal sign of the input; commas for runs of blanks."""
        recipe = model.recipe
        delimiter = as_delimiter(options.delimiter or (recipe.delimiter if recipe else ","))
        decimal = options.decimal or (recipe.decimal if recipe else ".")
        return cls("," if delimiter == " " else delimiter, decimal, options.proba)

    def number(self, value: float) -> str:
        """The shortest text that reads as the same number."""
        text = repr(float(value))
        return text.replace(".", ",") if self.decimal == "," else text


class Found(NamedTuple):
    """How many rows were written; outputs and targets, if there are any; and what was taken as something."""

    rows: int
    outputs: list[np.ndarray]
    targets: list[np.ndarray]
    weights: list[np.ndarray]
    notes: list[str]


def _rules(options: argparse.Namespace) -> dict[str, Any]:
    """The options of Recipe.read that were typed."""
    rules: dict[str, Any] = {"missing_target": "keep", "rename": dict(options.rename or ())}
    for name in (
        "handle_unknown",
        "extra_columns",
        "missing_columns",
        "missing",
        "index",
        "delimiter",
        "decimal",
        "na",
    ):
        if getattr(options, name) is not None:
            rules[name] = getattr(options, name)
    return rules | ({"target": False} if options.no_score else {})


def _written(model: tabular.Predictor, tables: Iterator[Table], style: Style, file: TextIO) -> Found:
    """Write the predictions of all tables."""
    writer = csv.writer(file, delimiter=style.delimiter, lineterminator="\n")
    rows, found = 0, Found(0, [], [], [], [])
    for table in tables:
        output = model.output(table)
        if not rows:
            writer.writerow(_head(model, table, style))
        writer.writerows(_lines(model, table, output, style))
        rows += len(table.x)
        found.notes.extend(note for note in table.notes if note not in found.notes)
        if table.y is not None:
            found.outputs.append(output)
            found.targets.append(table.y)
            if table.weights is not None:
                found.weights.append(table.weights)
    return found._replace(rows=rows)


def _head(model: tabular.Predictor, table: Table, style: Style) -> list[str]:
    index = [] if table.index is None else [table.index_name]
    classes = [] if model.classes is None or not style.proba else model.classes.tolist()
    return [*index, model.target, *(f"P({label})" for label in classes)]


def _lines(model: tabular.Predictor, table: Table, output: np.ndarray, style: Style) -> Iterator[list[str]]:
    """The fields of each row."""
    columns: list[list[str]] = [] if table.index is None else [table.index.tolist()]
    if model.classes is None:
        columns.append([style.number(value) for value in model.answers(output).tolist()])
    else:
        columns.append([str(label) for label in model.answers(output).tolist()])
        if style.proba:
            columns += [
                [style.number(p) for p in side] for side in probabilities(output, len(model.classes)).T.tolist()
            ]
    return map(list, zip(*columns))


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Where the rows go: a file, or standard output, which get all of it or, after an error, nothing."""
    if path is not None:
        with atomic_write(path) as raw:
            file = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            yield file
            file.flush()
            file.detach()
        return
    text = io.StringIO(newline="")
    yield text
    sys.stdout.write(text.getvalue())


def _tell(model: tabular.Predictor, found: Found, out: Path | None) -> None:
    """Notes, scores and the place of the rows, on standard error, so that standard output has the rows alone."""
    said = [f"note: {note}" for note in found.notes]
    if found.targets:
        y = np.concatenate(found.targets)
        weights = np.concatenate(found.weights) if found.weights else None
        try:
            there = model.rows_with_target(y)
            scores = model.scores(
                np.concatenate(found.outputs)[there], y[there], None if weights is None else weights[there]
            )
            told = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
            said.append(f"{int(there.sum())} rows have {model.target}: {told}")
        except ValueError:
            said.append(f"no row has {model.target}: no scores")
    if out is not None:
        said.append(f"{found.rows} row{'s' * (found.rows != 1)} written to {out}")
    for line in said:
        print(line, file=sys.stderr)


def _renamed(text: str) -> tuple[str, str]:
    new, sign, old = text.partition("=")
    if not (new and sign and old):
        raise argparse.ArgumentTypeError(f"{text!r}: need NEW=OLD, the name in this file and that in the training file")
    return new, old
