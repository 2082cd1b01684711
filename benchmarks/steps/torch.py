"""The steps on PyTorch, eager, with each of its ways of updating."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from ..harness.case import Run
from . import Step


class LastState(torch.nn.LSTM):
    """h of an LSTM after the last step."""

    def forward(self, x: Any) -> Any:
        return super().forward(x)[1][0][0]


def lstm(step: Step) -> LastState:
    layer = LastState(step.sequence[1], step.layers[0], dtype=getattr(torch, step.dtype))
    first, second = step.lstm_weights()
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.from_numpy(first.T))
        layer.weight_hh_l0.copy_(torch.from_numpy(second.T))
        layer.bias_ih_l0.zero_()
        layer.bias_hh_l0.zero_()
    return layer


def network(step: Step) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = [lstm(step)] if step.sequence else []
    for m, n in zip((1, *step.filters), step.filters):
        layers += [torch.nn.Conv2d(m, n, 5, padding="same"), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    if step.filters:
        layers.append(torch.nn.Flatten())
    for i, ((n_in, n_out), w) in enumerate(zip(step.sizes, step.weights()[0], strict=True)):
        linear = torch.nn.Linear(n_in, n_out, dtype=getattr(torch, step.dtype))
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T))
            linear.bias.zero_()
        layers.append(linear)
        if i < len(step.sizes) - 1:
            layers.append(torch.nn.ReLU())
            if step.dropout:
                layers.append(torch.nn.Dropout(step.dropout))
    return torch.nn.Sequential(*layers)


def loss_of(step: Step) -> Any:
    def with_norms(logits: Any, target: Any) -> Any:
        y = torch.softmax(logits, 1)
        return functional.mse_loss(y, target) + step.norms * (y.abs().sum(1) + y.norm(dim=1)).mean()

    plain = {
        "cross_entropy": functional.cross_entropy,
        "bce": functional.binary_cross_entropy_with_logits,
        "mse": functional.mse_loss,
    }
    return with_norms if step.norms else plain[step.loss]


def runs(step: Step) -> dict[str, Run]:
    return {way: run(step, way) for way in ("fused", "foreach")}


def run(step: Step, way: str) -> Run:
    """weight_decay of a parameter group is the L2 penalty on its weights, or AdamW's decay."""
    model = network(step)
    x, target = (torch.from_numpy(a) for a in step.data())
    loss_function = loss_of(step)
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    free = [p for name, p in model.named_parameters() if name.endswith("bias")]
    if step.first_only:
        free, weights = free + weights[1:], weights[:1]
    strength = step.decay or step.l2
    groups: Any = [{"params": weights, "weight_decay": strength}, {"params": free, "weight_decay": 0.0}]
    if not strength:
        groups = list(model.parameters())
    make = torch.optim.AdamW if step.decay else torch.optim.Adam if step.optimizer == "adam" else torch.optim.SGD
    optimizer = make(groups, lr=step.lr, **{way: True}, **({} if strength or not step.decay else {"weight_decay": 0.0}))

    def call() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(model(x), target)
        loss.backward()
        optimizer.step()

    named = [(name, p) for name, p in model.named_parameters() if p.ndim == 2 and name.endswith(".weight")]
    return Run(call, lambda: step.answer([p.detach().T for _, p in named]))
