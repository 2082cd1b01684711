"""What is checked before anything is fitted: rows, targets, the score, and the classes of every fold."""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any, NamedTuple

import numpy as np

from ..data.dataset import as_rows, finite_rows, pair, take_rows
from ..errors import DTypeError, NonFiniteError, ShapeError
from ..linear_model.design import LARGEST
from ..linear_model.sparse import SparseMatrix, as_sparse, is_sparse
from .folds import Pair
from .scores import Score, as_score, check_weighted

SQUARES = 1e-150, 1e150  # numbers between them have a square
NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)


class Data(NamedTuple):
    """Rows and targets as families take them; of classes, how many there are, and their names."""

    x: np.ndarray
    y: np.ndarray
    options: dict[str, Any]
    names: np.ndarray | None
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None

    def start(self, family: Any, **options: Any) -> Any:
        """The family's solver for these rows."""
        of_rows = {"weights": self.weights, "offset": self.offset}
        given = {name: values for name, values in of_rows.items() if values is not None}
        return family.start(self.x, self.y, **given, **self.options, **options)

    def arrays(self) -> list[np.ndarray]:
        """What tells these rows from others: x, or what a sparse x consists of, y, and the weights."""
        x = self.x
        parts = [np.array(x.shape), x.first, x.row, x.x] if isinstance(x, SparseMatrix) else [x]
        return [*parts, self.y, *([] if self.weights is None else [self.weights])]

    def rows(self, index: np.ndarray) -> Data:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[index]
        offset = None if self.offset is None else self.offset[index]
        rows = self.x[index] if isinstance(self.x, SparseMatrix) else take_rows(self.x, index)
        return self._replace(x=rows, y=self.y[index], weights=weights, offset=offset)


def dense_only(x: Any, who: str) -> None:
    """TypeError for a sparse x, which not everything takes."""
    if is_sparse(x):
        raise TypeError(f"{who}: x is a sparse matrix; cross_validate and stability take it; here x.toarray()")


def prepare(family: Any, x: Any, y: Any, weights: Any = None, offset: Any = None) -> Data:
    """x and y checked; the classes of y, whatever they are called, become 0, 1, ... in sorted order.

    weights and offset are of rows, for families whose start takes them.

    Errors name what can't be: a missing entry of y, words for a family of numbers, measured numbers for one of classes,
    a constant target, inputs that are all constant, words in x, gaps in x for a family that does not take them.

    >>> from minigrad.linear_model import Logistic
    >>> data = prepare(Logistic(), [[1.0], [2.0], [3.0]], ["no", "yes", "yes"])
    >>> data.y.tolist(), data.names.tolist()
    ([0, 1, 1], ['no', 'yes'])
    """
    who = _name_of(family)
    x = _sparse(family, x) if is_sparse(x) else x
    if weights is not None:
        return prepare(family, x, y, offset=offset)._replace(weights=_row_weights(family, weights, len(x)))
    known = None if offset is None else _row_offset(family, offset, len(x))
    x, y = x if isinstance(x, SparseMatrix) else _table(x), _entries(y)
    names = None
    if family.classifies:
        names, y = _classes(y, who)
    rows, targets = _pair(x, y if family.classifies else _numbers(y, who))
    if not getattr(family, "takes_gaps", True) and not isinstance(rows, SparseMatrix):
        rows = _without_gaps(rows)
    _check_sizes(rows, targets if names is None else None, linear=hasattr(family, "fit_intercept"))
    if getattr(family, "fit_intercept", True):
        _check_varying(rows, targets if names is None else None, known)
    if names is None:
        numbers = _counts(targets, who) if getattr(family, "link", "") == "log" else targets
        return Data(rows, numbers, {}, None, offset=known)
    return Data(rows, targets.astype(np.int64), {"classes": len(names)}, names, offset=known)


def _sparse(family: Any, x: Any) -> SparseMatrix:
    """A sparse x, checked. TypeError for a family that takes none."""
    if not getattr(family, "takes_sparse", False) or getattr(family, "takes_gaps", False):
        gaps = " (a sparse matrix has no gaps)" if hasattr(family, "family") else ""
        raise TypeError(
            f"x is a sparse matrix, and {type(family).__name__} takes none{gaps}; linear_model.Regression and Logistic "
            "do; for others x.toarray()"
        )
    return as_sparse(x, "x")


def _pair(x: Any, y: Any) -> tuple[Any, np.ndarray]:
    """x and y with one target for each row."""
    if not isinstance(x, SparseMatrix):
        return pair(x, y)
    y = as_rows(y, "y")
    if len(x) != len(y):
        raise ShapeError(f"x has {len(x)} rows, y has {len(y)}; need one target per row")
    if x.size == 0:
        raise ShapeError(f"x is {x.shape}; need at least one row and one column")
    return x, y


def _check_varying(rows: Any, numbers: np.ndarray | None, offset: np.ndarray | None) -> None:
    """ValueError where all rows are the same, or all numbers less the offsets: an intercept says it all."""
    left = numbers if numbers is None or offset is None else numbers - offset.reshape(-1)
    if left is not None and left.ndim == 1 and len(left) > 1 and (left == left[0]).all():
        beside = "" if offset is None else " less its offset"
        raise ValueError(f"y{beside} is {left[0]:.6g} in all {len(left)} rows: a constant target leaves no choice")
    same = rows.is_constant() if isinstance(rows, SparseMatrix) else len(rows) > 1 and (rows == rows[0]).all()
    if same:
        raise ValueError(f"x: every column is constant in all {len(rows)} rows, so no input can tell rows apart")


def _row_weights(family: Any, weights: Any, n: int) -> np.ndarray:
    """One weight of at least 0 for each row, of a family that takes them."""
    inner = getattr(family, "family", family)  # of Imputed
    if "weights" not in inspect.signature(inner.start).parameters:
        raise ValueError(f"weights: {type(inner).__name__} takes no weights of rows; linear models do")
    found = finite_rows(as_rows(weights, "weights"), "weights", np.dtype(np.float64))
    if found.shape != (n,):
        raise ShapeError(f"weights are {found.shape}; need one for each of {n} rows")
    if (found < 0).any():
        row = int(np.flatnonzero(found < 0)[0])
        raise ValueError(f"weights: row {row} is {found[row]:g}; need at least 0")
    return found


def _row_offset(family: Any, offset: Any, n: int) -> np.ndarray:
    """One number for each row, or one for each of several logits, of a family that takes them."""
    inner = getattr(family, "family", family)  # of Imputed
    if "offset" not in inspect.signature(inner.start).parameters:
        raise ValueError(f"offset: {type(inner).__name__} takes no offset; Regression and Logistic do")
    found = finite_rows(as_rows(offset, "offset"), "offset", np.dtype(np.float64))
    if found.ndim not in (1, 2) or len(found) != n:
        raise ShapeError(f"offset is {found.shape}; need a number for each of {n} rows")
    return found


def check_weights(data: Data, folds: list[Pair], score: Score) -> None:
    """ValueError where a part of a fold has no row of a weight above 0, or the score takes no weights."""
    if data.weights is None:
        return
    check_weighted(score)
    for f, part in enumerate(folds):
        for rows, what in zip(part, ("training", "test")):
            if not data.weights[rows].any():
                raise ValueError(f"weights: every {what} row of fold {f} has weight 0")


def _name_of(family: Any) -> str:
    """The name of a family of models, also of one behind an imputer; TypeError for what is none."""
    if isinstance(family, type) or not (hasattr(family, "start") and hasattr(family, "classifies")):
        what = f"the class {family.__name__}" if isinstance(family, type) else f"{family!r:.60}"
        raise TypeError(
            f"family is {what}; need an object such as linear_model.Regression(), linear_model.Logistic(l1_ratio=0.5) "
            "or selection.Network(...)"
        )
    return type(getattr(family, "family", family)).__name__


def _check_sizes(rows: Any, numbers: np.ndarray | None, linear: bool) -> None:
    """Shapes that a family takes; inputs that can be centred; numbers to predict whose squares are numbers."""
    if rows.ndim == 1 and (linear or rows.dtype.kind == "f"):
        raise ShapeError(f"x is {rows.shape}; need rows and columns: x.reshape(-1, 1) is one column")
    if rows.dtype.kind == "f" and rows.dtype.itemsize == 8 and not isinstance(rows, SparseMatrix):
        with np.errstate(invalid="ignore"):
            over = np.argwhere(np.abs(rows) > LARGEST)
        if len(over):
            row, *column = over[0].tolist()
            raise NonFiniteError(
                f"x: row {row}, column {', '.join(map(str, column))} is {rows[tuple(over[0])]:.6g}, out of range: too "
                "large for means and squares; is it a mark for a missing value? Make it NaN, or scale the column"
            )
    if numbers is None or numbers.dtype.kind != "f":
        return
    if linear and numbers.ndim != 1:
        raise ShapeError(f"y is {numbers.shape}; need one number per row")
    spread = float(numbers.max() / 2 - numbers.min() / 2)
    if spread and not SQUARES[0] < spread < SQUARES[1]:
        raise NonFiniteError(
            f"y varies by {2 * spread:.3g}: squared errors of that size leave the range of float64; divide y by it"
        )


def _table(x: Any) -> Any:
    """x; where it holds words or None, the error names the place, or they are numbers and gaps after all."""
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise NonFiniteError("x: a masked array has gaps; pass x.filled(np.nan) to selection.Imputed(...)")
    array = np.asarray(x)
    if array.dtype.kind not in "OUST" or array.ndim != 2:
        return x
    for row, column in np.argwhere([[not (v is None or isinstance(v, NUMBERS)) for v in cells] for cells in array]):
        named = getattr(x, "columns", None)
        where = f"column {column}" if named is None else f"column {named[column]!r}"
        raise DTypeError(
            f"x: row {row}, {where} is {array[row, column]!r:.40}; need numbers: make a column of 0 and 1 of each word"
        )
    return np.array([[math.nan if v is None else float(v) for v in cells] for cells in array])


def _missing(value: Any) -> bool:
    """None, NaN, NaT, and what pandas calls NA, which can't be compared."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):
        return True


def _entries(y: Any) -> np.ndarray:
    """y as an array (n,), or (n, k), without a gap; objects that are numbers become floats."""
    if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
        _refuse_gaps(y, np.ma.getmaskarray(y).reshape(len(y), -1).any(1))
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind not in "OfMm" or array.ndim != 1:
        return array
    _refuse_gaps(y, [_missing(v) for v in array] if array.dtype.kind == "O" else array != array)
    if array.dtype.kind == "O" and all(isinstance(v, NUMBERS) for v in array):
        kinds = {isinstance(v, (bool, np.bool_)) for v in array}
        return np.array(array.tolist(), None if kinds == {True} else np.float64) if len(kinds) == 1 else array
    return array


def _refuse_gaps(y: Any, missing: Any) -> None:
    """Raise for the first row of y that is missing."""
    gaps = np.flatnonzero(missing)
    if len(gaps):
        value = np.ravel(np.asarray(y, object))[gaps[0]] if np.ndim(y) == 1 else "missing"
        raise NonFiniteError(
            f"y: row {gaps[0]} is {value}: the target is missing there, and in {len(gaps)} of {len(y)} rows in all; "
            "leave such rows out"
        )


def _numbers(y: np.ndarray, who: str) -> np.ndarray:
    """Targets that are numbers, finite."""
    if y.dtype.kind in "OUSTMm":
        raise DTypeError(
            f"y holds {'words' if y.dtype.kind in 'OUST' else 'dates'}, such as {_shown(y.flat[0])}, and {who} "
            "predicts numbers: use linear_model.Logistic for classes, or selection.Network(..., classifies=True)"
        )
    y = as_rows(y, "y")
    return finite_rows(y, "y") if y.dtype.kind == "f" else y


def _counts(y: np.ndarray, who: str) -> np.ndarray:
    """Targets of at least 0."""
    if (y < 0).any():
        row = int(np.flatnonzero(y < 0)[0])
        raise ValueError(f"y: row {row} is {y[row]:g}; {who} predicts counts, of at least 0")
    return y


def _classes(y: np.ndarray, who: str) -> tuple[np.ndarray, np.ndarray]:
    """(names of the classes in sorted order, y as their numbers 0, 1, ...)."""
    if y.ndim != 1 or not len(y):
        raise ShapeError(f"y is {y.shape}; need one class per row, of at least two")
    numbers = "pass classifies=False" if who == "Network" else "use linear_model.Regression"
    cure = (
        f"{who} predicts classes: {numbers}, or make classes of them, as y > {_shown(np.median(y))}"
        if y.dtype.kind in "fiu"
        else ""
    )
    if y.dtype.kind == "f":
        y = finite_rows(y, "y")
        broken = np.flatnonzero(y != np.floor(y))
        if broken.size:
            raise ValueError(
                f"y holds measured numbers, such as {y[broken[0]]:.6g} in row {broken[0]}, "
                f"{len(np.unique(y))} different values in {len(y)} rows, and {cure}"
            )
    try:
        names, classes, counts = np.unique(y, return_inverse=True, return_counts=True)
    except TypeError:
        kinds = sorted({type(v).__name__ for v in y})
        raise DTypeError(f"y mixes {' and '.join(kinds)}; need classes of one kind, as y.astype(str) makes") from None
    if len(names) < 2:
        raise ShapeError(f"y is {_shown(names[0])} in all {len(y)} rows; need one class per row, of at least two")
    if cure and len(names) > 10 and np.median(counts) < 2:
        raise ValueError(f"y holds {len(names)} different values in {len(y)} rows: numbers, not classes, and {cure}")
    return names, classes


def _shown(name: Any) -> str:
    """A class as its user wrote it: 'oak', not np.str_('oak')."""
    return repr(name.item() if isinstance(name, np.generic) else name)


def _without_gaps(rows: np.ndarray) -> np.ndarray:
    try:
        return finite_rows(rows, "x") if rows.dtype.kind == "f" else rows
    except NonFiniteError as error:
        cure = "; selection.Imputed(family) fills them with means of training rows" if np.isnan(rows).any() else ""
        raise NonFiniteError(f"{error}{cure}") from None


def fitting_score(score: Any, family: Any) -> Score:
    """The score, or the family's own; ValueError where one is of classes and the other of numbers."""
    _name_of(family)
    found = as_score(family.score if score is None else score)
    options = getattr(family, "score_options", {})  # of the family's own score, such as a threshold
    if found.name == family.score and options and not isinstance(score, Score):
        found = found._replace(function=functools.partial(found.function, **options))
    if found.classes is None or found.classes == bool(family.classifies):
        return _of_link(found, family)
    who = _name_of(family)
    if found.classes:
        raise ValueError(
            f"score {found.name!r} is one of classes, and {who} predicts numbers: use {family.score!r}, or a model of "
            "classes, such as linear_model.Logistic (minigrad cv: name the target in --categorical)"
        )
    raise ValueError(
        f"score {found.name!r} is one of numbers, and {who} predicts classes: use 'log_loss' or 'accuracy', or a model "
        "of numbers, such as linear_model.Regression"
    )


def _of_link(score: Score, family: Any) -> Score:
    """The score, if it takes what the family's models answer: predictions, or log rates of counts."""
    link = getattr(family, "link", "identity")
    if score.classes is not False or score.link in (None, link):
        return score
    what = {"log": "log rates of counts", "identity": "predictions"}
    raise ValueError(
        f"score {score.name!r} takes {what.get(str(score.link), score.link)}, and {_name_of(family)} answers "
        f"{what.get(link, link)}: use {family.score!r}, or a selection.Score of your own"
    )


def check_classes(data: Data, folds: list[Pair], what: str = "fold") -> None:
    """ValueError, by the class's name, where the training rows of a fold lack a class."""
    if data.names is None:
        return
    for f, (train, _) in enumerate(folds):
        counts = np.bincount(data.y[train], minlength=len(data.names))
        if counts.all():
            continue
        absent = int(np.argmin(counts))
        rows = int((data.y == absent).sum())
        raise ValueError(
            f"class {_shown(data.names[absent])} has {rows} {'row' if rows == 1 else 'rows'} in all, none of them "
            f"among the {len(train)} training rows of {what} {f} of {len(folds)}; each must train on every class: "
            + ("leave the class out, or join it with another" if rows < 3 else "mix the rows, as folds=5 does")
        )
