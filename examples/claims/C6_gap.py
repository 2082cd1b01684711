"""C6. Dropout narrows the gap between training and test.

Primary comparison: the gap of the loss, test minus training rows, both in eval mode and against right labels, at the p
with the least validation loss against p = 0. The paired t interval must exclude 0.

    python examples/claims/C6_gap.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.data import load_digits
from minigrad.lab.article_figures import curves
from minigrad.lab.articles import around
from minigrad.lab.claims import NOISE, Claim, Images, measured, trained

claim = Claim(__file__, __doc__)
SEEDS, EPOCHS, MASKS = range(claim.size["seeds"]), claim.size["epochs"], claim.size["masks"]
ROWS, HELD = claim.size["training rows"], claim.size["validation rows"]
RATES = (0.0, 0.2, 0.4, 0.6, 0.8)

claim.section("The mathematics: the mean over masks")
rows = mg.from_numpy(load_digits("float64").x[:5])
mg.manual_seed(0)
linear, bent = nn.Linear(64, 10, dtype="float64"), nn.Linear(64, 10, activation="relu", dtype="float64")
with mg.no_grad():
    bent.weight.copy_(linear.weight.data)
dropout = nn.Dropout(0.5, seed=1)
sigmas = {}
for name, layer in (("linear", linear), ("relu", bent)):
    dropout.calls.copy_(0)
    with mg.no_grad():
        outputs = np.array([layer(dropout(rows)).data for _ in range(MASKS)])
    error = outputs.std(0, ddof=1) / MASKS**0.5
    off = outputs.mean(0) - layer(rows).data
    sigmas[name] = float(np.abs(off / np.where(error > 0, error, 1)).max()), float(off.mean())
claim.holds(
    f"behind dropout a linear layer gives its eval output on average over {MASKS:,} masks: at most "
    f"{sigmas['linear'][0]:.1f} standard errors off, 5 allowed",
    sigmas["linear"][0] <= 5,
)
claim.says(
    f"Through a relu it does not: {sigmas['relu'][1]:+.3f} on average over its outputs, up to {sigmas['relu'][0]:.0f} "
    "standard errors, since the mean of a relu is not the relu of the mean. Eval mode is an approximation there."
)

images = Images()
claim.section(f"A network on {images.name}, {NOISE:.0%} of its training labels replaced")
ends = {p: [] for p in RATES}
for seed in SEEDS:
    noisy, clean, held = images.rows(ROWS, HELD, seed, NOISE)
    for p in RATES:
        model = trained(noisy, seed, EPOCHS, dropout=p)
        ends[p].append([measured(model, part)[0] for part in (clean, images.test, held, noisy)])
losses = {p: np.array(runs) for p, runs in ends.items()}
claim.table(
    ("p", "training loss, right labels", "as trained on", "test loss", "gap"),
    [[f"{p:g}", *(around(part.tolist(), 3) for part in (runs[:, 0], runs[:, 3], runs[:, 1], runs[:, 1] - runs[:, 0]))]
     for p, runs in losses.items()],
)  # fmt: skip
best = min(RATES[1:], key=lambda p: losses[p][:, 2].mean())
gaps = {p: (runs[:, 1] - runs[:, 0]).tolist() for p, runs in losses.items()}
claim.gains(f"the gap at p = {best:g}, against p = 0", gaps[best], gaps[0.0], higher=False, digits=3)
test = {p: runs[:, 1].tolist() for p, runs in losses.items()}
claim.gains(f"the test loss at p = {best:g}, against p = 0", test[best], test[0.0], higher=False, digits=3)
given = {p: (runs[:, 1] - runs[:, 3]).tolist() for p, runs in losses.items()}
claim.says(
    "The criterion measures all rows against right labels, and there a network that has learned wrong ones is bad on "
    "its own rows, too: that hides its gap. The usual gap, from the labels that were trained on, "
    "was added after that had been seen, and is no part of the verdict: at "
    f"p = {best:g} it is {np.mean(given[best]):.2f} in place of {np.mean(given[0.0]):.2f}."
)
claim.figure(
    lambda: curves(
        {"mean log loss": {name: (RATES, [runs[:, i].mean() for runs in losses.values()]) for i, name in (
            (0, "training rows, right labels"), (3, "training rows, as trained on"), (1, "test rows"))}},
        "p, the share that is dropped", "log loss", height=3.6,
    ),
    "Training and test loss over the rate of dropout",
)  # fmt: skip
claim.look_at(f"a gap of {np.mean(gaps[0.0]):.2f} without dropout, {np.mean(gaps[best]):.2f} with p = {best:g}")
