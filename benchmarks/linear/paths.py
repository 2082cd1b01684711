"""Paths of linear models: 20 strengths from λ_max down to a twentieth of it, each fit from the last.

A call makes the rows known to a solver and fits the whole path, as a user would. All solve mean loss + λ penalty with
an unpenalised intercept, and stop where their own rule says so; the tolerances below are such that the objectives,
which must agree, are within 1e-8 of the least, relative to the model without inputs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..harness.case import Case, Run

TITLE = "paths of linear models, float64: 20 λ from λ_max to λ_max/20"
UNIT = ""
BASE = "sklearn"
ROOFS = ()
KERNELS = ("coordinate_descent",)
STATEFUL = False
ALL_VARIANTS = False
TOLERANCE = 1e-7
COUNT, LEAST, GROUP = 20, 0.05, 5
KINDS = ("lasso", "enet", "logistic", "group", "sparse")
Path = list[tuple[np.ndarray, float]]  # (coefficients, intercept) at each λ


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are kind:rows x columns, such as lasso:1000x200."""
    some = ["lasso:200x40", "logistic:200x20"]
    every = ["lasso:1000x200", "lasso:200x2000", "enet:1000x200", "logistic:500x100", "group:1000x200"]
    return [case(size) for size in sizes or (some if quick else [*every, "sparse:2000x10000"])]


def case(size: str) -> Case:
    kind, _, shape = size.partition(":")
    try:
        m, p = map(int, shape.split("x"))
    except ValueError:
        raise ValueError(f"paths: {size!r} is no size; need kind:rows x columns, such as lasso:1000x200") from None
    if kind not in KINDS or m < 2 or p < 1 or (kind == "group" and p % GROUP):
        raise ValueError(f"paths: {size!r}; need {', '.join(KINDS)}; of group a multiple of {GROUP} columns")
    return Case(
        size, "float64", {"kind": kind, "m": m, "p": p}, 0.0, 16.0 * 10 * m if kind == "sparse" else 8.0 * m * p
    )


def seconds(case: Case) -> float:
    """How long the rounds of a case may take together."""
    return 6.0


class Problem:
    """Rows with a few columns that matter, the path of λ, and the objective that all minimize."""

    def __init__(self, case: Case) -> None:
        self.kind, m, p = case.params["kind"], case.params["m"], case.params["p"]
        rng = np.random.default_rng(0)
        self.x: Any = rng.standard_normal((m, p))
        if self.kind == "sparse":
            from scipy.sparse import csc_matrix

            columns = rng.integers(0, p, (m, 10))
            entries = rng.standard_normal(10 * m), (np.repeat(np.arange(m), 10), columns.ravel())
            self.x = csc_matrix(entries, shape=(m, p))
        w = np.zeros(p)
        w[: max(1, p // 20)] = rng.standard_normal(max(1, p // 20))
        self.y = self.x @ w + rng.standard_normal(m)
        if self.kind == "logistic":
            self.y = (self.y > 0).astype(np.float64)
        self.ratio = 0.5 if self.kind == "enet" else 1.0
        slopes = np.abs(self.x.T @ (self.y - self.y.mean())) / m
        if self.kind == "group":
            slopes = np.sqrt((slopes.reshape(-1, GROUP) ** 2).sum(1) / GROUP)
        self.lambdas = np.geomspace(slopes.max() / self.ratio, LEAST * slopes.max() / self.ratio, COUNT)

    def loss(self, w: np.ndarray, b: float) -> float:
        score = self.x @ w + b
        if self.kind == "logistic":
            return float(np.mean(np.logaddexp(0, score) - self.y * score))
        return float(0.5 * np.mean((self.y - score) ** 2))

    def penalty(self, w: np.ndarray) -> float:
        if self.kind == "group":
            return float(np.sqrt(GROUP) * np.sqrt((w.reshape(-1, GROUP) ** 2).sum(1)).sum())
        return float(self.ratio * np.abs(w).sum() + (1 - self.ratio) / 2 * (w * w).sum())

    def answer(self, path: Path) -> list[float]:
        """Σ over the path of the objectives over the loss without inputs, twice: the harness compares pairs."""
        null = self.loss(np.zeros(self.x.shape[1]), self.null())
        found = [(self.loss(w, b) + lam * self.penalty(w)) / null for lam, (w, b) in zip(self.lambdas, path)]
        return [float(np.sum(found)), float(np.sum(found))]

    def null(self) -> float:
        mean = float(self.y.mean())
        return float(np.log(mean / (1 - mean))) if self.kind == "logistic" else mean

    def run(self, fit: Callable[[], Path]) -> dict[str, Run]:
        """One row: what `fit` takes, and its objectives."""
        path: list[Path] = [[]]

        def call() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                path[0] = fit()

        return {"": Run(call, lambda: self.answer(path[0]))}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    from minigrad import linear_model

    problem = Problem(case)
    families = {"logistic": linear_model.Logistic(), "enet": linear_model.Regression(0.5)}
    family: Any = families.get(problem.kind, linear_model.Regression())
    if problem.kind == "group":
        family = linear_model.GroupLasso(groups=np.repeat(np.arange(case.params["p"] // GROUP), GROUP))
    y = problem.y.astype(np.int64) if problem.kind == "logistic" else problem.y

    def fit() -> Path:
        solver = family.start(problem.x, y)
        models = [solver.fit(lam) for lam in problem.lambdas.tolist()]
        return [(model.coefficients, float(model.intercept)) for model in models]

    return problem.run(fit)


def by_sklearn(case: Case) -> dict[str, Run]:
    from sklearn import linear_model

    problem = Problem(case)
    if problem.kind == "group":
        return {}
    if problem.kind == "logistic":

        def classify() -> Path:
            found = []
            model = linear_model.LogisticRegression(
                l1_ratio=1, solver="liblinear", tol=1e-6, intercept_scaling=1e3, max_iter=10_000
            )
            for lam in problem.lambdas:
                model.set_params(C=1 / (lam * len(problem.y))).fit(problem.x, problem.y)
                found.append((model.coef_[0], float(model.intercept_[0])))
            return found

        return problem.run(classify)

    def fit() -> Path:
        model = linear_model.ElasticNet(l1_ratio=problem.ratio, tol=1e-9, max_iter=100_000, warm_start=True)
        found = []
        for lam in problem.lambdas:
            model.set_params(alpha=lam).fit(problem.x, problem.y)
            found.append((model.coef_.copy(), float(model.intercept_)))
        return found

    return problem.run(fit)


def by_celer(case: Case) -> dict[str, Run]:
    import celer

    problem = Problem(case)
    options = {"tol": 1e-9, "warm_start": True}
    if problem.kind in ("sparse", "logistic"):
        return {}  # it takes half a minute; it has no intercept
    if problem.kind == "group":
        weights = np.full(case.params["p"] // GROUP, np.sqrt(GROUP))
        model = celer.GroupLasso(groups=GROUP, weights=weights, **options)
    elif problem.kind == "enet":
        model = celer.ElasticNet(l1_ratio=0.5, **options)
    else:
        model = celer.Lasso(**options)

    def fit() -> Path:
        found = []
        for lam in problem.lambdas:
            model.set_params(alpha=lam).fit(problem.x, problem.y)
            found.append((np.ravel(model.coef_).copy(), float(np.ravel(model.intercept_)[0])))
        return found

    return problem.run(fit)


def by_skglm(case: Case) -> dict[str, Run]:
    import skglm

    problem = Problem(case)
    options = {"tol": 1e-8, "warm_start": True}
    if problem.kind == "sparse":
        return {}  # it takes minutes
    if problem.kind == "group":
        weights = np.full(case.params["p"] // GROUP, np.sqrt(GROUP))
        model = skglm.GroupLasso(groups=GROUP, weights=weights, **options)
    elif problem.kind == "logistic":
        model = skglm.SparseLogisticRegression(**options)
    elif problem.kind == "enet":
        model = skglm.ElasticNet(l1_ratio=0.5, **options)
    else:
        model = skglm.Lasso(**options)

    def fit() -> Path:
        found = []
        for lam in problem.lambdas:
            model.set_params(alpha=lam).fit(problem.x, problem.y)
            found.append((np.ravel(model.coef_).copy(), float(np.ravel(model.intercept_)[0])))
        return found

    return problem.run(fit)


def by_adelie(case: Case) -> dict[str, Run]:
    import adelie

    problem = Problem(case)
    if problem.kind == "sparse":
        return {}
    x, p = np.asfortranarray(problem.x), case.params["p"]
    groups = np.arange(0, p, GROUP) if problem.kind == "group" else np.arange(p)
    glm = adelie.glm.binomial if problem.kind == "logistic" else adelie.glm.gaussian

    def fit() -> Path:
        state = adelie.grpnet(
            x, glm(problem.y), groups=groups, alpha=problem.ratio, lmda_path=problem.lambdas, early_exit=False,
            progress_bar=False, tol=1e-12, n_threads=1,
        )  # fmt: skip
        return [(w, float(b)) for w, b in zip(state.betas.toarray(), state.intercepts)]

    return problem.run(fit)
