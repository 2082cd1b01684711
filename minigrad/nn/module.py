"""Module: a tree of named parts. Parameters, buffers and submodules are plain attributes of a noted kind."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from .. import kernels as K
from ..checks import real_dtype, refuse_unknown_of
from ..dtypes import REAL
from ..engine import Tensor, touch
from ..errors import GraphError
from ..tensor import tensor
from .displayed import as_tree, in_notebook
from .hooks import Handle, Hooks, run
from .loading import faults
from .parametrized import HELD_IN, Parametrized
from .prediction import predict

PARAMETER, BUFFER = "parameter", "buffer"
ERRORS = ValueError, TypeError, LookupError, ArithmeticError, RuntimeError  # to which a layer adds its path
Self = TypeVar("Self", bound="Module")


def Parameter(data: Any, dtype: Any = None) -> Tensor:
    """A tensor with requires_grad and memory of its own: as an attribute of a Module it is one of its parameters.

    >>> from minigrad import nn
    >>> nn.Parameter([0.0, 1.0])
    tensor([0., 1.], requires_grad=True)
    """
    return tensor(data, dtype, requires_grad=True)


class Parameters(list[Tensor]):
    """What `Module.parameters()` returns: a list of tensors that also has their names and the module.

    An optimizer takes both from it, so that its errors and its state name parameters. The module is held weakly. A
    slice, a sum or a copy is a plain list without names.
    """

    def __init__(self, module: Module) -> None:
        self.names = {p: name for name, p in module.named_parameters()}
        self.module = weakref.ref(module)
        super().__init__(self.names)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


class Module(Parametrized):
    """A function with parameters. A subclass sets its parts as attributes and defines `forward`.

    A leaf tensor that requires grad when it is set is a parameter, also after requires_grad_(False) froze it. Other
    tensors that belong to the state are set by `register_buffer`. What stands in two places has one name, the first.

    TypeError where an attribute would hide parameters from the optimizer (a list of layers, a tensor in place of a
    parameter); GraphError for a copy of a module that holds the result of an op; ValueError from load_state_dict for
    names or shapes that do not fit.

    >>> import minigrad as mg
    >>> class Scale(mg.nn.Module):
    ...     def __init__(self):
    ...         self.factor = mg.nn.Parameter([2.0])
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(mg.tensor([3.0])), Scale().state_dict()
    (tensor([6.], requires_grad=True), {'factor': array([2.], dtype=float32)})
    """

    training: bool
    _parts: dict[str, Any]  # attribute -> PARAMETER or BUFFER, in the order in which they were set
    _modules: dict[str, Any]  # attribute -> submodule, likewise
    watchers: Collection[Callable[[tuple, Any], None]] = ()  # called with (arguments, output) after each forward pass
    _hooks: Hooks | None = None  # the functions of register_forward_hook and its kin

    def __new__(cls, *args: Any, **options: Any) -> Module:
        if options:
            refuse_unknown_of(cls.__init__, cls.__name__, options)
        self = super().__new__(cls)  # with its parts, so that a subclass need not call super().__init__()
        self.__dict__.update(_parts={}, _modules={}, training=True)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        if HELD_IN in self._modules:
            self._refuse_computed(name)
        kind = self._parts.get(name)
        if kind is not None and self.__dict__[name] is not value:
            self._refuse_replacement(name, kind, value)
        if isinstance(value, Tensor):
            leaf = value.tracked and value.op is None
            kind = PARAMETER if leaf or kind == PARAMETER else BUFFER if kind == BUFFER else None
        else:
            kind = None
            if isinstance(value, (list, tuple, dict)):
                self._refuse_hidden(name, value)
        module = value if isinstance(value, Module) else None
        for noted, part in (self._parts, kind), (self._modules, module):
            if part is None:
                noted.pop(name, None)
            else:
                noted[name] = part
        self.__dict__[name] = value

    def _refuse_replacement(self, name: str, kind: str, value: Any) -> None:
        """Raise for a value in place of a parameter that would not be trained, or of a buffer that has a graph."""
        what = f"{self._label()}.{name} is a {kind}"
        held, result = self.__dict__[name], isinstance(value, Tensor) and value.op is not None
        if kind == BUFFER and result and value.tracked:
            raise TypeError(
                f"{what} and takes constants; the value was made by {value.op.name} and has a graph: use "
                "detach(), or compute it under no_grad()"
            )
        if kind == BUFFER or value is None or isinstance(value, Module):
            return
        if not isinstance(value, Tensor) or result or (held.tracked and not value.tracked):
            came = f"the result of {value.op.name}" if result else f"a {type(value).__name__} without requires_grad"
            raise TypeError(
                f"{what}; {came} would not be trained in its place: write its numbers by "
                f"{name}.copy_(...) under no_grad(), replace it by nn.Parameter(...), or freeze it by "
                f"{name}.requires_grad_(False)"
            )

    def _refuse_hidden(self, name: str, value: Any) -> None:
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, Module) or (isinstance(item, Tensor) and item.tracked and item.op is None):
                raise TypeError(
                    f"{self._label()}.{name} is a {type(value).__name__} of modules or parameters, which "
                    "are not found in there; use nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, or "
                    "an attribute for each"
                )

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._parts.pop(name, None)
        self._modules.pop(name, None)

    def register_buffer(self, name: str, value: Any) -> None:
        """Set a constant tensor that belongs to the state: in state_dict, without a gradient."""
        value = value if isinstance(value, Tensor) else tensor(value)
        if value.tracked:
            raise TypeError(f"register_buffer: {name!r} requires grad; set it as an attribute, or detach() it")
        if name in self._parts:
            self._parts[name] = BUFFER  # also in place of a parameter: who calls this means it
        setattr(self, name, value)
        self._parts[name] = BUFFER

    # --- calls ---------------------------------------------------------------------------------------------------

    def forward(self, *args: Any, **options: Any) -> Any:
        """The function itself; called as module(x)."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            output = self.forward(*args, **options) if not self._hooks else run(self._hooks, self, args, options)
        except ERRORS as error:
            self._locate(error)
            raise
        for watcher in self.watchers:
            watcher(args, output)
        return output

    def predict(self, x: Any, batch_size: int = 256) -> Any:
        """The outputs for the rows x (n, ...) as a new NumPy array: in eval mode, without a graph, in batches.

        x is an array, a tensor, nested lists, or what has rows x beside targets (data.Dataset, data.Loader: in their
        order). Floats are cast to the model's dtype; integers stay integers where the model takes them, as embeddings
        and products with weights do. Modes are left as found. batch_size bounds the memory; the bits do not depend on
        it, where a layer looks at each row alone. A model that returns a tuple, list or dict of tensors gives one of
        arrays. ShapeError, DTypeError or TypeError for an x that is no array of rows.

        >>> from minigrad import nn
        >>> model = nn.Sequential(nn.Linear(2, 1, init="zeros"), nn.Dropout(0.5))
        >>> model.predict([[1, 2], [3, 4], [5, 6]]).tolist(), model.training
        ([[0.0], [0.0], [0.0]], True)
        """
        return predict(self, x, batch_size)

    def register_forward_pre_hook(self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False) -> Handle:
        """Call hook(module, args) before each forward pass: see hooks.py."""
        return self._hooked().add("before", hook, prepend, with_kwargs)

    def register_forward_hook(self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False) -> Handle:
        """Call hook(module, args, output) after each forward pass: see hooks.py.

        >>> import minigrad as mg
        >>> layer, seen = mg.nn.Linear(3, 2), []
        >>> with layer.register_forward_hook(lambda module, args, output: seen.append(output.shape)):
        ...     y = layer(mg.zeros(4, 3))
        >>> seen
        [(4, 2)]
        """
        return self._hooked().add("after", hook, prepend, with_kwargs)

    def register_full_backward_hook(self, hook: Any, prepend: bool = False) -> Handle:
        """Call hook(module, grad_input, grad_output) in each backward pass: see hooks.py."""
        return self._hooked().add("backward", hook, prepend)

    def _hooked(self) -> Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        assert self._hooks is not None
        return self._hooks

    def watch(self, watcher: Callable[[tuple, Any], None]) -> None:
        """Call watcher(arguments, output) after each forward pass, as long as somebody else holds it."""
        self.__dict__.setdefault("watchers", weakref.WeakSet()).add(watcher)

    def __getstate__(self) -> dict[str, Any]:
        """What copy, deepcopy and pickle take: a copy is not watched, has the hooks, and notes parts of its own."""
        for name, value in self.__dict__.items():
            if isinstance(value, Tensor) and value.tracked and value.op is not None:
                raise GraphError(
                    f"copy: {self._label()}.{name} was made by {value.op.name}, and a copy has no graph; "
                    "store x.detach(), or delete the attribute first"
                )
        state = {**self.__dict__, "_parts": {**self._parts}, "_modules": {**self._modules}}
        if self._hooks:
            state["_hooks"] = self._hooks.copied()
        return {name: value for name, value in state.items() if name != "watchers"}

    def _locate(self, error: Exception) -> None:
        """Put the path of the layer that raised before the message: model.2 (Linear 64->10): x is ..."""
        if len(error.args) != 1 or not isinstance(error.args[0], str):
            return
        module, text = error.__dict__.setdefault("_raised_in", (self, error.args[0]))
        for name, part in self.named_modules():
            if part is module:
                where = f"model.{name} ({module._label()})" if name else module._label()
                error.args = (f"{where}: {text}",)
                break

    # --- the tree ------------------------------------------------------------------------------------------------

    def named_children(self) -> list[tuple[str, Module]]:
        """The direct submodules with their names."""
        return list(self._modules.items())

    def children(self) -> list[Module]:
        """The direct submodules."""
        return list(self._modules.values())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module, named '', and all below it: parents first, in the order of attributes, each once."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:  # a loop: trees may be deeper than Python recurses
            name, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield name, module
            prefix = name + "." if name else ""
            stack.extend((prefix + part, child) for part, child in reversed(module.named_children()))

    def modules(self) -> Iterator[Module]:
        """This module and all below it, in the order of named_modules."""
        return (module for _, module in self.named_modules())

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call fn(module) for every module of the tree, children before their parents; returns this module.

        >>> from minigrad import nn
        >>> def start_small(module):
        ...     if isinstance(module, nn.Linear):
        ...         module.bias.requires_grad_(False)
        >>> model = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).apply(start_small)
        >>> [name for name, p in model.named_parameters() if p.requires_grad]
        ['0.weight']
        """
        order: list[Module] = []
        waiting: list[Module] = [self]
        seen = set[int]()
        while waiting:  # parents before children, the last child first: read backwards, children come first
            module = waiting.pop()
            if id(module) not in seen:
                seen.add(id(module))
                order.append(module)
                waiting.extend(module.children())
        for module in reversed(order):
            fn(module)
        return self

    def _named_tensors(self, *kinds: str) -> Iterator[tuple[str, Tensor]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, kind in module._parts.items():
                if kind in kinds and id(module.__dict__[name]) not in seen:
                    seen.add(id(module.__dict__[name]))
                    yield f"{path}.{name}" if path else name, module.__dict__[name]

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters with their names, each once."""
        return self._named_tensors(PARAMETER)

    def parameters(self) -> Parameters:
        """The parameters, frozen ones too, each once: a list that also notes their names.

        >>> from minigrad import nn
        >>> [p.shape for p in nn.Linear(3, 2).parameters()]
        [(3, 2), (2,)]
        """
        return Parameters(self)

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their names, each once."""
        return self._named_tensors(BUFFER)

    def buffers(self) -> list[Tensor]:
        """The buffers, each once."""
        return [t for _, t in self.named_buffers()]

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Let all parameters be trained, or freeze them: they stay parameters, and get no gradient."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def train(self: Self, mode: bool = True) -> Self:
        """Training mode for the whole tree (dropout drops); mode=False is eval()."""
        for _, module in self.named_modules():
            module.__dict__["training"] = bool(mode)
        return self

    def eval(self: Self) -> Self:
        """Evaluation mode for the whole tree: dropout does not drop."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.grad = None

    def to(self: Self, dtype: Any) -> Self:
        """Round parameters and real buffers to float32 or float64, in place; gradients are forgotten."""
        dtype = real_dtype(dtype, "to: dtype")
        for _, t in self._named_tensors(PARAMETER, BUFFER):
            if t.array.dtype in REAL and t.array.dtype != dtype:
                array = K.empty(t.array.shape, dtype)
                K.copy(t.array, array)
                t.array, t.grad = array, None
                touch([t])
        return self

    # --- state ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name -> copy of every parameter and buffer, in the order of the tree."""
        state = {}
        for name, t in self._named_tensors(PARAMETER, BUFFER):
            state[name] = K.empty_like(t.array)
            K.copy(t.array, state[name])
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Write the arrays of `state` into this module; returns the names (missing, unexpected).

        `state` is what state_dict or minigrad.load gave, or any mapping of names to arrays or tensors. Numbers become
        the dtype that this module has: float64 is rounded to float32, float32 and whole numbers become floats; floats
        do not become whole numbers, complex numbers do not become floats.

        Everything is checked before anything is written. `strict=False` leaves what is missing as it was, and ignores
        what is unexpected; shapes must fit in any case, and one name at least. The ValueError names all that is
        missing, unexpected, or of another shape or kind.
        """
        if not isinstance(state, Mapping):
            read = (
                f"; minigrad.load({os.fspath(state)!r}) reads a file" if isinstance(state, (str, os.PathLike)) else ""
            )
            raise TypeError(f"load_state_dict: got a {type(state).__name__}; need a mapping of names to arrays{read}")
        own = dict(self._named_tensors(PARAMETER, BUFFER))
        missing, unexpected = [n for n in own if n not in state], [n for n in state if n not in own]
        given = {name: np.asarray(state[name]) for name in own if name in state}
        if wrong := faults(own, state, given, strict):
            raise ValueError(f"load_state_dict: {'; '.join(wrong)}")
        for name, array in given.items():
            K.copy(K.contiguous(array), own[name].array)
        touch(own[name] for name in given)
        return missing, unexpected

    # --- text ----------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What repr and errors say about this module beside its class."""
        return ""

    def _label(self) -> str:
        return f"{type(self).__name__} {self.extra_repr()}".rstrip()

    __repr__ = as_tree
    _repr_html_ = in_notebook
