"""P4. Salaries of baseball players: the lab on ridge and the lasso of An Introduction to Statistical Learning.

Source: James, Witten, Hastie, Tibshirani 2021, second edition, section 6.5.2. Half of 263 players train, drawn by R's
set.seed(1); sample(1:263, 131) (R 3.6 and later); glmnet standardizes the inputs and reads predictions between the λ of
its grid off a straight line. Its l2 is λ/sd(y): see `minigrad convention "glmnet lambda=326 alpha=0" --sd-y 425`.

    python examples/papers/P4_hitters.py [--quick]
"""

import numpy as np

from minigrad.lab.gallery.paper import Paper, shipped_file, table
from minigrad.linear_model import Regression
from minigrad.reg import conventions

paper = Paper(__file__, __doc__)
TRAIN = np.array(
    """
    1 13 14 20 22 23 24 25 26 28 29 31 33 34 37 39 40 42 43 44 45 48 49 50 51 60 61 64 70 71 73 74 75 78 79 83 84 85
    86 87 89 90 99 102 103 104 105 106 107 108 110 111 113 115 116 118 119 121 122 126 129 130 134 135 138 141 143
    145 146 148 149 150 152 156 160 163 165 166 167 169 172 173 174 176 178 179 181 187 190 193 194 195 196 198 202
    205 206 207 208 209 211 213 215 217 219 222 223 225 229 230 231 232 233 234 235 236 238 239 240 242 244 245 246
    247 248 251 253 254 256 257 262
    """.split(),  # noqa: SIM905, 131 words on a line each
    np.int64,
)
TRUE = {"League": "N", "Division": "W", "NewLeague": "N"}  # R's columns LeagueN, DivisionW, NewLeagueN
GRID = 10.0 ** np.linspace(10, -2, 100)


def hitters():
    """Inputs (263, 19) and salaries of the players who have one, from the files of the package ISLP."""
    names, rows = table(shipped_file("ISLP", "ISLP/data/Hitters.csv"))
    salary = names.index("Salary")
    rows = [row for row in rows if row[salary] not in ("", "NA")]
    inputs = [i for i in range(len(names)) if i != salary]
    x = [[row[i] == TRUE[names[i]] if names[i] in TRUE else float(row[i]) for i in inputs] for row in rows]
    return np.array(x, np.float64), np.array([row[salary] for row in rows], np.float64)


def predicted(solver, alpha, lam, spread, x):
    """glmnet's predictions at λ: a straight line between those at the neighbours in its grid."""
    if lam >= GRID[0]:
        return output(solver, alpha, lam, spread, x)
    above, below = GRID[lam <= GRID][-1], GRID[lam >= GRID][0]
    share = (lam - below) / (above - below) if above > below else 1.0
    return share * output(solver, alpha, above, spread, x) + (1 - share) * output(solver, alpha, below, spread, x)


def output(solver, alpha, lam, spread, x):
    term = conventions.glmnet(lam, alpha, sd_y=spread)
    return solver.solve(term.l1, term.l2).output(x)


try:
    x, y = hitters()
except ImportError as error:
    paper.lacks(error)
else:
    train = np.isin(np.arange(1, len(y) + 1), TRAIN)
    solver = Regression(standardize=True).start(x[train], y[train])
    spread = float(y[train].std())

    def error_at(alpha, lam):
        return float(((y[~train] - predicted(solver, alpha, lam, spread, x[~train])) ** 2).mean())

    paper.section("Mean squared errors of 132 players")
    paper.agrees("the mean of the training salaries", 224_669.9, float(((y[~train] - y[train].mean()) ** 2).mean()), 1)
    paper.agrees("ridge, λ = 1e10", 224_669.8, error_at(0, 1e10), 1)
    paper.agrees("ridge, λ = 326.08, picked by ten folds", 139_856.6, error_at(0, 326.0828), 1)
    paper.agrees("ridge, λ = 4", 142_199.2, error_at(0, 4), 1, 1.0, "glmnet stops at a threshold, here 1e-12")
    paper.agrees(
        "lasso, λ = 9.287, picked by ten folds",
        143_673.6,
        error_at(1, 9.286955),
        1,
        150.0,
        "the lab leaves glmnet at its default threshold here, 1e-7; ours is the minimum",
    )
    wrong = solver.solve(0.0, 326.0828).output(x[~train])
    paper.says(
        f"Without the division by sd(y) = {spread:.1f} the ridge at the same λ would have the error "
        f"{((y[~train] - wrong) ** 2).mean():,.0f}, that of a strength {spread:.0f} times too large."
    )
    paper.look_at("ridge at 326.08: 139,856.6 to the last digit, with a convention that glmnet's manual hardly states")
