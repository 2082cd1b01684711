"""A network that does not learn: what is ill in it, whether L2 cures it, as is often said, and what does.

python examples/healthy.py                     a few seconds
python examples/healthy.py --quick             four epochs: to see that it works
python examples/healthy.py --html health.html  the ill network's page, too
"""

import argparse

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.data import load_digits, split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="four epochs only")
parser.add_argument("--html", metavar="FILE", help="write the page of the ill network")
options = parser.parse_args()
epochs = 4 if options.quick else 20
DEPTH, WIDTH = 20, 48

x, y = load_digits()
training, test = split(x, y, test=0.2, seed=0, stratify=y)


def sigmoids():
    """Twenty layers of sigmoids, each of which multiplies what comes back by a quarter or less."""
    layers = [nn.Linear(WIDTH, WIDTH, activation="sigmoid") for _ in range(DEPTH)]
    return nn.Sequential(nn.Linear(64, WIDTH, activation="sigmoid"), *layers, nn.Linear(WIDTH, 10))


def ways_around():
    """As many layers of relus, with He's start, a normalization in each and a way around it."""
    layers = [
        nn.Residual(nn.RMSNorm(WIDTH), nn.Linear(WIDTH, WIDTH, activation="relu", init="he_uniform"))
        for _ in range(DEPTH)
    ]
    return nn.Sequential(nn.Linear(64, WIDTH), *layers, nn.RMSNorm(WIDTH), nn.Linear(WIDTH, 10))


def trained(make, l2=0.0):
    """The watch over a training, and the share of digits that the network then reads."""
    mg.manual_seed(0)
    model, watch = make(), train.Watch(every="1 epoch")
    penalty = reg.on(model, "*.weight", reg.L2(l2)) if l2 else None
    history = train.fit(
        model,
        training,
        mg.cross_entropy,
        optim.SGD(model.parameters(), lr=0.02, momentum=0.9, penalty=penalty),
        epochs=epochs,
        validation_data=test,
        metrics=[train.accuracy],
        callbacks=[watch],
        seed=0,
    )
    return watch, history["val_accuracy"][-1]


ill, read_ill = trained(sigmoids)
print("--- twenty layers of sigmoids ---")
print(ill.report())
if options.html:
    print(f"\n{ill.save(options.html)}: open it in a browser")

# "Regularization solves vanishing gradients": with a penalty on the weights, the diagnosis is the same.
with_l2, read_with_l2 = trained(sigmoids, l2=1e-3)
print("\n--- the same with L2 ---")
print(*with_l2.findings, sep="\n")

# The remedy that the report names.
healthy, read_healthy = trained(ways_around)
print("\n--- the remedy: relu, He's start, a way around each layer ---")
print(healthy.report().splitlines()[0])

print("\n                   found       first / last gradient   digits read")
runs = ("sigmoids", ill, read_ill), ("sigmoids and L2", with_l2, read_with_l2), ("the remedy", healthy, read_healthy)
for name, watch, read in runs:
    rows = [row for row in watch.table if row["step"] == watch.steps[-1].number and row["gradient"] > 0]
    ratio = rows[0]["gradient"] / rows[-1]["gradient"]
    found = ", ".join(each.kind for each in watch.findings) or "nothing"
    print(f"{name:<17}  {found:<10}  {ratio:21.2g}   {read:11.1%}")
print(
    f"look at: {read_healthy:.1%} of {len(test.y)} digits with the remedy, {read_ill:.0%} without, "
    f"{read_with_l2:.0%} with L2"
)
