"""A recorded training of the network of a table, opened again with the file that it was trained on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..data.formats.recipe import Recipe
from ..data.formats.table import Table
from ..train import OpenRun, Record, open_run
from .perceptron import made_of
from .settings import Settings
from .training import parts_of

BY = "minigrad train"


def recorder(folder: str | os.PathLike[str], table: Table, settings: Settings, name: str = "") -> Record:
    """A callback for `train` that keeps the training of a network, and how its table was read and split.

    ValueError for what is no training of one network: another model, or λ chosen by cross-validation.
    """
    if settings.model != "mlp":
        raise ValueError(
            f"--record keeps the steps of a network; --model {settings.model} is solved without any: use mlp"
        )
    if settings.strengths is None:
        raise ValueError(
            "--record keeps one training, and --lambda cv makes many: give --lambda a number, or leave it out"
        )
    recipe = None if table.recipe is None else table.recipe.to_dict()
    return Record(folder, about={"by": BY, "data": name, "recipe": recipe, "settings": asdict(settings)})


def settings_of(about: dict[str, Any]) -> Settings:
    """The settings that a record was made with. ValueError for a record of another program."""
    if about.get("by") != BY:
        raise ValueError("minigrad train did not make it: name a script that defines build and data, --script mine.py")
    plain = dict(about["settings"])
    return Settings.of(plain.pop("hidden"), **plain)


def table_of(about: dict[str, Any], path: str | os.PathLike[str]) -> Table:
    """The table of a file, read as the file of the recorded training was."""
    return Recipe.from_dict(about["recipe"]).read(path, target=True)


def reopened(path: str | os.PathLike[str], about: dict[str, Any], table: Table) -> tuple[OpenRun, Sequence[str]]:
    """The run in a folder, and the names of the inputs of its network."""
    settings = settings_of(about)
    strengths = settings.strengths
    assert strengths is not None  # recorder has refused others
    train = parts_of(table, settings, table.y.dtype.kind in "Uiub").train
    made = made_of(train, settings)
    return open_run(path, lambda: made.network(settings, strengths), made.data), train.names
