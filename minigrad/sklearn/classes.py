"""What every classifier here shares: names of classes, and answers from logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from .. import kernels as K


class LogitClassifier(ClassifierMixin, ABC):
    """A classifier whose decision_function gives logits: (n,) for two classes, else (n, classes)."""

    classes_: np.ndarray

    def _encode(self, y: Any) -> np.ndarray:
        """y as 0, 1, ...; sets classes_."""
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__}: y has one class, {self.classes_.tolist()[0]!r}; need at least two"
            )
        return encoded.astype(np.int64)

    @abstractmethod
    def decision_function(self, X: Any) -> np.ndarray:
        """The logits."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes): the probability of each class, in the order of classes_."""
        logits = self.decision_function(X)
        out = np.empty((len(logits), len(self.classes_)))
        if logits.ndim == 2:
            K.softmax(np.ascontiguousarray(logits, np.float64), out)
        else:  # each side by its own sigmoid: 1 - p would lose the digits of a small one
            for column, sign in enumerate((-1.0, 1.0)):
                side = np.ascontiguousarray(sign * logits, np.float64)
                K.sigmoid(side, side)
                out[:, column] = side
        return out

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """(n, classes): the logarithm of predict_proba; -inf where that is 0."""
        out = self.predict_proba(X)
        K.log(out, out)
        return out

    def predict(self, X: Any) -> np.ndarray:
        """The class of the largest logit."""
        logits = self.decision_function(X)
        return self.classes_[logits.argmax(1) if logits.ndim == 2 else (logits > 0).astype(np.int64)]
