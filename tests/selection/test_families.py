"""Poisson, Huber and group models in cross-validation, paths and criteria: their own scores, and wrong ones refused."""

import functools
import warnings

import numpy as np
import pytest

from minigrad import selection
from minigrad.linear_model import GroupLasso, Huber, Poisson, Regression, relaxed
from minigrad.selection import scores


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)  # picks at the edge of short grids
        yield


def rows(m=90):
    draw = np.random.default_rng(4)
    x = draw.standard_normal((m, 6))
    y = draw.poisson(np.exp(0.6 * x[:, 0] - 0.4 * x[:, 1] + 0.5))
    return x, y, x[:, 0] - x[:, 1] + draw.standard_t(1.5, m), draw.uniform(0.5, 2, m)


def test_the_deviance_of_counts():
    y, mu = np.array([0.0, 1.0, 4.0]), np.array([0.5, 2.0, 3.0])
    unit = 2 * (np.array([0, np.log(1 / 2), 4 * np.log(4 / 3)]) - (y - mu))
    assert scores.poisson_deviance(np.log(mu), y) == pytest.approx(unit.mean())
    assert scores.poisson_deviance(np.log(mu), y, np.array([1.0, 0, 3])) == pytest.approx((unit * [1, 0, 3]).sum() / 4)


def test_the_loss_of_huber():
    r = np.array([0.5, -3.0])
    expected = [0.125, 3 - 0.5]
    assert scores.huber(r, 0 * r, threshold=1.0) == pytest.approx(np.mean(expected))
    with pytest.raises(ValueError, match=r"this one has none: use linear_model\.Huber"):
        scores.huber(r, 0 * r)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["poisson", "huber", "group", "group of counts", "sparse group of classes"])
def test_cross_validation_of_every_family(name, weighted):
    x, counts, numbers, weights = rows()
    groups = [0, 0, 1, 1, 2, 2]
    family, y = {
        "poisson": (Poisson(l1_ratio=0.8), counts),
        "huber": (Huber(scale=0.9), numbers),
        "group": (GroupLasso(groups=groups), numbers),
        "group of counts": (GroupLasso(groups=groups, loss="poisson"), counts),
        "sparse group of classes": (GroupLasso(groups=groups, l1_ratio=0.5, loss="logistic"), numbers > 0),
    }[name]
    told = {"weights": weights} if weighted else {}
    result = selection.cross_validate(family, x, y, count=8, folds=3, **told)
    assert result.score == family.score and not result.failures
    train, test = list(selection.KFold(3, stratified=family.classifies).split(x, y))[1]
    model = family.start(
        x[train],
        y[train].astype(int) if family.classifies else y[train],
        **({"weights": weights[train]} if weighted else {}),
    ).fit(result.lambdas[3])
    score = {
        "poisson_deviance": scores.poisson_deviance,
        "log_loss": scores.log_loss,
        "mse": scores.mse,
        "huber": functools.partial(scores.huber, threshold=1.35 * 0.9),
    }[family.score]
    expected = score(model.output(x[test]), y[test], *([weights[test]] if weighted else []))
    assert result.scores[1, 3] == pytest.approx(expected, rel=1e-7)
    assert result.path[0].nonzeros == 0 < result.path[-1].nonzeros
    assert result.lambdas[0] / result.lambdas[-1] == pytest.approx(1000 if family.l1_ratio != 0.8 else 1250)


def test_wrong_scores_are_refused():
    x, counts, numbers, _ = rows()
    for family, y, score, message in (
        (
            Poisson(),
            counts,
            "mse",
            "'mse' takes predictions, and Poisson answers log rates of counts: use 'poisson_dev",
        ),
        (Regression(), counts, "poisson_deviance", "takes log rates of counts, and Regression answers predictions"),
        (Poisson(), counts, "accuracy", "one of classes, and Poisson predicts numbers: use 'poisson_deviance'"),
        (GroupLasso(loss="logistic"), counts > 1, "mse", "one of numbers, and GroupLasso predicts classes"),
        (Regression(), numbers, "huber", "this one has none: use linear_model.Huber"),
    ):
        with pytest.raises(ValueError, match=message):
            selection.cross_validate(family, x, y, score=score, folds=3, count=3)
    assert selection.cross_validate(Poisson(), x, counts, score="neg_mean_poisson_deviance", folds=3, count=4).path


def test_counts_below_0_are_refused_by_row():
    x, counts, *_ = rows()
    counts = counts.astype(float)
    counts[11] = -2
    with pytest.raises(ValueError, match="y: row 11 is -2; Poisson predicts counts, of at least 0"):
        selection.cross_validate(Poisson(), x, counts)
    with pytest.raises(ValueError, match="y: row 11 is -2; GroupLasso predicts counts"):
        selection.cross_validate(GroupLasso(loss="poisson"), x, counts)


def test_a_fold_without_counts_is_told():
    x = np.random.default_rng(0).standard_normal((30, 2))
    y = np.zeros(30)
    y[:10] = 3 + np.arange(10) % 2
    parts = [(np.arange(10, 30), np.arange(10)), (np.arange(20), np.arange(20, 30))]
    with pytest.raises(ValueError, match=r"no λ was fitted in every fold; .*y is 0 in every row that counts"):
        selection.cross_validate(Poisson(), x, y, folds=parts, lambdas=[0.1])


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_criteria_of_counts(ratio):
    x, counts, _, weights = rows()
    found = selection.criteria(Poisson(l1_ratio=ratio), x, counts, count=6, weights=weights)
    w = weights / weights.mean()
    for i, model in enumerate(found.path):
        mu = model.mean(x)
        twice = scores.poisson_deviance(model.output(x), counts, weights) * 90
        z = x - np.average(x, axis=0, weights=weights)
        at = np.flatnonzero(model.coefficients) if ratio else np.arange(6)
        gram = (z[:, at] * (w * mu)[:, None]).T @ z[:, at]
        df = 1 + np.trace(np.linalg.solve(gram + 90 * model.l2 * np.eye(len(at)), gram))
        assert found.df[i] == pytest.approx(df) and found.aic[i] == pytest.approx(twice + 2 * df)
        assert found.bic[i] == pytest.approx(twice + df * np.log(90)) and found.loss[i] == pytest.approx(twice / 90)
    assert np.isnan(found.loo).all() and "judges counts" in found.notes[0]
    with pytest.raises(TypeError, match="Regression, Logistic and Poisson, not of Huber"):
        selection.criteria(Huber(), x, counts)


def test_logs_tell_families_apart(tmp_path):
    x, counts, numbers, _ = rows()
    log = tmp_path / "log.jsonl"
    selection.cross_validate(Huber(scale=1.0), x, numbers, [0.1, 0.01], folds=3, log=log, refit=False)
    selection.cross_validate(Huber(scale=1.0), x, numbers, [0.1, 0.01], folds=3, log=log, refit=False)
    with pytest.raises(ValueError, match="scale"):
        selection.cross_validate(Huber(scale=2.0), x, numbers, [0.1, 0.01], folds=3, log=log, refit=False)
    settings = GroupLasso(groups=["a", "a", "b"], l1_ratio=0.5).settings()
    assert settings["groups"] == ("a", "a", "b") and settings["model"] == "GroupLasso"


def test_offsets_in_folds_and_criteria():
    x, counts, _, weights = rows()
    days = np.linspace(1, 4, 90)
    counts = np.random.default_rng(8).poisson(days * np.exp(0.5 * x[:, 0]))
    told = {"offset": np.log(days), "weights": weights}
    result = selection.cross_validate(Poisson(), x, counts, [0.2, 0.05], folds=3, **told)
    train, test = next(iter(selection.KFold(3).split(x, counts)))
    model = Poisson().start(x[train], counts[train], weights[train], np.log(days)[train]).fit(0.2)
    output = model.output(x[test], np.log(days)[test])
    assert result.scores[0, 0] == pytest.approx(scores.poisson_deviance(output, counts[test], weights[test]))
    found = selection.criteria(Poisson(), x, counts, [0.2, 0.05], **told)
    output = found.path[1].output(x, np.log(days))
    assert found.loss[1] == pytest.approx(scores.poisson_deviance(output, counts, weights))
    assert found.loss[1] == pytest.approx(found.path[1].deviance)


def test_no_relaxed_refits():
    x, counts, *_ = rows()
    model = Poisson().start(x, counts).fit(0.1)
    with pytest.raises(TypeError, match="relaxed: family is a Poisson"):
        relaxed(Poisson(), model, x, counts)
