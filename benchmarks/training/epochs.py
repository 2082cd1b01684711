"""Training: epochs of article 000's network, with shuffling, batches and accuracy, as each peer's users write it.

784-64-64-10, relu, softmax cross-entropy, L2(0.001) on the weights, Adam, batches of 32 rows in a new order each epoch;
the mean loss and the accuracy of each epoch's batches are reported. A call is some epochs, and goes on with the weights
of the last: three before the clock, then one for each round. What must agree is the accuracy after the third.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from ..harness.case import Case, Run
from ..steps import Step

TITLE = "epochs of training 784-64-64-10 on batches of 32: shuffling, step, loss and accuracy"
UNIT = "GFLOP/s"
ROOFS = ()
KERNELS = ()
STATEFUL = True
ALL_VARIANTS = False
TOLERANCE = 2e-2
STEP = Step("training", (784, 64, 64, 10), 32, l2=1e-3)


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are rows x epochs: rows of MNIST where it is found (60000x1: all), else, and with --quick, random "
    "images."""
    return [case(size, quick) for size in sizes or (["480x2"] if quick else ["2400x5"])]


def case(size: str, quick: bool) -> Case:
    try:
        rows, epochs = map(int, size.split("x"))
    except ValueError:
        raise ValueError(f"training: {size!r} is no size; need rows x epochs, such as 2400x5") from None
    if rows < STEP.batch or rows % STEP.batch or epochs < 1:
        raise ValueError(f"training: {size}; need a multiple of {STEP.batch} rows, and at least one epoch")
    folder = None if quick else mnist_folder()
    name = f"{epochs} x {rows:,} {'random images' if folder is None else 'of MNIST'}"
    steps, params = epochs * rows // STEP.batch, {"rows": rows, "epochs": epochs, "folder": folder}
    return Case(name, "float32", params, steps * STEP.flops, steps * STEP.bytes)


def seconds(case: Case) -> float:
    """How long the rounds of a case may take together: five to ten of them."""
    return max(1.5, 2e-3 * case.params["rows"] * case.params["epochs"])


def mnist_folder() -> str | None:
    """What a worker needs in MINIGRAD_DATA to find MNIST ("" for the user's cache); None if it is not there."""
    from minigrad.data import load_mnist

    try:
        load_mnist()
    except FileNotFoundError:
        return None
    return os.environ.get("MINIGRAD_DATA", "")


def data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Images (rows, 784) in [0, 1] and their classes: MNIST's first, or ten random pictures with noise."""
    rows, folder = case.params["rows"], case.params["folder"]
    if folder is None:
        random = np.random.default_rng(0)
        y = random.integers(0, 10, rows)
        return (0.5 * (random.random((10, 784))[y] + random.random((rows, 784)))).astype(np.float32), y
    from minigrad.data import load_mnist

    if folder:
        os.environ["MINIGRAD_DATA"] = folder
    train = load_mnist().train
    if rows > len(train.x):
        raise ValueError(f"training: MNIST has {len(train.x)} rows, not {rows}")
    return np.ascontiguousarray(train.x[:rows]), train.y[:rows].astype(np.int64)


def run(case: Case, epoch: Callable[[], tuple[float, float]]) -> Run:
    """Calls of a loop whose epoch() trains once, and returns its mean loss and its accuracy."""
    last = [0.0, 0.0]

    def call() -> None:
        for _ in range(case.params["epochs"]):
            last[:] = epoch()

    return Run(call, lambda: [last[1], last[1]])


def by_numpy(case: Case) -> dict[str, Run]:
    from ..steps.by_hand import Loss, Network

    x, y = data(case)
    network, loss = Network(STEP), Loss(STEP, y[: STEP.batch])
    batch, random = np.empty((STEP.batch, 784), np.float32), np.random.default_rng(0)

    def epoch() -> tuple[float, float]:
        total, right = 0.0, 0
        for rows in random.permutation(len(x)).reshape(-1, STEP.batch):
            np.take(x, rows, 0, out=batch, mode="clip")
            loss.target = y[rows]
            logits = network.forward(batch)
            total += loss.cross_entropy(logits, network.g[-1])
            right += int((logits.argmax(1) == loss.target).sum())
            network.backward(batch)
            network.update(network.gradient)
        return total * STEP.batch / len(x), right / len(x)

    return {"by hand": run(case, epoch)}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    import minigrad as mg
    from minigrad import optim, reg
    from minigrad.train import accuracy, fit

    from ..steps.minigrad import network

    x, y = data(case)
    model = network(STEP)
    optimizer = optim.Adam(model.parameters(), lr=STEP.lr, penalty=reg.on(model, "*.weight", reg.L2(STEP.l2)))
    seeds, last = count(), [0.0]

    def call() -> None:
        history = fit(
            model,
            (x, y),
            mg.cross_entropy,
            optimizer,
            epochs=case.params["epochs"],
            batch_size=STEP.batch,
            metrics=[accuracy],
            seed=next(seeds),
        )
        last[0] = history.last["accuracy"]

    return {"fit": Run(call, lambda: [last[0], last[0]])}


def by_torch(case: Case) -> dict[str, Run]:
    """PyTorch's usual loop over its DataLoader, and one that takes its batches out of whole tensors; fused Adam."""
    import torch
    from torch.nn import functional
    from torch.utils.data import DataLoader, TensorDataset

    from ..steps.torch import network

    x, y = (torch.from_numpy(a) for a in data(case))
    torch.manual_seed(0)

    def loaded() -> Any:
        return DataLoader(TensorDataset(x, y), batch_size=STEP.batch, shuffle=True)

    def taken() -> Any:
        return ((x[rows], y[rows]) for rows in torch.randperm(len(x)).split(STEP.batch))

    def training(batches: Callable[[], Any]) -> Run:
        model = network(STEP)
        weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
        biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
        groups: Any = [{"params": weights, "weight_decay": STEP.l2}, {"params": biases, "weight_decay": 0.0}]
        optimizer = torch.optim.Adam(groups, lr=STEP.lr, fused=True)

        def epoch() -> tuple[float, float]:
            total, right = 0.0, 0
            for inputs, targets in batches():
                optimizer.zero_grad(set_to_none=True)
                logits = model(inputs)
                loss = functional.cross_entropy(logits, targets)
                loss.backward()
                optimizer.step()
                total += loss.item()
                right += int((logits.argmax(1) == targets).sum())
            return total * STEP.batch / len(x), right / len(x)

        return run(case, epoch)

    return {"DataLoader, fused": training(loaded), "whole tensors, fused": training(taken)}
