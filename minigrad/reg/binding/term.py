"""What all penalties have: strengths, checked when set, or set by a function of the epoch; a value; a line of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...checks import finite, refuse_unknown_of
from ...engine import Tensor
from ...ops.shape.axes import check_real
from ...recording import no_grad
from ...tensor import tensor


class Penalty:
    """Base of the penalties, and of one of your own: `__call__` gives its value as a scalar of the graph.

    The names in `strengths` are finite numbers, at least 0, checked whenever they are set; or functions of the epoch
    (counted from 1), evaluated by `at_epoch`, which minigrad.train.fit calls.

    TypeError for a list of tensors in place of one; ValueError for a strength that is negative or not finite.

    >>> import minigrad as mg
    >>> class LogCosh(mg.reg.Penalty):
    ...     '''strength Σ log cosh w: like L2 near 0, like L1 far from it.'''
    ...     def __init__(self, strength):
    ...         self.strength = strength
    ...     def __call__(self, w):
    ...         return mg.sum(mg.log((mg.exp(w) + mg.exp(-w)) * 0.5)) * self.strength
    >>> term, w = LogCosh(lambda epoch: 0.1 * epoch), mg.tensor([0.0, 2.0])
    >>> term.at_epoch(3)
    >>> term, round(term.value(w), 4)
    (<LogCosh(<lambda>): strength = 0.3; moment: loss>, 0.3975)
    """

    __slots__ = ("__weakref__", "schedules")
    strengths: tuple[str, ...] = ("strength",)
    moment = "loss"
    schedules: dict[str, Callable[[int], float]]

    def __new__(cls, *args: Any, **options: Any) -> Any:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        self = super().__new__(cls)
        object.__setattr__(self, "schedules", {})
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.strengths:
            schedules = {other: schedule for other, schedule in self.schedules.items() if other != name}
            if callable(value):
                schedules[name] = value
            super().__setattr__("schedules", schedules)  # a new dict, because copy.copy(term) shares the present one
            if callable(value):
                return self.at_epoch(1)
            value = finite(value, f"{type(self).__name__}: {name}", at_least=0.0)
        super().__setattr__(name, value)

    def at_epoch(self, epoch: int) -> None:
        """Set the scheduled strengths to those of an epoch; the first is 1."""
        for name, schedule in self.schedules.items():
            what = f"{type(self).__name__}: {name} in epoch {epoch}"
            super().__setattr__(name, finite(schedule(epoch), what, at_least=0.0))

    def __call__(self, w: Tensor) -> Tensor:
        """The penalty of w as a scalar of the graph."""
        raise NotImplementedError(f"{type(self).__name__} defines no __call__")

    def value(self, w: Any) -> float:
        """The penalty of w as a number."""
        with no_grad():
            return self(self.real(w)).item()

    def real(self, w: Any) -> Tensor:
        """w as a tensor, real numbers in it."""
        if isinstance(w, (list, tuple)) and any(isinstance(item, Tensor) for item in w):
            raise TypeError(
                f"{self.name}: got a list of {len(w)} tensors; a penalty takes one. "
                "reg.on(model, selector, penalty) binds it to several"
            )
        w = w if isinstance(w, Tensor) else tensor(w)
        check_real(self.name, w)
        return w

    def written(self, name: str) -> str:
        """A strength as text: the number, or the schedule that sets it."""
        schedule = self.schedules.get(name)
        return f"{getattr(self, name):g}" if schedule is None else getattr(schedule, "__name__", repr(schedule))

    @property
    def name(self) -> str:
        """The term as it was written."""
        return f"{type(self).__name__}({', '.join(map(self.written, self.strengths))})"

    def __repr__(self) -> str:
        strengths = ", ".join(f"{name} = {getattr(self, name):g}" for name in self.strengths)
        return f"<{self.name}: {strengths}; moment: {self.moment}>"
