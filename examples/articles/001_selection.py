"""Article 001's advice, followed: λ by K-fold cross-validation, for a linear model and for its network.

python examples/articles/001_selection.py [--quick]      784-32-10 on MNIST where it is found, else on 8 x 8 digits
"""

import warnings

import numpy as np

import minigrad as mg
from minigrad import linear_model, nn, reg, selection
from minigrad.data import Dataset, noisy_labels, split
from minigrad.lab.gallery.article import Article, digits_or_mnist, installed_sklearn, number, one_pixel
from minigrad.lab.pages.selection_figures import error_over_lambda
from minigrad.train import accuracy, evaluate

article = Article(__file__, __doc__)
COUNT, FOLDS = article.size["λ"], article.size["folds"]
warnings.simplefilter("ignore", selection.SelectionWarning)  # what they say of picks at an edge, the figures show

article.section("What it says")
article.says(
    "λ too small overfits, λ too large underfits; K-fold cross-validation finds the one between, which must do "
    "best on rows that were held out."
)

article.section("A linear model: one pixel from the others")
(train, test), _ = one_pixel(rows=100)
X, y = train.x, train.y[:, 0]
folds = list(selection.KFold(FOLDS, seed=0).split(X))
rows, results = [], {}
for kind, ratio, lambdas, unit in (("L1", 1.0, None, 2), ("L2", 0.0, selection.log_spaced(100.0, 1e-3, COUNT), 1)):
    family = linear_model.Regression(ratio, fit_intercept=False)
    found = results[kind] = selection.cross_validate(family, X, y, lambdas, count=COUNT, folds=folds)
    for pick, at, model in (("best", found.best, found.model), ("one standard error", found.one_se, found.model_1se)):
        rows.append(
            [
                f"{kind}, {pick}",
                f"{unit * found.lambdas[at]:.3g}",
                f"{found.mean[at]:.3f} ± {found.error[at]:.3f}",
                f"{np.mean((model.output(test.x) - test.y[:, 0]) ** 2):.3f}",
                f"{model.nonzeros} of {X.shape[1]}",
            ]
        )
    article.figure(lambda found=found: error_over_lambda(found), f"Cross-validated error of the {kind} model over λ")
article.table(("penalty, pick", "λ of article 001", "error in the folds", "held-out error", "weights not 0"), rows)
article.says(
    f"{len(X)} digits, {FOLDS} folds, {len(test.x)} held out. The article's λ is 2 l1 for its L1 and l2 for its "
    "L2; the figures show l1 and l2. The error at the best λ flatters itself, since λ was chosen to make it small."
)
if installed_sklearn():
    from sklearn.linear_model import LassoCV

    found = results["L1"]
    theirs = LassoCV(alphas=found.lambdas, cv=folds, fit_intercept=False, tol=1e-10, max_iter=10**6).fit(X, y)
    off = np.abs(theirs.mse_path_.T - found.scores).max()
    article.holds(
        f"scikit-learn's LassoCV picks the same λ, its fold errors agree to {number(off)}",
        theirs.alpha_ == found.lambda_min and off < 1e-6,
    )

name, (everything, test) = digits_or_mnist(60_000)
article.section(f"Its network, on {name}")
ROWS, EPOCHS, NOISE = article.size["training rows"], article.size["epochs"], 0.2
few = split(everything.x, everything.y, ROWS, seed=0, stratify=everything.y).test
few = Dataset(few.x, noisy_labels(few.y, NOISE, 10, seed=0))  # without mistakes to learn there is little to regularize


def network():
    """784-32-10, ending in logits."""
    return nn.Sequential(nn.Linear(few.x.shape[1], 32, activation="relu"), nn.Linear(32, 10))


family = selection.Network(
    network,
    mg.cross_entropy,
    penalty=reg.conventions.article_001_l1,
    epochs=4 * EPOCHS,
    low=1e-4,
    standardize=False,
)
found = selection.cross_validate(
    family,
    few.x,
    few.y,
    selection.log_spaced(0.03, family.low, article.size["λ of the network"]),
    folds=article.size["folds of the network"],
)
picks = {
    "the least": (found.lambdas[-1], found.path[-1]),
    "the best mean": (found.lambda_min, found.model),
    "within one standard error": (found.lambda_1se, found.model_1se),
}
rows = []
for words, (lam, model) in picks.items():
    seen, unseen = (evaluate(model.module, part, mg.cross_entropy, [accuracy]) for part in (few, test))
    size = sum(w.size for _, w in model.weights)
    rows.append(
        [
            words,
            f"{lam:.3g}",
            f"{model.nonzeros / size:.0%}",
            f"{seen['accuracy']:.1%}",
            f"{unseen['loss']:.3f}",
            f"{unseen['accuracy']:.1%}",
        ]
    )
article.table(("λ of λ/2 Σ|w|", "λ", "weights not 0", "training accuracy", "test loss", "test accuracy"), rows)
article.says(
    f"{ROWS:,} training rows, {NOISE:.0%} of their labels wrong; {len(test.x):,} test rows with clean labels, "
    "which no choice saw. The proximal step inside Adam. Each λ starts afresh and trains until a tenth of its "
    "training rows stops improving; the networks of the table, on all rows, train for the median epochs of the folds. "
    "Pixels that never vary lose their weights at once."
)
article.figure(lambda: error_over_lambda(found), "Cross-validated log loss of the network over λ")
article.look_at(
    f"the dip of each curve, and test accuracy: {rows[0][-1]} at the least λ, {rows[1][-1]} at the best, with "
    f"{rows[1][2]} of the weights left"
)
