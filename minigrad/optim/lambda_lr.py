"""LambdaLR: the rate by a function of your own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..checks import finite
from .base import Optimizer
from .schedules import Schedule


class LambdaLR(Schedule):
    """first lr_lambda(t): the rate as a multiple of the first one, by a function of your own; a list has one per group.

    The function returns a finite number, at least 0. Rates are the same on every machine where it uses + - × ÷ alone. A
    schedule whose function is a lambda can be deep-copied, not pickled: define the function in a module for that.

    TypeError for what is no function; ValueError for another number of functions than groups, and for a rate that is
    negative or not finite.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=0.8)
    >>> schedule = LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> schedule.step(), schedule.get_last_lr()
    (None, [0.4])
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas: list[Any] = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda]
        self.one_for_all = not isinstance(lr_lambda, (list, tuple))
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(
                    f"LambdaLR: lr_lambda is {function!r}; need a function of t, or a list with one for each group"
                )
        super().__init__(optimizer, last_epoch)

    def rate(self, first: float, t: int) -> float:
        return self._rate(self.lr_lambdas[0], first, t)

    def rates(self, first: Sequence[float], t: int) -> list[float]:
        lambdas = self.lr_lambdas * len(first) if self.one_for_all else self.lr_lambdas
        if len(lambdas) != len(first):
            raise ValueError(
                f"LambdaLR: the optimizer has {len(first)} groups, lr_lambda {len(lambdas)} functions; "
                "need one for each group, or a single function for all"
            )
        return [self._rate(function, x, t) for function, x in zip(lambdas, first)]

    def _rate(self, function: Callable[[int], float], first: float, t: int) -> float:
        return first * finite(function(t), f"LambdaLR: lr_lambda({t})", at_least=0.0)
