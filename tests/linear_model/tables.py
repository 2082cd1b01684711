"""Tables for linear models, and the slopes of their data terms."""

import numpy as np


def table(rng, m=60, p=8, classes=0):
    x = rng.standard_normal((m, p)) * np.linspace(0.5, 3, p) + np.linspace(-2, 5, p)
    w = np.where(np.arange(p) < 3, 1.0, 0.0)
    score = (x - x.mean(0)) @ w
    if not classes:
        return x, 10 + score + rng.standard_normal(m)
    cuts = np.quantile(score + rng.standard_normal(m), np.arange(1, classes) / classes)
    return x, np.searchsorted(cuts, score + 0.5 * rng.standard_normal(m)).astype(np.int64)


def slopes(model, x, y):
    """Minus the gradient of the mean data term: for coefficients, (p,) or (p, classes), and for the intercept."""
    out = model.output(x)
    if y.dtype.kind == "f":
        residual = y - out
    elif out.ndim == 1:
        residual = y - 1 / (1 + np.exp(-out))
    else:
        e = np.exp(out - out.max(1, keepdims=True))
        residual = np.eye(out.shape[1])[y] - e / e.sum(1, keepdims=True)
    return x.T @ residual / len(x), residual.mean(0)


def wide(rng, m=20, p=300, classes=0):
    x = rng.standard_normal((m, p)) + 2.0
    score = x[:, :4].sum(1)
    if not classes:
        return x, score + 0.1 * rng.standard_normal(m)
    return x, np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score).astype(np.int64)
