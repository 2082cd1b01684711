"""Article 002's linear regression: gradient descent on J = 1/(2m) Σ(y - ŷ)² + λ/(2m) Σω², against its closed form.

The article's program does not run (`m` is undefined), starts from a θ of the wrong shape, penalises the bias, and
evaluates on its training data. Here the same objective is minimised with its learning rate, 0.01, and its 1,000 steps,
and then on to convergence: with only the weight penalised, and with the bias as well, each beside

    θ = (XᵀX + λ D)⁻¹ Xᵀy     with X = [x, 1] and D = diag(1, 0), or diag(1, 1) where the bias is penalised

which is Ridge(alpha=λ); in the canonical form, mean loss + (l2/2) w², it is l2 = λ/m. The article's data, y = x for
x = 0 ... 9 with λ = 0.01, hide the mistake, for the bias that they want is 0; y = x + 5 with λ = 10 shows it.

    python examples/article_002_linear.py [--quick]
"""

import argparse

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="the article's 1,000 steps only")
converged = 1000 if parser.parse_args().quick else 10000

x = np.arange(10.0).reshape(10, 1)
m = len(x)


def closed_form(y: np.ndarray, lam: float, penalise_bias: bool) -> np.ndarray:
    """The minimum of J: (w, b)."""
    X = np.hstack([x, np.ones((m, 1))])
    D = np.diag([1.0, 1.0 if penalise_bias else 0.0])
    return np.linalg.solve(X.T @ X + lam * D, X.T @ y).ravel()


def descend(y: np.ndarray, lam: float, penalise_bias: bool, steps: int) -> np.ndarray:
    """(w, b) after gradient descent from θ = 0."""
    model = nn.Linear(1, 1, dtype="float64")
    with mg.no_grad():
        model.weight.copy_([[0.0]])
    penalty = reg.on(model, reg.everything if penalise_bias else "weight", reg.conventions.article_002(lam, m))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        data_loss = 0.5 * mg.mse(model(mg.from_numpy(x)), y)
        (data_loss + penalty()).backward()
        optimizer.step()
    return np.array([model.weight.item(), model.bias.item()])


print(f"{'data':<10}{'λ':>6}  {'penalised':<11}{'after':<14}{'w':>12}{'b':>12}{'distance to the closed form':>30}")
biases, distance = [], 0.0
for data, y, lam in (("y = x", x, 0.01), ("y = x + 5", x + 5, 10.0)):
    for penalise_bias in (False, True):
        exact = closed_form(y, lam, penalise_bias)
        label = f"{data:<10}{lam:>6}  {'w and b' if penalise_bias else 'w only':<11}"
        for steps in dict.fromkeys((1000, converged)):
            theta = descend(y, lam, penalise_bias, steps)
            distance = float(np.abs(theta - exact).max())
            print(f"{label}{f'{steps} steps':<14}{theta[0]:>12.8f}{theta[1]:>12.8f}{distance:>30.1e}")
        print(f"{label}{'closed form':<14}{exact[0]:>12.8f}{exact[1]:>12.8f}")
        biases.append(exact[1])

print(
    f"look at: descent ends within {distance:.0e} of the closed form; penalised, the bias of the last data falls "
    f"from {biases[2]:.2f} to {biases[3]:.2f}, and the weight makes up for it"
)
