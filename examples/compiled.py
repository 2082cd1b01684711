"""A training step is recorded, replayed without Python, and looked at: the same bits, in a fraction of the time.

python examples/compiled.py            about three seconds
python examples/compiled.py --quick    two epochs: to see that it works
"""

import argparse
import time

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader, load_digits, split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="two epochs only")
epochs = 2 if parser.parse_args().quick else 20

x, y = load_digits()
train, test = split(x, y, test=0.2, seed=0, stratify=y)


def training():
    """The parts of a training, from the same seed each time: (model, step)."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64, activation="relu"), nn.Dropout(0.2), nn.Linear(64, 10))
    optimizer = optim.Adam(model.parameters(), lr=3e-3, penalty=reg.on(model, "*.weight", reg.L2(1e-3)))

    def step(x, y):
        optimizer.zero_grad()
        output = model(x)
        loss = mg.cross_entropy(output, y)
        loss.backward()
        optimizer.step()
        return loss, output  # what is kept of each step

    return model, step


# The loop as everybody writes it: each step is Python that calls kernels.
model, step = training()
loader = Loader(train.x, train.y, batch_size=32, seed=0)
began = time.perf_counter()
losses = [[step(mg.tensor(x), mg.tensor(y))[0].item() for x, y in loader] for _ in range(epochs)]
in_python = time.perf_counter() - began
weights = [p.data.tobytes() for p in model.parameters()]

# The same step compiled. Its first two calls run in Python and are recorded: which kernel got which arrays. Where the
# two recordings agree, the list of kernel calls is the step, and an epoch is one loop over it.
model, step = training()
step = mg.compile(step)
loader = Loader(train.x, train.y, batch_size=32, seed=0)
began = time.perf_counter()
for epoch in range(epochs):
    kept, outputs = step.epoch(loader)
    assert kept.tolist() == losses[epoch], "the losses of the step in Python, to the last bit"
replayed = time.perf_counter() - began
assert [p.data.tobytes() for p in model.parameters()] == weights, "and the weights"
print(f"{epochs} epochs: {in_python:.2f} s in Python, {replayed:.2f} s with mg.compile, with equal weights")

# What a step is made of: microseconds, bytes, kernel, shapes, and the line that called. (The last batch of an epoch is
# smaller, and a list of its own.)
print(step.explain().split("\n\n")[0])

# One step in Python and one replayed from the same state, all bits compared: whenever a replay is in doubt.
print(step.check(train.x[:32], train.y[:32]))

# What Python would do in each step, a replay would not do again. So it is refused, with the line and the cure.
seen = []
try:
    noisy = mg.compile(lambda x: x * len(seen.append(0) or seen))
    for _ in range(3):
        noisy(train.x[:2])
except mg.ReplayError as refused:
    print(refused)

# fit does the same inside, with all that stands around its loop.
mg.manual_seed(0)
model, _ = training()
mg.train.fit(
    model,
    (train.x, train.y),
    mg.cross_entropy,
    optim.Adam(model.parameters(), lr=3e-3),
    epochs=epochs,
    validation_data=(test.x, test.y),
    metrics=[mg.train.accuracy],
    compile=True,
)
accuracy = (model.predict(test.x).argmax(1) == test.y).mean()
print(f"look at: {accuracy:.1%} of {len(test.y)} digits that the network never saw are read correctly")
