"""C11. Dropout of whole channels in a convolutional network, and of the same units at all steps in a recurrent one.

Primary comparison: the test loss of the convolutional network, without dropout minus with spatial dropout, at the p
with the least mean validation loss; paired over seeds. The recurrent network with variational dropout, and both against
ordinary dropout at the same p, are corrected by Holm's method. Seeds are 1, 2, ...: sizes were chosen with seed 0.

    python examples/claims/C11_images_and_sequences.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.lab.gallery.article import around, number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim, Images, measured, trained
from minigrad.lab.gallery.two_networks import Convolution, Convolutional, Recurrent
from minigrad.lab.pages.statistics import mean

claim = Claim(__file__, __doc__)
SEEDS, EPOCHS = range(1, claim.size["seeds"] + 1), claim.size["epochs"]
ROWS, HELD = claim.size["training rows"], claim.size["validation rows"]
RATES = (0.2, 0.4)
ADAM = {"rate": 2e-3, "batch": 50}
images = Images()
SIDE = int(images.inputs**0.5)
FILTERS, STEPS = (((5, 2), (3, 2)), 14) if SIDE == 28 else (((3, 1), (3, 1)), 8)  # (size, stride) of two; parts of rows
# A network from a dropout layer's maker, and its kinds of dropout from p: what is on trial first.
NETWORKS = {
    "convolutional": (
        lambda dropout: Convolutional(SIDE, FILTERS, dropout),
        {"spatial": nn.Dropout2d, "ordinary": nn.Dropout},
    ),
    "recurrent": (
        lambda dropout: Recurrent(images.inputs, STEPS, dropout),
        {"variational": lambda p: nn.VariationalDropout(p, locked=True), "ordinary": nn.Dropout},
    ),
}

claim.section("A convolution is a product")
layer, x = Convolution(2, 3, side=6, size=3, stride=2), np.random.default_rng(0).random((1, 2, 6, 6), "float32")
filters = layer.product.weight.data.reshape(2, 3, 3, 3)
direct = [[np.einsum("cij,cijo->o", x[0, :, i : i + 3, j : j + 3], filters) for j in (0, 2)] for i in (0, 2)]
off = float(np.abs(layer(mg.tensor(x)).data[0] - np.maximum(direct, 0).transpose(2, 0, 1)).max())
claim.holds(f"one product with all patches gives the sums over windows of 3 x 3 pixels, to {number(off)}", off < 1e-5)

claim.section(f"Test loss after {ROWS:,} rows of {images.name} with right labels")


def losses_with(network, dropout):
    """Test losses and validation losses over the seeds."""
    runs = []
    for seed in SEEDS:
        rows, _, held = images.rows(ROWS, HELD, seed)
        model = trained(rows, seed, EPOCHS, make=lambda: network(dropout), **ADAM)
        runs.append([measured(model, part)[0] for part in (images.test, held)])
    return [list(part) for part in zip(*runs)]


plain, tried = {}, {}
for name, (network, kinds) in NETWORKS.items():
    plain[name] = losses_with(network, lambda: nn.Dropout(0.0))
    for kind, dropout in kinds.items():
        tried[name, kind] = {p: losses_with(network, lambda: dropout(p)) for p in RATES}  # noqa: B023
claim.table(
    ("network", "dropout", "none", *(f"p = {p:g}" for p in RATES)),
    [
        [name, kind, *(around(test, 3) for test, _ in (plain[name], *by_p.values()))]
        for (name, kind), by_p in tried.items()
    ],
)
pairs, told = [], {}
for name, (_, (kind, other)) in NETWORKS.items():
    p = min(RATES, key=lambda p: mean(tried[name, kind][p][1]))
    ours, none, theirs = tried[name, kind][p][0], plain[name][0], tried[name, other][p][0]
    pairs += [
        (f"{name}: {kind} dropout, p = {p:g}, takes off the test loss", (none, ours)),
        (f"{name}: more than {other} dropout, p = {p:g}, does", (theirs, ours)),
    ]
    told[name] = f"{name}: {mean(none):.3f} without dropout, {mean(ours):.3f} with {kind} dropout"
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
