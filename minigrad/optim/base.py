"""Optimizer: parameters and their states in segment tables, so that a step of the whole model is one kernel call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, refuse_unknown_of
from ..engine import Tensor, touch
from ..errors import ShapeError
from ..kernels.reference.segments import DECAY, L1, L2, LR, PROX_L1, PROX_L2
from ..reg.binding.terms import Terms
from . import group_prox
from .binding import Metric, by_coordinate, check_bound, steps_that_last
from .parameter_groups import check_param, make_groups


class Table:
    """The parameters of one group and one dtype: what one update call takes."""

    def __init__(self, group: dict[str, Any], params: list[Tensor], names: tuple[str, ...], state: dict) -> None:
        self.group, self.params, self.names = group, params, names
        self.arrays = {p: p.array for p in params}
        self.state = [state[p] for p in params]
        self.segments = K.segments(self.arrays.values(), *([s[name] for s in self.state] for name in names))
        self.terms: dict[Any, tuple[Any, list[int], int, int]] = {}  # a term, its rows, its columns of l1 and of l2
        self.bound: set[Tensor] = set()  # those with a term on them
        self.written: tuple[dict, list] | None = None  # the options and strengths that stand in the columns


class Optimizer(ABC):
    """Base of the optimizers: groups of parameters, their states, the terms that act in the update.

    params      tensors, or dicts {"params": tensors, option: value, ...}: groups with options of their own. They stand
                in `param_groups`; an option changed there holds from the next step.
    penalty     terms of reg.on whose gradients are added in the update.
    prox        terms of reg.on whose proximal maps end the update, each coordinate with the step that was taken there;
                a group with the smallest step of its coordinates.
    constraints terms of reg.on with project(), applied after the update.

    A parameter without a gradient is left alone, unless a penalty is on it: then its gradient counts as zero.
    """

    counters: tuple[str, ...] = ()  # numbers that each parameter has beside its state arrays; they start at 1
    own_steps = True  # whether each coordinate takes a step of its own, of which _metric tells
    decoupled = False  # weight_decay shrinks w itself, instead of adding to its gradient

    def __new__(cls, *args: Any, **options: Any) -> Optimizer:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def __init__(
        self, params: Any, options: dict[str, Any], penalty: Any = None, prox: Any = None, constraints: Any = None
    ) -> None:
        self._name = type(self).__name__
        self._options = tuple(options)
        self.param_groups = make_groups(self._name, params, options, self._check)
        self.state: dict[Tensor, dict[str, Any]] = {
            p: dict.fromkeys(self.counters, 1.0) for group in self.param_groups for p in group["params"]
        }
        given = {"penalty": penalty, "prox": prox, "constraints": constraints}
        self._terms = {moment: terms for moment, terms in given.items() if terms is not None}
        check_bound(self._name, self._terms, self.state)
        if prox is not None:
            group_prox.check_maps(f"{self._name}(prox=...)", prox)
        self._strengths: dict[int, tuple[float, float]] = {}  # id of a term -> (l1, l2) in the last step
        self._asked = False  # whether steps have to note the values of the terms
        self._hooks: list[Callable[[Optimizer], Any]] = []
        self._build()
        for moment, terms in self._terms.items():
            terms.bind(self, moment)

    # --- what a subclass says ------------------------------------------------------------------------------------

    def _check(self, group: dict[str, Any]) -> None:
        """Check the options of a group, and put them into their types."""
        for name in {"lr", "weight_decay"} & set(group):
            group[name] = finite(group[name], f"{self._name}: {name}", at_least=0.0)

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The state arrays of each parameter, in the order of the update kernel."""
        return ()

    @abstractmethod
    def _update(self, table: Table, grads: list[Any]) -> None:
        """Call the kernel. grads[i] is an array, None for zero, or False: leave parameter i alone."""

    def _metric(self, p: Tensor, group: dict[str, Any]) -> Metric:
        """What divided lr in the step that each coordinate of p just took."""
        raise TypeError(f"{self._name}: prox={self._grouped.term_of(p)!r} needs the steps of coordinates, which "
                        f"{self._name} does not tell; define _metric")  # fmt: skip

    # --- a step --------------------------------------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.state:
            p.grad = None

    def before_step(self, hook: Callable[[Optimizer], Any]) -> Callable[[], None]:
        """Call hook(optimizer) at the beginning of every step, to clip gradients for instance; returns its remover."""
        self._hooks.append(hook)
        return lambda: self._hooks.remove(hook)

    def step(self) -> None:
        """Update every parameter from its gradient, with the bound terms. All is checked before anything is written."""
        for hook in self._hooks:
            hook(self)
        work: list[Any] = [self._gradients(table) for table in self._tables]
        if None in work:
            self._build()
            work = [self._gradients(table) for table in self._tables]
        for table in self._tables:
            self._write_scalars(table)
        mapped = self._grouped.begin(self._asked) if self._grouped.entries else []
        for table, grads, _ in work:
            table.segments.summed = self._asked
            self._update(table, grads)
        if mapped:
            self._grouped.end(mapped)
        for _, _, changed in work:
            touch(changed)
            if "constraints" in self._terms:
                self._terms["constraints"].project(changed)

    def _gradients(self, table: Table) -> tuple[Table, list[Any], list[Tensor]] | None:
        """A table with its gradients as update kernels take them, and the parameters that will change.

        None if the table no longer holds: the process got another backend, the group other states, a parameter another
        array.
        """
        if self._maker is not K.segments or table.names != self._state_names(table.group):
            return None
        grads: list[Any] = []
        changed = []
        for p, array in table.arrays.items():
            if p.array is not array:
                return None
            g = p.grad
            if not p.tracked or (g is None and p not in table.bound):
                grads.append(False)
                continue
            if g is not None and not K.alike(g.array, array):
                raise ShapeError(f"{self._name}: a gradient is {g.array.dtype} {g.array.shape}, its parameter "
                                 f"{array.dtype} {array.shape}; need the same")  # fmt: skip
            changed.append(p)
            grads.append(None if g is None else K.contiguous(g.array))
        return table, grads, changed

    def _write_scalars(self, table: Table) -> None:
        """Bring the columns of a table up to date with its group's options and with the strengths of the terms."""
        group, scalars = table.group, table.segments.scalars
        strengths = [(term.l1, term.l2) for term, _, _, _ in table.terms.values()]
        if (group, strengths) == table.written:
            return
        self._check(group)
        scalars[:, : DECAY + 1] = 0
        scalars[:, LR] = group["lr"]
        scalars[:, DECAY if self.decoupled else L2] = group.get("weight_decay", 0.0)
        for term, rows, l1_column, l2_column in table.terms.values():
            times = steps_that_last(group) if l1_column == PROX_L1 else 1.0
            scalars[rows, l1_column] += times * term.l1
            scalars[rows, l2_column] += times * term.l2
            self._strengths[id(term)] = term.l1, term.l2
        table.written = dict(group), strengths

    # --- tables --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Make the tables; states take the dtype of their parameter."""
        tables = []
        for group in self.param_groups:
            names = self._state_names(group)
            by_dtype: dict[np.dtype, list[Tensor]] = {}
            for p in group["params"]:
                check_param(self._name, p)
                for name in names:
                    self._fit_state(p, name)
                by_dtype.setdefault(p.array.dtype, []).append(p)
            tables += [Table(group, params, names, self.state) for params in by_dtype.values()]
        self._maker, self._tables = K.segments, tables
        self._rows = {p: (table, row) for table in tables for row, p in enumerate(table.params)}
        self._grouped = group_prox.GroupSteps(self)
        for moment, columns in (("penalty", (L1, L2)), ("prox", (PROX_L1, PROX_L2))):
            for entry in self._terms[moment].entries if moment in self._terms else ():
                alone = by_coordinate(entry.term)
                for _, w in entry.parameters:
                    table, row = self._rows[w]
                    table.bound.add(w)
                    if alone:
                        table.terms.setdefault((id(entry.term), columns), (entry.term, [], *columns))[1].append(row)
                if not alone:
                    self._grouped.add(entry)

    def _fit_state(self, p: Tensor, name: str) -> None:
        old = self.state[p].get(name)
        if old is not None and old.shape != p.array.shape:
            raise ShapeError(f"{self._name}: a parameter became {p.array.shape}, its state is {old.shape}")
        if old is None or old.dtype != p.array.dtype:
            new = self.state[p][name] = K.empty_like(p.array)
            K.copy(0.0 if old is None else old, new)

    # --- terms ---------------------------------------------------------------------------------------------------

    @property
    def bound_terms(self) -> list[Terms]:
        """The terms that this optimizer applies."""
        return list(self._terms.values())

    def penalty_values(self) -> dict[str, float]:
        """Name -> value of each bound term just before the last step, from the sums that the update made on its way.

        Steps note them once this has been called: the first call gives the present values. Who never asks, never pays.
        """
        asked, self._asked = self._asked, True
        if not asked or any(table.written is None for table in self._tables):
            return {name: value for terms in self._terms.values() for name, value in terms.value().items()}
        values = {}
        for terms in self._terms.values():
            for entry in terms.entries:
                if entry.name in self._grouped.values:
                    values[entry.name] = self._grouped.values[entry.name]
                elif id(entry.term) in self._strengths:
                    l1, l2 = self._strengths[id(entry.term)]
                    rows = [self._rows[w] for _, w in entry.parameters]
                    sums = [table.segments.sums[row].tolist() for table, row in rows]
                    parts = [(l1 * s1 if l1 else 0.0) + (0.5 * l2 * s2 if l2 else 0.0) for s1, s2 in sums]
                    values[entry.name] = sum(parts)
        return values

    # --- state ---------------------------------------------------------------------------------------------------

    def _slots(self, groups: list[dict[str, Any]]) -> dict[str, tuple[Tensor, str]]:
        """`0.m` -> (parameter 0, "m"), for groups with these options."""
        slots = {}
        params = [(p, group) for group, held in zip(groups, self.param_groups) for p in held["params"]]
        for i, (p, group) in enumerate(params):
            slots.update({f"{i}.{name}": (p, name) for name in (*self.counters, *self._state_names(group))})
        return slots

    def state_dict(self) -> dict[str, Any]:
        """{"groups": the options of each group, "state": name -> copy of each state}; `0.m` is m of parameter 0."""
        groups = [{name: group[name] for name in self._options} for group in self.param_groups]
        slots = self._slots(groups)
        for p, name in [slot for slot in slots.values() if slot[1] not in self.counters]:
            self._fit_state(p, name)
        state = {key: np.array(self.state[p][name]) for key, (p, name) in slots.items()}
        return {"groups": groups, "state": state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what state_dict gave, with the same kind of optimizer over parameters of the same shapes.

        Everything is checked before anything is written.
        """
        try:
            groups = [dict(group) for group in state["groups"]]
            given = {key: np.asarray(array) for key, array in state["state"].items()}
        except (TypeError, KeyError, ValueError, AttributeError):
            raise ValueError(f"{self._name}: load_state_dict needs what state_dict gives, got {state!r:.80}") from None
        if len(groups) != len(self.param_groups):
            raise ValueError(f"{self._name}: the state has {len(groups)} groups, need {len(self.param_groups)}")
        for group in groups:
            if set(group) != set(self._options):
                raise ValueError(f"{self._name}: a group has the options {sorted(group)}; need {sorted(self._options)}")
            self._check(group)
        slots = self._slots(groups)
        if given.keys() != slots.keys():
            raise ValueError(f"{self._name}: the state has {', '.join(given) or 'nothing'}; need {', '.join(slots)}")
        for key, (p, name) in slots.items():
            want = () if name in self.counters else p.array.shape
            if given[key].shape != want or given[key].dtype.kind != "f":
                raise ValueError(f"{self._name}: {key} is {given[key].dtype} {given[key].shape}; need floats {want}")
        for group, new in zip(self.param_groups, groups):
            group.update(new)
        self._build()
        for key, (p, name) in slots.items():
            if name in self.counters:
                self.state[p][name] = float(given[key])
            else:
                K.copy(K.contiguous(given[key]), self.state[p][name])

    def __repr__(self) -> str:
        options = [f"{name}={self.param_groups[0][name]}" for name in self._options]
        terms = [f"{moment}: {', '.join(e.name for e in t.entries)}" for moment, t in self._terms.items()]
        more = f" and {len(self.param_groups) - 1} more groups" if len(self.param_groups) > 1 else ""
        return f"{self._name}({', '.join(options)}; {'; '.join([f'{len(self.state)} parameters{more}', *terms])})"
