"""The linear family that --family, --penalty-groups and their like ask for, in `minigrad cv` and `minigrad path`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import linear_model
from ..lab.pages.console import close_to
from .choose_data import Rows

FAMILIES = ("auto", "gaussian", "binomial", "multinomial", "poisson", "huber")
OF_CLASSES = ("binomial", "multinomial")
LOSSES = {"gaussian": "squared", "binomial": "logistic", "poisson": "poisson"}  # of families that take groups
DELTA = 1.35  # of Huber's threshold: robust scales


def family_name(options: argparse.Namespace, rows: Rows) -> str:
    """One of FAMILIES but auto: by the target, unless --family or --model name it. ValueError for what does not fit."""
    asked, model, classes = options.family, options.model, len(np.unique(rows.y)) if rows.classes else 0
    found = asked if asked != "auto" else "gaussian" if not classes else "binomial" if classes == 2 else "multinomial"
    if found in OF_CLASSES and not classes:
        raise ValueError(
            f"--family {found} predicts classes, and {rows.target} holds numbers: name it in --categorical, or use "
            "gaussian, poisson or huber"
        )
    if found not in OF_CLASSES and classes:
        raise ValueError(
            f"--family {found} predicts numbers, and {rows.target} holds classes: use binomial or multinomial, or "
            "leave it out of --categorical"
        )
    if found == "binomial" and classes != 2:
        raise ValueError(f"--family binomial is for two classes; {rows.target} has {classes}: use multinomial")
    if model == "logistic" and found not in OF_CLASSES:
        raise ValueError(f"--family {found} is no --model logistic; leave --model out")
    if found == "poisson" and (rows.y < 0).any():
        row = int(np.flatnonzero(rows.y < 0)[0])
        raise ValueError(f"--family poisson: {rows.target} is {rows.y[row]:g} in row {row}; need counts of at least 0")
    return found


def linear_family(options: argparse.Namespace, rows: Rows, columns: dict[str, Any]) -> Any:
    """The family of linear models; columns are penalty_factor, lower and upper."""
    name = family_name(options, rows)
    told = {"standardize": options.standardize, **columns}
    if getattr(options, "relax", False) and (options.penalty_groups or name in ("poisson", "huber")):
        what = "--penalty-groups" if options.penalty_groups else f"--family {name}"
        raise ValueError(f"--relax: {what} has no refit without a penalty; gaussian, binomial and multinomial have")
    if options.huber_threshold is not None and name != "huber":
        raise ValueError("--huber-threshold: add --family huber")
    if options.penalty_groups:
        if name not in LOSSES:
            raise ValueError(f"--penalty-groups: --family {name} takes none; {', '.join(LOSSES)} do")
        ratio = 0.0 if options.l1_ratio is None else options.l1_ratio
        groups = groups_of(options.penalty_groups, rows)
        return linear_model.GroupLasso(l1_ratio=ratio, groups=groups, loss=LOSSES[name], **told)
    told["l1_ratio"] = 1.0 if options.l1_ratio is None else options.l1_ratio
    if name == "huber":
        return linear_model.Huber(**threshold_of(options, rows), **told)
    kinds = {"gaussian": linear_model.Regression, "poisson": linear_model.Poisson}
    return kinds.get(name, linear_model.Logistic)(**told)


def threshold_of(options: argparse.Namespace, rows: Rows) -> dict[str, Any]:
    """delta and scale of --family huber: as --huber-threshold says, or by the robust scale of the target in all rows.

    It is a fixed number, so that every fold and λ means the same loss.
    """
    if options.huber_threshold is not None:
        return {"delta": 1.0, "scale": options.huber_threshold}
    try:
        return {"delta": DELTA, "scale": linear_model.robust_scale(rows.y, rows.weights)}
    except ValueError:
        raise ValueError(
            f"--family huber: more than half of the rows have one {rows.target}, so that its robust scale is 0: give "
            "--huber-threshold, the size of a residual beyond which it counts by its size and not by its square"
        ) from None


def groups_of(asked: Sequence[str], rows: Rows) -> list[str]:
    """A label for each input: that of its group, or its own name.

    asked are `all`, every column of words with its levels as one group; or groups such as town, or town+kind, whose
    parts are inputs or columns of words.

    >>> rows = Rows("", np.zeros((1, 4)), np.zeros(1), ["size", "town=A", "town=B", "age"], "price", False)
    >>> groups_of(["all"], rows), groups_of(["town+age"], rows)
    (['size', 'town', 'town', 'age'], ['size', 'town+age', 'town+age', 'town+age'])
    """
    taken, words = dict.fromkeys(rows.names, ""), _columns_of_words(rows)
    if list(asked) == ["all"]:
        if not words:
            raise ValueError("--penalty-groups all: no column holds words; name groups, as in A+B,C+D")
        asked = list(words)
    for group in asked:
        whole = group in words or group in taken
        for part in [group] if whole else [part.strip() for part in group.split("+")]:
            for name in _inputs_of(part, words, rows.names):
                if taken[name]:
                    raise ValueError(f"--penalty-groups: {part} is in {taken[name]} and in {group}; need one group")
                taken[name] = group
    return [group or name for name, group in taken.items()]


def _inputs_of(part: str, words: dict[str, list[str]], names: Sequence[str]) -> list[str]:
    """The inputs of a column: itself, or its levels."""
    if part in words or part in names:
        return words.get(part, [part])
    levels = {name for inside in words.values() for name in inside}
    there = [*words, *(name for name in names if name not in levels)]
    raise ValueError(
        f"--penalty-groups: there is no input {part!r}{close_to(part, there)}; there are {', '.join(there[:20])}"
    )


def _columns_of_words(rows: Rows) -> dict[str, list[str]]:
    """The columns that became inputs of 0 and 1, with the names of these."""
    recipe = None if rows.table is None else rows.table.recipe
    if recipe is None:
        found: dict[str, list[str]] = {}
        for name in rows.names:
            column, level, _ = name.partition("=")
            if level:
                found.setdefault(column, []).append(name)
        return found
    words = [column.name for column in recipe.columns if column.kind == "words"]
    inside = {word: [name for name in rows.names if name.startswith(f"{word}=")] for word in words}
    return {word: names for word, names in inside.items() if names}
