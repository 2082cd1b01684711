"""Updates as a careful NumPy programmer writes them: in place, all weights in one flat array, no temporaries."""

from __future__ import annotations

import numpy as np

from ..harness.case import like, zeros_like


class Adam:
    """Adam over the flat array w, with l2 w added to the first `penalized` gradients, or decoupled decay of them.

    m and v are kept divided by 1 - β, which saves two passes; blocks that stay in the cache between the passes pay from
    about 100 000 weights on.
    """

    def __init__(
        self,
        w: np.ndarray,
        penalized: int,
        lr: float,
        l2: float = 0.0,
        decay: float = 0.0,
        block: int | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.real = w.dtype.type
        self.w, self.m, self.v = w, zeros_like(w), zeros_like(w)
        self.penalized, self.lr, self.l2, self.keep = penalized, lr, self.real(l2), self.real(1 - lr * decay)
        self.betas, self.eps, self.power1, self.power2 = betas, eps, 1.0, 1.0
        self.block = block or w.size
        self.d = np.empty(min(self.block, w.size), w.dtype)

    def __call__(self, g: np.ndarray) -> None:
        beta1, beta2 = self.betas
        self.power1 *= beta1
        self.power2 *= beta2
        root = ((1 - beta2) / (1 - self.power2)) ** 0.5
        step = self.real(self.lr * (1 - beta1) / (1 - self.power1) / root)
        eps = self.real(self.eps / root)
        for i in range(0, self.w.size, self.block):
            part = slice(i, i + self.block)
            self._update(self.w[part], g[part], self.m[part], self.v[part], self.penalized - i, step, eps)

    def _update(self, w, g, m, v, penalized, step, eps) -> None:  # type: ignore[no-untyped-def]
        d = self.d[: w.size]
        if self.l2:
            np.multiply(w, self.l2, out=d)
            if penalized < w.size:
                d[max(penalized, 0) :] = 0
            np.add(d, g, out=d)
            g = d
        if self.keep != 1 and penalized > 0:
            np.multiply(w[:penalized], self.keep, out=w[:penalized])
        np.multiply(m, self.real(self.betas[0]), out=m)
        np.add(m, g, out=m)
        np.multiply(v, self.real(self.betas[1]), out=v)
        np.multiply(g, g, out=d)
        np.add(v, d, out=v)
        np.sqrt(v, out=d)
        np.add(d, eps, out=d)
        np.divide(m, d, out=d)
        np.multiply(d, step, out=d)
        np.subtract(w, d, out=w)


class SGD:
    """Gradient descent over the flat array w, perhaps with momentum; l2 w added to the first `penalized` gradients."""

    def __init__(
        self, w: np.ndarray, penalized: int, lr: float, l2: float = 0.0, momentum: float = 0.0, block: int | None = None
    ) -> None:
        self.w, self.m, self.d = w, zeros_like(w), like(w)
        self.penalized, self.momentum, self.block = penalized, w.dtype.type(momentum), block or w.size
        self.lr, self.shrink = w.dtype.type(lr), w.dtype.type(1 - lr * l2)
        self.l2 = w.dtype.type(l2)

    def __call__(self, g: np.ndarray) -> None:
        for i in range(0, self.w.size, self.block):
            part = slice(i, i + self.block)
            w, d, m, penalized = self.w[part], self.d[part], self.m[part], max(self.penalized - i, 0)
            if self.momentum:
                np.multiply(m, self.momentum, out=m)
                np.add(m, g[part], out=m)
                np.multiply(w[:penalized], self.l2, out=d[:penalized])
                np.add(m[:penalized], d[:penalized], out=m[:penalized])
                np.multiply(m, self.lr, out=d)
            else:
                np.multiply(g[part], self.lr, out=d)
                np.multiply(w[:penalized], self.shrink, out=w[:penalized])
            np.subtract(w, d, out=w)


class Adaptive:
    """RMSprop over the flat array w, or Adagrad where alpha is None; l2 w is added to the gradient."""

    def __init__(self, w: np.ndarray, lr: float, l2: float, alpha: float | None, block: int | None = None) -> None:
        real = w.dtype.type
        self.w, self.v, self.d, self.e = w, zeros_like(w), like(w), like(w)
        self.lr, self.l2, self.eps, self.block = real(lr), real(l2), real(1e-8), block or w.size
        self.factors = None if alpha is None else (real(alpha), real(1 - alpha))

    def __call__(self, g: np.ndarray) -> None:
        for i in range(0, self.w.size, self.block):
            part = slice(i, i + self.block)
            w, v, d, e = self.w[part], self.v[part], self.d[part], self.e[part]
            np.multiply(w, self.l2, out=d)
            np.add(d, g[part], out=d)
            np.multiply(d, d, out=e)
            if self.factors:
                np.multiply(v, self.factors[0], out=v)
                np.multiply(e, self.factors[1], out=e)
            np.add(v, e, out=v)
            np.sqrt(v, out=e)
            np.add(e, self.eps, out=e)
            np.divide(d, e, out=d)
            np.multiply(d, self.lr, out=d)
            np.subtract(w, d, out=w)
