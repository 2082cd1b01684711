"""The outputs of a model for many rows: in eval mode, without a graph, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels as K
from ..checks import whole
from ..dtypes import plain_array, tensor_dtype
from ..engine import Tensor
from ..errors import DTypeError, ShapeError
from ..lazy_rows import is_lazy, lazy
from ..recording import recording

if TYPE_CHECKING:
    from .module import Module


@contextmanager
def evaluating(model: Module, record: bool = False) -> Iterator[None]:
    """Eval mode, without recording or, if asked for, with; each module returns to its own mode afterwards."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        with recording(record):
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def dtype_of(model: Module) -> np.dtype:
    """The float dtype of a model: that of its parameters, float32 without any."""
    dtypes = {p.dtype for p in model.parameters()}
    if len(dtypes) > 1:
        raise DTypeError(f"the model mixes {' and '.join(sorted(map(str, dtypes)))}; give all its parameters one dtype")
    return dtypes.pop() if dtypes else np.dtype(np.float32)


def predict(model: Module, x: Any, batch_size: int = 256) -> Any:
    """What Module.predict returns.

    TypeError for what is no Module; errors of the model name its layer.

    >>> import minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 2))
    >>> mg.train.predict(model, np.zeros((5, 3))).shape
    (5, 2)
    """
    if not hasattr(model, "named_modules"):
        raise TypeError(f"predict: model is a {type(model).__name__}; need a minigrad.nn.Module")
    size = whole(batch_size, "predict: batch_size", 1)
    rows, dtype = rows_of(x), dtype_of(model)
    if rows.dtype.kind == "f" and (model.parameters() or isinstance(x, (list, tuple))):
        rows = rows.astype(dtype, copy=False)  # without parameters, what has a dtype keeps it
    with evaluating(model):
        output = first_taken(rows, dtype, lambda rows: outputs(model, rows, size))
        return rebuilt(output, (np.array(part.array) for part in leaves(output)))


def rows_of(x: Any) -> Any:
    """x as an array of rows of a dtype that tensors have, or as LazyRows; of a Dataset or a Loader its x."""
    if not isinstance(x, (np.ndarray, Tensor)) and hasattr(x, "x") and hasattr(x, "y"):
        x = x.x
    if isinstance(x, tuple) and len(x) == 2 and getattr(x[0], "ndim", 1) > 1:
        raise TypeError("predict: got a pair; need the rows x alone, without their targets")
    if is_lazy(x):
        return lazy(x, "predict: x", finite=False)
    try:
        array = x.array if isinstance(x, Tensor) else plain_array("predict: x", x)
    except ValueError as error:  # rows of different lengths
        raise ShapeError(f"predict: x: {error}") from None
    if array.ndim == 0:
        what = "a single number" if array.dtype.kind in "fiub" else f"a {type(x).__name__}"
        raise ShapeError(f"predict: x is {what}; need rows, an array (rows, ...)")
    return np.require(array, tensor_dtype("predict: x", array), ["C", "A"])


def first_taken(rows: Any, dtype: np.dtype, act: Callable[[Any], Any]) -> Any:
    """act(rows). Integers that the model refuses, because it begins with arithmetic, are given to it in its dtype."""
    try:
        return act(rows)
    except DTypeError as error:
        if rows.dtype.kind == "f":
            raise
        try:
            return act(rows.astype(dtype))
        except DTypeError:
            raise error from None


def outputs(
    model: Callable[[Tensor], Any],
    x: Any,
    size: int,
    requires_grad: bool = False,
    each: Callable[[slice, Any], None] | None = None,
) -> Any:
    """model(x), computed `size` rows at a time and joined; in one batch if the rows of its outputs are not those of x.

    each(rows, output) is called after every batch.
    """
    few = x[: 1 if size > 1 else 2]  # fewer than a batch has: what has as many rows here and there has the rows of x
    if len(x) > size and not by_rows(leaves(model(Tensor(few))), len(few)):
        size = len(x)
    joined: list[np.ndarray] = []
    for start in range(0, max(len(x), 1), size):
        rows = slice(start, min(start + size, len(x)))
        output = model(Tensor(x[rows], requires_grad=requires_grad))
        if start == 0 and len(x) > size and not by_rows(leaves(output), size):
            return outputs(model, x, len(x), requires_grad, each)
        if each is not None:
            each(rows, output)
        if len(x) <= size:
            return output
        parts = leaves(output)
        joined = joined or [K.empty((len(x), *part.shape[1:]), part.dtype) for part in parts]
        for part, whole_part in zip(parts, joined):
            if part.shape != whole_part[rows].shape:
                raise ShapeError(
                    f"the model returned {part.shape} for rows {start} to {rows.stop - 1} of x, after "
                    f"{whole_part.shape[1:]} for each row before"
                )
            K.copy(part.array, whole_part[rows])
    made = list(map(Tensor, joined))
    for part, tensor in zip(leaves(output), made):
        tensor.op, tensor.options = part.op, part.options  # a loss of logits asks whether a softmax made them
    return rebuilt(output, iter(made))


def by_rows(parts: list[Tensor], rows: int) -> bool:
    """Whether the first dimension of each output is that of the rows."""
    return all(part.ndim > 0 and part.shape[0] == rows for part in parts)


def leaves(output: Any) -> list[Tensor]:
    """The tensors of an output: a tensor, or a tuple, a list or a dict of outputs."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    if not isinstance(output, (tuple, list)):
        raise TypeError(f"the model returned a {type(output).__name__}; need a tensor, or a tuple, list, dict of them")
    return [leaf for part in output for leaf in leaves(part)]


def rebuilt(output: Any, parts: Iterator[Any]) -> Any:
    """The output with `parts` in place of its tensors."""
    if isinstance(output, Tensor):
        return next(parts)
    if isinstance(output, dict):
        return {name: rebuilt(part, parts) for name, part in output.items()}
    made = [rebuilt(part, parts) for part in output]
    return type(output)(*made) if hasattr(output, "_fields") else type(output)(made)
