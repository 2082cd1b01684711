"""Tour 3 of 8: write a penalty. Its value, its gradient for nothing, and its proximal map for exact answers.

python examples/tour/03_write_a_penalty.py            a second
python examples/tour/03_write_a_penalty.py --quick    a coarser check of the proximal map

A penalty is a price on weights, added to the loss. The usual ones ask weights to be near 0. Ours asks them to be near
values that we believe in already: strength Σ|w - anchor|. A weight leaves its anchor only if the data insist.
"""

import sys

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg


class Anchored(reg.Penalty):
    """strength Σ|w - anchor|: weights that the data do not contradict stay exactly on the anchor."""

    def __init__(self, strength, anchor):
        self.strength = strength
        self.anchor = mg.tensor(anchor)

    def __call__(self, w):
        """The value, in ops: that is all a penalty must have. The gradient comes from the ops."""
        return mg.sum(mg.abs(w - self.anchor)) * self.strength

    def prox(self, v, step):
        """The w with the least (w - v)²/(2 step) + strength Σ|w - anchor|: v moved to the anchor, and not past it."""
        away = v - self.anchor
        reach = mg.abs(away) - step * self.strength
        return self.anchor + mg.sign(away) * mg.maximum(reach, 0.0)


# Three checks before we use it. First the value: 0.1 (|1 - 1| + |2 - 1.5| + |-1 - 0|) = 0.15, by hand.
term = Anchored(0.1, np.array([1.0, 1.5, 0.0]))
w = mg.tensor([1.0, 2.0, -1.0], dtype="float64", requires_grad=True)
assert abs(term.value(w) - 0.15) < 1e-15

# Second the gradient, against differences, away from the kink at the anchor. On the kink itself it is 0.
assert mg.testing.gradcheck(term, [np.array([0.3, 2.0, -1.0])])
term(w).backward()
print(f"value {term.value(w):.2f}, gradient {w.grad.data}: 0 on the anchor, ±strength beside it")

# Third the proximal map, against its definition: of many w, the one with the least value.
many = np.linspace(-3, 3, 6_001 if "--quick" in sys.argv else 600_001)
for v in (-2.0, 1.45, 1.56, 1.9):
    price = (many - v) ** 2 / (2 * 0.5) + 0.1 * np.abs(many - 1.5)
    found = Anchored(0.1, np.array([1.5])).prox(mg.tensor([v], dtype="float64"), 0.5).item()
    assert abs(found - many[price.argmin()]) < 2e-3
    print(f"prox({v:+.2f}) = {found:+.3f}, by search {many[price.argmin()]:+.3f}")

# Now a use. Last year's prices depended on eight inputs with the weights in `believed`. This year two of them changed,
# and there are only ten rows, with noise. `truth` is what made the rows; the fits do not see it.
believed = np.array([3.0, -2.0, 0.5, 1.0, 0.0, 2.0, -1.0, 0.0])
truth = believed + np.array([0, 0, 1.5, 0, 0, -2.0, 0, 0])
terms = {"no penalty": None, "L1(0.2)": reg.L1(0.2), "Anchored(0.2)": Anchored(0.2, believed.reshape(-1, 1))}


def fitted(rows, prices, term):
    """The weights that minimize half the mean squared error plus a penalty; FISTA finds its steps by itself."""
    line = nn.Linear(8, 1, bias=False, init="zeros", dtype="float64")
    optimizer = optim.FISTA(line.parameters(), prox=term and reg.on(line, "weight", term))
    optimizer.minimize(lambda: 0.5 * mg.mse(line(mg.tensor(rows)), prices))
    return line.weight.data[:, 0]


# One draw of ten rows can flatter anything, so the errors are means over draws. The weights are those of the last one.
draws = 5 if "--quick" in sys.argv else 40
errors = {name: [] for name in terms}
for seed in range(draws):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((10, 8))
    prices = (rows @ truth + rng.standard_normal(10)).reshape(-1, 1)
    found = {name: fitted(rows, prices, term) for name, term in terms.items()}
    for name in terms:
        errors[name].append(np.linalg.norm(found[name] - truth))
error = {"believed": np.linalg.norm(believed - truth), **{name: np.mean(each) for name, each in errors.items()}}

print("\nweight         " + " ".join(f"{i:6}" for i in range(8)) + "   mean error")
for name, weights in {"truth": truth, "believed": believed, **found}.items():
    print(f"{name:14} " + " ".join(f"{w:6.2f}" for w in weights) + f"   {error.get(name, 0.0):.2f}")
assert error["Anchored(0.2)"] < min(error["believed"], error["no penalty"], error["L1(0.2)"])
kept = (found["Anchored(0.2)"] == believed).sum()  # equal to the last bit, not merely close
print(
    f"look at: {kept} of 8 weights are exactly what was believed; over {draws} draws the error is "
    f"{error['Anchored(0.2)']:.2f}, without a penalty {error['no penalty']:.2f}"
)
