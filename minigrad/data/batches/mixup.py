"""Mixup: rows and targets that lie between two of the data's (Zhang, Cisse, Dauphin, Lopez-Paz 2018)."""

from __future__ import annotations

import math

import numpy as np

from ... import kernels as K
from ...checks import finite, whole
from ...errors import DTypeError
from ...public import described
from ..prepare.labels import one_hot
from .draws import Draws
from .loader import Place

ROUNDS = 8  # of the rejection method; each accepts at least 95%, so that 4 in 10¹¹ numbers are never accepted


class Mixup:
    """x = λ xᵢ + (1 - λ) xⱼ, and targets likewise: λ ~ Beta(alpha, alpha) for each row, j a row of the same batch.

    With integer targets, `classes` says how many: they become rows of probabilities, which cross_entropy takes. A small
    alpha (0.2) leaves most rows nearly as they are; alpha = 1 draws λ uniformly. Weights mix as `weighted` says.

    ValueError for an alpha of 0, and for integer targets without classes; DTypeError for an x of integers, between
    which there is nothing.

    >>> from minigrad.data import Loader
    >>> loader = Loader(np.eye(4), [0, 1, 2, 3], batch_size=4, transform=Mixup(0.4, classes=4))
    >>> x, y = next(iter(loader))
    >>> bool(((x > 0).sum(1) <= 2).all()), y.shape, bool(np.allclose(y.sum(1), 1)), bool(np.allclose(x, y))
    (True, (4, 4), True, True)
    """

    __repr__ = described

    def __init__(self, alpha: float = 0.2, classes: int | None = None) -> None:
        self.alpha = finite(alpha, "Mixup: alpha", at_least=0.0)
        if not self.alpha:
            raise ValueError("Mixup: alpha is 0; need more: Beta(alpha, alpha) then puts λ at 0 or 1")
        self.classes = None if classes is None else whole(classes, "Mixup: classes", 1)

    def __call__(self, x: np.ndarray, y: np.ndarray, place: Place) -> tuple[np.ndarray, np.ndarray]:
        y = self._targets(x, y)
        partner, share = self._drawn(len(x), place)
        return _between(x, x[partner], share), _between(y, y[partner], share)

    def weighted(
        self, x: np.ndarray, y: np.ndarray, weight: np.ndarray, place: Place
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The batch with weights: w = λ wᵢ + (1 - λ) wⱼ, and in the target λ wᵢ / w in place of λ.

        w times the cross-entropy with that target is λ wᵢ times the one with yᵢ plus (1 - λ) wⱼ times the one with yⱼ:
        a row of weight 0 lends its target to none. Where wᵢ = wⱼ the target is the one without weights, to the bit.
        """
        y = self._targets(x, y)
        partner, share = self._drawn(len(x), place)
        mine, other = weight.astype(np.float64), weight[partner].astype(np.float64)
        sum_ = share * mine + (1 - share) * other
        of_target = np.where(mine == other, share, share * mine / np.where(sum_ > 0, sum_, 1.0))
        return (
            _between(x, x[partner], share),
            _between(y, y[partner], of_target),
            np.where(mine == other, mine, sum_).astype(weight.dtype),
        )

    def _targets(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Targets that can be mixed; DTypeError or ValueError where x or y holds integers between which nothing is."""
        if x.dtype.kind != "f":
            raise DTypeError(
                f"Mixup: x is {x.dtype}, and there is nothing between integers; pass dtype='float32' to the Loader"
            )
        if y.dtype.kind != "f":
            if self.classes is None:
                raise ValueError(f"Mixup: the targets are {y.dtype}; pass classes= to mix them as probabilities")
            y = one_hot(y, self.classes, x.dtype)
        return y

    def _drawn(self, rows: int, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """For each row j, its partner in the batch, and λ."""
        draws = Draws(place, rows)
        partner = np.argsort(draws.bits()[:, 0], kind="stable")
        return partner, beta(self.alpha, draws)


def _between(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share.astype(a.dtype).reshape(-1, *[1] * (a.ndim - 1))
    return share * a + (1 - share) * b


def beta(alpha: float, draws: Draws) -> np.ndarray:
    """One number of Beta(alpha, alpha) for each row, float64: G / (G + H) for two gamma variables of shape alpha.

    As sigmoid(log G - log H), because both may be too small for a number where alpha is small. G is V U^(1 / alpha)
    for V of shape alpha + 1 and a uniform U; V by the method of Marsaglia and Tsang (2000).
    """
    d = alpha + 2 / 3
    c = 1 / math.sqrt(9 * d)
    cube = np.ones((draws.rows, 2))  # V / d
    open_ = np.ones(cube.shape, bool)
    for _ in range(ROUNDS):
        z, log_u = draws.normal(2), _log(1 - draws.uniform(2))
        root = 1 + c * z
        v = root * root * root
        inside = root > 0
        log_v = _log(np.where(inside, v, 1.0))
        accepted = open_ & inside & (log_u < 0.5 * (z * z) + d - d * v + d * log_v)
        cube[accepted] = v[accepted]
        open_ &= ~accepted
    log_gamma = _log(cube) + _log(1 - draws.uniform(2)) / alpha
    share = K.empty((draws.rows,), np.float64)
    K.sigmoid(log_gamma[:, 0] - log_gamma[:, 1], share)
    return share


def _log(x: np.ndarray) -> np.ndarray:
    out = K.empty(x.shape, np.float64)
    K.log(x, out)
    return out
