"""Article 000's two linear models: L1 selects, L2 shrinks; on a problem of real numbers, and against their oracles.

J(w) = 1/(2m) Σ (y - wᵀx)² + λ Σ |w|        J(w) = 1/(2m) Σ (y - wᵀx)² + λ/2 Σ w²

python examples/articles/000_linear.py [--quick]
"""

import numpy as np

from minigrad import reg
from minigrad.lab.gallery.article import Article, descend, installed_sklearn, number, one_pixel
from minigrad.lab.gallery.article_figures import images

article = Article(__file__, __doc__)
STEPS, LAMBDA = article.size["descent steps"], 0.1

article.section("What it says")
article.says(
    "Neither penalty is divided by the number of rows: in the canonical form, mean loss + l1 Σ|w| + (l2/2) Σw², "
    "they are l1 = λ and l2 = λ. Its program computes λ Σw² without the half, which is l2 = 2λ."
)
(train, test), places = one_pixel(rows=200)
m, target = len(train.x), train.y[:, 0]
article.says(
    f"The task: the grey of one pixel of a digit from the {len(places)} others that vary, {m} digits to learn from, "
    f"{len(test.x)} held out, all with mean 0 and deviation 1 over the training rows."
)

article.section("Both on minigrad, against closed form and optimality")
article.program(descend)
l2 = descend(train, reg.conventions.article_000_l2(LAMBDA), STEPS)
l2_code = descend(train, reg.conventions.article_000_l2_code(LAMBDA), STEPS)
l1 = descend(train, reg.conventions.article_000_l1(LAMBDA), STEPS, moment="prox")

gram, pull = train.x.T @ train.x / m, train.x.T @ target / m
for words, w, strength in (("formula", l2, LAMBDA), ("code, 2λ", l2_code, 2 * LAMBDA)):
    off = np.abs(w - np.linalg.solve(gram + strength * np.eye(len(gram)), pull)).max()
    article.holds(f"L2 by the {words}: (XᵀX/m + λI)⁻¹ Xᵀy/m to {number(off)}", off < 1e-9)

# Where w is 0 the data may pull with any force up to λ; elsewhere the penalty's pull, λ sign(w), balances it exactly.
force, active = pull - gram @ l1, l1 != 0
off = max(np.abs(force[active] - LAMBDA * np.sign(l1[active])).max(), np.abs(force).max() - LAMBDA)
article.holds(f"L1: the data pull with λ sign(w) where w is not 0, else with at most λ, to {number(off)}", off < 1e-9)

sklearn = installed_sklearn()
if sklearn:
    lasso = sklearn.Lasso(alpha=LAMBDA, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(train.x, target).coef_
    ridge = sklearn.Ridge(alpha=m * LAMBDA, fit_intercept=False).fit(train.x, target).coef_
    off = np.abs(lasso - l1).max(), np.abs(ridge - l2).max()
    article.holds(
        f"scikit-learn: Lasso(alpha=λ) has the same {active.sum()} non-zeros, and their values to {number(off[0])}",
        ((lasso != 0) == active).all() and off[0] < 1e-9,
    )
    article.holds(f"scikit-learn: Ridge(alpha=mλ) to {number(off[1])}", off[1] < 1e-9)

article.section("What they do")
least = np.linalg.lstsq(train.x, target, rcond=None)[0]
fits = {"least squares": least, f"L2, λ = {LAMBDA:g}": l2, f"L1, λ = {LAMBDA:g}": l1}
errors = {name: [np.mean((part.x @ w - part.y[:, 0]) ** 2) for part in (train, test)] for name, w in fits.items()}
article.table(
    ("model", "exact zeros", "Σ|w|", "training error", "held-out error"),
    [
        [name, f"{(w == 0).sum()} of {w.size}", f"{np.abs(w).sum():.2f}", *(f"{e:.3f}" for e in errors[name])]
        for name, w in fits.items()
    ],
)


def image(w):
    """The weights in their places; NaN where there is none."""
    pixels = np.full(64, np.nan)
    pixels[places] = w
    return pixels.reshape(8, 8)


article.figure(
    lambda: images({name: image(w) for name, w in fits.items()}),
    "The weights of the pixels that predict the one in the middle, for least squares, L2 and L1",
)
article.says("Errors are shares of the variance. Grey: the pixel itself, and pixels that are always 0.")
article.look_at(
    f"the zeros: {(l1 == 0).sum()} of {l1.size} with L1, which keeps the neighbours of the pixel, and "
    f"{(l2 == 0).sum()} with L2, which keeps a little of all"
)
