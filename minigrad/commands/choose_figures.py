"""The pictures in the reports of `minigrad cv` and `minigrad path`: paths, error, and a slider for λ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import selection
from ..lab.pages import selection_figures, slider
from ..selection.scores import output_of
from ..tabular.judging import scores_of_classes, scores_of_numbers
from .choose import Job, Pictures
from .choose_weights import standardized, weights_of


def path_picture(asked: Job, lambdas: np.ndarray, models: Sequence[Any], marks: Mapping[str, float]) -> Pictures:
    """Coefficients of inputs over λ, a panel for each class; of a network, the length of each input's weights."""
    if any(model is None for model in models):
        return {}
    panels, what = standardized(asked.rows, models)
    counts = [model.nonzeros for model in models]
    svg = selection_figures.coefficient_paths(
        lambdas, panels if len(panels) > 1 else next(iter(panels.values())), asked.rows.names, counts, marks, what
    )
    each = (
        "A coefficient times the standard deviation of its column: what one such deviation does to the output."
        if hasattr(models[0], "coefficients")
        else "A line is the norm, √Σw², of the weights that lead from one input to the hidden units, so it has no sign."
    )
    more = f" One panel for each of {len(panels)} classes." if len(panels) > 1 else ""
    caption = (
        f"{each}{more} Numbers before the names say in which order inputs enter as λ falls; what is not named is grey. "
        "All rows were used."
    )
    return {"path": (svg, f"{what[0].upper()}{what[1:]} of every input over λ, fitted on all rows", caption)}


def cv_pictures(asked: Job, result: selection.CrossValidation) -> Pictures:
    """The error over λ with the coefficients at both picks, and the path, both picks marked."""
    at = [result.path[i] for i in (result.best, result.one_se)] if result.path else [None]
    picked = None if any(model is None for model in at) else _picked(asked, at)
    score = result.score.replace("_", " ")
    caption = (
        f"The mean {score} of {len(result.scores)} fits on rows that each left out, ± one standard error. Violet: what "
        "lies within one standard error of the best mean, and the λ between the picks. Where the curve leaves the frame, "
        "its end is written at the edge."
    )
    error = selection_figures.error_over_lambda(result, picked), f"{score} over λ, with both picks", caption
    marks = {"best": result.lambda_min, "one-SE pick": result.lambda_1se}
    return {"error": error, **path_picture(asked, result.lambdas, result.path, marks)}


def _picked(asked: Job, models: Sequence[Any]) -> selection_figures.Picked:
    panels, what = standardized(asked.rows, models)
    values = np.stack([*panels.values()])
    if len(panels) > 1:
        what = "norm of an input's standardized coefficients over the classes"
        values = np.sqrt((values**2).sum(0))[None]
    return selection_figures.Picked(values[0, :, 0], values[0, :, 1], asked.rows.names, what)


def lambda_slider(
    asked: Job,
    lambdas: np.ndarray,
    models: Sequence[Any],
    courses: Sequence[slider.Course],
    picks: Mapping[str, int],
) -> str:
    """An element of HTML with a slider over the models of all rows; "" where a model is missing."""
    if not len(models) or any(model is None for model in models):
        return ""
    rows = asked.rows
    panels, what = standardized(rows, models)
    classes = np.unique(rows.y).tolist() if rows.classes else None
    outputs = [output_of(model, rows.x, asked.options.get("offset")) for model in models]
    if classes is None:
        target = np.asarray(rows.y, np.float64)
        answers = np.stack([np.asarray(output, np.float64).reshape(-1) for output in outputs])
    else:
        target = np.searchsorted(np.unique(rows.y), rows.y)
        answers = np.stack([slider.right_probabilities(output, target) for output in outputs])
    zeros = [_zeros(model, len(rows.names)) for model in models]
    return slider.element(
        slider.Steps(lambdas.tolist(), rows.names, panels, what, zeros, courses, target, answers, classes, picks)
    )


def _zeros(model: Any, inputs: int) -> str:
    if hasattr(model, "coefficients"):
        return f"{model.nonzeros} of {inputs} inputs, {inputs - model.nonzeros} exactly 0"
    weights = sum(w.size for w in weights_of(model))
    return f"{model.nonzeros:,} of {weights:,} weights, {weights - model.nonzeros:,} exactly 0"


def fits_of(asked: Job, models: Sequence[Any]) -> slider.Course:
    """R² or accuracy of each model on the rows that it was fitted on."""
    rows = asked.rows
    y = np.searchsorted(np.unique(rows.y), rows.y) if rows.classes else rows.y
    name, of = ("accuracy", scores_of_classes) if rows.classes else ("R²", scores_of_numbers)
    values = [of(output_of(model, rows.x, asked.options.get("offset")), y, rows.weights)[name] for model in models]
    return slider.Course(f"{name} of these rows", values)
