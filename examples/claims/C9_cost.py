"""C9. What regularization costs: a penalty in the update next to nothing; zeros save nothing before they are removed.

Primary comparison: the time of a training step with L2 in the update against none, the median ratio over rounds in
turn: at most 1.03. A step may hold no more memory. A network with empty units predicts as fast as before; the same
after reg.compact faster.

    python examples/claims/C9_cost.py [--quick]
"""

import statistics

import numpy as np

import minigrad as mg
from minigrad import reg
from minigrad.data import load_digits
from minigrad.lab.cost import cost, measured
from minigrad.lab.gallery.article import several
from minigrad.lab.gallery.article_figures import ratios
from minigrad.lab.gallery.claim import Claim
from minigrad.lab.pages.statistics import median_interval

claim = Claim(__file__, __doc__)
ROUNDS, HIDDEN = claim.size["rounds"], 256
SLOWER, SAME = 1.03, 0.95  # of a step; of a prediction, ° not measured beforehand
EMPTY = 0.75  # of the units
x, y = load_digits()
x, y = x[:32], y[:32]
sizes = [64, HIDDEN, HIDDEN, 10]

claim.section(f"A step of Adam on {len(x)} rows, {'-'.join(map(str, sizes))}, {several(ROUNDS, 'round')}")
terms = ["L1", "L2", "elastic-net", "group-lasso", "max-norm", "dropout", "clipping", "averages"]
costs = cost.compare(cost.makers_of(terms, sizes), x, y, rounds=ROUNDS)
claim.shows(cost.table(costs))
by_name = {found.name: found for found in costs}
plain, fused = by_name["none"], by_name["L2 in the update"]
low, high = fused.interval
claim.finds(
    f"L2 in the update: a step takes {fused.ratio:.3f} times as long (95% interval {low:.3f} to {high:.3f}), at most "
    f"{SLOWER}",
    None if low <= SLOWER < high else fused.ratio <= SLOWER,
)
more = fused.step_bytes - plain.step_bytes
claim.finds(
    f"it holds {more:+,} bytes at its peak, where the weights are {plain.parameters * 4:,}; under 1%",
    more < 0.01 * 4 * plain.parameters,
)

claim.section("Zeros")


def emptied():
    """The network with nothing entering or leaving most of its hidden units."""
    model = measured.mlp(sizes)
    keep = (np.arange(HIDDEN) >= EMPTY * HIDDEN).astype(np.float32)
    with mg.no_grad():
        for layer, mask in ((model[0], keep), (model[1], np.outer(keep, keep)), (model[2], keep[:, None])):
            layer.weight.copy_(layer.weight.data * mask)
    return model


builders = {"dense": lambda: measured.mlp(sizes), "with zeros": emptied, "compact": lambda: reg.compact(emptied())}
rounds = []
for _ in range(ROUNDS):  # models made anew: where their arrays lie in memory is a part of the noise
    rounds.append(cost.fastest([cost.predictor(build(), mg.tensor(x)) for build in builders.values()]))
shares = [statistics.median(times[i] / times[0] for times in rounds) for i in range(len(builders))]
counts = [sum(p.size for p in build().parameters()) for build in builders.values()]
claim.table(
    ("network", "parameters", "a prediction, µs", "of the dense one"),
    [
        [name, f"{counts[i]:,}", f"{1e6 * statistics.median(times[i] for times in rounds):.1f}", f"{shares[i]:.2f}"]
        for i, name in enumerate(builders)
    ],
)
claim.finds(
    f"with {EMPTY:.0%} empty units a prediction takes {shares[1]:.2f} times as long: zeros save nothing",
    shares[1] > SAME,
)
claim.finds(f"after compact, with {counts[2]:,} of {counts[0]:,} parameters: {shares[2]:.2f} times", shares[2] < SAME)
with mg.no_grad():
    far = float(np.abs(reg.compact(emptied())(mg.tensor(x)).data - emptied()(mg.tensor(x)).data).max())
claim.holds(f"compact changes no output by more than {far:.0e}", far < 1e-5)
claim.figure(
    lambda: ratios(
        {
            "a training step, against none": {f.name: (f.ratio, *f.interval) for f in costs[1:]},
            "a prediction, against dense": {
                name: (shares[i], *median_interval([times[i] / times[0] for times in rounds]))
                for i, name in enumerate(builders)
                if i
            },
        }
    ),
    "More time that a training step takes with each term than with none, and a prediction than by the dense network, "
    "with 95% intervals of the medians",
)
claim.look_at(f"{fused.ratio:.3f} times the step, {shares[2]:.2f} times the prediction")
