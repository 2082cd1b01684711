"""A predictor in files: model.safetensors holds everything, model.json the same words to be read by people.

The safetensors file has the tensors of the model and, as JSON in the tensor `about`, how it was built and how files
are read. It is one file, so it is written whole or not at all, and its digest covers all of it. model.json is a copy of
the JSON: nothing is read from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import rng
from ..atomic import atomic_write
from ..data.formats.recipe import Recipe
from ..data.prepare.scaling import Standardizer
from ..errors import NonFiniteError
from ..interop import Loaded, pack_json, unpack_json
from ..interop import load as load_file
from ..interop import save as save_file
from ..linear_model import LinearModel
from ..selection.networks import NetworkModel
from .perceptron import SELECTOR, Perceptron

if TYPE_CHECKING:
    from .predictor import Predictor

FILE, READABLE = "model.safetensors", "model.json"
HOLDS = {"holds": "minigrad.tabular model"}
FORMAT = 1
KINDS = ("linear", "logistic", "poisson", "huber", "mlp")


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _whole(value: Any) -> bool:
    return type(value) is int


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _maps(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a value is names with values that fit."""
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


def _is_lambda(value: Any) -> bool:
    """Whether a value tells of λ: given, chosen by cross-validation, or tuned."""
    if not isinstance(value, dict) or not all(map(_number, (value.get("l1"), value.get("l2")))):
        return False
    if not _number(value.get("group", 0.0)):
        return False
    if value.get("how") == "given":
        return set(value) - {"group"} == {"how", "l1", "l2"}
    if value.get("how") == "tuned":
        named = _maps(_number)(value.get("strengths")) and _text(value.get("score"))
        return named and _number(value.get("mean")) and _number(value.get("start mean"))
    numbers = [value.get(name) for name in ("value", "min", "1se", "mean", "folds", "count")]
    known = value.get("how") == "cross-validation" and value.get("pick") in ("min", "1se") and _text(value.get("score"))
    return known and all(map(_number, numbers)) and (value.get("error") is None or _number(value["error"]))


# What may be said about a model, and what each of it looks like.
ABOUT: dict[str, Callable[[Any], bool]] = {
    "data": _text,
    "missing": _text,
    "rows": _maps(_whole),
    "versions": _maps(_text),
    "scores": _maps(_maps(lambda value: value is None or _number(value))),
    "lambda": _is_lambda,
    "notes": lambda value: isinstance(value, list) and all(map(_text, value)),
    "settings": lambda value: isinstance(value, dict),
    "epochs": _whole,
    "best epoch": _whole,
    "validation rows": _whole,
}


def save(model: Predictor, folder: str | os.PathLike[str], name: str = FILE) -> None:
    """What Predictor.save does; `name` is that of the safetensors file, and the JSON file has the same stem."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; need the name of a folder, which will hold {FILE}")
    folder.mkdir(parents=True, exist_ok=True)
    plain = _plain(model)
    text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    save_file(folder / name, {**_tensors(model), "about": pack_json(plain)}, metadata=HOLDS)
    with atomic_write(folder / Path(name).with_suffix(".json").name) as file:
        file.write(text.encode())


def found_in(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The parts of the model in a folder, or in a file, by name: see `load`."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"tabular.load: got a {type(path).__name__}; need the path of a folder, or of its {FILE}")
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    if not file.exists() and Path(path).is_dir():
        raise FileNotFoundError(
            f"{path}: there is no {FILE} in this folder; Predictor.save and minigrad train write it"
        )
    loaded = load_file(file)
    if "about" not in loaded:
        raise ValueError(
            f"{file}: it holds tensors, and no model of minigrad.tabular, which says how rows are read; minigrad.load "
            "gives the tensors"
        )
    try:
        return _parts(loaded)
    except (ValueError, TypeError, KeyError, NonFiniteError) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{file}: the model is damaged, or none: {reason}") from None


def _plain(model: Predictor) -> dict[str, Any]:
    """The words of a model."""
    build = None
    if model.build is not None:
        build = {name: getattr(model.build, name) for name in ("inputs", "outputs", "dropout")}
        build["hidden"] = list(model.build.hidden)
    return {
        "format": FORMAT,
        "kind": model.kind,
        "target": model.target,
        "names": model.names,
        "classes": None if model.classes is None else model.classes.tolist(),
        "network": build,
        "recipe": None if model.recipe is None else model.recipe.to_dict(),
        "about": model.about,
    }


def _tensors(model: Predictor) -> dict[str, Any]:
    """The numbers of a model."""
    found: dict[str, Any] = {"fill": model.fill, "columns.mean": model.centre, "columns.std": model.scale}
    core = model.core
    if isinstance(core, LinearModel):
        found |= {"offset": np.asarray(1.0)} if core.offset else {}
        strengths = {"l1": core.l1, "l2": core.l2, "rounds": core.rounds, "gap": core.gap}
        return {**found, "coefficients": core.coefficients, "intercept": np.asarray(core.intercept), **strengths}
    for what, scale in (("inputs", core.scale), ("targets", core.targets)):
        found |= {} if scale is None else {f"{what}.mean": scale.mean, f"{what}.std": scale.std}
    return {**found, "network": core.module}


def _parts(loaded: Loaded) -> dict[str, Any]:
    """The parts of the model in the tensors of a file. ValueError or KeyError for what is none."""
    plain = unpack_json(loaded["about"], "about")
    _check_form(plain)
    kind, names, classes = plain["kind"], plain["names"], _classes(plain["classes"])
    recipe = None if plain["recipe"] is None else Recipe.from_dict(plain["recipe"])
    if recipe is not None and (recipe.names != names or recipe.target.name != plain["target"]):
        raise ValueError("its names are not those of the recipe of its table")
    build = _build(plain["network"], len(names), classes) if kind == "mlp" else None
    return {
        **{name: plain[name] for name in ("kind", "names", "target", "about")},
        "classes": classes,
        "recipe": recipe,
        "build": build,
        "verified": loaded.verified,
        "core": _linear(loaded, len(names), classes, kind) if build is None else _network(loaded, build),
        "fill": _array(loaded, "fill", (len(names),)),
        "centre": _array(loaded, "columns.mean", (len(names),)),
        "scale": _array(loaded, "columns.std", (len(names),)),
    }


def _check_form(plain: Any) -> None:
    """Refuse words that no model has."""
    keys = ("format", "kind", "target", "names", "classes", "network", "recipe", "about")
    if not isinstance(plain, dict) or isinstance(plain.get("format"), bool) or plain.get("format") != FORMAT:
        form = plain.get("format") if isinstance(plain, dict) else plain
        raise ValueError(f"its format is {form!r:.40}; this version of minigrad reads {FORMAT}")
    if set(plain) != set(keys):
        raise ValueError(f"it has the entries {', '.join(map(str, plain))!r:.99}; need {', '.join(keys)}")
    names = plain["names"]
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in [*names, plain["target"]]):
        raise ValueError("its names or its target are no text")
    if plain["kind"] not in KINDS or not isinstance(plain["about"], dict):
        raise ValueError(f"its kind is {plain['kind']!r:.40}; need {', '.join(KINDS)}, and what is to be said about it")
    for name, value in plain["about"].items():
        if name not in ABOUT or not ABOUT[name](value):
            raise ValueError(f"what is said about it has {name!r:.40}: {value!r:.60}, which no model has")


def _classes(plain: Any) -> np.ndarray | None:
    """The classes in sorted order: words, or whole numbers."""
    if plain is None:
        return None
    kinds = {type(item) for item in plain} if isinstance(plain, list) else set()
    if kinds not in ({str}, {int}) or len(plain) < 2 or plain != sorted(set(plain)):
        raise ValueError(f"its classes are {plain!r:.60}; need different words or whole numbers, sorted, at least two")
    return np.array(plain, np.str_ if kinds == {str} else np.int64)


def _array(loaded: Loaded, name: str, shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
    """A tensor of finite real numbers of this shape."""
    array = loaded[name]
    if array.shape != shape or array.dtype.kind != "f" or (dtype is not None and array.dtype != dtype):
        raise ValueError(f"{name} is {array.dtype} {array.shape}; need real numbers {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a number that is not finite")
    return array


def _linear(loaded: Loaded, inputs: int, classes: np.ndarray | None, kind: str) -> LinearModel:
    many = () if classes is None or len(classes) == 2 else (len(classes),)
    w = _array(loaded, "coefficients", (inputs, *many), np.float64)
    intercept = _array(loaded, "intercept", many, np.float64)
    l1, l2 = (float(_array(loaded, name, (), np.float64)) for name in ("l1", "l2"))
    rounds, gap = int(loaded["rounds"]), float(loaded["gap"])
    family = {"linear": "Regression", "logistic": "Logistic", "poisson": "Poisson", "huber": "Huber"}[kind]
    at_zero = intercept if many else float(intercept)
    return LinearModel(w, at_zero, l1, l2, rounds, gap, family=family, offset="offset" in loaded)


def _build(plain: Any, inputs: int, classes: np.ndarray | None) -> Perceptron:
    """What makes the network: plain values that fit the columns and the classes."""
    if not isinstance(plain, dict) or set(plain) != {"inputs", "hidden", "outputs", "dropout"}:
        raise ValueError(f"its network is {plain!r:.60}; need inputs, hidden, outputs and dropout")
    hidden, dropout = plain["hidden"], plain["dropout"]
    whole = [plain["inputs"], plain["outputs"], *(hidden if isinstance(hidden, list) else [None])]
    if not all(type(units) is int and units > 0 for units in whole):
        raise ValueError(f"its network has {whole!r:.60} units; need whole numbers above 0")
    if type(dropout) not in (int, float) or not 0 <= dropout < 1:
        raise ValueError(f"its dropout is {dropout!r:.40}; need a number from 0 to below 1")
    if plain["inputs"] != inputs or plain["outputs"] != (1 if classes is None else len(classes)):
        raise ValueError(f"its network has {plain['inputs']} inputs and {plain['outputs']} outputs, which do not fit")
    return Perceptron(inputs, tuple(hidden), plain["outputs"], dropout)


def _network(loaded: Loaded, build: Perceptron) -> NetworkModel:
    """The network with its weights: compared with the shapes that its words say, before one is made."""
    state = loaded.part("network")
    shapes = build.shapes()
    if {name: array.shape for name, array in state.items()} != shapes:
        raise ValueError("the weights of its network are not those of the layers that it names")
    for name, shape in shapes.items():
        _array(state, name, shape, np.float32)
    with rng.own_streams(0):  # the first weights are replaced: no number of the user's streams is drawn
        module = build()
    module.load_state_dict(state)
    inputs = _scale(loaded, "inputs", (build.inputs,))
    targets = _scale(loaded, "targets", (build.outputs,))
    return NetworkModel(module, inputs, targets, SELECTOR)


def _scale(loaded: Loaded, what: str, shape: tuple[int, ...]) -> Standardizer | None:
    if f"{what}.mean" not in loaded:
        return None
    return Standardizer.of(_array(loaded, f"{what}.mean", shape), _array(loaded, f"{what}.std", shape))
