"""What regularization costs: time and memory of a training step, time of a prediction, parameters, term by term.

All rows are timed in turn, slice by slice, and compared within a round, each by its fastest slice. Every round builds
its models anew, in another order: two copies of one network differ by up to 4% for as long as they live, by where their
arrays lie in memory. The median over rounds, and its interval, say what remains.
"""

from __future__ import annotations

import argparse
import copy
import functools
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import nn, optim, reg, rng
from ...checks import whole
from ...data import load_digits, load_mnist
from ...engine import Tensor
from ...nn.clipping import clip_grad_norm_
from ...nn.module import Module
from ...nn.prediction import dtype_of
from ...ops.losses.classes import cross_entropy
from ...recording import no_grad
from ...train.loop import collector_paused
from ..demo.experiment import HIDDEN
from ..pages.statistics import median_interval
from ..pages.tables import as_text
from .measured import NETWORKS, RELU, Network
from .measures import Setup, fastest, predictor, state_bytes, step_bytes, stepper

ROUNDS = 21
Makers = Mapping[str, Callable[[], Setup]]  # name -> function that builds a setup


class Cost(NamedTuple):
    """What a setup costs. ratio is the median over rounds of its time in a round over that of the first setup."""

    name: str
    step_seconds: float
    ratio: float
    interval: tuple[float, float]  # the 95% interval of that median
    step_bytes: int  # the most that a step holds beyond what was there before it
    state_bytes: int  # parameters, buffers, the optimizer's state
    predict_seconds: float
    parameters: int


def of(
    model: Module,
    x: Any,
    y: Any,
    terms: Mapping[str, Any],
    loss: Callable = cross_entropy,
    *,
    optimizer: Callable[..., optim.Optimizer] = optim.Adam,
    selector: Any = "*.weight",
    rounds: int = ROUNDS,
) -> list[Cost]:
    """The costs of training copies of a model on one batch (x, y): plainly, and with each of the terms.

    A term is a penalty or a constraint on the parameters of the selector, with a row for each way that it can take; or
    a model to compare with: one with dropout, or reg.compact(model). The model itself is not trained.

    >>> import minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(4, 8, activation="relu"), mg.nn.Linear(8, 3))
    >>> found = of(model, np.eye(4), [0, 1, 2, 0], {"L1": mg.reg.L1(1e-3)}, rounds=1)
    >>> [cost.name for cost in found]
    ['none', 'L1 in the update', 'L1 proximal', 'L1 in the loss']
    """
    twin = functools.partial(copy.deepcopy, model)
    makers: dict[str, Callable[[], Setup]] = {"none": functools.partial(plain, twin, optimizer)}
    for name, term in terms.items():
        if isinstance(term, Module):
            makers[name] = functools.partial(plain, functools.partial(copy.deepcopy, term), optimizer)
        else:
            makers |= routes(name, term, twin, optimizer, selector)
    return compare(makers, x, y, loss, rounds)


def plain(make: Callable[[], Module], optimizer: Callable[..., optim.Optimizer] = optim.Adam) -> Setup:
    """A model and its optimizer, and nothing else."""
    model = make()
    return Setup(model, optimizer(model.parameters()))


def routes(
    name: str,
    term: Any,
    make: Callable[[], Module],
    optimizer: Callable[..., optim.Optimizer] = optim.Adam,
    selector: Any = "*.weight",
) -> dict[str, Callable[[], Setup]]:
    """A maker for each moment at which a penalty can act."""

    def build(moment: str) -> Setup:
        model = make()
        bound = reg.on(model, selector, term)
        if not moment:
            return Setup(model, optimizer(model.parameters()), bound)
        return Setup(model, optimizer(model.parameters(), **{moment: bound}))

    ways: dict[str, tuple[str, ...]] = {"in the update": ("penalty", "l1", "l2"), "proximal": ("prox", "prox")}
    ways |= {"after the update": ("constraints", "project"), "in the loss": ("", "__call__")}
    return {
        f"{name} {way}": functools.partial(build, moment)
        for way, (moment, *needs) in ways.items()
        if all(hasattr(term, need) for need in needs)
    }


def compare(makers: Makers, x: Any, y: Any, loss: Callable = cross_entropy, rounds: int = ROUNDS) -> list[Cost]:
    """The cost of each setup on the batch (x, y), measured in turn; the first is what the others are compared with."""
    whole(rounds, "cost: rounds", 1)
    names = list(makers)
    steps: dict[str, list[float]] = {name: [] for name in names}
    predictions: dict[str, list[float]] = {name: [] for name in names}
    with collector_paused():
        for turn in range(rounds):
            order = names[turn % len(names) :] + names[: turn % len(names)]
            setups = {name: makers[name]() for name in order}
            batch = Tensor(np.ascontiguousarray(x, dtype_of(setups[names[0]].model)))
            for name, seconds in zip(order, fastest([stepper(setup, batch, y, loss) for setup in setups.values()])):
                steps[name].append(seconds)
            for name, seconds in zip(order, fastest([predictor(setup.model, batch) for setup in setups.values()])):
                predictions[name].append(seconds)
        memory = {name: step_bytes(stepper(setup, batch, y, loss)) for name, setup in setups.items()}
    ratios = {name: [t / first for t, first in zip(steps[name], steps[names[0]])] for name in names}
    return [
        Cost(
            name,
            statistics.median(steps[name]),
            statistics.median(ratios[name]),
            median_interval(ratios[name]),
            memory[name],
            state_bytes(setups[name]),
            statistics.median(predictions[name]),
            sum(p.size for p in setups[name].model.parameters()),
        )
        for name in names
    ]


# --- the command ------------------------------------------------------------------------------------------------------


def clipping(make: Callable[[], Module]) -> Setup:
    """Gradients clipped by their norm before each update."""
    setup = plain(make)
    setup.optimizer.before_step(lambda optimizer: clip_grad_norm_(optimizer.state, 1.0))
    return setup


def averages(make: Callable[[], Module]) -> Setup:
    """Weights averaged after each update."""
    setup = plain(make)
    return setup._replace(after=optim.EMA(setup.model).update)


def half_empty(make: Callable[[], Module]) -> Module:
    """A network whose every second hidden unit is zero, as a penalty on groups leaves it."""
    model = make()
    *hidden, _ = [layer for _, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    with no_grad():
        for layer in hidden:
            layer.weight.copy_(layer.weight.data * (np.arange(layer.out_features) % 2))
    return model


def zeros(make: Callable[[], Module]) -> Setup:
    """Half of the hidden units are zero, and still computed with."""
    return plain(lambda: half_empty(make))


def compacted(make: Callable[[], Module]) -> Setup:
    """The same network without them."""
    return plain(lambda: reg.compact(half_empty(make)))


PENALTIES: dict[str, Any] = {
    "L1": reg.L1(1e-4),
    "L2": reg.L2(1e-3),
    "elastic-net": reg.ElasticNet(1e-4, 1e-3),
    "group-lasso": reg.GroupLasso(1e-3),
    "max-norm": reg.MaxNorm(3.0),
}
AROUND = {"clipping": clipping, "averages": averages, "zeros": zeros, "compact": compacted}


def terms_of(network: Network) -> tuple[str, ...]:
    """The names of the terms that a network takes."""
    return (*PENALTIES, *network.layers, *(name for name in AROUND if name not in network.without))


def makers_of(terms: Sequence[str], sizes: Sequence[int], network: Network = RELU) -> Makers:
    """The setups of these terms for a network, of these sizes for RELU, the plain one first."""
    make = functools.partial(network.make, sizes) if sizes else network.make
    makers: dict[str, Callable[[], Setup]] = {"none": functools.partial(plain, make)}
    for name in terms:
        if name not in terms_of(network):
            raise ValueError(f"there is no term {name!r} for {network.name}; there are {', '.join(terms_of(network))}")
        if name in PENALTIES:
            makers |= routes(name, PENALTIES[name], make, selector=network.selector)
        elif name in network.layers:
            makers[name] = functools.partial(plain, functools.partial(make, **network.layers[name]))
        else:
            makers[name] = functools.partial(AROUND[name], make)
    return makers


def main(options: argparse.Namespace) -> None:
    """`minigrad cost`: a table, or JSON, for one of the networks."""
    network, (x, y), sizes = NETWORKS[options.network], *_batch(options)
    terms = options.terms or terms_of(network)
    before = rng.get_state()
    try:
        costs = compare(makers_of(terms, sizes, network), x, y, rounds=options.rounds)
    finally:
        rng.set_state(before)
    layers = "-".join(map(str, sizes)) or f"{network.name}: {network.title}"
    if options.json:
        found = {"layers": sizes or network.title, "batch": len(y), "costs": [cost._asdict() for cost in costs]}
        print(json.dumps(found, indent=1))
    else:
        print(f"{layers}, Adam, batches of {len(y)}; medians of {options.rounds} rounds in turn\n")
        print(table(costs))


def _batch(options: argparse.Namespace) -> tuple[tuple[Any, Any], list[int]]:
    """A batch (x, y), and the sizes of the network of linear layers."""
    network = NETWORKS[options.network]
    if network is not RELU:
        if options.data or options.hidden:
            given = "--data" if options.data else "--hidden"
            raise ValueError(f"{given} goes with --network relu; {network.name} is {network.title}")
        return network.batch(options.batch_size or network.rows), []
    data = load_mnist()[0] if options.data == "mnist" else load_digits()
    rows = options.batch_size or network.rows
    return (data.x[:rows], data.y[:rows]), [data.x.shape[1], *(options.hidden or [HIDDEN, HIDDEN]), 10]


def table(costs: Sequence[Cost]) -> str:
    """The costs as text."""
    head = ("term", "step µs", "of none", "95% interval", "step KiB", "state KiB", "predict µs", "parameters")
    rows = [
        [
            c.name,
            f"{c.step_seconds * 1e6:.1f}",
            f"{c.ratio:.3f}",
            "{:.3f} to {:.3f}".format(*c.interval),
            f"{c.step_bytes / 1024:.1f}",
            f"{c.state_bytes / 1024:.1f}",
            f"{c.predict_seconds * 1e6:.1f}",
            f"{c.parameters}",
        ]
        for c in costs
    ]
    return as_text(head, rows)
