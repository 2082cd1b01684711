"""C11. Dropout of whole channels in a convolutional network, and of the same units at all steps in a recurrent one.

Primary comparison: the test loss of the convolutional network, without dropout minus with spatial dropout, at the p
with the least mean validation loss; paired over seeds. Dropout of blocks, L2 on the filters alone, the recurrent
network with variational dropout, and each kind against ordinary dropout at the same p, are corrected by Holm's method.
Seeds are 1, 2, ...: sizes were chosen with seed 0.

    python examples/claims/C11_images_and_sequences.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

import numpy as np

import minigrad as mg
from minigrad import nn, reg
from minigrad.lab.gallery.article import around, number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim, Images, measured, trained
from minigrad.lab.gallery.two_networks import Convolutional, Recurrent
from minigrad.lab.pages.statistics import mean

claim = Claim(__file__, __doc__)
SEEDS, EPOCHS = range(1, claim.size["seeds"] + 1), claim.size["epochs"]
ROWS, HELD = claim.size["training rows"], claim.size["validation rows"]
RATES, LAMBDAS = (0.2, 0.4), (1e-3, 1e-2)  # of dropout; of L2 on the filters
ADAM = {"rate": 2e-3, "batch": 50}
images = Images()
SIDE = int(images.inputs**0.5)
FILTERS, STEPS = (((5, 2), (3, 2)), 14) if SIDE == 28 else (((3, 1), (3, 1)), 8)  # (size, stride) of two; parts of rows
BLOCK = 3  # the side of a block of pixels that DropBlock drops
# A network from what drops in it, and the kinds of that from p: those on trial, then ordinary dropout.
NETWORKS = {
    "convolutional": (
        lambda dropout: Convolutional(SIDE, FILTERS, dropout),
        {
            "spatial": lambda p: lambda: nn.Dropout2d(p),
            "block": lambda p: lambda: nn.DropBlock2d(p, BLOCK),
            "ordinary": lambda p: lambda: nn.Dropout(p),
        },
    ),
    "recurrent": (
        lambda options: Recurrent(images.inputs, STEPS, **options),
        {
            "variational": lambda p: {"dropout": p, "variational": True},
            "ordinary": lambda p: {"dropout": p},
        },
    ),
}

claim.section("What the layers do")
rng = np.random.default_rng(0)
layer, x = nn.Conv2d(2, 3, 3, stride=2, bias=False), rng.random((1, 2, 7, 7), "float32")
parts = [[x[0, :, i : i + 3, j : j + 3] for j in (0, 2, 4)] for i in (0, 2, 4)]
off = float(np.abs(layer(mg.tensor(x)).data[0] - np.einsum("abcij,ocij->oab", parts, layer.weight.data)).max())
claim.holds(f"a convolution gives the sums over windows of 3 x 3 pixels, to {number(off)}", off < 1e-5)
model = Recurrent(images.inputs, STEPS, dropout=0.5, variational=True)
model(mg.tensor(rng.random((5, images.inputs), "float32")))
mask = model.layers.between.last_mask()
claim.holds(f"variational dropout has one mask for all {STEPS} steps of a row", (mask == mask[:, :1]).all())

claim.section(f"Test loss after {ROWS:,} rows of {images.name} with right labels")


def losses_with(network, dropout, **more):
    """Test losses and validation losses over the seeds."""
    runs = []
    for seed in SEEDS:
        rows, _, held = images.rows(ROWS, HELD, seed)
        model = trained(rows, seed, EPOCHS, make=lambda: network(dropout), **ADAM, **more)
        runs.append([measured(model, part)[0] for part in (images.test, held)])
    return [list(part) for part in zip(*runs)]


plain, tried = {}, {}
for name, (network, kinds) in NETWORKS.items():
    plain[name] = losses_with(network, kinds["ordinary"](0.0))
    for kind, dropout in kinds.items():
        tried[name, kind] = {p: losses_with(network, dropout(p)) for p in RATES}
convolutional = NETWORKS["convolutional"][0], nn.Identity
filters = {l2: losses_with(*convolutional, penalty=reg.L2(l2), selector=nn.Conv2d) for l2 in LAMBDAS}
claim.table(
    ("network", "dropout", "none", *(f"p = {p:g}" for p in RATES)),
    [
        [name, kind, *(around(test, 3) for test, _ in (plain[name], *by_p.values()))]
        for (name, kind), by_p in tried.items()
    ],
)
claim.table(
    ("L2 on the filters", "none", *(f"λ = {l2:g}" for l2 in LAMBDAS)),
    [["convolutional", *(around(test, 3) for test, _ in (plain["convolutional"], *filters.values()))]],
)


def chosen(runs):
    """What has the least mean validation loss."""
    return min(runs, key=lambda p: mean(runs[p][1]))


pairs, told = [], {}
for name, (_, kinds) in NETWORKS.items():
    none = plain[name][0]
    for kind in list(kinds)[:-1]:  # but ordinary
        p = chosen(tried[name, kind])
        ours, theirs = tried[name, kind][p][0], tried[name, "ordinary"][p][0]
        pairs += [
            (f"{name}: {kind} dropout, p = {p:g}, takes off the test loss", (none, ours)),
            (f"{name}: more than ordinary dropout, p = {p:g}, {kind} dropout does", (theirs, ours)),
        ]
        told.setdefault(name, f"{name}: {mean(none):.3f} without dropout, {mean(ours):.3f} with {kind} dropout")
l2 = chosen(filters)
both = plain["convolutional"][0], filters[l2][0]
pairs.append((f"convolutional: L2({l2:g}) on the filters takes off the test loss", both))
claim.gains(pairs[0][0], *pairs[0][1], digits=3)
claim.corrected(dict(pairs[1:]), digits=3)
claim.figure(
    lambda: curves(
        {
            name: {
                kind: ((0.0, *RATES), [mean(test) for test, _ in (plain[name], *tried[name, kind].values())])
                for kind in kinds
            }
            for name, (_, kinds) in NETWORKS.items()
        },
        "p, the share that is dropped",
        "test loss",
        columns=2,
        height=3.4,
    ),
    "Test loss over p: whole channels, and the same units at all steps, beside ordinary masks",
)
claim.look_at("; ".join(told.values()))
