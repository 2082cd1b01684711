"""Article 000's two linear models: L1 selects, L2 shrinks, on a problem of real numbers and against their oracles.

    J(w) = 1/(2m) Σ (y - wᵀx)² + λ Σ |w|        J(w) = 1/(2m) Σ (y - wᵀx)² + λ/2 Σ w²

    python examples/articles/000_linear.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.lab.article_figures import images
from minigrad.lab.articles import Article, installed_sklearn, number, one_pixel

article = Article(__file__, __doc__)
STEPS = article.size["descent steps"]

article.section("Both models on minigrad")
(train, test), places = one_pixel(rows=200)
m, target = len(train.x), train.y[:, 0]


def descend(lam, moment, term):
    """Weights after descent on 1/(2m) Σ (y - wᵀx)² with the term in the update: its gradient, or its proximal map."""
    model = nn.Linear(train.x.shape[1], 1, bias=False, init="zeros", dtype="float64")
    largest = float(np.linalg.eigvalsh(train.x.T @ train.x / m)[-1])
    optimizer = optim.SGD(model.parameters(), lr=1 / largest, **{moment: reg.on(model, "weight", term(lam))})
    for _ in range(STEPS):
        optimizer.zero_grad()
        (0.5 * mg.mse(model(mg.from_numpy(train.x)), train.y)).backward()
        optimizer.step()
    return model.weight.data[:, 0]


article.program(descend)
lam = 0.1
l1, l2 = descend(lam, "prox", reg.conventions.article_000_l1), descend(lam, "penalty", reg.conventions.article_000_l2)
twice = descend(lam, "penalty", reg.conventions.article_000_l2_code)
gram, pull = train.x.T @ train.x / m, train.x.T @ target / m
exact, exact_code = (np.linalg.solve(gram + l * np.eye(len(gram)), pull) for l in (lam, 2 * lam))
for words, w, closed in (("formula", l2, exact), ("code, 2λ", twice, exact_code)):
    off = np.abs(w - closed).max()
    article.holds(f"L2 by the {words}: {number(off)} from the closed form (XᵀX/m + λI)⁻¹ Xᵀy/m", off < 1e-9)
force = pull - gram @ l1
off = max(np.abs(force[l1 != 0] - lam * np.sign(l1[l1 != 0])).max(), np.abs(force[l1 == 0]).max() - lam)
article.holds(f"L1: the slope of the data is λ sign(w) where w is not 0, and within λ elsewhere, to {number(max(off, 1e-17))}", off < 1e-9)
sklearn = installed_sklearn()
if sklearn:
    lasso = sklearn.Lasso(alpha=lam, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(train.x, target).coef_
    ridge = sklearn.Ridge(alpha=m * lam, fit_intercept=False).fit(train.x, target).coef_
    article.holds(f"scikit-learn: Lasso(alpha=λ) has the same {np.sum(l1 != 0)} non-zeros", ((lasso != 0) == (l1 != 0)).all())
    article.holds(f"scikit-learn: Ridge(alpha=mλ), to {number(np.abs(ridge - l2).max())}", np.abs(ridge - l2).max() < 1e-9)


def picture(w):
    image = np.full(64, np.nan)
    image[places] = w
    return image.reshape(8, 8)


least = np.linalg.lstsq(train.x, target, rcond=None)[0]
fits = {"least squares": least, f"L2, λ = {lam:g}": l2, f"L1, λ = {lam:g}": l1}
article.table(("model", "exact zeros", "Σ|w|", "training error", "held-out error"), [
    [n, f"{np.sum(w == 0)} of {w.size}", f"{np.abs(w).sum():.2f}",
     *(f"{np.mean((part.x @ w - part.y[:, 0]) ** 2):.3f}" for part in (train, test))] for n, w in fits.items()])  # fmt: skip
article.figure(lambda: images({n: picture(w) for n, w in fits.items()}), "Weights of the pixels that predict the middle one")
article.says(
    f"The task: the grey of one pixel from the {len(places)} others that vary, {m} digits to learn from, {len(test.x)} held out; "
    "errors as shares of the variance. Grey in the images: the pixel itself, and pixels that are always 0."
)
article.look_at("the image of the L1 weights: the neighbours of the pixel, and white where L2 has small weights")
