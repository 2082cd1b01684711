"""The linear models of a table: by its target, or as family, penalty_groups and their like ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import linear_model
from ..data.formats.recipe import Recipe
from ..lab.pages.console import close_to

FAMILIES = ("auto", "gaussian", "binomial", "multinomial", "poisson", "huber")
OF_CLASSES = ("binomial", "multinomial")
KIND_OF = {
    "gaussian": "linear",
    "binomial": "logistic",
    "multinomial": "logistic",
    "poisson": "poisson",
    "huber": "huber",
}
LOSSES = {"gaussian": "squared", "binomial": "logistic", "poisson": "poisson"}  # of families that take groups
DELTA = 1.35  # of Huber's threshold: robust scales
Spelling = Callable[[str], str]  # of the name of an option: as a keyword, or as it is typed on the command line


class Inputs(NamedTuple):
    """What a family depends on: the columns of x and how they were read, the target, whether it holds classes."""

    names: Sequence[str]
    y: np.ndarray
    target: str
    classes: bool
    weights: np.ndarray | None = None
    recipe: Recipe | None = None


def typed(name: str) -> str:
    """An option as the command line has it.

    >>> typed("penalty_groups")
    '--penalty-groups'
    """
    return f"--{name.replace('_', '-')}"


def family_name(asked: Any, inputs: Inputs, spelled: Spelling = str) -> str:
    """One of FAMILIES but auto: by the target, unless asked.family or asked.model name it.

    ValueError for a family that does not fit the target.
    """
    y, target, option = inputs.y, inputs.target, spelled("family")
    classes = len(np.unique(y)) if inputs.classes else 0
    by_target = "gaussian" if not classes else "binomial" if classes == 2 else "multinomial"
    found: str = by_target if asked.family == "auto" else asked.family
    if found in OF_CLASSES and not classes:
        raise ValueError(
            f"{option} {found} predicts classes, and {target} holds numbers: name it in {spelled('categorical')}, or "
            "use gaussian, poisson or huber"
        )
    if found not in OF_CLASSES and classes:
        raise ValueError(
            f"{option} {found} predicts numbers, and {target} holds classes: use binomial or multinomial, or leave it "
            f"out of {spelled('categorical')}"
        )
    if found == "binomial" and classes != 2:
        raise ValueError(f"{option} binomial is for two classes; {target} has {classes}: use multinomial")
    if asked.model == "logistic" and found not in OF_CLASSES:
        raise ValueError(f"{option} {found} is no {spelled('model')} logistic; leave {spelled('model')} out")
    if found == "poisson" and (y < 0).any():
        row = int(np.flatnonzero(y < 0)[0])
        raise ValueError(f"{option} poisson: {target} is {y[row]:g} in row {row}; need counts of at least 0")
    _check_options(asked, found, spelled)
    return found


def _check_options(asked: Any, found: str, spelled: Spelling) -> None:
    """ValueError for an option that this family does not have."""
    option = spelled("family")
    if asked.huber_threshold is not None and found != "huber":
        raise ValueError(f"{spelled('huber_threshold')}: add {option} huber")
    if asked.penalty_groups and found not in LOSSES:
        raise ValueError(f"{spelled('penalty_groups')}: {option} {found} takes none; {', '.join(LOSSES)} do")
    if getattr(asked, "relax", False) and (asked.penalty_groups or found in ("poisson", "huber")):
        what = spelled("penalty_groups") if asked.penalty_groups else f"{option} {found}"
        raise ValueError(
            f"{spelled('relax')}: {what} has no refit without a penalty; gaussian, binomial and multinomial have"
        )


def linear_family(asked: Any, inputs: Inputs, columns: dict[str, Any], spelled: Spelling = str) -> Any:
    """The family of linear models that is asked for; columns are penalty_factor, lower and upper, for each input.

    asked has the attributes family, model, l1_ratio (None: 1, of groups 0), standardize, penalty_groups,
    huber_threshold and, if refits are to be had, relax.
    """
    name = family_name(asked, inputs, spelled)
    told = {"standardize": asked.standardize, **columns}
    if asked.penalty_groups:
        ratio = 0.0 if asked.l1_ratio is None else asked.l1_ratio
        groups = groups_of(asked.penalty_groups, inputs, spelled)
        return linear_model.GroupLasso(l1_ratio=ratio, groups=groups, loss=LOSSES[name], **told)
    told["l1_ratio"] = 1.0 if asked.l1_ratio is None else asked.l1_ratio
    if name == "huber":
        return linear_model.Huber(**threshold_of(asked.huber_threshold, inputs, spelled), **told)
    kinds = {"gaussian": linear_model.Regression, "poisson": linear_model.Poisson}
    return kinds.get(name, linear_model.Logistic)(**told)


def threshold_of(asked: float | None, inputs: Inputs, spelled: Spelling = str) -> dict[str, Any]:
    """delta and scale of Huber's loss: the threshold that is asked for, or by the robust scale of the target.

    It is a fixed number, so that every fold and λ means the same loss.
    """
    if asked is not None:
        return {"delta": 1.0, "scale": asked}
    try:
        return {"delta": DELTA, "scale": linear_model.robust_scale(inputs.y, inputs.weights)}
    except ValueError:
        raise ValueError(
            f"{spelled('family')} huber: more than half of the rows have one {inputs.target}, so that its robust scale "
            f"is 0: give {spelled('huber_threshold')}, the size of a residual beyond which it counts by its size and "
            "not by its square"
        ) from None


def groups_of(asked: Sequence[str], inputs: Inputs, spelled: Spelling = str) -> list[str]:
    """A label for each input: that of its group, or its own name.

    asked are `all`, every column of words with its levels as one group; or groups such as town, or town+kind, whose
    parts are inputs or columns of words.

    >>> inputs = Inputs(["size", "town=A", "town=B", "age"], np.zeros(1), "price", False)
    >>> groups_of(["all"], inputs), groups_of(["town+age"], inputs)
    (['size', 'town', 'town', 'age'], ['size', 'town+age', 'town+age', 'town+age'])
    """
    taken, words, option = dict.fromkeys(inputs.names, ""), columns_of_words(inputs), spelled("penalty_groups")
    if list(asked) == ["all"]:
        if not words:
            raise ValueError(f"{option} all: no column holds words; name groups, as in A+B,C+D")
        asked = list(words)
    for group in asked:
        whole = group in words or group in taken
        for part in [group] if whole else [part.strip() for part in group.split("+")]:
            for name in _inputs_of(part, words, inputs.names, option):
                if taken[name]:
                    raise ValueError(f"{option}: {part} is in {taken[name]} and in {group}; need one group")
                taken[name] = group
    return [group or name for name, group in taken.items()]


def _inputs_of(part: str, words: dict[str, list[str]], names: Sequence[str], option: str) -> list[str]:
    """The inputs of a column: itself, or its levels."""
    if part in words or part in names:
        return words.get(part, [part])
    levels = {name for inside in words.values() for name in inside}
    there = [*words, *(name for name in names if name not in levels)]
    raise ValueError(f"{option}: there is no input {part!r}{close_to(part, there)}; there are {', '.join(there[:20])}")


def columns_of_words(inputs: Inputs) -> dict[str, list[str]]:
    """The columns that became inputs of 0 and 1, with the names of these."""
    if inputs.recipe is None:
        found: dict[str, list[str]] = {}
        for name in inputs.names:
            column, level, _ = name.partition("=")
            if level:
                found.setdefault(column, []).append(name)
        return found
    words = [column.name for column in inputs.recipe.columns if column.kind == "words"]
    inside = {word: [name for name in inputs.names if name.startswith(f"{word}=")] for word in words}
    return {word: names for word, names in inside.items() if names}
