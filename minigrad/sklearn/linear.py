"""Linear, logistic, Poisson and robust regression with L1, L2 and the elastic net as scikit-learn estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import d2_tweedie_score
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .. import linear_model
from ..linear_model.generalized import mean_of
from .classes import LogitClassifier
from .keywords import named

INSTEAD = {
    "alpha": "l1=alpha * l1_ratio, l2=alpha * (1 - l1_ratio), beside the mean loss: Ridge's alpha is l2=alpha / rows",
    "l1_ratio": "l1 and l2, the two strengths: l1 = alpha * l1_ratio, l2 = alpha * (1 - l1_ratio)",
    "C": "l2=1 / (C * rows) for an L2 penalty, l1=1 / (C * rows) for an L1 penalty",
    "penalty": "l1 and l2, the strengths of the two penalties",
    "normalize": "standardize=True",
    "class_weight": "fit(X, y, sample_weight=...), as minigrad.data.sample_weights makes it",
    "solver": "none: there is one solver for all strengths",
    "random_state": "none: nothing is drawn",
}


class _Linear(BaseEstimator):
    """Parameters and the fitted linear_model.LinearModel of both."""

    model_: linear_model.LinearModel

    @named(INSTEAD)
    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.01,
        *,
        fit_intercept: bool = True,
        standardize: bool = False,
        tol: float = 1e-10,
        max_iter: int = 100_000,
    ) -> None:
        self.l1, self.l2 = l1, l2
        self.fit_intercept, self.standardize, self.tol, self.max_iter = fit_intercept, standardize, tol, max_iter

    def _options(self) -> dict[str, Any]:
        return {
            "fit_intercept": self.fit_intercept,
            "standardize": self.standardize,
            "tol": self.tol,
            "max_rounds": self.max_iter,
        }

    def _weights(self, sample_weight: Any, X: np.ndarray) -> Any:
        return None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)

    def _output(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.model_.output(validate_data(self, X, reset=False, dtype=np.float64))

    @property
    def n_iter_(self) -> int:
        """Sweeps of coordinate descent, or Newton steps; at least 1."""
        return max(1, self.model_.rounds)


class ElasticNetRegressor(RegressorMixin, _Linear):
    """Least squares with l1 Σ|w| + (l2/2) Σw², beside 1/(2m) Σ(y - ŷ)².

    scikit-learn's Lasso(α) is l1 = α, Ridge(α) is l2 = α/m, ElasticNet(α, ρ) is l1 = αρ, l2 = α(1 - ρ).

    >>> import numpy as np
    >>> ElasticNetRegressor(l1=0.25, l2=0.0).fit([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0]).coef_
    array([0.625])
    """

    coef_: np.ndarray
    intercept_: float

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ElasticNetRegressor:
        """Fit; sample_weight gives each row its share of the mean."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        solver = linear_model.Regression(**self._options()).start(X, y, self._weights(sample_weight, X))
        self.model_ = solver.solve(self.l1, self.l2)
        self.coef_, self.intercept_ = self.model_.coefficients, self.model_.intercept
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n,) predictions."""
        return self._output(X)


class PoissonRegressor(RegressorMixin, _Linear):
    """Counts by a log link, with l1 Σ|w| + (l2/2) Σw² beside half the mean deviance; scikit-learn's α is l2.

    predict gives rates; score is the deviance explained, D².

    >>> model = PoissonRegressor(l2=0.0).fit([[0.0], [1.0], [2.0], [3.0]], [1, 2, 4, 8])
    >>> model.predict([[4.0]]).round(6).tolist()
    [16.0]
    """

    coef_: np.ndarray
    intercept_: float

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PoissonRegressor:
        """Fit to counts of at least 0; sample_weight gives each row its share of the mean."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        solver = linear_model.Poisson(**self._options()).start(X, y, self._weights(sample_weight, X))
        self.model_ = solver.solve(self.l1, self.l2)
        self.coef_, self.intercept_ = self.model_.coefficients, self.model_.intercept
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n,) rates."""
        return mean_of(self._output(X), "log")

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """1 - deviance / deviance of the mean count of these rows; scikit-learn's D²."""
        return d2_tweedie_score(y, self.predict(X), sample_weight=sample_weight, power=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


class HuberRegressor(RegressorMixin, _Linear):
    """Robust regression: ½ r² for |r| <= delta · scale and a line beyond, with l1 Σ|w| + (l2/2) Σw² beside its mean.

    scale: of the errors, in units of y, or None: linear_model.robust_scale(y). scikit-learn's HuberRegressor fits it;
    see linear_model.Huber for how the two are one model.

    >>> model = HuberRegressor(l2=0.0, delta=1.0, scale=1.0).fit([[0.0], [1.0], [2.0], [3.0], [4.0]], [0, 1, 2, 3, 90])
    >>> model.predict([[4.0]]).round(6).tolist()
    [5.5]
    """

    coef_: np.ndarray
    intercept_: float
    scale_: float

    @named(INSTEAD | {"epsilon": "delta=epsilon"})
    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.01,
        *,
        delta: float = 1.35,
        scale: float | None = None,
        fit_intercept: bool = True,
        standardize: bool = False,
        tol: float = 1e-10,
        max_iter: int = 100_000,
    ) -> None:
        self.l1, self.l2, self.delta, self.scale = l1, l2, delta, scale
        self.fit_intercept, self.standardize, self.tol, self.max_iter = fit_intercept, standardize, tol, max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HuberRegressor:
        """Fit; sample_weight gives each row its share of the mean. ValueError where robust_scale(y) is 0."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        weights = self._weights(sample_weight, X)
        self.scale_ = linear_model.robust_scale(y, weights) if self.scale is None else self.scale
        family = linear_model.Huber(delta=self.delta, scale=self.scale_, **self._options())
        self.model_ = family.start(X, y, weights).solve(self.l1, self.l2)
        self.coef_, self.intercept_ = self.model_.coefficients, self.model_.intercept
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n,) predictions."""
        return self._output(X)


class LogisticClassifier(LogitClassifier, _Linear):
    """Logistic regression with l1 Σ|w| + (l2/2) Σw², beside the mean log loss; scikit-learn's C is 1/(l2 m).

    coef_ is (1, p) and intercept_ (1,) for two classes, else (classes, p) and (classes,).

    >>> model = LogisticClassifier(l2=0.1).fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]]).tolist()
    ['no', 'yes']
    """

    coef_: np.ndarray
    intercept_: np.ndarray

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticClassifier:
        """Fit; sample_weight gives each row its share of the mean."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        weights, labels = self._weights(sample_weight, X), self._encode(y)
        solver = linear_model.Logistic(**self._options()).start(X, labels, weights, len(self.classes_))
        self.model_ = solver.solve(self.l1, self.l2)
        self.coef_ = np.atleast_2d(self.model_.coefficients.T)
        self.intercept_ = np.atleast_1d(self.model_.intercept)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """The logits: (n,) for two classes, else (n, classes)."""
        return self._output(X)
