"""C20. L2 on a weight before a batch norm only changes the size of its steps.

Primary comparison: by how much a step turns the weight before the batch norm, in radians, on average over the last
quarter of the steps, with L2 against without, paired over seeds: it is more. Secondary: the same L2 makes outputs
smaller where there is no batch norm.

    python examples/claims/C20_before_batch_norm.py [--quick]
"""

import warnings

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import load_digits
from minigrad.lab.gallery.article import around, number
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import Claim
from minigrad.lab.pages.statistics import mean

claim = Claim(__file__, __doc__)
SEEDS, STEPS = range(claim.size["seeds"]), claim.size["steps"]
LAMBDA, RATE, BATCH = 0.05, 0.1, 64
x, y = load_digits("float64")
EPS = 1e-12  # of the batch norm, so small that it is no part of what is seen


def network(seed, normalized=True):
    """64 inputs, 32 units behind a batch norm, 10 logits; normalized=False leaves the batch norm out."""
    mg.manual_seed(seed)
    between = [nn.BatchNorm1d(32, eps=EPS, dtype="float64")] if normalized else []
    first = nn.Linear(64, 32, bias=False, dtype="float64")
    return nn.Sequential(first, *between, nn.ReLU(), nn.Linear(32, 10, dtype="float64"))


def turned(a, b):
    """The angle between two weights."""
    a, b = a.ravel() / np.linalg.norm(a), b.ravel() / np.linalg.norm(b)
    return 2 * np.arcsin(min(1.0, np.linalg.norm(a - b) / 2))


def trained(seed, l2=0.0, rate=lambda step: RATE, normalized=True):
    """Plain gradient descent, L2 on the first weight alone, whose rate is that of the step.

    What comes back: the network, the angle by which each step turned the first weight, its length, and the losses.
    """
    model, draw = network(seed, normalized), np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reg.on says what this claim shows
        penalty = {"penalty": reg.on(model, "0.weight", reg.L2(l2))} if l2 else {}
    weights, others = [model[0].weight], [p for p in model.parameters() if p is not model[0].weight]
    optimizer = optim.SGD([{"params": weights}, {"params": others}], lr=RATE, **penalty)
    angles, lengths, losses = [], [], []
    for step in range(STEPS):
        rows, before = draw.integers(0, len(x), BATCH), model[0].weight.data.copy()
        optimizer.param_groups[0]["lr"] = rate(step)
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(mg.from_numpy(x[rows])), y[rows])
        loss.backward()
        optimizer.step()
        angles.append(turned(before, model[0].weight.data))
        lengths.append(float(np.linalg.norm(model[0].weight.data)))
        losses.append(loss.item())
    return model, np.array(angles), np.array(lengths), np.array(losses)


def outputs(model):
    """The logits of the digits, in training mode: by the batch's own mean and variance."""
    return model(mg.from_numpy(x)).data


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
    seen[factor], gradients[factor] = outputs(model), model[0].weight.grad.data.copy()
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
shrink = 1 - RATE * LAMBDA
none, decayed, faster = ([], [], [])
for seed in SEEDS:
    none.append(trained(seed))
    decayed.append(trained(seed, LAMBDA))
    faster.append(trained(seed, rate=lambda step: RATE / (shrink * shrink ** (2 * step))))
off = max(float(np.abs(outputs(a[0]) - outputs(b[0])).max()) for a, b in zip(decayed, faster))
rise = shrink ** (-2 * STEPS)
claim.holds(
    f"with L2, and without L2 at a rate that rises {rise:.3g}-fold: outputs after {STEPS} steps agree to {number(off)}",
    off < 1e-6,
)
off = max(float(np.abs(a[3] - b[3]).max()) for a, b in zip(decayed, faster))
claim.holds(f"and so does the loss of every step, to {number(off)}", off < 1e-6)
last = slice(STEPS - STEPS // 4, None)
claim.table(
    ("first weight", "length at the end", "angle of a step, last quarter", "loss, last quarter"),
    [
        [
            name,
            around([run[2][-1] for run in runs], 3),
            around([float(run[1][last].mean()) for run in runs], 5),
            around([float(run[3][last].mean()) for run in runs], 4),
        ]
        for name, runs in (("no L2", none), ("L2", decayed), ("no L2, rising rate", faster))
    ],
)
angles = [[float(run[1][last].mean()) for run in runs] for runs in (decayed, none)]
claim.gains("by how much a step turns the weight, with L2 against without", *angles, unit=" radians", digits=5)
plain = [
    [float(np.abs(outputs(trained(seed, l2, normalized=False)[0])).mean()) for seed in SEEDS] for l2 in (0.0, LAMBDA)
]
behind = [[float(np.abs(outputs(run[0])).mean()) for run in runs] for runs in (none, decayed)]
claim.corrected({"without a batch norm, L2 takes off the mean |logit|": tuple(plain)}, digits=3)
claim.says(
    f"Behind the batch norm the mean |logit| is {mean(behind[0]):.3f} without L2 and {mean(behind[1]):.3f} with."
)
steps = range(1, STEPS + 1)
claim.figure(
    lambda: curves(
        {
            "‖W‖ before the batch norm": {"no L2": (steps, none[0][2]), f"L2({LAMBDA:g})": (steps, decayed[0][2])},
            "angle of a step": {"no L2": (steps, none[0][1]), f"L2({LAMBDA:g})": (steps, decayed[0][1])},
        },
        "step",
        "",
        log="y",
        columns=2,
        height=3.4,
    ),
    "Length of the weight before a batch norm, and the angle by which each step turns it, with L2 and without",
)
claim.look_at(
    f"with L2 the weight ends at {mean([run[2][-1] for run in decayed]):.2f} instead of "
    f"{mean([run[2][-1] for run in none]):.2f}, and a step turns it by {mean(angles[0]) / mean(angles[1]):.1f} times "
    "as much; a rising rate without L2 gives the same functions"
)
