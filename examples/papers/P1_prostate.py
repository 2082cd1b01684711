"""P1. Prostate cancer by least squares, ridge and the lasso: table 3.3 of The Elements of Statistical Learning.

Source: Hastie, Tibshirani, Friedman 2009, second edition, table 3.3 and figures 3.8 and 3.10. Inputs are divided by
their standard deviation in all 97 rows; 67 rows train, 30 test. The book chose the ridge with 5 degrees of freedom and
the lasso with s = 0.36 by ten folds that it does not print, so the strengths are taken from it.

    python examples/papers/P1_prostate.py [--quick]
"""

import numpy as np

from minigrad.lab.gallery.paper import PROSTATE, Paper, between, mean_and_its_error, prostate
from minigrad.linear_model import Regression
from minigrad.linear_model.leverage import leverages

paper = Paper(__file__, __doc__)
PRINTED = {  # test error, its standard error, and the coefficients, intercept first
    "least squares": (0.521, 0.179, (2.465, 0.680, 0.263, -0.141, 0.210, 0.305, -0.288, -0.021, 0.267)),
    "ridge": (0.492, 0.165, (2.452, 0.420, 0.238, -0.046, 0.162, 0.227, 0.000, 0.040, 0.133)),
    "lasso": (0.479, 0.164, (2.468, 0.533, 0.169, 0.000, 0.002, 0.094, 0.000, 0.000, 0.000)),
}


def fits(z, y, train):
    """Least squares, the ridge with 5 degrees of freedom, and the lasso whose Σ|w| is 0.366 of least squares'."""
    ridge = Regression(l1_ratio=0).start(z[train], y[train])
    least = ridge.solve(0.0, 0.0)
    rows = int(train.sum())
    l2 = between(1e-6, 100, lambda l2: leverages(ridge.design.z, l2 * rows).sum() < 5)
    lasso = Regression(standardize=True).start(z[train], y[train])
    share = 0.366 * np.abs(least.coefficients).sum()
    l1 = between(1e-9, 2, lambda l1: np.abs(lasso.solve(l1, 0.0).coefficients).sum() < share)
    return {"least squares": least, "ridge": ridge.solve(0.0, l2), "lasso": lasso.solve(l1, 0.0)}


try:
    x, y, test = prostate(corrected=True)
except ImportError as error:
    paper.lacks(error)
else:
    paper.section("Test errors of 30 men")
    z = (x - x.mean(0)) / x.std(0, ddof=1)
    models = fits(z, y, ~test)
    for name, (error, spread, _) in PRINTED.items():
        model = models[name]
        at_mean = y[~test].mean() if name == "ridge" else model.intercept  # the book's ridge has ȳ for an intercept
        found = mean_and_its_error((y[test] - at_mean - z[test] @ model.coefficients) ** 2)
        wide = {} if name == "least squares" else {"band": 0.002, "why": "its strength is printed to two digits"}
        paper.agrees(f"{name}, test error", error, found[0], 3, **wide)
        paper.agrees(f"{name}, standard error of it", spread, found[1], 3, **wide)

    paper.section("Coefficients")
    rows = []
    for name, (_, _, printed) in PRINTED.items():
        model = models[name]
        ours = [y[~test].mean() if name == "ridge" else model.intercept, *model.coefficients]
        for label, a, b in zip(("intercept", *PROSTATE), printed, ours, strict=True):
            rows.append([name, label, f"{a:.3f}", f"{b:.4f}"])
        off = max(abs(a - b) for a, b in zip(printed, ours, strict=True))
        paper.finds(f"{name}: all nine within 0.003 of those printed, the farthest {off:.4f} off", off < 0.003)
    paper.table(("model", "coefficient", "printed", "ours"), rows)
    paper.says(
        "The book's ridge has the mean of the training targets, 2.452, for its intercept, though the inputs were "
        "centred in all rows: with the intercept that belongs to it, 2.464, its test error is 0.490."
    )
    paper.look_at("the digits: each error is the printed one, from one exact solver each and one table of 97 rows")
