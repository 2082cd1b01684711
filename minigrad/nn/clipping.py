"""Gradients clipped, by value and by their total norm, between backward and the optimizer's step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..engine import Tensor, touch
from ..errors import NonFiniteError
from ..recording import mode


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Bring every element of the gradients into [-clip_value, clip_value], in place; NaN stays.

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0, 2.0])
    >>> (w * w * w).sum().backward()
    >>> clip_grad_value_([w], 5.0)
    >>> w.grad
    tensor([3., 5.])
    """
    bound = finite(clip_value, "clip_grad_value_: clip_value", at_least=0.0)
    for p, g in _gradients("clip_grad_value_", parameters):
        K.maximum(g, -bound, g)
        K.minimum(g, bound, g)
        _written(p, g)


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale all gradients, in place, so that their norm as one vector is at most max_norm; returns what it was.

    The factor is min(1, max_norm / (norm + 1e-6)). norm_type is 2, 1 or inf. A norm that is NaN or infinite makes the
    gradients NaN, or raises NonFiniteError before anything changes (Pascanu, Mikolov, Bengio 2013). In a step that
    mg.compile records the norm is a tensor, which the step may return.

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([3.0, 4.0])
    >>> mg.square(w).sum().backward()
    >>> clip_grad_norm_([w], 1.0), w.grad.data.round(4).tolist()
    (10.0, [0.6000000238418579, 0.800000011920929])
    """
    max_norm = finite(max_norm, "clip_grad_norm_: max_norm", at_least=0.0)
    found = _gradients("clip_grad_norm_", parameters)
    total = norm_of([g for _, g in found], norm_type)
    if mode.step is not None:
        if error_if_nonfinite:
            K.check_finite(total)
        scale_to_norm(found, total, max_norm)
        return Tensor(total)  # type: ignore[return-value]
    if error_if_nonfinite and not math.isfinite(total):
        raise NonFiniteError(f"clip_grad_norm_: the norm of the gradients is {total}; the gradients are unchanged")
    scale_to_norm(found, total, max_norm)
    return float(total)


def scale_to_norm(found: list[tuple[Tensor, np.ndarray]], total: np.ndarray, max_norm: float) -> None:
    """Multiply all gradients by min(1, max_norm / (total + 1e-6)), which is 1, and changes no bit, below max_norm.

    >>> import minigrad as mg
    >>> p = mg.nn.Parameter([3.0, 4.0], "float64")
    >>> (p * p).sum().backward()
    >>> scale_to_norm([(p, p.grad.array)], norm_of([p.grad.array]), 1.0)
    >>> p.grad.numpy().round(3).tolist()
    [0.6, 0.8]
    """
    factor = K.empty((), np.float64)
    K.add(total, 1e-6, factor)
    K.div(max_norm, factor, factor)
    K.minimum(factor, 1.0, factor)
    rounded: dict[np.dtype, np.ndarray] = {}
    for p, g in found:
        if g.dtype not in rounded:
            rounded[g.dtype] = K.empty((), g.dtype)
            K.copy(factor, rounded[g.dtype])
        K.mul(g, rounded[g.dtype], g)
        _written(p, g)


def total_norm(arrays: Iterable[np.ndarray], norm_type: float = 2.0) -> float:
    """The norm of several arrays as one vector: √Σx², Σ|x| or max |x|, from float64 sums in the order given.

    >>> total_norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    return float(norm_of(arrays, norm_type))


def norm_of(arrays: Iterable[np.ndarray], norm_type: float = 2.0) -> np.ndarray:
    """total_norm as an array () of float64. Kernels alone compute it, so that a recorded step can clip by it.

    ValueError for a norm_type other than 2, 1 or math.inf.

    >>> float(norm_of([np.array([3.0]), np.array([[4.0]])], 1))
    7.0
    """
    if norm_type not in (1, 2, math.inf):
        raise ValueError(f"clip_grad_norm_: norm_type is {norm_type!r}; need 2, 1 or math.inf")
    value, total = K.empty((), np.float64), K.empty((), np.float64)
    K.copy(0.0, total)
    for x in arrays:
        if norm_type != math.inf:
            K.elastic_net(x, value, **({"l1": 0.0, "l2": 2.0} if norm_type == 2 else {"l1": 1.0, "l2": 0.0}))
            K.add(total, value, total)
        elif x.size:
            K.copy(_largest(x), value)
            K.maximum(total, value, total)
    if norm_type == 2:
        K.sqrt(total, total)
    return total


def _largest(x: np.ndarray) -> np.ndarray:
    sizes, top = K.empty((x.size,), x.dtype), K.empty((), x.dtype)
    K.abs(x.reshape(-1), sizes)
    K.max(sizes, top, np.empty((), np.int64), 0, 1)
    return top


def _gradients(who: str, parameters: Any) -> list[tuple[Tensor, np.ndarray]]:
    """The parameters that have a gradient, with its array, which can be written."""
    held = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for p in held:
        if not isinstance(p, Tensor):
            raise TypeError(f"{who}: a parameter is a {type(p).__name__}; need tensors, as of model.parameters()")
    return [(p, K.contiguous(p.grad.array)) for p in held if p.grad is not None]


def _written(p: Tensor, g: np.ndarray) -> None:
    """Note that the gradient was written; one that was a strided view becomes an array of its own."""
    assert p.grad is not None
    if p.grad.array.flags.c_contiguous:
        touch([p.grad])
    else:
        p.grad = Tensor(g)
