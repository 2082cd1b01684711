"""P7. Stability selection picks fewer false columns than its bound says: two theorems, by simulation.

Source: Meinshausen, Bühlmann 2010, JRSS B 72, theorem 1: E[V] ≤ q²/((2π - 1) p), if false columns are alike and no
likelier than by guessing, as here; Shah, Samworth 2013, JRSS B 75, theorem 2, a sharper one for complementary pairs
(`selection.bound_of` has both). The cutoff π and the wanted bound are chosen; q follows, and with it the range of λ.

    python examples/papers/P7_stability_selection.py [--quick]
"""

import warnings

import numpy as np

from minigrad.lab.gallery.article import several
from minigrad.lab.gallery.paper import Paper
from minigrad.linear_model import Regression
from minigrad.selection import bound_of, cross_validate, stability

paper = Paper(__file__, __doc__)
DRAWS, PAIRS, ROWS, COLUMNS = paper.size["draws"], paper.size["pairs"], 100, 60
TRUTH = np.array([1.0, -1.0, 0.7, -0.7, 0.5])
CASES = ((0.6, 2.5), (0.75, 2.5), (0.9, 2.5), (0.75, 1.0), (0.75, 5.0))  # cutoff, wanted bound on E[V]
FAMILY = Regression(tol=1e-7)
warnings.simplefilter("ignore")  # a draw in which the bound says little is what is counted here


def data(seed):
    """Independent normal columns, of which five say something: so all false ones are alike."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((ROWS, COLUMNS))
    return x, x[:, :5] @ TRUTH + draw.standard_normal(ROWS)


paper.section(f"{ROWS} rows, {COLUMNS} columns, 5 of them true, {several(DRAWS, 'draw')}; {PAIRS} pairs of halves each")
false, true, bounds, sharper = (np.zeros((DRAWS, len(CASES))) for _ in range(4))
by_lasso = np.zeros((DRAWS, 2))
for d in range(DRAWS):
    x, y = data(d)
    halves = stability(FAMILY, x, y, pairs=True, draws=PAIRS, ratio=0.1, count=40, seed=d)
    for c, (cutoff, wanted) in enumerate(CASES):
        found = halves.at(cutoff, bound=wanted)
        stable = np.array(found.stable, int)
        false[d, c], true[d, c] = (stable >= 5).sum(), (stable < 5).sum()
        bounds[d, c], sharper[d, c] = found.bound, bound_of(found.q, cutoff, COLUMNS, PAIRS)
    picked = np.flatnonzero(cross_validate(FAMILY, x, y, folds=10, ratio=0.02, count=40, seed=d).model.coefficients)
    by_lasso[d] = (picked >= 5).sum(), (picked < 5).sum()

rows = []
for c, (cutoff, wanted) in enumerate(CASES):
    error = float(false[:, c].std(ddof=1) / np.sqrt(DRAWS))
    rows.append(
        [
            f"{cutoff:g}",
            f"{wanted:g}",
            f"{bounds[:, c].mean():.2f}",
            f"{sharper[:, c].mean():.2f}",
            f"{false[:, c].mean():.3f}",
            f"{error:.3f}",
            f"{true[:, c].mean():.2f}",
        ]
    )
rows.append(["lasso, λ by 10 folds", "", "", "", f"{by_lasso[:, 0].mean():.3f}", "", f"{by_lasso[:, 1].mean():.2f}"])
paper.table(("cutoff", "wanted", "bound", "sharper bound", "mean false", "its error", "mean true of 5"), rows)
low = false.mean(0) - 3 * false.std(0, ddof=1) / np.sqrt(DRAWS)
paper.holds(
    f"no mean number of false columns is above its bound, by more than three standard errors: {len(CASES)} cases",
    (low <= bounds.mean(0)).all(),
)
paper.finds(
    "nor above the sharper bound, which needs a unimodal distribution",
    bool((low <= sharper.mean(0)).all()),
)
paper.finds(
    f"the bounds are far away: at most {100 * float((false.mean(0) / bounds.mean(0)).max()):.0f}% of one is used up",
    bool((false.mean(0) < 0.5 * bounds.mean(0)).all()),
)
paper.look_at("the last row: cross-validation finds the true columns, too, and many false ones with them")
