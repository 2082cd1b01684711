"""Checkpoint: a running fit written to files, so that fit(..., resume=folder) goes on after a kill, to the last bit."""

from __future__ import annotations

import errno
import math
import os
import re
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import whole
from .callbacks import Callback, before_updates, check_column, check_monitor, column_name
from .checkpoint_folder import BEST, Lock, checkpoints, file_name, place_of
from .monitors import direction
from .snapshot import write

if TYPE_CHECKING:
    from .run import Run

EVERY = re.compile(r"(?:(\d+(?:\.\d+)?)\s+)?(epoch|batch|second|minute|hour)(?:s|es)?")
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # the disk, or what the user may have of it
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


class Checkpoint(Callback):
    """Write the whole state of the training into `folder`: fit(..., resume=folder) goes on from there, bit for bit.

    every    when: "epoch", "5 epochs", "500 batches", "10 minutes" (or seconds, hours), or a list of these; and in any
             case at the end of the training and on Ctrl-C
    keep     how many files stay, the newest ones; None: all
    best     a column of the history, such as "val_loss": the state after the best epoch so far is best.safetensors
    mode     "min" or "max": which way that column gets better, where its name does not say it
    also     {name: object}: more that the training depends on, such as {"noise": rng.Streams(3)}: what has state_dict()
             and load_state_dict(state), or get_state() and set_state(state)

    A file holds model, buffers, optimizer, strengths of bound terms, every callback's state_dict, history, all random
    streams, the place in the epoch and the means so far; its weights alone are minigrad.load(path).part("model").
    Wherever this callback stands in the list, files are written when all had their turn at the end of a batch or an
    epoch: `epoch-0003.safetensors` after epoch 3, `epoch-0004-batch-000120.safetensors` inside epoch 4. Each is written
    whole or not at all (see minigrad.save): a kill leaves the files before it. Where one cannot be written, because the
    disk is full, a warning names the error, `error` keeps it, and training goes on.

    One training at a time writes into a folder, and begins there with resume=folder, or with a folder that holds no
    checkpoints: ValueError otherwise, before the first batch; OSError for a folder that cannot be written.

    `last` is the newest file, None where there is none yet.

    >>> import tempfile
    >>> import minigrad as mg
    >>> def train(folder, epochs):
    ...     mg.manual_seed(0)
    ...     model = mg.nn.Sequential(mg.nn.Linear(1, 8, activation="relu"), mg.nn.Dropout(0.2), mg.nn.Linear(8, 1))
    ...     optimizer = mg.optim.Adam(model.parameters())
    ...     data = [[0.0], [1.0], [2.0], [3.0]], [[0.0], [1.0], [4.0], [9.0]]
    ...     save = Checkpoint(folder, every="epoch")
    ...     mg.train.fit(model, data, mg.mse, optimizer, epochs=epochs, callbacks=[save], resume=folder)
    ...     return model.predict([[1.5]]).item(), sorted(os.listdir(folder))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, files = train(f"{folder}/run", epochs=2)
    ...     resumed, _ = train(f"{folder}/run", epochs=4)
    ...     whole, _ = train(f"{folder}/whole", epochs=4)
    >>> files, resumed == whole, first == whole
    (['epoch-0001.safetensors', 'epoch-0002.safetensors'], True, False)
    """

    adds_columns = False
    only_looks = True

    def __init__(
        self,
        folder: str | os.PathLike[str],
        every: str | list[str] | tuple[str, ...] = "epoch",
        keep: int | None = 3,
        best: str | None = None,
        mode: str | None = None,
        also: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"Checkpoint: folder is {folder!r:.80}; need a path")
        self.folder, self.every = Path(folder), every
        self._times = [time_of(text) for text in (every if isinstance(every, (list, tuple)) else [every])]
        self.keep = None if keep is None else whole(keep, "Checkpoint: keep", 1)
        if mode not in ("min", "max", None):
            raise ValueError(f"Checkpoint: mode is {mode!r}; need 'min' or 'max'")
        self.best, self.mode = None if best is None else column_name("Checkpoint: best", best), mode
        self.also = checked_also(also)
        self.last: Path | None = None
        self.error: OSError | None = None
        self._lock: Lock | None = None
        self._is_best = False
        self._damaged: set[str] = set()  # names of files that a resumed run has found damaged

    # --- the points of fit ---------------------------------------------------------------------------------------

    def on_train_begin(self, run: Run) -> None:
        if self.best is not None:
            known = check_monitor("Checkpoint", self.best, self.mode, run)
            if known and before_updates(self.best, run):
                raise ValueError(
                    f"Checkpoint: best={self.best!r} is a mean over batches, each before its update: no weights have "
                    f"this value. Pass best='val_{self.best}' and validation_data (the training data, if need be)"
                )
        self._refuse_unwritable()
        lock = Lock(self.folder)
        try:
            self._refuse_others(run)
        except BaseException:
            lock.release()
            raise
        self._lock, self._place, self._clock = lock, run.resumed or (0, 0), time.monotonic()
        self._damaged = set(run.damaged)
        self.last, self.error = next(reversed(self._whole()), None), None

    def on_train_end(self, run: Run) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def begun(self, run: Run) -> None:
        """When all is as training begins with, also where it was resumed: train.Record writes its first snapshot."""

    def _refuse_unwritable(self) -> None:
        """Make the folder; OSError now, and not after the first epoch, where no file can be made in it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            text = f"{type(self).__name__}: no file can be made in the folder: {error.strerror}"
            raise OSError(error.errno, text, str(self.folder)) from None

    def _refuse_others(self, run: Run) -> None:
        """ValueError where the folder holds checkpoints that this training would mix with its own."""
        files = checkpoints(self.folder)
        names = [file.name for file in files] + [BEST] * (self.folder / BEST).exists()
        if run.resumed is None and names:
            raise ValueError(
                f"Checkpoint: {self.folder} holds checkpoints of an earlier training ({listed(names)}); pass "
                f"resume={str(self.folder)!r} to fit to go on there, or name another folder"
            )
        later = [file.name for file in files if (place_of(file.name) or (0, 0)) > (run.resumed or (0, 0))]
        later = [name for name in later if name not in run.damaged]
        if later:
            raise ValueError(
                f"Checkpoint: {self.folder} holds checkpoints that are later than the one that training goes on from "
                f"({listed(later)}); pass resume={str(self.folder)!r}, or name another folder"
            )

    # --- files ---------------------------------------------------------------------------------------------------

    def note(self, run: Run) -> None:
        """At the end of a batch or an epoch, before anything is written: whether an epoch ends, the best one so far."""
        self._is_best = False
        if self.best is None or run.inside:
            return
        check_column("Checkpoint", self.best, self.mode, run)
        way = self.mode or direction(self.best, run.history.penalties)
        value = run.row[self.best]
        best = run.best.setdefault(f"{way} {self.best}", math.nan)
        if math.isnan(best) or (value > best if way == "max" else value < best):
            run.best[f"{way} {self.best}"], self._is_best = value, not math.isnan(value)

    def next_batch(self, run: Run) -> float:
        """The batch of this epoch after which it has to look whether it is due, for fit(compile=True)."""
        before = len(run.history) * run.batches
        counts = [int(count) for count, unit in self._times if unit == "batch"]
        return min([(before + run.batch) // count * count + count - before for count in counts], default=math.inf)

    def write_if_due(self, run: Run) -> None:
        """After all callbacks had their turn at the end of a batch or an epoch: write what is due."""
        if self._is_best:
            self._write(run, self.folder / BEST)
        if any(self._due(run, count, unit) for count, unit in self._times):
            self.write_now(run)

    def write_now(self, run: Run) -> None:
        """Write the present state, unless it is written already, and remove files that are one too many."""
        if run.place == self._place:
            return
        path = self.folder / file_name(run.place)
        self._clock = time.monotonic()
        if self._write(run, path):
            self.last, self._place = path, run.place
            for name in self._damaged - {path.name}:
                (self.folder / name).unlink(missing_ok=True)
            self._damaged = set()
            self._remove_old(self.keep)

    def _due(self, run: Run, count: float, unit: str) -> bool:
        epochs, batches = run.place
        if unit == "epoch":
            return batches == 0 and epochs % count == 0
        if unit == "batch":
            # At the end of an epoch the place is (epochs, 0); its last batch was looked at as (epochs - 1, all).
            return batches > 0 and (epochs * run.batches + batches) % count == 0
        return time.monotonic() - self._clock >= count * SECONDS[unit]

    def _write(self, run: Run, path: Path) -> bool:
        """Whether the file was written; where it was not, a warning says why, and training goes on."""
        try:
            try:
                write(path, run)
            except OSError as error:
                if error.errno not in FULL or not self._remove_old((self.keep or 1) - 1):
                    raise
                write(path, run)  # in the room of a file that would be removed afterwards
        except OSError as error:
            self.error = error
            last = f"the newest checkpoint is {self.last}" if self.last else "there is none yet"
            warnings.warn(
                f"{type(self).__name__}: {path} was not written: {error}; training goes on, {last}", stacklevel=2
            )
            return False
        return True

    def _whole(self) -> list[Path]:
        """The checkpoints, oldest first, without those that were found damaged."""
        return [path for path in checkpoints(self.folder) if path.name not in self._damaged]

    def _remove_old(self, keep: int | None) -> bool:
        """Remove all checkpoints but the `keep` newest ones, None or 0: no one; whether there were more."""
        old = self._whole()[:-keep] if keep else []
        for path in old:
            path.unlink(missing_ok=True)
        return bool(old)

    # --- copies --------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """What copies take: not the lock on the folder."""
        return {**self.__dict__, "_lock": None}

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.folder)!r}, every={self.every!r}, keep={self.keep}, best={self.best!r})"


def time_of(text: Any) -> tuple[float, str]:
    """(count, unit) of "10 minutes"; epochs and batches are whole.

    >>> time_of("epoch"), time_of("500 batches"), time_of("0.5 hours")
    ((1, 'epoch'), (500, 'batch'), (0.5, 'hour'))
    """
    found = EVERY.fullmatch(text.strip()) if isinstance(text, str) else None
    count = 1.0 if found is None or found[1] is None else float(found[1])
    if found is None or count == 0:
        raise ValueError(
            f"Checkpoint: every is {text!r}; need words such as 'epoch', '5 epochs', '500 batches' or '10 minutes'"
        )
    unit = found[2]
    if unit in SECONDS:
        return count, unit
    if not count.is_integer():
        raise ValueError(f"Checkpoint: every is {text!r}; need a whole number of {unit}s".replace("batchs", "batches"))
    return int(count), unit


def checked_also(also: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was given as `also`; TypeError for what has no state."""
    if not isinstance(also, (Mapping, type(None))):
        raise TypeError(f"Checkpoint: also is a {type(also).__name__}; need a dict: also={{'noise': streams}}")
    for name, thing in (also or {}).items():
        pairs = (("state_dict", "load_state_dict"), ("get_state", "set_state"))
        if not isinstance(name, str) or not any(all(hasattr(thing, m) for m in pair) for pair in pairs):
            raise TypeError(
                f"Checkpoint: also has {name!r}: {thing!r:.80}; need names of objects that have state_dict() and "
                "load_state_dict(state), or get_state() and set_state(state)"
            )
    return dict(also or {})


def listed(names: list[str]) -> str:
    """The newest of some files."""
    return f"{len(names)} files, up to {names[-1]}" if len(names) > 1 else names[0]
