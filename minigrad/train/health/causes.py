"""What is ill in a training, told from what was seen of it: the cause before what follows from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .course import WINDOW, Course, Limits, dead_since
from .remedies import REMEDIES
from .sight import Layer, Step, layer_of

ENOUGH = 30  # updates before which a loss that stands says nothing
ROWS = 50  # rows for which a unit has to be silent to be called dead


@dataclass
class Finding:
    """One thing that was found.

    kind       "vanishing", "exploding", "dead", "saturated", "rate too large", "rate too small", "no gradient",
               "constant inputs", "not learning", "memorizing", "plateau", "vanishing through time", "exploding through
               time"; of notes: "frozen", "left out", "zeros"
    layer      the layer, or the parameter, that it is in; "" where it is the whole training
    since      the watched step since which it has been so
    words      what was seen, with the numbers
    numbers    the numbers, and under `limit` the one that was crossed
    remedy     what to do, in words; code: the same as a line or two of Python
    level      "fault" or "note"
    """

    kind: str
    layer: str
    since: int
    words: str
    numbers: dict[str, float] = field(default_factory=dict)
    remedy: str = ""
    code: str = ""
    level: str = "fault"

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        code = "".join(f"\n    {line}" for line in self.code.splitlines())
        return f"{self.kind}: {self.words}" + (f"\n  try: {self.remedy}{code}" if self.remedy else "")


def fault(kind: str, layer: str, since: int, words: str, numbers: dict[str, Any], cure: str = "") -> Finding:
    """A finding with the remedy of its kind, or of another case of it."""
    remedy, code = REMEDIES[cure or kind]
    return Finding(kind, layer, since, words, {name: float(n) for name, n in numbers.items()}, remedy, code)


def found_in(course: Course, limits: Limits) -> list[Finding]:
    """Faults, then notes. What follows from a fault that is named is no fault of its own."""
    if not course.steps:
        ended = [fault("rate too large", "", 1, f"training broke off: {course.ended}", {})] if course.ended else []
        return ended
    faults = list(constant_inputs(course))
    if faults:
        return [*faults, *notes(course)]
    faults += no_gradient(course)
    rate = list(rate_too_large(course, limits))
    dead = list(dead_units(course, limits))
    saturated = list(saturated_units(course, limits))
    faults += [*rate, *dead, *saturated]
    wholly = any(each.numbers["share"] == 1 for each in dead)
    blocked = bool(wholly or rate or any(each.kind == "no gradient" for each in faults))
    if not blocked:
        faults += gradients_by_depth(course, limits, bool(saturated))
        faults += through_time(course, limits)
    if all(each.level == "note" for each in faults):
        faults += learning(course, limits)
    return [*faults, *notes(course)]


# --- data and graph --------------------------------------------------------------------------------------------------


def constant_inputs(course: Course) -> Iterator[Finding]:
    """All rows alike, in every watched step."""
    seen = [step.inputs for step in course.steps]
    if any(x is None or x.constant < x.columns or x.rows < 2 for x in seen):
        return
    first = seen[0]
    assert first is not None
    if all(x is not None and np.array_equal(x.first, first.first) for x in seen):
        words = (
            f"all {first.columns} columns of the inputs have one value in every row of {len(seen)} watched batches, so "
            "that the model cannot tell rows apart"
        )
        yield fault("constant inputs", "", course.steps[0].number, words, {"columns": first.columns})


def no_gradient(course: Course) -> Iterator[Finding]:
    """Parameters that are to be trained, and got no gradient in any watched step, layer by layer."""
    first = course.steps[0]
    by_layer: dict[str, list[str]] = {}
    for weight in first.weights:
        seen = [w for _, w in course.weights(weight.name)]
        if all(w.state == "trained" and math.isnan(w.gradient) for w in seen):
            by_layer.setdefault(layer_of(weight.name), []).append(weight.name)
    for layer, names in by_layer.items():
        seen = [w for name in names for _, w in course.weights(name)]
        if any(w.used for w in seen):
            why, cure = "it is used, but no gradient of the loss comes back to it: the way is cut behind it", "cut"
        elif any(w.unrecorded for w in seen):
            why, cure = "it is used under no_grad() alone, where nothing is recorded", "cut"
        else:
            why, cure = "the forward pass does not use it", "unused"
        words = f"{course.named(layer)} learns nothing: {', '.join(names)} got no gradient in any step; {why}"
        yield fault("no gradient", layer, first.number, words, {"parameters": len(names)}, cure)


# --- the rate --------------------------------------------------------------------------------------------------------


def largest_update(step: Step) -> tuple[float, str]:
    """The largest ‖update‖ / ‖weights‖ of the matrices of a step, and whose it is."""
    ratios = [(w.ratio, w.name) for w in step.weights if len(w.shape) > 1 and w.ratio == w.ratio]
    return max(ratios, default=(0.0, ""))


def rate_too_large(course: Course, limits: Limits) -> Iterator[Finding]:
    """A loss that is no longer finite, or worse than at the start, or that of a constant after updates of a leap."""
    start, end, constant = course.first_loss(), course.last_loss(), course.constant()
    leaps = [(*largest_update(step), step.number) for step in course.steps]
    wide, name, since = max(leaps)
    from_zeros = all(w.norm == 0 for w in course.steps[0].weights if len(w.shape) > 1)
    if from_zeros:
        wide = 0.0  # the first updates are all there is of the weights
    why = got_worse(course, start, end, constant)
    if not why and wide >= limits.largest_update and end > 0.9 * constant and course.updates >= 3:
        why = f"the loss stands at {end:.4g}; a constant output has {constant:.4g}"
    if not why:
        return
    first = next((number for ratio, _, number in leaps if ratio >= limits.largest_update), since)
    leap = f"; in step {first} an update was {wide:.3g} times as large as its weights, {name}" if wide > 0.1 else ""
    numbers = {"update / weights": wide, "limit": limits.largest_update, "loss at start": start, "loss at end": end}
    yield fault("rate too large", layer_of(name) if name else "", first, why + leap, {"rate": course.rate, **numbers})


def got_worse(course: Course, start: float, end: float, constant: float) -> str:
    """How a training got worse than it was at the start, and than a constant is; "" of one that did not."""
    if course.ended:
        return f"training broke off: {course.ended}"
    level = max(start, constant) if math.isfinite(constant) else start
    if end > 1.2 * level or not math.isfinite(end):
        return f"the loss went from {start:.4g} to {end:.4g}" + worse_than(constant, end)
    return ""


def worse_than(constant: float, end: float) -> str:
    """What a constant output has, where it is less."""
    return f", worse than the {constant:.4g} of a constant output" if math.isfinite(constant) and end > constant else ""


# --- units -----------------------------------------------------------------------------------------------------------


def layer_names(course: Course) -> list[str]:
    """The layers of the last watched step, in the order in which their outputs are made."""
    return [layer.name for layer in course.steps[-1].layers]


def dead_units(course: Course, limits: Limits) -> Iterator[Finding]:
    """Relu units that were 0 for every row of the last watched steps, though weights lead to them."""
    for name in layer_names(course):
        seen = course.of_layer(name)
        tail = [layer for _, layer in seen[-WINDOW:] if layer.silent is not None]
        rows = sum(layer.rows for layer in tail)
        if rows < ROWS:
            continue
        masks = [silent_with_weights(layer) for layer in tail]
        units = np.logical_and.reduce([mask for mask in masks if mask.shape == masks[-1].shape])
        share = float(units.mean()) if units.size else 0.0
        if share < limits.dead or not share:
            continue
        since = dead_since(seen, limits.dead)
        start = since == course.steps[0].number
        words = (
            f"{int(units.sum())} of {units.size} units of {course.named(name)} are 0 for every one of {rows} rows: no "
            f"gradient passes, and they cannot come back; " + ("from the start" if start else f"since step {since}")
        )
        cure = "dead at start" if start else "dead by rate"
        yield fault(
            "dead", name, since, words, {"share": share, "limit": limits.dead, "units": float(units.sum())}, cure
        )
        if units.all():
            return  # the layers behind it get zeros alone, those before it no gradient


def silent_with_weights(layer: Layer) -> np.ndarray:
    """Per unit: silent, and not because all its weights are exact zeros, as L1 and constraints make them."""
    assert layer.silent is not None
    return layer.silent if layer.emptied is None else layer.silent & ~layer.emptied


def saturated_units(course: Course, limits: Limits) -> Iterator[Finding]:
    """Hidden layers whose tanh or sigmoid stands at the ends of its range for most rows and units.

    A network that has learned its task is sure of it, and its units stand there too: such a layer counts where it stood
    there in most of the watched steps, or where the training has not learned.
    """
    unlearned = course.unlearned()
    for name in layer_names(course)[:-1]:
        shares = [(n, layer.saturated) for n, layer in course.of_layer(name) if layer.stuck is not None]
        if not shares:
            continue
        share = median_of(shares[-WINDOW:])
        if share < limits.saturated or not (unlearned or median_of(shares) >= limits.saturated):
            continue
        since = next(n for n, value in shares if value >= limits.saturated)
        wide = wide_inputs(course, name)
        words = (
            f"{share:.0%} of the {course.of_layer(name)[-1][1].op} outputs of {course.named(name)} stand within 2.5 % "
            f"of an end of their range, where almost no gradient passes; since step {since}{wide}"
        )
        cure = "saturated by inputs" if wide else "saturated"
        yield fault("saturated", name, since, words, {"share": share, "limit": limits.saturated}, cure)


def median_of(shares: list[tuple[int, float]]) -> float:
    """The median of the second parts."""
    return float(np.median([value for _, value in shares]))


def wide_inputs(course: Course, name: str) -> str:
    """What is to be said of the inputs, if this layer gets them and they are large; else ""."""
    x = course.steps[-1].inputs
    if x is None or name != layer_names(course)[0] or x.size <= 3:
        return ""
    return f"; its inputs have an rms of {x.size:.3g}, the largest is {x.largest:.3g}"


# --- gradients -------------------------------------------------------------------------------------------------------


def as_note_if_learned(course: Course, found: Finding) -> Finding:
    """The finding; of a training that has taken away half of a constant's loss or more, as a note: it learns anyway."""
    if not course.unlearned():
        found.level = "note"
        found.words += "; the loss fell nevertheless"
    return found


def across(course: Course, step: Step) -> float:
    """‖gradient‖ at the first layer's output over that at the last one's; NaN where there is none."""
    layers = course.layers(step)
    if len(layers) < 3 or not layers[-1].gradient or not math.isfinite(layers[0].gradient):
        return math.nan
    return layers[0].gradient / layers[-1].gradient


def gradients_by_depth(course: Course, limits: Limits, saturated: bool) -> Iterator[Finding]:
    """Gradients that shrink or grow from the last layer to the first. Small ones at both ends are no fault of depth."""
    ratios = [(step.number, across(course, step)) for step in course.steps]
    ratios = [(number, ratio) for number, ratio in ratios if not math.isnan(ratio)]
    if not ratios:
        return
    middle = float(np.median([ratio for _, ratio in ratios]))
    layers = course.layers(course.steps[-1])
    first, last, count = layers[0].name, layers[-1].name, len(layers)
    factor = middle ** (1 / (count - 1)) if middle > 0 else 0.0
    words = (
        f"on the way back from {course.named(last)} to {course.named(first)}, {count} layers, the gradient's norm is "
        f"multiplied by {middle:.3g}: by {factor:.3g} in each layer"
    )
    numbers = {"first / last": middle, "by layer": factor, "layers": float(count)}
    if middle <= limits.vanishing and not saturated:
        since = next(number for number, ratio in ratios if ratio <= limits.vanishing)
        found = fault("vanishing", first, since, words, {"limit": limits.vanishing, **numbers})
        yield as_note_if_learned(course, found)
    elif middle >= limits.exploding and not saturated:
        since = next(number for number, ratio in ratios if ratio >= limits.exploding)
        yield fault("exploding", first, since, words, {"limit": limits.exploding, **numbers})


def through_time(course: Course, limits: Limits) -> Iterator[Finding]:
    """Gradients of recurrent layers that are gone, or too large, at steps of the sequence far from the loss."""
    for name in layer_names(course):
        curves = [layer.through_time for _, layer in course.of_layer(name) if len(layer.through_time) >= 4]
        curves = [curve for curve in curves if max(curve) > 0 and all(map(math.isfinite, curve))]
        if not curves:
            continue
        ratios = [min(curve) / max(curve) for curve in curves]
        ratio = min(float(np.median(part)) for part in (ratios, ratios[:WINDOW]))  # it may tame itself, if slowly
        if ratio > limits.through_time:
            continue
        curve = curves[ratios.index(min(ratios))]
        grows = (curve.index(max(curve)) < curve.index(min(curve))) != name.endswith("_reverse")
        words = (
            f"of {len(curve)} steps of a sequence, the gradient of {course.named(name)} at the step where it is "
            f"smallest is {ratio:.3g} of the largest: "
        ) + ("it grows on its way back" if grows else "what stands far from the loss is not learned from")
        kind = "exploding through time" if grows else "vanishing through time"
        found = fault(kind, name, course.steps[0].number, words, {"ratio": ratio, "limit": limits.through_time})
        yield as_note_if_learned(course, found)


# --- the loss --------------------------------------------------------------------------------------------------------


def learning(course: Course, limits: Limits) -> Iterator[Finding]:
    """A loss that no fault above explains: it does not fall, falls on training rows alone, or stood for long."""
    if course.updates < ENOUGH:
        return
    start, end, constant = course.first_loss(), course.last_loss(), course.constant()
    level = constant if math.isfinite(constant) else start
    if min([end, *(row["loss"] for row in course.epochs)]) > (1 - limits.learned) * level:
        ratios = [w.ratio for step in course.steps for w in step.weights if len(w.shape) > 1 and w.ratio == w.ratio]
        small = float(np.median(ratios)) if ratios else math.nan
        against = f"a constant output has {constant:.4g}" if math.isfinite(constant) else f"it began at {start:.4g}"
        words = f"after {course.updates} updates the loss is {end:.4g}; {against}"
        numbers = {"loss": end, "constant": level, "learned": 1 - end / level if level else 0.0, "rate": course.rate}
        if small <= limits.smallest_update:
            words += f"; a median update is {small:.2g} of its weights"
            yield fault(
                "rate too small", "", course.steps[0].number, words, {"limit": limits.smallest_update, **numbers}
            )
        else:
            words += "; gradients, units and updates look healthy, so the inputs seem to say nothing about the targets"
            yield fault("not learning", "", course.steps[0].number, words, {"limit": limits.learned, **numbers})
        return
    yield from memorizing(course, limits, constant)
    yield from standing(course, limits)


def memorizing(course: Course, limits: Limits, constant: float) -> Iterator[Finding]:
    """A training loss that falls while that of the validation never was better than a constant's."""
    held_out = [row["val_loss"] for row in course.epochs if "val_loss" in row]
    if len(held_out) < 3 or not math.isfinite(constant):
        return
    best, end = min(held_out), course.last_loss()
    if best > (1 - limits.learned) * constant and end < 0.9 * constant:
        words = (
            f"the training loss fell to {end:.4g}, but that of the validation data never got below {best:.4g}; a "
            f"constant output has {constant:.4g}: the rows are learned by heart"
        )
        yield fault("memorizing", "", 1, words, {"constant": constant, "best": best, "limit": limits.learned})


def standing(course: Course, limits: Limits) -> Iterator[Finding]:
    """A long stretch in which the loss stood still, and after which it fell on."""
    series = course.series()
    if len(series) < 10:
        return
    losses = np.array([loss for _, loss in series])
    span = float(losses.max() - losses.min())
    best = (0, 0)
    for i in range(len(losses)):
        j = i
        while j + 1 < len(losses) and abs(losses[j + 1] - losses[i]) <= 0.02 * span:
            j += 1
        if j - i > best[1] - best[0] and losses[i] - losses[j + 1 :].min(initial=np.inf) >= 0.25 * span:
            best = (i, j)
    i, j = best
    share = (j - i) / len(losses)
    if share >= limits.plateau:
        words = (
            f"the loss stood at {losses[i]:.4g} from step {series[i][0]} to step {series[j][0]}, {share:.0%} of the "
            f"training, and then fell to {losses.min():.4g}"
        )
        yield fault("plateau", "", series[i][0], words, {"share": share, "limit": limits.plateau})


# --- notes -----------------------------------------------------------------------------------------------------------


def notes(course: Course) -> Iterator[Finding]:
    """What somebody wanted so: frozen and left out layers, weights that a term emptied."""
    last = course.steps[-1]
    states: dict[tuple[str, str], list[str]] = {}
    for weight in last.weights:
        if weight.state != "trained":
            states.setdefault((weight.state, layer_of(weight.name)), []).append(weight.name)
    for (state, layer), names in states.items():
        why = {
            "frozen": "is frozen (requires_grad is False): it is not trained, as you said",
            "left out": "is held by no optimizer that was watched: it is not trained",
        }[state]
        yield Finding(
            state, layer, course.steps[0].number, f"{course.named(layer)} {why}: {', '.join(names)}", level="note"
        )
    for weight in last.weights:
        if len(weight.shape) > 1 and weight.zeros >= 0.05 and weight.norm:
            by = f" by {', '.join(course.on_weights)}" if course.on_weights else ""
            words = (
                f"{weight.zeros:.0%} of {weight.name} are exact zeros{by}; units that they empty are not called dead"
            )
            yield Finding("zeros", layer_of(weight.name), last.number, words, {"share": weight.zeros}, level="note")
