"""JAX as all families use it: float64 allowed, calls that return when the result is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..harness.case import Run, digest


def numpy() -> Any:
    """jax.numpy, without asynchronous dispatch: that hands a call to another thread, which costs who waits."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return jax.numpy


def run(function: Callable[..., Any], *arrays: Any) -> dict[str, Run]:
    """function compiled, on arrays that it does not change; the answer is its result."""
    import jax

    compiled = jax.jit(function)
    return {
        "": Run(lambda: jax.block_until_ready(compiled(*arrays)), lambda: digest(*jax.tree.leaves(compiled(*arrays))))
    }


def state(ws: Any) -> Any:
    """What the updates remember: m, v, and the running products of the betas."""
    import jax

    jnp = jax.numpy
    return jax.tree.map(jnp.zeros_like, ws), jax.tree.map(jnp.zeros_like, ws), jnp.float32(1), jnp.float32(1)


def adam(ws: Any, gs: Any, state: Any, lr: float) -> Any:
    """(weights, state) after a step of Adam."""
    import jax

    m, v, power1, power2 = state
    power1, power2 = power1 * 0.9, power2 * 0.999
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gs)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gs)
    step, root = lr / (1 - power1), 1 / jax.numpy.sqrt(1 - power2)
    return jax.tree.map(lambda w, m, v: w - step * m / (jax.numpy.sqrt(v) * root + 1e-8), ws, m, v), (
        m,
        v,
        power1,
        power2,
    )


def momentum(ws: Any, gs: Any, state: Any, lr: float) -> Any:
    """(weights, state) after a step with momentum 0.9."""
    import jax

    m = jax.tree.map(lambda m, g: 0.9 * m + g, state[0], gs)
    return jax.tree.map(lambda w, m: w - lr * m, ws, m), (m, *state[1:])


def sgd(ws: Any, gs: Any, state: Any, lr: float) -> Any:
    """(weights, state) after a step of gradient descent."""
    import jax

    return jax.tree.map(lambda w, g: w - lr * g, ws, gs), state


def rmsprop(ws: Any, gs: Any, state: Any, lr: float) -> Any:
    """(weights, state) after a step of RMSprop with alpha 0.99."""
    return _adaptive(ws, gs, state, lr, lambda v, g: 0.99 * v + 0.01 * g * g)


def adagrad(ws: Any, gs: Any, state: Any, lr: float) -> Any:
    """(weights, state) after a step of Adagrad."""
    return _adaptive(ws, gs, state, lr, lambda v, g: v + g * g)


def _adaptive(ws: Any, gs: Any, state: Any, lr: float, squares: Callable[..., Any]) -> Any:
    import jax

    v = jax.tree.map(squares, state[0], gs)
    return jax.tree.map(lambda w, g, v: w - lr * g / (jax.numpy.sqrt(v) + 1e-8), ws, gs, v), (v, *state[1:])
