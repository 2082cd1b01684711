"""A model at a glance: its layers, the shapes they give, parameters, arithmetic and memory of one forward pass."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .. import engine
from .. import kernels as K
from ..checks import whole
from ..dtypes import plain_array, tensor_dtype
from ..engine import Tensor
from ..op import Op
from .module import PARAMETER, Module
from .prediction import dtype_of, evaluating

HEAD = ("layer", "output", "parameters", "MFLOP", "KiB")


class Row(NamedTuple):
    """One module: its path, what it is, the shapes of its last output ("" if it was not called), and what is its own.

    parameters are counted where they are first met, flops are those of ops that no module below it called, bytes are
    those of its outputs, over all calls.
    """

    name: str
    label: str
    output: str
    parameters: int
    flops: int
    bytes: int


class Summary(NamedTuple):
    """What `summary` returns: rows, one for each module, and totals. print() and notebooks show a table.

    >>> import minigrad as mg
    >>> found = mg.nn.summary(mg.nn.Sequential(mg.nn.Linear(3, 2)), (1, 3))
    >>> type(found).__name__, found.parameters
    ('Summary', 8)
    """

    rows: list[Row]
    parameters: int
    frozen: int
    parameter_bytes: int
    flops: int
    activation_bytes: int

    def __repr__(self) -> str:
        lines = [(tree(row), *cells(row)) for row in self.rows]
        widths = [max(len(line[i]) for line in [HEAD, *lines]) for i in range(len(HEAD))]
        return "\n".join([*(aligned(line, widths) for line in [HEAD, *lines]), "", *self.totals()])

    def totals(self) -> list[str]:
        """Two lines about the whole model."""
        frozen = f", {self.frozen:,} of them frozen" if self.frozen else ""
        return [
            f"{self.parameters:,} parameters{frozen}, {kib(self.parameter_bytes)} KiB",
            f"forward pass: {mega(self.flops)} MFLOP, outputs of layers {kib(self.activation_bytes)} KiB",
        ]

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:{side(i)}'>{word}</th>" for i, word in enumerate(HEAD))
        body = ""
        for row in self.rows:
            indent = 1.2 * row.name.count(".") + (1.2 if row.name else 0)
            first = f"<td style='text-align:left;padding-left:{indent + 0.5:g}em'>{html.escape(titled(row))}</td>"
            rest = "".join(
                f"<td style='text-align:{side(i)}'>{html.escape(cell)}</td>" for i, cell in enumerate(cells(row), 1)
            )
            body += f"<tr>{first}{rest}</tr>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{'<br>'.join(self.totals())}</p>"


def summary(model: Module, *inputs: Any) -> Summary:
    """The layers of a model with output shapes, parameters, MFLOP and KiB, from one forward pass in eval mode.

    inputs are what the model is called with, arrays or tensors, or the shape of one with its rows first, which stands
    for zeros: (1, 784). A product (m, k)(k, n) counts 2 m k n operations, any other op one for each number that it
    gives. No gradient is recorded, no random number drawn, and modes are left as found. A module that is not called
    has no output.

    TypeError for what is no Module, and without an input.

    >>> from minigrad import nn
    >>> nn.summary(nn.Sequential(nn.Linear(784, 32, activation="relu"), nn.Linear(32, 10)), (100, 784))
    layer                      output     parameters  MFLOP   KiB
    Sequential                 (100, 10)                      3.9
      0: Linear 784->32, relu  (100, 32)      25,120   5.02  12.5
      1: Linear 32->10         (100, 10)         330  0.064   3.9
    <BLANKLINE>
    25,450 parameters, 99.4 KiB
    forward pass: 5.08 MFLOP, outputs of layers 16.4 KiB
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: the model is a {type(model).__name__}; need an nn.Module")
    if not inputs:
        raise TypeError(
            "summary: got no input; need what the model is called with, or its shape, (1, 784) for instance"
        )
    given = [example(model, x) for x in inputs]
    count = Count(model)
    with evaluating(model), count.watching():
        model(*given)
    return count.summary()


def example(model: Module, x: Any) -> Tensor:
    """x as a tensor: zeros where it is a shape."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x):
        shape = tuple(whole(n, f"summary: dimension {i} of the shape {x}", 0) for i, n in enumerate(x))
        array = K.empty(shape, dtype_of(model))
        K.copy(0.0, array)
        return Tensor(array)
    array = plain_array("summary: an input", x)
    dtype = dtype_of(model) if array.dtype.kind == "f" else tensor_dtype("summary: an input", array)
    return Tensor(np.require(array, dtype, ["C", "A"]))


class Count:
    """Shapes, bytes and operations of one forward pass, by module."""

    def __init__(self, model: Module) -> None:
        self.model = model
        self.running: list[Module] = []
        self.output: dict[Module, Any] = {}
        self.flops: dict[Module | None, int] = {}
        self.bytes: dict[Module, int] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A block in which all that the modules and ops do is counted."""
        handles = []
        for module in self.model.modules():
            handles.append(module.register_forward_pre_hook(lambda module, args: self.running.append(module)))
            handles.append(module.register_forward_hook(self.after))
        before, engine._watch = engine._watch, self.count
        try:
            yield
        finally:
            engine._watch = before
            for handle in handles:
                handle.remove()

    def after(self, module: Module, args: tuple, output: Any) -> None:
        """Note what a module returned."""
        self.running.pop()
        self.output[module] = output
        self.bytes[module] = self.bytes.get(module, 0) + sum(y.array.nbytes for y in tensors(output))

    def count(self, op: Op, y: Tensor, inputs: tuple, gradient: Any) -> None:
        """Add the operations of an op to the module that called it."""
        module = self.running[-1] if self.running else None
        self.flops[module] = self.flops.get(module, 0) + flops(op.name, y, inputs)

    def row(self, name: str, module: Module, seen: set[int]) -> Row:
        """What was counted of one module; `seen` holds the parameters of rows above it."""
        own = [module.__dict__[part] for part, kind in module._parts.items() if kind == PARAMETER]
        count = sum(p.array.size for p in own if id(p) not in seen)
        seen.update(map(id, own))
        output = shapes(self.output[module]) if module in self.output else ""
        return Row(name, module._label(), output, count, self.flops.get(module, 0), self.bytes.get(module, 0))

    def summary(self) -> Summary:
        """What was counted."""
        seen = set[int]()
        rows = [self.row(name, module, seen) for name, module in self.model.named_modules()]
        params = self.model.parameters()
        parents = {name.rpartition(".")[0] for name, _ in self.model.named_modules() if name}
        return Summary(
            rows,
            sum(p.array.size for p in params),
            sum(p.array.size for p in params if not p.tracked),
            sum(p.array.nbytes for p in params),
            sum(self.flops.values()),
            sum(row.bytes for row in rows if row.name not in parents),
        )


def flops(name: str, y: Tensor, inputs: tuple) -> int:
    """The operations of an op: two for each multiplication and addition of a product, else one for each number."""
    arrays = [x.array for x in inputs if isinstance(x, Tensor)]
    size = y.array.size
    if name in ("matmul", "affine") and arrays[0].ndim > 1:
        a = arrays[0].shape
        inner = a[-1] if y.ndim < 2 or a[-2] == y.shape[-2] else a[-2]  # a may be transposed
        return 2 * size * inner
    if name.startswith("conv_transpose") and len(arrays) > 1:
        return 2 * arrays[0].size * math.prod(arrays[1].shape[1:])
    if name.startswith("conv") and len(arrays) > 1:
        return 2 * size * math.prod(arrays[1].shape[1:])
    return size


def tensors(output: Any) -> list[Tensor]:
    """The tensors in what a module returned."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    return [y for part in output for y in tensors(part)] if isinstance(output, (tuple, list)) else []


def shapes(output: Any) -> str:
    """The shapes of an output, as the table shows them."""
    return ", ".join(str(y.shape) for y in tensors(output)) or type(output).__name__


def kib(n: int) -> str:
    return f"{n / 1024:,.1f}"


def mega(n: int) -> str:
    return f"{n / 1e6:,.3g}" if n < 1e9 else f"{n / 1e6:,.0f}"


def titled(row: Row) -> str:
    return f"{row.name.rpartition('.')[2]}: {row.label}" if row.name else row.label


def tree(row: Row) -> str:
    """The first cell: indented by its depth in the tree."""
    return "  " * (row.name.count(".") + 1 if row.name else 0) + titled(row)


def cells(row: Row) -> tuple[str, ...]:
    """The cells behind the first: empty where there is nothing to say."""
    called = bool(row.output)
    return (
        row.output or "not called",
        f"{row.parameters:,}" if row.parameters else "",
        mega(row.flops) if row.flops else "",
        kib(row.bytes) if called else "",
    )


def side(i: int) -> str:
    return "left" if i < 2 else "right"


def aligned(line: tuple[str, ...], widths: list[int]) -> str:
    """A line of text: words to the left, numbers to the right."""
    parts = [word.ljust(n) if side(i) == "left" else word.rjust(n) for i, (word, n) in enumerate(zip(line, widths))]
    return "  ".join(parts).rstrip()
