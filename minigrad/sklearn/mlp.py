"""Multilayer perceptrons with any terms of reg as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import nn, optim, reg, rng
from ..data import Standardizer
from ..ops.classification import cross_entropy
from ..ops.losses import mse
from ..selection.scores import output_of
from ..train import History, fit
from .classes import LogitClassifier


class _MLP(BaseEstimator):
    """Parameters, network and training of both.

    hidden          units of the hidden layers
    activation      of them: relu, tanh or sigmoid
    dropout         share dropped behind each hidden layer
    penalty, prox   a term of reg, on all weights and no bias; or a mapping {selector: term} as reg.on takes it. penalty
                    is added to the loss; prox acts in the update and gives exact zeros
    optimizer       called with (parameters, lr=..., prox=terms)
    random_state    start, dropout and batches are functions of it
    """

    module_: nn.Sequential
    history_: History

    def __init__(
        self, hidden: Sequence[int] = (64,), activation: str = "relu", *, dropout: float = 0.0, penalty: Any = None,
        prox: Any = None, optimizer: Callable[..., Any] = optim.Adam, lr: float = 1e-3, epochs: int = 200,
        batch_size: int = 32, random_state: Any = 0,
    ) -> None:  # fmt: skip
        self.hidden, self.activation, self.dropout = hidden, activation, dropout
        self.penalty, self.prox, self.optimizer = penalty, prox, optimizer
        self.lr, self.epochs, self.batch_size, self.random_state = lr, epochs, batch_size, random_state

    def _train(self, X: np.ndarray, y: np.ndarray, outputs: int, loss: Callable[..., Any]) -> None:
        """Build and train the network; sets module_ and history_."""
        seed = int(check_random_state(self.random_state).randint(2**31))
        with rng.own_streams(seed):
            module = self._network(X.shape[1], outputs)
            penalty, prox = (_bound(module, terms) for terms in (self.penalty, self.prox))
            optimizer = self.optimizer(module.parameters(), lr=self.lr, prox=prox)
            self.history_ = fit(
                module, (X, y), loss, optimizer, penalty, epochs=self.epochs, batch_size=self.batch_size, seed=seed
            )
        self.module_ = module

    def _network(self, inputs: int, outputs: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        init = "he_uniform" if self.activation == "relu" else "glorot_uniform"
        for units in self.hidden:
            layers.append(nn.Linear(inputs, units, activation=self.activation, init=init))
            layers += [nn.Dropout(self.dropout)] if self.dropout else []
            inputs = units
        return nn.Sequential(*layers, nn.Linear(inputs, outputs))

    def _output(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return output_of(self.module_, validate_data(self, X, reset=False, dtype=np.float32)).astype(np.float64)

    @property
    def n_iter_(self) -> int:
        """Epochs trained."""
        return len(self.history_)


def _bound(module: nn.Module, terms: Any) -> Any:
    if terms is None:
        return None
    return reg.on(module, terms) if isinstance(terms, Mapping) else reg.on(module, "*.weight", terms)


class MLPRegressor(RegressorMixin, _MLP):
    """A perceptron for numbers, by the mean squared error; it learns targets scaled to mean 0 and deviation 1.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> MLPRegressor(lr=1e-2, penalty=reg.L2(1e-4)).fit(x, np.abs(x[:, 0])).score(x, np.abs(x[:, 0])) > 0.95
    True
    """

    def fit(self, X: Any, y: Any) -> MLPRegressor:
        """Train."""
        X, y = validate_data(self, X, y, dtype=np.float32, y_numeric=True)
        y = y.astype(np.float64).reshape(-1, 1)
        self._scale = Standardizer(y)
        self._train(X, self._scale(y), 1, mse)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n,) predictions."""
        output = self._output(X)
        return self._scale.inverse(output)[:, 0]


class MLPClassifier(LogitClassifier, _MLP):
    """A perceptron for classes, by softmax and cross-entropy.

    >>> from minigrad.data import moons
    >>> x, y = moons(200, noise=0.1)
    >>> MLPClassifier(lr=1e-2, epochs=60, prox=reg.L1(1e-4)).fit(x, y).score(x, y) > 0.95
    True
    """

    def fit(self, X: Any, y: Any) -> MLPClassifier:
        """Train."""
        X, y = validate_data(self, X, y, dtype=np.float32)
        labels = self._encode(y)
        self._train(X, labels, len(self.classes_), cross_entropy)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """The logits, (n, classes); for two classes their difference, (n,)."""
        logits = self._output(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits
