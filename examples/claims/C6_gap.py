"""C6. Dropout narrows the gap between training and test.

Primary comparison: the gap of the loss, test minus training rows, both in eval mode and against right labels, at the p
with the least validation loss against p = 0, trained on labels of which 30% are wrong. The paired t interval must
exclude 0.

    python examples/claims/C6_gap.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.data import load_digits
from minigrad.lab.gallery.article import around
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import NOISE, Claim, Images, measured, trained

claim = Claim(__file__, __doc__)
SEEDS, EPOCHS, MASKS = range(claim.size["seeds"]), claim.size["epochs"], claim.size["masks"]
ROWS, HELD = claim.size["training rows"], claim.size["validation rows"]
LINES = {"training rows, right labels": 0, "training rows, as trained on": 3, "test rows": 1}
LATER = range(len(SEEDS), 2 * len(SEEDS))
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


def compared(noise, seeds):
    """(p, (seeds, 4)): losses in eval mode of training rows with right labels, test, validation, as trained on."""
    ends = {p: [] for p in RATES}
    for seed in seeds:
        given, right, held = images.rows(ROWS, HELD, seed, noise)
        for p in RATES:
            model = trained(given, seed, EPOCHS, dropout=p)
            ends[p].append([measured(model, part)[0] for part in (right, images.test, held, given)])
    losses = {p: np.array(runs) for p, runs in ends.items()}
    columns = ((0, 0), (1, 1), (1, 0), (3, 3), (1, 3))  # a loss, or the first minus the second
    claim.table(
        ("p", "training rows, right labels", "test rows", "gap", "training rows, as trained on", "usual gap"),
        [
            [f"{p:g}", *(around((runs[:, a] - (runs[:, b] if a != b else 0)).tolist(), 3) for a, b in columns)]
            for p, runs in losses.items()
        ],
    )
    return losses


def judged(losses, where):
    """The best p by validation loss and its gap; the verdicts on gap and test loss there against those at p = 0."""
    best = min(RATES[1:], key=lambda p: losses[p][:, 2].mean())
    test = {p: runs[:, 1].tolist() for p, runs in losses.items()}
    gaps = {p: (runs[:, 1] - runs[:, 0]).tolist() for p, runs in losses.items()}
    for what, of in (("gap", gaps), ("test loss", test)):
        claim.gains(f"{where}: the {what} at p = {best:g}, against p = 0", of[best], of[0.0], higher=False, digits=3)
    return best, np.mean(gaps[best])


claim.section(f"A network on {images.name}, {NOISE:.0%} of its training labels replaced")
noisy = compared(NOISE, SEEDS)
best, gap = judged(noisy, f"{NOISE:.0%} wrong labels")
plain, usual = noisy[0.0].mean(0), {p: (runs[:, 1] - runs[:, 3]).mean() for p, runs in noisy.items()}
claim.says(
    "Both losses are against right labels. Without dropout the network learns the wrong labels of its training rows by "
    f"heart. Against the right ones it is bad on these rows, too: {plain[0]:.2f}, and {plain[1]:.2f} on test rows. "
    "The gap is that of two high losses; dropout lowers both. The usual gap, from the labels that were trained on, was "
    f"added after this had been seen, and is no part of the verdict: {usual[best]:.2f} at p = {best:g}, "
    f"{usual[0.0]:.2f} without dropout."
)
claim.section("The same, trained on right labels")
judged(compared(0.0, LATER), "right labels")
claim.says(
    "Here the two gaps are one. This was added after the first part had been seen, so it has seeds that were not used "
    f"there: {LATER[0]} to {LATER[-1]}."
)
claim.figure(
    lambda: curves(
        {
            f"mean log loss, {NOISE:.0%} wrong labels": {
                name: (RATES, np.stack([runs[:, i] for runs in noisy.values()], 1)) for name, i in LINES.items()
            }
        },
        "p, the share that is dropped",
        "log loss",
        height=3.6,
    ),
    "Training and test loss over the rate of dropout; bands: one standard deviation over seeds",
)
claim.look_at(f"a gap of {plain[1] - plain[0]:.2f} without dropout, {gap:.2f} with p = {best:g}")
