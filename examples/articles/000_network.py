"""Article 000's network of 784-64-64-10 units with L2: three mistakes that stop it or void it, and a factor 2.

MINIGRAD_DATA=folder python examples/articles/000_network.py [--quick]      with folder/mnist/*; else 8 x 8 digits
"""

import math
from functools import partial

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.lab.demo.mnist import LAMBDA, network, train_one
from minigrad.lab.gallery.article import Article, around, digits_or_mnist, several
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.pages.statistics import mean, paired_gain
from minigrad.train import accuracy, evaluate, fit

article = Article(__file__, __doc__)
EPOCHS, SEEDS = article.size["epochs"], range(article.size["seeds"])
name, data = digits_or_mnist(article.size["training rows"])
inputs = data.train.x.shape[1]
formula, code = reg.conventions.article_000_l2(LAMBDA), reg.conventions.article_000_l2_code(LAMBDA)

article.section("What it says")
article.says(
    "The formula is a squared error with λ/2 Σw². The program is a classifier with cross-entropy and λ Σw², λ = "
    "0.001, on all variables, biases included: twice the formula. Adam (1e-3, eps 1e-7), 10 epochs, batches of 32."
)

article.section("Its program, rebuilt, and where it goes wrong")


def as_printed(x, y, epochs=1, **options):
    """The article's steps in its order: softmax in the model, a penalty computed once, a loss of logits, training."""
    mg.manual_seed(0)
    model = nn.Sequential(*network(x.shape[1]), nn.Softmax())
    penalty = sum(reg.on(model, reg.everything, code).value().values())  # a number, whatever the weights do later

    def loss(output, target):
        return mg.cross_entropy(output, target, **options) + penalty

    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7)
    return model, fit(model, (x, y), loss, optimizer, epochs=epochs, batch_size=32)


article.program(as_printed)
x, y = data.train.x[:320], data.train.y[:320]
article.fails("A penalty called with the list of all variables", TypeError, code, list(network(4).parameters()))
article.fails("Softmax in the model, and again in the loss", ValueError, as_printed, x, y)

bound = math.log(math.e + 9) - 1
right, wrong = (mg.tensor(sign * 100.0 * np.eye(10), requires_grad=True) for sign in (1, -1))  # ten rows, all sure


def cost_and_slope(logits, *softmax):
    """The loss of ten rows, one of each class, and the largest element of its gradient."""
    output = softmax[0](logits) if softmax else logits
    loss = mg.cross_entropy(output, list(range(10)), allow_probabilities=True)
    return loss.item(), float(np.abs(mg.grad(loss, logits).data).max())


(best, _), (once, slope), (twice, lost) = (
    cost_and_slope(right, mg.softmax),
    cost_and_slope(wrong),
    cost_and_slope(wrong, mg.softmax),
)
article.holds(f"sure and right, softmax twice: the loss is {best:.4f} = log(e + 9) - 1", abs(best - bound) < 1e-12)
article.holds(f"sure and wrong: a gradient of {slope:.2f} with one softmax, {lost:.0g} with two", lost < 1e-12 < slope)
article.says(
    "Probabilities lie in [0, 1]: as logits they differ by 1 at most, and the right class gets at most e/(e + 9) "
    f"= 23%. Being sure and wrong costs {once:.0f} with one softmax, {twice:.2f} with two."
)


def weights_after(added):
    """The bytes of all weights after an epoch with a number added to the loss."""
    mg.manual_seed(0)
    model = network(inputs)
    fit(model, (x, y), lambda o, t: mg.cross_entropy(o, t) + added, optim.Adam(model.parameters()), epochs=1)
    return [p.data.tobytes() for p in model.parameters()]


same = weights_after(0.0) == weights_after(0.5)
article.holds("a penalty computed once, before training, changes no bit of any weight", same)
model = network(inputs)
once_built = reg.on(model, "*.weight", code)()  # not a number this time, but a part of the graph


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
COLUMNS = {
    "test accuracy, %": ("val_accuracy", 2, 100),
    "training loss": ("loss", 4),
    "test loss": ("val_loss", 4),
    "penalty": ("val_L2", 4),
}


def last(n, column):
    return [run.history.last.get(column, math.nan) for run in runs[n]]


article.table(
    ("penalty", *COLUMNS),
    [[n, *(around(last(n, column), *form) for column, *form in COLUMNS.values())] for n in runs],
)
article.says(
    f"{len(data.train.x):,} training rows, {len(data.test.x):,} test rows, {several(EPOCHS, 'epoch')}, "
    f"{several(len(SEEDS), 'seed')}; the last epoch, the loss without the penalty. The article watches its test "
    "rows; nothing was chosen by them."
)
printed, _ = as_printed(data.train.x, data.train.y, EPOCHS, allow_probabilities=True)
twice = {
    part: evaluate(printed, rows, partial(mg.cross_entropy, allow_probabilities=True), [accuracy])
    for part, rows in (("training", data.train), ("test", data.test))
}
article.holds(
    f"softmax twice, trained all the same: the loss ends at {twice['training']['loss']:.3f} on the training rows, "
    f"above {bound:.3f}; accuracy on the test rows {twice['test']['accuracy']:.2%}",
    twice["training"]["loss"] > bound,
)
if len(SEEDS) > 1:
    gain = paired_gain(last("formula, (λ/2) Σw²", "val_loss"), last("no penalty", "val_loss"))
    article.compares(f"the formula lowers the test loss: {gain.mean:+.4f} ± {gain.half:.4f}", gain, "lower")


def course(column):
    """A column, seed by seed, epoch by epoch, of each variant."""
    return {n: (range(1, EPOCHS + 1), [run.history[column] for run in rs]) for n, rs in runs.items()}


article.figure(
    lambda: curves(
        {"data loss of the test rows": course("val_loss"), "data loss of the training rows": course("loss")},
        "epoch",
        "data loss",
        columns=2,
    ),
    "Data loss of test and training rows over the epochs, for four penalties",
)
article.look_at(
    f"the ends of the lines: on the training rows the loss is {mean(last('formula, (λ/2) Σw²', 'loss')):.3f} by the "
    f"formula and {mean(last('code, λ Σw²', 'loss')):.3f} by the code, one λ, read in two ways; on the test rows "
    f"{mean(last('formula, (λ/2) Σw²', 'val_loss')):.3f} and {mean(last('code, λ Σw²', 'val_loss')):.3f}"
)
