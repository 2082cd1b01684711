"""ISTA and FISTA: proximal gradient descent on all the data, with a step that is found by trying.

f is the data loss, R the terms given as prox=. From y, with step s,

    w⁺ = prox(y - s ∇f(y), s),  accepted if  f(w⁺) <= f(y) + ⟨∇f(y), w⁺ - y⟩ + ‖w⁺ - y‖² / (2s),  else s is halved

ISTA goes on from y = w⁺. FISTA (Beck and Teboulle 2009) goes on from a point ahead,

    y⁺ = w⁺ + (t - 1)/t⁺ (w⁺ - w),  t⁺ = (1 + √(1 + 4t²)) / 2,  t = 1 at first

so that f + R lies at most 2 L ‖w₀ - w*‖² / (k + 1)² above its minimum after k steps; for ISTA, L ‖w₀ - w*‖² / (2k).
L is the largest curvature of f, and either bound is twice as large with halved steps. The momentum of a long run
overshoots and comes back; restart=True drops it when it points uphill, ⟨y - w⁺, w⁺ - w⟩ > 0 (O'Donoghue, Candès 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, whole
from ..engine import Tensor, full, touch
from ..recording import mode, no_grad
from .base import Optimizer
from .table import Table


class ISTA(Optimizer):
    """w = prox(w - s ∇f(w), s) with backtracking: lr is the first step s to be tried, and shrinks where it is too long.

    `step(closure)` takes a function that returns the data loss of the present weights, on all the data, and calls it
    for the gradient and for each trial. Terms on the loss itself belong into that function.

    ValueError for an lr of 0; TypeError for step() without a closure; ArithmeticError where no step is short enough,
    because the loss is not finite or not smooth.

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(2, 1, bias=False, init="zeros")
    >>> x, y = mg.tensor([[1, 0], [0, 1], [1, 1]]), mg.tensor([[2], [0.1], [2.1]])
    >>> lasso = mg.reg.on(model, "weight", mg.reg.L1(0.2))
    >>> optimizer = mg.optim.FISTA(model.parameters(), prox=lasso)
    >>> optimizer.minimize(lambda: mg.mse(model(x), y), tolerance=1e-6) < 100
    True
    >>> model.weight.data.ravel().round(3)
    array([1.9, 0. ], dtype=float32)
    """

    own_steps = False
    one_group = True

    def __init__(
        self, params: Any, lr: float = 1.0, *, shrink: float = 0.5, prox: Any = None, constraints: Any = None
    ) -> None:
        self.shrink = finite(shrink, f"{type(self).__name__}: shrink", 0.01, 0.99)
        super().__init__(params, {"lr": lr}, None, prox, constraints)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        if group["lr"] == 0:
            raise ValueError(f"{self.name}: lr is 0; need a first step above 0")

    def _update(self, table: Table, grads: list[Any]) -> None:
        K.sgd_update(table.segments, grads)

    def step(self, closure: Callable[[], Tensor] | None = None) -> float:  # type: ignore[override]
        """One accepted step; returns the data loss after it."""
        if closure is None:
            raise TypeError(
                f"{self.name}: step needs closure, a function that returns the loss of all the data; "
                "for mini-batches and fit, use SGD or Adam with prox="
            )
        if mode.step is not None:
            mode.step.refuse(
                self.name,
                "it tries steps until one is short enough, which is no fixed list of calls. Leave mg.compile out",
            )
        self.take_in()
        params = [p for p in self.state if p.tracked]
        old = [p.detach().array for p in params]
        self._go_ahead(params)
        start = [p.detach().array for p in params]
        before, slopes = self._slopes(closure, params)
        group = self.param_groups[0]
        while True:
            for p, slope in zip(params, slopes):
                p.grad = Tensor(slope)
            super().step()
            moves = [_difference(p.array, w) for p, w in zip(params, start)]
            with no_grad():
                after = closure().item()
            if self._short_enough(closure, params, slopes, moves, before, after):
                break
            group["lr"] *= self.shrink
            if group["lr"] < 1e-300 or math.isnan(before):
                raise ArithmeticError(f"{self.name}: no step is short enough; the loss at the start is {before}")
            for p, w in zip(params, start):
                K.copy(w, p.array)
            touch(params)
        self._remember(params, old, moves)
        return after

    def _slopes(self, closure: Callable[[], Tensor], params: list[Tensor]) -> tuple[float, list[np.ndarray]]:
        """The loss of the present weights, and its gradients."""
        self.zero_grad()
        loss = closure()
        loss.backward()
        return loss.item(), [full(p, 0.0).array if p.grad is None else p.grad.array for p in params]

    def _short_enough(
        self,
        closure: Callable[[], Tensor],
        params: list[Tensor],
        slopes: list[np.ndarray],
        moves: list[np.ndarray],
        before: float,
        after: float,
    ) -> bool:
        """Whether f lies below its model where the moves led.

        Where two values of the loss are too close for rounding to tell, the slopes tell whether the curvature between
        the points is at most 1/s (Becker, Candès, Grant 2011); a move in the last digits of the weights is let be.
        """
        eps = max(float(np.finfo(p.dtype).eps) for p in params)
        square, lr = sum(map(_dot, moves, moves)), self.param_groups[0]["lr"]
        if abs(after - before) > math.sqrt(eps) * abs(before):
            return after <= before + sum(map(_dot, slopes, moves)) + square / (2 * lr)
        if square <= (100 * eps) ** 2 * sum(_dot(p.array, p.array) for p in params):
            return True
        _, there = self._slopes(closure, params)
        return sum(map(_dot, map(_difference, there, slopes), moves)) <= square / lr

    def minimize(self, closure: Callable[[], Tensor], *, steps: int = 10_000, tolerance: float = 1e-9) -> int:
        """Step until no weight moves by more than tolerance (1 + the largest weight); the number of steps it took."""
        for i in range(1, whole(steps, f"{self.name}: steps", 1) + 1):
            before = [p.detach().array for p in self.state]
            self.step(closure)
            size = max(np.abs(p.array).max(initial=0) for p in self.state)
            if max(np.abs(p.array - w).max(initial=0) for p, w in zip(self.state, before)) <= tolerance * (1 + size):
                return i
        return steps

    def _go_ahead(self, params: list[Tensor]) -> None:
        """Move the weights to where the gradient is taken: for ISTA, where they are."""

    def _remember(self, params: list[Tensor], old: list[np.ndarray], moves: list[np.ndarray]) -> None:
        """Note what the next step needs of this one, which came from `old` and made `moves` from where it was taken."""


class FISTA(ISTA):
    """ISTA with Nesterov's momentum, formula above: the error falls as 1/k² (Beck, Teboulle 2009: restart=False).

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1, bias=False, init="zeros", dtype="float64")
    >>> terms = mg.reg.on(model, "weight", mg.reg.L1(1.0))
    >>> optimizer = mg.optim.FISTA(model.parameters(), lr=1.0, prox=terms)
    >>> _ = optimizer.minimize(lambda: (0.5 * (model.weight - 3) * (model.weight - 3)).sum())
    >>> model.weight.data.round(6).tolist()  # 3, less the strength of L1
    [[2.0]]
    """

    counters = ("t",)

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        *,
        shrink: float = 0.5,
        restart: bool = True,
        prox: Any = None,
        constraints: Any = None,
    ) -> None:
        self.restart = bool(restart)
        super().__init__(params, lr, shrink=shrink, prox=prox, constraints=constraints)

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("ahead",)

    def _go_ahead(self, params: list[Tensor]) -> None:
        for p in params:
            K.add(p.array, self.state[p]["ahead"], p.array)
        touch(params)

    def _remember(self, params: list[Tensor], old: list[np.ndarray], moves: list[np.ndarray]) -> None:
        steps = [_difference(p.array, w) for p, w in zip(params, old)]
        uphill = -sum(map(_dot, moves, steps)) > 0
        for p, step in zip(params, steps):
            state = self.state[p]
            t = float(state["t"])
            after = 1.0 if uphill and self.restart else (1 + math.sqrt(1 + 4 * t * t)) / 2
            state["t"][()] = after
            K.mul(step, 0.0 if uphill and self.restart else (t - 1) / after, state["ahead"])


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    out = K.empty_like(a)
    K.sub(a, b, out)
    return out


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Σ a b in float64."""
    product, total = K.empty(a.shape, np.float64), K.empty((), np.float64)
    K.copy(a, product)
    K.mul(product, b, product)
    K.sum(product, total, 0, product.ndim)
    return float(total)
