"""Callbacks that end a training, or leave a batch out: at a loss that is not finite, or when its time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..checks import finite, truth, whole
from ..errors import NonFiniteError
from .callbacks import Callback

if TYPE_CHECKING:
    from .run import Run


class _Policy(Callback):
    """What follows a loss or a gradient that is not finite: one callback says it."""

    policy = "raise"

    def on_train_begin(self, run: Run) -> None:
        if run.non_finite != "raise":
            raise ValueError(
                f"{type(self).__name__}: another callback has said already what follows a loss that is not finite: "
                f"{run.non_finite!r}; leave one of them out"
            )
        run.non_finite = self.policy


class StopOnNonFinite(_Policy):
    """End training at a loss or a gradient that is NaN or infinite: weights as before that batch, and no exception.

    history.stopped then says which it was, and in which batch; else it is empty. The epoch that is broken off has no
    row. Without this callback fit raises NonFiniteError. Acts when the loss is known and when the gradients are.

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1)
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=1e30)
    >>> data = [[1.0], [2.0]], [[1.0], [5.0]]
    >>> history = mg.train.fit(model, data, mg.mse, optimizer, epochs=9, callbacks=[StopOnNonFinite()])
    >>> len(history), history.stopped[:32]
    (1, 'the loss is inf in epoch 2, batc')
    """

    adds_columns = False
    policy = "stop"


class SkipNonFinite(_Policy):
    """Leave batches out whose loss or gradient is NaN or infinite: no update, no trace in the means of the epoch.

    limit: so many such batches in a row are endured; one more raises NonFiniteError. The column `skipped` counts them
    by epoch; `batches` has the (epoch, batch) of each. Weights, states of the optimizer, averages and schedules stay
    as they were. Acts when the loss is known and when the gradients are.

    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3, dtype="float32")
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> x[0, 0] = 1e38
    >>> callback = mg.train.SkipNonFinite()
    >>> _ = mg.train.fit(model, (x, y.reshape(-1, 1)), mg.mse, optimizer, epochs=3, callbacks=[callback])
    >>> callback.batches
    [(1, 1), (2, 1), (3, 1)]
    """

    policy = "skip"

    def __init__(self, limit: int = 10) -> None:
        self.limit = whole(limit, "SkipNonFinite: limit", 0)
        self.batches: list[tuple[int, int]] = []
        self._in_a_row = self._seen = 0

    def on_train_begin(self, run: Run) -> None:
        super().on_train_begin(run)
        self.batches, self._in_a_row, self._seen = [], 0, run.skipped

    def next_batch(self, run: Run) -> float:
        """What fit(compile=True) asks: it is enough to be called after batches that were left out, and now and then."""
        return math.inf

    def on_batch_end(self, run: Run) -> None:
        if run.skipped > self._seen:
            self._seen = run.skipped
            self._in_a_row += 1
            self.batches.append((run.epoch, run.batch))
            if self._in_a_row > self.limit:
                raise NonFiniteError(
                    f"SkipNonFinite: the loss or the gradient of {self._in_a_row} batches in a row is NaN or infinite, "
                    f"up to epoch {run.epoch}, batch {run.batch}; limit is {self.limit}. The weights are those before "
                    "them: look at the data, or take a smaller learning rate"
                )
        else:
            self._in_a_row = 0
        run.row["skipped"] = sum(epoch == run.epoch for epoch, _ in self.batches)

    def state_dict(self) -> dict[str, Any]:
        return {"batches": [list(place) for place in self.batches], "in a row": self._in_a_row, "seen": self._seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.batches = [(epoch, batch) for epoch, batch in state["batches"]]
        self._in_a_row, self._seen = state["in a row"], state["seen"]


class TimeLimit(Callback):
    """End training when so many minutes are over, counted from the beginning of this fit.

    It ends after the batch in which they are, and the epoch that is broken off has no row; with finish_epoch=True after
    the epoch. `reached` is then the (epoch, batch), else None. With a Checkpoint in the list of callbacks nothing is
    lost: fit(resume=...) goes on there, to the same bits, with the time counted anew. The time that the batch, or the
    epoch, takes comes on top: leave room for it where a machine ends jobs. Acts at the end of batches and epochs.

    ValueError for 0 minutes.

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1)
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> limit = TimeLimit(minutes=0.001)
    >>> history = mg.train.fit(model, ([[1.0]], [[1.0]]), mg.mse, optimizer, epochs=10**9, callbacks=[limit])
    >>> limit.reached[0] - len(history) in (0, 1)
    True
    """

    adds_columns = False
    only_looks = True

    def __init__(self, minutes: float, finish_epoch: bool = False) -> None:
        self.minutes = finite(minutes, "TimeLimit: minutes", at_least=0.0)
        if self.minutes == 0:
            raise ValueError("TimeLimit: minutes is 0, so that nothing would be trained; need more")
        self.finish_epoch = truth(finish_epoch, "TimeLimit: finish_epoch")
        self.reached: tuple[int, int] | None = None
        self._start = 0.0

    def on_train_begin(self, run: Run) -> None:
        self.reached, self._start = None, time.monotonic()

    def next_batch(self, run: Run) -> float:
        """What fit(compile=True) asks: it is enough to be called now and then."""
        return math.inf

    def on_batch_end(self, run: Run) -> None:
        if not self.finish_epoch:
            self._look(run)

    def on_epoch_end(self, run: Run) -> None:
        self._look(run)  # validation takes time too

    def _look(self, run: Run) -> None:
        if self.reached is None and time.monotonic() - self._start >= 60 * self.minutes:
            self.reached, run.stop_now = (run.epoch, run.batch), True
