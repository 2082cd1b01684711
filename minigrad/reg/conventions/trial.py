"""A convention tried on the library that it speaks of: its own penalty differentiated, or its own solution looked at.

Linear models: at the library's solution, the canonical objective must be stationary: with s the slopes of the mean data
loss, s + l2 w + l1 sign(w) = 0 where w is not 0, and |s| <= l1 where it is. Keras: central differences of the
regularizer itself. Optimizers: one step with the decay beside one without, whose gradient has λ w added (coupled), or
whose result has lr λ w less (decoupled).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .grammar import Call
from .lookup import read
from .reading import Convention

ROWS, COLUMNS = 60, 5
PACKAGES = {"sklearn": "scikit-learn"}  # where a package is not called as its module
RATE = 0.125  # of the step that an optimizer takes in a trial


def check(convention: Convention, seed: int = 0) -> str:
    """Try the convention on the installed library; one line with what was compared and the largest difference.

    The trial has data of its own (60 rows, 5 columns, drawn from the seed), for which l1 and l2 are formed anew.
    ImportError with the name of the package where it is not installed; ValueError where no trial is known (glmnet is
    an R package, the leaves of trees are no weights); ArithmeticError where the library does something else than
    minigrad says of it: please report that.

    >>> check(read("keras l2(0.01)"))  # doctest: +SKIP
    'tried on keras 3.15.1: its own value differentiated, largest difference 3e-11 (allowed: 1e-06)'
    """
    if convention.call is None:
        raise TypeError("check takes what reg.conventions.read gave back")
    full = convention.call.words[0]
    library = full.partition(".")[0]
    if library not in TRIALS:
        raise ValueError(
            f"{full}: it cannot be tried from Python" if library == "glmnet" else f"{full}: no trial is known"
        )
    package = PACKAGES.get(library, library)
    if importlib.util.find_spec(library) is None:
        raise ImportError(f"{full} is tried on {package}, which is not installed: pip install {package}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library, about its own options
        what, difference, allowed = TRIALS[library](convention, full, np.random.default_rng(seed))
    said = f"{package} {importlib.metadata.version(package)}: {what}, largest difference {difference:.2g}"
    if not difference <= allowed:
        raise ArithmeticError(f"{full} does not do what is said here, tried on {said} (allowed: {allowed:.2g})")
    return f"tried on {said} (allowed: {allowed:.2g})"


def _plain(call: Call, without: tuple[str, ...] = ()) -> tuple[list[Any], dict[str, Any]]:
    """The values and named values of a call that can be handed to the library: numbers, words, True, False, None."""

    def value(each: Any) -> Any:
        return int(each) if isinstance(each, float) and each.is_integer() else each

    values = [value(each) for each in call.values if not isinstance(each, (Call, list))]
    named = {
        name.replace(".", "_"): value(each)
        for name, each in call.named.items()
        if not isinstance(each, (Call, list)) and name not in without
    }
    return values, named


def _stationary(slopes: np.ndarray, w: np.ndarray, l1: float, l2: float, scale: float) -> float:
    """How far w is from a minimum, relative to the slopes of the model without inputs."""
    pull = slopes + l2 * w
    away = np.where(w != 0, np.abs(pull + l1 * np.sign(w)), np.maximum(np.abs(pull) - l1, 0.0))
    return float(away.max() / scale)


def _squares(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    return output - y


def _log_loss(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-output)) - y


def _signs(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    return output - (2 * y - 1)


def _poisson(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    return np.exp(output) - y


def _gamma(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    return 1 - y * np.exp(-output)


def _squared_hinge(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    sign = 2 * y - 1
    return -2 * sign * np.maximum(0.0, 1 - sign * output)


# Of each class: the slope of a row's loss in its output, what kind of target it has, and options that make it converge.
LINEAR: dict[str, tuple[Callable, str, dict[str, Any]]] = {
    "Ridge": (_squares, "real", {}),
    "Lasso": (_squares, "real", {"tol": 1e-12, "max_iter": 100_000}),
    "LassoLars": (_squares, "real", {}),
    "ElasticNet": (_squares, "real", {"tol": 1e-12, "max_iter": 100_000}),
    "RidgeClassifier": (_signs, "class", {}),
    "LogisticRegression": (_log_loss, "class", {"tol": 1e-10, "max_iter": 100_000}),
    "PoissonRegressor": (_poisson, "count", {"tol": 1e-10, "max_iter": 100_000}),
    "GammaRegressor": (_gamma, "count", {"tol": 1e-10, "max_iter": 100_000}),
    "LinearSVC": (_squared_hinge, "class", {"tol": 1e-10, "max_iter": 1_000_000}),
}


def _data(kind: str, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = draw.standard_normal((ROWS, COLUMNS))
    output = x @ np.array([2.0, -1.0, 0.5, 0.0, 0.25]) + 0.5 + 0.3 * draw.standard_normal(ROWS)
    if kind == "class":
        return x, (output + draw.standard_normal(ROWS) > 0).astype(float)
    return x, output * 10 if kind == "real" else 1 + np.floor(np.exp(output / 2))


def _sklearn(convention: Convention, full: str, draw: np.random.Generator) -> tuple[str, float, float]:
    module, _, name = full.rpartition(".")
    if name in ("MLPClassifier", "MLPRegressor"):
        return _sklearn_network(convention, draw)
    if name not in LINEAR:
        raise ValueError(f"{full}: no trial is known (its solution is not exact, or its loss has corners)")
    slope, target, options = LINEAR[name]
    x, y = _data(target, draw)
    here = read(str(convention.call), rows=ROWS)
    values, named = _plain(convention.call)  # type: ignore[arg-type]
    if name == "LogisticRegression" and here.l1:
        named.setdefault("solver", "saga")
    import sklearn.linear_model
    import sklearn.svm

    kind = getattr(sklearn.svm if module.endswith("svm") else sklearn.linear_model, name)
    model = kind(*values, **{**options, **named}).fit(x, y)
    w, b = np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])
    scale = float(np.abs(x.T @ slope(y, np.zeros(ROWS)) / ROWS).max())
    difference = _stationary(x.T @ slope(y, x @ w + b) / ROWS, w, here.l1 or 0.0, here.l2 or 0.0, scale)
    return f"its solution is the minimum of the canonical objective on {ROWS} rows", difference, 1e-5


def _sklearn_network(convention: Convention, draw: np.random.Generator) -> tuple[str, float, float]:
    from sklearn.neural_network import MLPRegressor

    x, y = _data("real", draw)
    values, named = _plain(convention.call, ("solver", "hidden_layer_sizes", "batch_size", "loss"))  # type: ignore[arg-type]
    named |= {
        "solver": "sgd",
        "hidden_layer_sizes": (4,),
        "learning_rate_init": RATE,
        "momentum": 0.0,
        "random_state": 1,
    }
    here = read(f"sklearn.MLPRegressor(alpha={named.get('alpha', 1e-4)})", rows=ROWS)
    start = MLPRegressor(**{**named, "learning_rate_init": 1e-300, "alpha": 0.0}).partial_fit(x, y).coefs_
    with_it = MLPRegressor(**named).partial_fit(x, y).coefs_
    without = MLPRegressor(**{**named, "alpha": 0.0}).partial_fit(x, y).coefs_
    difference = max(
        float(np.abs((b - a) / RATE - (here.l2 or 0.0) * w).max())
        for w, a, b in zip(start, with_it, without, strict=True)
    )
    return f"one step of SGD on a batch of {ROWS} rows with it, beside one without", difference, 1e-8


def _statsmodels(convention: Convention, full: str, draw: np.random.Generator) -> tuple[str, float, float]:
    import statsmodels.api as sm

    name = full.split(".")[1]
    x, y = _data("class" if name == "Logit" else "real", draw)
    here = read(str(convention.call), rows=ROWS)
    values, named = _plain(convention.call)  # type: ignore[arg-type]
    options = {"method": "l1", "acc": 1e-12, "disp": 0} if name == "Logit" else {"cnvrg_tol": 1e-12, "maxiter": 1000}
    w = np.asarray(getattr(sm, name)(y, x).fit_regularized(*values, **{**options, **named}).params)
    slope = _log_loss if name == "Logit" else _squares
    scale = float(np.abs(x.T @ slope(y, np.zeros(ROWS)) / ROWS).max())
    difference = _stationary(x.T @ slope(y, x @ w) / ROWS, w, here.l1 or 0.0, here.l2 or 0.0, scale)
    return f"its solution is the minimum of the canonical objective on {ROWS} rows", difference, 1e-4


def _xgboost(convention: Convention, full: str, draw: np.random.Generator) -> tuple[str, float, float]:
    import xgboost

    if convention.touches.startswith("values"):
        raise ValueError(f"{full}: the penalty of trees is on the values of leaves, which are no weights")
    x, y = _data("real", draw)
    here = read(str(convention.call), rows=ROWS)
    options = {"booster": "gblinear", "updater": "coord_descent", "eta": 1.0, "lambda": here.l2, "alpha": here.l1}
    options |= {"tolerance": 0, "feature_selector": "cyclic", "nthread": 1, "base_score": 0.0}
    booster = xgboost.train(options, xgboost.DMatrix(x, y), num_boost_round=500)
    parts = booster.get_dump(dump_format="text")[0].split("\n")
    numbers = [float(part) for part in parts if part and not part.endswith(":")]
    b, w = numbers[0], np.array(numbers[1:])
    scale = float(np.abs(x.T @ y / ROWS).max())
    difference = _stationary(x.T @ (x @ w + b - y) / ROWS, w, here.l1 or 0.0, here.l2 or 0.0, scale)
    return f"its solution (float32) is the minimum of the canonical objective on {ROWS} rows", difference, 1e-4


def _weights(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Weights away from 0, and a gradient."""
    w = draw.uniform(0.5, 1.5, 6) * np.where(np.arange(6) % 2, 1.0, -1.0)
    return w, draw.standard_normal(6)


def _decayed(
    convention: Convention, step: Callable[[float, np.ndarray], np.ndarray], w: np.ndarray, g: np.ndarray
) -> float:
    """The largest difference of step(strength, gradient) from what the convention says of it."""
    if convention.coupled:
        strength = convention.l2 or 0.0
        return float(np.abs(step(strength, g) - step(0.0, g + strength * w)).max())
    strength = convention.decay or 0.0
    return float(np.abs(step(0.0, g) - step(strength, g) - RATE * strength * w).max())


def _torch(convention: Convention, full: str, draw: np.random.Generator) -> tuple[str, float, float]:
    import torch

    w, g = _weights(draw)
    _, named = _plain(convention.call, ("lr", "params", "weight_decay"))  # type: ignore[arg-type]

    def step(strength: float, gradient: np.ndarray) -> np.ndarray:
        parameter = torch.nn.Parameter(torch.tensor(w))
        parameter.grad = torch.tensor(gradient)
        kind = getattr(torch.optim, full.rpartition(".")[2])
        kind([parameter], lr=RATE, weight_decay=strength, **named).step()
        return parameter.detach().numpy().copy()

    return "a step with it, beside one without", _decayed(convention, step, w, g), 1e-12


def _optax(convention: Convention, full: str, draw: np.random.Generator) -> tuple[str, float, float]:
    import optax

    w, g = (each.astype(np.float32) for each in _weights(draw))

    def step(strength: float, gradient: np.ndarray) -> np.ndarray:
        if full.endswith("adamw"):
            transform = optax.adamw(RATE, weight_decay=strength)
        else:
            transform = optax.chain(optax.add_decayed_weights(strength), optax.sgd(RATE))
        updates, _ = transform.update(gradient.astype(np.float32), transform.init(w), w)
        return np.asarray(w + updates)

    return "a step with it, beside one without (float32)", _decayed(convention, step, w, g), 1e-5


def _keras(convention: Convention, full: str, draw: np.random.Generator) -> tuple[str, float, float]:
    found = [name for name in ("tensorflow", "torch", "jax") if importlib.util.find_spec(name)]
    if found:
        os.environ.setdefault("KERAS_BACKEND", found[0])
    import keras

    w, g = _weights(draw)
    values, named = _plain(convention.call, ("learning_rate", "weight_decay"))  # type: ignore[arg-type]
    kind, name = full.split(".")[1:]
    if kind == "layers":
        raise ValueError(f"{full}: try the regularizer that it is given, for instance keras l2(0.01)")
    if kind == "regularizers":
        regularizer = getattr(keras.regularizers, name)(*values, **named)

        def value(at: np.ndarray) -> float:
            return float(regularizer(keras.ops.convert_to_tensor(at, dtype="float64")))

        h, eye = 1e-5, np.eye(len(w))
        slopes = np.array([(value(w + h * e) - value(w - h * e)) / (2 * h) for e in eye])
        expected = (convention.l1 or 0.0) * np.sign(w) + (convention.l2 or 0.0) * w
        return "its own value differentiated", float(np.abs(slopes - expected).max()), 1e-6

    def step(strength: float, gradient: np.ndarray) -> np.ndarray:
        variable = keras.Variable(w.astype("float32"))
        optimizer = getattr(keras.optimizers, name)(learning_rate=RATE, weight_decay=strength, **named)
        optimizer.apply([keras.ops.convert_to_tensor(gradient.astype("float32"))], [variable])
        return np.array(keras.ops.convert_to_numpy(variable), np.float64)

    return "a step with it, beside one without (float32)", _decayed(convention, step, w, g), 1e-5


TRIALS: dict[str, Callable[[Convention, str, np.random.Generator], tuple[str, float, float]]] = {
    "sklearn": _sklearn,
    "statsmodels": _statsmodels,
    "xgboost": _xgboost,
    "torch": _torch,
    "optax": _optax,
    "keras": _keras,
}
