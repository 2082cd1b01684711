"""The steps on minigrad with the public API as a user writes them: as Python, and replayed by mg.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigrad as mg
from minigrad import nn, optim, reg

from ..harness.case import Run
from . import STEPS_A_CALL, Step


class LastState(nn.LSTM):
    """h of an LSTM after the last step."""

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
        return super().forward(x, state, lengths)[1][0][0]


def lstm(step: Step) -> LastState:
    layer = LastState(step.sequence[1], step.layers[0], init="zeros", recurrent_init="zeros", dtype=step.dtype)
    first, second = step.lstm_weights()
    with mg.no_grad():
        layer.weight_ih_l0.copy_(first)
        layer.weight_hh_l0.copy_(second)
        layer.bias_ih_l0.copy_(0.0 * layer.bias_ih_l0)
        layer.bias_hh_l0.copy_(0.0 * layer.bias_hh_l0)
    return layer


def network(step: Step) -> nn.Sequential:
    layers: list[nn.Module] = [lstm(step)] if step.sequence else []
    for m, n in zip((1, *step.filters), step.filters):
        layers += [nn.Conv2d(m, n, 5, padding="same", activation="relu", dtype=step.dtype), nn.MaxPool2d(2)]
    if step.filters:
        layers.append(nn.Flatten())
    for i, (n_in, n_out) in enumerate(step.sizes):
        hidden = i < len(step.sizes) - 1
        layers.append(nn.Linear(n_in, n_out, activation="relu" if hidden else None, dtype=step.dtype))
        if hidden and step.dropout:
            layers.append(nn.Dropout(step.dropout))
    model = nn.Sequential(*layers)
    linears = [layer for layer in layers if isinstance(layer, nn.Linear)]
    with mg.no_grad():
        for layer, w in zip(linears, step.weights()[0], strict=True):
            layer.weight.copy_(w)
    return model


def with_norms(strength: float) -> Callable[[Any, Any], Any]:
    def loss(logits: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        y = mg.softmax(logits)
        norms = y.abs().sum(1) + (y * y).sum(1).sqrt()
        return mg.mse_loss(y, target) + strength * norms.mean()

    return loss


def runs(step: Step) -> dict[str, Run]:
    """The penalty inside the update; where there is one, also as a term of the loss; replayed in runs."""
    found = {"": run(step, in_update=True)}
    if step.l2:
        found["L2 in loss"] = run(step, in_update=False)
    for most in STEPS_A_CALL:
        found[f"replay, {most:,} steps a call"] = run(step, in_update=True, replayed=most)
    return found


def run(step: Step, in_update: bool, replayed: int = 0) -> Run:
    """replayed: how many steps a call of the compiled step makes; 0: none, the step is not compiled."""
    mg.manual_seed(0)
    model = network(step)
    x, target = step.data()
    x = mg.tensor(x)
    target = mg.tensor(target)
    loss_of = {"cross_entropy": mg.cross_entropy, "bce": mg.bce_with_logits, "mse": mg.mse_loss}[step.loss]
    if step.norms:
        loss_of = with_norms(step.norms)
    terms = reg.on(model, "0.weight" if step.first_only else "*.weight", reg.L2(step.l2)) if step.l2 else None
    bound = {"penalty": terms} if terms is not None and in_update else {}
    if step.decay:
        weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
        biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
        groups = [{"params": weights, "weight_decay": step.decay}, {"params": biases, "weight_decay": 0.0}]
        optimizer: Any = optim.AdamW(groups, lr=step.lr)
    elif step.optimizer == "adam":
        optimizer = optim.Adam(model.parameters(), lr=step.lr, **bound)
    else:
        optimizer = optim.SGD(model.parameters(), lr=step.lr, **bound)

    def call() -> None:
        optimizer.zero_grad()
        loss = loss_of(model(x), target)
        if terms is not None and not in_update:
            loss = loss + terms()
        loss.backward()
        optimizer.step()

    compiled = mg.compile(call)

    def many(n: int) -> None:
        while n > 0:
            compiled.run(min(n, replayed))
            n -= replayed

    def answer() -> list[float]:
        return step.answer([p.data for name, p in model.named_parameters() if p.ndim == 2 and name.endswith(".weight")])

    return Run(lambda: many(1), answer, many) if replayed else Run(call, answer)
