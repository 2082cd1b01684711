"""A network learns to read digits, in the loop that `fit` also runs: every step in plain sight.

python examples/digits.py            about two seconds
python examples/digits.py --quick    two epochs: to see that it works
"""

import argparse

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader, load_digits, split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="two epochs only")
epochs = 2 if parser.parse_args().quick else 20

# 1,797 digits of 8 x 8 pixels are part of the package; a fifth of them is kept apart.
x, y = load_digits()
train, test = split(x, y, test=0.2, seed=0, stratify=y)

# The network. Weights start from the stream of this seed: the same numbers on every machine.
mg.manual_seed(0)
model = nn.Sequential(
    nn.Linear(64, 64, activation="relu"),
    nn.Linear(64, 10),
)

# The penalty: (l2 / 2) Σw² on the weights; biases stay out unless named. Printing the terms says what they are on.
penalty = reg.on(model, "*.weight", reg.L2(1e-3))
print(penalty)

optimizer = optim.Adam(model.parameters(), lr=3e-3)
loader = Loader(train.x, train.y, batch_size=32, seed=0)

for epoch in range(1, epochs + 1):
    data_sum = penalty_sum = 0.0
    for batch_x, batch_y in loader:
        optimizer.zero_grad()
        logits = model(mg.tensor(batch_x))
        data_loss = mg.cross_entropy(logits, batch_y)
        extra = penalty()
        (data_loss + extra).backward()
        optimizer.step()
        data_sum += data_loss.item()
        penalty_sum += extra.item()
    if epoch % 5 == 0 or epoch == epochs:
        print(f"epoch {epoch:2}  data loss {data_sum / len(loader):.4f}  penalty {penalty_sum / len(loader):.4f}")

# Evaluation: no graph is recorded, and layers such as dropout rest.
model.eval()
with mg.no_grad():
    guesses = mg.argmax(model(mg.tensor(test.x)), dim=1)
accuracy = (guesses.numpy() == test.y).mean()
print(f"look at: {accuracy:.1%} of {len(test.y)} digits that the network never saw are read correctly")
