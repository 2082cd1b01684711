"""Updates of the other optimizers that measure each coordinate by its own gradients, in NumPy; beside Adam's."""

import numpy as np

from .reference_update import _flushed, _move, _rows
from .segments import CORRECTION1, LR


def rmsprop_update(table, grads, *, alpha, eps, momentum=0.0, centered=False):
    """For each segment (Tieleman and Hinton 2012, in PyTorch's form; centered: Graves 2013, eq. 38 to 45):

    d as in adam_update; v = alpha v + (1 - alpha) d²; root = √v + eps;
    centered: m = alpha m + (1 - alpha) d, and root = √max(v - m², 0) + eps;
    buf = momentum buf + d / root; w = prox(w (1 - lr decay) - lr buf). The prox has each coordinate's own step,
    lr / root. States: v, then m and buf as far as they are asked for. What counts as 0: as in adam_update, buf as m.
    """
    for w, d, (v, *more), row in _rows(table, grads):
        real, lr = w.dtype.type, w.dtype.type(row[LR])
        d = _flushed(d, 1e-15, 1e-150)
        v[...] = real(alpha) * _flushed(v, 1e-30, 1e-290) + real(1 - alpha) * (d * d)
        if centered:
            m = more.pop(0)
            m[...] = real(alpha) * _flushed(m, 1e-30, 1e-290) + real(1 - alpha) * d
            v = np.maximum(v - m * m, 0)
        root = np.sqrt(v) + real(eps)
        move = d / root
        if momentum != 0:
            buf = more[0]
            buf[...] = move = real(momentum) * _flushed(buf, 1e-30, 1e-290) + move
        _move(w, lr * move, lr / root, row)
        w[...] = _flushed(w, 1e-30, 1e-290)


def adagrad_update(table, grads, *, eps):
    """For each segment (Duchi, Hazan, Singer 2011): v = v + d²; root = √v + eps; w = prox(w - step d / root).

    step = lr / correction1, d as in adam_update; the prox has each coordinate's own step, step / root.
    """
    for w, d, (v, *_), row in _rows(table, grads):
        step = w.dtype.type(row[LR] / row[CORRECTION1])
        d = _flushed(d, 1e-15, 1e-150)
        v += d * d
        root = np.sqrt(v) + w.dtype.type(eps)
        _move(w, step * d / root, step / root, row)
        w[...] = _flushed(w, 1e-30, 1e-290)
