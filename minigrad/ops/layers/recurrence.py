"""The ops behind rnn, lstm and gru (recurrent.py): the states of a whole sequence, and their gradients.

The part of the gates that comes from the inputs is one product for all steps, z = x W_ih + b. Then there is one op for
each kind of network. It takes z (steps, rows, gates · width), the state before the first step and W_hh, and returns
every state, (steps + 1, rows, width) in the order of the steps; for an LSTM the last c follows after them. A step is
one product, h W_hh, and one kernel. The gradient op computes dz of all steps, from which the gradients of x, W_ih and
W_hh are one product each. Second derivatives are computed with the network written out in ordinary ops.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable, full, grad
from ...op import op_of
from ...recording import mode, recording
from ..elementwise.arithmetic import add, mul, sub
from ..elementwise.fused_activations import relu as relu_of
from ..elementwise.fused_activations import sigmoid, tanh
from ..elementwise.where import where
from ..linalg.matmul import matmul
from ..shape.broadcast import sum
from ..shape.join import concatenate, stack
from ..shape.slices import view
from ..shape.views import reshape

Array = np.ndarray


def order_of(steps: int, reverse: bool) -> list[tuple[int, int, int]]:
    """(step, index of the state before it, index of the state after it), in the order of computation."""
    found = [(t, t + 1, t) if reverse else (t, t, t + 1) for t in range(steps)]
    return found[::-1] if reverse else found


def ends_of(steps: int, reverse: bool) -> tuple[int, int]:
    """The indices of the first and the last state among the steps + 1 states."""
    return (steps, 0) if reverse else (0, steps)


def _states_before(y: Tensor, steps: int, reverse: bool) -> Tensor:
    """The states before all steps, as (steps rows, width)."""
    part, width = slice(1, steps + 1) if reverse else slice(0, steps), y.array.shape[-1]
    if not mode.recording:  # `view` would copy, because y could be written while the view is still in use
        return Tensor(y.array[part].reshape(-1, width))
    return reshape(view(y, index=(part,)), shape=(-1, width))


def _in_rows(z: Tensor) -> Tensor:
    return reshape(z, shape=(-1, z.array.shape[-1]))


# --- what the rules of one sequence share ----------------------------------------------------------------------------


class Slopes:
    """The gradient g of all states, and the gradients that one op computes from it, one after the other in an array."""

    def __init__(self, op: Callable[..., Tensor], g: Tensor, y: Tensor) -> None:
        self.op, self.g, self.y = op, g, y
        self.packed: Tensor | None = None

    def part(self, i: int, like: tuple[Tensor, ...]) -> Tensor:
        """Gradient i of an array that holds gradients one after the other, in the shapes of `like`."""
        if self.packed is None:
            y: Any = self.y
            self.packed = self.op(self.g, *y.inputs, saved=(y.array, *y.saved), **y.options)
        start = int(np.sum([t.array.size for t in like[:i]], dtype=np.int64))
        cut = view(self.packed, index=(slice(start, start + like[i].array.size),))
        return reshape(cut, shape=like[i].array.shape)


def _cuts(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Views of flat with these shapes, one after the other."""
    found, start = [], 0
    for shape in shapes:
        size = int(np.prod(shape, dtype=np.int64))
        found.append(flat[start : start + size].reshape(shape))
        start += size
    return found


class Again:
    """The second derivatives: the gradients of a gradient op, whose result is s, for the gradient a of s.

    The network is computed again by ordinary ops (`written_out`), and differentiated twice.
    """

    def __init__(self, written_out: Callable[..., Tensor], count: int, a: Tensor, s: Any) -> None:
        """s holds the gradients of the first `count` arguments of the network; for a GRU, also that of p as second."""
        keep, options = mode.recording, {name: value for name, value in s.options.items() if name != "saved"}
        with recording(True):
            # New tensors, so that grad below stops at them and does not go on into the graphs of s.inputs.
            own: list[Any] = [None if t is None else _anew(t) for t in s.inputs]
            g, *rest = own
            sources = list(rest[:count])
            if written_out is _gru_written_out:
                options["more"] = full(rest[0], 0.0)  # added to p: its gradient is that of p
                options["more"].requires_grad = True
                sources.insert(1, options["more"])
            made = grad(written_out(*rest, **options), sources, g, create_graph=True, allow_unused=True)
            total: Tensor | None = None
            start = 0
            for t, d in zip(sources, made):
                part = reshape(view(a, index=(slice(start, start + t.array.size),)), shape=t.array.shape)
                start += t.array.size
                if d is not None and d.tracked:
                    share = sum(mul(part, d))
                    total = share if total is None else add(total, share)
        known = [t for t in own if t is not None]
        if total is None:
            found = iter([None] * len(known))
        else:
            found = iter(grad(total, known, create_graph=keep, allow_unused=True))
        self.found: list[Any] = [None if t is None else _or_zero(next(found), t) for t in own]


def _anew(t: Tensor) -> Tensor:
    return reshape(t, shape=t.array.shape) if t.tracked else Tensor(t.array, requires_grad=True)


def _or_zero(g: Tensor | None, like: Tensor) -> Tensor:
    return full(like, 0.0) if g is None else g


def _given_rules(names: str) -> dict[str, Any]:
    """The rules of a gradient op: argument i gets entry i of Again.found."""
    return {name: functools.partial(_entry, i) for i, name in enumerate(names.split())}


def _entry(i: int, again: Again, *_: Any, **options: Any) -> Tensor:
    return again.found[i]


def _written(step: Callable, z: Tensor, state: tuple[Tensor, ...], lengths: Any, reverse: bool) -> Tensor:
    """All states h, then the rest of the last state (c of an LSTM), by a `step` made of ordinary ops."""
    steps = z.array.shape[0]
    first, _ = ends_of(steps, reverse)
    states: dict[int, Tensor] = {first: state[0]}
    for t, _, after in order_of(steps, reverse):
        new = step(view(z, index=(t,)), *state)
        if lengths is not None:
            active = Tensor((t < lengths)[:, None])
            new = tuple(where(active, a, b) for a, b in zip(new, state))
        state = new
        states[after] = state[0]
    return stack([states[i] for i in range(steps + 1)] + list(state[1:]))


def _gate(p: Tensor, k: int, width: int) -> Tensor:
    return view(p, index=(slice(None), slice(k * width, (k + 1) * width)))


def _sequence(z: Array, h: Array, w: Array, more: int = 1) -> tuple[Array, Array, Array, Array]:
    """(an empty y, z and w contiguous, memory for the product of one step)."""
    steps, rows, _ = z.shape
    y = K.empty((steps + more, rows, h.shape[1]), z.dtype)
    return y, K.contiguous(z), K.contiguous(w), K.empty((rows, w.shape[1]), z.dtype)


# --- a plain network -------------------------------------------------------------------------------------------------


@differentiable(
    shared=lambda g, y: Slopes(rnn_slopes, g, y),
    z=lambda s, y, z, h, w, **o: s.part(0, (z, h)),
    h=lambda s, y, z, h, w, **o: s.part(1, (z, h)),
    w=lambda s, y, z, h, w, **o: matmul(
        _states_before(y, len(z.array), o["reverse"]), _in_rows(s.part(0, (z, h))), ta=True
    ),
)
def rnn_states(z, h, w, *, lengths=None, reverse=False, relu=False):
    """y (steps + 1, rows, width): h, then h' = f(z[t] + h w) for each step; f is tanh or relu."""
    steps = len(z)
    y, z, w, p = _sequence(z, h, w)
    K.copy(h, y[ends_of(steps, reverse)[0]])
    for t, before, after in order_of(steps, reverse):
        K.matmul(y[before], w, p)
        K.rnn_gate(z[t], p, y[before], y[after], lengths=lengths, step=t, relu=relu)
    return y, ()


def _rnn_written_out(z, h, w, *, lengths, reverse, relu):
    f = relu_of if relu else tanh
    return _written(lambda zt, h: (f(add(zt, matmul(h, w))),), z, (h,), lengths, reverse)


@differentiable(shared=lambda a, s: Again(_rnn_written_out, 2, a, s), **_given_rules("g z h w"))
def rnn_slopes(g, z, h, w, *, lengths, reverse, relu, saved=None):
    """The gradients of z and h, one after the other, for the gradient g of all states."""
    options = {"lengths": lengths, "reverse": reverse, "relu": relu}
    y = op_of(rnn_states).forward(z, h, w, **options)[0] if saved is None else saved[0]
    g, steps = K.contiguous(g), len(z)
    out = K.empty((z.size + h.size,), z.dtype)
    dz, dh = _cuts(out, [z.shape, h.shape])
    first, _ = ends_of(steps, reverse)
    turned = K.contiguous(w.T)
    K.copy(0.0, dh)
    for t, _, after in reversed(order_of(steps, reverse)):
        K.rnn_gate_grad(g[after], dh, y[after], dz[t], lengths=lengths, step=t, relu=relu)
        K.matmul(dz[t], turned, dh, accumulate=True)
    K.add(dh, g[first], dh)
    return out


# --- LSTM ------------------------------------------------------------------------------------------------------------


@differentiable(
    shared=lambda g, y: Slopes(lstm_slopes, g, y),
    z=lambda s, y, z, h, c, w, **o: s.part(0, (z, h, c)),
    h=lambda s, y, z, h, c, w, **o: s.part(1, (z, h, c)),
    c=lambda s, y, z, h, c, w, **o: s.part(2, (z, h, c)),
    w=lambda s, y, z, h, c, w, **o: matmul(
        _states_before(y, len(z.array), o["reverse"]), _in_rows(s.part(0, (z, h, c))), ta=True
    ),
)
def lstm_states(z, h, c, w, *, lengths=None, reverse=False):
    """y (steps + 2, rows, width): h before the first step and after each, then c after the last.

    i, f, g, o = σ, σ, tanh, σ of z[t] + h w;  c' = f c + i g;  h' = o tanh(c').
    """
    steps, (rows, width) = len(z), h.shape
    y, z, w, p = _sequence(z, h, w, 2)
    gates, cs = K.empty((steps, rows, 4 * width), z.dtype), K.empty((steps + 1, rows, width), z.dtype)
    squashed = K.empty((steps, rows, width), z.dtype)
    first, last = ends_of(steps, reverse)
    K.copy(h, y[first])
    K.copy(c, cs[first])
    for t, before, after in order_of(steps, reverse):
        h = y[before]
        K.matmul(h, w, p)
        K.lstm_gates(z[t], p, h, cs[before], gates[t], cs[after], squashed[t], y[after], lengths=lengths, step=t)
    K.copy(cs[last], y[steps + 1])
    return y, (gates, cs, squashed)


def _lstm_written_out(z, h, c, w, *, lengths, reverse):
    width = h.array.shape[1]

    def step(zt, h, c):
        p = add(zt, matmul(h, w))
        i, f, g, o = (_gate(p, k, width) for k in range(4))
        c = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)))
        return mul(sigmoid(o), tanh(c)), c

    return _written(step, z, (h, c), lengths, reverse)


@differentiable(shared=lambda a, s: Again(_lstm_written_out, 3, a, s), **_given_rules("g z h c w"))
def lstm_slopes(g, z, h, c, w, *, lengths, reverse, saved=None):
    """The gradients of z, h and c, one after the other, for the gradient g of all states and of the last c."""
    if saved is None:
        y, saved = op_of(lstm_states).forward(z, h, c, w, lengths=lengths, reverse=reverse)
        saved = (y, *saved)
    _, gates, cs, squashed = saved
    g, steps = K.contiguous(g), len(z)
    out = K.empty((z.size + h.size + c.size,), z.dtype)
    dz, dh, dc = _cuts(out, [z.shape, h.shape, c.shape])
    first, _ = ends_of(steps, reverse)
    turned = K.contiguous(w.T)
    K.copy(0.0, dh)
    K.copy(g[steps + 1], dc)
    for t, before, after in reversed(order_of(steps, reverse)):
        K.lstm_gates_grad(g[after], dh, dc, gates[t], cs[before], squashed[t], dz[t], lengths=lengths, step=t)
        K.matmul(dz[t], turned, dh, accumulate=True)
    K.add(dh, g[first], dh)
    return out


# --- GRU -------------------------------------------------------------------------------------------------------------


@differentiable(
    shared=lambda g, y: Slopes(gru_slopes, g, y),
    z=lambda s, y, z, h, w, b, **o: s.part(0, (z, z, h)),
    h=lambda s, y, z, h, w, b, **o: s.part(2, (z, z, h)),
    w=lambda s, y, z, h, w, b, **o: matmul(
        _states_before(y, len(z.array), o["reverse"]), _in_rows(s.part(1, (z, z, h))), ta=True
    ),
    b=lambda s, y, z, h, w, b, **o: sum(_in_rows(s.part(1, (z, z, h))), dim=0),
)
def gru_states(z, h, w, b=None, *, lengths=None, reverse=False):
    """y (steps + 1, rows, width): h, then for each step with p = h w + b:

    r, u = σ of z[t] + p;  n = tanh(z[t] + r p);  h' = n + u (h - n).
    """
    steps, (rows, width) = len(z), h.shape
    y, z, w, p = _sequence(z, h, w)
    gates = K.empty((steps, rows, 4 * width), z.dtype)
    bias = None if b is None else K.contiguous(b)
    K.copy(h, y[ends_of(steps, reverse)[0]])
    for t, before, after in order_of(steps, reverse):
        h = y[before]
        K.matmul(h, w, p, bias=bias)
        K.gru_gates(z[t], p, h, gates[t], y[after], lengths=lengths, step=t)
    return y, (gates,)


def _gru_written_out(z, h, w, b, *, lengths, reverse, more):
    width, z = h.array.shape[1], concatenate(z, more, dim=2)

    def step(zt, h):
        zt, q = (view(zt, index=(slice(None), slice(k * 3 * width, (k + 1) * 3 * width))) for k in range(2))
        p = add(matmul(h, w) if b is None else add(matmul(h, w), b), q)
        r, u = (sigmoid(add(_gate(zt, k, width), _gate(p, k, width))) for k in range(2))
        n = tanh(add(_gate(zt, 2, width), mul(r, _gate(p, 2, width))))
        return (add(n, mul(u, sub(h, n))),)

    return _written(step, z, (h,), lengths, reverse)


@differentiable(shared=lambda a, s: Again(_gru_written_out, 2, a, s), **_given_rules("g z h w b"))
def gru_slopes(g, z, h, w, b=None, *, lengths, reverse, saved=None):
    """The gradients of z, of the products p of all steps, and of h, one after the other, for g of all states."""
    if saved is None:
        y, saved = op_of(gru_states).forward(z, h, w, b, lengths=lengths, reverse=reverse)
        saved = (y, *saved)
    y, gates = saved
    g, steps = K.contiguous(g), len(z)
    out = K.empty((2 * z.size + h.size,), z.dtype)
    dz, dp, dh = _cuts(out, [z.shape, z.shape, h.shape])
    first, _ = ends_of(steps, reverse)
    turned = K.contiguous(w.T)
    K.copy(0.0, dh)
    for t, before, after in reversed(order_of(steps, reverse)):
        K.gru_gates_grad(g[after], dh, gates[t], y[before], dz[t], dp[t], lengths=lengths, step=t)
        K.matmul(dp[t], turned, dh, accumulate=True)
    K.add(dh, g[first], dh)
    return out


# --- steps after the end of a row ------------------------------------------------------------------------------------


@differentiable(x=lambda g, y, x, *, lengths: keep_steps(g, lengths=lengths))
def keep_steps(x, *, lengths):
    """y = x (steps, rows, width) where step < lengths[row], else 0."""
    y = K.empty_like(x)
    K.keep_steps(K.contiguous(x), lengths, y)
    return y
