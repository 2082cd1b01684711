"""Modules made of others: lists and dicts of them, lists of parameters, a shortcut around a branch, plain functions."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, TypeVar

import numpy as np

from ..checks import finite
from ..engine import Tensor
from ..errors import ShapeError
from ..ops.elementwise.arithmetic import add
from ..tensor import tensor
from .dropout.channels import StochasticDepth
from .module import PARAMETER, Module, Parameter
from .sequential import Sequential

L = TypeVar("L", bound="_List")


class Identity(Module):
    """y = x: a layer in the place of one that is left out. Arguments of its making are ignored, as in PyTorch.

    >>> import minigrad as mg
    >>> mg.nn.Identity()(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def forward(self, x: Any) -> Tensor:
        return x if isinstance(x, Tensor) else tensor(x)


class Lambda(Module):
    """y = function(x): a step without parameters, between layers of a Sequential.

    A model with it is pickled only if the function has a name that pickle finds: no lambda.

    TypeError for what is no function, and for a layer, which needs no Lambda.

    >>> import minigrad as mg
    >>> mg.nn.Sequential(mg.nn.Lambda(mg.square), mg.nn.Lambda(lambda x: x + 1))(mg.tensor([1.0, 2.0]))
    tensor([2., 5.])
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function) or isinstance(function, Module):
            raise TypeError(f"Lambda: function is {function!r}; need a function of tensors (a layer needs no Lambda)")
        self.function = function

    def forward(self, *args: Any, **options: Any) -> Any:
        return self.function(*args, **options)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


class Residual(Module):
    """y = shortcut(x) + branch(x): layers beside which x goes on unchanged, or through a shortcut that fits its shape.

    layers    the branch, one layer or several in a row
    shortcut  None for x itself; a layer, such as nn.Linear(8, 16), where the branch changes the shape
    drop      the probability with which the branch is dropped in training, for each row (StochasticDepth)
    ShapeError where the shapes of the two differ: they are not broadcast.

    source    He, Zhang, Ren, Sun 2016, Deep residual learning for image recognition

    >>> import minigrad as mg
    >>> block = mg.nn.Residual(mg.nn.Linear(2, 2, init="zeros"), mg.nn.ReLU(), drop=0.1)
    >>> block(mg.tensor([[1.0, 2.0]])).tolist()
    [[1.0, 2.0]]
    """

    def __init__(self, *layers: Module, shortcut: Module | None = None, drop: float = 0.0) -> None:
        if not layers:
            raise TypeError("Residual: got no layer; need those of the branch")
        if not (shortcut is None or isinstance(shortcut, Module)):
            raise TypeError(f"Residual: shortcut is {shortcut!r}; need None or a Module")
        self.branch = layers[0] if len(layers) == 1 and isinstance(layers[0], Module) else Sequential(*layers)
        self.shortcut = shortcut
        drop = finite(drop, "Residual: drop (the share of rows that skip the branch)", 0.0, 1.0)
        self.drop = StochasticDepth(drop) if drop > 0 else None

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        y = self.branch(x)
        beside = x if self.shortcut is None else self.shortcut(x)
        if y.shape != beside.shape:
            what = "x" if self.shortcut is None else "the shortcut"
            raise ShapeError(
                f"the branch gives {y.shape}, {what} {beside.shape}; need the same: give a shortcut=, or change it"
            )
        return add(beside, y if self.drop is None else self.drop(y))


class _List(Module):
    """What ModuleList and ParameterList share: entries as the attributes "0", "1", ..."""

    def _checked(self, i: int, entry: Any) -> Any:
        """The entry, or an error that says what would do."""
        raise NotImplementedError(f"{type(self).__name__} defines no _checked()")

    def _entries(self) -> list[Any]:
        """The entries in their order."""
        raise NotImplementedError(f"{type(self).__name__} defines no _entries()")

    def _replace_all(self: L, entries: Iterable[Any]) -> L:
        """These entries in the place of those that are there."""
        checked = [self._checked(i, entry) for i, entry in enumerate(entries)]
        for i in range(len(self)):
            delattr(self, str(i))
        for i, entry in enumerate(checked):
            self._put(i, entry)
        return self

    def _put(self, i: int, entry: Any) -> None:
        setattr(self, str(i), entry)

    def append(self: L, entry: Any) -> L:
        """Add an entry at the end."""
        return self.extend([entry])

    def extend(self: L, entries: Iterable[Any]) -> L:
        """Add several at the end."""
        count = len(self)
        for i, entry in enumerate([self._checked(count + i, entry) for i, entry in enumerate(entries)]):
            self._put(count + i, entry)
        return self

    def insert(self, i: int, entry: Any) -> None:
        """Put an entry before entry i; those behind it get the next numbers."""
        entries = self._entries()
        entries.insert(i, entry)
        self._replace_all(entries)

    def pop(self, i: int = -1) -> Any:
        """Take entry i out and return it; those behind it get the numbers before."""
        entries = self._entries()
        taken = entries.pop(i)
        self._replace_all(entries)
        return taken

    def __len__(self) -> int:
        return len(self._entries())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries())

    def __contains__(self, entry: Any) -> bool:
        return any(entry is own for own in self._entries())

    def __getitem__(self: L, i: int | slice) -> Any:
        entries = self._entries()
        if not isinstance(i, slice):
            return entries[i]
        made = type(self)()
        for at, entry in enumerate(entries[i]):
            made._put(at, entry)
        return made

    def __setitem__(self, i: int, entry: Any) -> None:
        at = range(len(self))[i]
        self._put(at, self._checked(at, entry))

    def __delitem__(self, i: int | slice) -> None:
        entries = self._entries()
        del entries[i]
        self._replace_all(entries)

    def __add__(self: L, more: Iterable[Any]) -> L:
        return self[:].extend(more)


class ModuleList(_List):
    """Layers in a list, as a part of a module: they are found, named by their numbers, and not called by themselves.

    append, extend, insert, pop, slices and + as lists have them; TypeError for an entry that is no Module.

    >>> import minigrad as mg
    >>> class Ladder(mg.nn.Module):
    ...     def __init__(self):
    ...         self.steps = mg.nn.ModuleList(mg.nn.Linear(2, 2) for _ in range(3))
    ...     def forward(self, x):
    ...         for step in self.steps:
    ...             x = x + step(x)
    ...         return x
    >>> list(Ladder().state_dict())[:3]
    ['steps.0.weight', 'steps.0.bias', 'steps.1.weight']
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def _checked(self, i: int, entry: Any) -> Module:
        if not isinstance(entry, Module):
            cure = f"; did you mean {entry.__name__}()?" if isinstance(entry, type) else ", such as nn.Linear(2, 1)"
            raise TypeError(f"ModuleList: entry {i} is {entry!r}; need a Module{cure}")
        return entry

    def _entries(self) -> list[Module]:
        return self.children()


class ParameterList(_List):
    """Parameters in a list, as a part of a module. Arrays and numbers become parameters with memory of their own.

    append, extend, insert, pop, slices and + as lists have them. TypeError for a tensor that does not require grad:
    give nn.Parameter(...), or its array.

    >>> import minigrad as mg
    >>> weights = mg.nn.ParameterList([mg.zeros(2, 1, requires_grad=True), [1.0, 2.0]])
    >>> list(weights.state_dict()), weights[1]
    (['0', '1'], tensor([1., 2.], requires_grad=True))
    """

    def __init__(self, parameters: Iterable[Any] = ()) -> None:
        self.extend(parameters)

    def _checked(self, i: int, entry: Any) -> Tensor:
        if isinstance(entry, Tensor):
            frozen = any(entry is own for own in self._entries())
            if not frozen and (not entry.tracked or entry.op is not None):
                came = "a result" if entry.op is not None else "a tensor without requires_grad"
                raise TypeError(
                    f"ParameterList: entry {i} is {came}, which would not be trained; need nn.Parameter(...)"
                )
            return entry
        if not isinstance(entry, (np.ndarray, list, tuple, float, int)):
            raise TypeError(f"ParameterList: entry {i} is {entry!r:.60}; need nn.Parameter(...), an array or numbers")
        return Parameter(entry)

    def _put(self, i: int, entry: Tensor) -> None:
        setattr(self, str(i), entry)
        self._parts[str(i)] = PARAMETER  # also where it is frozen

    def _entries(self) -> list[Tensor]:
        return [self.__dict__[name] for name in self._parts]


class ModuleDict(Module):
    """Layers by name, as a part of a module: they are found, named by their keys, and not called by themselves.

    A key is a word without a dot that no attribute of a module has (not "training" or "forward"); ValueError otherwise.

    >>> import minigrad as mg
    >>> heads = mg.nn.ModuleDict({"price": mg.nn.Linear(4, 1), "kind": mg.nn.Linear(4, 3)})
    >>> heads["kind"](mg.zeros(2, 4)).shape, "age" in heads
    ((2, 3), False)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Set several entries, of a mapping or of pairs."""
        for key, module in modules.items() if isinstance(modules, Mapping) else modules:
            self[key] = module

    def __setitem__(self, key: str, module: Module) -> None:
        if not isinstance(module, Module):
            cure = f"; did you mean {module.__name__}()?" if isinstance(module, type) else ""
            raise TypeError(f"ModuleDict: {key!r} is {module!r}; need a Module{cure}")
        if not isinstance(key, str) or not key or "." in key:
            raise ValueError(f"ModuleDict: the key is {key!r}; need a word without a dot")
        if key not in self._modules and hasattr(self, key):
            raise ValueError(f"ModuleDict: every module has an attribute {key!r}; need another key")
        setattr(self, key, module)

    def __getitem__(self, key: str) -> Any:
        if key not in self._modules:
            raise KeyError(f"ModuleDict: there is no {key!r}; there are {', '.join(self._modules) or 'none'}")
        return self._modules[key]

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Any]:
        """The pairs (name, module)."""
        return self._modules.items()

    def pop(self, key: str) -> Any:
        """Take the module of this name out and return it."""
        module = self[key]
        delattr(self, key)
        return module
