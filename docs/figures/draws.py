"""Figures of docs/regularization.md on what is drawn and on the path: masks, noise, targets, rates, averages."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import nn, optim, reg
from minigrad.lab.pages.figures import LINES, REFERENCE
from minigrad.ops.losses.classes import cross_entropy
from minigrad.recording import no_grad
from minigrad.tensor import tensor


def pattern(axis: Any, mask: np.ndarray, title: str, names: tuple[str, str]) -> None:
    """What is kept of a matrix, in colour."""
    axis.pcolormesh(~mask, cmap="Blues_r", vmin=-0.6, vmax=1, edgecolors="white", linewidth=0.4)
    axis.invert_yaxis()
    axis.set(title=title, xlabel=names[0], ylabel=names[1], xticks=[], yticks=[], aspect="equal")
    axis.grid(False)


def kept(layer: Any, *shape: int) -> np.ndarray:
    """The mask that a layer draws for an input of this shape."""
    layer(tensor(np.ones(shape)))
    return layer.last_mask()


def dropout(left: Any, right: Any) -> None:
    """Every element has its own bit; or a feature one bit for all steps."""
    pattern(left, kept(nn.Dropout(0.5, seed=1), 16, 20), "Dropout(0.5): kept", ("features", "rows"))
    held = kept(nn.VariationalDropout(0.5, seed=1), 1, 16, 20)[0]
    pattern(right, held, "VariationalDropout(0.5): one sequence", ("features", "steps"))


def spatial(left: Any, right: Any) -> None:
    """Whole channels; or the weights themselves."""
    images = kept(nn.Dropout2d(0.5, seed=1), 2, 4, 7, 7)
    tiles = np.concatenate([np.concatenate(list(row), axis=1) for row in images])
    pattern(left, tiles, "Dropout2d(0.5): 2 images of 4 channels", ("channels", "images"))
    layer = nn.DropConnect(16, 20, p=0.5, seed=2)
    layer(tensor(np.ones((1, 16), np.float32)))
    pattern(right, layer.last_mask(), "DropConnect(16->20): weights kept", ("outputs", "inputs"))


def gaussian(left: Any, right: Any) -> None:
    """What an element of 1 becomes, and how far it spreads."""
    ones = tensor(np.ones((200, 100)))
    drawn = nn.GaussianDropout(0.3, seed=1)(ones).data.ravel(), nn.Dropout(0.3, seed=1)(ones).data.ravel()
    edges = np.linspace(-1.5, 3.5, 51)
    heights = 100 * np.histogram(drawn[0], edges)[0] / drawn[0].size
    left.stairs(heights, edges, fill=True, color=LINES[0], alpha=0.7, label="GaussianDropout")
    for value, count in zip(*np.unique(drawn[1], return_counts=True)):
        share = 100 * count / drawn[1].size
        left.bar(value, share, 0.09, color=LINES[3], label="Dropout" if value == 0 else None)
        name = "0" if value == 0 else f"1/(1-p) = {value:.2f}"
        left.annotate(name, (value, share), (0, 2), textcoords="offset points", ha="center", fontsize=7, color=LINES[3])
    left.set(title="p = 0.3: what becomes of a 1", xlabel="output", ylabel="% of the elements", ylim=(0, 95))
    left.legend(loc="upper left", fontsize=7)
    shares = np.linspace(0.05, 0.9, 18)
    for color, layer in ((LINES[0], nn.GaussianDropout), (LINES[3], nn.Dropout)):
        right.plot(shares, [layer(p, seed=1)(ones).data.std() for p in shares], color=color)
    right.plot(shares, np.sqrt(shares / (1 - shares)), ":", color=REFERENCE, label="√(p / (1 - p))")
    right.set(title="its standard deviation", xlabel="p")
    right.legend()


def confidence(left: Any, right: Any) -> None:
    """Two ways to keep a classifier from being certain, for two classes."""
    z = np.linspace(-6, 6, 241)
    logits, term = np.stack([z, np.zeros_like(z)], 1), reg.ConfidencePenalty(1.0)
    left.plot(z, [term.value(row.reshape(1, 2)) for row in logits], color=LINES[0])
    left.axhline(np.log(2), color=REFERENCE, linewidth=0.8)
    left.set(title="ConfidencePenalty(1)", xlabel="logit of class 1", ylim=(0, 0.75))
    for color, share in zip(LINES, (0.0, 0.1, 0.3)):
        losses = [cross_entropy(tensor(row.reshape(1, 2)), [0], label_smoothing=share).item() for row in logits]
        right.plot(z, losses, color=color, label=f"smoothing {share:g}")
    right.set(title="cross-entropy, label smoothing", xlabel="logit of the right class", ylim=(0, 3))
    right.legend()


def schedules(left: Any, right: Any) -> None:
    """Learning rates over 100 epochs; a weight that jitters, and its average."""
    made = {
        "StepLR(30, 0.3)": lambda o: optim.StepLR(o, 30, 0.3),
        "cosine": lambda o: optim.CosineAnnealingLR(o, 100),
        "warm-up": lambda o: optim.LinearLR(o, 0.1, total_iters=20),
    }
    for color, (name, make) in zip(LINES, made.items()):
        optimizer = optim.SGD([nn.Parameter([0.0])], lr=1.0)
        schedule, rates = make(optimizer), []
        for _ in range(100):
            rates += schedule.get_last_lr()
            schedule.step()
        left.plot(rates, color=color, label=name)
    left.set(title="learning-rate schedules", xlabel="epoch", ylim=(0, 1.1))
    left.legend()
    layer, noise = nn.Linear(1, 1, bias=False, init="zeros", dtype="float64"), np.random.default_rng(0)
    ema, path, averages = optim.EMA(layer, 0.95), [], []
    for step in range(200):
        with no_grad():
            layer.weight.copy_([[1 - 0.97**step + 0.25 * noise.standard_normal()]])
        ema.update()
        path.append(layer.weight.item())
        with ema.swap():
            averages.append(layer.weight.item())
    right.plot(path, color=REFERENCE, linewidth=0.8, label="a weight")
    right.plot(averages, color=LINES[0], label="EMA(0.95)")
    right.set(title="averaged weights", xlabel="step")
    right.legend(loc="lower right")
