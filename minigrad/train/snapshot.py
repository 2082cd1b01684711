"""All that a running fit consists of, as tensors and JSON; and a run brought back to it.

A file of a checkpoint holds, in the safetensors format:

    model.*        parameters and buffers: `model.load_state_dict(minigrad.load(path).part("model"))`
    state.*        every other array: of the optimizer, of callbacks, gradients that wait for their update
    run            JSON in a uint8 array: counters, history, streams, strengths, options; {"tensor": name} for an array
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import rng
from ..engine import Tensor
from ..interop.json_arrays import pack_json, unpack_json
from ..interop.saving import load, save
from ..nn.dropout.random_layer import RandomLayer
from ..nn.module import Module
from ..nn.prediction import dtype_of, evaluating
from .callbacks import Callback
from .run import Run

if TYPE_CHECKING:
    from ..reg.binding.terms import Terms

KIND = "minigrad checkpoint 1"
ARRAY = "tensor"  # the only key of what stands in the JSON for an array


class Saved:
    """What the file at `path` holds: the model's arrays, and the state that `state_of` gave.

    ValueError, naming the file, for one that is damaged or no checkpoint.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path, self.damaged = os.fspath(path), []  # type: str, list[str]
        self.known = False  # whether it is known to fit what fit is given
        loaded = load(path, verify=True)
        if loaded.metadata.get("kind") != KIND or "run" not in loaded:
            raise ValueError(
                f"{self.path}: is no checkpoint of a training; weights alone are loaded by "
                "model.load_state_dict(minigrad.load(path))"
            )
        self.model = {name[6:]: array for name, array in loaded.items() if name.startswith("model.")}
        self.state: dict[str, Any] = unpacked(unpack_json(loaded["run"], self.path), loaded)

    @classmethod
    def of(cls, run: Run) -> Saved:
        """The run as it stands between two batches, in memory: copies of all arrays."""
        made = cls.__new__(cls)
        made.path, made.damaged, made.known = "memory", [], True
        made.model, made.state = run.model.state_dict(), copy.deepcopy(state_of(run))
        return made

    @property
    def place(self) -> tuple[int, int]:
        """How many epochs were done, and how many batches of the next one."""
        position = self.state["position"]
        return position["epoch"], position["batch"]


def write(path: str | os.PathLike[str], run: Run) -> None:
    """Save the run as it stands between two batches; OSError where the file cannot be written."""
    plain, arrays = packed_run(run)
    epoch, batch = run.place
    metadata = {"kind": KIND, "epoch": str(epoch), "batch": str(batch)}
    save(path, {"model": run.model.state_dict(), **arrays, "run": pack_json(plain)}, metadata=metadata)


def packed_run(run: Run) -> tuple[Any, dict[str, np.ndarray]]:
    """The state of a run as what JSON can hold, and the arrays in it by name."""
    arrays: dict[str, np.ndarray] = {}
    return packed(state_of(run), "state", arrays), arrays


def packed(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """value, in whose place arrays stand as {"tensor": name}; they are put into `arrays`."""
    if isinstance(value, Tensor):
        value = value.array
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, Mapping):
        return {key: packed(item, f"{name}.{key}", arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [packed(item, f"{name}.{i}", arrays) for i, item in enumerate(value)]
    return value


def unpacked(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """What `packed` was given; tuples come back as lists."""
    if isinstance(value, list):
        return [unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {ARRAY} and isinstance(value[ARRAY], str):
        return arrays[value[ARRAY]]
    return {key: unpacked(item, arrays) for key, item in value.items()}


# --- a run as nested dicts of numbers, text and arrays -------------------------------------------------------------


def state_of(run: Run) -> dict[str, Any]:
    """Everything that the rest of the training depends on, but for the model's arrays."""
    epoch, batch = run.place
    loader = run.loader_epoch if run.inside else run.loader.epoch  # which counts on as soon as an epoch begins
    state = {
        "settings": run.settings,
        "position": {"epoch": epoch, "batch": batch, "loader": loader},
        "counts": {"updates": run.updates, "skipped": run.skipped},
        "stop": run.stop,
        "best": run.best,
        "history": {"rows": run.history.rows, "penalties": run.history.penalties, "stopped": run.history.stopped},
        "optimizer": run.optimizer.state_dict(),
        "terms": [strengths(bound) for bound in run.terms],
        "callbacks": [callback.state_dict() for callback in stateful(run)],
        "also": {name: taken(thing) for name, thing in run.also.items()},
        "layers": layers(run),
        "streams": rng.get_state(),
    }
    if batch:
        state["epoch so far"] = {"row": run.row, "means": run.means.state_dict(), "seconds": run.elapsed()}
    if run.keep_gradients:
        grads = [p.grad for p in run.optimizer.state]
        state["gradients"] = [None if g is None else g.array for g in grads]
    return state


def restore(run: Run, saved: Saved) -> None:
    """Bring a run whose callbacks have begun to where it was saved. `refuse_differences` has found that it fits."""
    state = saved.state
    run.model.load_state_dict(saved.model)
    for callback, held in zip(stateful(run), state["callbacks"]):
        callback.load_state_dict(held)
    for name, thing in run.also.items():
        give(thing, state["also"][name])
    run.optimizer.load_state_dict(state["optimizer"])
    for bound, entries in zip(run.terms, state["terms"]):
        set_strengths(bound, entries)
        if run.history.rows:
            bound.note_shares(run.history.last)
    set_layers(run.model, state["layers"])
    if "gradients" in state:
        run.keep_gradients = True
        for p, array in zip(run.optimizer.state, state["gradients"]):
            p.grad = None if array is None else Tensor(array)
    epoch, batch = saved.place
    run.loader.set_position(state["position"]["loader"], batch)
    if batch:
        so_far = state["epoch so far"]
        run.row, run.seconds, run.done = so_far["row"], so_far["seconds"], batch
        run.means.load_state_dict(so_far["means"])
        if run.means.formless:
            learn_form(run)
    run.best = state["best"]
    run.stop, run.stop_now = state["stop"], bool(run.history.stopped)
    run.updates, run.skipped = state["counts"]["updates"], state["counts"]["skipped"]
    rng.set_state({**dict.fromkeys(rng.PURPOSES, 0), **state["streams"]})


def learn_form(run: Run) -> None:
    """Let the means know what an output looks like, a tuple or a dict: no batch may follow that would show it."""
    epoch, start = run.loader.epoch, run.done
    run.loader.set_position(epoch, 0)
    x = next(iter(run.loader))[0]
    run.loader.set_position(epoch, start)
    with evaluating(run.model):
        dtype = dtype_of(run.model)
        run.means.set_form(run.model(Tensor(x.astype(dtype) if x.dtype.kind == "f" else x)))


def stateful(run: Run) -> list[Any]:
    """The callbacks that say what a resumed run needs of them."""
    return [callback for callback in run.callbacks if has_state(callback)]


def has_state(callback: Any) -> bool:
    """Whether a callback has a state_dict of its own: Callback's gives nothing."""
    own = getattr(type(callback), "state_dict", None)
    return own is not None and own is not Callback.state_dict


def others(run: Run) -> list[Tensor]:
    """What the optimizer trains that is no part of the model: a loss with parameters, for instance."""
    known = {id(p) for _, p in run.model.named_parameters()}
    return [p for p in run.optimizer.state if id(p) not in known]


def taken(thing: Any) -> Any:
    """The state of an object that was given by `also`."""
    return thing.state_dict() if hasattr(thing, "state_dict") else thing.get_state()


def give(thing: Any, state: Any) -> None:
    """Bring such an object back to its state."""
    if hasattr(thing, "load_state_dict"):
        thing.load_state_dict(state)
    else:
        thing.set_state(state)


def strengths(bound: Terms) -> list[dict[str, Any]]:
    """The strengths of each term, those that are functions of the epoch left out: fit sets them; a state of its own."""
    found = []
    for term in (entry.term for entry in bound.entries):
        scheduled = getattr(term, "schedules", {})
        names = [name for name in getattr(term, "strengths", ()) if name not in scheduled]
        own = {"state": term.state_dict()} if hasattr(term, "state_dict") else {}
        found.append({"strengths": {name: getattr(term, name) for name in names}, **own})
    return found


def set_strengths(bound: Terms, found: list[dict[str, Any]]) -> None:
    """Set what `strengths` gave."""
    for entry, held in zip(bound.entries, found):
        for name, value in held["strengths"].items():
            setattr(entry.term, name, value)
        if "state" in held:
            entry.term.load_state_dict(held["state"])


def layers(run: Run) -> dict[str, Any]:
    """What layers have beside their arrays: modes, frozen parameters, masks that are held, and numbers such as p."""
    modules = list(run.model.named_modules())
    held = {name: list(m.held) for name, m in modules if isinstance(m, RandomLayer) and m.held is not None}
    return {
        "eval": [name for name, m in modules if not m.training],
        "frozen": [name for name, p in run.model.named_parameters() if not p.tracked],
        "held": held,
        "numbers": {name: found for name, m in modules if (found := numbers(m))},
    }


def numbers(module: Module) -> dict[str, Any]:
    """The attributes of a layer that are plain numbers or words: a callback may change p of a Dropout."""
    return {
        name: value
        for name, value in vars(module).items()
        if type(value) in (int, float, bool, str) and name != "training" and not name.startswith("_")
    }


def set_layers(model: Module, found: Mapping[str, Any]) -> None:
    """Set what `layers` gave."""
    for name, module in model.named_modules():
        module.training = name not in found["eval"]
        present = numbers(module)
        for attribute, value in found["numbers"].get(name, {}).items():
            if present.get(attribute) != value:
                setattr(module, attribute, value)
        if isinstance(module, RandomLayer):
            held = found["held"].get(name)
            module.held = None if held is None else (held[0], held[1])
    for name, p in model.named_parameters():
        if p.tracked is (name in found["frozen"]):
            p.requires_grad_(not p.tracked)
