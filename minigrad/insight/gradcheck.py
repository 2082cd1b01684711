"""Checks of gradients, for tests and for whoever writes an op."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Tensor, grad
from ..ops.elementwise.arithmetic import mul
from ..ops.shape.broadcast import sum
from ..tensor import tensor


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Any],
    *,
    order: int = 2,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-5,
    seed: int = 0,
) -> bool:
    """True if the gradients of `function` at `inputs` match central differences; AssertionError names what does not.

    `inputs` are arrays or tensors; the float64 ones are checked. The output is projected on random directions u, so
    that one walk checks all of it: ∂⟨u, f(x)⟩/∂x against (⟨u, f(x + eps)⟩ - ⟨u, f(x - eps)⟩) / (2 eps), element by
    element. `order=2` (the default) checks the gradient of the gradient in the same way.

    >>> import numpy as np, minigrad as mg
    >>> mg.testing.gradcheck(lambda x: x * mg.exp(x), [np.array([0.5, -1.0])])
    True
    """
    rng = np.random.default_rng(seed)
    arrays = [x.data if isinstance(x, Tensor) else np.asarray(x) for x in inputs]
    checked = [i for i, a in enumerate(arrays) if a.dtype == np.float64]
    if not checked:
        raise ValueError("gradcheck: no input is float64; differences of float32 numbers check nothing")

    def tensors(values: Sequence[np.ndarray]) -> list[Tensor]:
        return [tensor(a, requires_grad=i in checked) for i, a in enumerate(values)]

    def projected(values: Sequence[np.ndarray]) -> float:
        return float((function(*tensors(values)).data * u).sum())

    u = np.asarray(rng.standard_normal(function(*tensors(arrays)).shape))
    xs = tensors(arrays)
    gradients = grad(sum(mul(function(*xs), u)), [xs[i] for i in checked], create_graph=order > 1, allow_unused=True)
    for i, g in zip(checked, gradients):
        got = np.zeros(arrays[i].shape) if g is None else g.data
        _compare(f"gradient of input {i}", got, _differences(projected, arrays, i, eps), atol, rtol)
    if order > 1:
        live = [k for k, g in enumerate(gradients) if g is not None and g.requires_grad]
        for k in live:
            _second_order(function, arrays, checked, k, u, rng, eps, atol, rtol, seed)
    return True


def _second_order(function, arrays, checked, k, u, rng, eps, atol, rtol, seed) -> None:
    """Check the gradient of ⟨v, gradient k⟩ against differences of the first-order gradients."""
    v = np.asarray(rng.standard_normal(arrays[checked[k]].shape))

    def first(values: Sequence[np.ndarray], create_graph: bool) -> tuple[Tensor, list[Tensor]]:
        xs = [tensor(a, requires_grad=i in checked) for i, a in enumerate(values)]
        g = grad(sum(mul(function(*xs), u)), xs[checked[k]], create_graph=create_graph)
        return sum(mul(g, v)), xs

    projected, xs = first(arrays, True)
    gradients = grad(projected, [xs[i] for i in checked], allow_unused=True)
    for i, g in zip(checked, gradients):
        got = np.zeros(arrays[i].shape) if g is None else g.data
        expected = _differences(lambda values: float(first(values, False)[0].data), arrays, i, eps)
        _compare(f"second derivative, inputs {checked[k]} and {i}", got, expected, atol, rtol)


def _differences(f: Callable, arrays: Sequence[np.ndarray], i: int, eps: float) -> np.ndarray:
    """Central differences of the number f(arrays) in each element of arrays[i]."""
    result = np.zeros(arrays[i].shape)
    for place in np.ndindex(arrays[i].shape):
        sides = []
        for step in (eps, -eps):
            moved = [np.array(a) for a in arrays]
            moved[i][place] += step
            sides.append(f(moved))
        result[place] = (sides[0] - sides[1]) / (2 * eps)
    return result


def _compare(what: str, got: np.ndarray, expected: np.ndarray, atol: float, rtol: float) -> None:
    if not np.allclose(got, expected, atol=atol, rtol=rtol):
        worst = np.unravel_index(np.argmax(np.abs(got - expected)), got.shape)
        raise AssertionError(
            f"gradcheck: {what} at {tuple(map(int, worst))}: the rules give {got[worst]:.9g}, "
            f"differences {expected[worst]:.9g}"
        )
