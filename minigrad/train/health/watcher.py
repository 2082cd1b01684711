"""train.Watch: a callback that looks at some steps of a training in full, and says what is ill and what cures it."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import whole
from ...errors import NonFiniteError
from ...insight.html_report import as_html
from ...nn.module import Module
from ..callbacks import Callback
from .causes import Finding, found_in
from .course import Course, Limits
from .page import figure_of, page_of
from .sight import MODEL, Sight, Step, norm
from .words import headline, rows_of, shown_rows, summary, told

STEPS = 50  # between two that are watched, where no epochs are known

if TYPE_CHECKING:
    from ...optim.base import Optimizer
    from ..run import Run


class Watch(Callback):
    """Watch the health of a training: what each layer gives, what comes back to it, what its weights do.

    every: "1 epoch" (default), "n epochs", or a number of batches. Watched are the steps 1, 2, 4, 8, ... of the
    beginning, and then one each so many: there each layer's output, its zeros, its units that are dead or saturated,
    the gradient that comes back, the norm of each update beside that of its weights. `print(watch.report())` says what
    is ill, since which step, which number crossed which limit, and a remedy in words and code. `findings` and `notes`
    are the same as objects, `table` the numbers as a list of dicts, a row for each layer and watched step; `save`
    writes a page, `plot` draws (with matplotlib), `to_json` is for machines.

    limits: numbers beyond which something is found, by name: see train.health.course.Limits; docs/health.md has the
    measurement behind each. Watching changes no bit of a training. fit(compile=True) makes watched batches in Python
    and replays the others.

    A loop of one's own is watched by `with watch.loop(model, optimizer):` around it.

    ValueError for two of them in one fit, and from plot before a step was watched.

    >>> import minigrad as mg
    >>> from minigrad import nn, optim, train
    >>> mg.manual_seed(0)
    >>> layers = [nn.Linear(16, 16, activation="sigmoid") for _ in range(20)]
    >>> model, watch = nn.Sequential(nn.Linear(2, 16), *layers, nn.Linear(16, 3)), train.Watch()
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> history = train.fit(model, mg.data.blobs(200), mg.cross_entropy, optimizer, epochs=3, callbacks=[watch])
    >>> watch.findings[0].kind, watch.findings[0].layer
    ('vanishing', '0')
    """

    adds_columns = False
    only_looks = True

    def __init__(self, every: int | str = "1 epoch", **limits: float) -> None:
        self.every, self.limits = every, Limits.of(limits)
        self._epochs, self._batches = period(every)
        self._reset()

    def _reset(self) -> None:
        self.course = Course()
        self._sight: Sight | None = None
        self._looking = self._late = False
        self._shared = False  # whether somebody else's block shows the ops to the sight
        self._weights: Any = None
        self._remove: Callable[[], None] | None = None

    # --- in fit ----------------------------------------------------------------------------------------------------

    def on_train_begin(self, run: Run) -> None:
        if any(isinstance(other, Watch) and other is not self for other in run.callbacks):
            raise ValueError("Watch: two of them watch the same training; leave one out, every= says how often")
        self._begin(run.model, run.optimizer)
        self.course.targets, self.course.weighted = run.loader.y, run.loader.weight is not None
        self._remove = run.optimizer.before_step(self._gradients)

    def on_batch_begin(self, run: Run) -> None:
        if self.by_hand(run, run.batch):
            self._open()

    def on_batch_end(self, run: Run) -> None:
        self.course.updates = run.updates
        if not self._looking:
            return
        number = (run.epoch - 1) * run.batches + run.batch
        parts = [part.value for part in run.parts]
        self._close(number, run.epoch, sum(parts) if parts else math.nan)

    def on_epoch_end(self, run: Run) -> None:
        self.course.epochs.append(dict(run.row))
        self.course.rate = run.optimizer.param_groups[0].get("lr", math.nan)

    def on_train_end(self, run: Run) -> None:
        error = sys.exc_info()[1]  # what training ends by; fit calls this on the way out
        self._end(error)

    def next_batch(self, run: Run) -> float:
        """What fit(compile=True) asks: the batch before the next one that is watched."""
        return min([n - 1 for n in range(run.batch + 1, run.batches + 1) if self._due(run, n)], default=math.inf)

    def by_hand(self, run: Run, number: int) -> bool:
        """What fit(compile=True) asks: whether a batch of this epoch is watched, so that it is made in Python."""
        return self._late or self._due(run, number)

    def _due(self, run: Run, batch: int) -> bool:
        number = (run.epoch - 1) * run.batches + batch
        return due(number, self._batches or self._epochs * run.batches)

    # --- in a loop of one's own --------------------------------------------------------------------------------------

    @contextmanager
    def loop(self, model: Module, optimizer: Optimizer) -> Iterator[Watch]:
        """A block around a loop of one's own: each optimizer.step() in it ends a step.

        Epochs are not known there: every="1 epoch" counts as 50 steps.
        """
        self._begin(model, optimizer)
        plain = optimizer.step

        def step(*args: Any, **options: Any) -> Any:
            with self.update(optimizer):
                return plain(*args, **options)

        optimizer.__dict__["step"] = step
        self._open()
        try:
            yield self
        except BaseException as error:
            self._end(error)
            raise
        finally:
            optimizer.__dict__.pop("step", None)
            self._end(None)

    @contextmanager
    def update(self, optimizer: Optimizer) -> Iterator[None]:
        """A block around one update in a loop of one's own."""
        self._gradients(optimizer)
        yield
        self.course.updates += 1
        if self._looking:
            self._close(self.course.updates, 0, math.nan)
        if self._late or due(self.course.updates + 1, self._batches or STEPS):
            self._open()

    # --- a watched step ----------------------------------------------------------------------------------------------

    def _begin(self, model: Module, optimizer: Optimizer) -> None:
        self._reset()
        self._sight = Sight(list(model.named_parameters()))
        course = self.course
        course.kinds = {path or MODEL: shown(module) for path, module in model.named_modules()}
        course.optimizer = optimizer.name
        course.rate = optimizer.param_groups[0].get("lr", math.nan)
        course.on_weights = [entry.name for terms in optimizer.bound_terms for entry in terms.entries]

    def _open(self) -> None:
        """Look on from here."""
        assert self._sight is not None
        if not self._looking:
            self._sight.clear()
            if not self._shared:
                self._sight.__enter__()
            self._looking, self._weights = True, None

    def _gradients(self, optimizer: Optimizer) -> None:
        """Before the update of a watched step: gradients, and weights as they are."""
        if not self._looking or self._sight is None:
            return
        held = list(optimizer.state)
        self._weights = self._sight.weights(held)
        self._before = {id(p): p.array.copy() for p in self._sight.held if p in optimizer.state}

    def _close(self, number: int, epoch: int, loss: float) -> None:
        """After the update of a watched step."""
        assert self._sight is not None
        self._look_away()
        self._late = self._weights is None
        if self._late:  # no update was made, as where gradients are accumulated: the next step is watched instead
            return
        for p, weight in zip(self._sight.held, self._weights):
            before = self._before.get(id(p))
            if before is not None and p.array.shape == before.shape:
                weight.update = norm(np.subtract(p.array, before, dtype=np.float64))
        step: Step = self._sight.step(number, epoch, self._weights)
        step.loss = step.loss if math.isnan(loss) else loss
        self.course.steps.append(step)
        if not self._shared:
            self.course.losses.append((number, step.loss))
        self._before = {}

    def _look_away(self) -> None:
        """Look on no longer."""
        if self._sight is not None and not self._shared:
            self._sight.__exit__()
        self._looking = False

    def _end(self, error: BaseException | None) -> None:
        if self._looking:
            self._look_away()
        if self._remove is not None:
            self._remove()
            self._remove = None
        if isinstance(error, NonFiniteError):
            self.course.ended = str(error)
        self._sight, self._weights, self._before = None, None, {}

    def __getstate__(self) -> dict[str, Any]:
        """What copies take: what was seen, not what looks on."""
        return {**self.__dict__, "_sight": None, "_looking": False, "_weights": None, "_remove": None, "_before": {}}

    # --- what was seen -------------------------------------------------------------------------------------------

    @property
    def steps(self) -> list[Step]:
        """The watched steps."""
        return self.course.steps

    @property
    def findings(self) -> list[Finding]:
        """What is ill, the cause before what follows from it; [] of a healthy training."""
        return [each for each in found_in(self.course, self.limits) if each.level == "fault"]

    @property
    def notes(self) -> list[Finding]:
        """What is as somebody wanted it, and may surprise: frozen layers, zeros that a penalty made."""
        return [each for each in found_in(self.course, self.limits) if each.level == "note"]

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row for each watched step and layer: step, epoch, loss, layer, what it gave and got, its weights."""
        return [row for step in self.course.steps for row in rows_of(step)]

    def report(self) -> str:
        """What was found, with remedies, and the layers at the last watched step, as text."""
        return told(self.course, self.findings, self.notes)

    def __repr__(self) -> str:
        kinds = ", ".join(dict.fromkeys(each.kind for each in self.findings)) or "nothing found"
        return f"Watch(every={self.every!r}; {len(self.course.steps)} watched steps: {kinds})"

    def save(self, path: str | os.PathLike[str], title: str = "The health of a training") -> Path:
        """Write a page of HTML: findings, remedies, curves, layers, limits; one file. Returns its path."""
        return page_of(self.course, self.findings, self.notes, title, self.limits).write(Path(path))

    def plot(self) -> Any:
        """The loss, gradients through depth, updates, dead and saturated units as a matplotlib figure.

        ImportError without matplotlib; ValueError before anything was watched.
        """
        if not self.course.steps:
            raise ValueError("Watch.plot: no step was watched; put it into fit(callbacks=[watch]) first")
        return figure_of(self.course)

    def _repr_html_(self) -> str:
        head, rows = shown_rows(self.course, self.course.steps[-1]) if self.course.steps else ([], [])
        table = as_html(head, rows) if rows else ""
        found = "".join(f"<pre>{escape(str(each))}</pre>" for each in self.findings)
        head_line = escape(headline(self.course, self.findings))
        return f"<p><b>{head_line}</b><br>{escape(summary(self.course))}</p>{found}{table}"

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Findings, notes and the table as JSON text, written to `path` if given. NaN and infinities become null."""
        found = {
            "steps": self.course.updates,
            "watched": [step.number for step in self.course.steps],
            "constant_loss": self.course.constant(),
            "ended": self.course.ended,
            "findings": [each.as_dict() for each in self.findings],
            "notes": [each.as_dict() for each in self.notes],
            "limits": vars(self.limits),
            "table": self.table,
        }
        text = json.dumps(plain(found), indent=1, ensure_ascii=False)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def plain(value: Any) -> Any:
    """The same as JSON has it: null in place of what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (np.integer, np.floating)):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def due(number: int, every: int) -> bool:
    """Whether this step, from 1, is watched: a power of two of the beginning, or one of every so many."""
    return (number - 1) % every == 0 or (number < every and number & (number - 1) == 0)


def period(every: Any) -> tuple[int, int]:
    """(epochs, 0) or (0, batches). TypeError or ValueError for what is neither."""
    if isinstance(every, str):
        said = re.fullmatch(r"(\d+) (epoch|batch)(?:e?s)?", every.strip())
        if not said or int(said[1]) < 1:
            raise ValueError(f"Watch: every is {every!r}; need '1 epoch', '5 epochs', '100 batches', or a whole number")
        return (int(said[1]), 0) if said[2] == "epoch" else (0, int(said[1]))
    return 0, whole(every, "Watch: every", 1)


def shown(module: Module) -> str:
    """A module in a few words: Linear 64->10."""
    extra = module.extra_repr().split(",")[0] if hasattr(module, "extra_repr") else ""
    return f"{type(module).__name__} {extra}".strip()
