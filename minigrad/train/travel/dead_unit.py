"""Since when is this unit dead? The last batch in which it fired, and whether it fires for any row of the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...checks import whole
from ...data.dataset import take_rows
from ...engine import Tensor
from ...nn.linear import Linear
from ...nn.module import Module
from ...nn.prediction import evaluating
from ..snapshot import Saved
from ..weighing import in_dtype
from .answer import Answer, counted, module_of, number
from .jump import norm
from .looks import unwatch
from .scanning import outputs, windows

if TYPE_CHECKING:
    from .moment import Moment
    from .opened import OpenRun

ROWS = 1024  # of the data in one pass


class Fires(NamedTuple):
    """For how many rows of the data a unit fires, its largest output, and, of a Linear layer, the largest w·x + b, and
    whether all of its weights are 0.
    """

    rows: int
    largest: float
    inside: float | None
    empty: bool = False


def axis_of(output: np.ndarray) -> int:
    """The axis of an output that has the units: channels of (n, channels, height, width), else the last one."""
    return 1 if output.ndim == 4 else output.ndim - 1


def of_unit(output: np.ndarray, unit: int) -> np.ndarray:
    """(rows, ...): what one unit gives, of outputs (rows, ..., units) or (rows, channels, height, width)."""
    return np.take(output, unit, axis_of(output))


def since_dead(run: OpenRun, layer: str, unit: int) -> Answer:
    """What OpenRun.since_dead does."""
    module_of(run.rerun.parts.model, layer)
    unit = _checked_unit(run, layer, unit)
    where = f"unit {unit} of layer {layer!r}"
    end = fires(run, run.state_after(run.steps), layer, unit)
    rows = len(run.loader.x)
    numbers: dict[str, Any] = {"rows": rows, "fires": end.rows, "largest output": end.largest}
    if end.rows:
        said = (
            f"{where} is not dead: after step {run.steps:,} it fires for {end.rows:,} of {counted(rows, 'row')} of the "
            f"data; its largest output is {number(end.largest)}."
        )
        return Answer("alive", None, [said], numbers)
    last, count = _last_fired(run, layer, unit)
    if last is None:
        said = (
            f"{where} never fired: for no row of the batches of {counted(run.steps, 'step')}, and for none of "
            f"{counted(rows, 'row')} after the last one."
        )
        return Answer("never", None, [said, _inside(end)], numbers)
    return _died(run, layer, unit, where, last, count, numbers, end)


def _checked_unit(run: OpenRun, layer: str, unit: int) -> int:
    seen = next(outputs_of(run, run.state_after(run.steps), layer))[1]
    if seen is None:
        raise ValueError(f"layer {layer!r} is not called by the model, or does not return one tensor; name another")
    size = seen.shape[axis_of(seen)]
    found = whole(unit, f"unit of layer {layer!r}", -size)
    if found >= size:
        raise ValueError(f"layer {layer!r} has {size} units, 0 to {size - 1}; there is no unit {unit}")
    return found % size


def _last_fired(run: OpenRun, layer: str, unit: int) -> tuple[int | None, int]:
    """The last step in whose batch the unit fired, and for how many rows; None where there is none."""

    def count(seen: np.ndarray) -> np.ndarray:
        of = np.take(seen, unit, 1 + axis_of(seen[0])) != 0
        return of.reshape(*of.shape[:2], -1).any(2).sum(1)

    for first, last in windows(run, run.steps):
        counts = outputs(run, layer, count, first, last)
        there = np.flatnonzero(counts > 0)
        if len(there):
            k = int(there[-1])
            return first + k, int(counts[k])
    return None, 0


def _died(
    run: OpenRun, layer: str, unit: int, where: str, last: int, count: int, numbers: dict[str, Any], end: Fires
) -> Answer:
    moment = run.at(last)
    after = fires(run, run.state_after(last), layer, unit)
    since = last if not after.rows else _first_silent(run, layer, unit, last)
    size = len(moment.rows)
    opening = (
        f"{where} is dead since step {since:,} (epoch {(since - 1) // run.batches + 1}, batch "
        f"{(since - 1) % run.batches + 1}): after the update of this step no row of the data, of "
        f"{len(run.loader.x):,}, makes it fire. It last fired in the batch of step {last:,}, for {count} of "
        f"{counted(size, 'row')}, and in none of the {counted(run.steps - last, 'step')} since."
    )
    silent = (
        ""
        if since == last
        else f"In between, {counted(after.rows, 'row')} of the data could still have made it fire after step {last:,}, "
        "but came in no batch in time."
    )
    numbers |= {"last fired": last, "rows of the batch": count, "steps since": run.steps - last}
    update = _update(run, layer, unit, since, count if since == last else 0, numbers)
    return Answer("dead", since, [opening, silent, update, _inside(end)], numbers)


def _update(run: OpenRun, layer: str, unit: int, step: int, fired: int, numbers: dict[str, Any]) -> str:
    """What the update of a step did to the unit's own weights, and why, where its gradient was 0.

    fired: for how many rows of the step's batch the unit fired.
    """
    module = module_of(run.rerun.parts.model, layer)
    if not isinstance(module, Linear):
        return ""
    moment = run.at(step)
    prefix = f"{layer}." if layer else ""
    before, after = (each[f"{prefix}weight"][:, unit] for each in (moment.before, moment.after))
    gradient = moment.gradients.get(f"{prefix}weight")
    moved, was = norm({"": after - before}), norm({"": before})
    numbers |= {"norm of its weights": was, "moved by": moved}
    text = f"This update moved the weights of the unit, of norm {number(was)}, by {number(moved)}"
    if f"{prefix}bias" in moment.before:
        a, b = (float(each[f"{prefix}bias"][unit]) for each in (moment.before, moment.after))
        numbers |= {"bias before": a, "bias after": b}
        text += f", and its bias from {number(a)} to {number(b)}"
    if gradient is None:
        return f"{text}."
    size = norm({"": gradient[:, unit]})
    numbers["gradient"] = size
    text += f"; the gradient of its weights had the norm {number(size)}."
    return text if size else f"{text} {_without_gradient(moment, prefix, fired)}"


def _without_gradient(moment: Moment, prefix: str, fired: int) -> str:
    """Why the gradient of a unit was 0, and what moved the weights all the same."""
    why = (
        f"It is 0 although the unit fired for {counted(fired, 'row')}: nothing comes back to it, as where its outgoing "
        "weights are 0."
        if fired
        else "It is 0 because the unit fired for no row of this batch."
    )
    names = {f"{prefix}weight", f"{prefix}bias"}
    optimizer, movers = moment.optimizer, []
    if any(group.get("momentum") for group in optimizer.param_groups):
        movers.append("the momentum of the gradients before")
    elif "m" in next(iter(optimizer.state.values()), {}):
        movers.append(f"the average of the gradients before, which {optimizer.name} follows,")
    if any(group.get("weight_decay") for group in optimizer.param_groups):
        movers.append("weight decay")
    for when, words in (("prox", "the proximal map of"), ("penalty", "the gradient of the penalty")):
        terms = optimizer._terms.get(when)
        on = [] if terms is None else [e.name for e in terms.entries if names & {name for name, _ in e.parameters}]
        movers += [f"{words} {', '.join(on)}"] if on else []
    return f"{why} What moved the unit is {' and '.join(movers)}." if movers else why


def _inside(fires: Fires) -> str:
    """How far the unit is from firing."""
    if fires.inside is None:
        return ""
    if fires.empty:
        return f"At the end all of its weights are 0, and its bias is {number(fires.inside)}: no input reaches it."
    return f"At the end its largest w·x + b over all rows is {number(fires.inside)}."


def _first_silent(run: OpenRun, layer: str, unit: int, last: int) -> int:
    """The first step after `last`, by bisection, after which the unit fires for no row of the data."""
    low, high = last, run.steps
    while high - low > 1:
        middle = (low + high) // 2
        if fires(run, run.state_after(middle), layer, unit).rows:
            low = middle
        else:
            high = middle
    return high


class Seen:
    """Holds the last input and output of a layer, of which it is told."""

    def __init__(self) -> None:
        self._last: tuple[Any, Any] = (None, None)

    def __call__(self, args: Any, output: Any) -> None:
        self._last = args[0] if args else None, output

    def taken(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The arrays of the last call, which is forgotten; None for what is no tensor."""
        given, output = (t.array if isinstance(t, Tensor) else None for t in self._last)
        self._last = None, None
        return given, output


# --- all rows ------------------------------------------------------------------------------------------------------


def fires(run: OpenRun, saved: Saved, layer: str, unit: int) -> Fires:
    """For how many rows of the data a unit fires, with the weights of a state, in eval mode."""
    count, largest, inside = 0, -np.inf, -np.inf
    module = module_of(run.rerun.parts.model, layer)
    for x, seen in outputs_of(run, saved, layer):
        assert seen is not None
        of = of_unit(seen, unit)
        count += int((of.reshape(len(of), -1) != 0).any(1).sum())
        largest = max(largest, float(of.max(initial=-np.inf)))
        if isinstance(module, Linear) and x is not None:
            w = module.weight.array[:, unit].astype(np.float64)
            b = 0.0 if module.bias is None else float(module.bias.array[unit])
            inside = max(inside, float((x.astype(np.float64) @ w).max(initial=-np.inf)) + b)
    empty = isinstance(module, Linear) and not module.weight.array[:, unit].any()
    return Fires(count, largest, None if inside == -np.inf else inside, empty)


def outputs_of(run: OpenRun, saved: Saved, layer: str) -> Iterator[tuple[np.ndarray | None, np.ndarray | None]]:
    """The inputs and outputs of a layer for all rows of the data, some rows at a time; None for what is no tensor."""
    model: Module = run.rerun.parts.model
    model.load_state_dict(saved.model)
    module, seen = module_of(model, layer), Seen()
    module.watch(seen)
    try:
        with evaluating(model), run.rerun.as_recorded():
            dtype = next((p.array.dtype for p in model.parameters()), np.dtype(np.float32))
            for start in range(0, len(run.loader.x), ROWS):
                rows = np.arange(start, min(start + ROWS, len(run.loader.x)))
                model(Tensor(in_dtype(take_rows(run.loader.x, rows), dtype)))
                yield seen.taken()
    finally:
        unwatch(module, seen)
