"""A convolutional network loses the filters it does not need: group lasso empties them, compact takes them out.

python examples/pruning.py                       MNIST where it is found (minutes), else the 8 x 8 digits
python examples/pruning.py --quick               a few epochs on the 8 x 8 digits: to see that it works
python examples/pruning.py --figure filters.png  how many filters every epoch leaves, and the norms of those at the end
"""

import argparse
import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.data import Split, load_digits, load_mnist, split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="a few epochs on the small digits")
parser.add_argument("--epochs", type=int, help="how many times through the data")
parser.add_argument("--figure", metavar="FILE", help="draw the filters that are left (needs matplotlib)")
options = parser.parse_args()

try:
    if options.quick:
        raise FileNotFoundError
    data, name = load_mnist(flat=False), "MNIST"
except FileNotFoundError:
    x, y = load_digits(flat=False)  # (1797, 1, 8, 8), part of the package
    data, name = Split(*split(x, y, test=0.2, seed=0, stratify=y)), "8 x 8 digits"
side, small = data.train.x.shape[-1], data.train.x.shape[-1] == 8
epochs = options.epochs or (14 if options.quick else 30 if small else 6)

# More filters than the digits need. No batch normalization stands behind them: it would give a filter that shrinks its
# size back, and the term would empty none.
mg.manual_seed(0)
first, second = (24, 48) if small else (32, 64)
model = nn.Sequential(
    nn.Conv2d(1, first, 3, padding=1, activation="relu"),
    nn.MaxPool2d(2),
    nn.Conv2d(first, second, 3, padding=1, activation="relu"),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(second * (side // 4) ** 2, 64, activation="relu", init="he_uniform"),
    nn.Linear(64, 10),
)

# The norm of each filter, not squared, in the proximal step: a filter that the data let go of becomes exactly 0, in one
# piece. The biases of convolutions go as well, each by itself: an empty filter with a bias makes a constant, and one
# that reaches a border of zeros has to stay. The terms grow over the first epochs: first learn, then choose.
strength = reg.Ramp(0.0, 4e-2 if small else 4e-3, epochs=max(2, epochs // 2))
terms = reg.on(
    model,
    {
        "filters": (nn.Conv2d, reg.GroupLasso(strength, "filters")),
        "units": ("5.weight", reg.GroupLasso(strength, "units")),
        "biases": ("[02].bias", reg.L1(strength)),
    },
)
print(terms)
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, prox=terms)
left = []


class Count(train.Callback):
    """Notes how many filters of each convolution are not empty."""

    def on_epoch_end(self, run):
        counts = [entry.groups["filters"] for entry in reg.sparsity(model) if "filters" in entry.groups]
        left.append([many - empty for empty, many in counts])


train.fit(
    model,
    data.train,
    mg.cross_entropy,
    optimizer,
    epochs=epochs,
    batch_size=64,
    validation_data=data.test,
    metrics=[train.accuracy],
    callbacks=[Count(), train.Progress("lines")],
    seed=0,
)
pruned = reg.compact(model)
print(reg.sparsity(model), pruned, sep="\n")


def fastest(network):
    """Seconds that the rows of the test set take, the best of several runs."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        network.predict(data.test.x)
        times.append(time.perf_counter() - start)
    return min(times)


before, after = model.predict(data.test.x), pruned.predict(data.test.x)
apart = np.abs(before - after).max() / np.abs(before).max()
sizes = [sum(p.data.size for p in network.parameters()) for network in (model, pruned)]
times = [fastest(network) for network in (model, pruned)]

if options.figure:
    import matplotlib.pyplot as plt

    figure, (one, two) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for counts, layer, label in zip(zip(*left), (model[0], model[2]), ("first", "second")):
        one.plot(range(1, epochs + 1), counts, label=f"{label} convolution, of {layer.out_channels}")
        two.plot(np.sort(np.sqrt((layer.weight.data**2).sum((1, 2, 3))))[::-1], marker=".")
    one.set(xlabel="epoch", ylabel="filters that are not empty", ylim=(0, None))
    one.legend()
    two.set(xlabel="filters, sorted", ylabel="norm at the end")
    figure.suptitle(f"{name}: the proximal step empties whole filters")
    figure.savefig(options.figure, dpi=120)

print(f"{left[-1]} of {[first, second]} filters are left; outputs differ by {apart:.0e} of the largest")
print(f"{times[0] * 1e3:.1f} ms for the test set became {times[1] * 1e3:.1f}: {times[0] / times[1]:.1f} times as fast")
right, share = (after.argmax(1) == data.test.y).mean(), 1 - sizes[1] / sizes[0]
print(f"look at: {right:.1%} of {len(after)} digits ({name}) are read correctly; {share:.1%} of the weights are gone")
