"""The steps in NumPy by hand: derivatives from paper, every array allocated once, every result written in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..harness.case import Run
from ..peers.numpy_by_hand import SGD, Adam
from . import Step


class Network:
    """Relu layers over one flat array of weights (first) and biases, whose gradient is another such array."""

    def __init__(self, step: Step) -> None:
        self.step = step
        ws, bs = step.weights()
        self.flat = np.concatenate([a.ravel() for a in (*ws, *bs)])
        self.gradient = np.zeros_like(self.flat)
        self.w, self.b = self._views(self.flat)
        self.dw, self.db = self._views(self.gradient)
        rows = step.batch
        self.y = [np.empty((rows, n), step.dtype) for n in step.layers[1:]]
        self.g = [np.empty((rows, n), step.dtype) for n in step.layers[1:]]
        self.mask = [np.empty((rows, n), bool) for n in step.layers[1:-1]]
        self.kept = [np.empty((rows, n), step.dtype) for n in step.layers[1:-1]]
        self.ones = np.ones(rows, step.dtype)
        self.bits = np.random.SFC64(1)
        weights, first = sum(w.size for w in ws), ws[0].size
        penalized = first if step.first_only else weights
        block = 8192 if self.flat.size > 200_000 else None
        if step.optimizer == "adam":
            self.update: Any = Adam(self.flat, penalized, step.lr, step.l2, step.decay, block)
        else:
            self.update = SGD(self.flat, penalized, step.lr, step.l2)

    def _views(self, flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights (in, out) and biases as views into the flat array."""
        shapes: list[tuple[int, ...]] = [*self.step.sizes, *((n,) for n in self.step.layers[1:])]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        parts = [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]
        return parts[: len(self.step.sizes)], parts[len(self.step.sizes) :]

    def forward(self, x: np.ndarray) -> np.ndarray:
        last = len(self.w) - 1
        for i, (w, b, y) in enumerate(zip(self.w, self.b, self.y, strict=True)):
            np.matmul(x, w, out=y)
            np.add(y, b, out=y)
            if i < last:
                np.maximum(y, 0, out=y)
                if self.step.dropout:
                    self._drop(i, y)
            x = y
        return x

    def _drop(self, i: int, y: np.ndarray) -> None:
        """The cheapest mask that NumPy has: 16 raw bits per element; the scaled mask is kept for backward."""
        words = self.bits.random_raw((y.size + 3) // 4).view(np.uint16)[: y.size].reshape(y.shape)
        np.greater_equal(words, round(65536 * self.step.dropout), out=self.mask[i])
        np.multiply(self.mask[i], self.flat.dtype.type(1 / (1 - self.step.dropout)), out=self.kept[i])
        np.multiply(y, self.kept[i], out=y)

    def backward(self, x: np.ndarray) -> None:
        """From self.g[-1], the gradient of the last layer's output."""
        for i in range(len(self.w) - 1, -1, -1):
            g = self.g[i]
            np.matmul((self.y[i - 1] if i else x).T, g, out=self.dw[i])
            np.matmul(self.ones, g, out=self.db[i])
            if i:
                np.matmul(g, self.w[i].T, out=self.g[i - 1])
                if self.step.dropout:
                    np.multiply(self.g[i - 1], self.kept[i - 1], out=self.g[i - 1])
                np.greater(self.y[i - 1], 0, out=self.mask[i - 1])
                np.multiply(self.g[i - 1], self.mask[i - 1], out=self.g[i - 1])


class Loss:
    """The loss, and its gradient written into g."""

    def __init__(self, step: Step, target: Any) -> None:
        rows, n = step.batch, step.layers[-1]
        self.step, self.target, self.index = step, target, np.arange(rows)
        self.real = np.dtype(step.dtype).type
        self.rows, self.z = np.empty((rows, 1), step.dtype), np.empty((rows, n), step.dtype)
        self.p, self.ones = np.empty((rows, n), step.dtype), np.ones((n, 1), step.dtype)

    def cross_entropy(self, x: np.ndarray, g: np.ndarray) -> float:
        np.max(x, 1, keepdims=True, out=self.rows)
        np.subtract(x, self.rows, out=self.z)
        np.exp(self.z, out=g)
        picked = float(self.z[self.index, self.target].sum())
        np.matmul(g, self.ones, out=self.rows)
        loss = (float(np.log(self.rows).sum()) - picked) / len(x)
        np.divide(g, self.rows, out=g)
        g[self.index, self.target] -= 1
        np.multiply(g, self.real(1 / len(x)), out=g)
        return loss

    def bce(self, x: np.ndarray, g: np.ndarray) -> float:
        e = self.z
        np.abs(x, out=e)
        np.negative(e, out=e)
        np.exp(e, out=e)
        loss = float((np.log1p(e) + np.maximum(x, 0)).sum()) - float(np.dot(x.ravel(), self.target.ravel()))
        np.divide(np.where(x < 0, e, self.real(1)), 1 + e, out=g)
        np.subtract(g, self.target, out=g)
        np.multiply(g, self.real(1 / x.size), out=g)
        return loss / x.size

    def mse(self, x: np.ndarray, g: np.ndarray) -> float:
        np.subtract(x, self.target, out=g)
        flat = g.ravel()
        loss = float(np.dot(flat, flat)) / x.size
        np.multiply(g, self.real(2 / x.size), out=g)
        return loss

    def softmax_mse_norms(self, x: np.ndarray, g: np.ndarray) -> float:
        p, z, rows, strength = self.p, self.z, self.rows, self.step.norms / len(x)
        np.max(x, 1, keepdims=True, out=rows)
        np.subtract(x, rows, out=p)
        np.exp(p, out=p)
        np.matmul(p, self.ones, out=rows)
        np.divide(p, rows, out=p)
        loss = self.mse(p, g)
        np.multiply(p, p, out=z)
        np.matmul(z, self.ones, out=rows)
        np.sqrt(rows, out=rows)  # ‖p‖₂ of each row; ‖p‖₁ is 1, and its gradient p-wise 1
        loss += strength * (float(rows.sum()) + float(p.sum()))
        np.divide(p, rows, out=z)
        np.add(z, 1, out=z)
        np.multiply(z, self.real(strength), out=z)
        np.add(g, z, out=g)
        np.multiply(g, p, out=z)  # back through the softmax: p (g - Σ g p)
        np.matmul(z, self.ones, out=rows)
        np.subtract(g, rows, out=g)
        np.multiply(g, p, out=g)
        return loss


def runs(step: Step) -> dict[str, Run]:
    found = {"": run(step)}
    if step.layers == (1, 1):
        found["w as a number"] = line(step)
    return found


def run(step: Step) -> Run:
    network = Network(step)
    x, target = step.data()
    loss = Loss(step, target)
    loss_of = loss.softmax_mse_norms if step.norms else getattr(loss, step.loss)

    def call() -> float:
        value = loss_of(network.forward(x), network.g[-1])
        network.backward(x)
        network.update(network.gradient)
        return value

    return Run(call, lambda: step.answer(network.w))


def line(step: Step) -> Run:
    """Linear regression on one input, where weight and bias may be Python numbers."""
    (w,), (b,) = step.weights()
    x, target = (a.ravel() for a in step.data())
    r, n, scale = np.empty_like(x), len(x), 2 / len(x)
    now = [float(w[0, 0]), float(b[0])]
    lr, l2 = step.lr, step.l2

    def call() -> float:
        weight, bias = now
        np.multiply(x, weight, out=r)
        np.add(r, bias, out=r)
        np.subtract(r, target, out=r)
        loss = float(np.dot(r, r)) / n
        now[0] = weight - lr * (scale * float(np.dot(r, x)) + l2 * weight)
        now[1] = bias - lr * scale * float(r.sum())
        return loss

    return Run(call, lambda: step.answer([np.array([[now[0]]])]))
