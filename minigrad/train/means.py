"""Means over the batches of an epoch, the loss weighted as it weights its rows itself: that is read from its graph.

cross_entropy(..., weight=w) divides by the sum of the weights of its rows' classes. The mean over two batches is that
over all their rows only if each counts with its own divisor, not with its number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine import Tensor
from ..nn.prediction import leaves, rebuilt
from ..op import Op, op_of
from ..ops.elementwise.arithmetic import add, div, mul, neg, sub
from ..ops.losses.binary import sigmoid_cross_entropy
from ..ops.losses.classes import softmax_cross_entropy
from ..ops.losses.regression import squared_error
from ..ops.reduce.statistics import mean
from ..ops.shape.broadcast import cast, sum
from ..ops.shape.views import reshape

# Ops with an option `reduction`: over how many a mean of theirs is, rows or elements.
COUNTED: dict[Op | None, Callable[[np.ndarray], int]] = {
    op_of(softmax_cross_entropy): lambda x: x.shape[0],
    op_of(squared_error): lambda x: x.size,
    op_of(sigmoid_cross_entropy): lambda x: x.size,
}


class Part(NamedTuple):
    """One summand of a loss: its value, and the weight over which it is a mean; None: it is a sum over rows."""

    value: float
    weight: float | None
    counts: tuple[int, ...] = ()  # of rows or elements; a sum divided by one of them is a mean

    def times(self, factor: float) -> Part:
        """The part times a number. A sum becomes a mean where the number is one over how many it sums."""
        if self.weight is None:
            for count in self.counts:
                if math.isclose(factor * count, 1.0, rel_tol=1e-6):
                    return self.over(count)
        return self._replace(value=self.value * factor)

    def over(self, weight: float) -> Part:
        """The part divided by a weight, over which a sum then is a mean."""
        value = self.value / weight if weight else math.nan
        return self._replace(value=value, weight=float(weight) if self.weight is None else self.weight)


def made_by(y: Tensor) -> Op | None:
    """The op that made y, if its inputs are still noted."""
    return y.op if y.inputs else None


class Reader:
    """Reads the parts of a loss of `output` off the graph that the loss recorded, before backward frees it."""

    def __init__(self, output: list[Tensor], rows: int, size: float) -> None:
        self.output, self.rows, self.size = {id(part) for part in output}, rows, size
        self.first = min(part.stamp for part in output)

    def parts(self, y: Any) -> list[Part]:
        """y, a number of the graph, as a sum. What the graph does not explain is a mean over the rows of the batch, or
        over their weights.
        """
        if not isinstance(y, Tensor):
            return [Part(float(y), self.size)]
        op = made_by(y)
        if op is None or y.ndim:
            return [Part(y.item(), self.size)]
        return READ[op](self, y, *(y.inputs or ())) if op in READ else self._reduction(y, op)

    def _reduction(self, y: Tensor, op: Op) -> list[Part]:
        """An op that reduces rows by itself, or any other."""
        reduction = (y.options or {}).get("reduction")
        if op in COUNTED and reduction in ("mean", "sum"):
            x = (y.inputs or ())[0]
            count = COUNTED[op](x.array)
            return [Part(y.item(), None if reduction == "sum" else count, (x.shape[0], x.size))]
        return [Part(y.item(), self.size)]

    def _add(self, y: Tensor, a: Any, b: Any) -> list[Part]:
        return self.parts(a) + self.parts(b)

    def _sub(self, y: Tensor, a: Any, b: Any) -> list[Part]:
        return self.parts(a) + [part._replace(value=-part.value) for part in self.parts(b)]

    def _neg(self, y: Tensor, x: Tensor) -> list[Part]:
        return [part._replace(value=-part.value) for part in self.parts(x)]

    def _mul(self, y: Tensor, a: Any, b: Any) -> list[Part]:
        for factor, x in ((a, b), (b, a)):
            if constant(factor) and not constant(x):
                computed = isinstance(factor, Tensor) and factor.op is not None and factor.item() > 0
                times = (lambda part, f: part.over(1 / f)) if computed else Part.times
                return [times(part, float(factor)) for part in self.parts(x)]
        return [Part(y.item(), self.size)]

    def _div(self, y: Tensor, a: Any, b: Any) -> list[Part]:
        if constant(a) or not constant(b):
            return [Part(y.item(), self.size)]
        divisor = float(b)
        if divisor == 2 and not (isinstance(b, Tensor) and b.op is not None):  # half a sum of squares is a sum
            return [part.times(0.5) for part in self.parts(a)]
        return [part.over(divisor) for part in self.parts(a)]

    def _reshape(self, y: Tensor, x: Tensor) -> list[Part]:
        return self.parts(x) if x.ndim == 0 else [Part(y.item(), self.size)]

    def _cast(self, y: Tensor, x: Tensor) -> list[Part]:
        return self.parts(x)

    def _mean(self, y: Tensor, x: Tensor) -> list[Part]:
        return [Part(y.item(), x.size if self.over_rows(x) else self.size)]

    def _sum(self, y: Tensor, x: Tensor) -> list[Part]:
        return [Part(y.item(), None, (self.rows, x.size)) if self.over_rows(x) else Part(y.item(), self.size)]

    def over_rows(self, x: Tensor) -> bool:
        """Whether x has numbers for each row: its first dimension is theirs, and it was computed from the output."""
        if x.ndim == 0 or (x.shape[0] != self.rows and (x.ndim > 1 or x.size % self.rows)):
            return False
        waiting, seen = [x], set()
        while waiting:
            y = waiting.pop()
            if self._of_model(y):
                return True
            if y.stamp > self.first and y.inputs and y.ndim and id(y) not in seen:
                seen.add(id(y))
                waiting += [part for part in y.inputs if isinstance(part, Tensor)]
        return False

    def _of_model(self, y: Tensor) -> bool:
        """Whether y is the output, or what the model computed on its way to it."""
        return id(y) in self.output or (y.stamp < self.first and y.tracked and y.op is not None)


READ: dict[Op | None, Callable[..., list[Part]]] = {
    op_of(add): Reader._add,
    op_of(sub): Reader._sub,
    op_of(neg): Reader._neg,
    op_of(mul): Reader._mul,
    op_of(div): Reader._div,
    op_of(reshape): Reader._reshape,
    op_of(cast): Reader._cast,
    op_of(mean): Reader._mean,
    op_of(sum): Reader._sum,
}


def constant(x: Any) -> bool:
    """Whether x is one number that nothing is trained through."""
    return isinstance(x, (int, float)) or (isinstance(x, Tensor) and not x.tracked and x.size == 1)


def parts_of(loss: Tensor, output: list[Tensor], rows: int, size: float | None = None) -> list[Part]:
    """The loss of a batch as summands, each with what it is a mean over; size: what the rows count by their weights."""
    op = made_by(loss)
    if op in COUNTED and loss.inputs and loss.options and loss.options["reduction"] == "mean":  # the most frequent
        return [Part(loss.item(), COUNTED[op](loss.inputs[0].array))]
    parts = Reader(output, rows, rows if size is None else size).parts(loss)
    return [parts[0]._replace(value=loss.item())] if len(parts) == 1 else parts


class Means:
    """Means over the batches of an epoch: of the loss by its parts, of all else by rows, or by the weights of rows.

    It also keeps the outputs of the epoch, if a metric is computed from all of them.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._sums: dict[str, tuple[float, float]] = {}  # name: (Σ scale value, Σ scale)
        self._parts: dict[int, tuple[float, float]] = {}  # i: (Σ weight value, Σ weight); of a sum -1 - i: (Σ value, 1)
        self._plain = 0.0  # Σ size loss, for losses whose parts differ from batch to batch
        self._sizes = 0.0  # Σ size
        self._alike = True  # whether they have not
        self._kept: list[tuple[list[np.ndarray], np.ndarray, np.ndarray | None]] = []  # outputs, target, weight
        self._form: Any = None  # the last output, which says how its parts are put together

    def add(
        self,
        rows: int,
        loss: list[Part],
        values: Mapping[str, float],
        size: float | None = None,
        weighted: Collection[str] = (),
    ) -> None:
        """Note a batch: the parts of its loss, and other numbers by name.

        size: what its rows count by their weights; in the means of the names in `weighted`, that is their share.
        """
        parts, count = self._parts, len(loss)
        if len(parts) != count and self.rows:
            self._alike = False
        size = rows if size is None else size
        self.rows += rows
        self._sizes += size
        for name, value in values.items():
            scale = size if name in weighted else rows
            total, scales = self._sums.get(name, (0.0, 0.0))
            self._sums[name] = total + scale * value, scales + scale
        for i, (value, weight, _) in enumerate(loss):
            self._plain += size * value
            key, scale = (i, weight) if weight is not None else (-1 - i, 1.0)
            total, weights = parts.get(key, (0.0, 0.0))
            parts[key] = total + scale * value, weights + scale if weight is not None else 1.0
        if len(parts) != count:
            self._alike = False

    def row(self) -> dict[str, float]:
        """The means, the loss first."""
        loss = self._plain / self._sizes
        if self._alike:
            loss = 0.0
            for total, weight in self._parts.values():
                loss += total / weight if weight else math.nan
        row = {"loss": loss}
        for name, (total, scale) in self._sums.items():
            row[name] = total / scale
        return row

    def keep(self, output: Any, target: np.ndarray, weight: np.ndarray | None) -> None:
        """Keep the outputs of a batch, with its targets and weights."""
        self._form = output
        self._kept.append(([part.array for part in leaves(output)], target, weight))

    def kept(self) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """The outputs, the targets and the weights of all rows that were kept."""
        outputs, target, weight = self._joined()
        self._kept = [(outputs, target, weight)]
        joined = list(map(Tensor, outputs))
        form = self._form if self._form is not None else joined[0] if len(joined) == 1 else tuple(joined)
        for part, tensor in zip(leaves(form), joined):  # some metrics ask what made an output
            tensor.op, tensor.options = part.op, part.options
        return rebuilt(form, iter(joined)), target, weight

    @property
    def formless(self) -> bool:
        """Whether outputs came from a checkpoint, and it is not known yet how their parts are put together."""
        return bool(self._kept) and self._form is None

    def set_form(self, output: Any) -> None:
        """Let what was kept be put together like this output."""
        self._form = output

    def _joined(self) -> tuple[list[np.ndarray], np.ndarray, np.ndarray | None]:
        """What was kept of all batches as one."""
        outputs = [np.concatenate(parts) for parts in zip(*(outputs for outputs, _, _ in self._kept))]
        weights = [weight for _, _, weight in self._kept if weight is not None]
        target = np.concatenate([target for _, target, _ in self._kept])
        return outputs, target, np.concatenate(weights) if weights else None

    def state_dict(self) -> dict[str, Any]:
        """The sums so far, and what was kept, for a checkpoint in the middle of an epoch."""
        outputs, target, weight = self._joined() if self._kept else ([], None, None)
        return {
            "rows": self.rows,
            "plain": self._plain,
            "sizes": self._sizes,
            "alike": self._alike,
            "sums": {name: list(sums) for name, sums in self._sums.items()},
            "parts": [[key, *sums] for key, sums in self._parts.items()],
            "kept": {"outputs": {str(i): part for i, part in enumerate(outputs)}, "target": target, "weight": weight},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what state_dict gave."""
        self.rows, self._plain, self._sizes = state["rows"], state["plain"], state["sizes"]
        self._alike = state["alike"]
        self._sums = {name: (total, scale) for name, (total, scale) in state["sums"].items()}
        self._parts = {key: (total, scale) for key, total, scale in state["parts"]}
        kept = state["kept"]
        outputs = [kept["outputs"][str(i)] for i in range(len(kept["outputs"]))]
        self._kept = [(outputs, kept["target"], kept["weight"])] if outputs else []
        self._form = None
