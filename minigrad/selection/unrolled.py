"""Hyper-gradients of small networks: the training run as one function of the strengths, differentiated in reverse.

The run goes forward and keeps the weights of every step. Then the derivative of the held-out loss by the last weights
is carried back, step by step: each step is recorded from its kept weights, its own gradient with it, and differentiated
(Domke 2012; Maclaurin, Duvenaud, Adams 2015; Franceschi et al. 2017). Memory: one copy of the weights for each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import kernels as K
from .. import rng
from ..checks import finite, whole
from ..data.dataset import as_rows, finite_rows
from ..data.prepare.scaling import Standardizer
from ..engine import Tensor, grad
from ..errors import NonFiniteError, ShapeError
from ..nn.module import Module
from ..nn.prediction import dtype_of, evaluating
from ..recording import no_grad
from ..reg.binding.on import select
from .folds import fit_seed
from .networks import NetworkModel

KINDS, SHARES = ("l1", "l2"), ("term", "parameter", "row")
Strengths = dict[str, np.ndarray]


@dataclass(frozen=True)
class NetworkGradient:
    """The held-out loss of a trained network, and its derivatives by the logarithms of strengths, by name.

    gradient    {name: array}, of the shape that the strength of that name has; empty where it was not asked for
    model       output(x) are its predictions, in the units of the targets, or logits

    >>> import minigrad as mg
    >>> build = lambda: mg.nn.Sequential(mg.nn.Linear(3, 1, dtype="float64"))
    >>> x, y, _ = mg.data.regression(40, 3, dtype="float64")
    >>> network = Unrolled(build, mg.mse, {"l2": ("*.weight", "l2", "term")}, steps=5)
    >>> found = network.hypergradient(x[:30], y[:30], (x[30:], y[30:]), {"l2": 0.1})
    >>> type(found).__name__, list(found.gradient), found.model.output(x).shape[0]
    ('NetworkGradient', ['l2'], 40)
    """

    value: float
    gradient: Strengths
    model: Any = field(repr=False)


@dataclass(frozen=True)
class Unrolled:
    """A small network that is trained for a fixed number of steps on fixed batches, with strengths to be tuned.

    build       makes the network; its random numbers are functions of the seed. float64 for derivatives to 1e-6
    loss        a mean over rows, as fit takes it: mg.mse, mg.cross_entropy, ...
    terms       {name: (selector, kind, share)}: kind "l1", λ Σ|w|, or "l2", (λ/2) Σw², on what the selector matches, as
                in reg.on; share says how many λ there are: "term" one, "parameter" one for each parameter that is
                matched, "row" one for each row of the weight, that is for each of its inputs
    penalty     instead: a function (network, {name: tensor of λ}) -> a number; `terms` is then {name: how many λ}
    classifies  whether y holds classes 0, 1, ...
    steps, lr, momentum, batch_size    SGD: v = momentum v + g, w = w - lr v; batches of shuffled rows, None: all rows
                l1 acts in the proximal step: w goes towards 0 by λ lr / (1 - momentum), and stays there if it arrives
    standardize the columns of x, and targets that are numbers, by the training rows; the loss of held-out rows is in
                the units of the targets

    Every step depends on the data and the seed alone, dropout too, so that the held-out loss is a function of the
    strengths. Where it has a kink, as a weight gets to 0 or a relu turns off, the derivative on one side is taken; a
    `penalty` of your own with |w| in it would make a kink at every change of sign, and derivatives that say nothing.
    Networks with running statistics are refused, because their derivative is not known here.

    TypeError for a build that is a network and not a function that makes one, and for terms that are no {name:
    (selector, kind, share)}.

    >>> import minigrad as mg
    >>> build = lambda: mg.nn.Sequential(mg.nn.Linear(3, 4, activation="tanh", dtype="float64"),
    ...                                  mg.nn.Linear(4, 1, dtype="float64"))
    >>> x, y, _ = mg.data.regression(40, 3, noise=1.0, dtype="float64")
    >>> terms = {"inputs": ("0.weight", "l2", "row"), "out": ("1.weight", "l2", "term")}
    >>> network = Unrolled(build, mg.mse, terms, steps=20)
    >>> found = network.hypergradient(x[:30], y[:30], (x[30:], y[30:]), {"inputs": 0.1, "out": 0.1})
    >>> found.gradient["inputs"].shape, found.gradient["out"].shape
    ((3,), (1,))
    """

    build: Callable[[], Module]
    loss: Callable[..., Any]
    terms: Mapping[str, Any]
    penalty: Callable[..., Any] | None = None
    classifies: bool = False
    steps: int = 500
    lr: float = 0.1
    momentum: float = 0.0
    batch_size: int | None = None
    standardize: bool = True

    takes_gaps = False
    score = "loss"

    def __post_init__(self) -> None:
        if isinstance(self.build, Module) or not callable(self.build):
            raise TypeError(
                "Unrolled: build must be a function that makes the network, since every run starts anew; got "
                f"{type(self.build).__name__}"
            )
        whole(self.steps, "Unrolled: steps", 1)
        finite(self.lr, "Unrolled: lr", at_least=0.0)
        finite(self.momentum, "Unrolled: momentum", 0.0, 0.999)
        if self.batch_size is not None:
            whole(self.batch_size, "Unrolled: batch_size", 1)
        if not isinstance(self.terms, Mapping) or not self.terms:
            raise TypeError(
                'Unrolled: terms is {name: (selector, kind, share)}, such as {"l2": ("*.weight", "l2", "term")}'
            )
        for name, term in self.terms.items():
            _check_term(name, term, self.penalty is not None)

    def sizes(self) -> dict[str, int]:
        """How many strengths each name has."""
        with rng.own_streams(0):
            module = self.build()
        return {name: _size(module, name, term) for name, term in self.terms.items()}

    def settings(self) -> dict[str, Any]:
        """What tells this kind of network from another."""
        with rng.own_streams(0):
            network = repr(self.build())
        return {"model": "Unrolled", **vars(self), "network": network}

    def start(self, x: Any, y: Any, classes: int | None = None, seed: int = 0) -> Run:
        """The rows and the start of the network, for runs with any strengths."""
        return Run(self, x, y, seed)

    def hypergradient(
        self, x: Any, y: Any, held_out: Any, strengths: Mapping[str, Any], *, seed: int = 0, gradient: bool = True
    ) -> NetworkGradient:
        """Train with these strengths, {name: λ, or an array of them}; the loss of held-out (x, y), and its derivatives.

        NonFiniteError where the run diverges; ShapeError and ValueError for strengths or rows that do not fit.
        """
        return Run(self, x, y, seed).at(held_out, strengths, gradient)

    def penalties(self, module: Module, strengths: dict[str, Tensor]) -> Tensor | float:
        """What is added to the loss, of strengths that are tensors: the terms of kind l2, or `penalty`."""
        if self.penalty is not None:
            return self.penalty(module, strengths)
        total: Tensor | float = 0.0
        for _, w, lam in self._on(module, strengths, "l2"):
            total = (w * w * lam).sum() * 0.5 + total
        return total

    def thresholds(self, module: Module, strengths: dict[str, Tensor]) -> dict[str, Tensor]:
        """By how much each step draws parameters towards 0, by their names: the terms of kind l1."""
        found: dict[str, Tensor] = {}
        step = self.lr / (1 - self.momentum)
        for name, _, lam in self._on(module, strengths, "l1") if self.penalty is None else ():
            found[name] = lam * step + found[name] if name in found else lam * step
        return found

    def _on(self, module: Module, strengths: dict[str, Tensor], kind: str) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(name, parameter, its λ as a tensor that broadcasts) of every parameter under a term of this kind."""
        for term, (selector, of_kind, share) in self.terms.items():
            for i, (name, w) in enumerate(select(module, selector) if of_kind == kind else ()):
                lam = strengths[term]
                if share == "row":
                    yield name, w, lam.reshape(-1, *[1] * (len(w.shape) - 1))
                else:
                    yield name, w, lam[i if share == "parameter" else 0]


def _check_term(name: str, term: Any, counted: bool) -> None:
    """TypeError or ValueError for a term that says neither what it is on nor how many strengths it has."""
    if counted:
        whole(term, f"Unrolled: terms[{name!r}], how many λ penalty takes by this name,", 1)
        return
    if not (isinstance(term, tuple) and len(term) == 3 and term[1] in KINDS and term[2] in SHARES):
        raise ValueError(
            f"Unrolled: terms[{name!r}] is {term!r:.60}; need (selector, kind, share) with kind {' or '.join(KINDS)} "
            f"and share {', '.join(SHARES[:-1])} or {SHARES[-1]}"
        )


def _size(module: Module, name: str, term: Any) -> int:
    """How many strengths a term has on this network."""
    if not isinstance(term, tuple):
        return int(term)
    selector, _, share = term
    found = select(module, selector)
    if not found:
        names = ", ".join(n for n, _ in module.named_parameters())
        raise ValueError(f"Unrolled: terms[{name!r}] matches no parameter; there are {names}")
    if share == "row":
        if len(found) > 1:
            names = ", ".join(n for n, _ in found)
            raise ValueError(f"Unrolled: terms[{name!r}] has a λ for each row, and matches {names}; need one of them")
        return int(found[0][1].shape[0])
    return len(found) if share == "parameter" else 1


class Run:
    """One training part and a seed: the start of the network, its batches, and the runs of any strengths on them."""

    def __init__(self, family: Unrolled, x: Any, y: Any, seed: int = 0) -> None:
        self.family, self.seed = family, seed
        with rng.own_streams(seed):
            self.module = family.build()
        if self.module.buffers():
            names = ", ".join(name for name, _ in self.module.named_buffers())
            raise ValueError(
                f"Unrolled: the network keeps running statistics ({names}), through which no derivative is known here; "
                "take layer or group normalization"
            )
        self.names = [name for name, w in self.module.named_parameters() if w.requires_grad]
        self.params = [w for w in self.module.parameters() if w.requires_grad]
        self.start = [w.data.copy() for w in self.params]
        self.dtype = dtype_of(self.module)
        self.sizes = {name: _size(self.module, name, term) for name, term in family.terms.items()}
        x = finite_rows(as_rows(x, "x"), "x", self.dtype)
        self.scale = Standardizer(x) if family.standardize else None
        self.x = self.scale(x) if self.scale is not None else x
        self.targets: Standardizer | None = None
        self.y = as_rows(y, "y")
        if len(self.y) != len(self.x):
            raise ShapeError(f"Unrolled: x has {len(self.x)} rows, y {len(self.y)}")
        if not family.classifies:
            self.y = finite_rows(self.y.reshape(len(self.x), -1), "y", self.dtype)
            self.targets = Standardizer(self.y) if family.standardize else None
            self.y = self.targets(self.y) if self.targets is not None else self.y

    def at(self, held_out: Any, strengths: Mapping[str, Any], gradient: bool = True) -> NetworkGradient:
        """The held-out loss with these strengths, and its derivatives."""
        logs = self.logs(strengths)
        states = self._states(logs, keep=gradient)
        value, slopes = self._held_out(held_out)
        model = self.model()
        return NetworkGradient(value, self._back(states, slopes, logs) if gradient else {}, model)

    def train(self, strengths: Mapping[str, Any]) -> NetworkModel:
        """The model with these strengths."""
        self._states(self.logs(strengths), keep=False)
        return self.model()

    def _states(self, logs: Strengths, keep: bool) -> list[Any]:
        """Weights and speeds before every step and at the end, of which only the last are kept unless asked for."""
        states: list[Any] = [(self.start, [np.zeros_like(w) for w in self.start])]
        for step in range(self.family.steps):
            states.append(self._forward(states[-1], logs, step))
            if not keep:
                states = states[-1:]
        self._load(states[-1][0])
        return states

    def model(self) -> NetworkModel:
        """The network as it stands, a copy."""
        with rng.own_streams(self.seed):
            copy = self.family.build()
        copy.load_state_dict(self.module.state_dict())
        return NetworkModel(copy.eval(), self.scale, self.targets, "*")

    def logs(self, strengths: Mapping[str, Any]) -> Strengths:
        """log λ by name, each an array of its size."""
        if set(strengths) != set(self.sizes):
            raise ValueError(f"Unrolled: strengths for {', '.join(strengths)}; need {', '.join(self.sizes)}")
        found = {}
        for name, size in self.sizes.items():
            values = np.asarray(strengths[name], np.float64).reshape(-1)
            if values.size not in (1, size) or not np.isfinite(values).all() or not (values > 0).all():
                raise ValueError(
                    f"Unrolled: strength {name!r} is {strengths[name]!r:.60}; need one above 0, or {size} of them"
                )
            log = np.array(np.broadcast_to(values, (size,)))
            K.log(log, log)
            found[name] = log.astype(self.dtype)
        return found

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The rows of a step: the epoch's order is a function of (seed, epoch)."""
        n, size = len(self.x), self.family.batch_size
        if size is None or size >= n:
            return Tensor(self.x), Tensor(self.y)
        each = -(-n // size)
        order = rng.permutation(n, self.seed, rng.stream(rng.SHUFFLE, step // each))
        rows = order[step % each * size : (step % each + 1) * size]
        return Tensor(self.x[rows]), Tensor(self.y[rows])

    def _load(self, weights: list[np.ndarray]) -> None:
        with no_grad():
            for w, value in zip(self.params, weights):
                w.copy_(value)

    def _gradients(self, strengths: dict[str, Tensor], step: int, create_graph: bool) -> tuple[Tensor, ...]:
        """The gradient of loss and penalty at the weights that are loaded."""
        x, y = self._batch(step)
        with rng.own_streams(fit_seed(self.seed, 0, step)):
            loss = self.family.loss(self.module(x), y) + self.family.penalties(self.module, strengths)
        found = grad(loss, self.params, create_graph=create_graph, allow_unused=True)
        return tuple(Tensor(np.zeros_like(w.data)) if g is None else g for g, w in zip(found, self.params))

    def _moved(
        self, weights: list[Tensor], speeds: list[Tensor], gradients: tuple[Tensor, ...], strengths: dict[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The weights and speeds after a step, in differentiable ops: soft(u, t) = relu(u - t) - relu(-u - t)."""
        moved = [v * self.family.momentum + g for v, g in zip(speeds, gradients)]
        pulls = self.family.thresholds(self.module, strengths)
        new = []
        for name, w, v in zip(self.names, weights, moved):
            u = w - v * self.family.lr
            new.append((u - pulls[name]).relu() - (-u - pulls[name]).relu() if name in pulls else u)
        return new, moved

    def _forward(self, state: Any, logs: Strengths, step: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        weights, speeds = state
        self._load(weights)
        strengths = {name: Tensor(log).exp() for name, log in logs.items()}
        found = self._gradients(strengths, step, False)
        with no_grad():
            new, moved = self._moved([Tensor(w) for w in weights], [Tensor(v) for v in speeds], found, strengths)
        if not all(np.isfinite(w.data).all() for w in new):
            raise NonFiniteError(
                f"Unrolled: step {step + 1} of {self.family.steps} left the range of {self.dtype}; lr = "
                f"{self.family.lr:g} is too large for these strengths"
            )
        return [w.data for w in new], [v.data for v in moved]

    def _held_out(self, held_out: Any) -> tuple[float, list[np.ndarray]]:
        """The loss of held-out rows in the units of the targets, and its gradient by the weights."""
        x, y = held_out
        x = finite_rows(as_rows(x, "held_out: x"), "held_out: x", self.dtype)
        x = self.scale(x) if self.scale is not None else x
        y = as_rows(y, "held_out: y")
        if not self.family.classifies:
            y = finite_rows(y.reshape(len(x), -1), "held_out: y", self.dtype)
        with evaluating(self.module, record=True):
            output = self.module(Tensor(x))
            if self.targets is not None:
                output = output * Tensor(self.targets.std) + Tensor(self.targets.mean)
            loss = self.family.loss(output, Tensor(y))
            found = grad(loss, self.params, allow_unused=True)
        value = float(loss.data)
        if not np.isfinite(value):
            raise NonFiniteError(f"Unrolled: the loss of the held-out rows is {value}; the run diverged")
        return value, _arrays(found, [w.data for w in self.params])

    def _back(self, states: list[Any], slopes: list[np.ndarray], logs: Strengths) -> Strengths:
        """Carry the slopes by the last weights back to the start, and sum what they are by the logs on the way."""
        carried, turned = slopes, [np.zeros_like(w) for w in slopes]
        totals = {name: np.zeros_like(log) for name, log in logs.items()}
        for step in reversed(range(self.family.steps)):
            weights, speeds = states[step]
            self._load(weights)
            leaves = [Tensor(v, requires_grad=True) for v in speeds]
            thetas = {name: Tensor(log, requires_grad=True) for name, log in logs.items()}
            strengths = {name: theta.exp() for name, theta in thetas.items()}
            found = self._gradients(strengths, step, True)
            new, moved = self._moved(self.params, leaves, found, strengths)
            parts = [(y * Tensor(a)).sum() for y, a in zip([*new, *moved], [*carried, *turned])]
            whole_step = parts[0]
            for part in parts[1:]:
                whole_step = whole_step + part
            by = grad(whole_step, [*self.params, *leaves, *thetas.values()], allow_unused=True)
            k = len(self.params)
            carried, turned = _arrays(by[:k], weights), _arrays(by[k : 2 * k], speeds)
            for name, g in zip(thetas, _arrays(by[2 * k :], list(logs.values()))):
                totals[name] = totals[name] + g
        return totals


def _arrays(gradients: Any, like: list[np.ndarray]) -> list[np.ndarray]:
    """The gradients as arrays, zeros where there is none."""
    return [np.zeros_like(w) if g is None else g.data for g, w in zip(gradients, like)]
