"""C8. Gradients vanish and explode with depth: through 50 layers, and through 200 steps.

Primary comparison: the slope of log ‖gradient‖ per layer, on the way back through 50 layers of tanh from Glorot's
start, after training with L2 against without, paired over starts: it is lower, the gradient vanishes sooner. Sigmoid,
relu and the other starts are corrected by Holm's method. The same networks trained with clipped gradients are shown.
Which depths train, with normalization and with residual paths: the loss of 50 layers after training against that of the
plain network, by Holm's method too.

    python examples/claims/C8_depth.py [--quick]
"""

import numpy as np

import minigrad as mg
from minigrad.data import load_digits
from minigrad.lab.gallery import depth
from minigrad.lab.gallery.article import number, several
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim
from minigrad.lab.pages.statistics import paired_gain

claim = Claim(__file__, __doc__)
STARTS, PAIRS, STEPS = claim.size["starts"], claim.size["trained pairs"], claim.size["training steps"]
BY_DEPTH, BY_STEPS, DEPTHS = claim.size["starts by depth"], claim.size["steps by depth"], (5, 15, 50)
INITS = ("small", "Glorot", "He", "orthogonal")
KINDS = [(s, a) for s in depth.STRUCTURES for a in depth.ACTIVATIONS]
RADII = (0.5, 0.9, 1.0, 1.1, 1.5)
RATE, REMEDIES = 0.01, {"nothing": {}, "L2": {"l2": 0.1}, "clipped": {"clip": 1.0}}
PRIMARY = "tanh", "Glorot"
x, y = load_digits("float64")
x, y = (x - x.mean(0))[:32], y[:32]

claim.section("The mathematics: 200 steps of a recurrent network with spectral radius ρ")
linear, bent = ({radius: depth.unrolled(radius, phi) for radius in RADII} for phi in (None, mg.tanh))
claim.table(
    ("ρ", "log ρ", "slope per step, linear", "slope per step, tanh"),
    [[f"{r:g}", f"{np.log(r):+.6f}", f"{linear[r].slope:+.6f}", f"{bent[r].slope:+.3f}"] for r in RADII],
)
off = max(abs(linear[r].slope / np.log(r) - 1) for r in RADII if r != 1)
claim.holds(f"linear: the slope is log ρ to {100 * off:.2g}% of it, at most 1%", off <= 0.01)
level = linear[1.0].slope
claim.holds(f"linear, ρ = 1: the slope is {number(level)}, between -1e-4 and 1e-4", abs(level) < 1e-4)
claim.figure(
    lambda: curves(
        {
            name: {f"ρ = {r:g}": (range(len(run.norms)), run.norms[::-1]) for r, run in runs.items()}
            for name, runs in (("linear", linear), ("tanh", bent))
        },
        "steps back from the loss",
        "‖∂loss/∂h‖",
        log="y",
        columns=2,
    ),
    "Length of the gradient at each of 200 steps of a recurrent network, for five spectral radii ρ, linear and tanh",
)

claim.section("50 layers of 64 units, before training")
norms = depth.start_gradients(x, y, STARTS, INITS)
slopes = {key: float(np.median([depth.slope(run) for run in runs])) for key, runs in norms.items()}
claim.table(
    ("slope per layer", *INITS),
    [[f"{s}, {a}", *(f"{slopes[s, a, init]:+.3f}" for init in INITS)] for s, a in KINDS],
)
claim.says(
    f"Medians of {several(STARTS, 'start')}, a batch of 32 digits, float64. Starts: small N(0, 0.05²), Glorot and He "
    "uniform, orthogonal; norm: normalised before the activation; residual: h + φ(h W + b); normed residual: "
    "h + φ(N(h) W + b), N(h) being h normalised. A slope of -0.5 leaves e⁻²⁵ = 1e-11 of the gradient behind 50 "
    "layers, one of +0.5 multiplies it by as much."
)
mg.manual_seed(0)
model = depth.Deep("sigmoid", "He")
bound = sum(np.log(np.linalg.norm(layer.weight.data, 2) / 4) for layer in model.layers)
left = float(np.log(norms["plain", "sigmoid", "He"][0][0] / norms["plain", "sigmoid", "He"][0][-1]))
claim.holds(
    f"sigmoid' is at most 1/4: of the gradient behind 50 layers from He's start e^{left:.0f} is left, at most the "
    f"product of all ‖W‖/4, e^{bound:.0f}",
    left <= bound,
)

claim.section(f"After {STEPS} steps of gradient descent, rate {RATE:g}: L2(0.1), and gradients clipped to norm 1")
ends = depth.slopes_after(x, y, INITS, PAIRS, STEPS, RATE, REMEDIES)
gains = {key: {name: paired_gain(runs[name], runs["nothing"]) for name in runs} for key, runs in ends.items()}
claim.table(
    ("network", *(f"slope, {name}" for name in REMEDIES), "L2 minus nothing", "clipped minus nothing"),
    [
        [
            ", ".join(key),
            *(f"{np.median(run):+.4f}" for run in runs.values()),
            *(f"{gains[key][name].mean:+.4f} ± {gains[key][name].half:.4f}" for name in ("L2", "clipped")),
        ]
        for key, runs in ends.items()
    ],
)
lower = {f"{', '.join(key)}: L2 lowers the slope by": (runs["nothing"], runs["L2"]) for key, runs in ends.items()}
primary = f"{', '.join(PRIMARY)}: L2 lowers the slope by"
claim.gains(primary, *lower.pop(primary), digits=4)
claim.corrected(lower, digits=4)

claim.section(f"Which depths train: the loss after {BY_STEPS} steps of Adam from He's start, log 10 = 2.303 at chance")
after = depth.losses_by_depth(x, y, DEPTHS, BY_DEPTH, BY_STEPS)
claim.table(
    ("loss, median", *(f"{n} layers" for n in DEPTHS)),
    [[f"{s}, {a}", *(f"{np.median(runs[n]):.4g}" for n in DEPTHS)] for (s, a), runs in after.items()],
)
pairs = {
    f"{a}, {DEPTHS[-1]} layers: {s} takes off the loss of plain": (
        after["plain", a][DEPTHS[-1]],
        after[s, a][DEPTHS[-1]],
    )
    for s, a in KINDS
    if s != "plain"
}
claim.corrected(pairs, digits=3)
layers = np.arange(depth.DEPTH + 1)
claim.figure(
    lambda: curves(
        {f"{s}, {a}": {init: (layers, np.median(norms[s, a, init], 0)) for init in INITS} for s, a in KINDS},
        "layer",
        "‖∂loss/∂h‖",
        log="y",
        height=2.5,
        overlaid=True,
    ),
    "Length of the gradient at each of 50 layers before training, for four structures, three activations, four starts",
)
claim.look_at(
    f"Glorot's start, slopes of {slopes['plain', 'sigmoid', 'Glorot']:+.2f} with sigmoid and "
    f"{slopes['plain', 'tanh', 'Glorot']:+.2f} with tanh; training with L2 takes tanh's "
    f"{-gains[PRIMARY]['L2'].mean:.3f} further down"
)
