"""open_run: a recorded training, opened at any of its steps."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import whole
from ...errors import NonFiniteError
from ...version import __version__
from ..evaluate import penalty_values
from ..history import History
from ..resume import differences, options, plain, settings
from ..run import Run
from ..snapshot import Saved
from .answer import Answer
from .dead_unit import since_dead
from .folder import data_of, read_about, read_losses, snapshots
from .jump import loss_jump
from .moment import Moment, saved_at
from .present import dead_units, zeros
from .rerun import Each, Parts, Rerun, Stop, parts_of
from .zero_weight import why_zero

PROBE = 3  # steps that are made again when a run is opened
CACHE = 64 << 20  # bytes of states that are kept in memory
CHUNK = 32 << 20  # bytes of moments that are made ahead
ASIDE = (
    "columns",
    "validation_data",
    "callbacks with a state",
    "data",
    "also",
)  # that decide no bit, or are compared apart
SHOWN = 6  # differences in an error


class OpenRun:
    """A recorded training: what `open_run` returns, which see.

    steps       how many steps it has; they count from 1
    losses      (steps,) the data loss of each batch, before its update, float64; NaN where it was not kept
    batches     steps of an epoch
    about       what run.json says: settings, versions, how it was made
    loader      of the data

    ValueError for a record without a snapshot, of another training than build makes, or of kernels that are not there;
    and for a step that it does not have.

    >>> import tempfile
    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3)
    >>> data = x, y.reshape(-1, 1)
    >>> def build():
    ...     model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    ...     return model, mg.mse, mg.optim.SGD(model.parameters(), lr=0.1)
    >>> model, loss, optimizer = build()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = mg.train.fit(model, data, loss, optimizer, epochs=3, callbacks=[mg.train.Record(folder)])
    ...     run = mg.train.open_run(folder, build, data)
    ...     print(type(run).__name__, run.losses.shape, run.losses[0] > run.losses[-1])
    OpenRun (6,) True
    """

    def __init__(self, path: str | os.PathLike[str], build: Callable[[], Any], data: Any) -> None:
        self.path, self.build = Path(path), build
        self.about = read_about(self.path)
        self.batches = int(self.about["batches"])
        self._snapshots = snapshots(self.path, self.batches)
        if not self._snapshots:
            raise ValueError(f"{self.path}: holds no snapshot: the training ended before its first step")
        self.steps = max(self._snapshots)
        self.losses = read_losses(self.path, self.steps)
        self._refuse_backend()
        self.rerun = Rerun(build, data, self.about)
        self.loader = self.rerun.loader
        self._refuse_differences()
        self._states: OrderedDict[int, Saved] = OrderedDict()
        self._probe()

    # --- whether all is as it was --------------------------------------------------------------------------------

    def _refuse_backend(self) -> None:
        try:
            with K.use_backend(self.about["backend"]):
                pass
        except Exception as error:
            raise ValueError(
                f"{self.path}: the training ran on the {self.about['backend']} kernels, which this installation does "
                f"not have: {error}"
            ) from None

    def _refuse_differences(self) -> None:
        parts, there = self.rerun.parts, self.about["settings"]
        terms = ([] if parts.penalty is None else [parts.penalty]) + parts.optimizer.bound_terms
        run = Run(parts.model, parts.optimizer, History(penalties=penalty_values(terms)), 1, self.loader, terms)
        here = plain(settings(run, parts.loss, None))
        found = list(differences(self.about["data"], data_of(self.loader), "data"))
        mine = [plain(options(callback)) for callback in self.rerun.callbacks]
        found += list(differences(self.about["callbacks"], mine, "callbacks"))
        for aside in ASIDE:
            there, here = ({k: v for k, v in each.items() if k != aside} for each in (there, here))
        found += list(differences(there, here, ""))
        also = [n for n in self.about["settings"]["also"] if n != "the loss" and not n.startswith("transform ")]
        if also:
            found.append(f"the training had more objects with a state, Checkpoint(also={also}), which are not rebuilt")
        if found:
            more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise ValueError(
                f"open_run: {self.path} is of another training: {'; '.join(found[:SHOWN])}{more}. build() has to make "
                "what fit was given, and data has to be what it was given"
            )

    def _probe(self) -> None:
        """Make the first steps again: another version may compute other bits."""
        last = min(PROBE, self.steps)
        if last:
            self._state_after(last, min(self._snapshots))

    def compare(self, first: int, losses: np.ndarray) -> None:
        """ValueError where steps that were made again have other losses than those that were kept."""
        kept = self.losses[first - 1 : first - 1 + len(losses)]
        wrong = np.flatnonzero((kept != losses[: len(kept)]) & ~np.isnan(kept))
        if len(wrong):
            k = int(wrong[0])
            then = self.about["versions"].get("minigrad", "?")
            version = (
                f"minigrad {then} made it, this is {__version__}" if then != __version__ else "the version is the same"
            )
            raise ValueError(
                f"open_run: {self.path}: step {first + k}, made again, has the loss {float(losses[k])!r}, and had "
                f"{float(kept[k])!r}: other bits. {version}; what else changes bits: a function in the model or the "
                "loss, a callback that acts by itself (name it in build), random numbers that are not minigrad's"
            )

    @property
    def marks(self) -> list[int]:
        """The steps after which there is a snapshot, in order; the first is 0."""
        return list(self._snapshots)

    # --- states --------------------------------------------------------------------------------------------------

    def fresh(self) -> Parts:
        """What build() makes, anew."""
        return parts_of(self.build)

    def state_after(self, step: int) -> Saved:
        """The state between step and the next one."""
        return self._state_after(step, max(s for s in [*self._snapshots, *self._states] if s <= step))

    def _state_after(self, step: int, nearest: int) -> Saved:
        saved = self._states.get(nearest) or saved_at(self._snapshots[nearest], self.about["looking"])
        if step > nearest:
            saved, losses = self.rerun.go(saved, Stop(step))
            self.compare(nearest + 1, losses)
        self.keep(step, saved)
        return saved

    def keep(self, step: int, saved: Saved) -> None:
        """Keep some states in memory: what is asked next is often near."""
        self._states[step] = saved
        self._states.move_to_end(step)
        room = max(2, CACHE // max(1, 3 * sum(array.nbytes for array in saved.model.values())))
        while len(self._states) > min(room, 32):
            self._states.popitem(last=False)

    # --- moments -------------------------------------------------------------------------------------------------

    def at(self, step: int) -> Moment:
        """The moment of a step, 1 to `steps`: see Moment. ValueError for another step."""
        return next(iter(self._moments(self.checked(step), step)))

    def walk(self, first: int = 1, last: int | None = None) -> Iterator[Moment]:
        """The moments of steps first to last (included; the last of the run), one after another.

        Each is independent of the others, and those to come are made some at a time: a step costs what it costs in
        training, and a copy of the weights.
        """
        self.checked(first)
        last = self.steps if last is None else self.checked(last)
        count = 1
        while first <= last:
            moments = self._moments(first, min(last, first + count - 1))
            yield from moments
            first += len(moments)
            size = 4 * sum(array.nbytes for array in moments[0].before.values())
            count = max(1, min(2 * count, CHUNK // max(1, size)))

    def checked(self, step: int) -> int:
        """A step of the run. ValueError for another number."""
        step = whole(step, "step", 0)
        if step == 0:
            raise ValueError("step 0: steps count from 1; the weights before the first step are run.at(1).before")
        if step > self.steps:
            ends = "the training has" if self.about.get("finished") else "the record opens up to its newest snapshot:"
            raise ValueError(f"step {step}: {ends} {self.steps} steps")
        return step

    def _moments(self, first: int, last: int) -> list[Moment]:
        found: list[Moment] = []

        def look(run: Run, gradients: dict[str, np.ndarray], before: dict[str, np.ndarray]) -> None:
            loss = float(run.losses[-1]) if run.losses else float("nan")
            after = dict(run.model.state_dict())
            step = first + len(found)
            found.append(Moment(self, step, loss, before, after, gradients, watcher.before, not run.skip_update))

        watcher = Each(last, look)
        watcher.states = True
        saved, losses = self.rerun.go(self.state_after(first - 1), watcher)
        self.compare(first, losses)
        self.keep(last, saved)
        return found

    # --- questions -----------------------------------------------------------------------------------------------

    def why_zero(self, name: str, *index: int) -> Answer:
        """Why is this weight 0? name: of a parameter, such as "0.weight"; index: of one of its elements.

        The answer says since which step, and what made it 0 then, with the gradient and the threshold. Its kind:

        "prox"           a proximal map stopped it: |w - step g| was at most the threshold, step l1
        "group"          the proximal map of a term on groups emptied its group
        "constraint"     a projection put it to 0
        "outside"        it was set to 0 after the update: by a callback that holds a mask, for instance
        "update"         the update itself landed on 0 exactly
        "never trained"  it was 0 before the first step, and no update was made of it: frozen, or not in the optimizer
        "no gradient"    it was 0 before the first step, and its gradient was 0 in every step
        "held"           it was 0 before the first step, and a proximal map or a constraint has held it there
        "not zero"       it is not 0; where L1 acts by its sub-gradient, the answer says how often it passed through 0

        ValueError for a name that is no parameter's, and for an index that is outside of its shape.
        """
        return why_zero(self, name, *index)

    def since_dead(self, layer: str, unit: int) -> Answer:
        """Since when is this unit dead? layer: the name of a module, such as "0"; unit: which of its outputs, from 0.

        A unit fires for a row where its output is not 0: a relu unit that fires for no row gets no gradient, and is
        dead. Outputs are (rows, units), (rows, ..., units), or (rows, channels, height, width) of convolutions. The
        kind of the answer: "dead", with the step since which it fires for no row; "alive"; "never" where it fired in no
        batch at all. ValueError for another name, or a unit that the layer does not have.
        """
        return since_dead(self, layer, unit)

    def dead_units(self, layer: str | None = None) -> Answer:
        """Which units fire for no row of the data after the last step: of every layer, or of one.

        kind: "dead" or "none"; numbers: {layer: list of units, from 0}. ValueError for the name of no layer.
        """
        return dead_units(self, layer)

    def zeros(self) -> Answer:
        """How many weights of each parameter are 0 after the last step, and where the first of them stand.

        numbers: {name: count}.
        """
        return zeros(self)

    def loss_jump(self, step: int | None = None) -> Answer:
        """Which batch made the loss jump? Asked of the largest jump of the run, or of the one at `step`.

        The loss of each batch is compared with the median of those before it. The batch in which it jumped is computed
        once more with the weights that the step before began with: where its loss is high then, too, the rows of this
        batch are unlike the others (kind "rows"); where it is not, the update before it did it (kind "update"), of
        which the answer has the size of the gradient beside that of earlier ones, and the rows of its batch with the
        largest losses. "no jump" where no loss stands out.
        """
        return loss_jump(self, step)

    # --- checks --------------------------------------------------------------------------------------------------

    def check(self, windows: int | None = None) -> str:
        """Make the steps between snapshots again, the last `windows` of them or all; ValueError where a bit differs.

        Compared are the losses of all batches and, at each snapshot, parameters, buffers and the optimizer's state.
        """
        marks = list(self._snapshots)
        pairs = list(pairwise(marks))
        pairs = pairs if windows is None else pairs[len(pairs) - min(len(pairs), whole(windows, "check: windows", 1)) :]
        size = 0
        for before, after in pairs:
            looking = self.about["looking"]
            made, losses = self.rerun.go(saved_at(self._snapshots[before], looking), Stop(after))
            self.compare(before + 1, losses)
            size += same_bits(made, saved_at(self._snapshots[after], looking), f"{self.path}: step {after}")
        steps = pairs[-1][1] - pairs[0][0] if pairs else 0
        return f"equal: {steps} steps made again between {len(pairs) + 1} snapshots, {size} bytes of states compared"

    def __repr__(self) -> str:
        return f"OpenRun({str(self.path)!r}, {self.steps} steps)"

    def __str__(self) -> str:
        """What it is, in some lines."""
        there, made = self.about["settings"], self.about["versions"]
        gaps = np.diff(list(self._snapshots)) if len(self._snapshots) > 1 else [self.steps]
        size = sum(file.stat().st_size for file in self.path.iterdir() if file.is_file()) / 1e6
        ended = "" if self.about.get("finished") else ", not finished"
        kept = self.losses[np.isfinite(self.losses)]
        lines = [
            f"{self.path}: {self.steps} steps of {there['optimizer']} in {self.steps / self.batches:.4g} epochs{ended}",
            f"batches of {there['batch_size']}, {self.batches} an epoch; seed {there['seed']}",
            f"{len(self._snapshots)} snapshots, at most {int(max(gaps))} steps apart; {size:.1f} MB",
            f"minigrad {made['minigrad']}, {self.about['backend']} kernels",
        ]
        if len(kept):
            lines.insert(2, f"loss {kept[0]:.6g} in the first batch, {kept[-1]:.6g} in the last")
        return "\n".join(lines)


def same_bits(made: Saved, kept: Saved, where: str) -> int:
    """How many bytes two states have, which are compared; ValueError for the first array that differs."""
    size = 0
    for name, array in arrays_of(kept).items():
        other = arrays_of(made)[name]
        if array.tobytes() != np.ascontiguousarray(other, array.dtype).tobytes():
            raise ValueError(
                f"{where}: {name} has other bits than the snapshot: the training is not made again as it was"
            )
        size += array.nbytes
    return size


def arrays_of(saved: Saved) -> dict[str, np.ndarray]:
    """Parameters, buffers, and the numbers of the optimizer, by name."""
    state = saved.state["optimizer"]["state"]
    return {**saved.model, **{f"the optimizer's {name}": np.asarray(value) for name, value in state.items()}}


def open_run(path: str | os.PathLike[str], build: Callable[[], Any], data: Any) -> OpenRun:
    """Open a training that train.Record has kept in the folder `path`, at any step, with the bits that it had.

    build   a function without arguments that makes what fit was given: (model, loss, optimizer), or with penalty
            behind; or a dict of arguments of fit: "model", "loss", "optimizer", "penalty", "callbacks" (those that
            change the training: LearningRate, ClipGradients; what only looks may be left out), "validation_data"
            (where such a callback asks for its columns). Its random numbers do not matter: weights come from snapshots
    data    what fit was given: (x, y), (x, y, weight), or a Loader

    Afterwards:

        run.at(1234)                    a Moment: model, optimizer, batch, rows and gradients of step 1234
        for moment in run.walk(1, 50)   one after another
        run.losses                      the loss of each batch
        run.check()                     makes all steps again, and compares bits
        print(run.why_zero("0.weight", 3, 5)), run.since_dead("0", 7), run.loss_jump()    three questions: see there

    The steps from the snapshot before are made again, replayed where they can be (mg.compile), and their losses are
    compared with those that were kept. The first three are made again here. ValueError, naming what is not as it was:
    data, by a hash of all numbers; shapes, seeds, options, callbacks; and bits that another version computes otherwise.
    FileNotFoundError for a folder without a record. Random streams of the program stay as they are.

    >>> import tempfile
    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3)
    >>> data = x, y.reshape(-1, 1)
    >>> def build():
    ...     model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    ...     return model, mg.mse, mg.optim.SGD(model.parameters(), lr=0.1)
    >>> model, loss, optimizer = build()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = mg.train.fit(model, data, loss, optimizer, epochs=3, callbacks=[mg.train.Record(folder)])
    ...     run = mg.train.open_run(folder, build, data)
    ...     print(run.steps, run.at(2).gradients["0.weight"].shape)
    6 (3, 1)
    """
    try:
        return OpenRun(path, build, data)
    except NonFiniteError as error:
        raise ValueError(f"open_run: {path}: {error}") from error
