"""One step of recurrent networks after its matrix products, in NumPy.

z and p, (rows, gates · width) each, are the products of the inputs and of the previous state with their weights. They
hold gate after gate: i f g o of an LSTM, r u n of a GRU (u is PyTorch's z). A row is active if step < lengths[row], or
if there are no lengths; else it keeps its state, and its gates are 0. On entry dh and dc hold the gradients that later
steps gave to the new state.
"""

import numpy as np

from .elementwise import relu_grad, sigmoid, tanh_grad


def _gates(x, count):
    """x (rows, count width) gate by gate."""
    return [x[:, k * (x.shape[1] // count) : (k + 1) * (x.shape[1] // count)] for k in range(count)]


def _squashed(x):
    y = np.empty_like(x)
    sigmoid(x, y)
    return y


def _active(lengths, step):
    """Whether each row is active, (rows, 1), or True if all are."""
    return True if lengths is None else (step < lengths).reshape(-1, 1)


def rnn_gate(z, p, h, out, *, lengths=None, step=0, relu=False):
    """out = f(z + p), f tanh or relu; rows that are not active keep h."""
    a = z + p
    out[...] = np.where(_active(lengths, step), np.where(a <= 0, a.dtype.type(0), a) if relu else np.tanh(a), h)


def lstm_gates(z, p, h, c, gates, new_c, tanh_c, out, *, lengths=None, step=0):
    """gates = σ, σ, tanh, σ of z + p; new_c = f c + i g; tanh_c = tanh(new_c); out = o tanh_c."""
    active, a = _active(lengths, step), _gates(z + p, 4)
    i, f, g, o = _squashed(a[0]), _squashed(a[1]), np.tanh(a[2]), _squashed(a[3])
    made = f * c + i * g
    out[...] = np.where(active, o * np.tanh(made), h)
    tanh_c[...] = np.where(active, np.tanh(made), 0)
    new_c[...] = np.where(active, made, c)
    gates[...] = np.where(active, np.concatenate([i, f, g, o], 1), 0)


def gru_gates(z, p, h, gates, out, *, lengths=None, step=0):
    """r, u = σ(z + p); n = tanh(z + r p); out = n + u (h - n). gates = r, u, n, and the part of p that belongs to n."""
    active, a, b = _active(lengths, step), _gates(z, 3), _gates(p, 3)
    r, u = _squashed(a[0] + b[0]), _squashed(a[1] + b[1])
    n = np.tanh(a[2] + r * b[2])
    out[...] = np.where(active, n + u * (h - n), h)
    gates[...] = np.where(active, np.concatenate([r, u, n, b[2]], 1), 0)


def rnn_gate_grad(g, dh, y, dz, *, lengths=None, step=0, relu=False):
    """dz = (g + dh) f'(y) for the new state y; dh = 0 in active rows, else g + dh."""
    active, d = _active(lengths, step), g + dh
    made = np.empty_like(d)
    (relu_grad if relu else tanh_grad)(d, y, made)
    dz[...] = np.where(active, made, 0)
    dh[...] = np.where(active, 0, d)


def lstm_gates_grad(g, dh, dc, gates, c, tanh_c, dz, *, lengths=None, step=0):
    """The gradients of z (dz) and of the previous c (dc); dh = 0 in active rows, else g + dh."""
    active, d = _active(lengths, step), g + dh
    i, f, new, o = _gates(gates, 4)
    inner = dc + d * o * (1 - tanh_c * tanh_c)
    made = [inner * new * (i * (1 - i)), inner * c * (f * (1 - f)), inner * i * (1 - new * new)]
    made.append(d * tanh_c * (o * (1 - o)))
    dz[...] = np.where(active, np.concatenate(made, 1), 0)
    dc[...] = np.where(active, inner * f, dc)
    dh[...] = np.where(active, 0, d)


def gru_gates_grad(g, dh, gates, h, dz, dp, *, lengths=None, step=0):
    """The gradients of z (dz), of p (dp), and of the previous h, without the part that flows through p (dh)."""
    active, d = _active(lengths, step), g + dh
    r, u, n, part = _gates(gates, 4)
    dn = d * (1 - u) * (1 - n * n)
    made = [dn * part * (r * (1 - r)), d * (h - n) * (u * (1 - u))]
    dz[...] = np.where(active, np.concatenate([*made, dn], 1), 0)
    dp[...] = np.where(active, np.concatenate([*made, dn * r], 1), 0)
    dh[...] = np.where(active, d * u, d)


def keep_steps(x, lengths, out):
    """out = x (steps, rows, width) where step < lengths[row], else 0."""
    steps = np.arange(x.shape[0]).reshape(-1, 1, 1)
    out[...] = np.where(steps < lengths.reshape(1, -1, 1), x, x.dtype.type(0))
