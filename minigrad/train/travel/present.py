"""What a trained model has none of: which units are dead, and which weights are 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .answer import Answer, counted, module_of
from .dead_unit import axis_of, outputs_of

if TYPE_CHECKING:
    from .opened import OpenRun

NAMED = 20  # units, or weights, that an answer names


class Silent(NamedTuple):
    """A layer, how many units it has, and which of them fire for no row of the data."""

    layer: str
    size: int
    units: list[int]


def silent(run: OpenRun, layer: str | None = None) -> list[Silent]:
    """The layers that have dead units after the last step, or one layer, with its dead units or none."""
    model = run.rerun.parts.model
    leaves = [name for name, module in model.named_modules() if not list(module.children())]
    found = []
    for name in leaves if layer is None else [layer]:
        module_of(model, name)
        fires: Any = None
        for _, seen in outputs_of(run, run.state_after(run.steps), name):
            if seen is None or seen.ndim < 2:
                break
            of = np.moveaxis(seen, axis_of(seen), -1)
            there = (of.reshape(-1, of.shape[-1]) != 0).any(0)
            fires = there if fires is None else fires | there
        else:
            if fires is not None:
                found.append(Silent(name, len(fires), np.flatnonzero(~fires).tolist()))
    return found if layer is not None else [each for each in found if each.units]


def dead_units(run: OpenRun, layer: str | None = None) -> Answer:
    """What OpenRun.dead_units does."""
    layers = silent(run, layer)
    opening = f"After step {run.steps:,}"
    numbers = {each.layer: each.units for each in layers}
    if layer is not None and not layers:
        raise ValueError(f"layer {layer!r} is not called by the model, or does not return rows of units; name another")
    if not any(numbers.values()):
        where = "of any layer" if layer is None else f"of layer {layer!r}"
        return Answer(
            "none", None, [f"{opening} no unit {where} is dead: each fires for some row of the data."], numbers
        )
    lines = [
        f"layer {each.layer!r}: {len(each.units)} of {counted(each.size, 'unit')} fire for no row of the data: "
        f"{_named(list(map(str, each.units)))}"
        for each in layers
    ]
    return Answer("dead", None, ["\n".join([f"{opening}:", *lines])], numbers)


def zeros(run: OpenRun) -> Answer:
    """What OpenRun.zeros does."""
    state = run.state_after(run.steps).model
    lines, numbers = [], {}
    for name, _ in run.rerun.parts.model.named_parameters():
        array = state[name]
        at = np.argwhere(array == 0)
        numbers[name] = len(at)
        places = [" ".join(map(str, index)) for index in at[:NAMED].tolist()]
        which = f": {_named(places, len(at), '; ')}" if len(at) else ""
        lines.append(f"{name}: {len(at):,} of {array.size:,} are 0{which}")
    return Answer("zeros", None, ["\n".join([f"After step {run.steps:,}:", *lines])], numbers)


def _named(names: list[str], count: int | None = None, between: str = ", ") -> str:
    """The first of the names, and that there are more."""
    more = (len(names) if count is None else count) > NAMED
    return between.join(names[:NAMED]) + (f"{between}..." if more else "")
