"""Article 003's network: 64 relu units with an L2 penalty of 0.01, dropout of 0.5, one output; is a digit odd or even?

The article calls its dropout rate a keep rate (at 0.5 nobody notices), describes classical scaling where its code
scales inverted, and looks at training data only. Here Dropout(p) drops the share p, inverted, and half of the digits is
held out. `regularizers.l2(0.01)` of Keras is 0.01 Σw², on the first kernel alone; in the canonical form (l2/2) Σw² that
is l2 = 0.02. The network ends in a logit: the loss applies the sigmoid.

    python examples/article_003_dropout.py [--quick]
"""

import argparse

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Dataset, load_digits, split
from minigrad.train import binary_accuracy, evaluate, fit

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="two epochs only")
epochs = 2 if parser.parse_args().quick else 10

x, digit = load_digits()
odd = (digit % 2).reshape(-1, 1)  # one target per row and output: (n, 1)
train, test = split(x, odd, test=0.5, seed=0, stratify=digit)
train, test = Dataset(*train), Dataset(*test)


def network(p: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dense(64, 64, activation="relu"),
        nn.Dropout(p),
        nn.Dense(64, 1),
    )


print(f"{len(train.x)} digits to learn from, {len(test.x)} held out; odd or even; {epochs} epochs")
print(f"{'':24}{'training':>22}{'held out':>22}")
print(f"{'':24}{'loss':>11}{'accuracy':>11}{'loss':>11}{'accuracy':>11}{'penalty':>11}")
held_out = {}
for name, p, l2 in (("plain", 0.0, None), ("L2", 0.0, 0.01), ("dropout", 0.5, None), ("L2 + dropout", 0.5, 0.01)):
    mg.manual_seed(0)
    model = network(p)
    penalty = None if l2 is None else reg.on(model, "0.weight", reg.conventions.keras_l2(l2))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    fit(model, train, mg.bce_with_logits, optimizer, penalty, epochs=epochs, batch_size=32)
    # In eval mode dropout rests: training and held-out rows are measured alike.
    seen = evaluate(model, train, mg.bce_with_logits, [binary_accuracy])
    unseen = evaluate(model, test, mg.bce_with_logits, [binary_accuracy])
    value = sum(penalty.value().values()) if penalty is not None else 0.0
    print(f"{name:<24}{seen['loss']:>11.4f}{seen['binary_accuracy']:>11.1%}"
          f"{unseen['loss']:>11.4f}{unseen['binary_accuracy']:>11.1%}{value:>11.4f}")  # fmt: skip
    held_out[name] = unseen["binary_accuracy"]

print(
    f"look at: held-out accuracy {held_out['plain']:.1%} plain, {held_out['L2 + dropout']:.1%} with the article's L2 "
    "and dropout: with clean labels and short training, regularization need not help"
)
