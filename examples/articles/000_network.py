"""Article 000: L2 on a network of 784-64-64-10 units; three mistakes that cost everything, and a factor 2.

    J(w) = 1/(2m) Σ (y - wᵀx)² + λ Σ |w|        J(w) = 1/(2m) Σ (y - wᵀx)² + λ/2 Σ w²

    MINIGRAD_DATA=folder python examples/articles/000_network.py [--quick]      with folder/mnist/*; else 8 x 8 digits
"""

import math

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.lab.article_000 import LAMBDA, network, train_one
from minigrad.lab.article_figures import curves
from minigrad.lab.articles import Article, digits_or_mnist
from minigrad.lab.statistics import mean, paired_gain, spread
from minigrad.train import fit

article = Article(__file__, __doc__)
EPOCHS, SEEDS = article.size["epochs"], range(article.size["seeds"])
name, data = digits_or_mnist(article.size["training rows"])
formula, code = reg.conventions.article_000_l2(LAMBDA), reg.conventions.article_000_l2_code(LAMBDA)

article.section("What it says")
article.says(
    "Squared error with a half in front, and a penalty λ Σ|w| or λ/2 Σw² that is not divided by the number of rows: in the "
    "canonical form, mean loss + l1 Σ|w| + (l2/2) Σw², these are l1 = λ and l2 = λ. Its program is a classifier with "
    "cross-entropy, and computes λ Σw², without the half: l2 = 2λ. Adam (1e-3, eps 1e-7), batches of 32, 10 epochs, λ = 0.001."
)

article.section("Its program, rebuilt, and where it goes wrong")


def as_printed(x, y, allow_probabilities=False, steps=1):
    """The article's steps in its order: softmax network, loss of logits, penalty once and outside, then the training."""
    mg.manual_seed(0)
    model = nn.Sequential(*network(x.shape[1]), nn.Softmax())
    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7)
    penalty = reg.on(model, reg.everything, code).value()  # a number: whatever the weights do, it stays
    constant = sum(penalty.values())

    def loss(output, target):
        return mg.cross_entropy(output, target, allow_probabilities=allow_probabilities) + constant

    return model, fit(model, (x, y), loss, optimizer, epochs=steps)


article.program(as_printed)
x, y = data.train.x[:320], data.train.y[:320]
article.fails("A penalty called with the list of all variables", ValueError, code, list(network(4).parameters()))
article.fails("Softmax in the model, and again in the loss", ValueError, as_printed, x, y)

bound = math.log(math.e + 9) - 1
perfect = mg.tensor(100.0 * np.eye(10), requires_grad=True)  # ten rows, each sure and right
loss = mg.cross_entropy(mg.softmax(perfect), list(range(10)), allow_probabilities=True)
loss.backward()
article.holds(f"a network that is sure and right has the loss {loss.item():.4f} = log(e + 9) - 1 with softmax twice",
              abs(loss.item() - bound) < 1e-12)  # fmt: skip
article.holds("and no gradient that could tell it so", np.abs(perfect.grad.data).max() < 1e-12)
_, history = as_printed(x, y, allow_probabilities=True, steps=20)
worst = mg.tensor(-100.0 * np.eye(10))  # each sure and wrong
once, twice = (mg.cross_entropy(f, list(range(10)), allow_probabilities=True).item() for f in (worst, mg.softmax(worst)))
article.says(
    f"Probabilities lie in [0, 1], so as logits they differ by 1 at most, and the right class gets at most e/(e + 9) = 23%. "
    f"Being sure and wrong costs {once:.0f} with one softmax and {twice:.2f} with two."
)

plain, constant = ([] for _ in range(2))
for added, ends in ((0.0, plain), (0.123, constant)):
    mg.manual_seed(0)
    model = network(x.shape[1])
    optimizer = optim.Adam(model.parameters())
    fit(model, (x, y), lambda o, t: mg.cross_entropy(o, t) + added, optimizer, epochs=1)  # noqa: B023
    ends += [p.data.tobytes() for p in model.parameters()]
article.holds("a penalty computed once, before training, changes no bit of any weight", plain == constant)
once_built = reg.on(model, "*.weight", code)()  # the same, as a part of the graph


def two_steps():
    for _ in range(2):
        (mg.cross_entropy(model(mg.tensor(x)), y) + once_built).backward()


article.fails("Kept as a part of the graph, it serves one step", mg.GraphError, two_steps)

article.section(f"Corrected, on {name}")
variants = {
    "no penalty": (None, reg.everything),
    "formula, (λ/2) Σw²": (formula, reg.everything),
    "code, λ Σw²": (code, reg.everything),
    "formula, weights only": (formula, "*.weight"),
}
runs = {n: [train_one(data, term, seed, EPOCHS, on) for seed in SEEDS] for n, (term, on) in variants.items()}


def last(n, column):
    return [run.history.last[column] for run in runs[n]]


def shown(values, scale=1.0, digits=4):
    around = f" ± {scale * spread(values):.{digits}f}" if len(values) > 1 else ""
    return f"{scale * mean(values):.{digits}f}{around}"


article.table(
    ("penalty", "test accuracy", "train loss", "test loss", "penalty's value"),
    [[n, shown(last(n, "val_accuracy"), 100, 2), shown(last(n, "loss")), shown(last(n, "val_loss")),
      shown(last(n, "val_L2")) if "val_L2" in runs[n][0].history.names else "–"] for n in runs],
)  # fmt: skip
article.says(
    f"{len(data.train.x):,} training rows, {len(data.test.x):,} test rows, {EPOCHS} epochs, {len(SEEDS)} seeds; the last "
    "epoch, in %. The loss is the data loss alone. The article watches its test rows as validation data; nothing was chosen by them."
)
if len(SEEDS) > 1:
    gain = paired_gain(last("formula, (λ/2) Σw²", "val_loss"), last("no penalty", "val_loss"))
    article.finds(f"at its λ the formula's penalty lowers the test loss: {gain.mean:+.4f} ± {gain.half:.4f}", gain.verdict == "lower")
epochs = range(1, EPOCHS + 1)
article.figure(
    lambda: curves({"data loss of the test rows": {n: (epochs, np.mean([r.history["val_loss"] for r in rs], 0)) for n, rs in runs.items()},
                    "of the training rows": {n: (epochs, np.mean([r.history["loss"] for r in rs], 0)) for n, rs in runs.items()}},
                   "epoch", "data loss", columns=2),
    "Data loss of test and training rows over the epochs, for four penalties",
)  # fmt: skip

article.look_at(
    f"test accuracy {mean(last('formula, (λ/2) Σw²', 'val_accuracy')):.2%} by the formula and "
    f"{mean(last('code, λ Σw²', 'val_accuracy')):.2%} by the code, one λ read in two ways"
)
