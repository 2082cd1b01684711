"""Evaluation: the loss, the penalties and the metrics of a model on data, in eval mode and without a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..checks import whole
from ..engine import Tensor
from ..nn.module import Module
from ..nn.prediction import dtype_of, evaluating, outputs, predict
from ..optim.binding import check_terms
from ..reg.binding.terms import Terms
from .checks import Checked, check_data
from .columns import Measures, Metric, Metrics, refuse_clashes
from .weighing import loss_of, unless_all_one

__all__ = ["Metric", "dtype_of", "evaluate", "evaluating", "measure", "penalty_values", "predict", "with_penalties"]


def evaluate(
    model: Module,
    data: Any,
    loss: Callable,
    metrics: Metrics = (),
    *,
    penalty: Terms | None = None,
    batch_size: int = 256,
) -> dict[str, float]:
    """loss, each metric by its name, and, if penalty=terms is given, each penalty and the total.

    data is (x, y), (x, y, weight) or a Loader, whose rows are then taken in order. metrics are functions (output,
    target) -> number, in a list, or in a dict by name. Weights (rows,) go to the loss, which is then the mean weighted
    by them, and to the metrics that have a parameter sample_weight. Loss and metrics are called once, with the outputs
    and targets of all rows, so that they are what they are on the whole data: batch_size bounds the memory of the
    forward pass, beside the outputs of all rows, and decides nothing. Outputs whose first dimension is not that of the
    rows, and losses that look at more of the model than its output, are computed in one batch. The model computes in
    eval mode (no dropout) and is left in the mode that it was in. Penalties that depend on the batch are means over
    rows. TypeError, ShapeError, DTypeError, NonFiniteError or ValueError for data, loss or metrics that do not fit,
    before anything is measured.

    >>> import minigrad as mg
    >>> from minigrad.train import accuracy
    >>> model = mg.nn.Linear(2, 2, init="zeros")
    >>> evaluate(model, ([[1, 2], [3, 4], [5, 6]], [0, 1, 0]), mg.cross_entropy, {"hits": accuracy}, batch_size=2)
    {'loss': 0.6931471824645996, 'hits': 0.6666666666666666}
    """
    whole(batch_size, "evaluate: batch_size", 1)
    if not isinstance(penalty, (Terms, type(None))):
        raise TypeError(f"evaluate: penalty is a {type(penalty).__name__}; need terms = reg.on(model, selector, term)")
    measures, terms = Measures(metrics), [] if penalty is None else [penalty]
    refuse_clashes(measures.functions, penalty_values(terms))
    checked = check_data(model, data, loss, real=any(bound.on_loss for bound in terms))
    check_terms("evaluate", model, penalty, loss)
    if checked.weight is not None:
        measures.refuse_weights()
    return measure(model, checked, loss, measures, terms, batch_size)


def measure(
    model: Module,
    data: Checked,
    loss: Callable,
    measures: Measures,
    terms: Iterable[Terms],
    batch_size: int = 256,
    forward: Callable[[Tensor], Any] | None = None,
) -> dict[str, float]:
    """What evaluate returns, for data that was checked before. forward: what computes model(x), where nothing else has
    to look at the model.
    """
    terms, loss = list(terms), unless_all_one(loss, data.weight)
    by_gradient = any(bound.on_loss for bound in terms)
    of_batches = [bound for bound in terms if any(entry.of_batch for entry in bound.entries)]
    sums: dict[str, float] = {}

    def note(rows: slice, output: Any) -> None:
        """Add up the penalties that depend on the batch."""
        data_loss = loss_of(loss, output, data.y[rows], None if data.weight is None else data.weight[rows])
        for name, value in [pair for bound in of_batches for pair in bound.of_batch(data_loss).items()]:
            sums[name] = sums.get(name, 0.0) + (rows.stop - rows.start) * value

    size = len(data.x) if data.at_once else batch_size
    with evaluating(model, record=by_gradient):
        compute = model if forward is None or of_batches else forward
        output = outputs(compute, data.x, size, by_gradient, note if of_batches else None)
        y = np.asarray(data.y)  # all of them, as the outputs are
        target = y.view()
        target.flags.writeable = False  # the user's own array, which no metric may write into
        value = loss_of(loss, output, y, data.weight).item()
        values = {"loss": value, **measures.of_rows(output, target, data.weight)}
    penalties = {**penalty_values(terms), **{name: total / len(data.x) for name, total in sums.items()}}
    return with_penalties({**values, **penalties}, penalties)


def penalty_values(terms: Iterable[Terms]) -> dict[str, float]:
    """The value of every penalty by its name, of one or several sets of terms."""
    values: dict[str, float] = {}
    for bound in terms:
        for name, value in bound.value().items():
            if name in values:
                raise ValueError(f"two penalties have the name {name!r}; give one of them a name of its own in reg.on")
            values[name] = value
    return values


def with_penalties(row: Mapping[str, float], penalties: Iterable[str]) -> dict[str, float]:
    """The row in the order of a history: loss, the penalties of these names, their total with it, the rest."""
    values = {name: row[name] for name in penalties}
    if not values:
        return dict(row)
    rest = {name: value for name, value in row.items() if name != "loss" and name not in values}
    return {"loss": row["loss"], **values, "total": sum(values.values(), row["loss"]), **rest}
