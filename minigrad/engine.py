"""Reverse-mode differentiation: tensors that remember how they were made, and the walk back through that memory.

An op is a forward function on arrays and one rule per argument, written in ops again:

    @differentiable(
        a=lambda g, y, a, b: mul(g, b),
        b=lambda g, y, a, b: mul(g, a),
    )
    def mul(a, b): ...

Calling it computes y and, if an argument is tracked, notes (op, inputs) on y. `backward` visits the noted tensors from
the newest to the oldest and hands each one's gradient g to its rules, which return the gradients of its inputs.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from . import kernels as K
from .convert import operand, owned
from .dtypes import REAL
from .errors import DTypeError, GraphError, IntegersBesideFloats, ShapeError
from .op import Op, describe
from .recording import mode, recording

_watch: Callable | None = None  # insight/lookout.py: called with every result and with every gradient of a rule
_clock = itertools.count(1)  # every creation and every write of a tensor gets the next number
_new, _ndarray = object.__new__, np.ndarray


class Tensor:
    """An array and how it was made. Tensors are values: ops make new ones; only `copy_` writes.

    Made by `minigrad.tensor`, `from_numpy` and ops; methods.py has the methods. DTypeError for gradients of integers.
    """

    # array: the numbers. tracked: whether gradients are computed for it. stamp: the clock when it was last written, or
    # made. op, inputs, options: how it was made; op is None for a leaf, inputs is None if it was not recorded or its
    # graph was freed. saved: what the forward kept for the rules. grad: filled by backward. hooks: functions of g.
    __slots__ = ("__weakref__", "array", "grad", "hooks", "inputs", "op", "options", "saved", "stamp", "tracked")

    def __init__(self, array: np.ndarray, requires_grad: bool = False) -> None:
        if not isinstance(array, _ndarray):
            raise TypeError(f"Tensor: got a {type(array).__name__}; minigrad.tensor(data) makes a tensor of it")
        self.array = array
        self.grad = self.op = self.inputs = self.options = self.saved = self.hooks = None
        self.stamp = next(_clock)
        self.tracked = False
        if requires_grad:
            self.requires_grad = True

    @property
    def requires_grad(self) -> bool:
        """Whether backward gives this tensor a gradient. A recorded result keeps True; other tensors can be set."""
        return self.tracked

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if on and self.array.dtype not in REAL:
            raise DTypeError(f"requires_grad: dtype is {self.array.dtype}; only float32 and float64 have gradients")
        if self.tracked and self.op is not None:
            if not on:
                raise GraphError(f"requires_grad: this was made by {self.op.name}; use detach() for a constant copy")
        elif on:
            self.op = None  # a result that was not recorded becomes a leaf
        self.tracked = bool(on)

    def detach(self) -> Tensor:
        """A constant with the same numbers, in memory of its own."""
        array = K.empty_like(self.array)
        K.copy(self.array, array)
        return Tensor(array)

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add the gradients of this tensor to `.grad` of the leaves behind it; its graph is freed unless retained.

        A tensor of several elements needs `gradient`, of its shape. `create_graph` makes the gradients differentiable
        (and retains the graph). GraphError if the graph was freed, or an input was written after its use.

        >>> import minigrad as mg
        >>> x = mg.tensor([3.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([6.])
        """
        seed = _seed(self, gradient, "backward", shared=not create_graph)
        start = next(_clock)
        free = not (create_graph if retain_graph is None else retain_graph)
        handed_out = set()
        for leaf, g in walk(self, seed, (), create_graph, free).values():
            if leaf.grad is not None:
                with recording(create_graph):
                    leaf.grad = accumulate(leaf.grad, g)
            elif create_graph:
                leaf.grad = g
            else:
                # .grad has memory of its own, so g is copied if it was made before this walk, if it is a view, or if
                # another leaf has the same array as its gradient, as both leaves of a + b do.
                own = g.stamp > start and type(g.array.base) is not _ndarray and id(g.array) not in handed_out
                handed_out.add(id(g.array))
                leaf.grad = g if own else g.detach()


def full(x: Tensor, number: float) -> Tensor:
    """A constant of one number everywhere, in the shape and dtype of x."""
    array = K.empty_like(x.array)
    K.copy(number, array)
    return Tensor(array)


def flat(g: Tensor, x: Tensor) -> Tensor:
    """The rule of an argument whose derivative is 0 almost everywhere."""
    return full(x, 0.0)


_PLAIN = frozenset({float, int, bool, str, tuple, slice, type(None)})


def _operands(op: Op, args: tuple) -> tuple:
    """args with arrays and lists as tensors and NumPy scalars as numbers; a list of labels (no rule) stays integers."""
    taken = []
    for i, x in enumerate(args):
        if isinstance(x, np.generic):
            x = x.item()
        elif isinstance(x, (np.ndarray, list)):
            x = Tensor(operand(x, f"{op.name}: {op.argument(i)}", op.rules[i] is None))
        elif type(x) is not Tensor and type(x) not in _PLAIN:
            raise TypeError(f"{op.name}: {op.argument(i)} is a {type(x).__name__}; need a tensor, an array or a number")
        taken.append(x)
    return tuple(taken)


def _as_floats(op: Op, args: tuple, error: DTypeError) -> tuple:
    """The arguments, with tensors of integers or booleans cast to the dtype of the float arguments, as constants."""
    real = np.result_type(*[x.array.dtype for x in args if type(x) is Tensor and x.array.dtype in REAL])
    cast = [type(x) is Tensor and x.array.dtype not in REAL and op.rules[i] is not None for i, x in enumerate(args)]
    if not any(cast):
        op.explain(error, args, {})  # raises
    return tuple(Tensor(owned(x.array, real)) if other else x for x, other in zip(args, cast))


def differentiable(
    *, shared: Callable | None = None, replayable: bool = True, opaque: bool = False, called: str = "", **rules: Any
) -> Callable:
    """Make an op of a forward function: arrays in, an array out, or (array, saved).

    There is one rule for each positional argument x, `x=lambda g, y, *arguments, **options: ...`: it gets the gradient
    g of the output y and returns the gradient of x, computed by ops, so that it can be differentiated again. None says
    that x has no gradient, `flat` that its gradient is zero. Keyword-only arguments are constants. What several rules
    need is computed once by `shared(g, y)`, and they get it in place of g; the arguments are in `y.inputs` and
    `y.options`. Rules find `saved` as `y.saved`. A variadic op, of arguments *xs, has one rule for all, which gets the
    position i first: `xs=lambda i, g, y, *xs, **options: ...`. `opaque` says that the forward computes with NumPy
    instead of kernels (kernels.report() lists it). `called` is the op's name in errors, where users call it through
    another function. TypeError if the names of rules and arguments differ.

    >>> import minigrad as mg
    >>> from minigrad import kernels as K
    >>> @mg.differentiable(x=lambda g, y, x: mg.mul(g, mg.mul(3.0, mg.mul(x, x))))
    ... def cube(x):
    ...     y = K.empty_like(x)
    ...     K.mul(x, x, y)
    ...     K.mul(x, y, y)
    ...     return y
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor(12.)
    """

    def decorate(forward: Callable) -> Callable[..., Tensor]:
        op = Op(called or forward.__name__, forward, rules, shared, replayable and not opaque)
        if opaque:
            K.opaque(op.name)
        return _recorder(op)

    return decorate


def _recorder(op: Op) -> Callable[..., Tensor]:
    """The function that users call: it runs the op on arrays, and notes on the result how it was made."""
    forward, count, named, defaults = op.forward, len(op.names), len(op.keywords), op.options

    @functools.wraps(forward)
    def apply(*args: Any, **options: Any) -> Tensor:
        if len(args) != count:
            args, options = op.bind(args, options)
        tracked, saved = False, None
        arrays = []
        for x in args:
            if type(x) is Tensor:
                arrays.append(x.array)
                if x.tracked:
                    tracked = True
            elif type(x) in _PLAIN:
                arrays.append(x)
            else:
                return apply(*_operands(op, args), **options)
        try:
            made = forward(*arrays, **options) if options else forward(*arrays)
        except IntegersBesideFloats as error:
            return apply(*_as_floats(op, args, error), **options)
        except (TypeError, ValueError, AttributeError) as error:  # ShapeError and DTypeError among them
            op.explain(error, args, options)
            raise
        if type(made) is not _ndarray:
            made, saved = made if type(made) is tuple else (np.asarray(made), None)
        y = _new(Tensor)
        y.array, y.saved = made, saved
        y.grad = y.hooks = None
        y.stamp = next(_clock)
        y.op = op  # also where nothing is recorded: cross_entropy refuses logits that a softmax made
        if tracked and mode.recording:
            if len(options) < named:
                options = defaults | options if options else defaults
            y.tracked, y.inputs, y.options = True, args, options
        else:
            y.tracked, y.inputs, y.options = False, None, None
            if tracked and type(made.base) is _ndarray:
                # The result is a view of a parameter and nothing is recorded: a later write to the parameter would
                # change it unnoticed, so copy it.
                y.array = Tensor(made).detach().array
        if _watch is not None:
            _watch(op, y, args, options)
        return y

    apply.op = op  # type: ignore[attr-defined]
    return apply


def _sum_gradients(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    y = K.empty_like(a)
    K.add(a, b, y)
    return y


# The only op that the walk itself calls: if a tensor is used twice, the gradients of both uses are added.
accumulate = differentiable(a=lambda g, y, a, b: g, b=lambda g, y, a, b: g)(_sum_gradients)


def walk(output: Tensor, g: Tensor, wanted: Collection[int], create_graph: bool, free: bool) -> dict[int, tuple]:
    """stamp -> (tensor, gradient) of each leaf behind output, and of the tensors whose stamps are in wanted."""
    pending, found = {output.stamp: (output, g)}, {}  # both: stamp -> (tensor, its gradients added so far)
    alone, heap = output.stamp, []  # the stamps in pending: a single one in alone, several in the heap (alone is 0)
    oldest = min(wanted) if wanted else 0  # an older tensor does not depend on a wanted one, so the walk skips it
    before, mode.recording = mode.recording, create_graph
    try:
        while pending:
            # Take the newest tensor: b = a + a; c = b + b must finish b before a, so creation order decides.
            stamp = alone or -heappop(heap)
            y, g = pending.pop(stamp)
            op, inputs, options = y.op, y.inputs, y.options
            if y.hooks:
                g = _hooked(y, g)
            if op is None or stamp in wanted:
                found[stamp] = y, g
            if op is None:
                continue
            if inputs is None:
                raise op.freed()
            # Call the rule of each input that needs a gradient. (op.positions is empty for a variadic op, *xs.)
            arguments = (g if op.shared is None else op.shared(g, y), y) + inputs
            for i in op.positions or range(len(inputs)):
                x = inputs[i]
                if type(x) is not Tensor:
                    continue
                made = x.stamp  # larger than y's stamp if x was written after y used it
                if made > stamp or made < oldest:
                    _check_unwritten(op, x, stamp)
                if not x.tracked or made < oldest:
                    continue
                rule = op.rules[i]
                if rule is None:
                    raise op.without_gradient(i)
                gx = flat(g, x) if rule is flat else rule(*arguments, **options) if options else rule(*arguments)
                if _watch is not None or type(gx) is not Tensor or not K.alike(gx.array, x.array):
                    _inspect(y, x, i, g, gx)
                # Add gx to x's gradient. A leaf has no rules to call, so only one with hooks is put into pending.
                known = found if x.op is None and x.hooks is None else pending
                if made in known:
                    gx = accumulate(known[made][1], gx)
                elif known is pending:
                    alone = made if not pending else _queued(heap, alone, made)
                known[made] = x, gx
            if free:
                y.inputs = y.options = y.saved = None
    finally:
        mode.recording = before
    return found


def _queued(heap: list[int], alone: int, made: int) -> int:
    """Put the stamp `made` into the heap, and `alone` too if it is a stamp. Returns 0, the new value of alone."""
    if alone:
        heap.append(-alone)
    heappush(heap, -made)
    return 0


def _check_unwritten(op: Op, x: Tensor, used: int) -> None:
    """Raise if x was written after op used it, at time `used`; if x is a view of a leaf, also if the leaf was.

    Writing to a leaf changes its stamp, not the stamps of its views. When the walk visits a view, it compares the
    stamps of both. It skips views that are older than all wanted tensors, so the loop here compares for those.
    """
    while type(x) is Tensor:
        if x.stamp > used:
            raise op.written(x)
        x = x.inputs[0] if x.inputs and type(x.array.base) is _ndarray else None


def _inspect(y: Tensor, x: Tensor, i: int, g: Tensor, gx: Any) -> None:
    """Call _watch with gx, which rule i of y's op made from g for the input x; raise if gx does not fit x."""
    if _watch is not None:
        _watch(y.op, y, y.inputs, y.options, i, g, gx)
    if type(gx) is not Tensor or not K.alike(gx.array, x.array):
        raise GraphError(f"{y.op.name}: a rule returned {describe(gx)} for an input {describe(x)}")


def _hooked(y: Tensor, g: Tensor) -> Tensor:
    """The gradient g of y, as y's hooks changed it."""
    if g.op is None and not g.tracked:
        g = g.detach()  # g may be the shared 1 of _ONES, and a hook may keep or change its argument, so copy it
    for hook in tuple(y.hooks):
        changed = hook(g) if mode.step is None else mode.step.hooked(hook(g))
        if changed is not None:
            if describe(changed) != describe(g):
                raise GraphError(f"register_hook: a hook returned {describe(changed)}; need {describe(g)} or None")
            g = changed
    return g


# Every backward from a scalar starts with the gradient 1. It is made once per dtype, because making a tensor costs
# 0.5 µs, a fifteenth of a step of 20-64-1. Leaves and hooks get copies of it. The two tensors are made first,
# with the stamps 1 and 2. A write gives a tensor a new stamp, so one with a larger stamp was changed, and is not used.
_ONES = {dtype: Tensor(np.ones((), dtype)) for dtype in REAL}


def _seed(output: Tensor, gradient: Any, caller: str, shared: bool = False) -> Tensor:
    """The gradient that a walk starts with: `gradient` if one is given, else 1, which is the one in _ONES if shared."""
    if not isinstance(output, Tensor) or not output.tracked:
        raise GraphError(f"{caller}: the output does not depend on a tensor with requires_grad=True")
    array = output.array
    if gradient is None:
        if array.size != 1:
            raise GraphError(f"{caller}: the output is {array.shape}; reduce it to one number, or pass a gradient")
        one = _ONES[array.dtype]
        return one if shared and array.ndim == 0 and one.stamp <= len(_ONES) else full(output, 1.0)
    seed = gradient if isinstance(gradient, Tensor) else Tensor(owned(gradient, array.dtype))
    if seed.array.shape != array.shape:
        raise ShapeError(f"{caller}: the gradient is {seed.array.shape}, the output {array.shape}; need the same")
    if seed.array.dtype != array.dtype:
        raise DTypeError(f"{caller}: the gradient is {seed.array.dtype}, the output {array.dtype}; need the same")
    return seed


def grad(
    outputs: Tensor,
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Any:
    """The gradient of `outputs` with respect to `inputs`: a tensor for one tensor, else a tuple; no `.grad` changes.

    An unused input is a GraphError, or None with `allow_unused`. `create_graph` makes the result differentiable again.

    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> dx = mg.grad(x * x * x, x, create_graph=True)
    >>> dx, mg.grad(dx, x)
    (tensor(12., requires_grad=True), tensor(12.))
    """
    single = isinstance(inputs, Tensor)
    wanted = [inputs] if single else list(inputs)
    for i, x in enumerate(wanted):
        if not isinstance(x, Tensor) or not x.tracked:
            raise GraphError(f"grad: input {i} is not a tensor with requires_grad=True")
    seed = _seed(outputs, grad_outputs, "grad")
    free = not (create_graph if retain_graph is None else retain_graph)
    found = walk(outputs, seed, {x.stamp for x in wanted}, create_graph, free)
    result = []
    for i, x in enumerate(wanted):
        if x.stamp not in found and not allow_unused:
            which = f"input {i}, shape {x.array.shape}"
            raise GraphError(f"grad: the output does not depend on {which}; allow_unused=True gives None for it")
        result.append(found[x.stamp][1] if x.stamp in found else None)
    return result[0] if single else tuple(result)


def touch(tensors: Iterable[Tensor]) -> None:
    """Stamp tensors whose arrays were written; a walk over a graph that used their old numbers then raises."""
    for t in tensors:
        t.stamp = next(_clock)
