"""The command `minigrad demo`: train, print the table, write the report: figures, and what the measured numbers say."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ... import kernels
from ...data import load_digits
from ...insight.plotting import several
from ..pages import figures, weight_figures
from ..pages.report import Report
from ..pages.statistics import Gain, mean, paired_gain
from ..pages.tables import as_text
from .experiment import EPOCHS, HEAD, METHODS, NOISE, TRAIN_ROWS, Result, numbers, run, table

Results = dict[str, list[Result]]
CONTROL, PRIMARY = "none", "L2"
NEAR = 0.001  # a weight is near 0 below this, and not 0


def main(options: argparse.Namespace) -> None:
    """The command `minigrad demo`."""
    start = time.perf_counter()
    seeds = range(options.seeds or (2 if options.quick else 10))
    epochs = options.epochs or (4 if options.quick else EPOCHS)
    print(
        f"{TRAIN_ROWS} handwritten digits, {NOISE:.0%} of their labels wrong; {len(METHODS)} methods, "
        f"{several(len(seeds), 'seed')}, {several(epochs, 'epoch')}"
    )
    results = run(seeds, epochs)
    print("\n" + as_text(HEAD, table(results)))
    print(
        "accuracies in %; the training labels are the noisy ones, the test labels clean; ± standard deviation over "
        "seeds"
    )
    path = write(results, options.out, figures.wanted(options), time.perf_counter() - start)
    (options.out / "results.json").write_text(json.dumps(numbers(results), indent=1))
    print(f"\nreport: {path.resolve()}   ({time.perf_counter() - start:.1f} s)")


def write(results: Results, folder: Path, drawn: bool, seconds: float) -> Path:
    """Write report.html, and the figures as SVG files, into the folder; the path of the report."""
    seeds, epochs = len(results[CONTROL]), len(results[CONTROL][0].history)
    report = Report(
        "What regularization does to one network",
        f"{TRAIN_ROWS} handwritten digits, {NOISE:.0%} of the training labels wrong, {several(seeds, 'seed')}, {several(epochs, 'epoch')}. "
        f"{kernels.backend()} kernels, {kernels.cpu_variant()}, on {platform.machine()}; {seconds:.0f} s.",
    )
    if epochs < EPOCHS:
        report.text(
            f"A short run: λ and p were found for {EPOCHS} epochs, and after {several(epochs, 'epoch')} a network has hardly begun to "
            "learn by heart. Read nothing into the numbers."
        )
    report.text(
        f"One network (64-128-128-10, relu, Adam) learns to read digits of 8 x 8 pixels from {TRAIN_ROWS} examples. "
        f"{NOISE:.0%} of their labels were replaced by a wrong one, so a network that fits its training data perfectly "
        "has learnt mistakes by heart. The test digits have clean labels. Each method starts, seed by seed, from the "
        "same weights and sees the same rows in the same order."
    )
    settings = [f"{method.name}: {method.setting}" for method in METHODS if method.name != CONTROL]
    report.text(
        f"The settings are {'; '.join(settings)}. L1(λ) means λ Σ|w|, L2(λ) means (λ/2) Σw², on all weights and no "
        "bias. They were chosen on other seeds, which draw other splits, noise and starts, but from the same 1,797 "
        "digits."
    )
    report.section("The table")
    report.table(HEAD, table(results))
    report.note(
        "Accuracies in %, mean ± standard deviation over seeds, in eval mode after the last epoch; training accuracy "
        "and loss against the noisy labels. Loss is the data loss alone. Exact zeros among the weights whose input "
        "varies."
    )
    report.text(_table_says(results))
    for section in (_gains, _curves, _penalties, _histograms, _images):
        section(report, results, folder, drawn)
    if not drawn:
        report.note("Figures were left out. With matplotlib (pip install 'minigrad[figures]') the report shows them.")
    return report.write(folder / "report.html")


def _figure(report: Report, folder: Path, name: str, description: str, svg: bytes, caption: str) -> None:
    (folder / f"{name}.svg").write_bytes(svg)
    report.figure(svg, description, caption)


def _average(runs: Sequence[Result], value: Callable[[Result], float]) -> float:
    return mean([value(r) for r in runs])


def _table_says(results: Results) -> str:
    control = results[CONTROL]
    train, test = _average(control, lambda r: r.train["accuracy"]), _average(control, lambda r: r.test["accuracy"])
    best = max(results, key=lambda name: _average(results[name], lambda r: r.test["accuracy"]))
    reached = _average(results[best], lambda r: r.test["accuracy"])
    return (
        f"Without a penalty the network agrees with {train:.1%} of its training labels and reads {test:.1%} of the "
        f"test digits. A perfect reader would agree with {1 - NOISE:.0%} of the training labels, since the others are "
        f"wrong: what lies above was learnt by heart. The highest mean test accuracy is {reached:.1%}, that of {best}."
    )


def gains(results: Results, measure: str, scale: float = 1.0) -> dict[str, Gain]:
    """The paired gain of every method over the control, in a measure of the test data."""
    control = [scale * r.test[measure] for r in results[CONTROL]]
    return {
        name: paired_gain([scale * r.test[measure] for r in runs], control)
        for name, runs in results.items()
        if name != CONTROL
    }


def differences(results: Results, measure: str, scale: float = 1.0) -> dict[str, list[float]]:
    """The gains of every method over the control, seed by seed."""
    return {
        name: [scale * (r.test[measure] - control.test[measure]) for r, control in zip(runs, results[CONTROL])]
        for name, runs in results.items()
        if name != CONTROL
    }


def _interval(gain: Gain, unit: str) -> str:
    return f"{gain.mean:+.2f} ± {gain.half:.2f}{unit}" if gain.half == gain.half else f"{gain.mean:+.2f}{unit}"


def _gains(report: Report, results: Results, folder: Path, drawn: bool) -> None:
    accuracy, loss = gains(results, "accuracy", 100.0), gains(results, "loss")
    report.section("Gains over no penalty, in pairs")
    if drawn:
        panels = {"gain in test accuracy (points)": accuracy, "change of test loss": loss}
        seeds = dict(zip(panels, (differences(results, "accuracy", 100.0), differences(results, "loss"))))
        svg = figures.gain_intervals(panels, dict(zip(panels, (1, -1))), seeds)
        _figure(
            report,
            folder,
            "gains",
            "Paired gains of each method with 95% intervals, the best on top",
            svg,
            "Green triangles: better than no penalty; dark red ones: worse; hollow circles: the interval contains 0. The "
            "small dots are the seeds.",
        )
    else:
        rows = [[name, _interval(accuracy[name], ""), _interval(loss[name], "")] for name in accuracy]
        report.table(("method", "test accuracy (points)", "test loss"), rows)
    pairs = len(results[CONTROL])
    if pairs < 2:
        report.text("One seed gives no interval: run with more seeds.")
        return
    report.text(
        f"Each gain is the mean over {several(pairs, 'seed')} of (method - no penalty) on the same seed, with its 95% interval "
        "(paired t). One comparison was named "
        f"beforehand, {PRIMARY} against no penalty: {_interval(accuracy[PRIMARY], ' points')} of test accuracy. "
        f"{_excludes(accuracy)} {_others(accuracy)} {_loss_says(accuracy, loss)} The intervals are not corrected for "
        "their number, and all seeds share 1,797 digits: they speak of other splits, noise and starts, not of other "
        "people's handwriting."
    )


def _excludes(accuracy: dict[str, Gain]) -> str:
    words = {
        "higher": "The interval lies above 0: it helps here.",
        "lower": "The interval lies below 0: it harms here.",
        "undecided": "The interval does not exclude 0: this run does not show that it helps.",
    }
    return words[accuracy[PRIMARY].verdict]


def _others(accuracy: dict[str, Gain]) -> str:
    texts = []
    for verdict, words in (
        ("higher", "above 0 for"),
        ("lower", "below 0 for"),
        ("undecided", "on both sides of 0 for"),
    ):
        names = [name for name, gain in accuracy.items() if gain.verdict == verdict and name != PRIMARY]
        if names:
            texts.append(f"{words} {_listed(names)}")
    return f"Of the others, the interval lies {'; '.join(texts)}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _loss_says(accuracy: dict[str, Gain], loss: dict[str, Gain]) -> str:
    mixed = [n for n in accuracy if accuracy[n].verdict == "higher" and loss[n].verdict != "lower"]
    if not mixed:
        return "Wherever the accuracy is shown to rise, the test loss is shown to fall."
    return (
        f"With {_listed(mixed)} the accuracy rises, but the test loss is not shown to fall: a strong penalty keeps the "
        "network unsure of what it gets right, and the loss charges for that."
    )


def _curves(report: Report, results: Results, folder: Path, drawn: bool) -> None:
    losses = {
        name: {
            "training rows, noisy labels": [r.history["loss"] for r in runs],
            "test rows, clean labels": [r.history["val_loss"] for r in runs],
        }
        for name, runs in results.items()
    }
    report.section("Learning curves: the data loss")
    if drawn:
        top = max(np.mean(runs, 0).max() for pair in losses.values() for runs in pair.values())
        _figure(
            report,
            folder,
            "curves",
            "Data loss on training and test rows over the epochs, one panel per method",
            figures.learning_curves(losses, 1.05 * top, CONTROL),
            "The mean over seeds, and a band of one standard deviation. Shaded: the gap between test and training rows; "
            f"the ring: the least test loss; dotted: the test loss of {CONTROL}.",
        )
    control = np.mean(losses[CONTROL]["test rows, clean labels"], 0)
    low = int(control.argmin())
    report.text(
        "The data loss alone, without the value of any penalty. With no penalty in training the "
        f"test loss is lowest at epoch {low + 1} ({control[low]:.2f}) and {control[-1]:.2f} at the end, while the "
        f"training loss ends at {np.mean(losses[CONTROL]['training rows, noisy labels'], 0)[-1]:.2f}: the gap is what "
        "was learnt by heart. A training curve with dropout is measured with its units dropped, so it lies higher than "
        "the same network in eval mode (the table)."
    )


def _penalties(report: Report, results: Results, folder: Path, drawn: bool) -> None:
    values = {
        name: [r.history[penalty] for r in runs]
        for name, runs in results.items()
        for penalty in runs[0].history.penalties
    }
    report.section("Learning curves: the penalties")
    if drawn:
        _figure(
            report,
            folder,
            "penalties",
            "Value of each penalty over the epochs, a panel for each",
            weight_figures.penalty_curves(values),
            "The mean over seeds, and a band of one standard deviation; each panel from 0, on a scale of its own.",
        )
    first_last = [f"{name} from {np.mean(v, 0)[0]:.2f} to {np.mean(v, 0)[-1]:.2f}" for name, v in values.items()]
    report.text(
        "What is added to the data loss or, for the proximal methods (L1 proximal, elastic net), acts in the update "
        f"instead; mean over the batches of the first and of the last epoch: {'; '.join(first_last)}. Different "
        "penalties are different measures of the weights: compare a curve with itself, not with its neighbour."
    )


def _histograms(report: Report, results: Results, folder: Path, drawn: bool) -> None:
    weights = {name: np.concatenate([w.ravel() for r in runs for w in r.weights]) for name, runs in results.items()}
    zeros = {name: _average(runs, lambda r: r.zeros) for name, runs in results.items()}
    norms = {name: _average(runs, lambda r: r.norm) for name, runs in results.items()}
    report.section("Where the weights end")
    if drawn:
        _figure(
            report,
            folder,
            "weights",
            "How large the weights are, on a logarithmic axis, and how many are exactly 0, one panel per method",
            weight_figures.weight_sizes(weights, zeros, CONTROL),
            f"All weights of all seeds. The bar at 0: what is exactly 0; dotted: {CONTROL}. Titles count the weights whose "
            "input varies, bars all of them.",
        )
    near = {name: float((np.abs(w[w != 0]) < NEAR).sum() / w.size) for name, w in weights.items()}
    report.text(
        f"L2 pulls all weights towards 0 (norm {norms['L2']:.1f} against {norms[CONTROL]:.1f}) and makes "
        f"{zeros['L2']:.1%} of them exactly 0, though {near['L2']:.0%} end below {NEAR} in size. L1 by sub-gradient "
        f"crowds {near['L1 sub-gradient']:.0%} there, and {zeros['L1 sub-gradient']:.1%} are exactly 0: a gradient "
        "step jumps over 0 and comes back. The proximal step with the same λ stops there: exact zeros are "
        f"{zeros['L1 proximal']:.0%} with L1 proximal and {zeros['elastic net']:.0%} with the elastic net."
    )


def _images(report: Report, results: Results, folder: Path, drawn: bool) -> None:
    if not drawn:
        return
    report.section("First-layer weights as images")
    first = {name: runs[0].weights[0] for name, runs in results.items()}
    strength = sum((w * w).sum(0) / max(float((w * w).sum()), 1e-30) for w in first.values())
    units = sorted(np.argsort(-strength, kind="stable")[:11].tolist())
    x, y = load_digits()
    means = np.stack([x.mean(0), *(x[y == digit].mean(0) for digit in range(10))])
    _figure(
        report,
        folder,
        "images",
        "Input weights of the same eleven hidden units under each method, below the mean digits",
        weight_figures.weight_images(first, units, means, side=8),
        "Blue: negative; white: 0; red: positive; each row on its own scale, given below its name. All methods started "
        "these units from the same weights.",
    )
    told = {CONTROL: "without a penalty", "L1 proximal": "with L1 proximal", "elastic net": "with the elastic net"}
    alive = {n: _average(runs, lambda r: float((r.weights[0] != 0).any(0).mean())) for n, runs in results.items()}
    report.text(
        "The input weights of eleven hidden units of the first seed as 8 x 8 images: those that are strongest over all "
        "methods. Look down a column to see one unit, and for white: pixels that it does not use. Hidden units with any "
        f"input weight left: {_listed([f'{alive[n]:.0%} {how}' for n, how in told.items() if n in alive])}."
    )
