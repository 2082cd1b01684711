"""Tour 4 of 8: L1 and L2. Two prices on weights: what each does to one weight, and to two inputs that say the same.

python examples/tour/04_l1_and_l2.py            a second
python examples/tour/04_l1_and_l2.py --quick    fewer rows in the last part

minigrad means one thing by each: l1 Σ|w| and (l2/2) Σw², added to the mean loss.
"""

import sys

import numpy as np

import minigrad as mg
from minigrad import linear_model, nn, optim, reg

# How hard do they pull? The gradient of the price says it. L1 pulls with one force, L2 with a force that fades with w.
sizes = [2.0, 1.0, 0.1, 0.01]
print("weight           " + " ".join(f"{w:7}" for w in sizes))
for name, term in {"L1(0.1)": reg.L1(0.1), "L2(0.1)": reg.L2(0.1)}.items():
    w = mg.tensor(sizes, dtype="float64", requires_grad=True)
    term(w).backward()
    print(f"pull of {name}  " + " ".join(f"{g:7.3f}" for g in w.grad.data))
    assert np.allclose(w.grad.data, 0.1 if name == "L1(0.1)" else 0.1 * np.array(sizes))


# One weight. The data want w = v: the loss is ½(w - v)². With the price, the minimum is v - λ for L1, or 0 where v ≤ λ,
# and v/(1 + λ) for L2: set the slope (w - v) + λ, or (w - v) + λw, to zero. FISTA finds both from the objective alone.
def minimum(v, term):
    model = nn.Linear(1, 1, bias=False, init="zeros", dtype="float64")
    optimizer = optim.FISTA(model.parameters(), prox=reg.on(model, "weight", term))
    optimizer.minimize(lambda: 0.5 * mg.sum((model.weight - v) ** 2))
    return model.weight.item()


print("\nthe data want   L1(0.5) leaves   L2(0.5) leaves")
for v in (2.0, 0.6, 0.4):
    by_l1, by_l2 = minimum(v, reg.L1(0.5)), minimum(v, reg.L2(0.5))
    print(f"{v:13.1f}   {by_l1:14.4f}   {by_l2:14.4f}")
    assert abs(by_l1 - max(v - 0.5, 0.0)) < 1e-8 and abs(by_l2 - v / 1.5) < 1e-8
print("L1 takes 0.5 from each, and makes 0 of what was less. L2 takes a third of each, and makes none 0.")

# The factor 2. Keras writes λ Σw² without the half, so its 0.01 is our 0.02. PyTorch adds 0.01 w to the gradient, which
# is the slope of 0.01/2 w², so its 0.01 is ours.
print("\nthe same price elsewhere:")
three = mg.tensor([3.0], dtype="float64")
for written, term, price in (
    ("Keras l2(0.01)", reg.conventions.keras_l2(0.01), 0.01 * 3**2),
    ("PyTorch weight_decay=0.01", reg.conventions.torch_weight_decay(0.01), 0.01 / 2 * 3**2),
):
    print(f"  {written:26} here {term.name}, which costs {term.value(three):.3f} at w = 3")
    assert abs(term.value(three) - price) < 1e-15

# Two inputs that say the same: the second column is nearly a copy of the first, the third says nothing. The target is
# 2 (first + second), so any split of the 4 between the two fits the data about equally well.
rng = np.random.default_rng(1)
m = 50 if "--quick" in sys.argv else 500
first = rng.standard_normal(m)
rows = np.stack([first, first + 0.05 * rng.standard_normal(m), rng.standard_normal(m)], axis=1)
target = 2 * rows[:, 0] + 2 * rows[:, 1] + 0.5 * rng.standard_normal(m)

lam = 0.3
models = {  # l1_ratio: which share of λ is l1; the rest is l2
    "no penalty": linear_model.Regression(fit_intercept=False).start(rows, target).fit(0.0),
    "L1(0.3)": linear_model.Regression(fit_intercept=False, l1_ratio=1).start(rows, target).fit(lam),
    "L2(0.3)": linear_model.Regression(fit_intercept=False, l1_ratio=0).start(rows, target).fit(lam),
    "half and half": linear_model.Regression(fit_intercept=False, l1_ratio=0.5).start(rows, target).fit(lam),
}
print("\n                  first   copy   noise   Σ|w|   Σw²")
for name, model in models.items():
    w = model.coefficients
    print(f"  {name:14} {w[0]:7.3f} {w[1]:6.3f} {w[2]:7.3f} {np.abs(w).sum():6.2f} {(w * w).sum():5.2f}")

# L2 has a closed form: the slope of the objective, Xᵀ(Xw - y)/m + l2 w, is zero where (XᵀX/m + l2 I) w = Xᵀy/m.
closed = np.linalg.solve(rows.T @ rows / m + lam * np.eye(3), rows.T @ target / m)
ridge, lasso = models["L2(0.3)"].coefficients, models["L1(0.3)"].coefficients
assert np.allclose(ridge, closed, rtol=1e-10)
# L1 has none, but a condition: where w ≠ 0 the slope of the loss is -λ sign(w), and where w = 0 it is -λ to λ.
slope = rows.T @ (rows @ lasso - target) / m
assert np.allclose(slope[lasso != 0], -lam * np.sign(lasso[lasso != 0])) and (np.abs(slope) <= lam * (1 + 1e-6)).all()
# Half of λ for each is the elastic net: it drops the noise as L1 does, and shares the rest as L2 does.
both = models["half and half"].coefficients
assert both[2] == 0 and abs(both[0] - both[1]) < 0.1 * abs(both[0])
assert lasso[2] == 0 and ridge[2] != 0 and abs(ridge[0] - ridge[1]) < 0.1 * abs(ridge[0])
print(
    f"look at: L2 shares the weight ({ridge[0]:.2f} and {ridge[1]:.2f}) and keeps the noise ({ridge[2]:.3f}); "
    f"L1 drops it (exactly {lasso[2]:g})"
)
