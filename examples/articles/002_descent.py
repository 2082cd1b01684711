"""Article 002: gradient descent with an L2 penalty; a program that stops twice, and what it says once it runs.

J(θ) = 1/(2m) Σ (y - ŷ)² + λ/(2m) Σ ω²      minimised with learning rate 0.01 in 1,000 steps

python examples/articles/002_descent.py [--quick]
"""

import warnings

import numpy as np

from minigrad import linear_model, reg, selection
from minigrad.data import Dataset
from minigrad.lab.gallery.article import Article, descend, installed_sklearn, number, one_pixel
from minigrad.lab.gallery.article_figures import curves

article = Article(__file__, __doc__)
RATE, STEPS, CONVERGED = 0.01, article.size["descent steps"], article.size["steps to convergence"]

article.section("What it says")
article.says(
    "The penalty of the weights, λ/(2m) Σω², is divided by the number of rows like the squared error. So λ is "
    "that of `Ridge(alpha=λ)`, and in the canonical form, mean loss + (l2/2) Σw², it is l2 = λ/m: "
    f"`reg.conventions.article_002(0.01, m=10)` is `{reg.conventions.article_002(0.01, 10)}`."
)

article.section("Its program, rebuilt in NumPy")


def train_as_printed(x, y, theta, lam, rate, steps):
    """Descent on J, step for step as the article does it."""
    m = len(y)
    theta = np.zeros(2)  # the start that the caller gave is forgotten
    for _ in range(steps):
        gradient = x.T.dot(x.dot(theta) - y) / m + lam / m * theta  # θ: the bias too
        theta = theta - rate * gradient
    return theta


def evaluate_as_printed(x, y, theta):
    """The mean squared error of the rows that it was trained on."""
    return (1 / m) * np.sum((x.dot(theta) - y) ** 2)  # noqa: F821  (m is defined in another function)


article.program(train_as_printed, evaluate_as_printed)
x, y = np.arange(10.0).reshape(10, 1), np.arange(10.0)
article.fails("Two weights for one column", ValueError, train_as_printed, x, y, np.zeros(2), 0.01, RATE, STEPS)
X = np.hstack([x, np.ones((10, 1))])
theta = train_as_printed(X, y, np.zeros(2), 0.01, RATE, STEPS)
article.fails("With a column of ones it trains, and stops again", NameError, evaluate_as_printed, X, y, theta)
elsewhere = train_as_printed(X, y, np.array([5.0, 5.0]), 0.01, RATE, STEPS)
article.holds("the initial θ has no effect: 0 and 5 end in the same bits", (elsewhere == theta).all())

article.section("What is left to correct: the bias is penalised")


def closed_form(X, y, lam, penalised):
    """The minimum of J: (XᵀX + λ D)⁻¹ Xᵀy, with D = 1 for what is penalised."""
    return np.linalg.solve(X.T @ X + lam * np.diag(penalised), X.T @ y)


rows, biases, worst = [], [], 0.0
for name, target, lam in (("y = x, λ = 0.01", y, 0.01), ("y = x + 5, λ = 10", y + 5, 10.0)):
    for selector, on in (("weight", [1.0, 0.0]), (reg.everything, [1.0, 1.0])):
        exact = closed_form(X, target, lam, on)
        term, data = reg.conventions.article_002(lam, m=10), Dataset(x, target[:, None])
        early, late = (descend(data, term, steps, on=selector, bias=True, rate=RATE) for steps in (STEPS, CONVERGED))
        distance = np.abs(late - exact).max()
        what = f"{name}, {'w and b' if all(on) else 'w only'} penalised"
        worst = max(worst, distance)
        rows += [[what, *(f"{v:.6f}" for v in exact), number(np.abs(early - exact).max()), number(distance)]]
        biases.append(exact[1])
article.holds(
    f"after {CONVERGED:,} steps descent is within {number(worst)} of the closed form, in all four", worst < 1e-9
)
article.table(("data", "w", "b", f"distance after {STEPS:,} steps", f"after {CONVERGED:,}"), rows)
article.says(
    "The article's own rows, y = x with λ = 0.01, hide the mistake: the bias that they want is 0. On y = x + 5 with "
    f"λ = 10 the penalised bias falls from {biases[2]:.2f} to {biases[3]:.2f}, and the weight makes up for it. "
    "`reg.on(model, 'weight', ...)` leaves biases out unless they are named."
)

article.section("On real data, with rows held out")
(train, test), _ = one_pixel(rows=100)
count, columns = train.x.shape
lambdas = np.array([1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1, 0.01])  # of the article: l2 = λ / count


def errors_of(weights, part):
    """The mean squared error of each w on these rows."""
    return [float(((part.x @ w - part.y[:, 0]) ** 2).mean()) for w in weights]


ridges = [closed_form(train.x, train.y[:, 0], lam, np.ones(columns)) for lam in lambdas]
halted = [descend(train, reg.conventions.article_002(lam, count), STEPS, rate=RATE) for lam in lambdas]
errors = {
    "training rows": errors_of(ridges, train),
    "held-out rows": errors_of(ridges, test),
    f"held-out rows, {STEPS:,} steps": errors_of(halted, test),
}
falling = (np.diff(errors["training rows"]) < 0).all()
article.holds("the error of the training rows falls with λ, down to the least λ", falling)
sklearn = installed_sklearn()
if sklearn:
    theirs = [sklearn.Ridge(alpha=lam, fit_intercept=False).fit(train.x, train.y[:, 0]).coef_ for lam in lambdas]
    off = np.abs(np.subtract(theirs, ridges)).max()
    article.holds(f"scikit-learn: Ridge(alpha=λ) at every λ, to {number(off)}", off < 1e-9)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", selection.SelectionWarning)
    ridge = linear_model.Regression(l1_ratio=0.0, fit_intercept=False)
    found = selection.cross_validate(ridge, train.x, train.y[:, 0], lambdas / count, folds=10)
best = found.best
columns_shown = {**errors, "10 folds of the training rows": found.mean.tolist()}
article.table(
    ("λ", *columns_shown),
    [[f"{lam:g}", *(f"{values[i]:.3f}" for values in columns_shown.values())] for i, lam in enumerate(lambdas)],
)
article.says(
    f"The task: a pixel of a digit from the {columns} others that vary, standardised, {count} digits to learn "
    f"from, {len(test.x)} held out. Who evaluates on the training rows, as the article does, always chooses λ = 0. "
    f"Ten folds of the same rows choose λ = {lambdas[best]:g}. Descent that stops after {STEPS:,} steps is a "
    "regularizer of its own: it has not yet reached what a small λ allows."
)
article.figure(
    lambda: curves(
        {"mean squared error": {name: (lambdas, values) for name, values in columns_shown.items()}},
        "λ of article 002",
        "error",
        log="xy",
        height=3.6,
        marks={"mean squared error": {"the article's λ": 0.01, "by 10 folds": float(lambdas[best])}},
    ),
    "Mean squared error of training and held-out rows, and in the folds, over λ",
)
held_out = errors["held-out rows"]
article.look_at(
    f"the held-out error, {held_out[-1]:.3f} at the article's λ = 0.01 and {held_out[best]:.3f} at the λ = "
    f"{lambdas[best]:g} of the folds; the training error, {errors['training rows'][-1]:.3f} and "
    f"{errors['training rows'][best]:.3f}, says the opposite"
)
