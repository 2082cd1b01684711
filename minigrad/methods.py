"""The methods of Tensor beyond the core's list in tensor.py: one line for each, by family."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from .engine import Tensor
from .errors import GraphError
from .ops.products import addmm, bmm, dot, inner, mm, mv, outer, vdot
from .tensor import attach


def _register_hook(t: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
    """Call hook(g) with this tensor's gradient whenever a walk has it whole; what it returns takes g's place.

    Returns a function that takes the hook away again. GraphError for a tensor that does not require grad.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> remove = x.register_hook(lambda g: 10 * g)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([20., 40.])
    """
    if not t.tracked:
        raise GraphError("register_hook: this tensor does not require grad, so no gradient will come")
    if not callable(hook):
        raise TypeError(f"register_hook: got {hook!r}; need a function of the gradient")
    hooks = t.hooks = t.hooks or []
    hooks.append(hook)

    def remove() -> None:
        if hook in hooks:
            hooks.remove(hook)

    return remove


def _retain_grad(t: Tensor) -> None:
    """Keep the gradient of a tensor that an op made in `.grad`, as leaves do; added up over walks.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (3 * y).sum().backward()
    >>> y.grad
    tensor([3., 3.])
    """
    if t.op is None:
        return  # a leaf keeps it anyway
    held = weakref.ref(t)

    def keep(g: Tensor) -> None:
        y = held()
        if y is not None:
            y.grad = g.detach() if y.grad is None else y.grad + g

    _register_hook(t, keep)


METHODS: dict[str, Any] = {
    # gradients
    "register_hook": _register_hook, "retain_grad": _retain_grad,
    # products
    "mm": mm, "mv": mv, "dot": dot, "vdot": vdot, "inner": inner, "outer": outer, "bmm": bmm, "addmm": addmm,
}  # fmt: skip

attach(METHODS)
