"""C17. A penalty is not the optimizer: L2 is weight decay in SGD, and is not in Adam.

Primary comparison: the distance of the weights, relative to their norm, between L2 in the gradient and decay of the
weights, after the same steps from the same start; for SGD without momentum, and for Adam.

    python examples/claims/C17_decay.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import load_digits
from minigrad.lab.gallery.article import number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim
from minigrad.lab.pages.statistics import mean

claim = Claim(__file__, __doc__)
SEEDS, STEPS = range(claim.size["seeds"]), claim.size["steps"]
LAMBDA, BATCH = 0.05, 32
x, y = load_digits("float64")


def trained(seed, optimizer_of, decay=0.0):
    """The weights after each step, a row each; decay multiplies them by 1 - decay before every step."""
    mg.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(64, 32, activation="relu", dtype="float64"),
        nn.Linear(32, 10, dtype="float64"),
    )
    optimizer, draw, path = optimizer_of(model), np.random.default_rng(seed), []
    for _ in range(STEPS):
        rows = draw.integers(0, len(x), BATCH)
        optimizer.zero_grad()
        mg.cross_entropy(model(mg.from_numpy(x[rows])), y[rows]).backward()
        if decay:
            with mg.no_grad():
                for w in model.parameters():
                    w.copy_(w.data * (1 - decay))
        optimizer.step()
        path.append(np.concatenate([w.data.ravel() for w in model.parameters()]))
    return np.array(path)


def distance(a, b):
    """‖a - b‖ / ‖a‖ after each step."""
    return np.sqrt(((a - b) ** 2).sum(1) / (a * a).sum(1))


def everywhere(model):
    return reg.on(model, reg.everything, reg.L2(LAMBDA))


claim.section("L2 in the gradient against decay of the weights, on the digits in the package, in float64")
claim.program(trained)
apart = {"SGD": [], "SGD, momentum 0.9": [], "Adam": []}
for seed in SEEDS:
    coupled = trained(seed, lambda m: optim.SGD(m.parameters(), 0.1, penalty=everywhere(m)))
    decayed = trained(seed, lambda m: optim.SGD(m.parameters(), 0.1), 0.1 * LAMBDA)
    apart["SGD"].append(distance(coupled, decayed))
    coupled = trained(seed, lambda m: optim.SGD(m.parameters(), 0.01, momentum=0.9, penalty=everywhere(m)))
    decayed = trained(seed, lambda m: optim.SGD(m.parameters(), 0.01, momentum=0.9), 0.1 * LAMBDA)
    apart["SGD, momentum 0.9"].append(distance(coupled, decayed))
    coupled = trained(seed, lambda m: optim.Adam(m.parameters(), lr=3e-3, penalty=everywhere(m)))
    decayed = trained(seed, lambda m: optim.AdamW(m.parameters(), lr=3e-3, weight_decay=LAMBDA))
    apart["Adam"].append(distance(coupled, decayed))
worst = max(path.max() for path in apart["SGD"])
claim.holds(f"SGD without momentum: the paths differ by at most {number(worst)}, rounding", worst < 1e-12)
least = min(path[-1] for path in apart["Adam"])
claim.holds(f"Adam: L2 and AdamW's decay end at least {least:.2f} apart, more than 0.01", least > 1e-2)
momentum, adam = (mean([path[-1] for path in apart[name]]) for name in ("SGD, momentum 0.9", "Adam"))
claim.says(
    f"With momentum 0.9, and a decay per step that is the same in the long run, they end {momentum:.3f} apart: the "
    "momentum averages the penalty's slope with the data's. Adam divides the slope of the penalty by the size of all "
    "slopes, so that weights with large slopes are penalised less; decay treats all weights alike."
)
claim.figure(
    lambda: curves(
        {
            "distance of the weights": {
                name: (range(1, STEPS + 1), np.maximum(paths[0], 1e-18)) for name, paths in apart.items()
            }
        },
        "step",
        "relative distance",
        log="y",
        height=3.6,
    ),
    "Relative distance between L2 in the gradient and decay, over the steps",
)
claim.look_at(f"{number(worst)} for SGD, {adam:.2f} for Adam, from one and the same λ")
