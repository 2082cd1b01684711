"""Article 002's linear regression: gradient descent on J = 1/(2m) Σ(y - ŷ)² + λ/(2m) Σω², against its closed form.

The article's program does not run (`m` is undefined), starts from a θ of the wrong shape, penalises the bias, and
evaluates on its training data. Here the same objective is minimised on its data, y = x for x = 0 ... 9, with λ = 0.01,
learning rate 0.01 and 1,000 steps: once with only the weight penalised, once with the bias as well, each beside

    θ = (XᵀX + λ D)⁻¹ Xᵀy     with X = [x, 1] and D = diag(1, 0), or diag(1, 1) where the bias is penalised

which is Ridge(alpha=λ): in the canonical form, mean loss + (l2/2) w², it is l2 = λ/m.

    python examples/article_002_linear.py [--quick]
"""

import argparse

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="the article's 1,000 steps only, not on to convergence")
more = 0 if parser.parse_args().quick else 9000

x = np.arange(10.0).reshape(10, 1)
y = np.arange(10.0).reshape(10, 1)
m, lam = len(x), 0.01


def closed_form(penalise_bias: bool) -> np.ndarray:
    """The minimum of J: (w, b)."""
    X = np.hstack([x, np.ones((m, 1))])
    D = np.diag([1.0, 1.0 if penalise_bias else 0.0])
    return np.linalg.solve(X.T @ X + lam * D, X.T @ y).ravel()


def descend(penalise_bias: bool) -> list[np.ndarray]:
    """(w, b) after 1,000 steps of gradient descent, and after `more` further ones."""
    model = nn.Sequential(nn.Linear(1, 1)).to("float64")
    with mg.no_grad():
        model[0].weight.copy_([[0.0]])  # θ starts at 0, as in the article
    penalty = reg.on(model, reg.everything if penalise_bias else "*.weight", reg.conventions.article_002(lam, m))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    found = []
    for steps in (1000, more):
        for _ in range(steps):
            optimizer.zero_grad()
            data_loss = 0.5 * mg.mse(model(mg.from_numpy(x)), y)
            (data_loss + penalty()).backward()
            optimizer.step()
        found.append(np.array([model[0].weight.item(), model[0].bias.item()]))
    return found


print(f"{'penalised':<12}{'after':<16}{'w':>12}{'b':>12}{'distance to the closed form':>30}")
worst = 0.0
for penalise_bias in (False, True):
    exact = closed_form(penalise_bias)
    what = "w and b" if penalise_bias else "w only"
    for steps, theta in zip((1000, 1000 + more), descend(penalise_bias)):
        print(f"{what:<12}{f'{steps} steps':<16}{theta[0]:>12.8f}{theta[1]:>12.8f}{np.abs(theta - exact).max():>30.1e}")
    print(f"{what:<12}{'closed form':<16}{exact[0]:>12.8f}{exact[1]:>12.8f}")
    worst = max(worst, float(np.abs(theta - exact).max()))

reached = f"{1000 + more:,} steps end within {worst:.0e} of the closed form"
print(f"look at: {reached}; a penalised bias is pulled towards 0, where the data do not want it")
