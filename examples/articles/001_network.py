"""Article 001's network: a penalty that is built and never attached, what one costs, and more data as a remedy.

python examples/articles/001_network.py [--quick]      784-32-10 on MNIST where it is found, else on 8 x 8 digits
"""

import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader, RandomShift, subsample
from minigrad.lab.gallery.article import Article, around, digits_or_mnist, several
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.pages.statistics import mean, paired_gain
from minigrad.train import accuracy, evaluate, fit

article = Article(__file__, __doc__)
EPOCHS, SEEDS, MOST = article.size["epochs"], range(article.size["seeds"]), article.size["most training rows"]
name, (everything, test) = digits_or_mnist(60_000)
inputs = everything.x.shape[1]
x, y = everything.x[:320], everything.y[:320]


def network():
    """784-32-10, ending in logits."""
    return nn.Sequential(nn.Linear(inputs, 32, activation="relu"), nn.Linear(32, 10))


article.section("What it says")
article.says(
    "Its program is a network of 784-32-10 units, softmax, Adam, 10 epochs, with λ = 0.001 for an L2 penalty. Its "
    "answers to questions say what a penalty costs, each way, and name data augmentation and random sub-samples "
    "as remedies that go together with one."
)

article.section("Its program, rebuilt, and where it goes wrong")


def as_printed(x, y, **options):
    """The article's steps in its order. The penalty is built, and nothing ever sees it."""
    mg.manual_seed(0)
    model = nn.Sequential(*network(), nn.Softmax())
    regularization_term = reg.conventions.keras_l2(0.001)  # noqa: F841
    fit(model, (x, y), mg.cross_entropy, optim.Adam(model.parameters(), lr=1e-3), epochs=1, batch_size=32, **options)


article.program(as_printed)
article.fails("A keyword that nobody has", TypeError, lambda: as_printed(x, y, regularization_mode="all"))
article.fails("Without it: softmax in the model and in the loss (see article 000)", ValueError, as_printed, x, y)


def weights_after(attached):
    """The first weights after an epoch, with a penalty that is built, and attached or not."""
    mg.manual_seed(0)
    model, term = network(), reg.conventions.keras_l2(0.001)
    penalty = reg.on(model, "*.weight", term) if attached else None
    fit(model, (x, y), mg.cross_entropy, optim.Adam(model.parameters(), penalty=penalty), epochs=1)
    return model[0].weight.data, model, term


mg.manual_seed(0)
bare = network()
fit(bare, (x, y), mg.cross_entropy, optim.Adam(bare.parameters()), epochs=1)
loose, tied = weights_after(attached=False)[0], weights_after(attached=True)[0]
article.holds("built and not attached, it changes no bit of any weight", (loose == bare[0].weight.data).all())
article.holds("attached, it changes them", (tied != loose).any())
article.says("What a penalty is attached to can be printed:")
article.shows(repr(reg.on(bare, "*.weight", reg.conventions.keras_l2(0.001))))

article.section("What it costs")
STEPS, ROUNDS = article.size["timed steps"], article.size["timed rounds"]
kinds = {"none": {}, "L2": {"penalty": reg.L2(1e-3)}, "L1, proximal": {"prox": reg.L1(1e-3)}}
seconds = {kind: [] for kind in kinds}
for _ in range(ROUNDS):  # in turn, so that what else the machine does falls on all of them
    for kind, moments in kinds.items():
        model, batch = network(), mg.tensor(x[:32])
        optimizer = optim.Adam(model.parameters(), **{k: reg.on(model, "*.weight", t) for k, t in moments.items()})
        start = time.perf_counter()
        for _ in range(STEPS):
            optimizer.zero_grad()
            mg.cross_entropy(model(batch), y[:32]).backward()
            optimizer.step()
        seconds[kind].append((time.perf_counter() - start) / STEPS)
size = sum(p.size for p in network().parameters())
article.table(
    ("penalty, in the update", "microseconds per step", "against none", "parameters"),
    [
        [kind, f"{1e6 * np.median(took):.0f}", f"{np.median(np.divide(took, seconds['none'])):.2f}", f"{size:,}"]
        for kind, took in seconds.items()
    ],
)
article.says(
    "The article says that it costs more, and that it does not. It adds no parameter and nothing to prediction, "
    "and little to a step: it is computed in the pass that updates the weights. What costs is the choice of "
    "λ: folds times λ trainings."
)

article.section(f"More data, and data made from data, on {name}")
sizes, side = [MOST // 16, MOST // 4, MOST], int(inputs**0.5)
pixels, l2 = side // 14 or 1, reg.conventions.article_001_l2(0.003)
ways = {
    "nothing": (None, ()),
    "L2": (l2, ()),
    "shifts": (None, RandomShift(pixels, shape=(side, side))),
    "L2 and shifts": (l2, RandomShift(pixels, shape=(side, side))),
}
found = {}
for rows in sizes:
    for seed in SEEDS:
        part = subsample(everything.x, everything.y, rows, seed=seed, stratify=everything.y)
        for way, (term, transform) in ways.items():
            mg.manual_seed(seed)
            model = network()
            penalty = None if term is None else reg.on(model, "*.weight", term)
            loader = Loader(*part, 32, seed=seed, transform=transform)
            optimizer = optim.Adam(model.parameters(), lr=1e-3, penalty=penalty)
            fit(model, loader, mg.cross_entropy, optimizer, epochs=EPOCHS * MOST // rows)  # as many updates for all
            right = evaluate(model, test, mg.cross_entropy, [accuracy])["accuracy"]
            found.setdefault((way, rows), []).append(100 * right)
article.table(
    ("test accuracy, %", *(f"{rows:,} rows" for rows in sizes)),
    [[way, *(around(found[way, rows], 1) for rows in sizes)] for way in ways],
)
article.says(
    f"Sub-samples with clean labels, {several(len(SEEDS), 'seed')}; as many updates for each size, "
    f"{several(EPOCHS, 'epoch')} of {MOST:,} rows; λ = 0.003. Images move by up to {several(pixels, 'pixel')} both "
    "ways, anew in each epoch."
)
if len(SEEDS) > 1:
    for way in list(ways)[1:]:
        gains = [paired_gain(found[way, rows], found["nothing", rows]) for rows in sizes]
        told = ", ".join(f"{g.mean:+.1f} ± {g.half:.1f} at {rows:,}" for g, rows in zip(gains, sizes))
        found_at = [gain.against("higher") for gain in gains]
        verdict = False if False in found_at else None if None in found_at else True
        article.finds(f"{way}: test accuracy gained at every size, {told}", verdict)
article.figure(
    lambda: curves(
        {"test accuracy, %": {way: (sizes, [mean(found[way, rows]) for rows in sizes]) for way in ways}},
        "training rows",
        "%",
        log="x",
        height=3.4,
    ),
    "Test accuracy over the number of training rows, with and without L2 and shifted images",
)
article.look_at(
    f"{mean(found['nothing', sizes[0]]):.1f}% with {sizes[0]:,} rows, "
    f"{mean(found['L2 and shifts', sizes[0]]):.1f}% with L2 and shifted images, "
    f"{mean(found['nothing', MOST]):.1f}% with {MOST:,} rows and nothing"
)
