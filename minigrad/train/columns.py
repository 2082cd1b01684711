"""The columns that metrics have in a history: each has a name before the first batch, and holds plain numbers."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..engine import Tensor
from ..nn.prediction import leaves, rebuilt
from ..recording import mode
from .means import Means
from .weighing import takes_weights

Metric = Callable[[Tensor, np.ndarray], Any]
Metrics = Sequence[Metric] | Mapping[str, Metric]
TRUTH = ("y_true", "true", "truth", "target", "targets", "label", "labels", "y")
GUESS = (
    "y_pred",
    "pred",
    "preds",
    "prediction",
    "predictions",
    "y_hat",
    "y_score",
    "y_prob",
    "output",
    "outputs",
    "logits",
    "input",
)


def named(metrics: Any) -> dict[str, Metric]:
    """Metrics by the names of their columns: the keys of a dict, or the names of the functions in a list.

    A partial has the name of its function with its options, an object that can be called that of its class. TypeError
    or ValueError for what is no function, and for two of one name.

    >>> from minigrad.train import accuracy
    >>> list(named([accuracy, functools.partial(np.allclose, rtol=0.1)])), list(named({"hits": accuracy}))
    (['accuracy', 'allclose(rtol=0.1)'], ['hits'])
    """
    if isinstance(metrics, Mapping):
        pairs = list(metrics.items())
    elif isinstance(metrics, (str, bytes)) or callable(metrics) or not isinstance(metrics, Iterable):
        raise TypeError(
            f"metrics is {metrics!r:.80}; need a list of functions (output, target) -> number, such as "
            "[minigrad.train.accuracy], or a dict of them by name"
        )
    else:
        pairs = [(None, metric) for metric in metrics]
    found: dict[str, Metric] = {}
    for given, metric in pairs:
        name = name_of(metric)
        name = name if given is None else given
        if not isinstance(name, str) or not name:
            raise TypeError(f"metrics: a metric has the name {name!r}; need words")
        if name in found:
            raise ValueError(f"two metrics have the name {name!r}; {CURE}")
        refuse_signature(f"the metric {name!r}", metric)
        found[name] = metric
    return found


CURE = "give each a name of its own: metrics={'name': function, ...}"


def name_of(metric: Any) -> str:
    """The name of a metric; TypeError for what cannot be called, or makes an object where a number is due."""
    if not callable(metric):
        raise TypeError(
            f"metrics: {metric!r:.80} is no metric; need a function (output, target) -> number, such as "
            "minigrad.train.accuracy"
        )
    if isinstance(metric, type):
        raise TypeError(f"metrics: {metric.__name__} is a class, no metric; did you mean {metric.__name__}()?")
    if isinstance(metric, functools.partial):
        plain = {k: v for k, v in metric.keywords.items() if isinstance(v, (str, int, float))}
        options = ", ".join(f"{name}={value}" for name, value in plain.items())
        return f"{name_of(metric.func)}({options})" if options else name_of(metric.func)
    own = getattr(metric, "__name__", None)
    return own if isinstance(own, str) else type(metric).__name__


def refuse_signature(what: str, function: Any, weighted: bool = False) -> None:
    """TypeError where a function does not take (output, target), or by the names of its parameters (target, output).

    weighted: it is called with sample_weight=... too.
    """
    weights = {"sample_weight": None} if weighted else {}
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function of C that does not say
        return
    try:
        signature.bind(None, None, **weights)
    except TypeError:
        more = ", sample_weight=weights" if weighted else ""
        raise TypeError(f"{what} takes {signature}; it is called with (output, target{more})") from None
    first = list(signature.parameters)[:2]
    if len(first) == 2 and first[0] in TRUTH and first[1] in GUESS:
        raise TypeError(
            f"{what} takes ({first[0]}, {first[1]}), but is called with (output, target); wrap it: "
            "lambda output, target: f(target, output.data), or a metric of scikit-learn: "
            "minigrad.train.SklearnMetric(f, given='classes'), or 'probabilities', or 'scores'"
        )


def refuse_clashes(metrics: Iterable[str], penalties: Iterable[str]) -> None:
    """ValueError where a metric or a penalty, or its column of the validation data, has the name of another column."""
    owners = dict.fromkeys(("epoch", "seconds", "loss", "total", "val_loss", "val_total"), "the history needs")
    for kind, names in (("penalty", penalties), ("metric", metrics)):
        cure = "give it another in reg.on" if kind == "penalty" else CURE
        for name in names:
            for column in (name, f"val_{name}"):
                if column in owners:
                    which = "which" if column == name else f"whose column {column!r}"
                    raise ValueError(f"a {kind} has the name {name!r}, {which} {owners[column]}; {cure}")
            owners.update(dict.fromkeys((name, f"val_{name}"), f"a {kind} has too"))


class Measures:
    """The metrics of a fit or of an evaluation: of batches, and of all rows at once.

    functions: by name; whole: those marked by over_all_rows; weighted: those with a parameter sample_weight.
    """

    def __init__(self, metrics: Any) -> None:
        self.functions = named(metrics)
        self.whole = {name: f for name, f in self.functions.items() if is_whole(f)}
        self.weighted = {name for name, f in self.functions.items() if takes_weights(f)}
        self._tried = not self.whole

    def refuse_weights(self) -> None:
        """TypeError where a metric of scikit-learn takes none; any other counts all rows alike."""
        for metric in self.functions.values():
            if hasattr(metric, "refuse_weights"):
                metric.refuse_weights()

    def of_rows(self, output: Any, target: np.ndarray, weight: np.ndarray | None = None) -> dict[str, float]:
        """All metrics of these rows."""
        return measured(self.functions, output, target, weight, self.weighted)

    def of_batch(
        self, means: Means, output: Any, target: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """The metrics of a batch; NaN for one of all rows, which `means` keeps until the epoch is over."""
        if not self.whole:
            return measured(self.functions, output, target, weight, self.weighted)
        if not self._tried:
            self._try(output, target, weight)
        means.keep(output, target, weight)
        parts = {name: metric for name, metric in self.functions.items() if name not in self.whole}
        values = measured(parts, output, target, weight, self.weighted)
        return {name: values.get(name, math.nan) for name in self.functions}

    def _try(self, output: Any, target: np.ndarray, weight: np.ndarray | None) -> None:
        """Let metrics of all rows see the first batch, so that those that do not fit raise now, not after an epoch.

        Only those of minigrad, because others may rightly refuse a few rows; without their warnings about few rows.
        """
        self._tried = True
        known = {name: f.check if hasattr(f, "check") else f for name, f in self.whole.items() if own(f)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            measured(known, output, target, weight, self.weighted)

    def of_epoch(self, means: Means) -> dict[str, float]:
        """The metrics of all rows that an epoch saw."""
        return measured(self.whole, *means.kept(), self.weighted) if self.whole else {}


def is_whole(metric: Any) -> bool:
    """Whether a metric, or the function of a partial, was marked by over_all_rows."""
    return bool(getattr(inner(metric), "over_all_rows", False))


def own(metric: Any) -> bool:
    """Whether a metric, or the function of a partial, is one of minigrad's."""
    return str(getattr(inner(metric), "__module__", "")).split(".")[0] == __name__.split(".")[0]


def inner(metric: Any) -> Any:
    """The function of a partial; any other metric itself."""
    while isinstance(metric, functools.partial):
        metric = metric.func
    return metric


def measured(
    metrics: Mapping[str, Metric],
    output: Any,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    weighted: Collection[str] = (),
) -> dict[str, float]:
    """Name -> what each metric says, as a float; it sees a constant, so that nothing of it holds a graph.

    Those whose names are in `weighted` are told the weights of the rows, if there are some.
    """
    if not metrics:
        return {}
    seen = untracked(output) if isinstance(output, Tensor) else rebuilt(output, map(untracked, leaves(output)))
    found, before = {}, mode.recording
    mode.recording = False
    try:
        for name, metric in metrics.items():
            weights = {"sample_weight": weight} if weight is not None and name in weighted else {}
            value = metric(seen, target, **weights)
            found[name] = value if type(value) is float else number(name, value)
    finally:
        mode.recording = before
    return found


def untracked(t: Tensor) -> Tensor:
    """A constant with the numbers of t, and the op that made it: some metrics refuse what a softmax or sigmoid made."""
    seen = Tensor(t.array)
    seen.op, seen.options = t.op, t.options
    return seen


def number(name: str, value: Any) -> float:
    """What a metric returned, as a float; TypeError with its name for what is not one number."""
    if isinstance(value, Real):  # NumPy's numbers and booleans too, but for np.bool_
        return float(value)
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        what = f"{array.dtype} {array.shape}" if isinstance(value, (Tensor, np.ndarray)) else f"{value!r:.80}"
        raise TypeError(f"the metric {name!r} returned {what}; need one number, a mean for instance")
    return float(array.item())
