"""Fifty layers: a plain network of that depth learns badly at any rate; with a way around each layer it learns well.

python examples/residual.py                       about half a minute
python examples/residual.py --quick               two epochs: to see that it works
python examples/residual.py --figure depth.png    accuracy by learning rate, and both learning curves
"""

import argparse

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import load_digits, split
from minigrad.insight.plotting import LINES, REFERENCE

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="two epochs only, one learning rate")
parser.add_argument("--figure", metavar="FILE", help="draw both networks (needs matplotlib)")
options = parser.parse_args()
epochs = 2 if options.quick else 20
rates = (0.005,) if options.quick else (0.0002, 0.001, 0.005, 0.02, 0.1)
DEPTH, WIDTH = 50, 32

x, y = load_digits()
training, test = split(x, y, test=0.2, seed=0, stratify=y)


def layer():
    return nn.Linear(WIDTH, WIDTH, activation="tanh", init="glorot_uniform")


def plain():
    """x -> f(x) -> f(f(x)) -> ...: whatever one layer loses of a digit, all layers behind it lack."""
    return nn.Sequential(nn.Linear(64, WIDTH), *[layer() for _ in range(DEPTH - 2)], nn.Linear(WIDTH, 10))


def residual():
    """x -> x + f(x) -> ...: the digit goes on beside each layer, its gradient comes back unchanged through each sum.

    RMSNorm gives every layer inputs of one size, because forty-eight sums grow.
    """
    blocks = [nn.Residual(nn.RMSNorm(WIDTH), layer()) for _ in range(DEPTH - 2)]
    return nn.Sequential(nn.Linear(64, WIDTH), *blocks, nn.RMSNorm(WIDTH), nn.Linear(WIDTH, 10))


def learned(make, rate):
    mg.manual_seed(0)
    model = make()
    return train.fit(
        model,
        training,
        mg.cross_entropy,
        optim.SGD(model.parameters(), lr=rate, momentum=0.9),
        epochs=epochs,
        validation_data=test,
        metrics=[train.accuracy],
        seed=0,
    )


# Each network at each rate, so that neither is blamed for the other's.
runs = {
    name: {rate: learned(make, rate) for rate in rates} for name, make in (("plain", plain), ("residual", residual))
}
print("learning rate  " + "  ".join(f"{rate:>6g}" for rate in rates))
for name, by_rate in runs.items():
    print(f"{name:<13}  " + "  ".join(f"{history['val_accuracy'][-1]:6.1%}" for history in by_rate.values()))
best = {name: max(by_rate.values(), key=lambda history: history["val_accuracy"][-1]) for name, by_rate in runs.items()}

if options.figure:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
    for name, colour in (("plain", REFERENCE), ("residual", LINES[0])):
        ends = [history["val_accuracy"][-1] for history in runs[name].values()]
        left.semilogx(rates, ends, "o-", color=colour)
        right.plot(best[name]["epoch"], best[name]["val_accuracy"], color=colour)
        right.annotate(
            name,
            (epochs, best[name]["val_accuracy"][-1]),
            xytext=(-8, -14),
            textcoords="offset points",
            ha="right",
            color=colour,
        )
    left.set(
        title=f"After {epochs} epochs, at each learning rate",
        xlabel="learning rate",
        ylim=(0, 1),
        ylabel="share of other digits read correctly",
    )
    right.set(title="While learning, each at its best rate", xlabel="epoch")
    figure.tight_layout()
    figure.savefig(options.figure, dpi=120)

accuracy = {name: history["val_accuracy"][-1] for name, history in best.items()}
print(
    f"look at: {accuracy['residual']:.1%} of {len(test.y)} digits with a way around each layer, "
    f"{accuracy['plain']:.1%} without, each at its best rate"
)
