"""Functions that are called when a module is: before and after its forward pass, and in the backward pass.

    handle = module.register_forward_pre_hook(hook)    hook(module, args)                     None, or other args
    handle = module.register_forward_hook(hook)        hook(module, args, output)             None, or another output
    handle = module.register_full_backward_hook(hook)  hook(module, grad_input, grad_output)  None, or other grad_input
    handle.remove()

On the right is what a hook may return. args are those given by position; with_kwargs=True passes also those given by
keyword, as a dict after args (a hook before then returns None or (args, kwargs)). One value that is no tuple stands for
a tuple of one. Hooks run in the order in which they were registered, prepend=True before all others. A copy of a module
has its hooks.

A hook of the backward pass is called once per pass, when the gradients of all inputs are known, or, where no input
requires grad, those of all outputs. grad_input has an entry for each argument given by position and grad_output one for
each output: None for what is no tensor, or got no gradient. Outputs are a tensor, or a tuple or list of them. A module
with such a hook costs a node of the graph for each tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor, differentiable, full
from ..errors import GraphError
from ..op import describe
from ..recording import is_grad_enabled, mode

if TYPE_CHECKING:
    from .module import Module

Gradients = tuple["Tensor | None", ...]
SILENT = (
    "it returns nothing, so that it is there for something beside the step, which a replay would not do. Remove it, "
    "or, if it is made of ops alone, let it return what it was given"
)


class Handle:
    """What a register function returns: remove(), or leaving a `with` block, takes the hook away again."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; nothing if it is gone."""
        self._hooks[:] = [hook for hook in self._hooks if hook is not self._hook]

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class Hooks:
    """The hooks of one module by their moment; each a pair (function, whether it wants keyword arguments)."""

    def __init__(self) -> None:
        self.before: list[tuple[Callable, bool]] = []
        self.after: list[tuple[Callable, bool]] = []
        self.backward: list[tuple[Callable, bool]] = []
        self.silent = ""  # the name of a hook that returned nothing

    def __bool__(self) -> bool:
        return bool(self.before or self.after or self.backward)

    def add(self, moment: str, hook: Any, prepend: bool, with_kwargs: bool = False) -> Handle:
        """Note a hook; TypeError if it is no function."""
        if not callable(hook):
            raise TypeError(f"a hook of a module is {hook!r}; need a function")
        hooks, entry = getattr(self, moment), (hook, with_kwargs)
        hooks.insert(0 if prepend else len(hooks), entry)
        return Handle(hooks, entry)

    def copied(self) -> Hooks:
        """The same hooks in lists of their own."""
        twin = Hooks()
        twin.before, twin.after, twin.backward = list(self.before), list(self.after), list(self.backward)
        return twin


def replays(hook: Callable) -> Callable:
    """Say of a hook that all it does is kernels, which mg.compile and fit(compile=True) repeat."""
    hook.__dict__["replays"] = True
    return hook


def run(hooks: Hooks, module: Module, args: tuple, options: dict[str, Any]) -> Any:
    """module.forward(*args, **options) between its hooks."""
    for hook, with_kwargs in tuple(hooks.before):
        if with_kwargs:
            changed = said(hooks, hook, hook(module, args, options))
            if changed is not None and not (isinstance(changed, tuple) and len(changed) == 2):
                raise TypeError(f"a forward pre-hook with_kwargs returned {changed!r}; need None or (args, kwargs)")
            args, options = (args, options) if changed is None else changed
        else:
            changed = said(hooks, hook, hook(module, args))
            args = args if changed is None else as_tuple(changed)
    crossing = None
    if hooks.backward and is_grad_enabled():
        crossing = Crossing(module, hooks)
        args = crossing.enter(args)
    output = module.forward(*args, **options)
    for hook, with_kwargs in tuple(hooks.after):
        changed = hook(module, args, options, output) if with_kwargs else hook(module, args, output)
        changed = said(hooks, hook, changed)
        output = output if changed is None else changed
    return output if crossing is None else crossing.leave(output)


def said(hooks: Hooks, hook: Any, changed: Any) -> Any:
    """What a hook returned. Of a step that mg.compile records nothing is lost: there a hook has to return something."""
    if changed is None and not getattr(hook, "replays", False):
        hooks.silent = getattr(hook, "__name__", type(hook).__name__)
        if mode.step is not None:
            mode.step.refuse(f"the hook {hooks.silent} of a module", SILENT)
    return changed


def as_tuple(x: Any) -> tuple:
    """x, or a tuple of it alone."""
    return x if isinstance(x, tuple) else (x,)


# --- the backward pass -----------------------------------------------------------------------------------------------


class Seam:
    """Tensors through which gradients pass together: `met` gets them all once the last has arrived.

    met(gradients) returns None, or gradients to send on. Behind the seam, each tensor is replaced by a `crossed` of it,
    whose gradient is noted, not sent on: what goes on is sent by the `knot` that was tied before any of them. It is
    older, so the walk comes to it only when all of them have been visited.
    """

    def __init__(self, met: Callable[[Gradients], Gradients | None]) -> None:
        self.met = met
        self.tensors: tuple[Tensor, ...] = ()
        self.arrived: dict[int, Tensor] = {}

    def sew(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The tensors behind the seam."""
        self.tensors = tuple(tensors)
        tied = knot(*tensors, seam=self)
        return [crossed(_constant(x), tied, seam=self, at=i) for i, x in enumerate(tensors)]

    def note(self, at: int, g: Tensor, tied: Tensor) -> Tensor:
        """Keep the gradient of tensor number `at`; returns the empty gradient of the knot."""
        self.arrived[at] = g
        return Tensor(tied.array)

    def send(self) -> list[Tensor]:
        """The gradients that go on; zeros for a tensor that none has reached."""
        came = tuple(self.arrived.get(i) for i in range(len(self.tensors)))
        self.arrived.clear()
        changed = self.met(came)
        gradients = came if changed is None else changed
        return [full(x, 0.0) if g is None else g for g, x in zip(gradients, self.tensors)]


def _constant(x: Tensor) -> Tensor:
    """The numbers of x without its graph, in the same memory."""
    y = Tensor(x.array)
    y.stamp = x.stamp
    return y


@differentiable(xs=lambda i, g, y, *xs, seam: g[i], shared=lambda g, y: y.options["seam"].send())
def knot(*xs, seam):
    """An empty tensor: its gradient says that all gradients have arrived at the seam."""
    return K.empty((0,), np.float32)


@differentiable(x=None, tied=lambda g, y, x, tied, *, seam, at: seam.note(at, g, tied))
def crossed(x, tied, *, seam, at):
    """y = x, tensor number `at` of a seam."""
    return x.view()


@differentiable(x=lambda g, y, x, *, seen: seen(g))
def watched(x, *, seen):
    """y = x; its gradient is shown to `seen`, which returns it."""
    return x.view()


class Crossing:
    """One call of a module with hooks of the backward pass: what stands around it, and the gradients there.

    If an input requires grad, the inputs lie behind a seam: hooks are called when all their gradients have arrived,
    which is after those of the outputs. Else the outputs do.
    """

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module, self.hooks = module, hooks
        self.inputs: list[int] = []  # the positions of arguments that require grad
        self.count = 0
        self.grad_output: list[Tensor | None] = []

    def enter(self, args: tuple) -> tuple:
        """The arguments behind a seam."""
        self.count = len(args)
        self.inputs = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.tracked]
        if not self.inputs:
            return args
        behind = dict(zip(self.inputs, Seam(self.gradients_in).sew([args[i] for i in self.inputs])))
        return tuple(behind.get(i, x) for i, x in enumerate(args))

    def leave(self, output: Any) -> Any:
        """The output, whose gradients are noted."""
        parts = list(output) if isinstance(output, (tuple, list)) else [output]
        places = [i for i, y in enumerate(parts) if isinstance(y, Tensor) and y.tracked]
        self.grad_output = [None] * len(parts)
        if not places:
            return output
        if self.inputs:
            shown = [watched(parts[i], seen=self.seen(i)) for i in places]
        else:
            shown = Seam(lambda came: self.only_outputs(places, came)).sew([parts[i] for i in places])
        for i, y in zip(places, shown):
            parts[i] = y
        if not isinstance(output, (tuple, list)):
            return parts[0]
        return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)

    def seen(self, place: int) -> Callable[[Tensor], Tensor]:
        """What notes the gradient of one output."""

        def note(g: Tensor) -> Tensor:
            self.grad_output[place] = g
            return g

        return note

    def only_outputs(self, places: list[int], came: Gradients) -> None:
        """Note the gradients of all outputs and call the hooks: there are none of inputs."""
        for place, g in zip(places, came):
            self.grad_output[place] = g
        self.call((None,) * self.count)

    def gradients_in(self, came: Gradients) -> Gradients:
        """What goes on from the inputs: what came, or what hooks put in its place."""
        by_place = dict(zip(self.inputs, came))
        changed = self.call(tuple(by_place.get(i) for i in range(self.count)))
        return tuple(changed[i] for i in self.inputs)

    def call(self, grad_input: Gradients) -> Gradients:
        """grad_input after all hooks. What was noted of this backward pass is forgotten."""
        grad_output, self.grad_output = tuple(self.grad_output), [None] * len(self.grad_output)
        for hook, _ in tuple(self.hooks.backward):
            changed = said(self.hooks, hook, hook(self.module, grad_input, grad_output))
            if changed is None:
                continue
            changed = as_tuple(changed)
            if len(changed) != len(grad_input) or any(not same_kind(a, b) for a, b in zip(changed, grad_input)):
                raise GraphError(
                    f"register_full_backward_hook: a hook returned {told(changed)}; need None, or gradients like "
                    f"{told(grad_input)}"
                )
            grad_input = changed
        return grad_input


def same_kind(a: Any, b: Tensor | None) -> bool:
    """Whether a may stand in the place of the gradient b."""
    return a is b or (isinstance(a, Tensor) and b is not None and K.alike(a.array, b.array))


def told(gradients: tuple) -> str:
    """Gradients as errors name them."""
    return "(" + ", ".join("None" if g is None else describe(g) for g in gradients) + ")"
