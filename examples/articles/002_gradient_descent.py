"""Article 002: gradient descent with an L2 penalty; a program that stops twice, and what it says once it runs.

    J(θ) = 1/(2m) Σ (y - ŷ)² + λ/(2m) Σ ω²      minimised with learning rate 0.01 in 1,000 steps

    python examples/articles/002_gradient_descent.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Dataset
from minigrad.lab.article_figures import curves
from minigrad.lab.articles import Article, installed_sklearn, number, one_pixel

article = Article(__file__, __doc__)
RATE, STEPS, CONVERGED = 0.01, article.size["descent steps"], article.size["steps to convergence"]

article.section("What it says")
article.says(
    "The penalty of the weights, λ/(2m) Σω², is divided by the number of rows like the squared error. So λ is that of "
    "`Ridge(alpha=λ)`, and in the canonical form, mean loss + (l2/2) Σw², it is l2 = λ/m: "
    f"`reg.conventions.article_002(0.01, m=10)` is `{reg.conventions.article_002(0.01, 10)}`."
)

article.section("Its program, rebuilt in NumPy")


def train_as_printed(x, y, theta, lam, rate, steps):
    """Descent on J, step for step as the article does it."""
    m = len(y)
    theta = np.zeros(2)  # the start that the caller gave is forgotten
    for _ in range(steps):
        gradient = x.T.dot(x.dot(theta) - y) / m + lam / m * theta  # all of θ is penalised, the bias too
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


def descend(data, lam, selector, steps):
    """(w, b) by gradient descent on minigrad, from θ = 0."""
    model = nn.Linear(data.x.shape[1], 1, init="zeros", dtype="float64")
    penalty = reg.on(model, selector, reg.conventions.article_002(lam, len(data.x)))
    optimizer = optim.SGD(model.parameters(), lr=RATE, penalty=penalty)
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * mg.mse(model(mg.from_numpy(data.x)), data.y)).backward()
        optimizer.step()
    return np.append(model.weight.data, model.bias.data)


article.program(descend)
rows, biases = [], []
for name, target, lam in (("y = x, λ = 0.01", y, 0.01), ("y = x + 5, λ = 10", y + 5, 10.0)):
    for selector, on in (("weight", [1.0, 0.0]), (reg.everything, [1.0, 1.0])):
        exact = closed_form(X, target, lam, on)
        early, late = (descend(Dataset(x, target[:, None]), lam, selector, steps) for steps in (STEPS, CONVERGED))
        distance = np.abs(late - exact).max()
        what = f"{name}, {'w and b' if all(on) else 'w only'} penalised"
        article.holds(f"{what}: after {CONVERGED:,} steps {number(distance)} from the closed form", distance < 1e-9)
        rows += [[what, *(f"{v:.6f}" for v in exact), number(np.abs(early - exact).max()), number(distance)]]
        biases.append(exact[1])
article.table(("data", "w", "b", f"distance after {STEPS:,} steps", f"after {CONVERGED:,}"), rows)
article.says(
    "The article's own rows, y = x with λ = 0.01, hide the mistake: the bias that they want is 0. On y = x + 5 with "
    f"λ = 10 the penalised bias falls from {biases[2]:.2f} to {biases[3]:.2f}, and the weight makes up for it. "
    "`reg.on(model, 'weight', ...)` leaves biases out unless they are named."
)

article.section("On real data, with rows held out")
(train, test), _ = one_pixel(rows=100)
m, columns = train.x.shape
lambdas = np.array([0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])
ridges = [closed_form(train.x, train.y[:, 0], lam, np.ones(columns)) for lam in lambdas]
errors = {
    name: [float(((part.x @ w - part.y[:, 0]) ** 2).mean()) for w in ridges]
    for name, part in (("training rows", train), ("held-out rows", test))
}
halted = [descend(train, lam, "weight", STEPS)[:-1] for lam in lambdas]
errors[f"held-out rows, {STEPS:,} steps of descent"] = [float(((test.x @ w - test.y[:, 0]) ** 2).mean()) for w in halted]
best = int(np.argmin(errors["held-out rows"]))
sklearn = installed_sklearn()
if sklearn:
    worst = max(
        np.abs(sklearn.Ridge(alpha=lam, fit_intercept=False).fit(train.x, train.y[:, 0]).coef_ - w).max()
        for lam, w in zip(lambdas, ridges)
    )
    article.holds(f"scikit-learn's Ridge(alpha=λ) is the closed form at every λ, to {number(worst)}", worst < 1e-9)
article.says(
    f"The task: the middle pixel of a digit from the {columns} others that vary, standardised, {m} digits to learn from "
    f"and {len(test.x)} held out. The article evaluates on its training rows, whose error rises with λ whatever λ does "
    f"for other rows: it would always choose λ = 0."
)
article.table(("λ", *errors), [[f"{lam:g}", *(f"{e[i]:.4f}" for e in errors.values())] for i, lam in enumerate(lambdas)])
article.figure(
    lambda: curves({"mean squared error": {name: (lambdas, e) for name, e in errors.items()}}, "λ of article 002", "error",
                   log="x", marks={"mean squared error": {"the article's λ": 0.01}}),
    "Mean squared error of training and held-out rows over λ",
)  # fmt: skip
rising = np.diff(errors["training rows"])
article.holds("the error of the training rows rises with λ", (rising > 0).all())
article.look_at(
    f"the held-out error, {errors['held-out rows'][0]:.3f} at the article's λ = 0.01 and {errors['held-out rows'][best]:.3f} "
    f"at λ = {lambdas[best]:g}, where the training error is higher"
)
