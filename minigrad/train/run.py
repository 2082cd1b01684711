"""A running fit, as callbacks see it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..data.batches.loader import Loader
from ..interrupts import Interrupts
from ..nn.module import Module
from ..optim.base import Optimizer
from ..reg.binding.terms import Terms
from .history import History
from .means import Means, Part

if TYPE_CHECKING:
    from .callbacks import Callback

POLICIES = ("raise", "skip", "stop")


class Run:
    """A running fit, as callbacks see it.

    model, optimizer, history   what is trained, and what was measured
    epoch, batch                counted from 1, of epochs and batches; they count on in a run that was resumed
    updates                     how many updates were made; skipped: how many were left out by non_finite="skip"
    row, columns                the measurements of the present epoch so far; the names of those that fit makes
    parts                       the loss of the batch as summands, each with the weight that it is a mean over
    callbacks                   all of them, in order
    resumed                     None; or the (epochs, batches of the next epoch) that were done when the run was
                                resumed, known from on_train_begin on
    place                       (epochs that are done, batches of the next one that are done)

    What a callback may set:

    stop            True: training ends after the present epoch; in a checkpoint the run is over, also when resumed
    stop_now        True: training ends after the present batch, and the epoch that it is in gets no row; set at an
                    epoch's end: there. A resumed run goes on from here, as after a kill
    skip_update     in on_gradients, True: the update of this batch is left out, and its gradients are forgotten.
                    In on_batch_end it says whether the update was left out
    keep_gradients  with skip_update, True: the gradients stay, and the next backward adds to them
    non_finite      in on_train_begin: what follows a loss that is NaN or infinite. "raise" (default): NonFiniteError;
                    "skip": the update is left out and counted in `skipped`; "stop": training ends with the weights
                    before the batch, nothing is raised, and history.stopped says it. "skip" and "stop" look at the
                    gradients too, before the update

    >>> import minigrad as mg
    >>> class Told(mg.train.Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epoch, run.updates)
    >>> x, y, _ = mg.data.regression(64, 3, dtype="float32")
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> _ = mg.train.fit(model, (x, y.reshape(-1, 1)), mg.mse, optimizer, epochs=2, callbacks=[Told()])
    1 2
    2 4
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        history: History,
        epochs: int,
        loader: Loader,
        terms: Sequence[Terms] = (),
        columns: Sequence[str] = (),
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.model, self.optimizer, self.history = model, optimizer, history
        self.epochs, self.batches, self.loader, self.terms = epochs, len(loader), loader, list(terms)
        self.columns, self.callbacks = list(columns), list(callbacks)
        self.epoch = self.batch = self.updates = self.skipped = 0
        self.row: dict[str, float] = {}
        self.parts: list[Part] = []
        self.whole: frozenset[str] = frozenset()  # columns that have no number before the end of the epoch
        self.stop = self.stop_now = self.skip_update = self.keep_gradients = False
        self._non_finite = "raise"
        self.interrupts = Interrupts()
        self.means, self.seconds = Means(), 0.0  # of the present epoch so far; seconds: before the run was resumed
        self.done = 0  # batches of the present epoch that a resumed run does not repeat
        self.inside = False  # whether an epoch has begun that has no row in the history yet
        self.loader_epoch = 0  # the epoch of the loader that the present one is
        self.settings: dict[str, Any] = {}  # what a resumed run has to have in common with this one
        self.best: dict[str, float] = {}  # the best value so far of each column whose best epoch is saved
        self.also: dict[str, Any] = {}  # more objects whose state belongs to the run, by name
        self.resumed: tuple[int, int] | None = None
        self.saved: Any = None  # what a resumed run was found at, until callbacks have begun
        self.damaged: list[str] = []  # names of checkpoints that are newer than the one that it was resumed from
        self.losses: list[float] | None = None  # the data loss of each batch since it was emptied, where kept
        self.taps: Any = None  # what looks at arrays of each step, those that are replayed too: travel/looks.py
        self._start = 0.0

    def __repr__(self) -> str:
        return f"Run(epoch {self.epoch} of {self.epochs}, batch {self.batch} of {self.batches}, {self.updates} updates)"

    @property
    def place(self) -> tuple[int, int]:
        """How many epochs are done, and how many batches of the next one."""
        epochs = len(self.history)
        return epochs, self.batch if self.inside else 0

    @property
    def non_finite(self) -> str:
        """What follows a loss that is NaN or infinite: "raise", "skip" or "stop"."""
        return self._non_finite

    @non_finite.setter
    def non_finite(self, policy: str) -> None:
        if policy not in POLICIES:
            raise ValueError(f"fit: run.non_finite is {policy!r}; need {', '.join(map(repr, POLICIES[:-1]))} or 'stop'")
        self._non_finite = policy

    def begin_epoch(self) -> int:
        """Start the measurements of an epoch; returns how many of its batches are done: 0, unless it was resumed."""
        done, self.done = self.done, 0
        if not done:
            self.means, self.seconds = Means(), 0.0
            names = self.columns[1:-1]
            self.row = {"epoch": self.epoch, **{name: float("nan") for name in names if not name.startswith("val_")}}
        self._start, self.batch, self.loader_epoch = time.perf_counter() - self.seconds, done, self.loader.epoch
        self.inside = True
        return done

    def end_epoch(self) -> None:
        """Take the row of the epoch into the history, with its seconds: no batch of the next one is done."""
        for bound in self.terms:
            bound.note_shares(self.row)
        self.row["seconds"] = self.elapsed()
        self.history.append(self.row)
        self.inside, self.means = False, Means()

    def note_loss(self, loss: Any) -> None:
        """Keep the data loss of a batch, a tensor or a number, where a callback keeps them."""
        if self.losses is not None:
            self.losses.append(float(getattr(loss, "array", loss)))

    def elapsed(self) -> float:
        """Seconds that the present epoch has taken, those before a kill included."""
        return time.perf_counter() - self._start
