"""C14. In high dimension the error of least squares peaks where there are as many inputs as rows; a ridge has no peak.

Primary comparison: the mean excess error of the minimum-norm solution for p/n in [0.9, 1.1] against p = 2n, and the
same for the ridge with λ by cross-validation.

    python examples/claims/C14_high_dimension.py [--quick]
"""

import warnings

import numpy as np

from minigrad import linear_model, selection
from minigrad.data import regression
from minigrad.lab.gallery.article import around
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim
from minigrad.lab.pages.statistics import mean
from minigrad.selection import log_spaced

claim = Claim(__file__, __doc__)
SEEDS, N = range(claim.size["seeds"]), claim.size["rows"]
RATIOS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 2.0, 3.0)
PEAK = 3.0  # ° times the error at p = 2n: not measured beforehand
NOISE, GRID = 0.5, log_spaced(30.0, 0.003, 9)
warnings.simplefilter("ignore", selection.SelectionWarning)  # that a pick is at the edge of the grid is no news here


def errors(p, seed):
    """The excess errors ‖w - β‖² of both, for standard normal inputs and ‖β‖ = 1."""
    x, y, beta = regression(N, p, noise=0.0, seed=seed, dtype="float64")
    size = float(np.sqrt(beta @ beta))
    y, beta = y / size, beta / size
    y = y + NOISE * np.random.default_rng(seed).standard_normal(N)
    least = np.linalg.lstsq(x, y, rcond=None)[0]  # of all that fit best, the one of least norm
    family = linear_model.Regression(l1_ratio=0.0, fit_intercept=False)
    ridge = selection.cross_validate(family, x, y, GRID, folds=5, seed=seed).model.coefficients
    return [float(((w - beta) ** 2).sum()) for w in (least, ridge)]


claim.section(f"{N} rows, p inputs, noise of deviation {NOISE}, a truth of norm 1")
claim.program(errors)
found = {ratio: np.array([errors(round(ratio * N), seed) for seed in SEEDS]) for ratio in RATIOS}
claim.table(
    ("p / n", "minimum norm", "ridge, λ by 5 folds"),
    [[f"{ratio:g}", *(around(runs[:, i].tolist(), 2) for i in (0, 1))] for ratio, runs in found.items()],
)
least, ridge = ({ratio: mean(runs[:, i].tolist()) for ratio, runs in found.items()} for i in (0, 1))
peak = max(least, key=least.get)
claim.holds(
    f"minimum norm: the largest error, {least[peak]:.3g}, is at p/n = {peak:g}, {least[peak] / least[2.0]:.1f} times "
    f"that at p = 2n (at least {PEAK:g}°)",
    0.9 <= peak <= 1.1 and least[peak] >= PEAK * least[2.0],
)
near = max(ridge[ratio] for ratio in (0.9, 1.0, 1.1))
claim.holds(
    f"ridge: at most {near:.3g} near p = n, not above its {ridge[2.0]:.3g} at p = 2n by more than a tenth: no peak",
    near <= 1.1 * ridge[2.0],
)
claim.says(
    "The ridge's error rises with p and approaches 1, that of w = 0: with more inputs the same truth is harder to "
    "find. Without a penalty some direction of the rows is nearly flat where p = n, and the noise along it is divided "
    "by nearly 0."
)
claim.figure(
    lambda: curves(
        {
            "excess error ‖w - β‖²": {
                "minimum norm": (RATIOS, list(least.values())),
                "ridge, λ by cross-validation": (RATIOS, list(ridge.values())),
                "w = 0": (RATIOS, [1.0] * len(RATIOS)),
            }
        },
        "p / n",
        "mean over seeds",
        log="y",
        height=3.6,
    ),
    "Double descent: the error of minimum-norm least squares and of a ridge over p / n",
)
claim.look_at(f"at p = n {least[1.0]:.3g} without a penalty, {ridge[1.0]:.2f} with a ridge")
