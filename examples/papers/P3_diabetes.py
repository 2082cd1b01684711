"""P3. The order in which the lasso takes up the ten inputs of the diabetes data.

Source: Efron, Hastie, Johnstone, Tibshirani 2004, Ann. Statist. 32, figures 1, 3, table 1 (age sex bmi map tc ldl hdl
tch ltg glu are 1 to 10): 3 9 4 7 2 10 5 8 6 1; then 7 leaves and comes back, 12 steps in all. Recalled.

    python examples/papers/P3_diabetes.py [--quick]
"""

import numpy as np

from minigrad.lab.gallery.paper import Paper, entries, shipped_file, table
from minigrad.lab.pages.selection_figures import coefficient_paths
from minigrad.linear_model import Regression
from minigrad.selection import log_spaced

paper = Paper(__file__, __doc__)
ORDER = [3, 9, 4, 7, 2, 10, 5, 8, 6, 1, -7, 7]
NAMES = ("age", "sex", "bmi", "map", "tc", "ldl", "hdl", "tch", "ltg", "glu")


def diabetes():
    """Inputs (442, 10) and the target, from the files of scikit-learn."""
    folder = "sklearn/datasets/data/"
    parts = []
    for name in ("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz"):
        path = shipped_file("scikit-learn", folder + name)
        first, rows = table(path)
        parts.append(np.array([" ".join(row).split() for row in [first, *rows]], np.float64))
    return parts[0], parts[1][:, 0]


try:
    x, y = diabetes()
except ImportError as error:
    paper.lacks(error)
else:
    solver = Regression(standardize=True).start(x, y)
    lambdas = log_spaced(solver.lambda_max(), 1e-5 * solver.lambda_max(), paper.size["λ"])
    path = [solver.fit(float(lam)) for lam in lambdas]
    found = entries([model.coefficients for model in path])
    paper.section("Inputs as they enter, from the largest λ down; -7 is 7 leaving")
    paper.shows("printed  " + " ".join(map(str, ORDER)) + "\nours     " + " ".join(map(str, found)))
    paper.holds("the twelve steps are the same", found == ORDER)
    scaled = np.array([model.coefficients for model in path]) * solver.design.scale
    paper.figure(
        lambda: coefficient_paths(lambdas, scaled.T, NAMES, [model.nonzeros for model in path], {}),
        "Coefficients of the ten standardized inputs over λ",
    )
    paper.look_at("hdl, 7: it enters fourth, its coefficient passes through 0 near the end, and it comes back")
