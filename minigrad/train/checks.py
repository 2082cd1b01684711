"""What fit and evaluate are given, checked before anything is trained: data, loss, and how they fit the model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .. import rng
from ..data.batches.loader import Loader
from ..data.dataset import check_weight, lazy_xy
from ..data.prepare.labels import check_labels
from ..engine import Tensor, grad
from ..errors import DTypeError, ShapeError
from ..lazy_rows import LazyRows
from ..nn.module import ERRORS, Module
from ..nn.prediction import dtype_of, evaluating, first_taken, leaves, rebuilt
from ..op import Op, op_of
from ..ops.losses.binary import sigmoid_cross_entropy
from ..ops.losses.classes import softmax_cross_entropy
from .columns import refuse_signature
from .weighing import loss_of, refuse_unweighted

ROWS = 7  # of the data that model and loss are tried on; a number that few other dimensions have


class Checked(NamedTuple):
    """Rows that model and loss take: arrays, or LazyRows, which are cast and checked as they are read.

    at_once: the loss looks at more of the model than its output, of one batch.
    """

    x: Any
    y: Any
    weight: np.ndarray | None = None
    at_once: bool = False


def check_data(model: Module, data: Any, loss: Callable, name: str = "data", real: bool = False) -> Checked:
    """The rows of data, floats in the model's dtype: finite, of a shape that model and loss take, labels in range.

    Integers and booleans in x stay so where the model takes them, unless `real` asks for floats. The first rows are
    passed through model and loss, so that what does not fit is said before anything was trained; `name` is what errors
    call the data.
    """
    check_model(model)
    x, y, weight = parts_in(data, name)
    check_loss(loss, weight is not None)
    with naming(name):
        x, y = lazy_xy(x, y, dtype_of(model), integers=not real)
        if weight is not None:
            weight, loss = check_weight(weight, len(x), dtype_of(model)), weighing_alike(loss)
    with naming(name), evaluating(model, record=True):
        before = Tensor(np.empty(0)).stamp
        output, x = tried(model, x, y)
        after = Tensor(np.empty(0)).stamp
        parts = leaves(output)
        y = with_labels(loss, output, x, y)
        first = y[:ROWS]
        refuse_no_number(first_loss(loss, output, first), first)
        graph = loss_graph(loss, output, first)
        refuse_broadcast(graph, parts, first)
        y = refuse_targets(graph, y)
        if isinstance(data, Loader) and isinstance(y, LazyRows) and y.checks:
            for _ in y.chunks():  # the Loader serves its own y, which does not know of this check
                pass
        inside = any(before < node.stamp < after and node.op is not None for node in graph)
        return Checked(x, y, weight, inside)


def weighing_alike(loss: Callable) -> Callable:
    """The loss as a function (output, y) of rows that weigh 1: how it looks at outputs and targets, as without weights.

    Weights of the first rows may be 0, and then the loss of these rows is NaN.
    """
    return lambda output, y: loss_of(loss, output, y, np.ones(len(y)))


def check_model(model: Any) -> None:
    """TypeError for what is no model."""
    if not isinstance(model, Module):
        what = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise TypeError(f"model is {what}; need a minigrad.nn.Module")


def check_loss(loss: Any, weighted: bool = False) -> None:
    """TypeError for what is no loss: a class, a word, an optimizer in its place, one without weights where some are."""
    if isinstance(loss, type):
        raise TypeError(f"loss is the class {loss.__name__}; did you mean {loss.__name__}()?")
    if not callable(loss):
        raise TypeError(f"loss is {loss!r:.80}; need a function (output, target), such as minigrad.cross_entropy")
    if weighted:
        refuse_unweighted(loss)
    refuse_signature("the loss", loss, weighted)


def parts_in(data: Any, name: str) -> tuple[Any, Any, Any]:
    """x, y and weight (None, if there is none) of what was given as data."""
    if isinstance(data, Loader):
        return data.x, data.y, data.weight
    listed = isinstance(data, (tuple, list))
    pairs = listed and all(isinstance(part, (tuple, list)) and len(part) == 2 and holds_arrays(part) for part in data)
    if not listed or len(data) not in (2, 3) or (len(data) == 3 and (pairs or all(map(np.isscalar, data)))):
        what = f"{type(data).__name__} of {len(data)}" if listed else type(data).__name__
        cure = "; of batches, join the parts: np.concatenate" if isinstance(data, Iterator) else ""
        raise TypeError(f"{name} is a {what}; need a pair (x, y), (x, y, weight) or a minigrad.data.Loader{cure}")
    if pairs:
        raise TypeError(f"{name} holds two pairs; need one, (x, y): of a split, its train or its test")
    return data[0], data[1], data[2] if len(data) == 3 else None


def holds_arrays(pair: Sequence[Any]) -> bool:
    """Whether these are two arrays, x and y of a batch or of a part, and not two rows or two labels."""
    return all(isinstance(part, (np.ndarray, Tensor)) and part.ndim > 0 for part in pair)


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the name of the data before errors about it, unless it is the only data there is."""
    try:
        yield
    except ERRORS as error:
        if name != "data" and len(error.args) == 1 and isinstance(error.args[0], str):
            error.args = (f"{name}: {error.args[0]}",)
        raise


def tried(model: Module, x: Any, y: Any) -> tuple[Any, Any]:
    """The output for the first rows, and x as the model takes it: integers, or what they are as floats."""
    taken = x

    def act(rows: Any) -> Any:
        nonlocal taken
        taken = rows
        return model(Tensor(rows[:ROWS]))

    try:
        return first_taken(x, dtype_of(model), act), taken
    except ERRORS as error:
        if len(error.args) == 1 and fits(model, y):
            error.args = (f"{error.args[0]}. The model takes y as its input: are x and y swapped?",)
        raise


def fits(model: Module, y: Any) -> bool:
    """Whether the model takes y, as floats, for its input."""
    try:
        model(Tensor(y[:1].astype(dtype_of(model))))
    except Exception:
        return False
    return True


def with_labels(loss: Callable, output: Any, x: Any, y: Any) -> Any:
    """y, its labels checked if it has some for this output. Labels that are no class pass if the loss ignores them."""
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] < 2 or y.dtype.kind != "i" or y.ndim != 1:
        return y
    classes = output.shape[1]
    outside = (y < 0) | (y >= classes)
    for label in np.unique(y[outside])[:2].tolist():
        if outside.all() or not ignores(loss, output, label, int(y[~outside][0])):
            check_labels(y, classes)
    return y


def ignores(loss: Callable, output: Tensor, label: int, known: int) -> bool:
    """Whether the output of a row with this label has no influence on the loss of it and of a row that is known."""
    rows = Tensor(np.ascontiguousarray(output.array[[0, 0]]), requires_grad=True)
    try:
        with rng.own_streams(0):
            g = grad(loss(rows, np.array([known, label])), rows).array
    except Exception:
        return False
    return bool((g[0] != 0).any() and (g[1] == 0).all())


def first_loss(loss: Callable, output: Any, y: np.ndarray) -> Any:
    """The loss of the first rows; errors about shapes and labels with what y, or the model, should be."""
    try:
        return loss(output, y)
    except (ShapeError, IndexError) as error:
        shape = output.shape if isinstance(output, Tensor) else ()
        cure = ""
        if isinstance(error, IndexError) and shape[1:] == (1,):
            cure = f": {ONE}"
        elif {len(shape), y.ndim} == {1, 2} and y.size == len(y):
            cure = f": use {FLAT[y.ndim]}"
        if len(error.args) == 1:
            error.args = (f"{error.args[0]}{cure}",)
        raise


ONE = "the model has one output; give it one for each class, or take bce_with_logits and y.reshape(-1, 1)"
FLAT = {1: "y.reshape(-1, 1)", 2: "y.reshape(-1)"}  # by the dimensions that y has
SHAPES = {1: "(n,)", 2: "(n, 1)"}


def refuse_no_number(value: Any, y: np.ndarray) -> None:
    """Errors for a loss that is not one number of the graph."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"loss returned a {type(value).__name__}; need a tensor: compute it from the output by ops of minigrad"
        )
    if value.ndim:
        many = "one number per row" if value.shape[:1] == y.shape[:1] else f"an array {value.shape}"
        raise ValueError(f"loss returns {many}; need their mean: reduction='mean'")
    if value.dtype.kind != "f":
        raise DTypeError(f"loss returns {value.dtype}; need float32 or float64")


def loss_graph(loss: Callable, output: Any, y: np.ndarray) -> list[Tensor]:
    """The tensors that the loss computed from an output that requires grad, and those of the model that it looked at.

    The output stands at the end of the walk, so that nothing of the forward pass is in the list unless the loss took
    it from somewhere else.
    """
    parts = [Tensor(part.array, requires_grad=part.dtype.kind == "f") for part in leaves(output)]
    with rng.own_streams(0):
        last = loss(rebuilt(output, iter(parts)), y)
    found: dict[int, Tensor] = {}
    waiting, oldest = [last], min(part.stamp for part in parts)
    while waiting:
        node = waiting.pop()
        if id(node) not in found:
            found[id(node)] = node
            if node.stamp > oldest and node.inputs:
                waiting += [x for x in node.inputs if isinstance(x, Tensor)]
    return list(found.values())


def refuse_broadcast(graph: list[Tensor], parts: list[Tensor], y: np.ndarray) -> None:
    """ShapeError where the loss joined (n, 1) with (n,): NumPy broadcasts them to (n, n), each row with every other."""
    n = len(y)
    others = [size for shape in [y.shape, *(part.shape for part in parts)] for size in shape[1:]]
    if n < 2 or y.ndim > 2 or parts[0].ndim not in SHAPES or n in others:
        return
    for node in graph:
        joined = {x.shape: x.tracked for x in node.inputs or () if isinstance(x, Tensor)}
        # The output is tracked and the target is not; a loss over all pairs of outputs, or of targets, means (n, n).
        if node.shape == (n, n) and joined.keys() == {(n, 1), (n,)} and joined[n, 1] != joined[n,]:
            raise ShapeError(
                f"loss: the output is {SHAPES[parts[0].ndim]}, the target is {SHAPES[y.ndim]}: together they broadcast "
                f"to (n, n), each row with every other; use {FLAT[y.ndim]}"
            )


def refuse_targets(graph: list[Tensor], y: Any) -> Any:
    """ValueError where y, given to a loss as it is, holds what that loss cannot mean: it would train on nonsense.

    Returns y; LazyRows as such whose batches are checked when they are read.
    """
    for node in graph:
        if node.op not in PROBABILITIES or not node.inputs:
            continue
        loss, low, high = PROBABILITIES[node.op]
        x, t = node.inputs[0].array, node.inputs[1]
        if node.op is op_of(softmax_cross_entropy) and x.shape[1] == 1:
            raise ValueError(f"cross_entropy: a softmax of one number is always 1: {ONE}")
        t = t.array if isinstance(t, Tensor) else np.asarray(t)
        if y.shape[1:] == x.shape[1:] and t.shape == (len(t), *y.shape[1:]) and np.array_equal(t, y[: len(t)]):
            check = functools.partial(refuse_outside, loss=loss, low=low, high=high)
            if isinstance(y, LazyRows):
                y = y.checked(check)
            else:
                check(y, range(len(y)))
    return y


def refuse_outside(y: np.ndarray, numbers: Sequence[int], loss: str, low: float, high: float) -> None:
    """ValueError for the first target outside of [low, high]; `numbers` are those of the rows in the data."""
    bad = np.argwhere((y < low) | (y > high))
    if len(bad):
        raise ValueError(
            f"y: row {numbers[bad[0][0]]} holds {y[tuple(bad[0])]}; {loss} needs targets from {low:g}"
            + (f" to {high:g}" if high < np.inf else "")
        )


# Losses of targets that are probabilities, by their ops: the name, the least and the largest target.
PROBABILITIES: dict[Op | None, tuple[str, float, float]] = {
    op_of(softmax_cross_entropy): ("cross_entropy of rows", 0.0, np.inf),
    op_of(sigmoid_cross_entropy): ("bce_with_logits", 0.0, 1.0),
}
