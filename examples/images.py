"""A convolutional network reads digits: spatial dropout and batch normalization on the layers people know.

python examples/images.py                        MNIST where it is found (MINIGRAD_DATA), 99.2% after five minutes of
                                                 one core; else the 8 x 8 digits
python examples/images.py --quick                six epochs on the 8 x 8 digits: to see that it works
python examples/images.py --figure filters.png   what the first filters look for, and the digits it gets wrong
"""

import argparse

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.data import Loader, RandomShift, Split, load_digits, load_mnist, split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="six epochs on the small digits")
parser.add_argument("--epochs", type=int, help="how many times through the data")
parser.add_argument("--figure", metavar="FILE", help="draw the first filters and some mistakes (needs matplotlib)")
options = parser.parse_args()

try:
    if options.quick:
        raise FileNotFoundError
    data, name = load_mnist(flat=False), "MNIST"
except FileNotFoundError:
    x, y = load_digits(flat=False)  # (1797, 1, 8, 8), part of the package
    data, name = Split(*split(x, y, test=0.2, seed=0, stratify=y)), "8 x 8 digits"
side, rows = data.train.x.shape[-1], len(data.train.y)
small = side == 8
epochs = options.epochs or (6 if options.quick else 30 if small else 8)

# Two convolutions, each followed by batch normalization, relu and a pool, which halves the planes. Dropout2d drops
# whole channels: neighbouring pixels tell the same, so one that is dropped alone can be read off beside it. A bias
# before batch normalization would be subtracted again.
mg.manual_seed(0)
kernel, filters = (3, (16, 32)) if small else (5, (24, 48))
model = nn.Sequential(
    nn.Conv2d(1, filters[0], kernel, padding="same", bias=False),
    nn.BatchNorm2d(filters[0]),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Dropout2d(0.05),
    nn.Conv2d(filters[0], filters[1], kernel, padding="same", bias=False),
    nn.BatchNorm2d(filters[1]),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Dropout2d(0.1),
    nn.Flatten(),
    nn.Linear(filters[1] * (side // 4) ** 2, 128, activation="relu", init="he_uniform"),
    nn.Dropout(0.4),
    nn.Linear(128, 10),
)
print(model)

# L2 on the dense weights. On a convolution before batch normalization it would only change the size of a step.
penalty = reg.on(model, "1[13].weight", reg.L2(1e-4))
optimizer = optim.Adam(model.parameters(), lr=1e-3, penalty=penalty)
batch = 64
# Every digit is moved by up to two pixels, anew in each epoch: where it stands says nothing about which one it is.
moved = Loader(data.train.x, data.train.y, batch, seed=0, transform=RandomShift(0 if small else 2))
schedule = optim.OneCycleLR(optimizer, max_lr=4e-3, epochs=epochs, steps_per_epoch=-(-rows // batch))

history = train.fit(
    model,
    moved,
    mg.cross_entropy,
    optimizer,
    epochs=epochs,
    validation_data=data.test,
    metrics=[train.accuracy],
    callbacks=[train.LearningRate(schedule), train.Progress("lines")],
)

logits = model.predict(data.test.x)
guesses = logits.argmax(1)
wrong = np.flatnonzero(guesses != data.test.y)

if options.figure:
    import matplotlib.pyplot as plt

    weights = model[0].weight.data[:, 0]
    reach = np.abs(weights).max()
    figure, axes = plt.subplots(3, 8, figsize=(9, 4))
    for axis, filter_ in zip(axes[:2].ravel(), weights):
        axis.imshow(filter_, cmap="RdBu", vmin=-reach, vmax=reach)
    for axis, row in zip(axes[2], wrong):
        axis.imshow(data.test.x[row, 0], cmap="gray_r")
        axis.set_title(f"{data.test.y[row]} read as {guesses[row]}", fontsize=8)
    for axis in axes.ravel():
        axis.axis("off")
    figure.suptitle(f"{name}: filters of the first layer (blue: positive), and digits that are read wrongly")
    figure.savefig(options.figure, dpi=120)

right = 1 - len(wrong) / len(guesses)
print(f"look at: {right:.2%} of {len(guesses)} digits ({name}) that the network never saw are read correctly")
