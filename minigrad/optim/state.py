"""The state of an optimizer as a dict of arrays: what stands where, and what a given state must be to be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Tensor
from .parameter_groups import listed

if TYPE_CHECKING:
    from .base import Optimizer


def slots(optimizer: Optimizer, groups: list[dict[str, Any]]) -> dict[str, tuple[Tensor, str, dict[str, Any]]]:
    """`0.m` -> (parameter 0, "m", its group), for groups with these options."""
    found = {}
    params = [(p, group) for group, held in zip(groups, optimizer.param_groups) for p in held["params"]]
    for i, (p, group) in enumerate(params):
        names = *optimizer.counters, *optimizer._state_names(group)
        found.update({f"{i}.{name}": (p, name, group) for name in names})
    return found


def names_by_group(optimizer: Optimizer) -> list[list[str]] | None:
    """The names of the parameters, group by group; None unless all have one."""
    names = optimizer._names
    if len(names) < len(optimizer.state):
        return None
    return [[names[p] for p in group["params"]] for group in optimizer.param_groups]


def checked(optimizer: Optimizer, given: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """The options of each group, the array of each slot, from what state_dict gave; ValueError if one is not fit."""
    who, options, names = optimizer.name, optimizer._options, optimizer._names
    try:
        groups = [dict(group) for group in given["groups"]]
        arrays = {str(key): np.asarray(array) for key, array in given["state"].items()}
        theirs = [[str(name) for name in group] for group in given.get("names") or ()]
    except (TypeError, KeyError, ValueError, AttributeError):
        raise ValueError(f"{who}: load_state_dict needs what state_dict gives, got {given!r:.80}") from None
    if len(groups) != len(optimizer.param_groups):
        raise ValueError(f"{who}: the state has {len(groups)} groups, need {len(optimizer.param_groups)}")
    for group in groups:
        if set(group) != set(options):
            raise ValueError(f"{who}: a group has the options {sorted(group)}; need {sorted(options)}")
        optimizer._check(group)
    wanted = slots(optimizer, groups)
    places = places_by_name(f"{who}: load_state_dict", theirs, names_by_group(optimizer))
    if places is not None:
        mine = {str(place): str(i) for i, place in enumerate(places)}
        split = [(key.partition("."), array) for key, array in arrays.items()]
        arrays = {f"{mine.get(i, i)}.{name}": array for (i, _, name), array in split}
    if arrays.keys() != wanted.keys():
        raise ValueError(f"{who}: the state has {', '.join(arrays) or 'nothing'}; need {', '.join(wanted)}")
    for key, (p, name, _) in wanted.items():
        want = () if name in optimizer.counters else p.array.shape
        if arrays[key].shape != want or arrays[key].dtype.kind != "f":
            whose = f" ({names[p]})" if p in names else ""
            raise ValueError(f"{who}: {key}{whose} is {arrays[key].dtype} {arrays[key].shape}; need floats {want}")
    return groups, arrays


def places_by_name(who: str, theirs: Any, ours: Sequence[Sequence[str]] | None) -> list[int] | None:
    """For each parameter here, its place in a state, by the names that the state and the optimizer have.

    None where either has none: then places are all there is. ValueError if the names are not the same ones.
    """
    if not theirs or not ours:
        return None
    places: list[int] = []
    for k, (there, here) in enumerate(zip(theirs, ours)):
        known = {name: len(places) + i for i, name in enumerate(there)}
        if list(there) == list(here):
            places += range(len(places), len(places) + len(here))
        elif len(known) == len(there) and known.keys() == set(here) and len(here) == len(there):
            places += [known[name] for name in here]
        else:
            lacks = listed([name for name in here if name not in known]) or "nothing"
            more = listed([name for name in there if name not in set(here)]) or "nothing"
            raise ValueError(
                f"{who}: the state is of other parameters: in group {k} it lacks {lacks} and has {more} in excess; "
                "state.pop('names') makes it load by the order of the parameters"
            )
    return places
