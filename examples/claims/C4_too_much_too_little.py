"""C4. A λ that is too large underfits, one that is too small overfits.

Primary comparison: the mean validation loss over a grid of λ for L2, in a network whose training labels are noisy: the
minimum lies inside, and both ends lie above it by more than 2 paired standard errors.

    python examples/claims/C4_too_much_too_little.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

import numpy as np

from minigrad import linear_model, reg
from minigrad.data import load_digits, regression
from minigrad.lab.gallery.article import around
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import NOISE, Claim, Images, measured, standard_errors, trained

claim = Claim(__file__, __doc__)
SEEDS, EPOCHS = range(claim.size["seeds"]), claim.size["epochs"]
ROWS, HELD = claim.size["training rows"], claim.size["validation rows"]
GRID = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)

claim.section("The mathematics: at λ ≥ λ_max all L1 weights are exactly 0")
digits = load_digits("float64")
problems = {
    "linear regression": (linear_model.Regression(), regression(200, 50, noise=1.0, nonzero=8, dtype="float64")[:2]),
    "two classes": (linear_model.Logistic(), (digits.x[:300], (digits.y[:300] == 8).astype(np.int64))),
    "ten classes": (linear_model.Logistic(), (digits.x[:120], digits.y[:120])),
}
for name, (family, data) in problems.items():
    top = family.start(*data).lambda_max()
    counts = [family.start(*data).fit(scale * top).nonzeros for scale in (10.0, 1.0 + 1e-12, 0.98)]
    claim.holds(
        f"{name}: {counts[0]} and {counts[1]} inputs with a weight at 10 λ_max and at λ_max = {top:.4g}, "
        f"{counts[2]} at 0.98 λ_max",
        counts[:2] == [0, 0] and counts[2] > 0,
    )

images = Images()
claim.section(f"A network on {images.name}, {NOISE:.0%} of its training labels replaced")
seen, right, held = [], [], []
for seed in SEEDS:
    noisy, clean, validation = images.rows(ROWS, HELD, seed, NOISE)
    models = [trained(noisy, seed, EPOCHS, penalty=reg.L2(lam)) for lam in GRID]
    for losses, part in ((seen, noisy), (right, clean), (held, validation)):
        losses.append([measured(model, part)[0] for model in models])
seen, right, held = (np.array(losses) for losses in (seen, right, held))
claim.table(
    ("λ", "training loss, noisy", "the same rows, right labels", "validation loss"),
    [[f"{lam:g}", *(around(part[:, i].tolist(), 3) for part in (seen, right, held))] for i, lam in enumerate(GRID)],
)
best = int(held.mean(0).argmin())
claim.finds(f"the least mean validation loss is inside the grid, at λ = {GRID[best]:g}", 0 < best < len(GRID) - 1)
if len(SEEDS) > 1:
    for i, words in ((0, "too small"), (-1, "too large")):
        above = (held[:, i] - held[:, best]).tolist()
        errors = standard_errors(above)
        claim.finds(
            f"λ = {GRID[i]:g} is {words}: {around(above, 3)} above the least, {errors:.1f} standard errors", errors > 2
        )
claim.figure(
    lambda: curves(
        {
            "mean log loss": {
                "training rows, noisy labels": (GRID, seen),
                "training rows, right labels": (GRID, right),
                "validation rows": (GRID, held),
            }
        },
        "λ",
        "log loss",
        log="x",
        height=3.6,
        marks={"mean log loss": {"least": GRID[best]}},
    ),
    "Training and validation loss of a network over λ; bands: one standard deviation over seeds",
)
claim.look_at(
    f"validation loss {held[:, 0].mean():.2f} at λ = {GRID[0]:g}, {held[:, best].mean():.2f} at {GRID[best]:g}, "
    f"{held[:, -1].mean():.2f} at {GRID[-1]:g}, while the training loss only rises"
)
