"""P6. The risk of least squares on both sides of p = n, where the least norm is taken beyond it: two formulas.

Source: Hastie, Montanari, Rosset, Tibshirani 2022, Ann. Statist. 50, isotropic inputs: with γ = p/n, noise σ²
and signal r² = ‖β‖², the risk E‖β̂ - β‖² tends to σ² γ/(1 - γ) below 1 and to r² (1 - 1/γ) + σ²/(γ - 1) above.

    python examples/papers/P6_ridgeless.py [--quick]
"""

import numpy as np

from minigrad.lab.gallery.article import several
from minigrad.lab.gallery.paper import Paper
from minigrad.linear_model import Regression

paper = Paper(__file__, __doc__)
DRAWS, ROWS, SIGNAL, NOISE = paper.size["draws"], paper.size["rows"], 4.0, 1.0
RATIOS = (0.2, 0.5, 0.8, 0.9, 1.1, 1.25, 2.0, 4.0)
TINY = 1e-10  # an l2 that leaves of all solutions that of the least norm


def theory(ratio):
    if ratio < 1:
        return NOISE * ratio / (1 - ratio)
    return SIGNAL * (1 - 1 / ratio) + NOISE / (ratio - 1)


def risk(ratio, seed):
    """‖β̂ - β‖² of one draw, β of length √r² in a direction of its own."""
    draw, p = np.random.default_rng(seed), round(ratio * ROWS)
    beta = draw.standard_normal(p)
    beta *= np.sqrt(SIGNAL / (beta @ beta))
    x = draw.standard_normal((ROWS, p))
    y = x @ beta + np.sqrt(NOISE) * draw.standard_normal(ROWS)
    w = Regression(l1_ratio=0, fit_intercept=False).start(x, y).solve(0.0, TINY).coefficients
    return float(((w - beta) ** 2).sum())


paper.section(f"{ROWS} rows, {several(DRAWS, 'draw')} at each γ = p/n")
rows, inside = [], 0
for ratio in RATIOS:
    found = np.array([risk(ratio, seed) for seed in range(DRAWS)])
    error = float(found.std(ddof=1) / np.sqrt(DRAWS))
    limit = theory(ratio)
    near = abs(found.mean() - limit) < 3 * error + 0.1 * limit
    inside += near
    rows.append([f"{ratio:g}", f"{limit:.3f}", f"{found.mean():.3f}", f"{error:.3f}"])
paper.table(("γ", "the limit", "mean risk", "its standard error"), rows)
paper.finds(
    f"within three standard errors and a tenth of the limit, for n is finite: {inside} of {len(RATIOS)}",
    inside == len(RATIOS),
)
paper.look_at(
    "the risk climbs towards γ = 1 from both sides, and falls again beyond it: more inputs than rows, less error"
)
