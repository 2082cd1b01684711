"""Checkpoints in a graph: what a function computes is forgotten, and computed again when the gradient is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any

import numpy as np

from .. import engine
from .. import kernels as K
from ..engine import Tensor, accumulate, differentiable, flat
from ..errors import GraphError
from ..op import Op, describe
from ..ops.shape.join import cat
from ..ops.shape.slices import narrow
from ..ops.shape.views import reshape
from ..recording import mode, recording

Draw = tuple[int, int]  # key and stream


def checkpoint(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """function(*args, **options), whose intermediate results are not kept: backward calls the function a second time.

    A deep network then keeps the results between its checkpoints alone, for one forward pass more. Gradients have the
    bits of a call without checkpoint, to any order (create_graph=True keeps what it computes again). Parameters and
    tensors that the function uses without getting them as arguments get their gradients too. Random numbers of minigrad
    (dropout, minigrad.rng) are those of the first time, and count once.

    What comes back is what the function returns: a tensor, or tuples, lists and dicts with tensors of one dtype. If an
    output of several is not used, the parameters behind it get zeros instead of no gradient.

    The function has to compute the same twice. GraphError in backward, if it does not: it draws from NumPy, it reads
    what was changed meanwhile, it was written in a loop and sees the loop's variable (`lambda x: layer(x)`; pass the
    layer itself). Outputs that a penalty on activities watches inside keep what is behind them. Under no_grad, and
    where nothing requires grad, it is a plain call.

    source    Griewank, Walther 2000, Algorithm 799: revolve; Chen, Xu, Zhang, Guestrin 2016, Training deep nets with
              sublinear memory cost

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = mg.checkpoint(lambda x: mg.exp(mg.sin(x) * x), x)
    >>> y.sum().backward()
    >>> x.grad
    tensor([3.2054055, 0.4745884])
    """
    if not callable(function):
        raise TypeError(f"checkpoint: function is {function!r:.80}; need a function, and then its arguments")
    if not mode.recording:
        return function(*args, **options)
    draws, start = Draws(mode.draws), now()
    with drawing(draws):
        output = function(*args, **options)
    made = [part for part in leaves(output) if part.tracked and part.op is not None and part.stamp > start]
    if not made:
        return output
    joined = join(made)
    uses = [x for x, _ in edges(joined, None, start)]
    places = [i for i, part in enumerate(leaves(output)) if any(part is x for x in made)]
    again = Again(function, args, options, draws, places, joined.array)
    node = checkpointed(*uses, again=again)
    parts = dict(zip(map(id, made), split(node, made)))
    return rebuilt(output, lambda x: parts.get(id(x), x))


class Draws:
    """The draws of a forward pass, (key, stream) in order: noted the first time, and given again afterwards.

    `outer` notes those of a checkpoint around this one.
    """

    def __init__(self, outer: Draws | None) -> None:
        self.outer = outer
        self.noted: list[Draw] = []
        self.given: int | None = None  # how many were given in this repetition

    def again(self) -> Draws:
        """The same draws, for a repetition."""
        other = Draws(None)
        other.noted, other.given = self.noted, 0
        return other

    def of(self, draw: Callable[[], Draw]) -> Draw:
        """The next draw: a new one the first time, the one of the first time in a repetition."""
        if self.given is not None:
            if self.given == len(self.noted):
                raise differs(f"it draws random numbers more often than {len(self.noted)} times")
            self.given += 1
            return self.noted[self.given - 1]
        mode.draws = None
        try:
            found = draw() if self.outer is None else self.outer.of(draw)
        finally:
            mode.draws = self
        self.noted.append(found)
        return found


@contextmanager
def drawing(draws: Draws) -> Iterator[None]:
    """Let `draws` note, or give, the draws of this thread."""
    before, mode.draws = mode.draws, draws
    try:
        yield
    finally:
        mode.draws = before


class Again:
    """A call that can be repeated. `places` says which tensors of its output belong to its node, as one vector."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        options: dict[str, Any],
        draws: Draws,
        places: list[int],
        array: np.ndarray,
    ) -> None:
        self.function, self.args, self.options = function, args, options
        self.draws, self.places, self.array = draws, places, array

    def first(self) -> np.ndarray:
        """The result of the first time, handed over to the node."""
        array, self.array = self.array, None  # type: ignore[assignment]
        return array.copy() if type(array.base) is np.ndarray else array

    def gradients(self, g: Tensor, y: Tensor) -> list[Tensor]:
        """The gradient for each use of a tensor from outside, in the order in which the walk would have met them."""
        inputs = y.inputs or ()
        for x in inputs:
            if x.stamp > y.stamp:
                raise checkpointed.op.written(x)
        start = now()
        joined = self.repeated(y.array)
        found = edges(joined, g, start, free=not mode.recording)
        if [id(x) for x, _ in found] != [id(x) for x in inputs]:
            raise differs("it uses other tensors")
        return [gradient for _, gradient in found]

    def repeated(self, before: np.ndarray) -> Tensor:
        """The output of another call, with its graph; GraphError unless it has the bits of the one before."""
        draws = self.draws.again()
        with recording(True), drawing(draws):
            parts = leaves(self.function(*self.args, **self.options))
            if max(self.places) >= len(parts) or not all(parts[i].tracked for i in self.places):
                raise differs(f"it returns {len(parts)} tensors, not all with a gradient")
            joined = join([parts[i] for i in self.places])
        if draws.given != len(draws.noted):
            raise differs(f"it draws random numbers {draws.given} times, and {len(draws.noted)} times at first")
        if not same_bits(joined.array, before):
            raise differs(f"it returns {describe(joined)} with other numbers, or of another shape, than at first")
        return joined


@differentiable(
    shared=lambda g, y: y.options["again"].gradients(g, y),
    xs=lambda i, g, y, *xs, again: g[i],
    called="checkpoint",
)
def checkpointed(*xs, again):
    """The output of again.function as a vector, or as it is if it is one tensor; xs: each use of a tensor from outside.

    A tensor that is used twice stands in xs twice, in the order of the walk, so that the walk adds its gradients in the
    order in which it adds them without a checkpoint: the sum has the same bits.
    """
    return again.first()


def differs(what: str) -> GraphError:
    """The error for a function that is not the same the second time."""
    return GraphError(
        f"checkpoint: the function does something else the second time: {what}. It has to compute the same from the "
        "same: no draws from NumPy, nothing that changes between forward and backward, no variable of a loop that has "
        "gone on (lambda x: layer(x); pass layer itself)"
    )


def now() -> int:
    """The time, by the clock of the engine: tensors that are made from here on have larger stamps."""
    return Tensor(np.empty(0)).stamp


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are equal in shape, dtype and every bit, NaN and the signs of zeros included."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    words = f"u{a.itemsize}"
    return bool(np.array_equal(np.ascontiguousarray(a).view(words), np.ascontiguousarray(b).view(words)))


def leaves(output: Any) -> list[Tensor]:
    """The tensors in an output: a tensor, or tuples, lists and dicts of outputs; other things are passed over."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    return [leaf for part in output for leaf in leaves(part)] if isinstance(output, (tuple, list)) else []


def rebuilt(output: Any, replace: Callable[[Tensor], Tensor]) -> Any:
    """The output with replace(x) in place of each tensor x."""
    if isinstance(output, Tensor):
        return replace(output)
    if isinstance(output, dict):
        return type(output)((name, rebuilt(part, replace)) for name, part in output.items())
    if not isinstance(output, (tuple, list)):
        return output
    made = [rebuilt(part, replace) for part in output]
    return type(output)(*made) if hasattr(output, "_fields") else type(output)(made)


def join(parts: list[Tensor]) -> Tensor:
    """One tensor of several: itself, or their numbers in a row."""
    if len(parts) == 1:
        return parts[0]
    if len({part.array.dtype for part in parts}) > 1:
        raise GraphError(
            f"checkpoint: the outputs are {', '.join(map(describe, parts))}; need one dtype, or a checkpoint for each"
        )
    return cat([reshape(part, shape=(part.array.size,)) for part in parts])


def split(node: Tensor, parts: list[Tensor]) -> list[Tensor]:
    """What join has joined, in the shapes of parts."""
    if len(parts) == 1:
        return [node]
    made, start = [], 0
    for part in parts:
        made.append(reshape(narrow(node, 0, start, part.array.size), shape=part.array.shape))
        start += part.array.size
    return made


def edges(output: Tensor, g: Any, start: int, free: bool = False) -> list[tuple[Tensor, Any]]:
    """Each use, in the graph of output, of a tracked tensor that is older than start; with the gradient of this use.

    In the order of engine.walk, newest first. Where that adds the gradients of the uses, they stay apart here. With g
    None no gradients are computed.
    """
    found: list[tuple[Tensor, Any]] = []
    pending, heap = {output.stamp: (output, g)}, [-output.stamp]
    while heap:
        y, g = pending.pop(-heappop(heap))
        for x, gradient in arriving(y, g):
            if x.stamp <= start:
                found.append((x, gradient))
            elif x.op is not None and x.stamp not in pending:
                pending[x.stamp] = x, gradient
                heappush(heap, -x.stamp)
            elif x.op is not None and g is not None:
                pending[x.stamp] = x, accumulate(pending[x.stamp][1], gradient)
        if free:
            y.inputs = y.options = y.saved = None
    return found


def arriving(y: Tensor, g: Any) -> Iterator[tuple[Tensor, Any]]:
    """Each tracked input of y's op, with the gradient that its rule makes of y's gradient g; with None for g None."""
    op, inputs = y.op, y.inputs
    assert op is not None
    if inputs is None:
        raise op.freed()
    if g is not None and y.hooks:
        g = engine._hooked(y, g)
    shared = g if g is None or op.shared is None else op.shared(g, y)
    for i in op.positions or range(len(inputs)):
        x = inputs[i]
        if type(x) is Tensor and x.tracked:
            if x.stamp > y.stamp:
                raise op.written(x)
            yield x, None if g is None else ruled(op, y, i, g, shared)


def ruled(op: Op, y: Tensor, i: int, g: Tensor, shared: Any) -> Tensor:
    """The gradient that rule i of y's op makes of y's gradient g."""
    inputs = y.inputs or ()
    rule, x = op.rules[i], inputs[i]
    if rule is None:
        raise op.without_gradient(i)
    gradient = flat(g, x) if rule is flat else rule(shared, y, *inputs, **(y.options or {}))
    if engine._watch is not None or type(gradient) is not Tensor or not K.alike(gradient.array, x.array):
        engine._inspect(y, x, i, g, gradient)
    return gradient
