"""A trained model of tables: it reads files as its training file was read, and answers in the words of that file."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.dataset import as_rows, finite_rows
from ..data.formats.recipe import Recipe
from ..data.formats.table import Table
from ..data.prepare.imputation import MeanImputer
from ..errors import NonFiniteError, ShapeError
from ..linear_model import LinearModel
from ..linear_model.generalized import mean_of
from ..selection.networks import NetworkModel
from .frames import as_file, is_frame
from .judging import chosen, probabilities, scores_of_classes, scores_of_counts, scores_of_numbers
from .keeping import found_in, save
from .perceptron import Perceptron
from .shown import shown

FIELDS = 1 << 18  # of a file that are in memory at a time


@dataclass(frozen=True, eq=False)
class Predictor:
    """A model with all that it needs for new rows; `tabular.train` and `tabular.load` give one.

    names       the columns of x, in order; target: what it predicts
    classes     (k,) the classes in sorted order, or None: it predicts numbers
    core        the model itself: a linear_model.LinearModel or a selection network with its scaling
    fill        (p,) what is put in place of missing values: means of the training rows
    centre, scale   (p,) means and standard deviations of the training rows, gaps filled
    recipe      how files are read; None: of arrays only
    about       how it was trained, as plain values: rows, λ, scores, settings, versions
    build       of a network: what makes one
    verified    of a loaded model: whether the digest of its file was compared; None: it was not loaded, or has none

    predict raises ShapeError or ValueError for columns that do not fit, TypeError for options of files beside an array,
    NonFiniteError for an answer that is no number; predict_proba raises ValueError for a model of numbers.

    >>> import minigrad as mg
    >>> x = np.arange(20.0).reshape(-1, 1)
    >>> model = mg.tabular.train(mg.data.Table(x, 3 * x[:, 0] + 1, ["size"], "price"), l2=0.0, test=0)
    >>> model.predict([[100.0]]).round(6).tolist()
    [301.0]
    """

    kind: str
    names: list[str]
    target: str
    classes: np.ndarray | None
    core: Any
    fill: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    recipe: Recipe | None
    about: dict[str, Any]
    build: Perceptron | None = None
    verified: bool | None = None

    def predict(self, data: Any, **options: Any) -> np.ndarray:
        """(n,) numbers, or the names of classes, for a Table, the path of a CSV file, a DataFrame, or an array (n, p).

        The options are those of `read`, for a path; for an array, offset=, if the model was trained with one.
        ShapeError, NonFiniteError or ValueError for what does not fit.
        """
        return self.answers(self.output(data, **options))

    def answers(self, output: np.ndarray) -> np.ndarray:
        """(n,) what outputs say: numbers, rates of counts, or the names of classes."""
        if self.classes is not None:
            return self.classes[chosen(output)]
        return mean_of(output.reshape(-1).astype(np.float64), "log" if self.kind == "poisson" else "identity")

    def predict_proba(self, data: Any, **options: Any) -> np.ndarray:
        """(n, classes): the probability of each class, in the order of `classes`. ValueError for models of numbers."""
        if self.classes is None:
            raise ValueError(f"predict_proba: the model predicts numbers, {self.target}, and has no classes")
        return probabilities(self.output(data, **options), len(self.classes))

    def output(self, data: Any, **options: Any) -> np.ndarray:
        """Predictions of numbers, log rates of counts, or logits, as the model itself gives them."""
        offset = options.pop("offset", None)
        if is_frame(data):
            with as_file(data) as path:
                data = self.read(
                    path, target=False, **{"delimiter": ",", "decimal": ".", "encoding": "utf-8", **options}
                )
        elif isinstance(data, (str, os.PathLike)):
            data = self.read(data, target=False, **options)
        elif options:
            raise TypeError(f"predict: {', '.join(options)}: of files only; the rows given are a {type(data).__name__}")
        output = self._output(data, offset)
        if not np.isfinite(output).all():
            row = int(np.argwhere(~np.isfinite(output))[0][0])
            raise NonFiniteError(
                f"predict: the model answers {output[row]} in row {row}: its inputs are too large for it"
            )
        return output

    def _output(self, data: Any, offset: Any) -> np.ndarray:
        """The outputs of a table, with the offset that it holds, or of an array with the one that was passed."""
        if isinstance(data, Table):
            if offset is not None:
                raise TypeError("predict: offset: of arrays only; a table or a file has its own column")
            offset = data.offset
        rows = self._rows(data)
        if not (isinstance(self.core, LinearModel) and self.core.offset):
            if offset is not None and not isinstance(data, Table):
                raise ValueError("predict: offset: the model was trained without one")
            return np.asarray(self.core.output(rows))
        if offset is None:
            raise ValueError("predict: the model was trained with an offset; need offset=, a number for each row")
        return np.asarray(self.core.output(rows, offset))

    def read(self, path: str | os.PathLike[str], **options: Any) -> Table:
        """The table of a new file, read as the training file was; data.formats.recipe.Recipe.read has the options.

        Missing values are filled with means of the training rows, if the training file had a rule for them or if
        missing="mean" asks for it; else they are errors.
        """
        return self._recipe().read(path, **options)

    def read_in_parts(self, name: str, text: str, **options: Any) -> Iterator[Table]:
        """The same for the text of a file called `name`, a part of the rows at a time."""
        return self._recipe().read_in_parts(name, text, FIELDS, **options)

    def score(self, table: Table) -> dict[str, float]:
        """R² and errors, or accuracy and log loss, on the rows of a table that have a target.

        A class that the training rows did not have counts as wrong in accuracy; log loss is then left out.
        """
        y, output = table.y, self.output(table)
        if y is None:
            raise ValueError(f"score: the table has no target {self.target!r}")
        there = self.rows_with_target(y)
        weights = None if table.weights is None else table.weights[there]
        return self.scores(output[there], y[there], weights)

    def rows_with_target(self, y: np.ndarray) -> np.ndarray:
        """Which targets are there, (n,) bool; ValueError if none is."""
        there = y != "" if y.dtype.kind == "U" else ~np.isnan(y.astype(np.float64))
        if not there.any():
            raise ValueError(f"score: no row has a {self.target!r}")
        return there

    def scores(self, output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        """The same, of outputs and targets."""
        if self.classes is None:
            of = scores_of_counts if self.kind == "poisson" else scores_of_numbers
            return of(output, y.astype(np.float64), weights)
        known = np.isin(y, self.classes)
        if known.all():
            return scores_of_classes(output, np.searchsorted(self.classes, y), weights)
        right = (self.classes[chosen(output)] == y).astype(np.float64)
        return {"accuracy": float(np.average(right, weights=weights))}

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Keep the model in a folder: tabular.load, `minigrad predict` and `minigrad show` take it.

        model.safetensors has everything, and is written whole or not at all; model.json says the same to be read by
        people. OSError if they cannot be written.
        """
        save(self, folder)

    def show(self) -> str:
        """What it is, in lines of text: scores, λ, coefficients by name, columns and their levels, versions."""
        return shown(self)

    @property
    def coefficients(self) -> np.ndarray | None:
        """(p,) or (p, classes), in the units of the data; None of a network."""
        return self.core.coefficients if isinstance(self.core, LinearModel) else None

    @property
    def intercept(self) -> np.ndarray | None:
        """() or (classes,); None of a network."""
        return np.asarray(self.core.intercept) if isinstance(self.core, LinearModel) else None

    @property
    def network(self) -> NetworkModel | None:
        """The network with its scaling; None of a linear model."""
        return self.core if isinstance(self.core, NetworkModel) else None

    @property
    def fills_gaps(self) -> bool:
        """Whether missing values are filled without being asked to."""
        return bool(self.about.get("missing") == "mean")

    def _recipe(self) -> Recipe:
        if self.recipe is None:
            raise ValueError("the model was trained on arrays, and has no recipe to read files; pass an array of rows")
        return dataclasses.replace(
            self.recipe, missing="mean" if self.fills_gaps else "error", means=tuple(map(float, self.fill))
        )

    def _rows(self, data: Any) -> np.ndarray:
        """x of a table with the same columns, or an array; gaps filled, if that is the rule."""
        if isinstance(data, Table):
            if data.names != self.names:
                strange = next((n for n in data.names if n not in self.names), None)
                absent = next((n for n in self.names if n not in data.names), None)
                what = f"the column {strange!r}" if strange else f"no column {absent!r}" if absent else "another order"
                raise ShapeError(f"predict: the table has {what}; need that of model.read(path): {self.names[:8]} ...")
            data = data.x
        x = as_rows(data, "predict: x")
        if x.ndim != 2 or x.shape[1] != len(self.names):
            raise ShapeError(f"predict: x is {x.shape}; need (rows, {len(self.names)}), a column for each of its names")
        x = x.astype(self.fill.dtype, copy=False)
        if self.fills_gaps and np.isnan(x).any():
            x = MeanImputer.of(self.fill)(x)
        return finite_rows(x, "predict: x")


def plain_scores(scores: dict[str, float]) -> dict[str, float | None]:
    """The same for JSON, None for what is no number."""
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}


def load(path: str | os.PathLike[str]) -> Predictor:
    """The model that was kept in a folder, or in its file model.safetensors, with every bit.

    Nothing in it is executed. ValueError, naming file and entry, for a file that is damaged or holds something else;
    OSError where there is none.
    """
    return Predictor(**found_in(path))
