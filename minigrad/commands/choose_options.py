"""The options of `minigrad cv`, `minigrad path`, `minigrad stability` and `minigrad tune`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ..tabular.families import FAMILIES
from .options import at_least

FILES = """\
DATA is a CSV file, plain or gzipped, or one of digits, mnist, regression, blobs, moons, spirals
(./digits: a file of such a name).

A CSV file has a header line; UTF-8; quotes as usual. Every column is numeric, with a decimal point, or
TRUE and FALSE, unless --categorical names it: each of its levels then becomes a column of 0 and 1. A
categorical target holds classes. A first column without a name, as pandas and R write it, is left out.
Empty fields, NA, N/A, NaN, null and ? are missing (--na names others): an error by default, with
--missing mean the mean of the column in the training rows"""

DATA = f"""{FILES} of each fold. Standardisation, too, is
fitted on training rows only. After the errors or the path come the coefficients by name. The folder
of --out also keeps the model of all rows (of cv: at both picks) for minigrad predict and show."""

HALVES = f"""{FILES} of each half. Half of the rows are drawn again
and again, and a model is fitted on them at every λ. An input that most halves pick is stable, and the
mean number of false ones among these has a bound (Meinshausen, Bühlmann 2010)."""

TUNED = f"""{FILES} (of cv and train; not here).

Every strength is followed down the slope of the error of held-out rows, which is exact: strengths of
L1 and of L2 (the ratio is tuned, too), of each column, or of each input. It starts at the best λ of a
grid and never ends above it. The folder of --out keeps the model of all rows for minigrad predict and show."""

EPOCHS = {
    "cv": "the most epochs at a λ (default: 200); with --warm-start, epochs at every λ (default: 10)",
    "path": "epochs at every λ, each going on from the last, five times as many at the first (default: 10)",
}
WARM = (
    "each λ goes on from the network of the last, from dense to sparse, faster, but it mixes λ with training time; "
    "default: each λ starts afresh and trains until a tenth of its training rows stops improving"
)

EXAMPLES = {
    "cv": """\
examples:
  minigrad cv houses.csv --target price --categorical town,kind
  minigrad cv patients.csv --target outcome --categorical outcome --missing mean --nested
  minigrad cv claims.csv --target claims --family poisson --categorical all --penalty-groups all
  minigrad cv visits.csv --target dose --fold-groups patient --na=-999,. --missing mean
  minigrad cv digits --model mlp --epochs 5 --count 12 --jobs 2 --log sweep.jsonl""",
    "path": """\
examples:
  minigrad path houses.csv --target price --categorical town,kind
  minigrad path regression --l1-ratio 0.5""",
    "stability": """\
examples:
  minigrad stability genes.csv --target response --bound 1
  minigrad stability patients.csv --target outcome --categorical outcome --cutoff 0.9 --unimodal""",
    "tune": """\
examples:
  minigrad tune houses.csv --target price --categorical town
  minigrad tune houses.csv --target price --categorical town --per column --nested
  minigrad tune patients.csv --target outcome --categorical outcome --l1-ratio 0 --per input""",
}


def add(commands: argparse._SubParsersAction, name: str, run: Callable) -> argparse.ArgumentParser:
    """The command `cv`, `path`, `stability` or `tune`, which `run` serves."""
    what = {
        "cv": "choose λ by cross-validation, on a CSV file or a named data set",
        "path": "fit a model at every λ, on a CSV file or a named data set",
        "stability": "find the inputs that halves of the rows agree on, in a CSV file or a named data set",
        "tune": "follow several strengths down the slope of the held-out error, on a CSV file or a named data set",
    }[name]
    of_command = {"stability": HALVES, "tune": TUNED}
    command = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.\n\n{of_command.get(name, DATA)}",
        epilog=EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("data", metavar="DATA", help="a CSV file, or the name of a data set")
    add_table(command)
    _add_model(command, name)
    if name != "tune":
        _add_grid(command)
    if name == "cv":
        _add_folds(command)
    command.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of folds and networks (default: 0)")
    command.add_argument(
        "--out",
        type=Path,
        default=Path(f"minigrad-{name}"),
        metavar="FOLDER",
        help=f"where table, JSON, figures and report go (default: ./minigrad-{name})",
    )
    command.add_argument("--no-figures", action="store_true", help="tables only, without matplotlib")
    command.set_defaults(run=run)
    return command


def _add_model(command: argparse.ArgumentParser, name: str) -> None:
    """Which model is fitted, and how."""
    model = command.add_argument_group("the model")
    model.add_argument(
        "--model",
        choices=("auto", "linear", "logistic", "mlp"),
        default="auto",
        help="auto (default): logistic for classes, else linear",
    )
    add_family(model)
    model.add_argument(
        "--l1-ratio",
        type=share,
        metavar="R",
        help="linear, logistic: l1 = λR, l2 = λ(1 - R); 1 (default): lasso, 0: ridge. With --penalty-groups: l1 = λR, "
        "λ(1 - R) on groups; 0 (default): group lasso",
    )
    model.add_argument(
        "--no-standardize",
        dest="standardize",
        action="store_false",
        help="leave the columns as they are; the penalty then depends on their units",
    )
    add_factors(model)
    add_bounds(model)
    if name == "tune":  # it has no networks
        model.set_defaults(warm_start=False, hidden=None, epochs=None, lr=None)
        return
    model.add_argument("--hidden", type=at_least(1), metavar="N", help="mlp: hidden units (default: 32)")
    if name == "cv":
        model.add_argument("--epochs", type=at_least(1), metavar="N", help=f"mlp: {EPOCHS['cv']}")
        model.add_argument("--warm-start", action="store_true", help=f"mlp: {WARM}")
    else:
        model.add_argument("--epochs", type=at_least(1), metavar="N", help=f"mlp: {EPOCHS['path']}")
        model.set_defaults(warm_start=True)
    model.add_argument("--lr", type=positive, metavar="RATE", help="mlp: step of Adam (default: 0.001)")


def add_family(model: argparse._ArgumentGroup) -> None:
    """The loss of linear models, and the groups of their penalty."""
    model.add_argument(
        "--family",
        choices=FAMILIES,
        default="auto",
        help="of linear models: gaussian (numbers), binomial (two classes), multinomial (classes), poisson (counts), "
        "huber (numbers, robust against outliers); auto (default): by the target",
    )
    model.add_argument(
        "--huber-threshold",
        type=positive,
        metavar="K",
        help="huber: the residual beyond which errors are absolute, in units of the target (default: 1.35 robust "
        "scales of the target)",
    )
    model.add_argument(
        "--penalty-groups",
        type=names,
        action="extend",
        metavar="A+B,C",
        help="columns that enter together: A with B; C, a column of words, with all of its levels. all: every column "
        "of words",
    )


def add_factors(model: argparse._ArgumentGroup) -> None:
    """How much columns are penalized."""
    model.add_argument(
        "--penalty-factor",
        type=factors,
        action="extend",
        metavar="A=F,B=F",
        help="linear, logistic: how much a column is penalized, beside 1 for the others; 0: never. A column of words: "
        "all of its levels",
    )


def add_bounds(model: argparse._ArgumentGroup) -> None:
    """Bounds of coefficients."""
    for side, limit, example in (("lower", "at most 0", "0: none is negative"), ("upper", "at least 0", "age=0")):
        model.add_argument(
            f"--{side}",
            type=bounds(side),
            action="extend",
            metavar="V|A=V,B=V",
            help=f"linear, logistic: the {'least' if side == 'lower' else 'largest'} coefficient, in the units of the "
            f"data, {limit}: of all columns, or of those named ({example})",
        )


def _add_grid(command: argparse.ArgumentParser) -> None:
    """The λ that are tried."""
    grid = command.add_argument_group("λ")
    grid.add_argument("--count", type=at_least(2), default=50, metavar="N", help="λ to try (default: 50)")
    grid.add_argument(
        "--ratio",
        type=_below_one,
        metavar="R",
        help="the least λ over λ_max, at which all weights are 0 (default: 0.001)",
    )


def add_table(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """What a CSV file holds, and how it is written; the group of these options."""
    table = command.add_argument_group("the table")
    table.add_argument("--target", metavar="NAME", help="the column to predict (default: the last)")
    table.add_argument(
        "--categorical",
        type=names,
        action="extend",
        metavar="A,B",
        help="columns of words; all: every column of words",
    )
    table.add_argument(
        "--ignore", type=names, action="extend", metavar="A,B", help="columns to leave out; '': those without a name"
    )
    table.add_argument(
        "--missing",
        choices=("error", "mean"),
        default="error",
        help="missing values: an error (default), or the mean of the training rows",
    )
    table.add_argument(
        "--missing-target",
        choices=("error", "drop"),
        metavar="drop",
        help="leave out rows without a target, with a note",
    )
    table.add_argument(
        "--na",
        type=names,
        action="extend",
        metavar="A,B",
        help="what means missing, as an empty field does: --na=-,. (default: NA,?,NaN,...)",
    )
    _add_beside(table)
    table.add_argument(
        "--delimiter", metavar="CHAR", help="between fields; '\\t': a tab, ' ': runs of blanks (default: a comma)"
    )
    table.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="line 1 holds names, even numbers; or it is data, and columns are c1, c2, ...",
    )
    table.add_argument("--decimal", choices=(".", ","), metavar="CHAR", help="before decimals: . (default) or ,")
    table.add_argument("--encoding", metavar="NAME", help="of the text: utf-8 (default), cp1252, ...")
    return table


def _add_beside(table: argparse._ArgumentGroup) -> None:
    """Columns that say something of the rows, and are no inputs."""
    table.add_argument("--index", metavar="NAME", help="a column of names of rows, which is no input")
    table.add_argument("--weights", metavar="NAME", help="a column of weights of rows (cv, path: linear and logistic)")
    table.add_argument(
        "--offset",
        metavar="NAME",
        help="linear, logistic: a column that is a known part of each prediction (logit), and no input",
    )


def add_parts(folds: argparse._ArgumentGroup) -> None:
    """How many folds, and what stays together."""
    folds.add_argument("--folds", type=at_least(2), default=5, metavar="K", help="folds (default: 5)")
    folds.add_argument(
        "--fold-groups", metavar="NAME", help="a column of groups (a person, a day): each is wholly in one fold"
    )


def _add_folds(command: argparse.ArgumentParser) -> None:
    """Folds, scores and the log of cross-validation."""
    folds = command.add_argument_group("cross-validation")
    add_parts(folds)
    folds.add_argument("--repeats", type=at_least(1), default=1, metavar="N", help="in other orders (default: 1)")
    folds.add_argument(
        "--score",
        choices=("mse", "log_loss", "accuracy", "poisson_deviance", "huber"),
        help="default: mse; log_loss of classes; of poisson and huber their own",
    )
    folds.add_argument(
        "--relax",
        action="store_true",
        help="linear, logistic: refit both picks without penalty on the inputs that they use; errors by folds, too",
    )
    folds.add_argument("--nested", action="store_true", help="an honest figure: λ chosen anew in outer folds")
    folds.add_argument(
        "--jobs",
        type=jobs,
        default=1,
        metavar="N",
        help="processes, -1: all cores; needs joblib; same result (default: 1)",
    )
    folds.add_argument("--log", type=Path, metavar="FILE", help="note finished folds here; the same command resumes")


def _number(text: str, wanted: str, fits: Callable[[float], bool]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r}: need {wanted}")
    return value


def share(text: str) -> float:
    return _number(text, "a number from 0 (ridge) to 1 (lasso)", lambda value: 0 <= value <= 1)


def _below_one(text: str) -> float:
    return _number(text, "a number above 0 and below 1", lambda value: 1e-300 <= value < 1)


def positive(text: str) -> float:
    return _number(text, "a number above 0", lambda value: 0 < value < float("inf"))


def jobs(text: str) -> int:
    return int(
        _number(
            text,
            "-1 for all cores, or a whole number above 0",
            lambda value: value == int(value or 0) != 0 if abs(value) < 1e6 else False,
        )
    )


def factors(text: str) -> list[tuple[str, float]]:
    """What is penalized, and how much, from words such as age=0,town=2.

    >>> factors("age=0, town=2.5")
    [('age', 0.0), ('town', 2.5)]
    """
    found = []
    for each in names(text):
        name, equals, number = each.rpartition("=")
        try:
            factor = float(number)
        except ValueError:
            factor = -1.0
        if not equals or not 0 <= factor < float("inf"):
            raise argparse.ArgumentTypeError(f"{each!r}: need a column, =, and a number of at least 0, as in age=0")
        found.append((name, factor))
    return found


def bounds(side: str) -> Callable[[str], list[tuple[str | None, float]]]:
    """What reads the bounds on a side: words such as 0, age=0,town=-2, or 0,age=-inf; None names all columns.

    >>> bounds("lower")("0,age=-2.5")
    [(None, 0.0), ('age', -2.5)]
    """

    def read(text: str) -> list[tuple[str | None, float]]:
        found = []
        for each in names(text):
            name, equals, number = each.rpartition("=")
            try:
                value = float(number)
            except ValueError:
                value = float("nan")
            if not (value <= 0 if side == "lower" else value >= 0) or (equals and not name):
                limit = "at most 0" if side == "lower" else "at least 0"
                example = "0 or age=-2" if side == "lower" else "1 or age=0"
                raise argparse.ArgumentTypeError(
                    f"{each!r}: need a number of {limit}, or a column, =, and such a number, as in {example}"
                )
            found.append((name if equals else None, value))
        return found

    return read


def names(text: str) -> tuple[str, ...]:
    """The names between commas; a name that holds a comma stands in double quotes. '' is one name, the empty one.

    >>> names('town, "size, m2"'), names("")
    (('town', 'size, m2'), ('',))
    """
    import csv

    names = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))
    return tuple(filter(None, names)) or ("",)
