"""Derivatives of functions: products with the Jacobian from both sides, with the Hessian, and both as arrays.

Names and arguments are those of torch.autograd.functional: (func, inputs, v), and results in the structure of inputs.
`inputs` is a tensor, or a tuple of tensors for func(*inputs); func returns a tensor or a tuple. Arrays and numbers in
place of tensors are copied. Nothing is added to `.grad`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import kernels as K
from .. import rng
from ..checks import truth
from ..dtypes import REAL
from ..engine import Tensor, accumulate, full, grad
from ..errors import DTypeError, GraphError, ShapeError
from ..op import describe
from ..ops.index.gather import index_select
from ..ops.shape.broadcast import sum
from ..ops.shape.join import stack
from ..ops.shape.views import reshape
from ..recording import recording
from ..tensor import tensor

Tensors = tuple[Tensor, ...]
NEAR = 1e-4  # relative: how far two computations of one row may differ, because a sum may take another order


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(output, vᵀ J): the output of func at inputs, and the product of v with its Jacobian from the left. One walk.

    v has the structure and shapes of the output, and may be left out if that is one number (vᵀ J is then the gradient).
    The product has the structure and shapes of inputs; zeros for an input that the output does not depend on, or
    GraphError if strict. create_graph makes both differentiable again, by inputs that require grad and by v.

    >>> import minigrad as mg
    >>> mg.vjp(lambda x: x * x, mg.tensor([1.0, 2.0]), mg.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    call = Call("vjp", func, inputs, create_graph, strict)
    vs = call.like(v, call.outputs, "v", call.many_outputs, "output", optional=True)
    products = call.gradients(call.outputs, vs, call.inputs, create_graph)
    return call.output(create_graph), call.structured(products)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(output, J v): the output of func at inputs, and the product of its Jacobian with v from the right.

    v has the structure and shapes of inputs, and may be left out for one number. The product has those of the output.
    Two walks: vᵀ J is linear in v, and its own Jacobian by v is Jᵀ. So every op in func needs a second derivative.

    >>> import minigrad as mg
    >>> mg.jvp(lambda x: (x * x).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 10.0]))
    (tensor(5.), tensor(42.))
    """
    call = Call("jvp", func, inputs, create_graph, strict)
    vs = call.like(v, call.inputs, "v", call.many_inputs, "input", optional=True)
    with recording(True):
        us = tuple(Tensor(np.zeros(y.array.shape, y.array.dtype), requires_grad=True) for y in call.outputs)
        linear = call.gradients(call.outputs, us, call.inputs, True)
    products = call.gradients(linear, vs, us, create_graph, names=("output", "input"))
    made = tuple(products) if call.many_outputs else products[0]
    return call.output(create_graph), made


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(output, H v): the one number that func returns at inputs, and the product of its Hessian with v. Two walks.

    v and the product have the structure and shapes of inputs. The Hessian itself is never made.

    >>> import minigrad as mg
    >>> mg.hvp(lambda x: (x * x * x).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 0.0]))
    (tensor(9.), tensor([6., 0.]))
    """
    call = Call("hvp", func, inputs, create_graph, strict)
    vs = call.like(v, call.inputs, "v", call.many_inputs, "input", optional=True)
    y = call.one_number()
    gradients = call.gradients((y,), (full(y, 1.0),), call.inputs, True)
    return call.output(create_graph), call.structured(call.gradients(gradients, vs, call.inputs, create_graph))


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, batched: bool = False
) -> Any:
    """The Jacobian: entry [i..., j...] is the derivative of output[i...] by input[j...], output.shape + input.shape.

    Of several inputs a tuple, of several outputs a tuple of these. One walk for each number of the output.

    batched=True is for a func that acts row by row, (n, ...) -> (n, ...): the result is (n, *output.shape[1:],
    *input.shape[1:]), the derivative of each row of the output by its own row of the input, without the zeros between
    different rows. That takes one walk, over each row repeated once for each number of its output. GraphError if a row
    of the output depends on another row of the input (batch statistics), or on random numbers (dropout in training).

    >>> import minigrad as mg
    >>> mg.jacobian(lambda x: x * x, mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    >>> mg.jacobian(lambda x: x * x, mg.tensor([[1.0, 2.0], [3.0, 4.0]]), batched=True).shape
    (2, 2, 2)
    """
    if truth(batched, "jacobian: batched"):
        return _by_rows("jacobian", func, inputs, create_graph, strict)
    return _whole("jacobian", func, inputs, create_graph, strict)


def _whole(name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool) -> Any:
    """The Jacobian in one walk for each number of the output."""
    call = Call(name, func, inputs, create_graph, strict)
    rows = []
    for i, y in enumerate(call.outputs):
        walks = []
        for k in range(y.array.size):
            seed = np.zeros(y.array.shape, y.array.dtype)
            seed.reshape(-1)[k] = 1
            walks.append(
                call.gradients((y,), (Tensor(seed),), call.inputs, create_graph, names=("input", f"output {i}"))
            )
        parts = [
            _stacked([walk[j] for walk in walks], (*y.array.shape, *x.array.shape), x, create_graph)
            for j, x in enumerate(call.inputs)
        ]
        rows.append(call.structured(parts))
    return tuple(rows) if call.many_outputs else rows[0]


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, batched: bool = False
) -> Any:
    """The second derivatives of the one number that func returns: input.shape + input.shape.

    Of several inputs a tuple of tuples, [i][j] of shape inputs[i].shape + inputs[j].shape. One walk for the gradient,
    and one for each number of the inputs.

    batched=True is for a func that gives one number for each row, (n, ...) -> (n,) or (n, 1): (n, *input.shape[1:],
    *input.shape[1:]), the Hessian of each row's number by the row, in two walks. See jacobian.

    ShapeError if func does not return one number, or with batched one for each row.

    >>> import minigrad as mg
    >>> mg.hessian(lambda x: x[0] * x[0] * x[1], mg.tensor([1.0, 2.0]))
    tensor([[4., 2.],
            [2., 0.]])
    """
    rows = truth(batched, "hessian: batched")
    _refuse_no_function("hessian", func)

    def gradient(*xs: Tensor) -> Any:
        y = func(*xs)
        if rows and isinstance(y, Tensor) and (y.array.ndim == 0 or y.array.size != len(y.array)):
            raise ShapeError(f"hessian: func returned {describe(y)}; need one number for each row, (n,) or (n, 1)")
        call = Call.of("hessian", xs, sum(y) if rows and isinstance(y, Tensor) else y, strict)
        y = call.one_number()
        made = call.gradients((y,), (full(y, 1.0),), xs, True)
        return made if isinstance(inputs, (tuple, list)) else made[0]

    return (_by_rows if rows else _whole)("hessian", gradient, inputs, create_graph, strict)


def _refuse_no_function(name: str, func: Any) -> None:
    if not callable(func):
        raise TypeError(f"{name}: func is {func!r:.80}; need a function of tensors; the order is {name}(func, inputs)")


class Call:
    """func at inputs that require grad: `inputs` and `outputs` as tuples, and whether the user's were."""

    def __init__(self, name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool) -> None:
        self.name, self.strict = name, truth(strict, f"{name}: strict")
        _refuse_no_function(name, func)
        self.many_inputs = isinstance(inputs, (tuple, list))
        with recording(True):
            self.inputs: Tensors = tuple(
                self.leaf(x, i, truth(create_graph, f"{name}: create_graph"))
                for i, x in enumerate(inputs if self.many_inputs else (inputs,))
            )
            self.take(func(*self.inputs))

    @classmethod
    def of(cls, name: str, inputs: Tensors, output: Any, strict: bool) -> Call:
        """A call that was made already."""
        call = object.__new__(cls)
        call.name, call.strict, call.inputs, call.many_inputs = name, strict, inputs, True
        call.take(output)
        return call

    def leaf(self, x: Any, i: int, connected: bool) -> Tensor:
        """Input i as func gets it: a tensor of its own, connected with the user's if derivatives go on through it."""
        x = x if isinstance(x, Tensor) else tensor(x)
        if x.array.dtype not in REAL:
            raise DTypeError(f"{self.name}: input {i} is {describe(x)}; need float32 or float64 to differentiate by")
        return reshape(x, shape=x.array.shape) if connected and x.tracked else Tensor(x.array, requires_grad=True)

    def take(self, output: Any) -> None:
        """Note what func returned."""
        self.many_outputs = isinstance(output, (tuple, list))
        self.outputs: Tensors = tuple(output) if self.many_outputs else (output,)
        for y in self.outputs:
            if not isinstance(y, Tensor):
                raise TypeError(f"{self.name}: func returned a {type(y).__name__}; need a tensor or a tuple of tensors")
            if y.array.dtype not in REAL:
                raise DTypeError(f"{self.name}: func returned {describe(y)}; need float32 or float64")

    def output(self, connected: bool) -> Any:
        """What func returned: as constants, or as it is if the derivatives are part of a graph."""
        made = self.outputs if connected else tuple(y.detach() for y in self.outputs)
        return made if self.many_outputs else made[0]

    def structured(self, parts: Sequence[Any]) -> Any:
        """One part for each input, in the structure of inputs."""
        return tuple(parts) if self.many_inputs else parts[0]

    def one_number(self) -> Tensor:
        """The output, if it is one number."""
        if self.many_outputs or self.outputs[0].array.size != 1:
            got = ", ".join(map(describe, self.outputs))
            rows = "; batched=True takes one for each row" if self.name == "hessian" else ""
            raise ShapeError(f"{self.name}: func returned {got}; need one number{rows}")
        return self.outputs[0]

    def like(self, v: Any, wanted: Tensors, name: str, many: bool, what: str, optional: bool) -> Tensors:
        """The tensors of v, one for each of the wanted and of its shape and dtype."""
        if v is None and optional and len(wanted) == 1 and wanted[0].array.size == 1:
            return (full(wanted[0], 1.0),)
        given = tuple(v) if isinstance(v, (tuple, list)) and many else (v,)
        if v is None or len(given) != len(wanted):
            got = "is missing" if v is None else f"has {len(given)} parts"
            raise ShapeError(f"{self.name}: {name} {got}; need one of the shape of each {what}: " + _shapes(wanted))
        made = []
        for i, (x, y) in enumerate(zip(given, wanted)):
            x = x if isinstance(x, Tensor) else tensor(x, dtype=y.array.dtype)
            if x.array.shape != y.array.shape or x.array.dtype != y.array.dtype:
                at = f"{name}[{i}]" if many else name
                raise ShapeError(f"{self.name}: {at} is {describe(x)}; need {describe(y)}, as the {what}")
            made.append(x)
        return tuple(made)

    def gradients(
        self,
        outputs: Sequence[Tensor],
        seeds: Sequence[Tensor],
        inputs: Tensors,
        create_graph: bool,
        names: tuple[str, str] = ("input", "output"),
    ) -> list[Tensor]:
        """Σ over outputs of the gradients of <output, seed> by each input; zeros where there is none, unless strict."""
        total: list[Tensor | None] = [None] * len(inputs)
        for y, seed in zip(outputs, seeds):
            if not y.tracked:
                continue
            found = grad(y, inputs, seed, retain_graph=True, create_graph=create_graph, allow_unused=True)
            with recording(create_graph):
                for i, g in enumerate(found):
                    if g is not None:
                        before = total[i]
                        total[i] = g if before is None else accumulate(before, g)
        for i, g in enumerate(total):
            if g is None and self.strict:
                raise GraphError(f"{self.name}: strict=True, and {names[1]} does not depend on {names[0]} {i}")
        return [full(x, 0.0) if g is None else _own(g, create_graph) for g, x in zip(total, inputs)]


def _own(g: Tensor, create_graph: bool) -> Tensor:
    """A gradient as the user gets it: a constant in memory of its own, unless it is part of a graph."""
    return g if create_graph else g.detach()


def _shapes(tensors: Tensors) -> str:
    return ", ".join(map(describe, tensors))


def _stacked(parts: list[Tensor], shape: tuple[int, ...], x: Tensor, create_graph: bool) -> Tensor:
    """Gradients one behind the other, in a shape."""
    if create_graph and parts:
        with recording(True):
            return reshape(stack(parts), shape=shape)
    out = np.empty((len(parts), *x.array.shape), x.array.dtype)
    for row, part in zip(out, parts):
        row[...] = part.array
    return Tensor(out.reshape(shape))


def _by_rows(name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool) -> Any:
    """The Jacobian of each row of the output by its own row of the inputs, in one walk."""
    single = not isinstance(inputs, (tuple, list))
    xs = [x if isinstance(x, Tensor) else tensor(x) for x in ((inputs,) if single else inputs)]
    rows = {x.array.shape[:1] for x in xs}
    if len(rows) != 1 or rows == {()}:
        raise ShapeError(f"{name}: batched=True, and inputs are {_shapes(tuple(xs))}; need (n, ...) each, of one n")
    n = len(xs[0].array)
    if n == 0:
        raise ShapeError(f"{name}: batched=True needs at least one row")
    y = _of_rows(name, func, xs)
    numbers = y.array.size // n
    with recording(True):
        index = np.repeat(np.arange(n), numbers)
        repeated = [index_select(x, 0, index) if create_graph and x.tracked else _repeated(x, numbers) for x in xs]
        call = Call(name, func, tuple(repeated), create_graph, strict)
    made = call.outputs[0]
    if made.array.shape != (n * numbers, *y.array.shape[1:]) or not _near(made.array[:: max(numbers, 1)], y.array):
        raise _mixes(name)
    seeds = np.tile(np.eye(numbers, dtype=made.array.dtype), (n, 1)).reshape(made.array.shape)
    walked = call.gradients((made,), (Tensor(seeds),), call.inputs, create_graph)
    with recording(create_graph):
        parts = [reshape(g, shape=(n, *y.array.shape[1:], *x.array.shape[1:])) for g, x in zip(walked, xs)]
    return parts[0] if single else tuple(parts)


def _repeated(x: Tensor, times: int) -> Tensor:
    """Each row several times, one behind the other."""
    out = K.empty((len(x.array) * times, *x.array.shape[1:]), x.array.dtype)
    K.take(K.contiguous(x.array), np.repeat(np.arange(len(x.array)), times), out)
    return Tensor(out)


def _of_rows(name: str, func: Callable[..., Any], xs: list[Tensor]) -> Tensor:
    """func(*xs); GraphError if its first row is another one beside other rows: then it does not act row by row."""
    y = _constant(name, func, xs)
    n = len(xs[0].array)
    if y.array.ndim == 0 or len(y.array) != n:
        raise ShapeError(f"{name}: batched=True, and func made {describe(y)} of {n} rows; need (n, ...)")
    others = [Tensor(np.concatenate([x.array[:1], x.array[:1] + 1, x.array[:1] * 2 - 3])) for x in xs]
    beside = _constant(name, func, others)
    if len(beside.array) != 3 or not _near(beside.array[:1], y.array[:1]):
        raise _mixes(name)
    return y


def _constant(name: str, func: Callable[..., Any], xs: list[Tensor]) -> Tensor:
    """func(*xs), one tensor of floats, without a graph unless func makes one."""
    with recording(True), rng.own_streams(0):  # a check: it takes no number of the streams that others draw from
        call = Call(name, func, tuple(xs), False, False)
    if call.many_outputs:
        raise TypeError(f"{name}: batched=True, and func returned {len(call.outputs)} tensors; need one")
    return call.outputs[0]


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    scale = max(float(np.abs(b).max(initial=0.0)), 1e-30)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=NEAR, atol=NEAR * scale, equal_nan=True))


def _mixes(name: str) -> GraphError:
    return GraphError(
        f"{name}: batched=True is for a func that acts row by row, and a row of its output changes with the other rows "
        "of its input (batch statistics), or with each call (dropout in training: model.eval()); leave batched out"
    )
