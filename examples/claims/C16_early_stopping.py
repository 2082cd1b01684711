"""C16. Early stopping is like L2: t steps of gradient descent from 0 are like a ridge with λ = 1/(lr t).

Primary comparison: what is left of the least squares solution along each eigenvector, 1 - (1 - lr s)^t after t steps
and s/(s + λ) by the ridge, s an eigenvalue of XᵀX/m and lr s_max <= 1.

    python examples/claims/C16_early_stopping.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import linear_model, nn, optim
from minigrad.data import regression
from minigrad.lab.gallery.article import number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim
from minigrad.selection import log_spaced

claim = Claim(__file__, __doc__)
ROWS, STEPS = claim.size["rows"], claim.size["steps"]
BOUND, RISK, FEW = 0.21, 1.69, 50
NOISE = 1.0

x, y, beta = regression(ROWS, 20, noise=NOISE, dtype="float64")
noise, x = y - x @ beta, x * log_spaced(3.0, 0.1, 20)  # eigenvalues over three decades
y = x @ beta + noise
s, v = np.linalg.eigh(x.T @ x / ROWS)
least = v.T @ linear_model.Regression(l1_ratio=0.0, fit_intercept=False).start(x, y).fit(0.0).coefficients
lr = 1 / float(s[-1])
times = np.unique(np.logspace(0, np.log10(STEPS), 40).astype(int))


def descended(at):
    """The weights after each number of steps in `at`, of full-batch gradient descent from 0 on 1/(2m) Σ (y - wᵀx)²."""
    model = nn.Linear(20, 1, bias=False, init="zeros", dtype="float64")
    optimizer, path = optim.SGD(model.parameters(), lr=lr), []
    rows, targets = mg.from_numpy(x), y.reshape(-1, 1)
    for step in range(1, at[-1] + 1):
        optimizer.zero_grad()
        (0.5 * mg.mse(model(rows), targets)).backward()
        optimizer.step()
        if step in at:
            path.append(model.weight.data.ravel().copy())
    return np.array(path)


claim.section("The filters")
by_steps = 1 - (1 - lr * s) ** times[:, None]
by_ridge = s / (s + 1 / (lr * times[:, None]))
far = np.abs(descended(times) @ v - by_steps * least).max() / np.abs(least).max()
claim.holds(
    f"after t steps 1 - (1 - lr s)^t of least squares is there along each eigenvector, to {number(far)}", far < 1e-9
)
solver = linear_model.Regression(l1_ratio=0.0, fit_intercept=False).start(x, y)
ridges = np.array([solver.fit(1 / (lr * t)).coefficients for t in times])
far = np.abs(ridges @ v - by_ridge * least).max() / np.abs(least).max()
claim.holds(f"with the ridge, λ = 1/(lr t), it is s/(s + λ), to {number(far)}", far < 1e-9)

u = np.linspace(0, 1, 2001)  # lr s: every eigenvalue that lr s_max <= 1 allows
gaps = {t: float(np.abs(1 - (1 - u) ** t - t * u / (1 + t * u)).max()) for t in (1, 2, 5, 10, 20, FEW, 100, 1_000)}
claim.table(("steps", "largest difference of the filters"), [[f"{t:,}", f"{gap:.4f}"] for t, gap in gaps.items()])
z = np.linspace(0, 60, 60_001)
flow = float(np.abs(1 - np.exp(-z) - z / (1 + z)).max())
claim.holds(f"gradient flow, the limit of small steps: the filters differ by {flow:.4f} <= {BOUND}", flow <= BOUND)
claim.holds(
    f"from {FEW} steps on they differ by at most {gaps[FEW]:.4f} <= {BOUND}, whatever the eigenvalue",
    all(np.abs(1 - (1 - u) ** t - t * u / (1 + t * u)).max() <= BOUND for t in range(FEW, STEPS, 7)),
)
claim.finds(f"the same from the first step on, where lr s_max = 1: {gaps[1]:.2f} after one step", gaps[1] <= BOUND)

claim.section("The risk")


def risks(kept):
    """E‖w - β‖² of a filter over the noise: what it leaves of β, and what it lets through of the noise."""
    truth = (v.T @ beta) ** 2
    return ((1 - kept) ** 2 * truth + NOISE**2 / ROWS * kept**2 / s).sum(1)


span = log_spaced(1e4, 1e-3, 400)[:, None] / s[-1]
of_flow, of_ridge = risks(1 - np.exp(-span * s)), risks(s / (s + 1 / span))
ratio = of_flow / of_ridge
claim.holds(
    f"the risk of gradient flow at t is at most {ratio.max():.3f} <= {RISK} times that of the ridge at λ = 1/t",
    ratio.max() <= RISK,
)
claim.says(
    f"At their best, the risk of early stopping is {of_flow.min():.4f} and that of the ridge {of_ridge.min():.4f}; the "
    "bound is that of Ali, Kolter and Tibshirani (2019), for any truth and any rows."
)
claim.figure(
    lambda: curves(
        {
            **{
                f"filter where s = {s[i]:.2g}": {"descent": (times, by_steps[:, i]), "ridge": (times, by_ridge[:, i])}
                for i in (19, 10, 0)
            },
            "risk; t in steps": {"descent": (span.ravel() / lr, of_flow), "ridge": (span.ravel() / lr, of_ridge)},
        },
        "steps",
        "",
        log="x",
        columns=4,
        alike=False,
        height=3.0,
    ),
    "Filters of early stopping and of the ridge over time, and their risks",
)
claim.look_at(f"filters at most {gaps[FEW]:.2f} apart from {FEW} steps on, and risks at most {ratio.max():.2f} to 1")
