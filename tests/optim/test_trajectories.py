"""Fifty steps of every optimizer against a transcription of its formula in NumPy, and against PyTorch."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

STEPS = 50


def sgd(w, g, s, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    d = g + weight_decay * w
    s["buf"] = momentum * s.get("buf", 0) + d
    return w - lr * (d + momentum * s["buf"] if nesterov else s["buf"])


def adam(w, g, s, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, decoupled=False):
    g = g if decoupled else g + weight_decay * w
    s["t"] = s.get("t", 0) + 1
    s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g * g
    s["top"] = np.maximum(s.get("top", 0), s["v"]) if amsgrad else s["v"]
    m, v = s["m"] / (1 - betas[0] ** s["t"]), s["top"] / (1 - betas[1] ** s["t"])
    return w * (1 - lr * weight_decay * decoupled) - lr * m / (np.sqrt(v) + eps)


def adamw(w, g, s, lr=1e-3, weight_decay=1e-2, **options):
    return adam(w, g, s, lr, weight_decay=weight_decay, decoupled=True, **options)


def rmsprop(w, g, s, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    g = g + weight_decay * w
    s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g * g
    s["m"] = alpha * s.get("m", 0) + (1 - alpha) * g if centered else 0
    s["buf"] = momentum * s.get("buf", 0) + g / (np.sqrt(s["v"] - s["m"] * s["m"]) + eps)
    return w - lr * s["buf"]


def adagrad(w, g, s, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    g = g + weight_decay * w
    s["v"] = s.get("v", initial_accumulator_value) + g * g
    s["t"] = s.get("t", 0) + 1
    return w - lr / (1 + (s["t"] - 1) * lr_decay) * g / (np.sqrt(s["v"]) + eps)


CASES = [
    ("SGD", sgd, {"lr": 0.05}),
    ("SGD", sgd, {"lr": 0.05, "momentum": 0.9}),
    ("SGD", sgd, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", adam, {"lr": 0.02}),
    ("Adam", adam, {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", adam, {"lr": 0.02, "betas": (0.8, 0.9), "amsgrad": True}),
    ("AdamW", adamw, {"lr": 0.02, "weight_decay": 0.1}),
    ("AdamW", adamw, {"lr": 0.02, "weight_decay": 0.1, "betas": (0.8, 0.9), "amsgrad": True}),
    ("RMSprop", rmsprop, {"lr": 0.02}),
    ("RMSprop", rmsprop, {"lr": 0.02, "alpha": 0.9, "weight_decay": 0.1, "momentum": 0.5}),
    ("RMSprop", rmsprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "momentum": 0.5, "centered": True}),
    ("Adagrad", adagrad, {"lr": 0.1}),
    ("Adagrad", adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
]


@pytest.fixture
def problem(rng):
    """A smooth function of two parameters, ½‖a w - b‖² + Σ sin(v), and its gradient."""
    a, b = rng.standard_normal((8, 5)), rng.standard_normal(8)
    start = [rng.standard_normal(5), rng.standard_normal((2, 3))]
    return start, lambda w, v: [a.T @ (a @ w - b), np.cos(v)]


def run(optimizer, params, gradients):
    for _ in range(STEPS):
        for p, g in zip(params, gradients(*(p.data for p in params))):
            p.grad = mg.tensor(g)
        optimizer.step()
    return [p.data for p in params]


@pytest.mark.parametrize("name, step, options", CASES)
def test_against_numpy(backend, problem, name, step, options):
    start, gradients = problem
    params = [mg.nn.Parameter(w) for w in start]
    got = run(getattr(optim, name)(params, **options), params, gradients)
    expected, states = [w.copy() for w in start], [{}, {}]
    for _ in range(STEPS):
        expected = [step(w, g, s, **options) for w, g, s in zip(expected, gradients(*expected), states)]
    for g, e in zip(got, expected):
        np.testing.assert_allclose(g, e, rtol=1e-12)


@pytest.mark.peers
@pytest.mark.parametrize("name, step, options", CASES)
def test_against_torch(backend, problem, name, step, options):
    torch = pytest.importorskip("torch")
    start, gradients = problem
    params = [mg.nn.Parameter(w) for w in start]
    got = run(getattr(optim, name)(params, **options), params, gradients)
    theirs = [torch.tensor(w, requires_grad=True) for w in start]
    optimizer = getattr(torch.optim, name)(theirs, **options)
    for _ in range(STEPS):
        for p, g in zip(theirs, gradients(*(p.detach().numpy() for p in theirs))):
            p.grad = torch.tensor(g)
        optimizer.step()
    for g, p in zip(got, theirs):
        np.testing.assert_allclose(g, p.detach().numpy(), rtol=1e-12)
