"""Article 002's vanishing and exploding gradients, layer by layer; and what an L2 penalty does about them.

A network of 50 layers, and a recurrent one of 200 steps.

    python examples/articles/002_gradients.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.data import load_digits
from minigrad.lab.gallery import depth
from minigrad.lab.gallery.article import Article, several
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.pages.statistics import paired_gain

article = Article(__file__, __doc__)
STARTS, PAIRS, STEPS = article.size["starts"], article.size["trained pairs"], article.size["training steps"]
x, y = load_digits("float64")
x, y = (x - x.mean(0))[:32], y[:32]

article.section("What it says")
article.says(
    "Gradients vanish or explode in deep networks because of the size of the weights, and regularization is a "
    "remedy for both. Measured here: the length of the loss's gradient at every layer, and its slope, the change "
    "of log ‖gradient‖ per layer on the way back. Below 0 it vanishes, above it explodes."
)

article.section("50 layers of 64 units, before training")
norms = depth.start_gradients(x, y, STARTS)
slopes = {key: float(np.median([depth.slope(run) for run in runs])) for key, runs in norms.items()}
kinds = [(structure, activation) for structure in depth.STRUCTURES for activation in depth.ACTIVATIONS]
article.table(
    ("slope per layer", *depth.INITS),
    [[f"{s}, {a}", *(f"{slopes[s, a, init]:+.3f}" for init in depth.INITS)] for s, a in kinds],
)
article.says(
    f"Medians of {several(STARTS, 'start')}, a batch of 32 digits, float64. Starts: small N(0, 0.05²), large N(0, "
    "0.25²), Glorot and He uniform, orthogonal. A slope of -0.5 leaves e⁻²⁵ = 1e-11 of the gradient behind 50 "
    "layers. The derivative of a sigmoid is at most 1/4, so a layer gives back at most ‖W‖/4: a residual path helps "
    "it, normalisation does not. With tanh and relu the scale of the start decides, until normalisation removes it. A "
    "residual path lets relu's gradients grow."
)
layers = np.arange(depth.DEPTH + 1)
article.figure(
    lambda: curves(
        {f"{s}, {a}": {init: (layers, np.median(norms[s, a, init], 0)) for init in depth.INITS} for s, a in kinds},
        "layer",
        "‖∂loss/∂h‖",
        log="y",
        height=2.5,
        overlaid=True,
    ),
    "Length of the gradient at each of 50 layers, for three structures, three activations and five kinds of start",
)
left = max(run[0] / run[-1] for init in depth.INITS for run in norms["plain", "sigmoid", init])
article.holds(f"plain sigmoid, from every start: at most {left:.0e} of the gradient reaches the input", left < 1e-10)

article.section("After training, with and without L2")
RATE, L2 = 0.01, 0.1
rows, gains = [], {}
for activation, init in (("sigmoid", "Glorot"), ("tanh", "Glorot"), ("relu", "He")):
    ends = {0.0: [], L2: []}
    for start in range(PAIRS):
        for l2, found in ends.items():
            model = depth.trained(activation, init, start, x, y, STEPS, RATE, l2)
            found.append(depth.slope(depth.layer_gradients(model, x, y)))
    gain = gains[activation] = paired_gain(ends[L2], ends[0.0])
    medians = (f"{np.median(found):+.4f}" for found in ends.values())
    rows.append([f"{activation}, {init}", *medians, f"{gain.mean:+.4f} ± {gain.half:.4f}"])
    if activation == "sigmoid":
        shrunk, first = (1 - RATE * L2) ** STEPS, depth.trained(activation, init, start, x, y, 0, RATE)
        off = np.abs(model.layers[0].weight.data - shrunk * first.layers[0].weight.data).max()
        words = "where the gradient has vanished the penalty acts alone: the first layer has shrunk to"
        article.holds(f"{words} {shrunk:.4f} of its start, to {off:.0e}", off < 1e-12)
article.table(("network", "slope without", f"slope with L2({L2:g})", "difference, in pairs"), rows)
for activation, gain in gains.items():
    told = f"{activation}: with L2 the slope is lower, {gain.mean:+.4f} ± {gain.half:.4f}"
    article.compares(told, gain, "lower")
article.says(
    f"{STEPS} steps of gradient descent, rate {RATE:g}, {several(PAIRS, 'pair')} that share their start. The "
    "Jacobian of a layer is W times φ': a smaller W is a smaller factor in every layer. L2 cannot lengthen a "
    "gradient that the weights shorten; it shortens it further."
)

article.section("An exploding start, and gradients that are clipped")
rows = []
for words, l2, clip in (("nothing", 0.0, None), (f"L2({L2:g})", L2, None), ("clipped to norm 1", 0.0, 1.0)):
    ends = []
    for start in range(PAIRS):
        mg.manual_seed(start)
        model = depth.Deep("relu", "large")
        ends.append(depth.train(model, x, y, STEPS, RATE, l2, clip))
    grown = [losses[-1] / losses[0] if np.isfinite(losses[-1]) else np.inf for losses in ends]
    rows.append([words, f"{np.median(grown):.2g}", f"{sum(g < 1 for g in grown)} of {PAIRS}"])
    if l2:
        article.finds(
            f"L2 keeps an exploding start from diverging: in {sum(map(np.isfinite, grown))} of {PAIRS}",
            all(map(np.isfinite, grown)),
        )
article.table(("relu, large start", "last loss by first, median", "loss fell"), rows)
mg.manual_seed(0)
model = depth.Deep("relu", "large")
mg.cross_entropy(model(mg.tensor(x)), y).backward()
before = [p.grad.data.copy() for p in model.parameters()]
total = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
ratios = np.concatenate([(p.grad.data[g != 0] / g[g != 0]).ravel() for p, g in zip(model.parameters(), before)])
article.holds(
    f"clipping divides every gradient by the same number, their norm of {total:.2g}: the slope over layers stays",
    np.allclose(ratios, 1 / (total + 1e-6), rtol=1e-9),
)
article.says(
    "The first step of an exploding network leaves the region where its gradient means anything; L2 makes weights "
    "smaller step by step, which is too late. Clipping bounds the step, and keeps its direction."
)

article.section("A recurrent network, unrolled over 200 steps")
spread, per_step = {"identity": {}, "tanh": {}}, {}
for radius in (0.5, 0.9, 1.0, 1.1, 1.5):
    for name, phi in (("identity", None), ("tanh", mg.tanh)):
        found = depth.unrolled(radius, phi)
        spread[name][f"ρ = {radius:g}"] = np.arange(len(found.norms)), found.norms[::-1]
        per_step[name, radius] = found.slope
radii = [radius for name, radius in per_step if name == "tanh"]
article.table(
    ("ρ", "log ρ", "slope per step, linear", "slope per step, tanh"),
    [[f"{r:g}", f"{np.log(r):+.6f}", f"{per_step['identity', r]:+.6f}", f"{per_step['tanh', r]:+.3f}"] for r in radii],
)
off = max(abs(per_step["identity", r] - np.log(r)) / max(abs(np.log(r)), 1e-3) for r in radii)
article.holds(f"the slope of the linear network is log ρ, to {off:.0e} of it", off <= 0.01)
moved = depth.unrolled(1.1, None, factor=0.9).slope - per_step["identity", 1.1]
words = f"weights shrunk to 0.9 of themselves change the slope by log 0.9 = {np.log(0.9):.4f}: {moved:.4f}"
article.holds(words, abs(moved - np.log(0.9)) < 1e-6)
article.figure(
    lambda: curves(spread, "steps back from the loss", "‖∂loss/∂h‖", log="y", columns=2),
    "Length of the gradient at each of 200 steps of a recurrent network, for five spectral radii ρ, linear and tanh",
)
article.says(
    "W is symmetric with spectral radius ρ. An L2 penalty makes ρ smaller: good against explosion, ρ > 1, and bad "
    "against vanishing, ρ < 1. tanh keeps the states bounded, and its φ' < 1 shortens gradients as well."
)
article.look_at(
    f"the slopes of the lines, log ρ where the network is linear: {per_step['identity', 0.9]:+.3f} per step for ρ = "
    f"0.9, {per_step['identity', 1.1]:+.3f} for ρ = 1.1; with tanh they are {per_step['tanh', 0.9]:+.3f} and "
    f"{per_step['tanh', 1.1]:+.3f}"
)
