"""Metrics of scikit-learn, and others that take (y_true, y_pred), as metrics of fit and evaluate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import kernels as K
from .columns import name_of
from .outcomes import array_of, has_nan, made_by, refuse_sigmoid, rows_of_classes
from .rank_metrics import probabilities, two_classes
from .weighing import takes_weights

GIVEN = ("classes", "probabilities", "scores", "outputs")


class SklearnMetric:
    """function(y_true, y_pred) of scikit-learn as a metric (output, target), over all rows at once.

    given says what y_pred is:
      "classes"        the class (n,) of the largest output, or 1 where the one logit is above 0
      "probabilities"  softmax of the outputs, (n, classes); of two classes, or of one logit, that of class 1, (n,)
      "scores"         the outputs as they are, (n, classes); of two classes the second minus the first, (n,)
      "outputs"        the outputs as they are, of any model; (n, 1) is flat where the target is
    For the first three, targets are classes: labels, the largest of one-hot rows, 0 and 1 for one logit; rows of the
    label -100 are left out. Outputs that a softmax or a sigmoid made are probabilities already. All are float64.
    Options are passed on; so are weights of rows, if the function has a parameter sample_weight, else TypeError where
    data has weights. NaN in the output gives NaN, because scikit-learn refuses it.

    >>> def hits(y_true, y_pred):
    ...     return (y_true == y_pred).mean()
    >>> metric = SklearnMetric(hits, given="classes")
    >>> float(metric([[2.0, 1.0], [0.0, 3.0]], [0, 0])), metric.__name__
    (0.5, 'hits')
    """

    over_all_rows = True

    def __init__(self, function: Callable[..., Any], given: str, **options: Any) -> None:
        if given not in GIVEN:
            raise ValueError(f"SklearnMetric: given is {given!r}; need one of {', '.join(map(repr, GIVEN))}")
        self.__name__ = name_of(function)
        self.function, self.given, self.options = function, given, options
        self.weighted = takes_weights(function)

    def __call__(self, output: Any, target: Any, sample_weight: Any = None) -> Any:
        """What the function says of the targets and of what `given` makes of the outputs."""
        made = self._made(output, target, sample_weight)
        if made is None:
            return math.nan
        t, y, weight = made
        weights = {} if weight is None else {"sample_weight": np.asarray(array_of(weight), np.float64)}
        return self.function(t, y if self.given == "classes" else y.astype(np.float64), **weights, **self.options)

    def check(self, output: Any, target: Any, sample_weight: Any = None) -> float:
        """All that a call does, but for the function, which may refuse a few rows; NaN."""
        self._made(output, target, sample_weight)
        return math.nan

    def _made(self, output: Any, target: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, Any] | None:
        """What the function is called with: y_true, y_pred and weights; None where a number is NaN, or no row left."""
        if sample_weight is not None:
            self.refuse_weights()
        if self.given == "outputs":
            y, t = array_of(output), array_of(target)
            y = y.reshape(-1) if y.shape == (len(y), 1) and t.ndim == 1 else y
            return None if len(y) == 0 or has_nan(y) else (t, y, sample_weight)
        if self.given == "classes":
            refuse_sigmoid(f"SklearnMetric({self.__name__}, given='classes')", output)
        rows = rows_of_classes(self.__name__, output, target, sample_weight)
        if rows is None:
            return None
        return rows.truth, rows.said if self.given == "classes" else self._scores(output, rows.scores), rows.weight

    def refuse_weights(self) -> None:
        """TypeError if the function takes no weights of rows."""
        if not self.weighted:
            raise TypeError(
                f"SklearnMetric: {self.__name__} has no parameter sample_weight, and the data has weights; wrap it "
                "in a function (output, target), which counts all rows alike"
            )

    def _scores(self, output: Any, scores: np.ndarray) -> np.ndarray:
        """Scores or probabilities, for class 1 alone where there are two classes."""
        two = scores.ndim == 1 or scores.shape[1] == 2
        if self.given == "scores":
            return two_classes(scores) if two else scores
        if made_by(output, "softmax") or made_by(output, "sigmoid"):
            return scores[:, 1] if two and scores.ndim == 2 else scores
        if scores.ndim == 1:
            out = np.empty(scores.shape)
            K.sigmoid(np.ascontiguousarray(scores, np.float64), out)
            return out
        return np.ascontiguousarray(probabilities(scores)[:, 1]) if two else probabilities(scores)

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r:.40}" for name, value in self.options.items())
        return f"SklearnMetric({self.__name__}, given={self.given!r}{options})"
