"""Tour 6 of 8: dropout. What is dropped, why the rest is scaled, and what it does to a model whose answer is known.

python examples/tour/06_dropout.py            about three seconds
python examples/tour/06_dropout.py --quick    fewer steps, and a looser comparison
"""

import sys

import numpy as np

import minigrad as mg
from minigrad import nn, optim

quick = "--quick" in sys.argv
mg.manual_seed(0)

# In training, Dropout(0.25) makes each number 0 with probability 0.25: p is the share that goes, not what stays.
layer = nn.Dropout(0.25)
x = mg.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
for _ in range(2):
    print("training  ", layer(x).data.round(2))

# What stays is divided by 1 - p, so that the mean over many masks is x. So evaluation needs no scaling: it is x itself.
masks = 2_000 if quick else 20_000
mean = np.mean([layer(x).data for _ in range(masks)], axis=0)
error = x.data * np.sqrt(0.25 / 0.75 / masks)  # the standard deviation of that mean: x √(p/(1-p)) / √masks
print("mean      ", mean.round(2), f"  over {masks} masks")
assert (np.abs(mean - x.data) < 5 * error).all()
layer.eval()
print("evaluation", layer(x).data)
assert (layer(x).data == x.data).all()

# What does dropout want? For a linear model there is an answer. Dropping inputs makes the prediction w·(mask x)/(1 - p)
# noisy: its mean is w·x, its variance p/(1-p) Σ w² x². So on average over masks,
#   squared error with dropout = squared error + p/(1-p) Σⱼ wⱼ² mean(xⱼ²),
# an L2 penalty that is stronger on inputs that are larger. Its minimum has a closed form, like that of a ridge.
p, m = 0.25, 60
rng = np.random.default_rng(0)
rows = rng.standard_normal((m, 5)) * [1.0, 1.0, 1.0, 2.0, 3.0]
target = rows @ [2.0, -1.0, 0.0, 0.5, 0.5] + rng.standard_normal(m)
gram = rows.T @ rows / m
plain = np.linalg.solve(gram, rows.T @ target / m)
expected = np.linalg.solve(gram + p / (1 - p) * np.diag(np.diag(gram)), rows.T @ target / m)

# The same by training: masks, gradients and small steps, and nothing that knows of a penalty. The weights keep moving
# with the masks, so we compare their average over the second half of the steps.
model = nn.Sequential(nn.Dropout(p), nn.Linear(5, 1, bias=False, init="zeros", dtype="float64"))
optimizer = optim.SGD(model.parameters(), lr=0.01)
inputs, outputs = mg.tensor(rows), mg.tensor(target.reshape(-1, 1))
steps, total = (1_500 if quick else 12_000), np.zeros(5)
for step in range(steps):
    optimizer.zero_grad()
    mg.mse(model(inputs), outputs).backward()
    optimizer.step()
    if step >= steps // 2:
        total += model[1].weight.data[:, 0] / (steps - steps // 2)

print("\nleast squares         ", plain.round(3))
print("its penalty, solved   ", expected.round(3))
print(f"dropout, {steps:5} steps  ", total.round(3))
assert np.abs(total - expected).max() < (0.05 if quick else 0.02)
assert np.abs(total - plain).max() > 0.1

# And in a network that can learn its 200 training digits by heart. Dropout cannot be read off the training loss, which
# it makes worse on purpose; look at what the network does with digits that it never saw.
x, y = mg.data.load_digits()
train, test = mg.data.split(x, y, test=len(x) - 200, seed=0, stratify=y)
labels = mg.data.noisy_labels(train.y, 0.2, classes=10, seed=0)  # every fifth label is replaced by a wrong one
print("\n200 digits, 40 of them with a wrong label     trained labels  test digits")
right = {}
for share in (0.0, 0.5):
    scores = []
    for seed in range(1 if quick else 5):  # one start could flatter either
        mg.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, 256, activation="relu"), nn.Dropout(share), nn.Linear(256, 10))
        optimizer = optim.Adam(model.parameters(), lr=3e-3)
        mg.train.fit(model, (train.x, labels), mg.cross_entropy, optimizer, epochs=20 if quick else 100)
        learned = (model.predict(train.x).argmax(1) == labels).mean()
        scores.append([learned, (model.predict(test.x).argmax(1) == test.y).mean()])
    learned, right[share] = np.mean(scores, axis=0)
    print(f"Dropout({share}), mean of {len(scores)} starts                 {learned:14.1%}  {right[share]:11.1%}")
assert quick or right[0.5] > right[0.0] + 0.02
print(f"look at: dropout trained to {total[0]:.3f}, the penalty that it amounts to solves to {expected[0]:.3f}")
