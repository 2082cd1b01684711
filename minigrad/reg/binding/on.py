"""reg.on: what a term is on, said by name, by layer type or by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ...engine import Tensor
from ...errors import ShapeError
from ...nn.module import Module
from ...nn.normalization import Normalization
from ..weights.group_layout import Layout, owner
from .scale_free import scales, warn_if_scale_free
from .terms import Entry, Terms

Selector = str | type | Callable[[str, Any], bool]
SHOWN = 20  # names in an error


def everything(name: str, tensor: Tensor) -> bool:
    """The selector of all parameters, biases included."""
    return True


def on(model: Module, selector: Any, term: Any = None) -> Terms:
    """Bind penalties to parameters of a model: `on(model, selector, term)`, or a mapping for several.

    A selector is
      a pattern     "*.weight" or "encoder.*": shell wildcards over the names of model.named_parameters(), each tried
                    with and without a dot in front, so that "*.weight" also finds a parameter named just "weight";
      a layer type  nn.Linear: what layers of this type own themselves;
      a function    of (name, tensor), which decides alone.
    Patterns and types leave biases out, unless the last part of the pattern says "bias", and so the scales of
    normalization layers, unless their name is given in full or their type; `reg.everything` takes all.
    For a term on outputs they select modules: by name ("" is the model itself), by type, or by f(name, module).
    A mapping holds {selector: term} or {name: (selector, term)}. Terms are reported by the keys, else by
    `L1(0.001) *.weight`. Matching nothing is an error, and so are two terms of one kind on a parameter, and two
    constraints that no weights satisfy.

    TypeError for what is no Module, a mapping beside a term, or a term in place of the selector; ValueError for an
    empty mapping, a selector that matches nothing (with the nearest names), and two terms that contradict each other.

    >>> import minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(4, 3), mg.nn.Linear(3, 2))
    >>> mg.reg.on(model, {"first": ("0.*", mg.reg.L1(1e-3)), "all": (mg.reg.everything, mg.reg.L2(1e-2))})
    term   l1     l2    moment  on
    first  0.001  0     loss    0.weight (4, 3)
    all    0      0.01  loss    0.weight (4, 3)
                                0.bias (3,)
                                1.weight (3, 2)
                                1.bias (2,)
    not penalised: none
    """
    if not isinstance(model, Module):
        raise TypeError(f"reg.on: the model is a {type(model).__name__}; need an nn.Module")
    if isinstance(selector, Mapping):
        if term is not None:
            raise TypeError("reg.on: got a mapping and a term; put the term into the mapping")
        wanted = []
        for key, value in selector.items():
            pair = value if isinstance(value, tuple) else (key, value)
            if len(pair) != 2:
                raise TypeError(f"reg.on: {_key(key)!r} maps to {value!r}; need a term, or (selector, term)")
            wanted.append((_key(key), *pair))
        if not wanted:
            raise ValueError("reg.on: the mapping is empty; need {selector: term}")
    else:
        if hasattr(selector, "value") and not isinstance(selector, type):
            raise TypeError(f"reg.on: got {selector!r} for the selector; the order is on(model, selector, term)")
        wanted = [("", selector, term)]
    entries = [_entry(model, name, chosen, term) for name, chosen, term in wanted]
    _refuse_doubles(entries)
    taken = {id(w) for entry in entries for _, w in entry.parameters}
    return Terms(entries, [name for name, w in model.named_parameters() if id(w) not in taken], model)


def _entry(model: Module, name: str, selector: Any, term: Any) -> Entry:
    """One term on what its selector matches."""
    if isinstance(term, type) or not any(callable(getattr(term, need, None)) for need in ("value", "project")):
        raise TypeError(f"reg.on: the term for {_key(selector)!r} is {term!r}; need one such as reg.L2(0.001)")
    name = name or f"{getattr(term, 'name', repr(term))} {_key(selector)}".rstrip()
    if hasattr(term, "bind"):
        return term.bind(name, model, selector)
    matched = tuple(select(model, selector))
    if not matched:
        names = [n for n, _ in model.named_parameters()]
        raise ValueError(nothing_matched(selector, "parameter", names, "biases: '*.bias' or reg.everything"))
    if hasattr(term, "check"):
        term.check(matched)
    warn_if_scale_free(model, term, matched)
    return Entry(name, term, matched, _layouts(model, term, matched))


def _layouts(model: Module, term: Any, matched: tuple[tuple[str, Tensor], ...]) -> dict[str, Layout]:
    """The groups of each parameter, if the term is on groups; ShapeError for the first that has none of these."""
    if not hasattr(term, "layout"):
        return {}
    layouts = {}
    for name, w in matched:
        try:
            layouts[name] = term.layout(w.array.shape, owner(model, w))
        except ShapeError as error:
            raise ShapeError(f"{getattr(term, 'name', term)} on {name}: {error}") from None
    return layouts


def nothing_matched(selector: Any, kind: str, names: list[str], hint: str) -> str:
    """The message about a selector that matches nothing, with what is there."""
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    there = ", ".join(names[:SHOWN]) or "none"
    return f"reg.on: {_key(selector)!r} matches no {kind} ({hint}); there are {there}{more}"


def select(model: Module, selector: Selector) -> list[tuple[str, Tensor]]:
    """The (name, parameter) pairs that a selector matches, in the order of the model."""
    matches = _predicate(model, selector)
    return [(name, w) for name, w in model.named_parameters() if matches(name, w)]


def _predicate(model: Module, selector: Selector) -> Callable[[str, Tensor], Any]:
    """What a selector asks of a parameter. Of biases, only a pattern that says bias, or a function, matches any."""
    if isinstance(selector, str):
        left_out = set() if is_bias(selector) else scales(model)
        return lambda name, w: name == selector or (fits(name, selector) and _chosen(name, w, selector, left_out))
    if isinstance(selector, type) and issubclass(selector, Module):
        owned = {id(w) for _, m in model.named_modules() if isinstance(m, selector) for w in vars(m).values()}
        owned -= set() if issubclass(selector, Normalization) else scales(model)
        return lambda name, w: id(w) in owned and not is_bias(name)
    if callable(selector) and not isinstance(selector, type):
        return selector
    raise TypeError(f"reg.on: the selector is {selector!r}; need a pattern, a layer type, or f(name, tensor)")


def _chosen(name: str, w: Tensor, pattern: str, left_out: set[int]) -> bool:
    """Whether a pattern that fits takes a bias or a scale, if w is one."""
    return id(w) not in left_out and (is_bias(pattern) or not is_bias(name))


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern matches a name, or the name with a dot in front."""
    return fnmatchcase(name, pattern) or fnmatchcase("." + name, pattern)


def is_bias(name: str) -> bool:
    """Whether a parameter's own name says bias: 0.bias, bias_hidden."""
    return "bias" in name.rpartition(".")[2]


def _key(selector: Any) -> str:
    return selector if isinstance(selector, str) else getattr(selector, "__name__", repr(selector))


def _refuse_doubles(entries: list[Entry]) -> None:
    """Two L1 on one weight, or an L1 and an elastic net, are a mistake; an L1 and an L2 are not."""
    for i, entry in enumerate(entries):
        for other in entries[:i]:
            name, term = entry.name, entry.term
            if name == other.name:
                raise ValueError(f"reg.on: two terms are named {name!r}; need distinct names")
            held = {id(x) for _, x in other.owners()}
            for place, x in entry.owners():
                if id(x) not in held:
                    continue
                if isinstance(term, type(other.term)) or isinstance(other.term, type(term)):
                    raise ValueError(f"reg.on: {other.name!r} and {name!r} are of one kind and both match {place}")
                if fault := _contradiction(term, other.term, x, [*entry.groups_of(x), *other.groups_of(x)]):
                    raise ValueError(f"reg.on: {other.name!r} and {name!r} contradict each other on {place}: {fault}")


def _contradiction(a: Any, b: Any, w: Any, groups: list[Layout]) -> str:
    """Why two constraints cannot hold together on w; '' for others."""
    both = hasattr(a, "contradicts") and hasattr(b, "contradicts")
    return a.contradicts(b, w.shape, *groups[:1]) if both else ""
