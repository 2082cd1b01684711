"""Callbacks of gradients: their norms as columns, and one update for several batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels as K
from ..checks import truth, whole
from ..engine import Tensor
from ..nn.clipping import norm_of
from ..recording import mode
from .callbacks import Callback, column_name

if TYPE_CHECKING:
    from ..optim.base import Optimizer
    from .means import Part
    from .run import Run


class GradientNorms(Callback):
    """Columns of the norms of the gradients: grad_norm, their mean over the updates of the epoch, and grad_norm_max.

    The norm is that of all gradients as one vector, √Σg² for norm_type 2, Σ|g| for 1, max |g| for math.inf. With
    by_parameter=True each parameter has a column "grad_norm NAME" too: layers that learn nothing, or too much, show.
    `name` takes the place of grad_norm, where two of these stand in a list.

    Acts before each update, on the gradients that the update is given: behind ClipGradients in the list, they are
    clipped; before it, they are not; of AccumulateGradients they are those of the joined batches. Penalties bound to
    the optimizer add theirs later. An epoch without an update has NaN. The norms are kernels' float64 sums.

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1, init="zeros")
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> norms = GradientNorms(by_parameter=True)
    >>> history = mg.train.fit(model, ([[1.0]], [[1.0]]), mg.mse, optimizer, epochs=1, callbacks=[norms])
    >>> history["grad_norm"][0].__round__(4), history["grad_norm weight"], history["grad_norm bias"]
    (2.8284, [2.0], [2.0])
    """

    only_looks = True

    def __init__(self, norm_type: float = 2.0, by_parameter: bool = False, name: str = "grad_norm") -> None:
        norm_of([], norm_type)  # ValueError for another
        self.norm_type, self.by_parameter = norm_type, truth(by_parameter, "GradientNorms: by_parameter")
        self.name = column_name("GradientNorms: name", name)
        self._sums: dict[str, list[float]] = {}  # column: [Σ of the epoch, how many]
        self._max = math.nan
        self._names: dict[Tensor, str] = {}
        self._remove: Callable[[], None] | None = None

    def on_train_begin(self, run: Run) -> None:
        self._names = (
            {p: f"{self.name} {name}" for name, p in run.model.named_parameters()} if self.by_parameter else {}
        )
        self._forget()
        self._remove = run.optimizer.before_step(self._measure)

    def _forget(self) -> None:
        self._sums, self._max = {name: [0.0, 0.0] for name in [self.name, *self._names.values()]}, math.nan

    def _measure(self, optimizer: Optimizer) -> None:
        found = [(p, K.contiguous(p.grad.array)) for p in optimizer.state if p.grad is not None]
        names = [self._names[p] for p, _ in found if p in self._names]
        norms = [norm_of([g for _, g in found], self.norm_type)]
        norms += [norm_of([g], self.norm_type) for p, g in found if p in self._names]
        if mode.step is not None:
            mode.step.observe(norms, lambda values: self._note_all(names, values))
        else:
            self._note_all(names, [float(norm) for norm in norms])

    def _note_all(self, names: list[str], norms: list[float]) -> None:
        """Note the norm of all gradients, the first, and those of these columns."""
        norm, first = norms[0], not self._sums[self.name][1]
        self._max = norm if first or norm > self._max or math.isnan(norm) else self._max  # which stays NaN
        for column, value in zip([self.name, *names], norms):
            self._note(column, value)

    def _note(self, column: str, norm: float) -> None:
        self._sums[column][0] += norm
        self._sums[column][1] += 1

    def next_batch(self, run: Run) -> float:
        """What fit(compile=True) asks: it is enough to be called now and then."""
        return math.inf

    def on_batch_end(self, run: Run) -> None:
        means = {name: total / count if count else math.nan for name, (total, count) in self._sums.items()}
        run.row.update({self.name: means.pop(self.name), f"{self.name}_max": self._max, **means})

    def on_epoch_end(self, run: Run) -> None:
        self._forget()

    def on_train_end(self, run: Run) -> None:
        if self._remove is not None:
            self._remove()
            self._remove = None
        self._names = {}

    def state_dict(self) -> dict[str, Any]:
        return {"sums": self._sums, "max": self._max}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._sums, self._max = {name: list(sums) for name, sums in state["sums"].items()}, state["max"]


class AccumulateGradients(Callback):
    """One update for every `batches` batches, with the gradient of the mean over all their rows.

    It is the update of a batch as many times as large, to rounding, in the memory of a small one: each batch counts by
    what its loss is a mean over, that is by its rows, or by the weights of its rows or classes, so that a smaller last
    batch counts less. The last batches of an epoch make an update also if they are fewer. `updates` in Run, schedules
    with every="batch" and averaged weights count updates. What looks at a batch itself, BatchNorm for instance, sees
    the small ones. A loss that is a sum over rows is summed; ValueError where a penalty of the loss would then count
    once for every batch, and where a loss is made of means over different weights, of which no mean is that of the
    large batch.

    Acts in on_gradients: the sums are kernels', Σ w g and then ÷ Σ w, in the order of the batches.

    >>> import minigrad as mg
    >>> def weight(batch_size, callbacks):
    ...     model = mg.nn.Linear(1, 1, init="zeros")
    ...     data = mg.data.Loader(np.float32([[1], [2], [4]]), np.float32([[1], [1], [2]]), batch_size, shuffle=False)
    ...     optimizer = mg.optim.SGD(model.parameters(), lr=0.25)
    ...     mg.train.fit(model, data, mg.mse, optimizer, epochs=1, callbacks=callbacks)
    ...     return round(model.weight.item(), 5)
    >>> weight(3, []) == weight(2, [AccumulateGradients(2)]) == weight(1, [AccumulateGradients(3)])
    True
    """

    adds_columns = False

    def __init__(self, batches: int) -> None:
        self.batches = whole(batches, "AccumulateGradients: batches", 1)
        self._begin()

    def _begin(self) -> None:
        """Nothing is summed yet."""
        self._sums: dict[int, np.ndarray] = {}  # place of a parameter in the optimizer: Σ w g
        self._count, self._total, self._shares = 0, 0.0, [1.0]

    def on_train_begin(self, run: Run) -> None:
        for other in run.callbacks:
            if other is not self and isinstance(other, AccumulateGradients):
                raise ValueError("AccumulateGradients: two callbacks accumulate the same gradients; leave one out")
        self._begin()

    def on_gradients(self, run: Run) -> None:
        if self.batches == 1:
            return
        grads = [(i, p, p.grad.array) for i, p in enumerate(run.optimizer.state) if p.grad is not None]
        if run.non_finite != "raise" and not all(np.isfinite(g).all() for _, _, g in grads):
            return  # fit leaves this batch out
        weight = self._weight(run)
        last = self._count + 1 == self.batches or run.batch == run.batches
        if not (last and self._count == 0):  # a batch alone keeps the bits of its gradient
            for i, _, g in grads:
                self._add(i, g, weight)
        self._count += 1
        self._total += weight
        if not last:
            run.skip_update = True
            return
        self._give_means(run.optimizer)
        self._begin()

    def _give_means(self, optimizer: Optimizer) -> None:
        """Give the parameters their gradients: Σ w g / Σ w, or of a sum over rows Σ g."""
        over = self._total if self._shares else 1.0
        for i, p in enumerate(optimizer.state):
            if i in self._sums:
                K.div(self._sums[i], over, self._sums[i])
                p.grad = Tensor(self._sums[i])

    def _add(self, i: int, g: np.ndarray, weight: float) -> None:
        """Add w g to the sum of a parameter."""
        part = K.empty(g.shape, g.dtype)
        K.mul(K.contiguous(g), weight, part)
        if i in self._sums:
            K.add(self._sums[i], part, self._sums[i])
        else:
            self._sums[i] = part

    def _weight(self, run: Run) -> float:
        """What the batch counts: the weight that its loss is a mean over; 1 for a sum."""
        weights = [part.weight for part in run.parts]
        shares = shares_of(run.parts)
        if not close(shares, self._shares if self._count else shares):  # NaN is close to nothing, itself included
            raise ValueError(
                "AccumulateGradients: the loss is a sum of means over different weights, such as those of classes and "
                "rows, or of means and sums: the gradient of a larger batch is not made of those of its parts. Take a "
                "larger batch_size instead"
            )
        self._shares = shares
        if shares:
            return weights[0] or 0.0
        if any(bound not in run.optimizer.bound_terms for bound in run.terms):
            raise ValueError(
                "AccumulateGradients: the loss is a sum over rows, and its penalty would count once for each batch; "
                "bind the penalty to the optimizer, or take a mean over rows"
            )
        return 1.0

    def state_dict(self) -> dict[str, Any]:
        sums = {str(i): total for i, total in self._sums.items()}
        return {"sums": sums, "count": self._count, "total": self._total, "shares": self._shares}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._sums = {int(i): np.array(total) for i, total in state["sums"].items()}
        self._count, self._total, self._shares = state["count"], state["total"], list(state["shares"])


def shares_of(parts: list[Part]) -> list[float]:
    """The weights of the means that a loss is a sum of, relative to the first; [] where it is a sum over rows.

    NaN, which equals nothing, for one of both.
    """
    means = [part.weight for part in parts if part.weight is not None]
    if not means:
        return []
    return [weight / means[0] for weight in means] if len(means) == len(parts) else [math.nan]


def close(a: list[float], b: list[float]) -> bool:
    """Whether these are the same shares, to rounding."""
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-6) for x, y in zip(a, b))
