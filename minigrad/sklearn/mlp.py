"""Multilayer perceptrons with any terms of reg as scikit-learn estimators."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .. import nn, optim, reg, rng
from ..checks import finite, whole
from ..data import Standardizer, split, weighted_targets
from ..engine import Tensor
from ..ops.elementwise.arithmetic import mul, square, sub
from ..ops.losses.classes import cross_entropy
from ..ops.losses.regression import mse
from ..ops.reduce.statistics import mean
from ..selection.folds import fit_seed
from ..selection.scores import output_of
from ..train import EarlyStopping, History, fit
from .classes import LogitClassifier
from .keywords import named

INSTEAD = {
    "hidden_layer_sizes": "hidden, such as hidden=(64, 32), or hidden=64 for one layer",
    "early_stopping": "validation_fraction=0.1, with epochs as the most there may be and patience",
    "n_iter_no_change": "patience, with validation_fraction",
    "alpha": "penalty=reg.L2(alpha / rows): strengths stand beside the mean loss; or prox=reg.L1(...) for zeros",
    "max_iter": "epochs",
    "learning_rate_init": "lr",
    "learning_rate": "lr",
    "solver": "optimizer, a class of optim: optim.Adam, optim.SGD",
    "warm_start": "partial_fit, an epoch at a time",
    "class_weight": "fit(X, y, sample_weight=...), as minigrad.data.sample_weights makes it",
    "verbose": "history_.table() after fit",
    "shuffle": "none: rows are shuffled in every epoch, by random_state",
}
NESTED = ("penalty", "prox")  # parameters that are terms, whose strengths are parameters as well: prox__l1


class _MLP(BaseEstimator):
    """Parameters, network and training of both.

    hidden          units of the hidden layers; a number is one layer
    activation      of them: relu, tanh or sigmoid
    dropout         share dropped behind each hidden layer
    penalty, prox   a term of reg, on all weights and no bias; or a mapping {selector: term} as reg.on takes it. penalty
                    is added to the loss; prox acts in the update and gives exact zeros. The strengths of a term are
                    parameters, too: GridSearchCV(model, {"prox__l1": [1e-4, 1e-3]})
    optimizer       called with (parameters, lr=..., prox=terms)
    epochs          as many, or with validation_fraction at most as many
    validation_fraction     share of the rows (of every class) that is set aside; training ends when their loss has not
                    improved for `patience` epochs, and the best weights are taken. 0: none
    random_state    start, dropout, batches and validation rows are functions of it
    """

    module_: nn.Sequential
    history_: History

    @named(INSTEAD)
    def __init__(
        self,
        hidden: int | Sequence[int] = (64,),
        activation: str = "relu",
        *,
        dropout: float = 0.0,
        penalty: Any = None,
        prox: Any = None,
        optimizer: Callable[..., Any] = optim.Adam,
        lr: float = 1e-3,
        epochs: int = 200,
        batch_size: int = 32,
        random_state: Any = 0,
        validation_fraction: float = 0.0,
        patience: int = 10,
    ) -> None:
        self.hidden, self.activation, self.dropout = hidden, activation, dropout
        self.penalty, self.prox, self.optimizer = penalty, prox, optimizer
        self.lr, self.epochs, self.batch_size, self.random_state = lr, epochs, batch_size, random_state
        self.validation_fraction, self.patience = validation_fraction, patience

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters; if deep, the strengths of terms by names such as prox__l1, too."""
        found = super().get_params(deep)
        for name in NESTED if deep else ():
            term = getattr(self, name)
            found |= {f"{name}__{strength}": getattr(term, strength) for strength in _strengths(term)}
        return found

    def set_params(self, **params: Any) -> _MLP:
        """Set parameters; prox__l1=... puts a copy of the term with this strength in the place of prox."""
        nested = {name: value for name, value in params.items() if name.partition("__")[0] in NESTED and "__" in name}
        super().set_params(**{name: value for name, value in params.items() if name not in nested})
        for name, value in nested.items():
            which, _, strength = name.partition("__")
            term = getattr(self, which)
            if strength not in _strengths(term):
                have = ", ".join(f"{which}__{known}" for known in _strengths(term)) or "no strengths to set by name"
                raise ValueError(
                    f"{type(self).__name__}: {which} is {term!r}, which has {have}; to search over other terms list "
                    f"them whole, {{{which!r}: [reg.L1(1e-3), reg.L1(1e-2)]}}"
                )
            changed = copy.copy(term)
            setattr(changed, strength, value)
            setattr(self, which, changed)
        return self

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31))

    def _train(self, X: np.ndarray, y: np.ndarray, outputs: int, loss: Callable[..., Any], stratify: Any) -> None:
        """Build and train the network; sets module_ and history_."""
        seed = self._seed()
        share = finite(self.validation_fraction, f"{type(self).__name__}: validation_fraction", 0.0, 1.0)
        train, held_out, stop = (X, y), None, []
        if share:
            train, held_out = split(X, y, share, seed, stratify)
            stop = [EarlyStopping("val_loss", self.patience)]
        with rng.own_streams(seed):
            self.module_ = self._network(X.shape[1], outputs)
            penalty, optimizer = self._optimizer()
            self.history_ = fit(
                self.module_,
                tuple(train),
                loss,
                optimizer,
                penalty,
                epochs=whole(self.epochs, f"{type(self).__name__}: epochs", 1),
                batch_size=self.batch_size,
                seed=seed,
                validation_data=held_out,
                callbacks=stop,
                compile="quiet",
            )
        self._state, self._calls = optimizer.state_dict(), 0

    def _train_on(self, X: np.ndarray, y: np.ndarray, outputs: int, loss: Callable[..., Any]) -> None:
        """One epoch more on these rows: of the network there is, with the state of its optimizer, or of a new one."""
        if not hasattr(self, "module_"):
            self._start, self._calls = self._seed(), 0
            with rng.own_streams(self._start):
                self.module_ = self._network(X.shape[1], outputs)
            self._state, self.history_ = None, History()
        elif not hasattr(self, "_start"):
            self._start = self._seed()
        self._calls += 1
        seed = fit_seed(self._start, 0, self._calls)
        with rng.own_streams(seed):
            penalty, optimizer = self._optimizer()
            if self._state is not None:
                optimizer.load_state_dict(self._state)
            row = fit(
                self.module_, (X, y), loss, optimizer, penalty, epochs=1, batch_size=self.batch_size, seed=seed
            ).last
        self._state = optimizer.state_dict()
        rows = [{name: past[name] for name in row if name in past} for past in self.history_.rows]
        self.history_ = History([*rows, row | {"epoch": len(rows) + 1}], self.history_.penalties)

    def _optimizer(self) -> tuple[Any, Any]:
        """The terms of the loss, and the optimizer of module_ with those of its prox."""
        if not callable(self.optimizer):
            raise TypeError(
                f"{type(self).__name__}: optimizer is {self.optimizer!r}; need a class of optim, such as optim.Adam"
            )
        penalty, prox = (_bound(self.module_, terms) for terms in (self.penalty, self.prox))
        return penalty, self.optimizer(self.module_.parameters(), lr=self.lr, prox=prox)

    def _weights(self, sample_weight: Any, X: np.ndarray) -> np.ndarray:
        """(n,) weights of mean 1 over the rows that count, so that the scale of strengths stays."""
        if sample_weight is None:
            return np.ones(len(X), np.float32)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weights < 0).any() or not weights.any():
            raise ValueError(f"{type(self).__name__}: sample_weight must have no weight below 0, and one above")
        return (weights / weights[weights > 0].mean()).astype(np.float32)

    def _network(self, inputs: int, outputs: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        init = "he_uniform" if self.activation == "relu" else "glorot_uniform"
        for units in self._layers():
            layers.append(nn.Linear(inputs, units, activation=self.activation, init=init))
            layers += [nn.Dropout(self.dropout)] if self.dropout else []
            inputs = units
        return nn.Sequential(*layers, nn.Linear(inputs, outputs))

    def _layers(self) -> list[int]:
        """Units of the hidden layers."""
        who, hidden = f"{type(self).__name__}: hidden", self.hidden
        if hasattr(hidden, "__index__") or isinstance(hidden, (int, float, str)) or hidden is None:
            return [whole(hidden, who, 1)]
        return [whole(units, who, 1) for units in hidden]

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


def _strengths(term: Any) -> tuple[str, ...]:
    """The names of the strengths of a term; none of a mapping or of nothing."""
    names = getattr(term, "strengths", ())
    return (names,) if isinstance(names, str) else tuple(names)


def weighted_mse(output: Any, y: Any) -> Any:
    """The mean of w (output - t)² over rows; y has the columns t and w."""
    y = Tensor(y) if isinstance(y, np.ndarray) else y
    return mean(mul(square(sub(output, y[:, :1])), y[:, 1:]))


class MLPRegressor(RegressorMixin, _MLP):
    """A perceptron for numbers, by the mean squared error; it learns targets scaled to mean 0 and deviation 1.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> MLPRegressor(lr=1e-2, penalty=reg.L2(1e-4)).fit(x, np.abs(x[:, 0])).score(x, np.abs(x[:, 0])) > 0.95
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train; sample_weight gives each row its share of the mean, and rows of weight 0 are left out."""
        X, y = validate_data(self, X, y, dtype=np.float32, y_numeric=True)
        self.__dict__.pop("_scale", None)
        X, y, loss = self._rows(X, y, sample_weight)
        self.__dict__.pop("_start", None)
        self._train(X, y, 1, loss, None)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """One epoch more on these rows; the first call starts a network, and its rows set the scale of targets."""
        first = not hasattr(self, "module_")
        X, y = validate_data(self, X, y, dtype=np.float32, y_numeric=True, reset=first)
        if first:
            self.__dict__.pop("_scale", None)
        X, y, loss = self._rows(X, y, sample_weight)
        self._train_on(X, y, 1, loss)
        return self

    def _rows(self, X: np.ndarray, y: np.ndarray, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, Any]:
        """Rows that count, their targets, scaled, with weights beside them if there are any, and the loss."""
        weights = self._weights(sample_weight, X)
        there = weights > 0
        X, y, weights = X[there], y.astype(np.float64).reshape(-1, 1)[there], weights[there]
        if not hasattr(self, "_scale"):
            self._scale = Standardizer(y)
        y = self._scale(y)
        return (X, y, mse) if sample_weight is None else (X, np.column_stack([y, weights]), weighted_mse)

    def predict(self, X: Any) -> np.ndarray:
        """(n,) predictions."""
        output = self._output(X)
        return self._scale.inverse(output)[:, 0]


class MLPClassifier(LogitClassifier, _MLP):
    """A perceptron for classes, by softmax and cross-entropy.

    partial_fit raises ValueError for a class that the first call did not name.

    >>> from minigrad.data import moons
    >>> x, y = moons(200, noise=0.1)
    >>> MLPClassifier(lr=1e-2, epochs=60, prox=reg.L1(1e-4)).fit(x, y).score(x, y) > 0.95
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train; sample_weight gives each row its share of the mean, and rows of weight 0 are left out."""
        X, y = validate_data(self, X, y, dtype=np.float32)
        X, labels, targets = self._rows(X, self._encode(y), sample_weight)
        self.__dict__.pop("_start", None)
        self._train(X, targets, len(self.classes_), cross_entropy, labels)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> MLPClassifier:
        """One epoch more on these rows; the first call starts a network, and needs `classes`, all there will be."""
        first = not hasattr(self, "module_")
        X, y = validate_data(self, X, y, dtype=np.float32, reset=first)
        if first:
            self._encode(y if classes is None else classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"MLPClassifier: classes are {classes}, at the first call they were {self.classes_}")
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(
                f"MLPClassifier: y has the class {unknown.tolist()[0]!r}, which is none of {self.classes_.tolist()}; "
                "name all classes in the first call: partial_fit(X, y, classes=...)"
            )
        X, _, targets = self._rows(X, np.searchsorted(self.classes_, y).astype(np.int64), sample_weight)
        self._train_on(X, targets, len(self.classes_), cross_entropy)
        return self

    def _rows(self, X: np.ndarray, labels: np.ndarray, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows that count, their labels, and targets: the labels, or one-hot rows times the weights of the rows."""
        weights = self._weights(sample_weight, X)
        there = weights > 0
        X, labels, weights = X[there], labels[there], weights[there]
        plain = sample_weight is None
        return X, labels, labels if plain else weighted_targets(labels, weights, len(self.classes_))

    def decision_function(self, X: Any) -> np.ndarray:
        """The logits, (n, classes); for two classes their difference, (n,)."""
        logits = self._output(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits
