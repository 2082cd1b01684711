"""The steps on JAX: one compiled step per call, and the whole loop compiled, where Python is out of the way."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ..harness.case import Run
from ..peers import jax_tools
from . import STEPS_A_CALL, Step


def last_state(x: Any, w: Any, u: Any, b: Any) -> Any:
    """h of an LSTM after the last step, gates i f g o."""
    jnp = jax.numpy
    zeros = jnp.zeros((x.shape[1], u.shape[0]), x.dtype)

    def step(carry: Any, z: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(z + h @ u, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    return jax.lax.scan(step, (zeros, zeros), x @ w + b)[0][0]


def before(step: Step) -> int:
    """How many arrays of weights stand before those of the dense layers."""
    return 2 if step.sequence else len(step.filters)


def loss_of(step: Step, params: Any, x: Any, target: Any, key: Any) -> Any:
    jnp = jax.numpy
    ws, bs = params
    y = x
    for w, b in zip(ws[: len(step.filters)], bs, strict=False):
        y = jax.lax.conv_general_dilated(y, w, (1, 1), "SAME") + b[:, None, None]
        y = jax.lax.reduce_window(jnp.maximum(y, 0), -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    y = y.reshape(len(y), -1) if step.filters else y
    if step.sequence:
        y = last_state(x, *ws[:2], bs[0])
    ws, bs = ws[before(step) :], bs[1 if step.sequence else before(step) :]
    for i, (w, b) in enumerate(zip(ws, bs, strict=True)):
        y = y @ w + b
        if i < len(ws) - 1:
            y = jnp.maximum(y, 0)
            if step.dropout:
                key, now = jax.random.split(key)
                keep = jax.random.bernoulli(now, 1 - step.dropout, y.shape)
                y = jnp.where(keep, y / (1 - step.dropout), 0)
    if step.loss == "cross_entropy":
        return -jnp.take_along_axis(jax.nn.log_softmax(y), target[:, None], 1).mean()
    if step.loss == "bce":
        return (jnp.maximum(y, 0) - y * target + jnp.log1p(jnp.exp(-jnp.abs(y)))).mean()
    if not step.norms:
        return ((y - target) ** 2).mean()
    p = jax.nn.softmax(y)
    return ((p - target) ** 2).mean() + step.norms * (jnp.abs(p).sum(1) + jnp.sqrt((p * p).sum(1))).mean()


def one_step(step: Step, x: Any, target: Any) -> Any:
    """The function from (params, optimizer's state, key) to the same after a step."""
    update = jax_tools.adam if step.optimizer == "adam" else jax_tools.sgd

    def run(carry: Any) -> Any:
        params, state, key = carry
        key, now = jax.random.split(key) if step.dropout else (key, key)
        gw, gb = jax.grad(lambda params: loss_of(step, params, x, target, now))(params)
        ws, bs = params
        penalized = len(ws) if not step.first_only else 1
        gw = [g + step.l2 * w if i < penalized else g for i, (g, w) in enumerate(zip(gw, ws, strict=True))]
        if step.decay:
            ws = [w * (1 - step.lr * step.decay) for w in ws]
        params, state = update((ws, bs), (gw, gb), state, step.lr)
        return params, state, key

    return run


def runs(step: Step) -> dict[str, Run]:
    jnp = jax_tools.numpy()
    x, target = (jnp.asarray(a) for a in step.data())
    run = one_step(step, x, target)

    def start() -> Any:
        filters = [np.random.default_rng(2).uniform(-0.2, 0.2, s).astype("f") for s in step.filter_shapes]
        first = filters, [np.zeros(len(w), "f") for w in filters]
        if step.sequence:
            first = list(step.lstm_weights()), [np.zeros(4 * step.layers[0], "f")]
        params = tuple(
            [jnp.array(np.copy(a)) for a in (*convolved, *arrays)]
            for convolved, arrays in zip(first, step.weights(), strict=True)
        )
        return params, jax_tools.state(params), jax.random.key(0)

    compiled = jax.jit(run, donate_argnums=0)
    looped = jax.jit(lambda n, carry: jax.lax.fori_loop(0, n, lambda i, carry: run(carry), carry), donate_argnums=1)
    now = [start()]

    def call() -> None:
        now[0] = jax.block_until_ready(compiled(now[0]))

    def loop(most: int) -> Run:
        again = [start()]

        def many(n: int) -> None:
            while n > 0:
                again[0] = jax.block_until_ready(looped(min(n, most), again[0]))
                n -= most

        return Run(lambda: many(1), lambda: step.answer(again[0][0][0][before(step) :]), many)

    return {
        "jit": Run(call, lambda: step.answer(now[0][0][0][before(step) :])),
        **{f"loop inside XLA, {most:,} steps a call": loop(most) for most in STEPS_A_CALL},
    }
