"""C20. L2 on a weight before a batch norm only changes the size of its steps.

Primary comparison: by how much a step turns the weight before the batch norm, in radians, on average over the last
quarter of the steps, with L2 against without, paired over seeds: it is more. Secondary: the same L2 makes outputs
smaller where there is no batch norm.

    python examples/claims/C20_before_batch_norm.py [--quick]
"""

import warnings

import numpy as np

import minigrad as mg
from minigrad import reg
from minigrad.data import load_digits
from minigrad.lab.gallery.article import around, number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.before_norm import RATE, network, outputs, trained
from minigrad.lab.gallery.claim import Claim
from minigrad.lab.pages.statistics import mean

claim = Claim(__file__, __doc__)
SEEDS, STEPS = range(claim.size["seeds"]), claim.size["steps"]
LAMBDA, SHRINK = 0.05, 1 - RATE * 0.05
x, y = load_digits("float64")

claim.section("The mathematics: the scale of a weight is lost behind a batch norm")
claim.program(network)
model = network(0)
start = model[0].weight.data.copy()
seen, gradients = {}, {}
for factor in (1.0, 0.1, 10.0):
    with mg.no_grad():
        model[0].weight.copy_(factor * start)
    model.zero_grad()
    loss = mg.cross_entropy(model(mg.from_numpy(x)), y)
    loss.backward()
    seen[factor], gradients[factor] = outputs(model, x), model[0].weight.grad.data.copy()
off = max(float(np.abs(seen[f] - seen[1.0]).max()) for f in seen)
claim.holds(f"0.1 W and 10 W in the place of W give the same outputs, to {number(off)}", off < 1e-6)
g = gradients[1.0]
off = max(float(np.abs(f * gradients[f] - g).max() / np.abs(g).max()) for f in gradients)
claim.holds(f"the gradient at 0.1 W is 10 times, at 10 W 0.1 times that at W, to {number(off)} of it", off < 1e-6)
along = abs(float((g * start).sum())) / (np.linalg.norm(g) * np.linalg.norm(start))
claim.holds(f"it is at a right angle to W: the cosine is {number(along)}", along < 1e-8)
claim.says(
    "So a step of length rate · ‖G‖ turns W by about rate · ‖G(W/‖W‖)‖ / ‖W‖²: what L2 takes off the length of W, it "
    "gives to the rate. With a_t = (1 - rate · λ)^t the functions of all steps are those of training without L2 at the "
    "rates rate / ((1 - rate · λ) a_t²)."
)

claim.section(f"Training: {STEPS} steps of gradient descent, rate {RATE:g}, with L2({LAMBDA:g}) and without")
claim.program(trained)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    reg.on(network(0), "0.weight", reg.L2(LAMBDA))
claim.shows(str(said[0].message) if said else "(no warning)")
claim.holds("reg.on warns of it", len(said) == 1 and "before a batch norm" in str(said[0].message))
none, decayed, faster = ([], [], [])
for seed in SEEDS:
    none.append(trained(x, y, seed, STEPS))
    decayed.append(trained(x, y, seed, STEPS, LAMBDA))
    faster.append(trained(x, y, seed, STEPS, rate=lambda step: RATE / (SHRINK * SHRINK ** (2 * step))))
off = max(float(np.abs(outputs(a.model, x) - outputs(b.model, x)).max()) for a, b in zip(decayed, faster))
rise = SHRINK ** (-2 * STEPS)
claim.holds(
    f"with L2, and without L2 at a rate that rises {rise:.3g}-fold: outputs after {STEPS} steps agree to {number(off)}",
    off < 1e-6,
)
off = max(float(np.abs(a.losses - b.losses).max()) for a, b in zip(decayed, faster))
claim.holds(f"and so does the loss of every step, to {number(off)}", off < 1e-6)
last = slice(STEPS - STEPS // 4, None)
claim.table(
    ("first weight", "length at the end", "angle of a step, last quarter", "loss, last quarter"),
    [
        [
            name,
            around([run.lengths[-1] for run in runs], 3),
            around([float(run.angles[last].mean()) for run in runs], 5),
            around([float(run.losses[last].mean()) for run in runs], 4),
        ]
        for name, runs in (("no L2", none), ("L2", decayed), ("no L2, rising rate", faster))
    ],
)
angles = [[float(run.angles[last].mean()) for run in runs] for runs in (decayed, none)]
claim.gains("by how much a step turns the weight, with L2 against without", *angles, unit=" radians", digits=5)


def size(runs):
    """The mean |logit| of each network."""
    return [float(np.abs(outputs(run.model, x)).mean()) for run in runs]


plain = [size([trained(x, y, seed, STEPS, l2, normalized=False) for seed in SEEDS]) for l2 in (0.0, LAMBDA)]
behind = [size(runs) for runs in (none, decayed)]
claim.corrected({"without a batch norm, L2 takes off the mean |logit|": tuple(plain)}, digits=3)
claim.says(
    f"Behind the batch norm the mean |logit| is {mean(behind[0]):.3f} without L2 and {mean(behind[1]):.3f} with."
)
steps = range(1, STEPS + 1)
first = {"no L2": none[0], f"L2({LAMBDA:g})": decayed[0]}
claim.figure(
    lambda: curves(
        {
            "‖W‖ before the batch norm": {name: (steps, run.lengths) for name, run in first.items()},
            "angle of a step": {name: (steps, run.angles) for name, run in first.items()},
        },
        "step",
        "",
        log="y",
        columns=2,
        height=3.4,
    ),
    "Length of the weight before a batch norm, and the angle by which each step turns it, with L2 and without",
)
ends = [mean([run.lengths[-1] for run in runs]) for runs in (none, decayed)]
claim.look_at(
    f"with L2 the weight ends at {ends[1]:.2f} instead of {ends[0]:.2f}, and a step turns it by "
    f"{mean(angles[0]) / mean(angles[1]):.1f} times as much; a rising rate without L2 gives the same functions"
)
