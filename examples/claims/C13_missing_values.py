"""C13. Missing values: means, means with a mask, indicators alone, and dropout of inputs; two ways of being missing.

Primary comparison: test accuracy with means and a mask against means, for values missing at random (MCAR) at the
largest rate. The same for values that are missing because they are large (MNAR), and both at the middle rate, are
corrected by Holm's method.

    python examples/claims/C13_missing_values.py [--quick]      the 8 x 8 digits in the package
"""

import numpy as np

from minigrad import nn
from minigrad.data import Dataset, MeanImputer, load_digits, split
from minigrad.lab.gallery.article import around
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import HIDDEN, Claim, measured, trained
from minigrad.lab.pages.statistics import mean

claim = Claim(__file__, __doc__)
SEEDS, ROWS, EPOCHS = range(claim.size["seeds"]), claim.size["training rows"], claim.size["epochs"]
RATES = (0.1, 0.3, 0.5)
DROPPED = 0.2  # of the inputs
x, y = load_digits()


def gaps(x, rate, kind, draw):
    """x with NaN: MCAR, each value with one probability; MNAR, the larger half with twice that, the others never."""
    if kind == "MCAR":
        return np.where(draw.random(x.shape) < rate, np.nan, x)
    large = x + 1e-6 * draw.random(x.shape) >= np.median(x)
    return np.where(large & (draw.random(x.shape) < rate / large.mean()), np.nan, x)


def learned(train, test, seed, dropout=0.0):
    """Test accuracy of a layer of relu units, with dropout of its inputs."""
    first = [nn.Dropout(dropout)] if dropout else []

    def network():
        hidden = nn.Linear(train.x.shape[1], HIDDEN, activation="relu")
        return nn.Sequential(*first, hidden, nn.Linear(HIDDEN, 10))

    return measured(trained(train, seed, EPOCHS, make=network), test)[1]


claim.section("Accuracy where values are missing in training and in test rows")
right = {}
for seed in SEEDS:
    train, test = split(x, y, test=len(x) - ROWS, seed=seed, stratify=y)
    draw = np.random.default_rng(seed)
    for kind in ("MCAR", "MNAR"):
        for rate in RATES:
            holes = [gaps(part.x, rate, kind, draw) for part in (train, test)]
            fill = MeanImputer(holes[0])
            filled, absent = [fill(part) for part in holes], [np.isnan(part).astype(np.float32) for part in holes]
            ways = {
                "mean": (filled, 0.0),
                "mean and mask": ([np.hstack(both) for both in zip(filled, absent)], 0.0),
                "mean, inputs dropped": (filled, DROPPED),
                "mask alone": (absent, 0.0),
            }
            for way, ((seen, unseen), p) in ways.items():
                accuracy = learned(Dataset(seen, train.y), Dataset(unseen, test.y), seed, p)
                right.setdefault((kind, way), {}).setdefault(rate, []).append(accuracy)
claim.table(
    ("missing", "filled by", *(f"{rate:.0%} missing" for rate in RATES)),
    [[kind, way, *(around(runs[rate], 1) for rate in RATES)] for (kind, way), runs in right.items()],
)
claim.says(
    f"At random, the mask adds {x.shape[1]} inputs that tell nothing, and {ROWS} rows are few enough to fit them by "
    "heart: that costs accuracy. Where values are missing because they are large, the mask is a picture of the digit. "
    "At 50% the whole larger half is missing: the mask shows where the ink was, and the means hide it."
)
places = [("MCAR", RATES[-1]), ("MNAR", RATES[-1]), ("MCAR", RATES[1]), ("MNAR", RATES[1])]
pairs = [(right[kind, "mean and mask"][rate], right[kind, "mean"][rate]) for kind, rate in places]
words = [f"mask and mean against mean, {kind}, {rate:.0%} missing" for kind, rate in places]
claim.gains(words[0], *pairs[0], unit=" points")
claim.corrected(dict(zip(words[1:], pairs[1:])), " points")
claim.figure(
    lambda: curves(
        {
            kind: {way: (RATES, [mean(runs[rate]) for rate in RATES]) for (k, way), runs in right.items() if k == kind}
            for kind in ("MCAR", "MNAR")
        },
        "share of values that are missing",
        "test accuracy, %",
        columns=2,
        height=3.4,
    ),
    "Test accuracy over the share of missing values, missing at random and missing because large",
)
alone = {kind: mean(right[kind, "mask alone"][RATES[-1]]) for kind in ("MCAR", "MNAR")}
claim.look_at(
    f"the mask alone, {RATES[-1]:.0%} missing: {alone['MCAR']:.0f}% right where values are missing at random, "
    f"{alone['MNAR']:.0f}% where it is the large ones"
)
