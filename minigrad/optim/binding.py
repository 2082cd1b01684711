"""Checks that terms fit their optimizer, and an optimizer its model.

How the updates of whole groups end: group_prox.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine import Tensor
from ..errors import GraphError
from ..nn.module import Module
from ..nn.standing import lost
from ..reg.binding.terms import Terms
from .parameter_groups import label, listed

NEEDS = {"penalty": ("l1", "l2"), "prox": ("prox",), "constraints": ("project",)}


class Metric(NamedTuple):
    """Each coordinate took the step lr / ((√square root + eps) scale).

    Where the update kernel wrote what root or scale follow from, they are arrays of one element: root is 1 / √array.
    """

    square: np.ndarray
    root: float | np.ndarray
    eps: float
    scale: float | np.ndarray


def check_bound(who: str, bound: Mapping[str, Any], held: Container[Tensor]) -> None:
    """Raise unless the terms of every moment can act there, on parameters that are held, under names of their own."""
    names: set[str] = set()
    for moment, terms in bound.items():
        caller = f"{who}({moment}=...)"
        if not isinstance(terms, Terms):
            raise TypeError(f"{caller}: got {terms!r}; need terms = reg.on(model, selector, penalty)")
        terms.refuse_bound(caller)
        twice = [other for other, given in bound.items() if given is terms and other != moment]
        if twice:
            raise ValueError(f"{caller}: the same terms are given as {twice[0]}=, and would count twice")
        for entry in terms.entries:
            lacks = [need for need in NEEDS[moment] if not hasattr(entry.term, need)]
            if lacks or entry.of_batch:
                fault = f"has no {', '.join(lacks)}" if lacks else "is on what the model computes"
                raise TypeError(
                    f"{caller} needs terms with {', '.join(NEEDS[moment])}; {entry.term!r} {fault}. "
                    f"{_elsewhere(entry.term)}"
                )
            if entry.name in names:
                raise ValueError(f"{caller}: two terms are named {entry.name!r}; names are the keys of the mapping")
            names.add(entry.name)
        check_held(caller, terms, held)


def check_held(caller: str, terms: Terms, held: Container[Tensor]) -> None:
    """Raise for the first parameter with a term on it that is not held."""
    for entry in terms.entries:
        for parameter, w in entry.parameters:
            if w not in held:
                raise ValueError(
                    f"{caller}: {entry.name!r} is on {parameter}, which this optimizer does not "
                    "hold; if the model or a layer was made anew, make new terms with reg.on"
                )


def not_held(optimizer: Any, model: Module) -> list[str]:
    """The names of the trainable parameters of a model that an optimizer does not hold."""
    return [name for name, p in model.named_parameters() if p.tracked and p not in optimizer.state]


def refuse_replaced(optimizer: Any, model: Module | None, nothing_moves: bool) -> None:
    """Raise if a layer of the model was replaced, so that its new parameters are not held; model is None if it is gone.

    Where the model is gone, another one may have taken its name: then no parameter that is held gets a gradient.
    """
    if model is None:
        if nothing_moves and any(p.tracked for p in optimizer.state):
            raise GraphError(
                f"{optimizer.name}: the model whose parameters it holds no longer exists, and none of them has a "
                "gradient. Was the model made anew? Then make the optimizer anew as well"
            )
        return
    gone = lost(model, [(name, p) for p, name in optimizer._names.items()])
    new = not_held(optimizer, model) if gone else []
    if new:
        raise GraphError(
            f"{optimizer.name}: {listed(new)} of the model came after the optimizer was made, which still holds "
            f"{listed(gone)} of a layer that was replaced. Make the optimizer anew, from model.parameters(); or take "
            'the old ones out of param_groups[...]["params"] and call add_param_group({"params": '
            "layer.parameters()})"
        )


def refuse_closures(who: str, hooks: Iterable[Any]) -> None:
    """Raise for a hook that names tensors or models outside of it: in a copy, it would act on those of the original."""
    for hook in filter(inspect.isfunction, hooks):
        outside = inspect.getclosurevars(hook)
        for name, held in {**outside.globals, **outside.nonlocals}.items():
            for item in held if isinstance(held, (list, tuple)) else [held]:
                if isinstance(item, (Tensor, Module)) or hasattr(item, "param_groups"):
                    raise TypeError(
                        f"{who}: deepcopy would give the copy the hook {hook.__name__}, which acts on "
                        f"{name!r} of the original; let it act on the optimizer that it is called with "
                        "(optimizer.state has the parameters), or remove it before copying"
                    )


def check_optimizer(optimizer: Any) -> None:
    """TypeError unless the optimizer that fit was given is one."""
    if isinstance(optimizer, type) or not hasattr(optimizer, "bound_terms"):
        cure = "such as optim.SGD(model.parameters(), lr=0.1)"
        if hasattr(optimizer, "optimizer"):
            cure = "and a schedule as callbacks=[train.LearningRate(schedule)]"
        raise TypeError(f"fit: optimizer is {optimizer!r:.80}; need an Optimizer of minigrad.optim, {cure}")


def check_fit(model: Module, optimizer: Any, terms: Any, loss: Any = None) -> None:
    """Raise unless an optimizer and the terms of the loss are on parameters of the model that fit trains.

    An optimizer of some of the parameters is one; parameters of a loss that is a module may be held too.
    """
    who = type(optimizer).__name__
    optimizer.take_in()
    missing = not_held(optimizer, model)
    _check_belongs(optimizer, model, loss, missing)
    if missing and optimizer._model is not None and optimizer._model() is model:
        raise ValueError(
            f"fit: {listed(missing)} of the model came after the optimizer ({who}) was made, and would not be trained; "
            'make the optimizer anew, or optimizer.add_param_group({"params": layer.parameters()})'
        )
    check_terms("fit", model, terms, loss)


def _check_belongs(optimizer: Any, model: Module, loss: Any, missing: list[str]) -> None:
    """ValueError if the optimizer holds a parameter of neither model nor loss, or none of those to be trained."""
    parts: list[Module] = [part for part in (model, loss) if isinstance(part, Module)]
    own = {p for part in parts for p in part.parameters()}
    foreign = [label(p, optimizer._names) for p in optimizer.state if p not in own]
    trainable = [name for name, p in model.named_parameters() if p.tracked]
    if foreign or (trainable and len(missing) == len(trainable)):
        who = type(optimizer).__name__
        holds = f"it holds {listed(foreign)}, not of this model" if foreign else "it holds none that would be trained"
        lacks = f", and does not hold {listed(missing)}" if missing else ""
        raise ValueError(
            f"fit: the optimizer ({who}) does not belong to this model's parameters: {holds}{lacks}. If the model or a "
            f"layer was made anew, make the optimizer anew: optim.{who}(model.parameters(), ...)"
        )


def check_terms(caller: str, model: Module, terms: Any, loss: Any = None) -> None:
    """Raise for the first term that is on a parameter or a module of another model; a loss that is a module may be."""
    parts = [part for part in (model, loss) if isinstance(part, Module)]
    own: set[Any] = {p for part in parts for p in part.parameters()}
    own.update(module for part in parts for _, module in part.named_modules())
    for entry in terms.entries if isinstance(terms, Terms) else ():
        for place, on in entry.owners():
            if on not in own:
                raise ValueError(
                    f"{caller}: penalty {entry.name!r} is on {place}, but not of this model; if the model "
                    "or a layer was made anew, make new terms with reg.on"
                )


def _elsewhere(term: Any) -> str:
    """Where a term can act."""
    if hasattr(term, "project"):
        return "Use constraints=."
    return "Use it in the loss." if not hasattr(term, "prox") else "Use it in the loss, or as prox=."


def by_coordinate(term: Any) -> bool:
    """Whether (l1, l2) say all of a term, so that kernels apply its gradient and its proximal map."""
    return all(hasattr(term, name) for name in NEEDS["penalty"])


def steps_that_last(group: Mapping[str, Any]) -> float:
    """1 / (1 - momentum): how many steps lr a lasting gradient moves a weight by, once the buffer is full.

    The proximal maps take this step. With lr alone their fixed points would be those of (1 - momentum) times the terms.
    """
    momentum = group.get("momentum", 0.0)
    if momentum >= 1:
        raise ValueError(f"a proximal map needs a momentum below 1, got {momentum}")
    return 1 / (1 - momentum)


def steps_taken(optimizer: Any, p: Any, group: Mapping[str, Any]) -> Any:
    """The step of each coordinate of p, which step() just took: one number, or an array of p's shape; None if unknown.

    It is what a proximal map takes times l1 for its threshold.
    """
    if not optimizer.own_steps:
        return group["lr"] * steps_that_last(group)
    try:
        square, root, eps, scale = optimizer.metric(p, group)
    except TypeError:
        return None
    root = 1 / np.sqrt(np.float64(root)) if isinstance(root, np.ndarray) else root
    with np.errstate(divide="ignore"):
        return group["lr"] / ((np.sqrt(square.astype(np.float64)) * root + eps) * np.float64(scale))
