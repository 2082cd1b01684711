"""Watching whatever trains: every optimizer that is made in a block, with the model whose parameters it holds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ...engine import Tensor
from ...insight.lookout import Lookout, modules_at_work
from ...nn.module import Module
from ...optim.base import Optimizer
from .sight import MODEL, Sight
from .watcher import Watch, shown


class Trained(Watch):
    """One optimizer and what it trains, watched from outside.

    Parameters have the names of the module that is called with them; until then "parameter 0", "parameter 1", ...
    """

    def __init__(self, optimizer: Optimizer, every: int, **limits: float) -> None:
        super().__init__(every, **limits)
        self._shared = True
        self.model: Module | None = None
        self.losses: list[tuple[int, float]] = []
        held = list(optimizer.state)
        self.held = {id(p) for p in held}
        self._sight = Sight([(optimizer._names.get(p) or f"parameter {i}", p) for i, p in enumerate(held)])
        self.course.optimizer = optimizer.name
        self._open()

    def meet(self, modules: Iterable[Module]) -> None:
        """Take the names from the outermost module at work that has a parameter of this optimizer."""
        if self.model is None:
            for module in modules:
                named = list(module.named_parameters())
                if any(id(p) in self.held for _, p in named):
                    assert self._sight is not None
                    self.model = module
                    self._sight.rename(named)
                    self.course.kinds = {path or MODEL: shown(part) for path, part in module.named_modules()}
                    return

    @property
    def title(self) -> str:
        """The class of the model, and the optimizer."""
        model = "parameters without a module" if self.model is None else type(self.model).__name__
        return f"{model}, trained by {self.course.optimizer}"


class watching(Lookout):
    """A `with` block in which every optimizer that is made, and what it trains, is watched: `found`, a Watch for each.

    every: of so many updates one is watched, and 1, 2, 4, 8, ... of the beginning. The loss of every step is noted, so
    the block costs time in each of them: it is for looking, not for training. fit(compile=True) and mg.compile run in
    Python in it. Optimizers that override `step` (FISTA) are left out.

    >>> import minigrad as mg
    >>> w = mg.tensor([[1.0], [1.0]], requires_grad=True)
    >>> with watching(every=10) as seen:
    ...     optimizer = mg.optim.SGD([w], lr=0.1)
    ...     for _ in range(20):
    ...         optimizer.zero_grad()
    ...         mg.mse(mg.tensor([[1.0, 2.0], [3.0, 4.0]]) @ w, [[1.0], [2.0]]).backward()
    ...         optimizer.step()
    >>> [step.number for step in seen.found[0].steps]
    [1, 2, 4, 8, 11]
    """

    def __init__(self, every: int = 50, **limits: float) -> None:
        self.every, self.limits = every, limits
        self.found: list[Trained] = []
        self.by_id: dict[int, Trained] = {}
        self.kept: list[Optimizer] = []  # so that an id stays that of its optimizer
        self._loss = math.nan

    def __enter__(self) -> watching:
        seen, plain_init, plain_step = self, Optimizer.__init__, Optimizer.step

        def init(optimizer: Optimizer, *args: Any, **options: Any) -> None:
            plain_init(optimizer, *args, **options)
            trained = Trained(optimizer, seen.every, **seen.limits)
            seen.by_id[id(optimizer)] = trained
            seen.found.append(trained)
            seen.kept.append(optimizer)

        def step(optimizer: Optimizer) -> None:
            trained = seen.by_id.get(id(optimizer))
            if trained is None:
                plain_step(optimizer)
                return
            seen.about(optimizer, trained)
            with trained.update(optimizer):
                plain_step(optimizer)

        self.plain = plain_init, plain_step
        Optimizer.__init__, Optimizer.step = init, step  # type: ignore[method-assign,assignment]
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        Optimizer.__init__, Optimizer.step = self.plain  # type: ignore[method-assign]
        self.found = [trained for trained in self.found if trained.course.updates or trained.course.ended]
        for trained in self.found:
            trained._end(error[1] if isinstance(error[1], BaseException) else None)

    def about(self, optimizer: Optimizer, trained: Trained) -> None:
        """Before an update: note the loss of its step, the rate, and the terms that are bound."""
        course = trained.course
        course.rate = optimizer.param_groups[0].get("lr", math.nan)
        course.on_weights = [entry.name for terms in optimizer.bound_terms for entry in terms.entries]
        if not math.isnan(self._loss):
            trained.losses.append((course.updates + 1, self._loss))
        course.losses = trained.losses
        self._loss = math.nan

    def look(self, *seen: Any) -> None:
        if len(seen) > 4:
            y: Tensor = seen[1]
            if math.isnan(self._loss) and y.array.size == 1:
                self._loss = float(y.array.reshape(-1)[0])
        for trained in self.found:
            if trained._looking and trained._sight is not None:
                if trained.model is None and len(seen) == 4:
                    trained.meet(modules_at_work())
                trained._sight.look(*seen)
