"""Evaluation: the loss, the penalties and the metrics of a model on data, in eval mode and without a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from ..arguments import whole
from ..data.arrays import Dataset, check_xy
from ..data.labels import check_labels
from ..data.loader import Loader
from ..engine import Tensor
from ..errors import DTypeError
from ..nn.module import Module
from ..optim.bound import check_terms
from ..recording import no_grad
from ..reg.terms import Terms

Metric = Callable[[Tensor, np.ndarray], float]


def evaluate(
    model: Module, data: Any, loss: Callable, metrics: Sequence[Metric] = (), *, penalty: Terms | None = None,
    batch_size: int = 256,
) -> dict[str, float]:  # fmt: skip
    """loss, each metric by its function's name, and, if penalty=terms is given, each penalty and the total.

    data is (x, y), or a Loader, whose rows are then taken in order. All are means over rows; `loss` is a mean over the
    rows of its batch. The model computes in eval mode (no dropout) and is left in the mode that it was in.
    """
    whole(batch_size, "evaluate: batch_size", 1)
    checked = check_data(model, data, loss)
    check_terms("evaluate", model, penalty, loss)
    return measure(model, checked, loss, metrics, [] if penalty is None else [penalty], batch_size)


def measure(
    model: Module, data: Dataset, loss: Callable, metrics: Sequence[Metric], terms: Iterable[Terms],
    batch_size: int = 256,
) -> dict[str, float]:  # fmt: skip
    """What evaluate returns, for data that was checked before."""
    means = Means()
    terms = list(terms)
    by_gradient = any(bound.on_loss for bound in terms)
    with evaluating(model, record=by_gradient):
        for start in range(0, len(data.x), batch_size):
            x, y = (part[start : start + batch_size] for part in data)
            output = model(Tensor(x, requires_grad=by_gradient))
            data_loss = loss(output, y)
            values = {"loss": data_loss.item(), **{m.__name__: m(output, y) for m in metrics}}
            means.add(len(x), values | {name: v for bound in terms for name, v in bound.of_batch(data_loss).items()})
    row = means.row()
    return with_penalties(row, {name: row.pop(name, value) for name, value in penalty_values(terms).items()})


@contextmanager
def evaluating(model: Module, record: bool = False) -> Iterator[None]:
    """Eval mode without recording, unless asked for; each module returns to its own mode afterwards."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        with nullcontext() if record else no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


class Means:
    """Means of named numbers over batches, each weighted by its rows."""

    def __init__(self) -> None:
        self._rows = 0
        self._sums: dict[str, float] = {}

    def add(self, rows: int, values: dict[str, float]) -> None:
        self._rows += rows
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + rows * value

    def row(self) -> dict[str, float]:
        return {name: total / self._rows for name, total in self._sums.items()}


def penalty_values(terms: Iterable[Terms]) -> dict[str, float]:
    """The value of every penalty by its name, of one or several sets of terms."""
    values: dict[str, float] = {}
    for bound in terms:
        for name, value in bound.value().items():
            if name in values:
                raise ValueError(f"two penalties have the name {name!r}; give one of them a name of its own in reg.on")
            values[name] = value
    return values


def with_penalties(row: dict[str, float], penalties: dict[str, float]) -> dict[str, float]:
    """The row with its penalties and the total behind the loss."""
    if not penalties:
        return row
    clash = [name for name in penalties if name in row or name in ("total", "epoch", "seconds")]
    if clash:
        raise ValueError(f"a penalty has the name {clash[0]!r}, which the history needs; give it another in reg.on")
    rest = {name: value for name, value in row.items() if name != "loss"}
    return {"loss": row["loss"], **penalties, "total": sum(penalties.values(), row["loss"]), **rest}


def dtype_of(model: Module) -> np.dtype:
    """The float dtype of a model: that of its parameters, float32 without any."""
    dtypes = {p.dtype for p in model.parameters()}
    if len(dtypes) > 1:
        raise DTypeError(f"the model mixes {' and '.join(sorted(map(str, dtypes)))}; give all its parameters one dtype")
    return dtypes.pop() if dtypes else np.dtype(np.float32)


def check_data(model: Module, data: Any, loss: Callable) -> Dataset:
    """The rows of data in the model's dtype: finite, of a shape that model and loss take, labels in range.

    The first row is passed through model and loss, so that what does not fit is said before anything was trained.
    """
    if isinstance(data, Loader):
        data = Dataset(data.x, data.y)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"data is a {type(data).__name__}; need a pair (x, y) or a minigrad.data.Loader")
    x, y = check_xy(data[0], data[1], dtype_of(model))
    with evaluating(model):
        output = model(Tensor(x[:1]))
        classes = output.ndim == 2 and output.shape[1] > 1 and y.dtype.kind == "i" and y.ndim == 1
        if classes:
            y = check_labels(y, output.shape[1])
        if loss(output, y[:1]).ndim != 0:
            raise ValueError("loss returns one number per row; need their mean: reduction='mean'")
    return Dataset(x, y)
