"""Tour 7 of 8: choose λ. What too little and too much cost, what cross-validation does, and whether its pick was good.

python examples/tour/07_choose_lambda.py            about three seconds
python examples/tour/07_choose_lambda.py --quick    fewer λ, and fewer data sets at the end

λ is the strength of a penalty. The training error cannot choose it, because it is always least at λ = 0.
"""

import sys
import warnings

import numpy as np

from minigrad import data, linear_model, selection

quick = "--quick" in sys.argv

# 80 rows with 40 inputs, of which 5 matter. They are made by a formula, so we can also draw 10,000 new rows and see
# what each λ is really worth. With data of one's own nobody can.
made = data.regression(10_080, 40, noise=2.0, nonzero=5, seed=4, dtype="float64")
x, y, new_x, new_y = made.x[:80], made.y[:80], made.x[80:], made.y[80:]


def error(model, x, y):
    return np.mean((model.output(x).ravel() - y) ** 2)


# Five folds: each row is held out once, and a model that did not see it predicts it.
order = np.random.default_rng(0).permutation(80)
folds = [(np.setdiff1d(order, held_out), np.sort(held_out)) for held_out in np.split(order, 5)]
family = linear_model.Regression()  # half the mean squared error + λ Σ|w|: the lasso
result = selection.cross_validate(family, x, y, count=12 if quick else 30, folds=folds)

print("mean squared errors by λ; inputs: how many weights are not 0; ±: standard error over the folds")
print("       λ   inputs   training     in folds   new rows")
training = [error(model, x, y) for model in result.path]
truth = [error(model, new_x, new_y) for model in result.path]
notes = {result.best: "<- least error in the folds", result.one_se: "<- largest λ within one ± of it"}
for i, model in enumerate(result.path):
    if i in notes or i % 4 == 0 or i == len(truth) - 1:
        in_folds = f"{result.mean[i]:5.2f} ± {result.error[i]:.2f}"
        print(
            f"{result.lambdas[i]:8.4f} {model.nonzeros:8} {training[i]:10.2f} {in_folds:>12} {truth[i]:10.2f}"
            + (f"  {notes[i]}" if i in notes else "")
        )
assert all(np.diff(training) < 1e-9), "less λ, less training error: always"
assert 0 < result.best < len(truth) - 1 and result.mean[-1] > 1.3 * result.mean[result.best]

# No magic: the number in the folds is what a loop of three lines finds at that λ.
lam = result.lambda_min
by_hand = [error(family.start(x[kept], y[kept]).fit(lam), x[out], y[out]) for kept, out in folds]
assert np.allclose(np.mean(by_hand), result.mean[result.best], rtol=1e-6)
print(f"\nby hand at λ = {lam:.3f}: {np.round(by_hand, 2)}, mean {np.mean(by_hand):.2f}")

# Was it a good pick, or luck? The same with other data sets: the error of the pick on new rows, beside that of the
# best λ of the grid (which only the new rows can tell), of no penalty, and of predicting the mean.
# In some of them the inputs matter so little that the best λ leaves no weight at all. minigrad warns of that; not here.
warnings.simplefilter("ignore", selection.SelectionWarning)
sets = 5 if quick else 40
rows = []
for seed in range(sets):
    made = data.regression(2_080, 40, noise=2.0, nonzero=5, seed=100 + seed, dtype="float64")
    few, rest = (made.x[:80], made.y[:80]), (made.x[80:], made.y[80:])
    found = selection.cross_validate(family, *few, count=12, seed=seed)
    every = [error(model, *rest) for model in found.path]
    nothing = error(family.start(*few).fit(0.0), *rest)
    rows.append([min(every), every[found.best], every[found.one_se], nothing, error(found.path[0], *rest)])
names = ["best λ of the grid", "pick: least error", "pick: one standard error", "no penalty", "only the mean"]
mean = dict(zip(names, np.mean(rows, axis=0)))
print(f"\nerror on new rows, mean over {sets} data sets; 4 is the noise, which nothing can predict:")
for name, value in mean.items():
    print(f"  {name:26} {value:6.2f}")
assert mean["best λ of the grid"] <= mean["pick: least error"] < 0.8 * mean["no penalty"]
print(
    f"look at: λ from the folds costs {mean['pick: least error'] - mean['best λ of the grid']:.2f} more than the best "
    f"λ there is; no penalty costs {mean['no penalty'] - mean['best λ of the grid']:.2f} more"
)
