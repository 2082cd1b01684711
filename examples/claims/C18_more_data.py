"""C18. A penalty is not always useful: with more data it gains less.

Primary comparison: the gain of the test loss by L2, λ chosen for each number of rows, at the largest number against
1,000 rows, all labels right; paired over seeds.

    python examples/claims/C18_more_data.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

from minigrad import reg
from minigrad.data import Dataset
from minigrad.lab.gallery.article import around
from minigrad.lab.gallery.claim import Claim, Images, measured, trained
from minigrad.lab.pages.figures import gain_intervals
from minigrad.lab.pages.statistics import mean, paired_gain

claim = Claim(__file__, __doc__)
SEEDS = range(claim.size["seeds"])
STEPS = ("few rows", "some rows", "many rows", "all rows")
EPOCHS = {claim.size[rows]: claim.size[f"epochs at {rows}"] for rows in STEPS}
GRID = (1e-4, 1e-3, 1e-2)
POINTS = 0.3  # ° of accuracy at all rows: not measured beforehand

images = Images()
half = len(images.test.x) // 2  # all rows of the pool train, so λ is chosen on one half of the test rows
held, test = (Dataset(*(part[rows] for part in images.test)) for rows in (slice(half), slice(half, None)))
claim.section(f"Clean rows of {images.name}, λ chosen for each number of rows by validation loss")
gains, table, picked = {}, [], {}
for rows, epochs in EPOCHS.items():
    plain, chosen = [], []
    for seed in SEEDS:
        part = images.rows(rows, 0, seed)[0]
        models = {lam: trained(part, seed, epochs, penalty=reg.L2(lam)) for lam in (0.0, *GRID)}
        best = min(models, key=lambda lam: measured(models[lam], held)[0])
        picked.setdefault(rows, []).append(best)
        plain.append(measured(models[0.0], test))
        chosen.append(measured(models[best], test))
    gains[rows] = [[a[0] - b[0] for a, b in zip(plain, chosen)], [b[1] - a[1] for a, b in zip(plain, chosen)]]
    table.append(
        [
            f"{rows:,}",
            str(epochs),
            " ".join(f"{lam:g}" for lam in sorted(set(picked[rows]))),
            *(around([run[0] for run in runs], 4) for runs in (plain, chosen)),
            around(gains[rows][0], 4),
            around(gains[rows][1], 2),
        ]
    )
claim.table(("rows", "epochs", "λ picked", "loss, none", "loss, L2", "less by", "accuracy, points"), table)
some, most = claim.size["some rows"], claim.size["all rows"]
claim.gains(
    f"gain in loss at {most:,} rows minus that at {some:,}", gains[most][0], gains[some][0], higher=False, digits=4
)
points = mean(gains[most][1])
claim.finds(
    f"at {most:,} rows L2 changes accuracy by {points:+.2f} points, at most {POINTS:g}° either way",
    abs(points) <= POINTS,
)
nothing = [0.0] * len(SEEDS)
panels = {
    what: {f"{rows:,} rows": paired_gain(of[i], nothing) for rows, of in gains.items()}
    for i, what in enumerate(("test loss: none minus L2", "test accuracy, points: L2 minus none"))
}
claim.figure(
    lambda: gain_intervals(panels, dict.fromkeys(panels, 1)),
    "Gain of the test loss and of accuracy by L2 over the number of training rows, with their 95% intervals",
)
claim.look_at(
    f"L2 takes {mean(gains[some][0]):.3f} off the loss at {some:,} rows, {mean(gains[most][0]):.4f} at {most:,}"
)
