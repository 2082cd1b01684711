"""P5. The number of non-zero coefficients is an unbiased estimate of the lasso's degrees of freedom: a theorem.

Source: Zou, Hastie, Tibshirani 2007, Ann. Statist. 35, theorem 1. Degrees of freedom are Σ cov(ŷᵢ, yᵢ)/σ² (Efron 2004);
both sides are estimated from the same draws of noise around one fixed model, and their difference from its pairs.

    python examples/papers/P5_degrees_of_freedom.py [--quick]
"""

import numpy as np

from minigrad.lab.gallery.article import several
from minigrad.lab.gallery.paper import Paper
from minigrad.linear_model import Regression

paper = Paper(__file__, __doc__)
DRAWS, ROWS, COLUMNS, NOISE = paper.size["draws"], 60, 12, 1.0

draw = np.random.default_rng(0)
x = draw.standard_normal((ROWS, COLUMNS))
signal = x @ np.array([2.0, -1.5, 1.0, 0.5, 0.25, *[0.0] * 7])
noise = NOISE * draw.standard_normal((DRAWS, ROWS))
lambdas = (1.0, 0.5, 0.2, 0.05, 0.01)

paper.section(f"One design of {ROWS} rows and {COLUMNS} columns, {several(DRAWS, 'draw')} of noise")
counts, fits = np.zeros((DRAWS, len(lambdas))), np.zeros((DRAWS, len(lambdas), ROWS))
for d in range(DRAWS):
    solver = Regression(fit_intercept=False).start(x, signal + noise[d])
    for i, lam in enumerate(lambdas):
        model = solver.fit(lam)
        counts[d, i], fits[d, i] = model.nonzeros, model.output(x)

rows, farthest = [], 0.0
for i, lam in enumerate(lambdas):
    centred = fits[:, i] - fits[:, i].mean(0)
    shared = (centred * noise).sum(1) / NOISE**2  # its mean is the sum of covariances
    difference = shared - counts[:, i]
    error = float(difference.std(ddof=1) / np.sqrt(DRAWS))
    farthest = max(farthest, abs(float(difference.mean())) / error)
    rows.append(
        [f"{lam:g}", f"{shared.mean():.3f}", f"{counts[:, i].mean():.3f}", f"{difference.mean():+.3f}", f"{error:.3f}"]
    )
paper.table(("λ", "Σ cov(ŷ, y)/σ²", "mean number of non-zeros", "difference", "its standard error"), rows)
paper.finds(
    f"at all {len(lambdas)} λ both agree: the farthest are {farthest:.1f} standard errors apart, of 3 allowed",
    farthest < 3,
)
paper.look_at("the two middle columns: a search among 12 inputs costs no more degrees of freedom than it keeps inputs")
