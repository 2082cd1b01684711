"""Article 001's printed gradient: it climbs the data loss, and pulls twice as hard as its own penalty.

J(w) = 1/(2m) Σ (y - a)² + λ/2 Σ |w|      J(w) = 1/(2m) Σ (y - a)² + λ/2 Σ w²
printed:  ∂J/∂w = 1/m Σ (y - a) ∂a/∂w + λ ∂(Σ|w| or Σw²)/∂w

python examples/articles/001_gradient.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import nn, reg
from minigrad.lab.gallery.article import Article, number, one_pixel
from minigrad.lab.gallery.article_figures import curves

article = Article(__file__, __doc__)
STEPS, LAMBDA = article.size["descent steps"], 0.3
(train, _), _ = one_pixel(rows=100)
X, y = train.x, train.y[:, 0]
m, n = X.shape

article.section("What it says")
article.says(
    "Both penalties carry λ/2: in the canonical form, mean loss + l1 Σ|w| + (l2/2) Σw², L1 is l1 = λ/2 and L2 is "
    "l2 = λ. The gradient that it prints is to be followed downhill. Here the model is linear, a = wᵀx, and the "
    "rows are those of article 000: one pixel of a digit from the others."
)

article.section("The printed gradient against finite differences")
PENALTIES = {  # Σ|w| and Σw², their derivatives, and the terms that the formulas mean
    "L1": (lambda w: np.abs(w).sum(), np.sign, reg.conventions.article_001_l1),
    "L2": (lambda w: (w * w).sum(), lambda w: 2 * w, reg.conventions.article_001_l2),
}


def objective(w, lam, kind):
    """J as the article defines it."""
    return ((y - X @ w) ** 2).sum() / (2 * m) + lam / 2 * PENALTIES[kind][0](w)


def printed_gradient(w, lam, kind):
    """∂J/∂w as the article prints it."""
    return X.T @ (y - X @ w) / m + lam * PENALTIES[kind][1](w)


def differences(w, lam, kind, step=1e-6):
    """Central differences of J in each weight."""
    ends = [[objective(w + sign * step * e, lam, kind) for e in np.eye(n)] for sign in (1, -1)]
    return np.subtract(*ends) / (2 * step)


def by_engine(w, lam, kind):
    """The gradient of J by minigrad, its penalty by the converter of the article's convention."""
    model = nn.Linear(n, 1, bias=False, init=lambda shape, dtype: w.reshape(shape), dtype="float64")
    penalty = reg.on(model, "weight", PENALTIES[kind][2](lam))
    loss = 0.5 * mg.mse(model(mg.from_numpy(X)), train.y) + penalty()
    return mg.grad(loss, model.weight).data[:, 0]


article.program(objective, printed_gradient, by_engine)
w = np.random.default_rng(0).normal(size=n)
data, rows = X.T @ (X @ w - y) / m, []
for kind, (_, slope, _) in PENALTIES.items():
    measured, printed, engine = (g(w, LAMBDA, kind) for g in (differences, printed_gradient, by_engine))
    pull = LAMBDA / 2 * slope(w)
    off = np.abs(engine - measured).max()
    article.holds(f"{kind}: minigrad's gradient is that of the differences, to {number(off)}", off < 1e-7)
    wrong = np.abs(printed - (2 * pull - data)).max() < 1e-12
    article.holds(f"{kind}: the printed one is minus the data's slope plus twice the penalty's", wrong)
    off = np.abs(measured - (data + pull)).max()
    article.holds(f"{kind}: the true one is the data's slope plus the penalty's, to {number(off)}", off < 1e-7)
    rows.append([kind, *(f"{v[0]:+.4f}" for v in (data, pull, measured, printed, engine))])
article.table(("first weight", "data", "penalty", "differences", "printed", "minigrad"), rows)

article.section("Where it leads")
rate = 1 / (float(np.linalg.eigvalsh(X.T @ X / m)[-1]) + 2 * LAMBDA)
ways = {"as printed": (-1, 2), "sign mended": (1, 2), "sign and factor mended": (1, 1)}
path = {}
for name, (sign, factor) in ways.items():
    w, values = np.zeros(n), []
    for _ in range(STEPS):
        values.append(objective(w, LAMBDA, "L2"))
        if values[-1] > 1e6 * values[0]:
            break
        w = w - rate * (sign * X.T @ (X @ w - y) / m + factor * LAMBDA * w)
    path[name] = np.array(values)
    if sign == 1:
        closed = np.linalg.solve(X.T @ X / m + factor * LAMBDA * np.eye(n), X.T @ y / m)
        off = np.abs(w - closed).max()
        article.holds(f"{name}: the end is the ridge with l2 = {'2' * (factor == 2)}λ, to {number(off)}", off < 1e-9)
steps = len(path["as printed"]) - 1
grown = path["as printed"][-1] / path["as printed"][0]
article.holds(f"as printed, J grows a million times in {steps} steps", grown > 1e6)
lines = {name: (range(len(values[:60])), values[:60]) for name, values in path.items()}
descending = {name: line for name, line in lines.items() if name != "as printed"}
article.figure(
    lambda: curves(
        {"J with L2, λ = 0.3": lines, "the two that descend": descending}, "step", "J", log="y", columns=2, alike=False
    ),
    "The objective over the steps of descent along three gradients",
)
article.look_at(f"one wrong sign, and J grows a million times in {steps} steps; mended, it finds the ridge of 2λ")
