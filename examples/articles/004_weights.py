"""Article 004's formula: L1 on the weights of two layers, λ by grid search; and on a linear model against Lasso.

J(θ) = 1/(2m) Σ (h(x) - y)² + λ/(2m) (‖w₁‖₁ + ‖w₂‖₁)

python examples/articles/004_weights.py [--quick]      784-64-10 on MNIST where it is found, else on 8 x 8 digits
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg, selection
from minigrad.data import one_hot, split
from minigrad.lab.demo.experiment import share_of_zeros
from minigrad.lab.gallery.article import (
    Article,
    around,
    descend,
    digits_or_mnist,
    installed_sklearn,
    number,
    one_pixel,
    several,
)
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.pages.statistics import paired_gain
from minigrad.train import accuracy, evaluate, fit

article = Article(__file__, __doc__)
EPOCHS, SEEDS, ROWS = article.size["epochs"], range(article.size["seeds"]), article.size["training rows"]

article.section("What it says")
article.says(
    "Both layers' weights are penalised with λ/(2m) Σ|w|, divided by the number of training rows m like the "
    "squared error: in the canonical form l1 = λ/(2m). In cross-validation m is the size of the part that a fold "
    "trains on."
)

article.section("On a linear model, against its oracle")
(train, _), _ = one_pixel(rows=200)
m, lam = len(train.x), 40.0
w = descend(train, reg.conventions.article_004(lam, m), 4000, moment="prox")
force, l1 = train.x.T @ (train.y[:, 0] - train.x @ w) / m, lam / (2 * m)
off = max(np.abs(force[w != 0] - l1 * np.sign(w[w != 0])).max(), np.abs(force).max() - l1)
told = f"λ = {lam:g}, m = {m}: the data pull with λ/(2m) sign(w) where w is not 0, else with at most that, to"
article.holds(f"{told} {number(off)}", off < 1e-9)
sklearn = installed_sklearn()
if sklearn:
    lasso = sklearn.Lasso(alpha=l1, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(train.x, train.y[:, 0]).coef_
    off = np.abs(lasso - w).max()
    told = f"scikit-learn: Lasso(alpha=λ/(2m)) has the same {(w != 0).sum()} non-zeros of {w.size}, their values to"
    article.holds(f"{told} {number(off)}", ((lasso != 0) == (w != 0)).all() and off < 1e-9)

name, (everything, test) = digits_or_mnist(60_000)
article.section(f"Its network, λ by grid search, on {name}")


def trained(x, y, seed, lam):
    """784-64-10 with softmax and squared error, L1 on both layers by the proximal step; m are the rows given here."""
    mg.manual_seed(seed)
    model = nn.Sequential(nn.Linear(x.shape[1], 64, activation="relu"), nn.Linear(64, 10), nn.Softmax())
    prox = reg.on(model, "*.weight", reg.conventions.article_004(lam, len(x)))
    optimizer = optim.Adam(model.parameters(), lr=1e-3, prox=prox)
    fit(model, (x, y), mg.mse, optimizer, epochs=EPOCHS, batch_size=32, seed=seed)
    return model


article.program(trained)
samples = [split(everything.x, everything.y, ROWS, seed, everything.y).test for seed in SEEDS]
targets = [one_hot(part.y, 10) for part in samples]
grid = selection.grid(lam=[2 * ROWS * l1 for l1 in (0.0, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4)])
score = selection.Score("squared error", lambda output, y: float(np.mean((output - y) ** 2)))
found = selection.search(trained, grid, samples[0].x, targets[0], score=score, folds=article.size["folds"])
best = found.best["lam"]


def measured(seed, lam):
    """Test accuracy, Σ|w| and the share of zeros, in %: of weights whose pixel varies in the training rows."""
    x = samples[seed].x
    model = trained(x, targets[seed], seed, lam)
    weights = [model[0].weight.data, model[1].weight.data]
    right = evaluate(model, (test.x, one_hot(test.y, 10)), mg.mse, [accuracy])["accuracy"]
    size = np.abs(weights[0][(x != x[0]).any(0)]).sum() + np.abs(weights[1]).sum()
    return 100 * right, float(size), 100 * share_of_zeros(weights, x)


rows, ends = [], {}
for setting, error, spread in zip(grid, found.mean, found.error):
    lam = setting["lam"]
    ends[lam] = [measured(seed, lam) for seed in SEEDS]
    columns = [around([run[i] for run in ends[lam]], digits) for i, digits in enumerate((1, 0, 1))]
    rows.append([f"{lam:.3g}", f"{error:.5f} ± {spread:.5f}", *columns, "best" if lam == best else ""])
article.table(("λ", "error in the folds", "test accuracy, %", "Σ|w|", "zeros, %", "pick"), rows)
article.says(
    f"{ROWS:,} rows, {article.size['folds']} folds of those of seed 0; {several(len(SEEDS), 'seed')} and "
    f"{len(test.x):,} test rows, which no choice saw. m = {ROWS:,} where all rows train. Weights of pixels that "
    "never vary are left out."
)
if len(SEEDS) > 1:
    gain = paired_gain([run[0] for run in ends[best]], [run[0] for run in ends[0.0]])
    told = f"the λ of the grid search gains test accuracy: {gain.mean:+.2f} ± {gain.half:.2f} points"
    article.compares(told, gain, "higher")
positive = [lam for lam in ends if lam > 0]
article.figure(
    lambda: curves(
        {
            title: {"mean over seeds": (positive, np.array([[run[i] for run in ends[lam]] for lam in positive]).T)}
            for i, title in ((0, "test accuracy, %"), (2, "weights that are 0, %"))
        },
        "λ of article 004",
        "%",
        log="x",
        columns=2,
        alike=False,
    ),
    "Test accuracy and the share of zeros over λ",
)
article.look_at(
    f"the zeros: {rows[0][4]}% without a penalty, {rows[[*ends].index(best)][4]}% at the λ of the grid search; the "
    "program of the article, which penalises outputs, makes none"
)
