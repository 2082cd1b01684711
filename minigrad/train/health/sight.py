"""One step of a training as a doctor sees it: what each layer gives, what comes back to it, what its weights do."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from ...engine import Tensor
from ...insight.lookout import Lookout, in_walk
from ...nn.module import Module
from ...op import Op
from ...recording import is_grad_enabled

RECTIFIED = ("relu",)
BOUNDED = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "softsign": (-1.0, 1.0), "hardtanh": (-1.0, 1.0)}
RECURRENT = ("rnn_states", "lstm_states", "gru_states")
LOSSES = ("cross_entropy", "mse", "bce_with_logits")
MODEL = "model"  # the name of a layer that is the whole model
EDGE = 0.025  # of the range: tanh beyond ±0.95 and sigmoid beyond 0.025, 0.975 have a tenth of their steepest slope


@dataclass
class Layer:
    """What one layer gave and got in one step.

    name, op      its path in the model; the op that its output comes from, or the activation applied to it
    size          rms of its output's numbers; zeros: the share of exact zeros in it
    silent        of a relu: per unit, whether it is 0 for every row; None for others
    emptied       per unit, whether all weights that lead to it are exactly 0; None where that is not known
    stuck         of tanh and its kin: per unit, the share of rows in which it stands at an end of its range
    gradient      the norm of the loss's gradient by the output; NaN where none came back
    through_time  of a recurrent layer: the norm of the gradient at each step, the first step first
    """

    name: str
    op: str
    rows: int
    size: float
    zeros: float
    silent: np.ndarray | None = None
    emptied: np.ndarray | None = None
    stuck: np.ndarray | None = None
    gradient: float = math.nan
    through_time: list[float] = field(default_factory=list)

    @property
    def dead(self) -> float:
        """The share of units that are 0 for every row although weights lead to them; NaN where it has no relu."""
        if self.silent is None:
            return math.nan
        emptied = self.emptied if self.emptied is not None else np.zeros(len(self.silent), bool)
        return float((self.silent & ~emptied).mean()) if len(self.silent) else 0.0

    @property
    def saturated(self) -> float:
        """The share of numbers at an end of their range; NaN where the output has none."""
        return math.nan if self.stuck is None else float(self.stuck.mean())


@dataclass
class Weight:
    """One parameter in one step: norm and share of exact zeros before the update, its gradient, what the update did.

    gradient and gradient_zeros are NaN where no gradient came; update is the norm of what was added to the parameter.
    state is "trained", "frozen" (requires_grad is False) or "left out" (no optimizer seen holds it).
    """

    name: str
    shape: tuple[int, ...]
    state: str
    norm: float
    zeros: float
    gradient: float = math.nan
    gradient_zeros: float = math.nan
    update: float = math.nan
    used: bool = False
    unrecorded: bool = False

    @property
    def ratio(self) -> float:
        """The norm of the update over that of the parameter; NaN for a parameter of zeros."""
        return self.update / self.norm if self.norm else math.nan


@dataclass
class Inputs:
    """The rows that the first layer got: rms of all numbers, the largest, and which columns have one value alone."""

    rows: int
    size: float
    largest: float
    columns: int
    constant: int
    first: np.ndarray  # the first row, which says whether constant columns are the same in every step


@dataclass
class Step:
    """A step that was watched. loss is that of its batch before the update, with penalties if backward began there."""

    number: int
    epoch: int
    loss: float = math.nan
    layers: list[Layer] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    inputs: Inputs | None = None
    targets: tuple[str, np.ndarray] | None = None  # the loss's name, and the targets of the batch


def norm(a: np.ndarray) -> float:
    """The Euclidean norm, in float64."""
    with np.errstate(all="ignore"):  # a sum of squares, not a @ a, because the threads of NumPy's BLAS wait for a core
        return math.sqrt(float(np.square(a, dtype=np.float64).sum()))


def zeros(a: np.ndarray) -> float:
    """The share of exact zeros."""
    return 1.0 - float(np.count_nonzero(a)) / a.size if a.size else 0.0


class Sight(Lookout):
    """A block in which the ops of one step are looked at: those of a model, and of the rules of its backward pass.

    `parameters` are pairs (name, tensor). What it notes are numbers about tensors; it keeps no tensor of the step.
    """

    def __init__(self, parameters: Iterable[tuple[str, Tensor]]) -> None:
        self.rename(parameters)
        self.clear()

    def rename(self, parameters: Iterable[tuple[str, Tensor]]) -> None:
        """Look at these parameters, under these names."""
        named = list(parameters)
        self.names = {id(p): name for name, p in named}
        self.held = [p for _, p in named]  # so that an id stays that of its parameter

    def clear(self) -> None:
        """Begin a new step."""
        self.layers: dict[str, Layer] = {}
        self.order: list[str] = []  # of the layers, as their outputs were made
        self.inputs: Inputs | None = None
        self.targets: tuple[str, np.ndarray] | None = None
        self.loss = math.nan
        self.used: set[int] = set()
        self.unrecorded: set[int] = set()
        self._weight_of: dict[int, tuple[int, str]] = {}  # stamp of what was made of a parameter alone: its id and name
        self._fed: dict[int, str] = {}  # stamp of a tensor: the layer that it comes from
        self._made: dict[int, str] = {}  # stamp of an output: its layer
        self._shape: dict[str, tuple[int, int]] = {}  # of a layer: the dimension of its units, and of how many
        self._arrived: set[int] = set()  # stamps of outputs whose gradient is noted

    def look(
        self,
        op: Op,
        y: Tensor,
        inputs: tuple,
        options: dict,
        i: int | None = None,
        g: Any = None,
        gradient: Any = None,
    ) -> None:
        if i is not None:
            self._backward(op, y, i, g, gradient)
        elif op.name != "accumulate" and not in_walk():
            self._forward(op, y, inputs, options)

    # --- forward ---------------------------------------------------------------------------------------------------

    def _forward(self, op: Op, y: Tensor, inputs: tuple, options: dict) -> None:
        data, held = self._parted(inputs)
        if not self._note_use(held):
            return
        if held and not data and not by_index(inputs, options):
            self._weight_of[y.stamp] = held[0][1]
            self.used.discard(held[0][1][0])  # used only if its result is combined with data: no penalty is
            return
        if op.name in LOSSES:
            self._loss_of(op, inputs)
        layer = self._by_matrix(op, y, data, held, options) or self._by_activation(op, y, data, options)
        if layer is not None:
            self._fed[y.stamp] = layer

    def _parted(self, inputs: tuple) -> tuple[list[Tensor], list[tuple[Tensor, tuple[int, str]]]]:
        """The tensors that are data, and those that are parameters or made of parameters alone."""
        data: list[Tensor] = []
        held: list[tuple[Tensor, tuple[int, str]]] = []
        for x in inputs:
            if isinstance(x, Tensor):
                source = self._source(x)
                if source is None:
                    data.append(x)
                else:
                    held.append((x, source))
        return data, held

    def _by_matrix(self, op: Op, y: Tensor, data: list[Tensor], held: list[Any], options: dict) -> str | None:
        """The layer whose weights, of two dimensions or more, this op brings to data; None if it does not."""
        matrix = next(((x, name) for x, (_, name) in reversed(held) if x.ndim >= 2), None)
        if matrix is None or not y.ndim or op.name in ELEMENTWISE:
            return None
        if not self.order and data and not data[0].tracked:
            self.inputs = inputs_of(data[0].array)
        layer = layer_of(matrix[1])
        self._output(layer, op, y, options, matrix[0])
        return layer

    def _by_activation(self, op: Op, y: Tensor, data: list[Tensor], options: dict) -> str | None:
        """The layer that the data come from; an activation is noted as that layer's output."""
        feeder = next((self._fed[x.stamp] for x in data if x.stamp in self._fed), None)
        if op.name in RECTIFIED or op.name in BOUNDED:
            feeder = feeder or innermost() or op.name
            self._output(feeder, op, y, options, None)
        return feeder

    def _note_use(self, held: list[tuple[Tensor, tuple[int, str]]]) -> bool:
        """Note which parameters an op uses; False where nothing is recorded, so that nothing can come back."""
        recorded = is_grad_enabled()
        (self.used if recorded else self.unrecorded).update([source[0] for x, source in held if x.ndim])
        return recorded

    def _loss_of(self, op: Op, inputs: tuple) -> None:
        """Note the targets of a loss, as they are now: a recorded step writes the next ones there."""
        if isinstance(inputs[1], (Tensor, np.ndarray, list)):
            target = inputs[1].array if isinstance(inputs[1], Tensor) else np.asarray(inputs[1])
            self.targets = op.name, target.copy()

    def _source(self, x: Tensor) -> tuple[int, str] | None:
        """The parameter that x is, or was made of alone: its id and name."""
        name = self.names.get(id(x))
        return (id(x), name) if name is not None else self._weight_of.get(x.stamp)

    def _output(self, name: str, op: Op, y: Tensor, options: dict, w: Tensor | None) -> None:
        """Note the output of a layer, or of the activation behind it."""
        array, before = y.array, self.layers.get(name)
        if w is not None:
            self._shape[name] = units_of(op.name, array)
        axis, units = self._shape.get(name, (array.ndim - 1, array.shape[-1] if array.ndim else 1))
        if array.ndim <= axis or array.shape[axis] != units:  # flattened, or pooled to another order
            axis = array.ndim - 1
        layer = measured(name, options.get("activation") or op.name, array, axis)
        if w is not None:
            layer.emptied = emptied(op.name, w.array)
        elif before is not None:
            layer.emptied, layer.through_time = before.emptied, before.through_time
            layer.silent = before.silent if layer.silent is None else layer.silent
        if layer.emptied is not None and layer.silent is not None and layer.emptied.shape != layer.silent.shape:
            layer.emptied = None
        if before is None:
            self.order.append(name)
        self.layers[name] = layer
        self._made[y.stamp] = name

    # --- backward --------------------------------------------------------------------------------------------------

    def _backward(self, op: Op, y: Tensor, i: int, g: Any, gradient: Any) -> None:
        if math.isnan(self.loss) and y.array.size == 1:
            self.loss = float(y.array.reshape(-1)[0])
        name = self._made.get(y.stamp)
        if name is None or not isinstance(g, Tensor):
            return
        layer = self.layers[name]
        if y.stamp not in self._arrived:  # a rule for each input is asked: the gradient is the same
            self._arrived.add(y.stamp)
            came = norm(g.array)
            layer.gradient = came if math.isnan(layer.gradient) else max(layer.gradient, came)
        if op.name in RECURRENT and i == 0 and isinstance(gradient, Tensor):
            layer.through_time = [norm(part) for part in gradient.array] + layer.through_time

    # --- the update ------------------------------------------------------------------------------------------------

    def weights(self, held: Iterable[Tensor]) -> list[Weight]:
        """Each parameter before the update, with its gradient."""
        ids = {id(p) for p in held}
        found = []
        for p in self.held:
            state = "frozen" if not p.tracked else "trained" if id(p) in ids else "left out"
            weight = Weight(self.names[id(p)], p.array.shape, state, norm(p.array), zeros(p.array))
            weight.used, weight.unrecorded = id(p) in self.used, id(p) in self.unrecorded
            if p.grad is not None:
                weight.gradient, weight.gradient_zeros = norm(p.grad.array), zeros(p.grad.array)
            found.append(weight)
        return found

    def step(self, number: int, epoch: int, weights: list[Weight]) -> Step:
        """All that was seen since `clear`."""
        layers = [self.layers[name] for name in self.order]
        return Step(number, epoch, self.loss, layers, weights, self.inputs, self.targets)


ELEMENTWISE = ("mul", "add", "sub", "div", "batch_norm", "layer_norm", "rms_norm", "where", "dropout")


def measured(name: str, op: str, array: np.ndarray, axis: int) -> Layer:
    """A layer's output in numbers, unit by unit along `axis`."""
    rows = array.size // max(1, array.shape[axis]) if array.ndim else 1
    rest = tuple(d for d in range(array.ndim) if d != axis % max(1, array.ndim))
    layer = Layer(name, op, rows, norm(array) / math.sqrt(max(1, array.size)), zeros(array))
    if op in RECTIFIED:
        layer.silent = ~(array != 0).any(axis=rest)
    elif op in BOUNDED:
        low, high = BOUNDED[op]
        edge = EDGE * (high - low)
        layer.stuck = ((array < low + edge) | (array > high - edge)).mean(axis=rest)
    return layer


def by_index(inputs: tuple, options: dict) -> bool:
    """Whether an op takes whole numbers, as embeddings take the rows of their weights: those are its data."""
    return any(isinstance(value, np.ndarray) and value.dtype.kind in "iu" for value in (*inputs, *options.values()))


def units_of(op: str, y: np.ndarray) -> tuple[int, int]:
    """The dimension in which the units of a layer's output stand, and how many they are: channels of convolutions."""
    axis = 1 if "conv" in op and y.ndim >= 3 else y.ndim - 1
    return axis, y.shape[axis] if y.ndim else 1


def emptied(op: str, w: np.ndarray) -> np.ndarray | None:
    """Which units have no weight that leads to them: w is (in, out), or (out, in, height, width) of a convolution."""
    if op.startswith("the gradient"):  # a transposed convolution
        return None
    rest = tuple(range(1, w.ndim)) if op.startswith("conv") else tuple(range(w.ndim - 1))
    return ~(w != 0).any(axis=rest)


def inputs_of(x: np.ndarray) -> Inputs | None:
    """What is to be known of the rows; None for integers, such as those that embeddings take."""
    if x.dtype.kind != "f" or not x.size or x.ndim < 2:
        return None
    rows = x.reshape(len(x), -1)
    still = (rows == rows[0]).all(axis=0)
    return Inputs(
        len(x), norm(x) / math.sqrt(x.size), float(np.abs(x).max()), rows.shape[1], int(still.sum()), rows[0].copy()
    )


def layer_of(parameter: str) -> str:
    """The path of the module that a parameter belongs to.

    The weight and the bias of a model that is one layer are of "model"; other parameters of the model itself have their
    own names. The layers and directions of a recurrent module are layers of their own.

    >>> layer_of("encoder.0.weight"), layer_of("w"), layer_of("bias"), layer_of("lstm.weight_hh_l1_reverse")
    ('encoder.0', 'w', 'model', 'lstm l1_reverse')
    """
    path, _, name = parameter.rpartition(".")
    part = re.fullmatch(r"(?:weight|bias)_(?:ih|hh)_(l\d+(?:_reverse)?)", name)
    if part:
        return f"{path} {part[1]}".strip()
    return path or (MODEL if name in ("weight", "bias") else name)


def innermost() -> str:
    """The class of the innermost module at work, for an activation that no layer feeds; "" outside of modules."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self") if frame.f_code.co_name == "forward" else None
        if isinstance(owner, Module):
            return type(owner).__name__
        frame = frame.f_back
    return ""
