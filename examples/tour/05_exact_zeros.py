"""Tour 5 of 8: exact zeros. Why L1 in the loss never makes a weight zero, what does, and what zeros are good for.

python examples/tour/05_exact_zeros.py            about two seconds
python examples/tour/05_exact_zeros.py --quick    five epochs instead of thirty
"""

import sys

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader, load_digits, split

# One weight that the data do not need: the loss has no slope, only the price L1(1) pulls. Gradient descent moves it by
# lr · l1 = 0.1 in each step, so it jumps over zero and back, forever. The proximal step asks which w makes
# (w - v)²/(2 lr) + l1 |w| least. For L1 the answer is: move by 0.1, and stop at zero.
print("step           " + " ".join(f"{step:5}" for step in range(8)))
for name, route in {"in the loss": "penalty", "proximal": "prox"}.items():
    model = nn.Linear(1, 1, bias=False, init="zeros", dtype="float64")
    with mg.no_grad():
        model.weight.copy_([[0.35]])
    optimizer = optim.SGD(model.parameters(), lr=0.1, **{route: reg.on(model, "weight", reg.L1(1.0))})
    seen = []
    for _ in range(8):
        seen.append(model.weight.item())
        optimizer.zero_grad()
        (model.weight * 0.0).backward()  # a loss that does not care about the weight
        optimizer.step()
    print(f"{name:14} " + " ".join(f"{w:5.2f}" for w in seen))
    assert (seen[-1] == 0) == (route == "prox")

# The same in a network that reads digits: three routes for one price, and how many weights are exactly 0 at the end.
x, y = load_digits()
train, test = split(x, y, test=0.2, seed=0, stratify=y)
epochs = 5 if "--quick" in sys.argv else 30


def trained(term, route):
    """The network after training with a term on its weights: the optimizer applies it by the route that is named."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64, activation="relu"), nn.Linear(64, 10))
    terms = reg.on(model, "*.weight", term)
    optimizer = optim.Adam(model.parameters(), lr=3e-3, **{route: terms})
    for epoch in range(epochs):
        for batch, labels in Loader(train.x, train.y, batch_size=32, seed=epoch):
            optimizer.zero_grad()
            mg.cross_entropy(model(mg.tensor(batch)), labels).backward()
            optimizer.step()
    return model


print(f"\n{'digits':24} {'exactly 0':>9} {'|w| < 0.001':>11} {'test accuracy':>13}")
networks = {
    "L2 in the loss": trained(reg.L2(1e-3), "penalty"),
    "L1 in the loss": trained(reg.L1(1e-3), "penalty"),
    "L1, proximal": trained(reg.L1(1e-3), "prox"),
    "group lasso, proximal": trained(reg.GroupLasso(5e-3), "prox"),
}
share = {}
for name, model in networks.items():
    weights = np.concatenate([model[0].weight.data.ravel(), model[1].weight.data.ravel()])
    share[name] = (weights == 0).mean()
    accuracy = (model.predict(test.x).argmax(1) == test.y).mean()
    print(f"{name:24} {share[name]:9.1%} {(np.abs(weights) < 1e-3).mean():11.1%} {accuracy:13.1%}")
    assert (share[name] > 0.05) == name.endswith("proximal")
print("L1 in the loss brings weights near 0 and never to it; L2 brings fewer there; the proximal steps make zeros.")

# What for? Zeros that are scattered make no product faster. A group lasso empties whole columns, that is units, and a
# network without these units gives the same answers.
large = networks["group lasso, proximal"]
small = reg.compact(large)
print(f"\n{large}\nwithout the units that are empty:\n{small}")
difference = np.abs(large.predict(test.x) - small.predict(test.x)).max()
assert difference < 1e-4
numbers = {model: sum(p.data.size for p in model.parameters()) for model in (large, small)}
print(
    f"look at: {share['L1, proximal']:.0%} of the weights are exactly 0, none without the proximal step; "
    f"compact leaves {numbers[small]} of {numbers[large]} numbers, and answers that differ by {difference:.1g} at most"
)
