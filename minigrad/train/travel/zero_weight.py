"""Why is this weight 0? The step at which it became 0 for good, and what made it so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...optim.binding import by_coordinate, steps_that_last
from .answer import Answer, checked_index, counted, flat_index, known, number
from .looks import Element
from .scanning import elements, windows

if TYPE_CHECKING:
    from .moment import Moment
    from .opened import OpenRun


class Place(NamedTuple):
    """The weight that is asked about."""

    name: str
    at: tuple[int, ...]
    flat: int

    def of(self, arrays: Any) -> float:
        """Its number in arrays by name; 0 where there is none."""
        return float(arrays[self.name][self.at]) if self.name in arrays else 0.0

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.at))}]" if self.at else self.name


class Found(NamedTuple):
    """What a scan from the end backwards found: the last step after which the weight was not 0, None for none; of the
    steps behind it the largest |gradient|, and how many had one that is not 0, and one at all.
    """

    last: int | None
    largest: float
    moved: int
    had: int


def why_zero(run: OpenRun, name: str, *index: int) -> Answer:
    """What OpenRun.why_zero does."""
    model = run.rerun.parts.model
    parameters = dict(model.named_parameters())
    shape = parameters[known("parameter", name, list(parameters))].array.shape
    where = checked_index(name, index, shape)
    place = Place(name, where, flat_index(where, shape))
    now = place.of(run.state_after(run.steps).model)
    if now != 0:
        return _not_zero(run, place, now)
    found = _scan(run, place)
    if found.last is None:
        return _from_the_start(run, place, found)
    return _became(run, place, found)


def _scan(run: OpenRun, place: Place) -> Found:
    """From the last step backwards, until the weight is not 0."""
    largest, moved, had = 0.0, 0, 0
    wanted = [Element(place.name, place.flat), Element(place.name, place.flat, gradient=True)]
    for first, last in windows(run, run.steps):
        values, gradients = elements(run, wanted, first, last)
        there = np.flatnonzero(values != 0)
        k = int(there[-1]) + 1 if len(there) else 0
        behind = np.abs(gradients[k + bool(len(there)) :])  # that of the step that made it 0 is told apart
        sizes = behind[~np.isnan(behind)]
        largest, moved, had = max(largest, sizes.max(initial=0.0)), moved + int((sizes != 0).sum()), had + len(sizes)
        if len(there):
            return Found(first + k - 1, float(largest), moved, had)
    start = place.of(run.state_after(0).model)
    return Found(0 if start != 0 else None, float(largest), moved, had)


# --- it became 0 ---------------------------------------------------------------------------------------------------


class Stage(NamedTuple):
    """A step made again in parts: the weight without proximal map and projection, with the map, and with both."""

    free: float
    mapped: float
    full: float
    step: float  # that its coordinate took; nan where nobody tells
    rate: float


def staged(moment: Moment, place: Place) -> Stage:
    """The weight after the parts of a step; each is made by the optimizer itself."""
    free, step, rate = _stepped(moment, place, prox=False, constraints=False)
    mapped = _stepped(moment, place, prox=True, constraints=False)[0]
    return Stage(free, mapped, _stepped(moment, place, prox=True, constraints=True)[0], step, rate)


def _stepped(moment: Moment, place: Place, prox: bool, constraints: bool) -> tuple[float, float, float]:
    parts = moment.parts()
    optimizer = parts.optimizer
    p = dict(parts.model.named_parameters())[place.name]
    if not prox and "prox" in optimizer._terms:
        for entry in optimizer._terms["prox"].entries:
            for strength in getattr(entry.term, "strengths", ()):
                setattr(entry.term, strength, 0.0)
    if not constraints:
        optimizer._terms.pop("constraints", None)
    optimizer.step()
    group = next((g for g in optimizer.param_groups if any(p is q for q in g["params"])), None)
    step = rate = math.nan
    if group is not None and "lr" in group:
        rate = float(group["lr"])
        step = rate * steps_that_last(group) if not optimizer.own_steps else _own_step(optimizer, p, group, place.at)
    return float(p.array[place.at]), step, rate


def _own_step(optimizer: Any, p: Any, group: Any, index: tuple[int, ...]) -> float:
    """lr / metric of one coordinate: see optim.binding.Metric."""
    try:
        square, root, eps, scale = optimizer.metric(p, group)
    except TypeError:
        return math.nan
    root = 1 / math.sqrt(float(root)) if isinstance(root, np.ndarray) else root
    metric = (math.sqrt(float(square[index])) * root + eps) * float(scale)
    return float(group["lr"]) / metric if metric else math.nan


def _became(run: OpenRun, place: Place, found: Found) -> Answer:
    """It was not 0 once: the step that made it 0 for good."""
    assert found.last is not None
    moment = run.at(found.last + 1)
    stage, before, g = staged(moment, place), place.of(moment.before), place.of(moment.gradients)
    since = run.steps - moment.step
    opening = (
        f"{place} is 0 since step {moment.step:,} (epoch {moment.epoch}, batch {moment.number}); before it was "
        f"{number(before)}, and its gradient in this step was {number(g)}."
    )
    numbers = {"before": before, "gradient": g, "free": stage.free, "step": stage.step, "lr": stage.rate}
    numbers |= {"steps since": since, "largest gradient since": found.largest}
    terms = [entry for entry in _entries(moment, "prox") if _is_on(entry, place)]
    if stage.full != 0 or not moment.updated:
        said = f"The update left {number(stage.full)}; after it something else set it to 0: a callback or a mask."
        return Answer("outside", moment.step, [opening, said, _kept(found, since)], numbers)
    if stage.free != 0 and stage.mapped == 0 and terms:
        return _by_map(place, moment, stage, terms, [opening], found, numbers, since)
    if stage.mapped != 0:
        names = ", ".join(e.name for e in _entries(moment, "constraints") if _is_on(e, place))
        said = f"The update made it {number(stage.mapped)}, and the projection of the constraint {names} put it to 0."
        return Answer("constraint", moment.step, [opening, said, _kept(found, since)], numbers)
    said = "The update itself landed on 0: no proximal map and no constraint was needed for it."
    if _by_subgradient(moment, place):
        said += " L1 acts by its sub-gradient here, which lands on 0 by chance alone, and pulls no longer there."
    return Answer("update", moment.step, [opening, said, _kept(found, since)], numbers)


def _by_map(
    place: Place,
    moment: Moment,
    stage: Stage,
    terms: list[Any],
    opening: list[str],
    found: Found,
    numbers: dict[str, Any],
    since: int,
) -> Answer:
    """A proximal map stopped it."""
    names = ", ".join(entry.name for entry in terms)
    if not all(by_coordinate(entry.term) for entry in terms):
        said = (
            f"The update alone would have made it {number(stage.free)}; the proximal map of {names} emptied the whole "
            "group that it belongs to, whose norm was at most the threshold of the group."
        )
        return Answer("group", moment.step, [*opening, said, _kept(found, since)], numbers)
    l1 = sum(entry.term.l1 for entry in terms)
    threshold = stage.step * l1
    own = moment.optimizer.own_steps
    before, g = numbers["before"], numbers["gradient"]
    plain = _plain_sgd(moment, place)
    formula = "w - lr·g" if plain else "w - its update"
    inside = f" = {number(before)} - {number(stage.rate)} · {number(g)}" if plain else ""
    whose = (
        f"the step of its own coordinate, the lr {number(stage.rate)} divided as {moment.optimizer.name} does by the "
        "size of its gradients so far: it is large where these were small"
        if own
        else "lr / (1 - momentum)"
        if stage.step != stage.rate
        else "lr"
    )
    said = (
        f"The update alone would have made it {formula}{inside} = {number(stage.free)}. The proximal map of {names} "
        f"makes 0 of what is at most step · l1 = {number(stage.step)} · {number(l1)} = {number(threshold)} (step: "
        f"{whose}), and |{number(stage.free)}| ≤ {number(threshold)}."
    )
    stays = _kept(found, since)[:-1] + _why_flat(moment.run, place)
    numbers |= {"l1": l1, "threshold": threshold}
    if found.moved and since:
        stays = _stays(place, moment, found, l1, numbers)
    return Answer("prox", moment.step, [*opening, said, stays if since else ""], numbers)


def _stays(place: Place, moment: Moment, found: Found, l1: float, numbers: dict[str, Any]) -> str:
    """Why the map has held a weight at 0 since: what pulls at it is at most l1."""
    since = counted(numbers["steps since"], "step")
    text = f"Since then, {since}, its gradient was at most {number(found.largest)} in size"
    if found.largest <= l1:
        return f"{text}, and l1 is {number(l1)}: the map stopped it each time."
    last = moment.run.at(moment.run.steps)
    if place.of(last.before) or not last.updated:
        return f"{text}."
    free, step, _ = _stepped(last, place, prox=False, constraints=False)
    if not step > 0:
        return f"{text}."
    numbers["pull in the last step"] = pull = abs(free) / step
    held = "the map stopped it" if pull <= l1 * (1 + 1e-6) else "another part of the update held it"
    return (
        f"{text}, more than l1. But {last.optimizer.name} does not follow the gradient of one step: what it steps "
        f"along mixes it with those before, and the map compares that with l1. In the last step it was {number(pull)}, "
        f"and l1 is {number(l1)}: {held}."
    )


def _kept(found: Found, since: int) -> str:
    """What happened to it since."""
    if not since:
        return "It was the last step."
    if not found.moved:
        return f"Since then, {counted(since, 'step')}, its gradient was 0 in every step."
    return f"Since then, {counted(since, 'step')}, its gradient was at most {number(found.largest)} in size."


# --- it was 0 from the beginning -----------------------------------------------------------------------------------


def _from_the_start(run: OpenRun, place: Place, found: Found) -> Answer:
    """It was 0 before the first step, and after each."""
    moment = run.at(1)
    p = dict(moment.model.named_parameters())[place.name]
    numbers = {"largest gradient": found.largest, "steps with a gradient": found.moved, "steps": run.steps}
    opening = f"{place} was 0 before the first step, and after each of the {counted(run.steps, 'step')}."
    if not p.tracked or p not in moment.optimizer.state or not found.had:
        why = (
            "it is frozen (requires_grad is False)"
            if not p.tracked
            else "the optimizer does not hold it"
            if p not in moment.optimizer.state
            else "it got no gradient: the loss does not depend on it"
        )
        return Answer("never trained", None, [opening, f"It was never trained: {why}."], numbers)
    if not found.moved:
        return Answer(
            "no gradient", None, [opening, "Its gradient was 0 in every step" + _why_flat(run, place)], numbers
        )
    terms = [e for moment_ in ("prox", "constraints") for e in _entries(moment, moment_) if _is_on(e, place)]
    names = ", ".join(entry.name for entry in terms)
    said = f"Its gradient was not 0 in {counted(found.moved, 'step')}, and at most {number(found.largest)} in size"
    if not terms:
        return Answer(
            "outside", None, [opening, f"{said}: something else sets it to 0, a callback or a mask."], numbers
        )
    l1 = sum(getattr(entry.term, "l1", 0.0) for entry in terms)
    bound = f", whose l1 is {number(l1)}" if l1 else ""
    return Answer("held", None, [opening, f"{said}; {names}{bound}, has held it at 0."], numbers)


def _why_flat(run: OpenRun, place: Place) -> str:
    """Why a gradient is always 0, where the data shows it."""
    x = run.loader.x
    first = next(iter(dict(run.rerun.parts.model.named_parameters())))
    column = place.at[0] if place.at else 0
    of_input = place.name == first and len(place.at) == 2 and x.ndim == 2 and column < x.shape[1]
    if of_input and isinstance(x, np.ndarray) and not x[:, column].any():
        return f": column {column} of the data, which it multiplies, is 0 in every row."
    return ": what it multiplies, or what comes back to it, is 0 for every row. A mask, or a unit that never fires."


# --- it is not 0 ---------------------------------------------------------------------------------------------------


def _not_zero(run: OpenRun, place: Place, now: float) -> Answer:
    """How often it passed through 0, in the last window, and why it did not stay."""
    first, last = next(windows(run, run.steps), (1, 0))
    values = elements(run, [Element(place.name, place.flat)], first, last)[0] if last >= first else np.empty(0)
    crossed = np.flatnonzero(np.sign(values[1:]) * np.sign(values[:-1]) < 0) + 1
    zeros = int((values == 0).sum())
    numbers: dict[str, Any] = {"value": now, "passed": len(crossed), "zeros": zeros, "looked at": len(values)}
    opening = f"{place} is not 0, it is {number(now)} after step {run.steps:,}."
    looked = f"In the last {counted(len(values), 'step')}"
    if not len(crossed):
        return Answer("not zero", None, [opening, f"{looked} it did not change its sign."], numbers)
    k = int(crossed[-1])
    moment = run.at(first + k)
    stage = staged(moment, place)
    l1 = sum(getattr(e.term, "l1", 0.0) for e in _in_gradient(moment) if _is_on(e, place))
    numbers |= {"before": place.of(moment.before), "after": place.of(moment.after), "l1": l1, "lr": stage.rate}
    inside = any(getattr(e.term, "l1", 0.0) and _is_on(e, place) for e in _entries(moment, "penalty"))
    passed = (
        f"{looked} it passed through 0 {counted(len(crossed), 'time')}, last in step {moment.step:,}: from "
        f"{number(numbers['before'])} to {number(numbers['after'])}, with the gradient "
        f"{number(place.of(moment.gradients))}{' of the data' if inside else ''}."
    )
    why = ""
    if l1:
        why = (
            f"L1 acts by its sub-gradient l1·sign(w) here, which pulls with l1 = {number(l1)} until the sign changes, "
            f"and then back: {_strides(moment, stage, l1, numbers)} passes over 0 and hardly ever lands there. "
            "The proximal step stops there: pass the term as prox= of the optimizer."
        )
    return Answer("not zero", moment.step, [opening, passed, why], numbers)


def _strides(moment: Moment, stage: Stage, l1: float, numbers: dict[str, Any]) -> str:
    """How far the weight went: of an optimizer that steps by lr times the gradient, what l1 has in it."""
    moved = abs(numbers["after"] - numbers["before"])
    if not moment.optimizer.own_steps and all(not group.get("momentum") for group in moment.optimizer.param_groups):
        return f"a step of lr·l1 = {number(stage.rate * l1)}"
    numbers["moved by"] = moved
    return (
        f"{moment.optimizer.name}, whose lr is {number(stage.rate)}, makes its step of the gradients of many steps, "
        f"and of this pull in them; the step of {number(moved)}"
    )


# --- terms ---------------------------------------------------------------------------------------------------------


def _entries(moment: Moment, when: str) -> list[Any]:
    terms = moment.optimizer._terms.get(when)
    return [] if terms is None else list(terms.entries)


def _in_gradient(moment: Moment) -> list[Any]:
    """The terms that act by their gradient: bound as penalty=, or in the loss."""
    penalty = moment.own.penalty
    return _entries(moment, "penalty") + ([] if penalty is None else list(penalty.entries))


def _is_on(entry: Any, place: Place) -> bool:
    return any(name == place.name for name, _ in getattr(entry, "parameters", ()))


def _by_subgradient(moment: Moment, place: Place) -> bool:
    return any(getattr(e.term, "l1", 0.0) and _is_on(e, place) for e in _in_gradient(moment))


def _plain_sgd(moment: Moment, place: Place) -> bool:
    """Whether the update is w - lr g, so that it can be written out."""
    optimizer = moment.optimizer
    if type(optimizer).__name__ != "SGD" or any(_is_on(e, place) for e in _entries(moment, "penalty")):
        return False
    return all(not group["momentum"] and not group["weight_decay"] for group in optimizer.param_groups)
