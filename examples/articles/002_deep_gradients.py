"""Article 002: vanishing and exploding gradients, layer by layer; and what an L2 penalty does about them.

The article says that regularization keeps gradients from vanishing and from exploding. Here a network of 50 layers and a
recurrent one of 200 steps are measured: the length of the loss's gradient at every layer, and its slope, the change of
log ‖gradient‖ per layer on the way back (below 0 it vanishes).

    python examples/articles/002_deep_gradients.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.data import load_digits
from minigrad.lab import deep
from minigrad.lab.article_figures import curves
from minigrad.lab.articles import Article
from minigrad.lab.statistics import paired_gain

article = Article(__file__, __doc__)
STARTS, PAIRS, STEPS = article.size["starts"], article.size["trained pairs"], article.size["training steps"]
x, y = load_digits("float64")
x, y = (x - x.mean(0))[:32], y[:32]  # 32 digits: the gradient of a batch

article.section("50 layers of 64 units, before training")
norms = {}  # (structure, activation, init) -> (starts, layers)
for init in deep.INITS:
    for start in range(STARTS):
        mg.manual_seed(start)
        model = deep.Deep("tanh", init)  # one start serves all: activation and structure do not change the weights
        for model.structure in deep.STRUCTURES:
            for activation, model.phi in deep.ACTIVATIONS.items():
                found = deep.layer_gradients(model, x, y)
                norms.setdefault((model.structure, activation, init), []).append(found)
slopes = {key: float(np.median([deep.slope(run) for run in runs])) for key, runs in norms.items()}
kinds = [(structure, activation) for structure in deep.STRUCTURES for activation in deep.ACTIVATIONS]
article.table(
    ("slope per layer", *deep.INITS),
    [[f"{s}, {a}", *(f"{slopes[s, a, init]:+.3f}" for init in deep.INITS)] for s, a in kinds],
)
article.says(
    f"Medians of {STARTS} starts, 32 digits. Weights: small N(0, 0.05²), large N(0, 0.25²), Glorot and He uniform. A slope of "
    f"-0.5 leaves e⁻²⁵ = 1e-11 of the gradient behind 50 layers. A sigmoid's slope is at most 1/4, so each layer gives "
    "back at most ‖W‖/4; only a residual path helps it, and normalisation does not. With tanh and relu the scale of the "
    "first weights decides, and normalisation removes it from the question. A residual path lets relu's gradient grow."
)
layers = np.arange(deep.DEPTH + 1)
article.figure(
    lambda: curves(
        {f"{s}, {a}": {init: (layers, np.median(norms[s, a, init], 0)) for init in deep.INITS} for s, a in kinds},
        "layer", "‖∂loss/∂h‖", log="y", height=2.5,
    ),
    "Length of the gradient at each of 50 layers, for three structures, three activations and five kinds of start",
)  # fmt: skip
article.holds(
    "behind every plain sigmoid start the gradient at the input is below 1e-10 of that at the top",
    all((np.array(norms["plain", "sigmoid", init])[:, [0, -1]] @ [1, -1e-10] < 0).all() for init in deep.INITS),
)

article.section("After training, with and without L2")
RATE, L2 = 0.01, 0.1
pairs = {}
for activation, init in (("sigmoid", "Glorot"), ("tanh", "Glorot"), ("relu", "He")):
    ends = {0.0: [], L2: []}
    for start in range(PAIRS):
        for l2, found in ends.items():
            mg.manual_seed(start)
            model = deep.Deep(activation, init)
            first = model.layers[0].weight.data.copy()
            deep.train(model, x, y, STEPS, RATE, l2)
            found.append(deep.slope(deep.layer_gradients(model, x, y)))
    gain = paired_gain(ends[L2], ends[0.0])
    name = f"{activation}, {init}"
    pairs[name] = [f"{np.median(slopes_):+.4f}" for slopes_ in ends.values()] + [f"{gain.mean:+.4f} ± {gain.half:.4f}"]
    if activation == "sigmoid":
        article.finds(f"{name}: L2 makes vanishing worse, slope {gain.mean:+.4f} ± {gain.half:.4f} in {PAIRS} pairs",
                      gain.verdict == "lower")  # fmt: skip
        mg.manual_seed(PAIRS - 1)
        shrunk = (1 - RATE * L2) ** STEPS
        off = float(np.abs(model.layers[0].weight.data - shrunk * first).max())
        article.holds(f"where the gradient has vanished the penalty acts alone: the first layer is {shrunk:.4f} of its "
                      f"start, to {off:.0e}", off < 1e-12)  # fmt: skip
article.table(("network", "slope without", f"slope with L2({L2:g})", "difference, paired"), [[k, *v] for k, v in pairs.items()])
article.says(
    f"{STEPS} steps of gradient descent with rate {RATE:g} on 32 digits. The Jacobian of a layer is W times φ': a smaller W "
    "is a smaller factor in every layer. L2 cannot lengthen a gradient that the weights shorten, it shortens it further."
)

article.section("A recurrent network, unrolled over 200 steps")
TIME, UNITS = 200, 32
spread, linear = {"identity": {}, "tanh": {}}, {}
for radius in (0.5, 0.9, 1.0, 1.1, 1.5):
    mg.manual_seed(1)
    w = deep.with_radius(UNITS, radius)
    for name, phi in (("identity", None), ("tanh", mg.tanh)):
        spread[name][f"ρ = {radius:g}"] = np.arange(TIME + 1), deep.step_gradients(w, phi, TIME)
    linear[radius] = deep.slope(spread["identity"][f"ρ = {radius:g}"][1][: TIME - 50])  # behind the first 50 steps back
    exact = float(np.log(radius))
    article.holds(f"linear, ρ = {radius:g}: slope {linear[radius]:+.6f}, log ρ = {exact:+.6f}",
                  abs(linear[radius] - exact) <= 0.01 * abs(exact) + 1e-6)  # fmt: skip
mg.manual_seed(1)
shorter = deep.slope(deep.step_gradients(0.9 * deep.with_radius(UNITS, 1.1), None, TIME)[: TIME - 50])
article.holds(
    f"weights shrunk to 0.9 of themselves: the slope changes by {shorter - linear[1.1]:+.6f}, log 0.9 = {np.log(0.9):+.6f}",
    abs(shorter - linear[1.1] - np.log(0.9)) < 1e-6,
)
article.figure(
    lambda: curves(spread, "step", "‖∂loss/∂h‖", log="y", columns=2),
    "Length of the gradient at each of 200 steps of a recurrent network, for five spectral radii ρ, linear and tanh",
)
article.says(
    "With W symmetric, of spectral radius ρ, the gradient changes by the factor ρ per step. What L2 does is to make ρ smaller: "
    "good against explosion (ρ > 1), bad against vanishing (ρ < 1). tanh keeps states bounded; its φ' < 1 shortens "
    "gradients as well."
)
article.look_at(
    f"the slopes: {slopes['plain', 'sigmoid', 'Glorot']:+.2f} per layer for sigmoid with Glorot's start, "
    f"{pairs['sigmoid, Glorot'][2]} more after training with L2; what helps is the start, a residual path, and for tanh "
    "and relu normalisation"
)
