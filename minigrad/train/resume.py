"""fit(..., resume=path): the file to go on from, and whether it fits what fit was given now."""

from __future__ import annotations

import errno
import hashlib
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..data.dataset import take_rows
from ..interop.json_arrays import pack_json
from ..nn.dropout.random_layer import RandomLayer
from ..nn.module import Module
from .checkpoint import Checkpoint
from .checkpoint_folder import checkpoints
from .checks import Checked
from .columns import name_of
from .history import History
from .run import Run
from .snapshot import Saved, packed_run, restore, stateful

ROWS = 64  # of the data that are compared, spread evenly over it
SHOWN = 6  # differences in an error
OPTIONS = "options of the optimizer"  # as they are when training begins


def found(resume: Any) -> Saved | None:
    """The checkpoint to go on from: a file, or the newest whole one of a folder; None for a folder without any.

    A damaged file of a folder is left out with a warning. ValueError if all are damaged, or if the file that was named
    is; FileNotFoundError for a file that is not there.
    """
    if isinstance(resume, Saved):
        return resume
    if not isinstance(resume, (str, os.PathLike)):
        raise TypeError(f"fit: resume is {resume!r:.80}; need the path of a checkpoint, or of the folder of some")
    path = Path(resume)
    if path.suffix == ".safetensors" or path.is_file():
        return Saved(path)
    saved, damaged = newest(path)
    if saved is None:
        return None
    for text in damaged.values():
        warnings.warn(f"fit: {text}. Training is resumed from {Path(saved.path).name}, the one before", stacklevel=5)
    saved.damaged = list(damaged)
    return saved


def newest(folder: Path) -> tuple[Saved | None, dict[str, str]]:
    """The newest whole checkpoint of a folder, and what is wrong with those after it; ValueError if all are damaged."""
    damaged: dict[str, str] = {}
    for file in reversed(checkpoints(folder)):
        try:
            return Saved(file), damaged
        except ValueError as error:
            damaged[file.name] = str(error)
    if damaged:
        raise ValueError(f"no checkpoint in {folder} is whole: {'; '.join(damaged.values())}")
    return None, {}


def newest_checkpoint(folder: str | os.PathLike[str]) -> Path:
    """The newest whole checkpoint that train.Checkpoint has written into a folder; FileNotFoundError for none.

    Its weights: `model.load_state_dict(minigrad.load(newest_checkpoint("run")).part("model"))`. ValueError, naming the
    files, if all are damaged.

    >>> import tempfile
    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1)
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save = [mg.train.Checkpoint(folder)]
    ...     _ = mg.train.fit(model, ([[0.0]], [[1.0]]), mg.mse, optimizer, epochs=7, callbacks=save)
    ...     newest_checkpoint(folder).name
    'epoch-0007.safetensors'
    """
    saved, _ = newest(Path(folder))
    if saved is None:
        raise FileNotFoundError(errno.ENOENT, "the folder holds no checkpoints of train.Checkpoint", os.fspath(folder))
    return Path(saved.path)


def prepare(run: Run, resume: Any, loss: Callable, held_out: Checked | None) -> None:
    """Before callbacks begin: note what has to be the same in a resumed run; find and check the file to go on from."""
    savers = [callback for callback in run.callbacks if isinstance(callback, Checkpoint)]
    if resume is None and not savers:
        return
    given = [("the loss", loss), *((f"transform {i}", step) for i, step in enumerate(run.loader.transforms, 1))]
    run.also = {name: thing for name, thing in given if hasattr(thing, "state_dict")}
    for saver in savers:
        run.also.update(saver.also)
    run.settings = settings(run, loss, held_out)
    saved = None if resume is None else found(resume)
    if saved is None:
        return
    if not saved.known:
        refuse_differences(saved, run)
    history = saved.state["history"]
    run.history.rows = History(history["rows"]).rows
    run.history.stopped = history["stopped"]
    run.resumed, run.damaged, run.saved = saved.place, saved.damaged, saved


def begin(run: Run) -> None:
    """After callbacks have begun: bring all to where it was saved; TypeError now for a state that cannot be saved."""
    saved, run.saved = run.saved, None  # whose arrays would take their memory as long as the run
    if saved is not None:
        restore(run, saved)
    if run.settings:
        pack_json(packed_run(run)[0])
    for callback in run.callbacks:
        if isinstance(callback, Checkpoint):
            callback.begun(run)


# --- what has to be the same ---------------------------------------------------------------------------------------


def settings(run: Run, loss: Callable, held_out: Checked | None) -> dict[str, Any]:
    """What decides the bits of a training, in plain values: another one of these means another training."""
    loader = run.loader
    optimizer = run.optimizer
    groups = [{name: group[name] for name in optimizer._options} for group in optimizer.param_groups]
    return {
        "model": {name: f"{array.dtype} {array.shape}" for name, array in run.model.state_dict().items()},
        "layer": {name: layer(module) for name, module in run.model.named_modules()},
        "seed of layer": {name: m.seed for name, m in run.model.named_modules() if isinstance(m, RandomLayer)},
        "optimizer": optimizer.name,
        OPTIONS: plain(groups),
        "loss": name_of(loss),
        "columns": run.columns,
        "terms": [[f"{entry.name} ({bound.moment})" for entry in bound.entries] for bound in run.terms],
        "strengths": {entry.name: written(entry.term) for bound in run.terms for entry in bound.entries},
        "data": {"x": described(loader.x), "y": described(loader.y), "weight": described(loader.weight)},
        "batch_size": loader.batch_size,
        "seed": loader.seed,
        "shuffle": loader.shuffle,
        "drop_last": loader.drop_last,
        "transforms": [options(step) for step in loader.transforms],
        "validation_data": None
        if held_out is None
        else {"x": described(held_out.x), "y": described(held_out.y), "weight": described(held_out.weight)},
        "callbacks with a state": [options(callback) for callback in stateful(run)],
        "also": sorted(run.also),
    }


def layer(module: Module) -> str:
    """A layer by its type and, if it is one of minigrad's, its options: the probability of a Dropout."""
    name = type(module).__name__
    return f"{name}({module.extra_repr()})" if own(module) else name


def own(thing: Any) -> bool:
    """Whether this is an object of minigrad's, whose attributes with the names of its arguments are its options."""
    return type(thing).__module__.split(".")[0] == __name__.split(".")[0]


def options(thing: Any) -> dict[str, Any]:
    """An object by its type and, if it is one of minigrad's, the arguments that it was made of, as far as plain."""
    kind = getattr(thing, "__qualname__", None) or type(thing).__name__
    if not own(thing):
        return {"": kind}
    names = inspect.signature(type(thing).__init__).parameters
    values = {name: getattr(thing, name) for name in names if hasattr(thing, name)}
    inner = {name: options(value) for name, value in values.items() if own(value) and name != "optimizer"}
    return {"": kind, **{name: plain(value) for name, value in values.items() if is_plain(value)}, **inner}


def is_plain(value: Any) -> bool:
    """Whether a value is a number, text, None, or a list or tuple of such."""
    if isinstance(value, (list, tuple)):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, np.number))


def plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def written(term: Any) -> str:
    """A term with its strengths as they were given, such as L1(0.001)."""
    return str(getattr(term, "name", type(term).__name__))


def described(array: np.ndarray | None) -> str:
    """Rows, shape, dtype, and a hash of some rows spread over the data: other data, or another order, shows here."""
    if array is None:
        return "none"
    some = np.unique(np.linspace(0, len(array) - 1, ROWS).astype(np.int64))
    digest = hashlib.sha256(np.ascontiguousarray(take_rows(array, some)).tobytes()).hexdigest()
    return f"{len(array)} rows of {array.shape[1:]} {array.dtype}, hash {digest[:12]}"


def refuse_differences(saved: Saved, run: Run) -> None:
    """ValueError, naming all that is not as it was when the checkpoint was written, or for too few epochs."""
    there, here = saved.state["settings"], plain(run.settings)
    if here[OPTIONS] == plain(
        saved.state["optimizer"]["groups"]
    ):  # the same optimizer goes on: at a prompt, after Ctrl-C
        here[OPTIONS] = there[OPTIONS]
    texts = list(differences(there, here, ""))
    if texts:
        more = f"; and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
        raise ValueError(
            f"fit: resume: {saved.path} is of another training: {'; '.join(texts[:SHOWN])}{more}. Give fit what it was "
            "given then, or start anew, with another folder"
        )
    epochs, batches = saved.place
    if epochs + (batches > 0) > run.epochs:
        raise ValueError(
            f"fit: resume: {saved.path} has {epochs} epochs{f' and {batches} batches' if batches else ''}, and epochs "
            f"is {run.epochs}; need more: epochs counts from the beginning of the training"
        )


def differences(there: Any, here: Any, name: str) -> Iterator[str]:
    """Each difference of two settings as text, by the path to it."""
    if there == here:
        return
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*there, *(key for key in here if key not in there)]:
            yield from differences(there.get(key, "none"), here.get(key, "none"), f"{name} {key}".strip())
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for i, (a, b) in enumerate(zip(there, here)):
            yield from differences(a, b, f"{name} {i + 1}" if len(here) > 1 else name)
    else:
        yield f"{name} was {short(there)}, now it is {short(here)}"


def short(value: Any) -> str:
    """A setting as it stands in an error."""
    if isinstance(value, list):
        value = ", ".join(short(item) for item in value) or "none"
    if isinstance(value, dict):
        kind = value.get("", "")
        inner = ", ".join(f"{key}={short(item)}" for key, item in value.items() if key)
        value = f"{kind}({inner})" if kind else inner
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
