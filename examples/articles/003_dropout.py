"""Article 003: L2 and dropout for two classes; a drop rate that is called a keep rate, and a scaling done twice.

J(w) = J₀(w) + λ Σ|w|      J(w) = J₀(w) + λ Σw²      in tests, outputs times the keep rate

MINIGRAD_DATA=folder python examples/articles/003_dropout.py [--quick]      3 or 8? MNIST, else 8 x 8 digits
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg, selection
from minigrad.data import Dataset, noisy_labels
from minigrad.lab.gallery.article import Article, around, digits_or_mnist, several
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.pages.statistics import mean, paired_gain
from minigrad.train import binary_accuracy, evaluate, fit

article = Article(__file__, __doc__)
EPOCHS, SEEDS, FOLDS = article.size["epochs"], range(article.size["seeds"]), article.size["folds"]
NOISE = 0.2  # of the training labels are turned over: without mistakes to learn there is little to regularize

article.section("What it says")
article.says(
    "The penalties are λ Σ|w| and λ Σw², as in Keras: in the canonical form l1 = λ and l2 = 2λ. Its program: 64 "
    "relu units with λ = 0.01 on their weights, dropout 0.5, one sigmoid output, binary cross-entropy, Adam, 10 "
    "epochs. The text describes classical dropout: units are 0 in training, and in tests all outputs are "
    "multiplied by the keep rate."
)


def threes_and_eights(part):
    """The rows with one of these digits, and whether it is an 8."""
    chosen = np.isin(part.y, (3, 8))
    return Dataset(part.x[chosen], (part.y[chosen] == 8).astype(np.int64))


name, data = digits_or_mnist(60_000)
everything, test = map(threes_and_eights, data)
test = Dataset(test.x, test.y.astype(np.float32).reshape(-1, 1))


def rows_of(seed):
    """Training rows, a share of their labels wrong."""
    rows = np.random.default_rng(seed).permutation(len(everything.x))[: article.size["training rows"]]
    y = noisy_labels(everything.y[rows], NOISE, 2, seed)
    return Dataset(everything.x[rows], y.astype(np.float32).reshape(-1, 1))


def train(x, y, seed, l2=0.01, p=0.5):
    """The article's network by its recipe. It ends in a logit: the loss applies the sigmoid."""
    mg.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(x.shape[1], 64, activation="relu"),
        nn.Dropout(p),
        nn.Linear(64, 1),
    )
    penalty = reg.on(model, "0.weight", reg.conventions.keras_l2(l2))
    optimizer = optim.Adam(model.parameters(), lr=1e-3, penalty=penalty)
    fit(model, (x, y), mg.bce_with_logits, optimizer, epochs=EPOCHS, batch_size=32, seed=seed, compile="quiet")
    return model


def measured(model, part=test):
    """Loss and accuracy in eval mode."""
    return tuple(evaluate(model, part, mg.bce_with_logits, [binary_accuracy]).values())


article.program(train)

article.section("A drop rate called a keep rate")
kept = float((nn.Dropout(0.2, seed=0)(mg.tensor(np.ones((100, 1000)))).data != 0).mean())
five = 5 * (0.8 * 0.2 / 1e5) ** 0.5
article.holds(f"Dropout(0.2) keeps {kept:.4f} of 100,000 elements: 0.8 ± {five:.4f}", abs(kept - 0.8) < five)
meant, read = ([measured(train(*rows_of(seed), seed, p=p))[0] for seed in SEEDS] for p in (0.2, 0.8))
article.says(
    "The argument of Dropout is the share that is dropped, and the article calls it the share that is kept; at "
    f"0.5 nobody notices. Who wants to keep 80% and writes 0.8 drops 80%: held-out loss {mean(read):.3f} in place "
    f"of {mean(meant):.3f}."
)

article.section("A scaling done twice")
h = mg.tensor(np.random.default_rng(0).random((4, 64)).astype(np.float32))
inverted, classical = (nn.Dropout(0.5, scaling, seed=7) for scaling in ("inverted", "classical"))
same = (classical(h).data == 0.5 * inverted(h).data).all()
article.holds("in training, on one mask, classical dropout is the keep rate times inverted dropout, bit for bit", same)
same = (inverted.eval()(h).data == h.data).all() and (classical.eval()(h).data == 0.5 * h.data).all()
article.holds("in tests, inverted dropout does nothing, classical dropout multiplies by the keep rate", same)
once, twice = [], []
for seed in SEEDS:
    model = train(*rows_of(seed), seed)
    once.append(measured(model)[0])
    model[1] = nn.Dropout(0.5, "classical")  # the text's rule for tests, behind the program's rule for training
    twice.append(measured(model)[0])
article.says(
    "The text's rule for tests belongs to classical dropout, and the program's layer has scaled in training "
    f"already. Who follows both halves every hidden output in tests: the held-out loss goes from {mean(once):.3f} "
    f"to {mean(twice):.3f}."
)

article.section(f"λ and p by cross-validation, on {name}")
LAMBDAS, RATES = (0.0, 0.001, 0.01, 0.1), (0.0, 0.25, 0.5, 0.75)
part = rows_of(0)
score = selection.Score("log loss", lambda output, y: selection.scores.log_loss(output, y.reshape(-1)))
found = selection.search(train, selection.grid(l2=LAMBDAS, p=RATES), *part, score=score, folds=FOLDS, seed=0)
table = dict(zip(LAMBDAS, found.mean.reshape(len(LAMBDAS), len(RATES))))
best = found.best["l2"], found.best["p"]
article.table(
    ("λ of the article", *(f"p = {p:g}" for p in RATES)),
    [[f"{lam:g}", *(f"{v:.4f}" for v in row)] for lam, row in table.items()],
)
knowing = -(1 - NOISE) * np.log(1 - NOISE) - NOISE * np.log(NOISE)
article.says(
    f"Mean log loss over {FOLDS} folds of the {len(part.x):,} rows of seed 0, {NOISE:.0%} of their labels wrong; "
    f"who knew the right class and the noise would reach {knowing:.4f}. The best is λ = {best[0]:g} with p = "
    f"{best[1]:g}."
)
article.figure(
    lambda: curves(
        {"mean log loss of the folds": {f"λ = {lam:g}": (RATES, row) for lam, row in table.items()}},
        "p, the share that is dropped",
        "log loss",
        height=3.4,
    ),
    "Cross-validated log loss over the drop rate, one line per λ",
)

article.section("On rows held out")
choices = {
    "nothing": (0.0, 0.0),
    "L2 of the article": (0.01, 0.0),
    "dropout of the article": (0.0, 0.5),
    "both": (0.01, 0.5),
    "by cross-validation": best,
}
ends = {}
for words, setting in choices.items():
    models = [(train(*rows_of(seed), seed, *setting), rows_of(seed)) for seed in SEEDS]
    ends[words] = [(*measured(model, seen), *measured(model)) for model, seen in models]
forms = ((4, 1), (1, 100)) * 2
article.table(
    ("regularizers", "training loss, noisy", "accuracy, %", "held-out loss, clean", "accuracy, %"),
    [[words, *(around([r[i] for r in runs], *form) for i, form in enumerate(forms))] for words, runs in ends.items()],
)
article.says(
    f"{several(EPOCHS, 'epoch')}, {several(len(SEEDS), 'seed')}, each with its own rows, noise and start; "
    f"{len(test.x):,} held-out rows with clean labels; all in eval mode. The article holds nothing out, and sees the "
    "accuracy of training, with units dropped."
)
if len(SEEDS) > 1:
    for words in ("both", "by cross-validation"):
        gain = paired_gain(*([100 * run[3] for run in ends[key]] for key in (words, "nothing")))
        told = f"{words}: held-out accuracy {gain.mean:+.2f} ± {gain.half:.2f} points against nothing"
        article.compares(told, gain, "higher")
article.look_at(
    f"the table: held-out accuracy {mean([100 * run[3] for run in ends['nothing']]):.1f}% with nothing, "
    f"{mean([100 * run[3] for run in ends['both']]):.1f}% with the article's L2 and dropout, and the loss, which "
    "need not agree"
)
