"""The state of an optimizer as a dict of arrays: what stands where, and what a given state must be to be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels as K
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


def taken(optimizer: Optimizer) -> dict[str, Any]:
    """What state_dict gives: copies of the options of each group and of the array of each slot, names if all have."""
    groups = [{name: group[name] for name in optimizer._options} for group in optimizer.param_groups]
    wanted = slots(optimizer, groups)
    for p, name, group in [slot for slot in wanted.values() if slot[1] not in optimizer.counters]:
        optimizer._fit_state(p, name, group)
    arrays = {key: np.array(optimizer.state[p][name]) for key, (p, name, _) in wanted.items()}
    names = names_by_group(optimizer)
    return {"groups": groups, "state": arrays, **({} if names is None else {"names": names})}


def write(optimizer: Optimizer, groups: list[dict[str, Any]], arrays: Mapping[str, np.ndarray]) -> None:
    """Write what `checked` returned into the states of the optimizer."""
    for key, (p, name, _) in slots(optimizer, groups).items():
        if name in optimizer.counters:
            optimizer.state[p][name][()] = float(arrays[key])
        else:
            K.copy(K.contiguous(arrays[key]), optimizer.state[p][name])


def checked(optimizer: Optimizer, given: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """The options of each group, the array of each slot, from what state_dict gave; ValueError if one is not fit."""
    who = optimizer.name
    try:
        groups = [dict(group) for group in given["groups"]]
        arrays = {str(key): np.asarray(array) for key, array in given["state"].items()}
        theirs = [[str(name) for name in group] for group in given.get("names") or ()]
    except (TypeError, KeyError, ValueError, AttributeError):
        raise ValueError(f"{who}: load_state_dict needs what state_dict gives, got {given!r:.80}") from None
    _check_groups(optimizer, groups)
    places = places_by_name(f"{who}: load_state_dict", theirs, names_by_group(optimizer))
    if places is not None:
        arrays = _moved(arrays, places)
    _check_arrays(optimizer, arrays, slots(optimizer, groups))
    return groups, arrays


def _check_groups(optimizer: Optimizer, groups: list[dict[str, Any]]) -> None:
    """ValueError unless there are as many groups as the optimizer has, each with its options."""
    who, options = optimizer.name, optimizer._options
    if len(groups) != len(optimizer.param_groups):
        raise ValueError(f"{who}: the state has {len(groups)} groups, need {len(optimizer.param_groups)}")
    for group in groups:
        if set(group) != set(options):
            raise ValueError(f"{who}: a group has the options {sorted(group)}; need {sorted(options)}")
        optimizer._check(group)


def _moved(arrays: dict[str, np.ndarray], places: list[int]) -> dict[str, np.ndarray]:
    """The arrays of a state, each under the number that its parameter has here; places[i] is where i stands there."""
    mine = {str(place): str(i) for i, place in enumerate(places)}
    split = [(key.partition("."), array) for key, array in arrays.items()]
    return {f"{mine.get(i, i)}.{name}": array for (i, _, name), array in split}


def _check_arrays(
    optimizer: Optimizer, arrays: dict[str, np.ndarray], wanted: dict[str, tuple[Tensor, str, dict[str, Any]]]
) -> None:
    """ValueError unless there is an array of floats for each slot, of the shape of its parameter; counters are ()."""
    who, names = optimizer.name, optimizer._names
    if arrays.keys() != wanted.keys():
        raise ValueError(f"{who}: the state has {', '.join(arrays) or 'nothing'}; need {', '.join(wanted)}")
    for key, (p, name, _) in wanted.items():
        want = () if name in optimizer.counters else p.array.shape
        if arrays[key].shape != want or arrays[key].dtype.kind != "f":
            whose = f" ({names[p]})" if p in names else ""
            raise ValueError(f"{who}: {key}{whose} is {arrays[key].dtype} {arrays[key].shape}; need floats {want}")


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
        elif len(known) == len(there) == len(here) and known.keys() == set(here):
            places += [known[name] for name in here]
        else:
            raise _of_other_parameters(f"{who}: the state is of other parameters: in group {k}", there, here)
    return places


def _of_other_parameters(where: str, there: Sequence[str], here: Sequence[str]) -> ValueError:
    """The error for a group whose names in the state, `there`, are not those that it has here."""
    lacks = listed([name for name in here if name not in set(there)]) or "nothing"
    more = listed([name for name in there if name not in set(here)]) or "nothing"
    return ValueError(
        f"{where} it lacks {lacks} and has {more} in excess; "
        "state.pop('names') makes it load by the order of the parameters"
    )
