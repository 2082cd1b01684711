"""C2. L2 shrinks and does not zero: each direction of the data by a factor of its own.

Primary comparison: the projections of the ridge solution on the right singular vectors of X, against s²/(s² + mλ) times
those of least squares.

    python examples/claims/C2_shrinkage.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

from itertools import pairwise

import numpy as np

from minigrad import linear_model, reg
from minigrad.data import regression
from minigrad.lab.gallery.article import around, number, several
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim, Images, measured, trained
from minigrad.lab.pages.weight_figures import weight_sizes
from minigrad.selection import log_spaced

claim = Claim(__file__, __doc__)
SEEDS, ROWS, EPOCHS = range(claim.size["seeds"]), claim.size["training rows"], claim.size["epochs"]
GRID = (0.0, 1e-3, 1e-2, 1e-1)  # of the network

claim.section("The mathematics: ridge regression in float64")
x, y, _ = regression(claim.size["rows"], 20, noise=1.0, dtype="float64")
x = x * log_spaced(3.0, 0.03, 20)  # columns of unlike spread: singular values over two decades
_, s, v = np.linalg.svd(x, full_matrices=False)
solver = linear_model.Regression(l1_ratio=0.0, fit_intercept=False).start(x, y)
lambdas = log_spaced(100.0, 1e-4, 40)
path = np.array([solver.fit(lam).coefficients for lam in lambdas])
least = v @ solver.fit(0.0).coefficients
norms = np.sqrt((path * path).sum(1))
claim.holds("‖w‖ grows at every step down of λ", (np.diff(norms) > 0).all())
factors = s**2 / (s**2 + len(x) * lambdas[:, None])
far = np.abs(path @ v.T - factors * least).max() / np.abs(least).max()
claim.holds(
    f"each projection is s²/(s² + mλ) times that of least squares, to {number(far)} of the largest", far < 1e-10
)
claim.holds(f"of {path.size} coefficients at {len(lambdas)} λ none is exactly 0", (path != 0).all())
claim.figure(
    lambda: curves(
        {
            "‖w‖": {"‖w‖ / ‖w‖ of least squares": (lambdas, norms / np.sqrt((least**2).sum()))},
            "what is left of a direction": {f"s = {s[i]:.2g}": (lambdas, factors[:, i]) for i in (0, 7, 13, 19)},
        },
        "λ",
        "",
        log="x",
        columns=2,
    ),
    "The norm of the ridge solution, and four of its shrinkage factors, over λ",
)

images = Images()
claim.section(f"A network on {images.name}")
found, weights = {}, {}
for lam in GRID:
    for seed in SEEDS:
        rows = images.rows(ROWS, 0, seed)[0]
        model = trained(rows, seed, EPOCHS, penalty=reg.L2(lam))
        varied = (rows.x != rows.x[0]).any(0)  # a pixel that never varies gives its weights no slope but the penalty's
        parts = [w.data for name, w in model.named_parameters() if name.endswith("weight")]
        flat = np.concatenate([parts[0][varied].ravel(), *map(np.ravel, parts[1:])])
        norm = float(np.sqrt((flat.astype(np.float64) ** 2).sum()))
        found.setdefault(lam, []).append((norm, int((flat == 0).sum()), measured(model, images.test)[1]))
    weights[f"λ = {lam:g}"] = flat
claim.table(
    ("λ", "‖w‖", "exact zeros", "test accuracy, %"),
    [
        [f"{lam:g}", *(around([run[i] for run in runs], digits) for i, digits in enumerate((2, 0, 2)))]
        for lam, runs in found.items()
    ],
)
falls = all(found[low][seed][0] > found[high][seed][0] for low, high in pairwise(GRID) for seed in SEEDS)
claim.finds(f"‖w‖ falls with λ at every step of the grid, in each of {several(len(SEEDS), 'seed')}", falls)
empty = sum(run[1] for runs in found.values() for run in runs)
claim.finds(f"exact zeros in all networks together: {empty}", empty == 0)
claim.figure(
    lambda: weight_sizes(weights, {name: float((w == 0).mean()) for name, w in weights.items()}, next(iter(weights))),
    "How large the weights of the network are, at four λ; dotted: at λ = 0",
)
claim.look_at(f"‖w‖ from {found[GRID[0]][0][0]:.1f} at λ = 0 to {found[GRID[-1]][0][0]:.2f} at 0.1, and {empty} zeros")
