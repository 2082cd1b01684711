"""C5. λ can be chosen by K-fold cross-validation: by the least mean error, or within one standard error of it.

Primary comparison: picks and fold errors against scikit-learn's LassoCV on the same grid and folds.

    python examples/claims/C5_folds.py [--quick]
"""

import warnings

import numpy as np

from minigrad import linear_model, selection
from minigrad.data import regression
from minigrad.lab.gallery.article import installed_sklearn, number
from minigrad.lab.gallery.claim import Claim
from minigrad.lab.pages.selection_figures import coefficient_paths, error_over_lambda

claim = Claim(__file__, __doc__)
ROWS, HELD = claim.size["rows"], claim.size["held-out rows"]
COLUMNS, NONZERO = 40, 6

x, y, truth = regression(ROWS + HELD, COLUMNS, noise=2.0, nonzero=NONZERO, seed=3, dtype="float64")
held_out, (x, y) = (x[ROWS:], y[ROWS:]), (x[:ROWS], y[:ROWS])
folds = list(selection.KFold(claim.size["folds"], seed=0).split(x))
with warnings.catch_warnings():
    warnings.simplefilter("ignore", selection.SelectionWarning)
    result = selection.cross_validate(linear_model.Regression(), x, y, folds=folds, count=claim.size["λ"], ratio=1e-3)

claim.section("The mathematics: picks and fold errors")
sklearn = installed_sklearn()
if sklearn:
    theirs = sklearn.LassoCV(alphas=result.lambdas, cv=folds, tol=1e-12, max_iter=1_000_000).fit(x, y)
    far = np.abs(theirs.mse_path_.T / result.scores - 1).max()
    claim.holds(f"LassoCV picks the same λ = {result.lambda_min:.4g}", theirs.alpha_ == result.lambda_min)
    claim.holds(f"all {result.scores.size} fold errors agree with LassoCV's to {number(far)}, relatively", far < 1e-6)
best, simple = result.best, result.one_se
claim.holds(
    f"the one-standard-error pick has fewer non-zeros: {result.model_1se.nonzeros} against {result.model.nonzeros}",
    result.model_1se.nonzeros < result.model.nonzeros,
)
claim.holds(
    f"its mean error {result.mean[simple]:.3f} lies within one standard error, {result.error[best]:.3f}, of the least, "
    f"{result.mean[best]:.3f}",
    result.mean[simple] <= result.mean[best] + result.error[best],
)
claim.figure(lambda: error_over_lambda(result), "Mean error of the folds over λ, and both picks")
claim.figure(
    lambda: coefficient_paths(
        result.lambdas,
        np.array([model.coefficients for model in result.path]).T,
        [f"x{i}" for i in range(COLUMNS)],
        [model.nonzeros for model in result.path],
        {"best": result.lambda_min, "1 SE": result.lambda_1se},
    ),
    "Coefficient paths of the lasso",
)

claim.section(f"On {HELD:,} rows that no choice saw")
rows, errors = [], {}
picks = {
    "the least mean error": result.model,
    "one standard error": result.model_1se,
    "no penalty": linear_model.Regression().start(x, y).fit(0.0),
}
for name, model in picks.items():
    errors[name] = float(((model.output(held_out[0]) - held_out[1]) ** 2).mean())
    found = (model.coefficients != 0) & (truth != 0)
    rows.append([name, f"{model.l1:.4g}", str(model.nonzeros), f"{found.sum()} of {NONZERO}", f"{errors[name]:.3f}"])
claim.table(("λ by", "λ", "non-zeros", "true ones among them", "held-out error"), rows)
least, none = errors["the least mean error"], errors["no penalty"]
claim.finds(f"λ by cross-validation: held-out error {least:.3f}, {none:.3f} without a penalty", least < none)
claim.look_at(
    f"{result.model_1se.nonzeros} inputs in place of {result.model.nonzeros}, for held-out error "
    f"{errors['one standard error']:.2f} in place of {least:.2f}; the noise alone makes 4"
)
