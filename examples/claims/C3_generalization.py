"""C3. Regularization improves generalization: where training labels are wrong, and hardly where few are right.

Primary comparison: test accuracy with L2 against none, on 1,000 rows with 30% of their labels replaced; λ is chosen by
accuracy on clean validation rows from a grid that contains 0. The paired t interval must exclude 0. L1, elastic net and
dropout are corrected by Holm's method. The counter-example, 200 rows with right labels, is reported beside it.

    python examples/claims/C3_generalization.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

from minigrad import reg
from minigrad.lab.gallery.article import around
from minigrad.lab.gallery.claim import NOISE, Claim, Images, measured, trained
from minigrad.lab.pages.figures import gain_intervals
from minigrad.lab.pages.statistics import paired_gain

claim = Claim(__file__, __doc__)
SEEDS, EPOCHS = range(claim.size["seeds"]), claim.size["epochs"]
ROWS, HELD, FEW = claim.size["training rows"], claim.size["validation rows"], claim.size["rows, clean"]
WAYS = {
    "L2": [{"penalty": reg.L2(lam)} for lam in (3e-3, 1e-2, 3e-2, 1e-1)],
    "L1": [{"prox": reg.L1(lam)} for lam in (3e-4, 1e-3, 2e-3, 4e-3)],
    "elastic net": [{"prox": reg.ElasticNet(lam, 10 * lam)} for lam in (3e-4, 1e-3, 2e-3)],
    "dropout": [{"dropout": p} for p in (0.25, 0.5, 0.75)],
}
images = Images()


def compared(rows, noise, ways):
    """Test loss and accuracy of each way on each seed, its strength chosen on validation rows; none is one of them."""
    ends = {}
    for seed in SEEDS:
        noisy, _, held = images.rows(rows, HELD, seed, noise)
        plain = trained(noisy, seed, EPOCHS)
        ends.setdefault("none", []).append(measured(plain, images.test))
        for way in ways:
            models = [plain, *(trained(noisy, seed, EPOCHS, **setting) for setting in WAYS[way])]
            best = max(models, key=lambda model: measured(model, held)[1])
            ends.setdefault(way, []).append(measured(best, images.test))
    return ends


def shown(ends):
    claim.table(
        ("regularizer", "test loss", "test accuracy, %"),
        [
            [way, around([loss for loss, _ in runs], 3), around([right for _, right in runs], 2)]
            for way, runs in ends.items()
        ],
    )
    return {way: ([loss for loss, _ in runs], [right for _, right in runs]) for way, runs in ends.items()}


claim.section(f"{ROWS:,} rows of {images.name}, {NOISE:.0%} of their labels replaced")
noisy = shown(compared(ROWS, NOISE, WAYS))
claim.gains("L2 against none, test accuracy", noisy["L2"][1], noisy["none"][1], unit=" points")
others = [way for way in WAYS if way != "L2"]
claim.corrected({f"{way} against none, test accuracy": (noisy[way][1], noisy["none"][1]) for way in others}, " points")

claim.section(f"The counter-example: {FEW:,} rows with right labels")
clean = shown(compared(FEW, 0.0, ["L2"]))
words = f"{FEW:,} clean rows: L2 against none"
claim.gains(f"{words}, test accuracy", clean["L2"][1], clean["none"][1], unit=" points")
claim.gains(f"{words}, test loss, chosen by accuracy", clean["L2"][0], clean["none"][0], higher=False, digits=3)
panels = {}
for i, measure in enumerate(("test loss", "test accuracy, points")):
    panels[measure] = {f"{way}, noisy": paired_gain(noisy[way][i], noisy["none"][i]) for way in WAYS}
    panels[measure]["L2, few and clean"] = paired_gain(clean["L2"][i], clean["none"][i])
claim.figure(
    lambda: gain_intervals(panels, {"test loss": -1, "test accuracy, points": 1}),
    "Paired gains against no regularizer with their 95% intervals",
)
claim.look_at(
    f"L2 {panels['test accuracy, points']['L2, noisy'].mean:+.1f} points with noisy labels, "
    f"{panels['test accuracy, points']['L2, few and clean'].mean:+.1f} with few clean ones"
)
