"""C15. Two remedies together: augmentation, mixup, L2 and dropout, alone and in pairs.

Primary comparison: the gain of test accuracy by L2 and dropout together falls short of the sum of their gains alone,
on rows with 30% of their labels replaced; the paired t interval must exclude 0. The other pairs are corrected by Holm's
method, and so are the comparisons of each pair with the better of its two. A pair that is no better is redundant.

    python examples/claims/C15_pairs.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

from itertools import combinations

from minigrad import reg
from minigrad.data import Mixup, RandomShift
from minigrad.lab.gallery.article import around
from minigrad.lab.gallery.claim import NOISE, Claim, Images, measured, trained
from minigrad.lab.pages.figures import gain_intervals
from minigrad.lab.pages.statistics import mean, paired_gain

claim = Claim(__file__, __doc__)
SEEDS, EPOCHS, ROWS = range(claim.size["seeds"]), claim.size["epochs"], claim.size["training rows"]
images = Images()
SIDE = int(images.inputs**0.5)
SHIFT = RandomShift(2 if SIDE == 28 else 1, shape=(SIDE, SIDE))
REMEDIES = {
    "augmentation": {"transform": (SHIFT,)},
    "mixup": {"transform": (Mixup(1.0, classes=10),)},
    "L2": {"penalty": reg.L2(1e-2)},
    "dropout": {"dropout": 0.5},
}
PAIRS = list(combinations(REMEDIES, 2))


def settings(*names):
    """What `trained` takes for these remedies together: their transforms in order."""
    both = {}
    for name in names:
        for what, value in REMEDIES[name].items():
            both[what] = both[what] + value if what in both else value
    return both


claim.section(f"{ROWS:,} rows of {images.name}, {NOISE:.0%} of their labels replaced")
right, losses = {}, {}
for seed in SEEDS:
    noisy = images.rows(ROWS, 0, seed, NOISE)[0]
    for names in ((), *((name,) for name in REMEDIES), *PAIRS):
        loss, accuracy = measured(trained(noisy, seed, EPOCHS, **settings(*names)), images.test)
        right.setdefault(names, []).append(accuracy)
        losses.setdefault(names, []).append(loss)
gains = {names: [a - b for a, b in zip(runs, right[()])] for names, runs in right.items()}
claim.table(
    ("remedies", "test loss", "test accuracy, %", "gain, points"),
    [
        [" and ".join(names) or "none", around(losses[names], 3), around(runs, 2), around(gains[names], 2)]
        for names, runs in right.items()
    ],
)

claim.section("A pair against the sum of its gains, and against the better of the two")
sums = {pair: [a + b for a, b in zip(*(gains[name,] for name in pair))] for pair in PAIRS}
better = {pair: max(pair, key=lambda name: mean(gains[name,])) for pair in PAIRS}
claim.table(
    ("pair", "sum of gains", "measured", "measured by sum", "better of the two"),
    [
        [
            " and ".join(pair),
            f"{mean(sums[pair]):+.2f}",
            f"{mean(gains[pair]):+.2f}",
            f"{mean(gains[pair]) / mean(sums[pair]):.2f}",
            f"{better[pair]}, {mean(gains[better[pair],]):+.2f}",
        ]
        for pair in PAIRS
    ],
)
short = {f"{a} and {b} fall short of the sum of their gains": (sums[a, b], gains[a, b]) for a, b in PAIRS}
primary = "L2 and dropout fall short of the sum of their gains"
claim.gains(primary, *short.pop(primary), unit=" points")
claim.corrected(short, " points")
claim.corrected(
    {
        f"{a} and {b} together are better than {better[a, b]} alone": (gains[a, b], gains[better[a, b],])
        for a, b in PAIRS
    },
    " points",
)
beyond = {pair: paired_gain(gains[pair], gains[better[pair],]) for pair in PAIRS}
panels = {
    "minus the sum of their gains, points": {" and\n".join(p): paired_gain(gains[p], sums[p]) for p in PAIRS},
    "minus the better of the two alone, points": {" and\n".join(p): gain for p, gain in beyond.items()},
}
claim.figure(
    lambda: gain_intervals(panels, dict.fromkeys(panels, 1)),
    "The gain of each pair minus the sum of its gains, and minus the better of the two, with 95% intervals",
)
redundant = [" and ".join(pair) for pair in PAIRS if beyond[pair].verdict != "higher"]
most = max(PAIRS, key=lambda pair: beyond[pair].mean)
claim.look_at(
    f"redundant, that is no better than the better of the two alone: {', '.join(redundant) or 'none'}; the best to "
    f"join: {' and '.join(most)}, {beyond[most].mean:+.2f} points"
)
