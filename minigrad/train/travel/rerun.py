"""Steps of a recorded training, made again by fit itself: from a snapshot up to a step, or looked at one by one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import kernels as K
from ... import rng
from ...data.batches.loader import Loader
from ...nn.module import Module
from ...optim.base import Optimizer
from ..callbacks import Callback
from ..checks import check_data
from ..loop import fit
from ..snapshot import Saved, layers, strengths
from .folder import step_of

if TYPE_CHECKING:
    from ..run import Run

NAMES = ("model", "loss", "optimizer", "penalty", "callbacks", "validation_data")
NEEDED = NAMES[:3]
FEW = 150  # steps that are as fast in Python, because a recording takes as long as a hundred


class Parts(NamedTuple):
    """What `build` returns: the arguments of fit that decide its steps, but for the data."""

    model: Module
    loss: Callable
    optimizer: Optimizer
    penalty: Any = None
    callbacks: Sequence[Any] = ()
    validation_data: Any = None


def parts_of(build: Callable[[], Any]) -> Parts:
    """What build() returned, as Parts. TypeError, saying what is needed, for anything else."""
    if not callable(build) or isinstance(build, Module):
        raise TypeError(f"open_run: build is a {type(build).__name__}; need a function that makes the model anew")
    with rng.own_streams(0):
        made = build()
    need = "need (model, loss, optimizer), (model, loss, optimizer, penalty), or a dict of arguments of fit"
    if isinstance(made, dict):
        unknown = [name for name in made if name not in NAMES]
        missing = [name for name in NEEDED if name not in made]
        if unknown or missing:
            what = f"has {unknown[0]!r}" if unknown else f"has no {missing[0]!r}"
            raise TypeError(f"open_run: the dict of build() {what}; its names are {', '.join(NAMES)}")
        return Parts(**made)
    if not isinstance(made, tuple) or not 3 <= len(made) <= 4:
        raise TypeError(f"open_run: build() returned a {type(made).__name__}; {need}")
    return Parts(*made)


def loader_of(data: Any, parts: Parts, settings: dict[str, Any]) -> Loader:
    """The loader that the recorded training had: the user's, or one that is made of (x, y) or (x, y, weight)."""
    if isinstance(data, Loader):
        return data
    x, y, weight, _ = check_data(parts.model, data, parts.loss)
    names = ("batch_size", "shuffle", "seed", "drop_last")
    return Loader(x, y, weight=weight, **{name: settings[name] for name in names})


class Stop(Callback):
    """Ends fit after a step, with the state there; the steps up to it may be replayed."""

    adds_columns = False
    only_looks = True

    def __init__(self, last: int) -> None:
        self.last = last
        self.saved: Saved | None = None

    def on_train_begin(self, run: Run) -> None:
        run.losses = []

    def next_batch(self, run: Run) -> float:
        """The batch of this epoch after which it has to look, for fit(compile=True)."""
        return self.last - len(run.history) * run.batches

    def on_batch_end(self, run: Run) -> None:
        if step_of(run.place, run.batches) >= self.last:
            self.saved, run.stop_now = Saved.of(run), True


class Each(Stop):
    """Calls look(run, gradients, before) after each step, all of them in Python.

    gradients: {name: array}, those of the update: clipped, where they are clipped. before: {name: array}, the model
    before it.
    """

    def __init__(self, last: int, look: Callable[..., Any]) -> None:
        super().__init__(last)
        self.look = look
        self._before: dict[str, np.ndarray] = {}
        self._gradients: dict[str, np.ndarray] = {}
        self._remove: Callable[[], None] | None = None
        self.states = False  # whether the state of the optimizer and of the layers before the update is kept, too
        self.before: dict[str, Any] = {}

    def on_train_begin(self, run: Run) -> None:
        super().on_train_begin(run)
        self._run = run
        self._remove = run.optimizer.before_step(self._taken)

    def on_gradients(self, run: Run) -> None:
        self._before = dict(run.model.state_dict())
        self._taken(run.optimizer)
        if self.states:
            terms = [strengths(bound) for bound in run.terms]
            self.before = {"optimizer": run.optimizer.state_dict(), "layers": layers(run), "terms": terms}

    def _taken(self, optimizer: Optimizer) -> None:
        named = self._run.model.named_parameters()
        self._gradients = {name: p.grad.array.copy() for name, p in named if p.grad is not None}

    def on_batch_end(self, run: Run) -> None:
        self.look(run, self._gradients, self._before)
        super().on_batch_end(run)

    def on_train_end(self, run: Run) -> None:
        if self._remove is not None:
            self._remove()


class Rerun:
    """What makes steps of a recorded training again.

    build: makes Parts; data: as it was given to open_run; about: what run.json says.
    """

    def __init__(self, build: Callable[[], Any], data: Any, about: dict[str, Any]) -> None:
        self.build, self.about = build, about
        self.parts = parts_of(build)
        self.loader = loader_of(data, self.parts, about["settings"])
        self.callbacks = [c for c in self.parts.callbacks if not getattr(c, "only_looks", False)]
        self.batches = len(self.loader)

    def go(self, saved: Saved, watcher: Stop, taps: Any = None, compile: bool = True) -> tuple[Saved, np.ndarray]:
        """Make the steps from a saved state up to watcher.last; the state there, and the losses of these steps."""
        losses: list[list[float]] = []
        few = watcher.last - step_of(saved.place, self.batches) < FEW
        keep = Keep(losses, taps)
        validation = self.parts.validation_data if self.callbacks else None
        with self.as_recorded():
            fit(
                self.parts.model,
                self.loader,
                self.parts.loss,
                self.parts.optimizer,
                self.parts.penalty,
                epochs=self.about["epochs"],
                validation_data=validation,
                callbacks=[*self.callbacks, keep, watcher],
                resume=saved,
                compile="quiet" if compile and not few else False,
            )
        if watcher.saved is None:  # nothing of the state is missing: a callback ended the training there
            raise ValueError(f"open_run: the training ends before step {watcher.last} when it is made again")
        return watcher.saved, np.array(losses[0])

    @contextmanager
    def as_recorded(self) -> Iterator[None]:
        """The backend of the recorded training, and random streams apart from those of the program."""
        with K.use_backend(self.about["backend"]), rng.own_streams(0):
            yield

    def loss_of_next(self, saved: Saved, weights: dict[str, np.ndarray]) -> float:
        """The data loss of the batch behind a state, with other weights and the random numbers that it had."""
        other = copy.copy(saved)
        other.model = weights
        return float(self.go(other, Stop(step_of(saved.place, self.batches) + 1))[1][0])


class Keep(Callback):
    """Hands the losses of a fit out, and lets taps look at its steps."""

    adds_columns = False
    only_looks = True

    def __init__(self, losses: list[list[float]], taps: Any) -> None:
        self.losses, self.taps = losses, taps

    def on_train_begin(self, run: Run) -> None:
        run.taps = self.taps
        if self.taps is not None:
            self.taps.begin(run)

    def next_batch(self, run: Run) -> float:
        """For fit(compile=True): it need not be called."""
        return float("inf")

    def on_batch_end(self, run: Run) -> None:
        """In a step in Python, what the taps are on."""
        if self.taps is not None:
            self.taps.look(run, run.batch)

    def on_train_end(self, run: Run) -> None:
        self.losses.append(run.losses or [])
        if self.taps is not None:
            self.taps.end(run)
