"""Article 004's program: a penalty on what the network says, in place of its weights; and what each half of it does.

printed:  mean squared error + 0.01 (‖ŷ‖₁ + ‖ŷ‖₂) for each row, of the outputs ŷ of a softmax

python examples/articles/004_outputs.py [--quick]      784-64-10 on MNIST where it is found, else on 8 x 8 digits
"""

import warnings

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import one_hot, split
from minigrad.lab.gallery.article import Article, around, digits_or_mnist, number, several
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.pages.statistics import mean
from minigrad.train import accuracy, evaluate, fit

article = Article(__file__, __doc__)
EPOCHS, SEEDS, ROWS = article.size["epochs"], range(article.size["seeds"]), article.size["training rows"]
name, (everything, test) = digits_or_mnist(60_000)

article.section("What it says")
article.says(
    "A norm of the parameters is added to the loss, to keep the model simple. Its program adds two norms, not "
    "squared, of what the softmax gives out: another thing altogether. The formula is the subject of "
    "`004_weights.py`."
)

article.section("Its program, rebuilt, and where it goes wrong")


def network():
    """784-64-10 ending in a softmax: the loss is the squared error of probabilities."""
    return nn.Sequential(
        nn.Linear(everything.x.shape[1], 64, activation="relu"),
        nn.Linear(64, 10),
        nn.Softmax(),
    )


def as_printed(output, target):
    """The article's loss: the mean error of the batch, and for each row two norms of what the network says."""
    l1 = mg.sum(mg.abs(output), dim=1)
    l2 = mg.sqrt(mg.sum(mg.square(output), dim=1))
    return mg.mse(output, target) + 0.01 * (l1 + l2)


article.program(network, as_printed)
mg.manual_seed(0)
model, x, y = network(), everything.x[:320], one_hot(everything.y[:320], 10)
adam = optim.Adam(model.parameters())
article.fails("A loss for each row, where one number is due", ValueError, lambda: fit(model, (x, y), as_printed, adam))
article.fails("The class that it recommends for penalties", AttributeError, lambda: nn.RegularizationLoss)

article.section("The first norm is 1, the second is a penalty on being sure")
logits = mg.tensor(np.random.default_rng(0).normal(size=(100, 10)), requires_grad=True)
said = mg.softmax(logits)
first = mg.grad(mg.sum(mg.abs(said)), logits, retain_graph=True).data
second = mg.grad(mg.sum(mg.sqrt(mg.sum(mg.square(said), dim=1))), logits).data
top = [np.abs(slope).max() for slope in (first, second)]
told = f"‖softmax‖₁ is 1 whatever the weights are: its gradient is {number(top[0])}, that of ‖softmax‖₂ {top[1]:.2f}"
article.holds(told, top[0] < 1e-15 < 0.01 < top[1])
before, after = (mg.softmax(z).data.max(1) for z in (logits, mg.tensor(logits.data - 0.1 * second)))
told = "a step down ‖softmax‖₂ makes each of 100 rows less sure: its largest probability falls"
article.holds(told, (after < before).all())
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    terms = reg.on(model, "2", reg.ActivityNorm(l1=0.01, l2=0.01))
    model(mg.tensor(x))
    terms()
message = str(caught[0].message)
article.holds(f"minigrad says so: {message}", len(caught) == 1 and "moves no weight" in message)

article.section(f"What each half does, on {name}")
samples = [split(everything.x, everything.y, ROWS, seed, everything.y).test for seed in SEEDS]


def trained(seed, place=None, term=None):
    """The article's network by its recipe, with a term on the outputs of a layer: "1" logits, "2" probabilities."""
    mg.manual_seed(seed)
    model, (x, y) = network(), samples[seed]
    terms = None if term is None else reg.on(model, place, term)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the norm that moves nothing, as above
        adam = optim.Adam(model.parameters())
        fit(model, (x, one_hot(y, 10)), mg.mse, adam, terms, epochs=EPOCHS, seed=seed, compile="quiet")
    return model


def measured(model):
    """Test accuracy in %, the mean of the largest probability, and Σ|w|."""
    right = evaluate(model, (test.x, one_hot(test.y, 10)), mg.mse, [accuracy])["accuracy"]
    with mg.no_grad():
        sure = float(model(mg.tensor(test.x)).data.max(1).mean())
    return 100 * right, sure, sum(float(np.abs(layer.weight.data).sum()) for layer in (model[0], model[1]))


ways = {
    "nothing": (),
    "0.01 ‖ŷ‖₁": ("2", reg.ActivityNorm(l1=0.01)),
    "0.01 ‖ŷ‖₂": ("2", reg.ActivityNorm(l2=0.01)),
    "0.01 (‖ŷ‖₁ + ‖ŷ‖₂), its program": ("2", reg.ActivityNorm(l1=0.01, l2=0.01)),
    "0.1 ‖ŷ‖₂": ("2", reg.ActivityNorm(l2=0.1)),
    "0.02 (log 10 - entropy)": ("1", reg.ConfidencePenalty(0.02)),
}
ends = {way: [measured(trained(seed, *where)) for seed in SEEDS] for way, where in ways.items()}
article.table(
    ("penalty on the outputs", "test accuracy, %", "largest probability", "Σ|w|"),
    [
        [way, *(around([run[i] for run in runs], digits) for i, digits in enumerate((1, 3, 0)))]
        for way, runs in ends.items()
    ],
)
off = max(abs(a[2] / b[2] - 1) for a, b in zip(ends["0.01 ‖ŷ‖₁"], ends["nothing"]))
article.holds(f"training with ‖ŷ‖₁ ends at the Σ|w| of training without it, to {number(off)}", off < 1e-3)
article.says(
    f"{several(EPOCHS, 'epoch')}, {ROWS:,} rows, {several(len(SEEDS), 'seed')} with rows and start of their own, "
    f"{len(test.x):,} test rows. The first norm moves nothing. The second makes the network less sure and hardly "
    "touches its weights. That is a confidence penalty; its better-known form is the entropy, "
    "`reg.ConfidencePenalty` (Pereyra et al. 2017)."
)
strengths, panels = (0.003, 0.01, 0.03, 0.1, 0.3), {"largest probability": {}, "test accuracy, %": {}}
terms = {
    "‖ŷ‖₁": ("2", lambda s: reg.ActivityNorm(l1=s)),
    "‖ŷ‖₂": ("2", lambda s: reg.ActivityNorm(l2=s)),
    "log 10 - entropy": ("1", reg.ConfidencePenalty),
}
for words, (place, term) in terms.items():
    runs = [measured(trained(0, place, term(strength))) for strength in strengths]
    for i, panel in ((1, "largest probability"), (0, "test accuracy, %")):
        panels[panel][words] = strengths, [run[i] for run in runs]
article.figure(
    lambda: curves(panels, "strength", "", log="x", columns=2, alike=False),
    "How sure the network is, and how often right, over the strength of three penalties on its outputs",
)
sure = {words: lines[1] for words, lines in panels["largest probability"].items()}
article.look_at(
    f"the left panel: from strength {strengths[0]:g} to {strengths[-1]:g} the largest probability goes from "
    f"{sure['‖ŷ‖₁'][0]:.3f} to {sure['‖ŷ‖₁'][-1]:.3f} with ‖ŷ‖₁, whose slope is 0, and from {sure['‖ŷ‖₂'][0]:.3f} to "
    f"{sure['‖ŷ‖₂'][-1]:.3f} with ‖ŷ‖₂"
)
