"""What the examples of the articles share: an Article that prints and keeps what it says, their sizes, their data."""

from __future__ import annotations

import argparse
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import nn, optim, reg
from ...data import Dataset, Split, Standardizer, load_digits, load_mnist, split
from ...insight.plotting import several as several
from ...ops.losses.regression import mse
from ...tensor import from_numpy
from ..pages.console import write_out
from ..pages.statistics import Gain, mean, spread
from ..pages.tables import as_text

WIDTH = 110  # of the text in a terminal

# Every number that decides how long an example runs: (in full, with --quick). The gallery prints this table.
SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "000_linear": {"descent steps": (4_000, 4_000)},
    "000_network": {"seeds": (3, 1), "training rows": (60_000, 1_000), "epochs": (10, 1)},
    "001_gradient": {"descent steps": (3_000, 3_000)},
    "001_network": {
        "timed steps": (100, 20),
        "timed rounds": (15, 3),
        "seeds": (5, 1),
        "most training rows": (4_000, 320),
        "epochs": (20, 1),
    },
    "001_selection": {
        "folds": (10, 5),
        "λ": (40, 12),
        "training rows": (1_000, 300),
        "epochs": (10, 1),
        "folds of the network": (5, 2),
        "λ of the network": (12, 3),
    },
    "002_descent": {"descent steps": (1_000, 1_000), "steps to convergence": (10_000, 10_000)},
    "002_gradients": {"starts": (20, 3), "trained pairs": (20, 3), "training steps": (100, 10)},
    "002_uneven_data": {
        "seeds": (10, 1),
        "training rows": (1_000, 300),
        "rows per eight": (40, 30),
        "epochs": (20, 2),
    },
    "003_dropout": {"seeds": (20, 1), "training rows": (1_000, 300), "epochs": (10, 2), "folds": (5, 2)},
    "004_outputs": {"seeds": (5, 1), "training rows": (1_000, 300), "epochs": (10, 2)},
    "004_weights": {"seeds": (5, 1), "training rows": (1_000, 300), "epochs": (10, 2), "folds": (5, 2)},
}


class Kept(NamedTuple):
    """A check that must hold, or a finding that may not: in words, with its figures; held is None if undecided."""

    kind: str
    words: str
    held: bool | None


class Article:
    """What an example says and shows, section by section: printed as it runs, kept in `told` for the gallery's page.

    `told` holds (method of Report, its arguments); `kept` the checks and findings. Figures are drawn for the gallery
    only (--figures).

    >>> article = Article("examples/articles/002_descent.py", "A title.", ["--quick"])
    >>> article.holds("1 + 1 = 2", 1 + 1 == 2)
    must hold: 1 + 1 = 2
    >>> article.number, article.quick, article.kept[0].held
    ('002', True, True)
    """

    sizes = SIZES

    def __init__(self, path: str | Path, doc: str, arguments: Sequence[str] | None = None) -> None:
        self.name, self.title = Path(path).stem, doc.splitlines()[0].rstrip(".")
        self.number = self.name.split("_")[0]
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
        parser.add_argument("--figures", action="store_true", help=argparse.SUPPRESS)
        write_out()  # before --help and the first λ
        options = parser.parse_args(arguments)
        self.quick, self.drawn = options.quick, options.figures
        self.size = {name: quick if self.quick else full for name, (full, quick) in self.sizes[self.name].items()}
        self.told: list[tuple[str, tuple[Any, ...]]] = []
        self.kept: list[Kept] = []
        self.last = ""

    def section(self, heading: str) -> None:
        """Begin a section."""
        print(f"\n{heading}\n{'-' * len(heading)}")
        self.told.append(("section", (heading, 3)))

    def says(self, text: str) -> None:
        """A paragraph; `words` between backquotes are code."""
        print(textwrap.fill(text.replace("`", ""), WIDTH))
        self.told.append(("text", (text,)))

    def program(self, *functions: Callable[..., Any]) -> None:
        """The source of functions, for the page; who runs the example has it before their eyes."""
        sources = (re.sub(r"  # (noqa|fmt): .*", "", inspect.getsource(f)).rstrip() for f in functions)
        self.told.append(("code", ("\n\n\n".join(sources),)))

    def shows(self, text: str) -> None:
        """Text in lines, as a program printed it."""
        print(text)
        self.told.append(("code", (text,)))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of text."""
        print(as_text(head, rows))
        self.told.append(("table", (head, rows)))

    def figure(self, draw: Callable[[], bytes], description: str) -> None:
        """A picture for the page; `draw` makes its SVG, or b"" where a short run leaves nothing to draw."""
        if self.drawn and (made := draw()):
            self.told.append(("figure", (made, description)))

    def fails(self, what: str, error: type[Exception], call: Callable[..., Any], *arguments: Any) -> None:
        """call(*arguments) raises `error`, and its message is shown; AssertionError if it does not."""
        try:
            call(*arguments)
        except error as raised:
            self.says(f"{what}: `{type(raised).__name__}: {str(raised).replace('`', '')}`")
            self.kept.append(Kept("must hold", f"{what}: {type(raised).__name__}", True))
        else:
            raise AssertionError(f"{self.name}: {what}: no {error.__name__} was raised")

    def holds(self, words: str, held: Any) -> None:
        """A mathematical criterion: AssertionError unless it holds."""
        if not held:
            raise AssertionError(f"{self.name}: {words}")
        self._keep(Kept("must hold", words, True))

    def finds(self, words: str, held: Any) -> None:
        """An empirical criterion: holds, does not hold, or, for held=None, undecided; it is reported."""
        verdict = "undecided" if held is None else "holds" if held else "does not hold"
        self._keep(Kept(verdict, words, None if held is None else bool(held)))

    def compares(self, words: str, gain: Gain, wanted: str, bound: float = 0.0) -> None:
        """An empirical criterion on a mean difference: it is higher (or lower) than the bound; undecided where its
        interval covers the bound.
        """
        self.finds(words, gain.against(wanted, bound))

    def _keep(self, kept: Kept) -> None:
        self.kept.append(kept)
        print(textwrap.fill(f"{kept.kind}: {kept.words}", WIDTH, subsequent_indent="    "))
        self.told.append(("verdict", (kept.kind, kept.words)))

    def look_at(self, text: str) -> None:
        """The last line: what to look at."""
        self.last = text
        print(f"\nlook at: {text}")
        self.told.append(("text", (f"Look at: {text}.",)))


def number(value: float) -> str:
    """A small error as text: 3e-12."""
    return f"{value:.0e}"


def installed_sklearn() -> Any:
    """scikit-learn's linear models, or None: the oracle is shown where it is installed."""
    try:
        from sklearn import linear_model
    except ImportError:
        return None
    return linear_model


def descend(
    data: Dataset,
    term: Any,
    steps: int,
    *,
    moment: str = "penalty",
    on: Any = "weight",
    bias: bool = False,
    rate: float | None = None,
) -> np.ndarray:
    """The weights, and the bias behind them, after gradient descent from 0 on 1/(2m) Σ (y - wᵀx - b)² with a term.

    The term acts in the update: moment "penalty" adds its gradient, "prox" applies its proximal map. rate None is the
    inverse of the largest eigenvalue of XᵀX/m.
    """
    if rate is None:
        rate = 1 / float(np.linalg.eigvalsh(data.x.T @ data.x / len(data.x))[-1])
    model = nn.Linear(data.x.shape[1], 1, bias=bias, init="zeros", dtype="float64")
    bound: dict[str, Any] = {moment: reg.on(model, on, term)}
    optimizer = optim.SGD(model.parameters(), lr=rate, **bound)
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * mse(model(from_numpy(data.x)), data.y)).backward()
        optimizer.step()
    return np.concatenate([p.data.ravel() for p in model.parameters()])


def around(values: Sequence[float], digits: int, scale: float = 1.0) -> str:
    """A mean over seeds, ± their standard deviation; – for what was not measured."""
    if any(math.isnan(value) for value in values):
        return "–"
    spreads = f" ± {scale * spread(values):.{digits}f}" if len(values) > 1 else ""
    return f"{scale * mean(values):.{digits}f}{spreads}"


def digits_or_mnist(rows: int) -> tuple[str, Split]:
    """MNIST, its first `rows` training rows and its test rows, where it is found; else 70% and 30% of the digits."""
    try:
        train, test = load_mnist()
        return "MNIST", Split(Dataset(train.x[:rows], train.y[:rows]), test)
    except FileNotFoundError:
        x, y = load_digits()
        train, test = split(x, y, test=0.3, seed=0, stratify=y)
        return "the digits in the package", Split(Dataset(train.x[:rows], train.y[:rows]), test)


def one_pixel(rows: int, seed: int = 0) -> tuple[Split, np.ndarray]:
    """A linear problem with real numbers: a pixel in the middle of a digit from those others that vary.

    Columns and target have mean 0 and deviation 1 over the `rows` training rows, float64; 500 digits are held out.
    With them, the place of each column in the image.
    """
    x, _ = load_digits("float64")
    middle = 8 * 3 + 4
    train, test = split(x, x[:, middle], test=500, seed=seed)
    train = Dataset(train.x[:rows], train.y[:rows])
    places = np.flatnonzero((train.x != train.x[0]).any(0) & (np.arange(64) != middle))
    scale_x, scale_y = Standardizer(train.x[:, places]), Standardizer(train.y)
    parts = [Dataset(scale_x(part.x[:, places]), scale_y(part.y).reshape(-1, 1)) for part in (train, test)]
    return Split(*parts), places
