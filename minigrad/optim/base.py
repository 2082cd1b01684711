"""Optimizer: parameters and their states in segment tables, so that a step of the whole model is one kernel call."""

from __future__ import annotations

import copy
import functools
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, refuse_unknown, refuse_unknown_of
from ..engine import Tensor, touch
from ..errors import ShapeError
from ..kernels.reference.segments import DECAY, L1, L2, LR, PROX_L1, PROX_L2
from ..nn.module import Module, Parameters
from ..recording import mode
from ..reg.binding.terms import Terms
from . import group_prox
from . import state as states
from .binding import Metric, by_coordinate, check_bound, check_held, refuse_closures, refuse_replaced, steps_that_last
from .parameter_groups import FIRST_RATE, check_param, make_groups, same_groups
from .table import Table

# What a copy makes anew: tables hold addresses, and a copy belongs to the copied parameters.
MADE_ANEW = ("_tables", "_rows", "_grouped", "_maker", "_held", "_strengths", "_model")


class Optimizer(ABC):
    """Base of the optimizers: groups of parameters, their states, the terms that act in the update.

    params      tensors, as of model.parameters(), or pairs (name, tensor), as of model.named_parameters(); or dicts
                {"params": tensors, option: value, ...}: groups with options of their own. They stand in `param_groups`;
                an option changed there holds from the next step. `add_param_group` adds a group; parameters put into
                `param_groups`, or taken out of it, by hand take part, or no longer do, from the next step.
    penalty     terms of reg.on whose gradients are added in the update.
    prox        terms of reg.on whose proximal maps end the update, each coordinate with the step that was taken there;
                a group with the smallest step of its coordinates.
    constraints terms of reg.on with project(), applied after the update.

    A parameter without a gradient is left alone, unless a penalty is on it: then its gradient counts as zero. An
    optimizer of model.parameters() refuses to step (GraphError) once a layer of that model was replaced by one whose
    parameters it does not hold.

    copy.deepcopy and pickle give an optimizer of copied parameters that goes on from the same state; copied together
    with its model, as (model, optimizer), it is on the parameters of the copied model. copy.copy gives a second
    optimizer of the same parameters, with groups and states of its own.

    >>> import copy
    >>> import minigrad as mg
    >>> model = mg.nn.Linear(2, 1)
    >>> optimizer = mg.optim.Adam(model.parameters(), lr=0.1)
    >>> twin_model, twin = copy.deepcopy((model, optimizer))
    >>> twin.param_groups[0]["params"][0] is twin_model.weight
    True
    """

    counters: tuple[str, ...] = ()  # names of a parameter's numbers, beside its state arrays; each starts at 1
    own_steps = True  # whether coordinates take steps of different lengths, as metric says
    one_group = False  # whether all parameters must be in one group, because they take one step
    decoupled = False  # weight_decay shrinks w itself, instead of adding to its gradient

    def __new__(cls, *args: Any, **options: Any) -> Optimizer:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def __init__(
        self, params: Any, options: dict[str, Any], penalty: Any = None, prox: Any = None, constraints: Any = None
    ) -> None:
        self.name = type(self).__name__
        self._options, self.defaults = tuple(options), options
        self.param_groups, self._names = make_groups(self.name, params, options, self._check)
        self._check_groups(self.param_groups)
        self._model = params.module if isinstance(params, Parameters) else None  # all of whose parameters these are
        self._left = 0  # how many parameters the last step did not update
        self.state: dict[Tensor, dict[str, Any]] = {}
        self._start_states()
        given = ("penalty", penalty), ("prox", prox), ("constraints", constraints)
        self._terms = {moment: terms for moment, terms in given if terms is not None}
        check_bound(self.name, self._terms, self.state)
        if prox is not None:
            group_prox.check_maps(f"{self.name}(prox=...)", prox)
        self._strengths: dict[int, tuple[float, float]] = {}  # id of a term -> (l1, l2) in the last step
        self._asked = False  # whether steps have to note the values of the terms
        self._hooks: list[Callable[[Optimizer], Any]] = []
        self._build()
        for moment, terms in self._terms.items():
            terms.bind(self, moment)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__.get("_options", ()):
            raise AttributeError(
                f"{self.name}.{name} is an option of each group; set it there: "
                f"for group in optimizer.param_groups: group[{name!r}] = {value!r:.80}"
            )
        super().__setattr__(name, value)

    # --- what a subclass says ------------------------------------------------------------------------------------

    def _check(self, group: dict[str, Any]) -> None:
        """Check the options of a group, and put them into their types."""
        for name in {"lr", "weight_decay"} & set(group):
            group[name] = finite(group[name], f"{self.name}: {name}", at_least=0.0)

    def _check_groups(self, groups: list[dict[str, Any]]) -> None:
        """Raise where these groups cannot stand beside each other."""
        if self.one_group and len(groups) > 1:
            raise ValueError(f"{self.name}: got {len(groups)} groups; it has one step for all parameters")

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The state arrays of each parameter, in the order of the update kernel."""
        return ()

    def _start(self, name: str, group: dict[str, Any]) -> float:
        """The number that a state array starts at."""
        return 0.0

    @abstractmethod
    def _update(self, table: Table, grads: list[Any]) -> None:
        """Call the kernel. grads[i] is an array, None for zero, or False: leave parameter i alone."""

    def metric(self, p: Tensor, group: dict[str, Any]) -> Metric:
        """What divided lr in the step that each coordinate of p just took."""
        raise TypeError(
            f"{self.name}: prox={self._grouped.term_of(p)!r} needs the steps of coordinates, which "
            f"{self.name} does not tell; define metric"
        )

    # --- a step --------------------------------------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        self.take_in()
        for p in self.state:
            p.grad = None

    def before_step(self, hook: Callable[[Optimizer], Any]) -> Callable[[], None]:
        """Call hook(optimizer) at the beginning of every step, to clip gradients for instance; returns its remover."""
        self._hooks.append(hook)
        return functools.partial(self._forget, hook)  # no lambda, because a callback that keeps it may be pickled

    def _forget(self, hook: Callable[[Optimizer], Any]) -> None:
        self._hooks.remove(hook)

    def step(self) -> None:
        """Update every parameter from its gradient, with the bound terms. All is checked before anything is written."""
        self.take_in()
        if mode.step is not None:
            mode.step.stepped(self)
        for hook in self._hooks:
            hook(self)
        work: list[Any] = [self._gradients(table) for table in self._tables]
        if None in work:
            self._build()
            work = [self._gradients(table) for table in self._tables]
        left = len(self.state) - sum([len(changed) for _, _, changed in work])
        if left != self._left and self._model is not None:
            refuse_replaced(self, self._model(), nothing_moves=left == len(self.state))
        self._left = left
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
                whose = f"the gradient of {self._names[p]}" if p in self._names else "a gradient"
                sizes = f"{g.array.dtype} {g.array.shape}, its parameter {array.dtype} {array.shape}"
                raise ShapeError(f"{self.name}: {whose} is {sizes}; need the same")
            changed.append(p)
            grads.append(None if g is None else K.contiguous(g.array))
        return table, grads, changed

    def _write_scalars(self, table: Table) -> None:
        """Bring the columns of a table up to date with its group's options and with the strengths of the terms."""
        group, scalars = table.group, table.segments.scalars
        strengths = [(term.l1, term.l2) for term, _, _, _ in table.terms.values()]
        if (group, strengths) == table.written:
            return
        refuse_unknown(f"{self.name}: a group", group, ("params", FIRST_RATE, *self._options))
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

    # --- groups --------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Take in more parameters: {"params": tensors, option: value, ...}; options left out are the optimizer's.

        Their states start afresh, those of the others go on. ValueError if one is held already; nothing changes then.

        >>> import minigrad as mg
        >>> model = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.Linear(2, 1))
        >>> optimizer = mg.optim.SGD(model[1].parameters(), lr=0.1)
        >>> optimizer.add_param_group({"params": model[0].parameters(), "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        if not isinstance(param_group, Mapping):
            raise TypeError(
                f"{self.name}.add_param_group: got a {type(param_group).__name__}; need a dict: "
                '{"params": layer.parameters()}'
            )
        self.take_in()
        held = param_group.get("params")
        self.param_groups.append({**param_group, **({"params": list(held)} if type(held) is list else {})})
        try:
            self.take_in()
        except Exception:
            self.param_groups.pop()
            raise

    def take_in(self) -> None:
        """Bring states and tables up to date with param_groups, where parameters or groups came or went by hand."""
        if same_groups(self.param_groups, self._held):
            return
        groups, names = make_groups(self.name, self.param_groups, self.defaults, self._check, self._names)
        self._check_groups(groups)
        held = {p for group in groups for p in group["params"]}
        for moment, terms in self._terms.items():
            check_held(f"{self.name}({moment}=...)", terms, held)
        for given, group in zip(self.param_groups, groups):
            if type(given["params"]) is list:  # the same list, because somebody may hold it and append to it again
                given["params"][:] = group["params"]
                group["params"] = given["params"]
            given.update(group)
        if not held.issuperset(self.state):
            self._model = None  # its parameters were taken out on purpose: the others are not all of the model
        self._names = {p: name for p, name in names.items() if p in held}
        self._start_states()
        self._build()

    def _start_states(self) -> None:
        """Make a state for each held parameter that has none, and drop all others; the tables make the arrays."""
        params = [p for group in self.param_groups for p in group["params"]]
        self.state = {p: self.state.get(p) or dict.fromkeys(self.counters, 1.0) for p in params}

    # --- tables --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Make the tables; states take the dtype of their parameter."""
        self._held = [(group, list(group["params"])) for group in self.param_groups]
        tables = []
        for group in self.param_groups:
            names = self._state_names(group)
            by_dtype: dict[np.dtype, list[Tensor]] = {}
            for p in group["params"]:
                check_param(self.name, p, self._names.get(p, ""))
                for name in names:
                    self._fit_state(p, name, group)
                by_dtype.setdefault(p.array.dtype, []).append(p)
            tables += [Table(group, params, names, self.counters, self.state) for params in by_dtype.values()]
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

    def _fit_state(self, p: Tensor, name: str, group: dict[str, Any]) -> None:
        """Let a state array be there, in the dtype of its parameter, and such that it can be written."""
        old = self.state[p].get(name)
        if old is not None and old.shape != p.array.shape:
            what = self._names.get(p, "a parameter")
            raise ShapeError(f"{self.name}: {what} became {p.array.shape}, its state is {old.shape}")
        if old is None or old.dtype != p.array.dtype or not old.flags.writeable:  # joblib hands over read-only arrays
            new = self.state[p][name] = K.empty_like(p.array)
            K.copy(self._start(name, group) if old is None else old, new)

    # --- terms ---------------------------------------------------------------------------------------------------

    @property
    def bound_terms(self) -> list[Terms]:
        """The terms that this optimizer applies."""
        return list(self._terms.values())

    def penalty_values(self) -> dict[str, float]:
        """Name -> value of each bound term just before the last step, from the sums that the update made on its way.

        Steps form the sums only after this was called once. The first call therefore gives the values at the present
        weights.
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

    def state_dict(self) -> dict[str, Any]:
        """{"groups": options, "state": name -> copy of each state, "names": names of the parameters}, lists by group.

        `0.m` is m of parameter 0. Without "names" where parameters have none: they come with model.parameters().
        """
        self.take_in()
        return states.taken(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what state_dict gave, with the same kind of optimizer over parameters of the same shapes.

        Where the state and this optimizer have names, a parameter gets the state of its name, in whatever order they
        stand, and other names are refused (ValueError); else the order decides. Everything is checked before anything
        is written.
        """
        self.take_in()
        groups, arrays = states.checked(self, state)
        for group, new in zip(self.param_groups, groups):
            group.update(new)
        self._build()
        states.write(self, groups, arrays)

    # --- copies --------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """The state for deepcopy and pickle. It includes gradients, so the copy's next step equals the original's."""
        self.take_in()
        kept = {name: value for name, value in self.__dict__.items() if name not in MADE_ANEW}
        return {**kept, "_gradients_of": {p: p.grad.array for p in self.state if p.grad is not None}}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        gradients = kept.pop("_gradients_of")
        self.__dict__.update(kept)
        self._strengths, self._model = {}, None
        for p, g in gradients.items():
            if p.grad is None:
                p.grad = Tensor(g)
        self._build()
        for moment, terms in self._terms.items():
            terms.bind(self, moment)

    def __copy__(self) -> Optimizer:
        """A second optimizer of the same parameters: deepcopy, told that these are copies of themselves."""
        return copy.deepcopy(self, {id(p): p for p in self.state})

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimizer:
        if any(memo.get(id(p)) is not p for p in self.state):
            refuse_closures(self.name, self._hooks)
        twin = memo[id(self)] = type(self).__new__(type(self))
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        model = memo.get(id(self._model())) if self._model is not None else None
        twin._model = weakref.ref(model) if isinstance(model, Module) else None
        return twin

    def __repr__(self) -> str:
        options = [f"{name}={self.param_groups[0][name]}" for name in self._options]
        terms = [f"{moment}: {', '.join(e.name for e in t.entries)}" for moment, t in self._terms.items()]
        more = f" and {len(self.param_groups) - 1} more groups" if len(self.param_groups) > 1 else ""
        return f"{self.name}({', '.join(options)}; {'; '.join([f'{len(self.state)} parameters{more}', *terms])})"
