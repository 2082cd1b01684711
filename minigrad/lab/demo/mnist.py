"""The network of article 000 on MNIST, with its L2 penalty as its formula says and as its code computes.

The formula is (λ/2) Σw², the code `regularizers.l2(λ)` is λ Σw²: with λ = 0.001 the canonical l2 is 0.001 and 0.002, on
all variables, biases included. The network is 784-64-64-10 with relu, Glorot uniform weights and zero biases; inputs
are divided by 255; Adam has eps 1e-7.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ... import kernels, nn, optim, reg, rng
from ...data import Split, load_mnist
from ...insight.plotting import several
from ...ops.losses.classes import cross_entropy
from ...train import History, accuracy, fit
from ..pages import figures, weight_figures
from ..pages.report import Report
from ..pages.statistics import mean, paired_gain, spread
from ..pages.tables import as_text

LAMBDA, EPOCHS, BATCH, SEEDS, QUICK_ROWS = 0.001, 10, 32, 3, 2000
CONVENTIONS = {
    "formula, (λ/2) Σw²": reg.conventions.article_000_l2(LAMBDA),
    "code, λ Σw²": reg.conventions.article_000_l2_code(LAMBDA),
}


class Trained(NamedTuple):
    """One run: its history, and the seconds of training with validation."""

    seed: int
    history: History
    seconds: float


def network(inputs: int = 784) -> nn.Sequential:
    """784-64-64-10; it ends in logits, where the article applies softmax twice."""
    return nn.Sequential(
        nn.Linear(inputs, 64, activation="relu"),
        nn.Linear(64, 64, activation="relu"),
        nn.Linear(64, 10),
    )


def train_one(data: Split, term: Any, seed: int, epochs: int, selector: Any = reg.everything) -> Trained:
    """Train on data.train, the penalty in the update; validate on data.test after each epoch, as the article does."""
    rng.manual_seed(seed)
    model = network(data.train.x.shape[1])
    penalty = None if term is None else reg.on(model, {"L2": (selector, term)})
    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7, penalty=penalty)
    start = time.perf_counter()
    history = fit(
        model,
        data.train,
        cross_entropy,
        optimizer,
        epochs=epochs,
        batch_size=BATCH,
        validation_data=data.test,
        metrics=[accuracy],
        seed=seed,
        compile="quiet",
    )
    return Trained(seed, history, time.perf_counter() - start)


def run(data: Split, seeds: Sequence[int], epochs: int) -> dict[str, list[Trained]]:
    """Both conventions on every seed; the first seed of each prints a line per epoch."""
    results: dict[str, list[Trained]] = {}
    for name, term in CONVENTIONS.items():
        results[name] = []
        for seed in seeds:
            done = train_one(data, term, seed, epochs)
            results[name].append(done)
            if seed == seeds[0]:
                print(f"\n{name}: {term.name} on all variables, seed {seed}\n{done.history.table()}", flush=True)
            else:
                print(
                    f"seed {seed}: test accuracy {done.history.last['val_accuracy']:.2%}, {done.seconds:.1f} s",
                    flush=True,
                )
    return results


HEAD = ("convention", "train accuracy", "test accuracy", "train loss", "test loss", "penalty", "seconds")


def table(results: dict[str, list[Trained]]) -> list[list[str]]:
    """A row per convention under HEAD: the last epoch, mean ± standard deviation over seeds."""

    def over_seeds(runs: list[Trained], column: str, scale: float, digits: int) -> str:
        values = [scale * r.history.last[column] for r in runs]
        return f"{mean(values):.{digits}f}" + (f" ± {spread(values):.{digits}f}" if len(values) > 1 else "")

    return [
        [
            name,
            over_seeds(runs, "accuracy", 100, 2),
            over_seeds(runs, "val_accuracy", 100, 2),
            over_seeds(runs, "loss", 1, 4),
            over_seeds(runs, "val_loss", 1, 4),
            over_seeds(runs, "val_L2", 1, 4),
            f"{mean([r.seconds for r in runs]):.1f}",
        ]
        for name, runs in results.items()
    ]


def main(options: argparse.Namespace) -> None:
    """The command `minigrad demo --data mnist`."""
    start = time.perf_counter()
    try:
        data = load_mnist(download=options.download)
    except FileNotFoundError as missing:
        raise FileNotFoundError(f"{missing} On the command line: --download.") from None
    if options.quick:
        data = Split(*(type(part)(part.x[:QUICK_ROWS], part.y[:QUICK_ROWS]) for part in data))
    seeds = range(options.seeds or (1 if options.quick else SEEDS))
    epochs = options.epochs or (1 if options.quick else EPOCHS)
    print(
        f"article 000's network on MNIST, {len(data.train.x)} rows, {several(len(seeds), 'seed')}, {several(epochs, 'epoch')} of batches of "
        f"{BATCH}"
    )
    results = run(data, seeds, epochs)
    print(f"\n{as_text(HEAD, table(results))}")
    print(
        "last epoch, mean ± standard deviation over seeds; train: means over the batches of the epoch; accuracies in %"
    )
    path = write(results, options.out, figures.wanted(options), len(data.train.x))
    numbers = {
        name: [{"seed": r.seed, "seconds": r.seconds, "epochs": r.history.rows} for r in runs]
        for name, runs in results.items()
    }
    (options.out / "mnist.json").write_text(json.dumps(numbers, indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"\nreport: {path.resolve()}   ({time.perf_counter() - start:.1f} s)")


def write(results: dict[str, list[Trained]], folder: Path, drawn: bool, rows: int) -> Path:
    """The report of the run in the folder, as mnist.html; its path."""
    first = next(iter(results.values()))
    epochs = len(first[0].history)
    report = Report(
        "Article 000's network, and the factor 2 in its penalty",
        f"MNIST, {rows} training rows, {several(len(first), 'seed')}, {several(epochs, 'epoch')}. {kernels.backend()} kernels, "
        f"{kernels.cpu_variant()}, on {platform.machine()}.",
    )
    report.text(
        "The article writes its penalty as (λ/2) Σw² and computes it as `regularizers.l2(λ)`, which is λ Σw². One λ, "
        "two strengths: in the canonical form (l2/2) Σw² they are l2 = 0.001 and l2 = 0.002. Everything else is the "
        "same: 784-64-64-10, relu, Adam with eps 1e-7, batches of 32, all variables penalised, biases included."
    )
    report.table(HEAD, table(results))
    report.note(
        "Last epoch, mean ± standard deviation over seeds; training values are means over the batches of the epoch."
    )
    formula, code = ([100 * r.history.last["val_accuracy"] for r in runs] for runs in results.values())
    gain = paired_gain(formula, code)
    shown = "which is above 0" if gain.verdict == "higher" else "which does not show that the formula is better"
    report.text(
        f"At the last epoch the formula's network reads {mean(formula):.2f}% of the test digits, the code's "
        f"{mean(code):.2f}%. "
        + (
            f"The difference, seed by seed, is {gain.mean:+.2f} ± {gain.half:.2f} points (95%, paired t), {shown}. "
            if len(formula) > 1
            else "One seed gives no interval. "
        )
        + "The article watches the test rows as its validation data, and so does this table; nothing was chosen by "
        "them."
    )
    if drawn:
        _curves(report, results, folder)
    return report.write(folder / "mnist.html")


def _curves(report: Report, results: dict[str, list[Trained]], folder: Path) -> None:
    curves = {
        name: {column: [r.history[key] for r in runs] for column, key in (("training", "loss"), ("test", "val_loss"))}
        for name, runs in results.items()
    }
    ends = [[mean([run[-1] for run in runs]) for runs in losses.values()] for losses in curves.values()]
    report.section("The data loss")
    svg = figures.learning_curves(
        curves, 1.1 * max(max(run) for losses in curves.values() for runs in losses.values() for run in runs)
    )
    (folder / "mnist-curves.svg").write_bytes(svg)
    report.figure(
        svg,
        "Data loss of training and test rows over the epochs, for both conventions",
        "The mean over seeds, and a band of one standard deviation. Shaded: the gap; the ring: the least test loss.",
    )
    report.text(
        f"The data loss alone. At the end it is {ends[0][0]:.3f} on the training rows and {ends[0][1]:.3f} on the test "
        f"rows by the formula, {ends[1][0]:.3f} and {ends[1][1]:.3f} by the code: look at the gap between training and "
        "test, and at what it costs in fit to close it with twice the penalty."
    )
    report.section("The penalty by itself")
    values = {name: [r.history["L2"] for r in runs] for name, runs in results.items()}
    svg = weight_figures.penalty_curves(values)
    (folder / "mnist-penalties.svg").write_bytes(svg)
    report.figure(svg, "The penalty over the epochs, for both conventions")
    formula, code = (mean([run[-1] for run in runs]) for runs in values.values())
    report.text(
        f"The penalty ends at {formula:.3f} by the formula and at {code:.3f} by the code, which is "
        f"{code / formula:.2f} times as much and not twice, since the weights give way. A single curve of loss plus "
        "penalty, as Keras reports it, would not show which of the two moves."
    )
