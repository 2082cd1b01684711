"""Tour 8 of 8: compile a step. The same training, to the last bit, without Python between the kernels.

python examples/tour/08_compile_a_step.py            about two seconds
python examples/tour/08_compile_a_step.py --quick    one epoch instead of twenty

A step of a small network takes microseconds in C and many more in Python, which makes tensors, notes the graph and
walks it. But every step calls the same kernels on the same arrays. mg.compile writes the calls down and repeats them.
"""

import sys
import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader, blobs

epochs = 1 if "--quick" in sys.argv else 20
x, y = blobs(3_200, classes=4, p=8, spread=4.0, seed=0)


def made():
    """A network, its optimizer with dropout and a penalty, and a step of training; the same at each call."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16, activation="relu"), nn.Dropout(0.1), nn.Linear(16, 4))
    optimizer = optim.Adam(model.parameters(), lr=3e-3, penalty=reg.on(model, "*.weight", reg.L2(1e-3)))

    def step(x, y):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, step


# In Python: a loop over batches.
model, step = made()
loader = Loader(x, y, batch_size=32, seed=0)
began = time.perf_counter()
losses = [[step(mg.tensor(rows), mg.tensor(labels)).item() for rows, labels in loader] for _ in range(epochs)]
in_python = time.perf_counter() - began
weights = [p.data.copy() for p in model.parameters()]

# Compiled: the first two calls run in Python and are written down. If both lists agree, the list is the step.
model, step = made()
step = mg.compile(step)
loader = Loader(x, y, batch_size=32, seed=0)
began = time.perf_counter()
replayed_losses = [step.epoch(loader) for _ in range(epochs)]
replayed = time.perf_counter() - began
assert all(ours.tolist() == theirs for ours, theirs in zip(replayed_losses, losses))
assert all((ours.data == theirs).all() for ours, theirs in zip(model.parameters(), weights))
print(f"{epochs * 100} steps: loss {losses[0][0]:.4f} at first, {losses[-1][-1]:.4f} at last")
print(f"  in Python  {in_python / epochs * 1e4:7.1f} us a step")
print(
    f"  compiled   {replayed / epochs * 1e4:7.1f} us a step, with its recording; every loss and weight has equal bits"
)

# What a step consists of: the kernels, the shapes of their arrays, and the lines that called them.
print("\n" + step.explain())

# What Python itself computes cannot be repeated by a list of kernels. Such a step is refused, with the line and the
# cure, because a wrong answer would be worse than a slow one. Here each call scales by a number that Python counts up.
count = 0


@mg.compile
def counting(x):
    global count
    count += 1
    return x * count


try:
    for _ in range(3):
        counting(np.ones(3, np.float32))
    raise SystemExit("a step that cannot be replayed was not refused")
except mg.ReplayError as refused:
    print(f"refused: {refused}")


# The cure: what changes from step to step is an argument.
@mg.compile
def scaled(x, count):
    return x * count


assert [scaled(np.ones(1, np.float32), n).item() for n in (1.0, 2.0, 3.0, 4.0)] == [1, 2, 3, 4]
print(f"look at: {len(losses) * len(losses[0])} losses of a compiled step are those of Python, bit for bit")
