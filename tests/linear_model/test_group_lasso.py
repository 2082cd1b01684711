"""The group lasso and its sparse form: optimality conditions, λ_max, brute force, equal models, and other libraries."""

import itertools

import numpy as np
import pytest

from minigrad.linear_model import GroupLasso, Logistic, Poisson, Regression
from minigrad.linear_model.group_lasso import partition

SIZES = [1, 2, 3, 4, 5, 5]
LABELS = np.repeat(range(6), SIZES)


def rows(m=80, seed=0, loss="squared"):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((m, 20)) + 0.5
    x[:, 10:15] += 2 * x[:, [10]]  # a group of columns that go together
    score = x[:, 1] - x[:, 2] + x[:, 3:6] @ [1, 0, -1] + 0.5 * draw.standard_normal(m)
    y = {"squared": score, "logistic": (score > 0).astype(int), "poisson": draw.poisson(np.exp(score / 3))}[loss]
    return x, y, draw.uniform(0.5, 2, m)


def residuals(loss, y, output):
    return y - {"squared": output, "logistic": 1 / (1 + np.exp(-output)), "poisson": np.exp(output)}[loss]


def violation(g, w, labels, l1, strength):
    """How far a gradient g of the smooth part is from the conditions of each group."""
    worst = 0.0
    for label in set(labels.tolist()):
        at = labels == label
        size, s = np.linalg.norm(w[at]), strength * np.sqrt(at.sum())
        if size == 0:
            worst = max(worst, np.linalg.norm(np.maximum(np.abs(g[at]) - l1, 0)) - s)
        else:
            on = np.abs(g[at] - l1 * np.sign(w[at]) - s * w[at] / size)
            worst = max(worst, np.where(w[at] != 0, on, np.maximum(np.abs(g[at]) - l1, 0)).max())
    return worst


@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson"])
@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("m", [80, 15])
def test_optimality_down_a_path(m, ratio, loss):
    x, y, weights = rows(m, loss=loss)
    family = GroupLasso(groups=LABELS, l1_ratio=ratio, loss=loss, l2=0.01)
    solver, share = family.start(x, y, weights), weights / weights.sum()
    top, before = solver.lambda_max(), 0.0
    assert solver.fit(top * (1 + 1e-12)).nonzeros == 0 < solver.fit(top * 0.999).nonzeros
    for lam in top * np.geomspace(0.9, 0.01, 6):
        model = solver.fit(lam)
        left = share * residuals(loss, y, model.output(x))
        off = violation(
            x.T @ left - 0.01 * model.coefficients, model.coefficients, LABELS, lam * ratio, lam * (1 - ratio)
        )
        assert off < 1e-10 * top and abs(left.sum()) < 1e-10 * top and not model.trouble
        assert 0 <= model.gap < 1e-9 * model.null_deviance and model.violation < 1e-10 * top
        assert before < model.deviance_explained
        before = model.deviance_explained
        norms = [np.linalg.norm(model.coefficients[g == LABELS]) for g in range(6)]
        if ratio == 0:
            assert all((norm > 0) == model.coefficients[g == LABELS].all() for g, norm in enumerate(norms))


@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson"])
def test_ratio_1_is_the_lasso(loss):
    x, y, weights = rows(loss=loss)
    lasso = {"squared": Regression, "logistic": Logistic, "poisson": Poisson}[loss]().start(x, y, weights)
    group = GroupLasso(groups=LABELS, l1_ratio=1.0, loss=loss).start(x, y, weights)
    assert group.lambda_max() == pytest.approx(lasso.lambda_max(), rel=1e-12)
    one, other = lasso.fit(0.05), group.fit(0.05)
    assert other.coefficients == pytest.approx(one.coefficients, abs=1e-9)
    assert other.intercept == pytest.approx(one.intercept, abs=1e-9)


def test_groups_of_one_are_the_lasso():
    x, y, weights = rows()
    one, other = Regression().start(x, y, weights).fit(0.05), GroupLasso().start(x, y, weights).fit(0.05)
    assert other.coefficients == pytest.approx(one.coefficients, abs=1e-10)


@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_the_gap_bounds_the_objective_from_above(ratio):
    x, y, _ = rows()
    solver = GroupLasso(groups=LABELS, l1_ratio=ratio).start(x, y)
    best = solver.fit(0.1)
    problem, least = solver.problem, solver.v.copy()
    penalty = solver.penalty(best.l1, best.l2)

    def objective(v):
        return problem.loss(problem.outputs(v)) + penalty.value(v)

    draw = np.random.default_rng(1)
    for size in (1e-5, 1e-2, 1.0):
        v = least + size * draw.standard_normal(least.shape)
        u = solver.term.balanced(solver.term.residuals(problem.outputs(v)), problem.share)
        assert problem.gap(v, u, penalty) >= objective(v) - objective(least) - 1e-12


def test_against_a_search_over_two_groups():
    draw = np.random.default_rng(5)
    x = draw.standard_normal((12, 3))
    y = x @ [1.0, -0.5, 0.2] + 0.1 * draw.standard_normal(12)
    model = GroupLasso(groups=[[0, 1]], l1_ratio=0.3, fit_intercept=False).start(x, y).fit(0.2)
    w = np.array(list(itertools.product(*[c + np.linspace(-0.02, 0.02, 41) for c in model.coefficients])))
    loss = 0.5 * ((y - w @ x.T) ** 2).mean(1) + 0.2 * 0.3 * np.abs(w).sum(1)
    objective = loss + 0.2 * 0.7 * (np.sqrt(2) * np.hypot(w[:, 0], w[:, 1]) + np.abs(w[:, 2]))
    assert np.abs(w[objective.argmin()] - model.coefficients).max() < 1e-3


def test_factors_and_free_groups():
    x, y, _ = rows()
    f = np.repeat([0, 1, 2, 1, 1, 0.5], SIZES)
    solver = GroupLasso(groups=LABELS, penalty_factor=f).start(x, y)
    model = solver.fit(1.001 * solver.lambda_max())
    assert (model.coefficients != 0).tolist() == (f == 0).tolist() and np.isnan(model.gap)
    assert solver.fit(0.999 * solver.lambda_max()).nonzeros > 1
    f = np.where(f == 0, 1, f)
    scaled = GroupLasso(groups=LABELS).start(x / f, y).fit(0.05).coefficients / f
    assert GroupLasso(groups=LABELS, penalty_factor=f).start(x, y).fit(0.05).coefficients == pytest.approx(
        scaled, abs=1e-9
    )


def test_labels_lists_and_words_are_one():
    x, y, _ = rows()
    lists = [np.flatnonzero(g == LABELS).tolist() for g in range(6)]
    words = [f"g{g}" for g in LABELS]
    found = [GroupLasso(groups=g).start(x, y).fit(0.05).coefficients for g in (LABELS, lists, words, lists[1:])]
    assert all(w.tolist() == found[0].tolist() for w in found[1:3])
    assert found[3] == pytest.approx(found[0], abs=1e-10)
    assert partition(((1,),), 3) == [[1], [0], [2]]


def test_what_is_refused():
    x, y, _ = rows()
    for groups, message in (
        ([0, 1], "groups has 2 labels; need one for each of 20 columns"),
        ([[0, 1], [1, 2]], "column 1 is named twice"),
        ([[0, 20]], "names column 20; x has columns 0 to 19"),
        ([[0.5]], "names column 0.5"),
    ):
        with pytest.raises(ValueError, match=message):
            GroupLasso(groups=groups).start(x, y)
    for groups in ("town", 3, [[0], 1]):
        with pytest.raises(TypeError, match="need a label for each column, or lists of columns"):
            GroupLasso(groups=groups)
    with pytest.raises(ValueError, match=r"penalty_factor is \[1.0, 2.0\] in group 1"):
        GroupLasso(groups=LABELS, penalty_factor=[1, 1, 2] + 17 * [1]).start(x, y)
    with pytest.raises(ValueError, match="loss is 'hinge'; need one of squared, logistic, poisson"):
        GroupLasso(loss="hinge")
    with pytest.raises(ValueError, match="every row is of class 1"):
        GroupLasso(loss="logistic").start(x, np.ones(80, int))
    with pytest.raises(ValueError, match="y has 3: use Logistic"):
        GroupLasso(loss="logistic").start(x, np.arange(80) % 3, classes=3)
    with pytest.raises(ValueError, match="row 0 is -1"):
        GroupLasso(loss="poisson").start(x, np.full(80, -1))
    with pytest.raises(ArithmeticError, match="column 0 is about 1e"):
        GroupLasso().start(x * 1e120, y)
    with pytest.raises(ValueError, match="GroupLasso takes no bounds"):
        GroupLasso(lower=0).start(x, y)


def test_the_mean_of_each_loss():
    x, y, _ = rows(loss="logistic")
    model = GroupLasso(groups=LABELS, loss="logistic").start(x, y).fit(0.02)
    assert model.mean(x) == pytest.approx(1 / (1 + np.exp(-model.output(x))))


@pytest.mark.peers
@pytest.mark.parametrize("lam", [0.5, 0.05])
def test_celer(lam):
    celer = pytest.importorskip("celer", reason="needs celer")
    x, y, _ = rows()
    groups = [np.flatnonzero(g == LABELS).tolist() for g in range(6)]
    other = celer.GroupLasso(groups=groups, alpha=lam, tol=1e-15, weights=np.sqrt(SIZES), max_iter=1000)
    other.fit(np.asfortranarray(x), y)
    model = GroupLasso(groups=groups).start(x, y).fit(lam)
    assert model.coefficients == pytest.approx(other.coef_, abs=1e-8)
    assert model.intercept == pytest.approx(other.intercept_, abs=1e-8)


@pytest.mark.peers
def test_skglm():
    pytest.importorskip("skglm", reason="needs skglm")
    from skglm.datafits import QuadraticGroup
    from skglm.penalties import WeightedGroupL2
    from skglm.solvers import GroupBCD
    from skglm.utils.data import grp_converter

    x, y, _ = rows()
    x, y = np.asfortranarray(x - x.mean(0)), y - y.mean()
    indices, ptr = grp_converter(SIZES, 20)
    penalty = WeightedGroupL2(0.05, np.sqrt(SIZES), ptr, indices)
    w = GroupBCD(tol=1e-13, fit_intercept=False, max_iter=1000).solve(x, y, QuadraticGroup(ptr, indices), penalty)[0]
    model = GroupLasso(groups=LABELS, fit_intercept=False).start(x, y).fit(0.05)
    assert model.coefficients == pytest.approx(w, abs=1e-8)
