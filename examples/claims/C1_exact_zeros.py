"""C1. L1 gives exact zeros: by the proximal step, hardly ever by the sub-gradient.

Primary comparison: the share of exact zeros among the weights of a network whose input varied, after Adam with one L1
penalty as a sub-gradient and as a proximal step.

    python examples/claims/C1_exact_zeros.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

import numpy as np

import minigrad as mg
from minigrad import linear_model, nn, optim, reg
from minigrad.data import regression
from minigrad.lab.demo.experiment import share_of_zeros
from minigrad.lab.gallery.article import around, installed_sklearn, number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim, Images, measured, trained
from minigrad.lab.pages.statistics import mean

claim = Claim(__file__, __doc__)
SEEDS, ROWS, EPOCHS = range(claim.size["seeds"]), claim.size["training rows"], claim.size["epochs"]
LAMBDA = 1e-3
FEW, MOST, POINTS = 0.001, 0.5, 1.0  # ° shares of zeros, and points of accuracy: not measured beforehand

claim.section("The mathematics: linear regression in float64")
x, y, truth = regression(200, 50, noise=1.0, nonzero=8, dtype="float64")
lam = 0.1 * linear_model.Regression(fit_intercept=False).start(x, y).lambda_max()


def objective(w):
    """1/(2m) Σ (y - wᵀx)² + λ Σ|w|."""
    return float(((y - x @ w) ** 2).mean() / 2 + lam * np.abs(w).sum())


def by_network(optimizer_of, steps):
    """The weights of a linear layer after full-batch steps from zero."""
    model = nn.Linear(50, 1, bias=False, init="zeros", dtype="float64")
    rows, targets = mg.from_numpy(x), y.reshape(-1, 1)
    optimizer = optimizer_of(model.parameters(), reg.on(model, "weight", reg.L1(lam)))

    def loss():
        return 0.5 * mg.mse(model(rows), targets)

    if isinstance(optimizer, optim.FISTA):
        optimizer.minimize(loss, steps=steps, tolerance=1e-13)
        return model.weight.data.ravel()
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return model.weight.data.ravel()


proximal = by_network(lambda params, terms: optim.FISTA(params, prox=terms), 5_000)
plain = by_network(lambda params, terms: optim.SGD(params, lr=0.1, penalty=terms), 2_000)
oracle, theirs = linear_model.Regression(fit_intercept=False).start(x, y).fit(lam).coefficients, "coordinate descent"
sklearn = installed_sklearn()
if sklearn:
    oracle = sklearn.Lasso(alpha=lam, fit_intercept=False, tol=1e-13, max_iter=100_000).fit(x, y).coef_
    theirs = "scikit-learn's Lasso"
far = abs(objective(proximal) - objective(oracle))
claim.holds(
    f"the proximal solution and {theirs} have the same {int((proximal != 0).sum())} non-zeros of 50",
    ((proximal != 0) == (oracle != 0)).all() and 0 < (proximal != 0).sum() < 50,
)
claim.holds(f"their objectives differ by {number(far)}, at most 1e-8", far <= 1e-8)
smallest = np.sort(np.abs(plain))[:5]
claim.says(
    f"The sub-gradient method of 2,000 steps ends with {int((plain == 0).sum())} zeros; where the solution is 0 its "
    f"weights hop around it, the least of them at {smallest[0]:.1e}."
)

images = Images()
claim.section(f"A network on {images.name}")
ends = {"sub-gradient": [], "proximal": []}
weights = {}
for seed in SEEDS:
    rows = images.rows(ROWS, 0, seed)[0]
    for way, moment in (("sub-gradient", "penalty"), ("proximal", "prox")):
        model = trained(rows, seed, EPOCHS, **{moment: reg.L1(LAMBDA)})
        parts = [w.data for name, w in model.named_parameters() if name.endswith("weight")]
        ends[way].append((100 * share_of_zeros(parts, rows.x), measured(model, images.test)[1]))
        weights[way] = np.concatenate([parts[0][(rows.x != rows.x[0]).any(0)].ravel(), *map(np.ravel, parts[1:])])
claim.table(
    ("L1 by", "exact zeros, %", "test accuracy, %"),
    [[way, *(around([run[i] for run in runs], 2) for i in (0, 1))] for way, runs in ends.items()],
)
zeros, right = ({way: mean([run[i] for run in runs]) for way, runs in ends.items()} for i in (0, 1))
claim.finds(
    f"sub-gradient: {zeros['sub-gradient']:.2f}% zeros, below {100 * FEW:g}%", zeros["sub-gradient"] < 100 * FEW
)
claim.finds(f"proximal: {zeros['proximal']:.1f}% zeros, above {100 * MOST:g}%°", zeros["proximal"] > 100 * MOST)
gap = right["proximal"] - right["sub-gradient"]
claim.finds(f"test accuracy: proximal {gap:+.2f} points, at most {POINTS:g} either way", abs(gap) <= POINTS)
claim.figure(
    lambda: curves(
        {
            "how many weights are at most that large": {
                way: (np.logspace(-8, 0, 161), [100 * (np.abs(w) <= size).mean() for size in np.logspace(-8, 0, 161)])
                for way, w in weights.items()
            }
        },
        "size of a weight",
        "% of the weights",
        log="x",
        height=3.6,
    ),
    "Share of weights below a size, on a logarithmic scale: the proximal line starts at its zeros",
)
claim.look_at(f"{zeros['proximal']:.0f}% zeros with the proximal step, {zeros['sub-gradient']:.2f}% without")
