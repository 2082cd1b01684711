"""Record: a callback of fit that keeps what is needed to open the training at any of its steps."""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import kernels as K
from ...checks import finite
from ...version import __version__
from ..checkpoint import Checkpoint
from ..checkpoint_folder import checkpoints, place_of
from ..resume import differences, options, plain
from ..snapshot import stateful
from .folder import ABOUT, LOSSES, append_losses, data_of, read_about, snapshots, step_of, write_about

if TYPE_CHECKING:
    from ..run import Run

MB = 1e6
SPARE = 512  # bytes by which a snapshot, or what run.json says, may grow unforeseen


class Record(Checkpoint):
    """Keep in `folder` what train.open_run needs to open this training at any step, with the bits that it had there.

    megabytes   what the folder may take, at most: 20 by default, in units of 10⁶ bytes
    seconds     of training between two snapshots, at least (0.5): a snapshot takes some milliseconds
    about       more to keep in run.json: text, numbers, lists and dicts, such as {"note": "first try"}

    Kept are snapshots (files of Checkpoint), the data loss of each batch, and run.json with the settings, a hash of the
    data, the versions and the backend. A step between two snapshots is made again from the one before it, so snapshots
    need not be many:

        the first is made before the first step; the next after 1, 2, 4, 8, ... steps, as soon as `seconds` have passed:
        that many steps are the distance d, and from then on there is one after each multiple of d, and at the end
        where one more would not fit into `megabytes`, d is doubled, and those at odd multiples are removed

    So at most half of the room is empty, and a step is d steps away from a snapshot at most: with `megabytes` for M
    snapshots and n steps, d is below 2n / M or what `seconds` take. A model of which two snapshots do not fit keeps the
    first and the newest one, and a warning says so.

    Files are written as those of Checkpoint are: a kill at any moment leaves a record that opens up to the newest
    snapshot. fit(..., resume=folder) goes on there; resumed from another Checkpoint, the record goes on too. Acts
    between batches, so that fit(compile=True) replays them. ValueError for a folder that holds another record.

    >>> import tempfile
    >>> import minigrad as mg
    >>> def build():
    ...     model = mg.nn.Linear(1, 1)
    ...     return model, mg.mse, mg.optim.SGD(model.parameters(), lr=0.1)
    >>> data = [[0.0], [1.0], [2.0], [3.0]], [[1.0], [3.0], [5.0], [7.0]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model, loss, optimizer = build()
    ...     _ = mg.train.fit(model, data, loss, optimizer, epochs=5, batch_size=2, callbacks=[Record(folder)])
    ...     run = mg.train.open_run(folder, build, data)
    ...     moment = run.at(7)
    >>> run.steps, moment.epoch, moment.gradients["weight"].shape, bool(moment.loss == run.losses[6])
    (10, 4, (1, 1), True)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        megabytes: float = 20.0,
        seconds: float = 0.5,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"Record: folder is {folder!r:.80}; need a path")
        super().__init__(folder, keep=None)
        self.megabytes = finite(megabytes, "Record: megabytes", at_least=0.0)
        self.seconds = finite(seconds, "Record: seconds", at_least=0.0)
        self.about = dict(about or {})
        self._apart = 0  # steps between two snapshots; 0: not known yet
        self._next = 1  # the step at which to look again
        self._batches, self._kept = 1, 0  # batches of an epoch; losses in the file
        self._room, self._ready = True, False  # whether two snapshots fit; whether training has begun
        self._facts: dict[str, Any] = {}

    # --- the points of fit ---------------------------------------------------------------------------------------

    def on_train_begin(self, run: Run) -> None:
        self._batches = run.batches
        self._facts = self._facts_of(run)
        super().on_train_begin(run)

    def _facts_of(self, run: Run) -> dict[str, Any]:
        """What the record says of the training."""
        return {
            "batches": run.batches,
            "epochs": run.epochs,
            "callbacks": [
                options(callback) for callback in run.callbacks if not getattr(callback, "only_looks", False)
            ],
            "looking": [bool(getattr(callback, "only_looks", False)) for callback in stateful(run)],
            "settings": plain(run.settings),
            "data": data_of(run.loader),
            "backend": K.backend(),
            "versions": {"minigrad": __version__, "numpy": np.__version__, "python": platform.python_version()},
            "about": self.about,
        }

    def _refuse_others(self, run: Run) -> None:
        """ValueError where the folder holds the record of another training, or this one is not gone on with there."""
        if not checkpoints(self.folder) and not (self.folder / LOSSES).exists():
            return
        if run.resumed is None:
            raise ValueError(
                f"Record: {self.folder} holds the record of an earlier training; name another folder, remove this "
                f"one, or, in Python, pass resume={str(self.folder)!r} to fit to go on there"
            )
        there = read_about(self.folder)
        found = list(differences(there.get("data"), self._facts["data"], "data"))
        found += list(differences(there.get("callbacks"), plain(self._facts["callbacks"]), "callbacks"))
        if there.get("batches") != run.batches or found:
            raise ValueError(
                f"Record: {self.folder} holds the record of another training: {'; '.join(found) or 'other batches'}; "
                "name another folder"
            )
        self._facts["about"] = self.about or there.get("about", {})
        self._apart = int(there.get("apart", 0))

    def begun(self, run: Run) -> None:
        """When all is as training begins with, in a resumed run too: the first snapshot, and what the record says."""
        step = step_of(run.resumed or (0, 0), run.batches)
        for made, file in snapshots(self.folder, self._batches).items():
            if made > step:  # they will be made again, with the same bits
                file.unlink(missing_ok=True)
        run.losses, self._kept = [], step
        append_losses(self.folder, step, [])
        self._clock, self._began = time.monotonic(), step
        self._next = (step // self._apart + 1) * self._apart if self._apart else step + 1
        if step == 0:
            self._place = (-1, 0)
            self.write_now(run)
        self._tell(False)
        self._ready = True

    def on_train_end(self, run: Run) -> None:
        if self._ready:
            self._ready = False
            self._flush(run)
            self._tell(len(run.history) >= run.epochs or run.stop)
        run.losses = None
        super().on_train_end(run)

    def _tell(self, finished: bool) -> None:
        write_about(self.folder, {**self._facts, "apart": self._apart, "finished": finished})

    def _step(self, run: Run) -> int:
        return step_of(run.place, run.batches)

    # --- when ----------------------------------------------------------------------------------------------------

    def next_batch(self, run: Run) -> float:
        """The batch of this epoch after which it has to look whether a snapshot is due, for fit(compile=True)."""
        return self._next - len(run.history) * run.batches

    def note(self, run: Run) -> None:
        """Nothing is the best here."""

    def write_if_due(self, run: Run) -> None:
        step = self._step(run)
        if step < self._next or (run.inside and run.batch == run.batches):  # the end of the epoch comes right away
            return
        if not self._apart:
            ahead = step - self._began
            if time.monotonic() - self._clock < self.seconds:
                self._next = self._began + 2 * ahead
                return
            self._apart = 1 << (step.bit_length() - 1)
        self._make_room()
        if step % self._apart == 0:
            self.write_now(run)
        self._next = (step // self._apart + 1) * self._apart

    # --- files ---------------------------------------------------------------------------------------------------

    def write_now(self, run: Run) -> None:
        """Write the losses, then the present state, unless it is written already."""
        self._flush(run)
        if run.place != self._place:
            self._make_room()
        newest = next(reversed(checkpoints(self.folder)), None)  # before this one
        super().write_now(run)
        if newest not in (None, self.last, self._first()) and (not self._room or self._odd(newest)):
            newest.unlink(missing_ok=True)  # an odd one was the end of a fit that was gone on with

    def _flush(self, run: Run) -> None:
        """Put the losses of the steps that are done into the file; the rest is of a step that was broken off."""
        losses, before = run.losses or [], self._kept
        run.losses = losses[self._step(run) - before :]
        losses = losses[: self._step(run) - before]
        try:
            append_losses(self.folder, before, losses)
        except OSError as error:
            self.error = error
            warnings.warn(f"Record: {self.folder / LOSSES} was not written: {error}; training goes on", stacklevel=2)
        self._kept += len(losses)

    def _odd(self, file: Path) -> bool:
        """Whether a snapshot stands at no multiple of the distance."""
        step = step_of(place_of(file.name) or (0, 0), self._batches)
        return bool(step and self._apart and step % self._apart)

    def _first(self) -> Path | None:
        """The snapshot before the first step."""
        return next(iter(checkpoints(self.folder)), None)

    def _make_room(self) -> None:
        """Double the distance, and remove snapshots, until one more fits."""
        while self._full():
            files = checkpoints(self.folder)
            if len(files) <= 2:
                self._tell_small(files)
                return
            self._apart *= 2
            self._tell(False)  # first: a kill in between leaves some snapshots too many
            for file in files[1:]:
                if self._odd(file):
                    file.unlink(missing_ok=True)

    def _full(self) -> bool:
        sizes = [file.stat().st_size for file in checkpoints(self.folder)]
        grown = max(0, sizes[-1] - sizes[-2]) if len(sizes) > 1 else 0  # a snapshot holds the history, which grows
        after = max(sizes, default=0) + 2 * grown + SPARE
        rest = sum((self.folder / name).stat().st_size for name in (LOSSES, ABOUT) if (self.folder / name).exists())
        return sum(sizes) + after + rest > self.megabytes * MB

    def _tell_small(self, files: list[Path]) -> None:
        """Let the first snapshot and the newest one be all from now on, and say so."""
        if self._room:
            self._room = False
            size = files[0].stat().st_size / MB
            warnings.warn(
                f"Record: a snapshot takes {size:.1f} MB, and megabytes is {self.megabytes:g}: there is room for the "
                "first one and the newest one at most, and to open a step takes as long as the training up to it",
                stacklevel=2,
            )

    def _remove_old(self, keep: int | None) -> bool:
        """Nothing is removed by age, not in place of what a full disk has no room for either."""
        return False

    def __repr__(self) -> str:
        return f"Record({str(self.folder)!r}, megabytes={self.megabytes:g})"
