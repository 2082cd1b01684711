"""Article 000's network: 784-64-64-10 with an L2 penalty on all variables, in its formula's and its code's convention.

The article writes the penalty as (λ/2) Σw², and computes `regularizers.l2(λ)`, which is λ Σw²: twice as much. Here both
are trained. Its program, besides, applies softmax twice (in the last layer, and again in the loss); here the network
ends in logits, and the loss, which expects them, applies softmax once.

    MINIGRAD_DATA=folder python examples/article_000_mnist.py    with folder/mnist/train-images-idx3-ubyte.gz, ...
    python examples/article_000_mnist.py --quick                 one epoch on few rows
Without MNIST the digits of 8 x 8 pixels in the package serve. `minigrad demo --data mnist` is the longer version.
"""

import argparse

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Split, load_digits, load_mnist, split
from minigrad.train import accuracy, fit

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="one epoch on 1,000 rows")
parser.add_argument("--digits", action="store_true", help="the digits in the package, also where MNIST is found")
options = parser.parse_args()


def load() -> tuple[str, Split]:
    """MNIST if it is found, else the digits in the package."""
    if not options.digits:
        try:
            return "MNIST", load_mnist()
        except FileNotFoundError:
            print("MNIST was not found; the digits in the package serve")
    x, y = load_digits()
    return "digits", split(x, y, test=0.3, seed=0, stratify=y)


name, (train, test) = load()
epochs, rows = (1, 1000) if options.quick else (10, len(train.x))
lam = 0.001
conventions = {
    "formula, (λ/2) Σw²": reg.conventions.article_000_l2(lam),
    "code, λ Σw²": reg.conventions.article_000_l2_code(lam),
}

reached = {}
for convention, term in conventions.items():
    mg.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(train.x.shape[1], 64, activation="relu"),  # Glorot uniform weights, zero biases
        nn.Linear(64, 64, activation="relu"),
        nn.Linear(64, 10),
    )
    # All variables, as in the article: biases too. The penalty acts in the update: one pass over the parameters.
    penalty = reg.on(model, reg.everything, term)
    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7, penalty=penalty)
    history = fit(
        model, (train.x[:rows], train.y[:rows]), mg.cross_entropy, optimizer, epochs=epochs, batch_size=32,
        validation_data=test, metrics=[accuracy],
    )  # fmt: skip
    print(f"\n{name}, {convention}: {term}")
    print(history.table())
    reached[convention] = history.last["val_accuracy"]

formula, code = reached.values()
print(
    f"\nlook at: test accuracy {formula:.2%} by the formula, {code:.2%} by the code; the penalty stands apart from the "
    "loss"
)
