"""Whether columns separate classes: then coefficients without a penalty have no best value, larger is always better."""

from __future__ import annotations

import numpy as np

from .column_products import product
from .least_squares import solve

SURE = 1e-6  # 1 - p of its class, of a row whose loss may go on falling for ever
FURTHER = 0.5  # how far a Newton step moves the log odds of such a row if there is no minimum: nearly 1
BACK = 1e-3  # of that, which rounding may move another row's log odds away from its class


def separated(rows: np.ndarray, onehot: np.ndarray, p: np.ndarray, share: np.ndarray) -> np.ndarray | None:
    """A direction (logits, columns) along which no row's loss rises and some row's falls for ever; None without one.

    rows (m, columns); onehot (m, classes); p (m, logits), the probabilities of class 1 or of each class where the
    slopes are nearly 0; share (m,), the weights of the rows.

    Where such a direction exists there is no minimum (Albert, Anderson 1984, Biometrika 71). The losses of separated
    rows then fall like exp(-score), so that a Newton step adds 1 to their log odds however small their slopes are, and
    0 to those of the other rows: the step is the direction. At a minimum the step is nearly 0.

    >>> x, y = np.array([[-1.0], [-1.0], [0.0], [1.0]]), np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    >>> p = np.array([[1e-9], [1e-9], [0.9999], [1 - 1e-13]])
    >>> separated(np.hstack([x, np.ones((4, 1))]), y, p, np.full(4, 0.25)) is None
    False
    """
    logits = p.shape[1]
    target = np.ascontiguousarray(onehot[:, 1:]) if logits == 1 else onehot
    if not np.abs(target - p).max(1).min() < SURE:
        return None
    with np.errstate(all="ignore"):
        if logits == 1:  # rows √(ω p (1 - p)) z, whose squares sum up to the second derivatives
            spread = np.sqrt(p * (1 - p))
            a = rows * (spread * np.sqrt(share).reshape(-1, 1))
            c = np.where(spread > 0, (target - p) / spread, 0.0)[:, 0] * np.sqrt(share)
        else:  # Σ p_k (e_k - p)(e_k - p)ᵀ = diag p - p pᵀ: a row √(ω p_k) (e_k - p) ⊗ z for each k; class 0 stays at 0
            root = np.sqrt(p * share.reshape(-1, 1))
            away = (np.eye(logits) - p[:, None, :])[:, :, 1:] * root[:, :, None]
            a = (away[:, :, :, None] * rows[:, None, None, :]).reshape(len(rows) * logits, -1)
            c = np.where(root > 0, (target - p) * share.reshape(-1, 1) / root, 0.0).reshape(-1)
    step = solve(np.ascontiguousarray(a), np.ascontiguousarray(c), 0.0).reshape(-1, rows.shape[1])
    step = step if logits == 1 else np.concatenate([np.zeros((1, rows.shape[1])), step])
    moves = product(rows, np.ascontiguousarray(step), tb=True)
    if logits == 1:
        moves = np.hstack([np.zeros((len(rows), 1)), moves])
    odds = (moves * onehot).sum(1).reshape(-1, 1) - moves  # of each row's class against every other
    sure = np.abs(target - p).max(1) < SURE
    falls = odds[sure].max() > FURTHER and odds.min() >= -BACK * odds.max()
    return step if falls else None
