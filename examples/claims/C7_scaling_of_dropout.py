"""C7. Classical and inverted dropout agree, once everything that the scaling touches is rescaled.

Primary comparison: weights after training a network in float64 with either scaling on the same masks; W behind the
dropout layer stands for (1 - p) W in the classical network.

    python examples/claims/C7_scaling_of_dropout.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import load_digits
from minigrad.lab.gallery.article import number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim

claim = Claim(__file__, __doc__)
STEPS, BATCH, RATE, LAMBDA = claim.size["steps"], 32, 0.2, 0.01
RATES = (0.2, 0.5, 0.7)
x, y = load_digits("float64")

claim.section("One pass, on one mask")
for p in RATES:
    inverted, classical = (nn.Dropout(p, scaling, seed=7) for scaling in ("inverted", "classical"))
    rows = mg.from_numpy(x[:200])
    a, b = classical(rows).data, (1 - p) * inverted(rows).data
    kept = a != 0
    far = np.abs(b[kept] / a[kept] - 1).max() / np.finfo(np.float64).eps
    claim.holds(f"p = {p}: classical is 1 - p times inverted, to {far:.0f} unit in the last place", far <= 1)


def trained(p, scaling, keep=1.0):
    """The outputs for all rows in eval mode after each tenth of the steps; keep rescales what stands behind dropout.

    With W/keep in place of W, its slope is keep times as large: a step of lr/keep² moves W/keep as lr moves W, and the
    penalty, whose slope is W/keep, takes keep².
    """
    mg.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 32, activation="relu", dtype="float64"),
        nn.Dropout(p, scaling, seed=1),
        nn.Linear(32, 10, dtype="float64"),
    )
    behind = model[2].weight
    with mg.no_grad():
        behind.copy_(behind.data / keep)
    others = [w for w in model.parameters() if w is not behind]
    groups = [{"params": others}, {"params": [behind], "lr": RATE / keep**2}]
    terms = {"0.weight": reg.L2(LAMBDA), "2.weight": reg.L2(LAMBDA * keep**2)}
    optimizer, draw, outputs = optim.SGD(groups, lr=RATE, penalty=reg.on(model, terms)), np.random.default_rng(0), []
    for step in range(STEPS):
        rows = draw.integers(0, len(x), BATCH)
        optimizer.zero_grad()
        mg.cross_entropy(model(mg.from_numpy(x[rows])), y[rows]).backward()
        optimizer.step()
        if (step + 1) % (STEPS // 10) == 0:
            with mg.no_grad():
                outputs.append(model.eval()(mg.from_numpy(x)).data)
            model.train()
    return np.array(outputs)


def distance(a, b):
    """The distance of outputs, relative to their size, after each tenth of the steps."""
    return np.sqrt(((a - b) ** 2).sum((1, 2)) / (a * a).sum((1, 2)))


claim.section("Training")
claim.program(trained)
panels, rows = {}, []
for p in RATES:
    inverted = trained(p, "inverted")
    same, other = distance(inverted, trained(p, "classical", 1 - p)), distance(inverted, trained(p, "classical"))
    worst = same.max()
    claim.holds(f"p = {p}: rescaled, the outputs stay together to {number(worst)} for {STEPS} steps", worst < 1e-9)
    claim.holds(f"p = {p}: without rescaling they end {other[-1]:.2f} apart, relatively", other[-1] > 1e-2)
    at = range(STEPS // 10, STEPS + 1, STEPS // 10)
    panels[f"p = {p}"] = {"rescaled": (at, same), "not rescaled": (at, other)}
    rows.append([f"{p}", f"{1 / (1 - p):.3g}", f"{(1 - p) ** -2:.3g}", f"{(1 - p) ** 2:.3g}"])
claim.table(("p", "weight times", "step times", "penalty times"), rows)
claim.says(
    "The text of article 003 scales in tests, its program in training. Either is right; who changes one for the other "
    "and keeps the start, the learning rate and λ trains another network. Where 1 - p is a power of 2 nothing is "
    "rounded: a distance of exactly 0 is hollow, on the lower edge of the picture."
)
claim.figure(
    lambda: curves(panels, "step", "relative distance of the outputs", log="y"),
    "Distance between networks with inverted and classical dropout on the same masks; hollow: exactly 0",
)
claim.look_at("step (1 - p)⁻² and penalty (1 - p)²: with them the two agree to rounding, without them they do not")
