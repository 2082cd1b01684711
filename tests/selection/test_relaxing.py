"""Picks refitted on their supports: by hand in every fold, with gaps and weights, and what fails in one of them."""

import numpy as np
import pytest

from minigrad import selection
from minigrad.data.prepare.imputation import MeanImputer
from minigrad.linear_model import Logistic, Regression, relaxed
from minigrad.selection.relaxing import relax
from minigrad.selection.scores import as_score


def rows(m=60, p=6):
    draw = np.random.default_rng(m)
    x = draw.standard_normal((m, p))
    return x, 2 * x[:, 0] - x[:, 1] + draw.standard_normal(m)


def test_errors_of_folds_by_hand():
    """Gaps are filled by the means of the training rows, weights count in fits and in scores."""
    x, y = rows()
    weights = 1.0 + np.arange(60) % 3
    x[np.random.default_rng(1).random(x.shape) < 0.05] = np.nan
    family = selection.Imputed(Regression())
    data = selection.prepare(family, x, y, weights)
    pairs = list(selection.KFold(4, seed=2).split(x, y))
    found = relax(family, data, pairs, 0.3, as_score("mse"))
    for f, (train, test) in enumerate(pairs):
        fill = MeanImputer(x[train])
        filled, w = fill(x[train]), weights[train]
        model = relaxed(Regression(), Regression().start(filled, y[train], w).fit(0.3), filled, y[train], weights=w)
        error = np.average((y[test] - model.output(fill(x[test]))) ** 2, weights=weights[test])
        assert found.scores[f] == pytest.approx(error, rel=1e-9)
    assert found.mean == pytest.approx(found.scores.mean()) and not found.failed
    assert found.error == pytest.approx(found.scores.std(ddof=1) / 2)
    assert found.model.output(x).shape == (60,) and found.model.nonzeros < 6


def test_a_support_larger_than_the_rows_is_noted():
    x, y = rows(12, 30)
    family = Regression(l1_ratio=0.1)
    pairs = list(selection.KFold(3).split(x, y))
    found = relax(family, selection.prepare(family, x, y), pairs, 0.1, as_score("mse"))
    assert np.isnan(found.scores).all() and np.isnan(found.mean) and found.model is None
    assert len(found.failed) == 4 and "fold 0: relaxed: the support has" in found.failed[0]
    assert found.failed[-1].startswith("all rows: relaxed: the support has")


def test_separated_classes_are_noted():
    x, y = rows()
    labels = (x[:, 0] > 0).astype(int)
    family = Logistic()
    data = selection.prepare(family, x, labels)
    found = relax(family, data, list(selection.KFold(3).split(x, labels)), 0.05, as_score("accuracy"))
    assert "all rows: Logistic" in found.failed[-1] and "separable" in found.failed[-1]
