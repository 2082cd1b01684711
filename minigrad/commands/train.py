"""minigrad train: a model of a CSV file, kept in a folder."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from .. import tabular
from ..lab.pages.console import make_folder
from ..tabular.families import family_name, groups_of, typed
from ..tabular.keeping import FILE
from ..tabular.reopened import recorder
from ..tabular.settings import PICKS, Settings
from ..tabular.shown import scores, strengths, title, weights
from ..tabular.training import LOG, trained
from ..train import Progress
from . import choose_data
from .choose import inputs_of
from .choose_options import FILES, add_bounds, add_factors, add_family, add_table, positive, share
from .options import at_least, one_thread

LINES = 10  # of progress
RESUME = "unfinished"  # the folder within --out for what --resume goes on from

DESCRIPTION = f"""Train a model of a table and keep it with all that new rows need.

{FILES}.

A share of the rows (--test) is held out: the model is not trained on them, and scored on them at the
end. --model linear and logistic choose λ by cross-validation among the training rows, unless --lambda
or --l1 and --l2 say it. --model mlp is a network of relu units, trained by Adam until rows that are
set aside (--validation) stop improving."""

EXAMPLES = """\
examples:
  minigrad train houses.csv --target price --categorical town --out houses-model
  minigrad predict houses-model new.csv --out prices.csv
  minigrad show houses-model
  minigrad train patients.csv --target ill --categorical ill,sex --missing mean --pick 1se
  minigrad train houses.csv --target price --model mlp --hidden 64 64 --dropout 0.1 --l1 1e-4
  minigrad train claims.csv --target claims --family poisson --categorical all --penalty-groups all
  minigrad train haeuser.csv --target preis --delimiter ';' --decimal , --index nr"""


def add_train(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "train",
        help="train a model of a CSV file, and keep it",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("data", metavar="DATA", help="a CSV file, or the name of a data set")
    table = add_table(command)
    table.add_argument(
        "--fold-groups", metavar="NAME", help="a column of groups (a person, a day): each is wholly held out or not"
    )
    _add_model(command)
    add_network(command)
    command.add_argument("--test", type=part, metavar="SHARE", default=0.2, help="of rows held out (default: 0.2)")
    command.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of splits and networks (default: 0)")
    command.add_argument(
        "--out",
        type=Path,
        default=Path("minigrad-model"),
        metavar="FOLDER",
        help="where the model goes (default: ./minigrad-model)",
    )
    command.add_argument(
        "--resume",
        action="store_true",
        help="go on with a training of the same command that was interrupted, to the same bits",
    )
    command.add_argument(
        "--record",
        type=Path,
        metavar="FOLDER",
        help="--model mlp: keep the training there, at most 20 MB, for minigrad ask",
    )
    command.set_defaults(run=run_train, nested=False, warm_start=False)
    return command


def _add_model(command: argparse.ArgumentParser) -> None:
    """Which model, and its penalty."""
    model = command.add_argument_group("the model")
    model.add_argument(
        "--model",
        choices=("auto", "linear", "logistic", "mlp"),
        default="auto",
        help="auto (default): logistic for classes, else linear",
    )
    add_family(model)
    model.add_argument(
        "--lambda",
        dest="lam",
        type=_lambda,
        metavar="cv|NUMBER",
        help="strength of the penalty: by cross-validation (cv: default of linear and logistic), or a number",
    )
    model.add_argument(
        "--l1-ratio",
        type=share,
        metavar="R",
        help="l1 = λR, l2 = λ(1 - R); 1 (default): lasso, 0: ridge. With "
        "--penalty-groups: l1 = λR, λ(1 - R) on groups; 0 (default): group lasso",
    )
    model.add_argument("--l1", type=strength, metavar="NUMBER", help="l1 Σ|w|, instead of --lambda; mlp: exact zeros")
    model.add_argument("--l2", type=strength, metavar="NUMBER", help="l2/2 Σw², instead of --lambda")
    model.add_argument(
        "--pick", choices=PICKS, help="of cross-validation: the best mean (min, default), or the largest λ within one "
        "standard error of it (1se)",
    )  # fmt: skip
    model.add_argument("--count", type=at_least(2), default=50, metavar="N", help="λ to try (default: 50)")
    model.add_argument("--folds", dest="cv_folds", type=at_least(2), default=5, metavar="K", help="folds (default: 5)")
    model.add_argument(
        "--no-standardize",
        dest="standardize",
        action="store_false",
        help="linear, logistic: penalise columns as they are; the penalty then depends on their units",
    )
    model.add_argument(
        "--relax",
        action="store_true",
        help="linear, logistic: refit without penalty on the inputs that λ leaves in the model",
    )
    add_factors(model)
    add_bounds(model)


def add_network(command: argparse.ArgumentParser) -> None:
    """Options of networks alone."""
    network = command.add_argument_group("--model mlp")
    network.add_argument("--hidden", type=at_least(1), nargs="+", metavar="N", help="units of each layer (default: 64)")
    network.add_argument("--dropout", type=part, metavar="SHARE", help="behind each hidden layer (default: 0)")
    network.add_argument("--epochs", type=at_least(1), metavar="N", help="at most (default: 200)")
    network.add_argument("--lr", type=positive, metavar="RATE", help="step of Adam (default: 0.001)")
    network.add_argument("--batch-size", type=at_least(1), metavar="N", help="rows of an update (default: 32)")
    network.add_argument(
        "--validation",
        type=part,
        metavar="SHARE",
        help="of the training rows that tell when to stop (default: 0.1); 0: all epochs",
    )
    network.add_argument(
        "--patience", type=at_least(1), metavar="N", help="epochs without improvement to the end (default: 20)"
    )


def run_train(options: argparse.Namespace) -> None:
    """minigrad train."""
    one_thread(options)
    settings = settings_of(options)
    if settings.strengths is None:
        options.folds = options.cv_folds  # the rows are checked for as many
    if options.resume and (options.out / FILE).exists() and not _begun(options.out / RESUME):
        print(f"{options.out} holds a model that is finished; without --resume it is trained anew")
        return
    rows = choose_data.rows(options)
    if settings.model != "mlp":
        inputs = inputs_of(rows)  # what does not fit is said in the words of the command line
        family_name(settings, inputs, typed)
        groups_of(settings.penalty_groups or (), inputs, typed)
    elif settings.family != "auto":
        raise ValueError(f"--family {settings.family}: of linear models; leave it out, or leave out --model mlp")
    make_folder(options.out)
    _tell_rows(options, rows)
    replaced = (options.out / FILE).exists()
    model = _trained(options, settings, rows)
    model.save(options.out)
    shutil.rmtree(options.out / RESUME, ignore_errors=True)  # the model is kept: there is nothing to go on with
    blocks = [[*title(model), *strengths(model), *_notes(model)], weights(model), scores(model)]
    print("\n" + "\n\n".join("\n".join(block) for block in blocks if block))
    print(f"\nkept in {options.out}{', in place of the model that was there' if replaced else ''}")
    if model.recipe is not None:
        print(f"predict new rows: minigrad predict {options.out} new.csv --out rows.csv")
    if options.record is not None:
        print(f"ask what happened inside: minigrad ask {options.record} why-zero 0.weight 0 0 --data {options.data}")
    print(f"look at it again: minigrad show {options.out}")


def _tell_rows(options: argparse.Namespace, rows: choose_data.Rows) -> None:
    """What will be trained on. ValueError where an interrupted training waits to be gone on with."""
    folder = options.out / RESUME
    begun = _begun(folder)
    if begun and not options.resume:
        raise ValueError(
            f"{folder} holds a training that was interrupted: --resume goes on with it; or delete this folder, or name "
            "another --out"
        )
    print(f"{rows.title}: {len(rows.x)} rows, {len(rows.names)} inputs", flush=True)
    for note in rows.notes:
        print(f"note: {note}")
    if options.resume:
        print(f"going on with {folder}" if begun else "nothing to go on with yet: training begins anew", flush=True)


def _trained(options: argparse.Namespace, settings: Settings, rows: choose_data.Rows) -> tabular.Predictor:
    """The model. After Ctrl-C, how to go on."""
    assert rows.table is not None
    name = options.data if rows.table.recipe is None else Path(options.data).name
    recording = [] if options.record is None else [recorder(options.record, rows.table, settings, name)]
    progress = [Progress(every=max(1, settings.epochs // LINES))] if settings.model == "mlp" else []
    folder = options.out / RESUME
    begun = _begun(folder)
    try:
        return trained(rows.table, settings, [*progress, *recording], name, folder, progress=None)
    except KeyboardInterrupt:
        if _begun(folder):
            print("\nminigrad train: the same command with --resume goes on from here", file=sys.stderr)
        raise
    except Exception:
        if not begun:  # what failed from its beginning on is nothing to go on with
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _begun(folder: Path) -> bool:
    """Whether there is something to go on with: a checkpoint, or a finished fold below the head of a log."""
    log = folder / LOG
    return any(folder.glob("*.safetensors")) or (log.exists() and log.read_bytes().count(b"\n") > 1)


def _notes(model: tabular.Predictor) -> list[str]:
    return [f"note: {note}" for note in model.about.get("notes", [])]


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that were typed. ValueError for options of λ that do not go together."""
    if options.lam is not None and (options.l1 is not None or options.l2 is not None):
        raise ValueError(
            "--lambda and --l1 or --l2: λ means l1 = λR and l2 = λ(1 - R) with R of --l1-ratio; name one of both"
        )
    given: dict[str, Any] = {"model": options.model, "test": options.test, "seed": options.seed, "count": options.count}
    given |= {"folds": options.cv_folds, "standardize": options.standardize}
    for name in (
        "lam",
        "l1_ratio",
        "l1",
        "l2",
        "pick",
        "dropout",
        "epochs",
        "lr",
        "batch_size",
        "patience",
        "validation",
        "penalty_factor",
        "lower",
        "upper",
        "family",
        "penalty_groups",
        "huber_threshold",
        "relax",
    ):
        if getattr(options, name, None) is not None:  # diagnose has not all of them
            given[name] = getattr(options, name)
    return Settings.of(options.hidden or (64,), **given)


def _lambda(text: str) -> Any:
    return "cv" if text == "cv" else strength(text)


def strength(text: str) -> float:
    return _at_least_0(text, "a number of at least 0", float("inf"))


def part(text: str) -> float:
    return _at_least_0(text, "a share from 0 to below 1", 1.0)


def _at_least_0(text: str, wanted: str, below: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < below:
        raise argparse.ArgumentTypeError(f"{text!r}: need {wanted}")
    return value
