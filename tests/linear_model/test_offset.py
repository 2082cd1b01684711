"""Offsets: shifted targets, statsmodels' GLM, folds, and models that ask for theirs."""

import warnings

import numpy as np
import pytest
from linear_model.tables import table

from minigrad import selection
from minigrad.errors import NonFiniteError, ShapeError
from minigrad.linear_model import Logistic, Regression

FAMILIES = [Regression(), Regression(0.3, standardize=True), Regression(0.0), Regression(lower=0.0)]


def known_of(rng, m, classes):
    return rng.standard_normal((m, classes) if classes > 2 else m) * 2


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("family", FAMILIES, ids=["lasso", "net", "ridge", "positive"])
def test_regression_is_that_of_the_shifted_target(rng, family):
    x, y = table(rng)
    known, weights = 3 * known_of(rng, 60, 0), np.arange(60) % 3
    beside, shifted = family.start(x, y, weights, offset=known), family.start(x, y - known, weights)
    assert beside.lambda_max() == shifted.lambda_max()
    model, plain = beside.fit(0.1), shifted.fit(0.1)
    assert model.coefficients.tobytes() == plain.coefficients.tobytes() and model.intercept == plain.intercept
    np.testing.assert_array_equal(model.output(x, known), plain.output(x) + known)
    assert model.offset and not plain.offset


def logistic_slopes(model, x, y, known):
    """Minus the gradient of the mean log loss, for coefficients and the intercept."""
    out = model.output(x, known)
    if out.ndim == 1:
        left = y - 1 / (1 + np.exp(-out))
    else:
        e = np.exp(out - out.max(1, keepdims=True))
        left = np.eye(out.shape[1])[y] - e / e.sum(1, keepdims=True)
    return x.T @ left / len(x), left.mean(0)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.4, 0.0])
@pytest.mark.parametrize("shape", [(60, 8), (20, 40)])
def test_logistic_optimality(rng, shape, ratio, classes):
    x, y = table(rng, *shape, classes=classes)
    known = known_of(rng, shape[0], classes)
    solver = Logistic(ratio).start(x, y, offset=known)
    top = solver.lambda_max() * max(ratio, 1e-3)
    at_top = solver.solve(top, 0.0)
    assert not at_top.nonzeros
    g, free = logistic_slopes(at_top, x, y, known)
    assert np.abs(g).max() == pytest.approx(top, rel=1e-8) and np.abs(free).max() < 1e-10
    model = solver.fit(0.2 * top)
    g, free = logistic_slopes(model, x, y, known)
    w = model.coefficients
    s = g - model.l2 * w
    off = np.where(w != 0, np.abs(s - model.l1 * np.sign(w)), np.maximum(np.abs(s) - model.l1, 0))
    assert off.max() < 1e-9 and np.abs(free).max() < 1e-9 and not model.trouble


def test_logistic_without_an_intercept_beside_one_offset(rng):
    """An offset of c for each row is an intercept that is not fitted."""
    x, y = table(rng, classes=2)
    plain = Logistic().start(x, y).fit(0.05)
    fixed = Logistic(fit_intercept=False).start(x, y, offset=np.full(60, plain.intercept)).fit(0.05)
    np.testing.assert_allclose(fixed.coefficients, plain.coefficients, atol=1e-9)


def test_weights_are_repeated_rows_with_their_offsets(rng):
    x, y = table(rng, classes=2)
    known, times = known_of(rng, 60, 2), np.arange(60) % 4
    for family, target in ((Logistic(), y), (Regression(), y + x[:, 0])):
        weighted = family.start(x, target, times, offset=known).fit(0.05)
        again = family.start(np.repeat(x, times, 0), np.repeat(target, times), offset=np.repeat(known, times)).fit(0.05)
        np.testing.assert_allclose(weighted.coefficients, again.coefficients, atol=1e-8)


def test_a_model_asks_for_its_offset(rng):
    x, y = table(rng)
    with_one, without = Regression().start(x, y, offset=y / 2).fit(0.1), Regression().start(x, y).fit(0.1)
    with pytest.raises(ValueError, match=r"fitted with an offset; need output\(x, offset\) with that of these 60 rows"):
        with_one.output(x)
    with pytest.raises(ValueError, match="offset: the model was fitted without one"):
        without.output(x, y)
    with pytest.raises(ShapeError, match=r"offset is \(3,\); the outputs of these rows are \(60,\)"):
        with_one.output(x, [1.0, 2, 3])
    with pytest.raises(NonFiniteError, match="offset"):
        with_one.output(x, np.full(60, np.nan))


def test_bad_offsets(rng):
    x, y = table(rng)
    labels = np.arange(60) % 3
    with pytest.raises(ShapeError, match=r"offset is \(5,\); need a number for each of 60 rows"):
        Regression().start(x, y, offset=np.ones(5))
    with pytest.raises(ShapeError, match=r"offset is \(60, 2\); need one number for each of 60 rows"):
        Regression().start(x, y, offset=np.ones((60, 2)))
    with pytest.raises(ShapeError, match=r"offset is \(60,\) in 60 rows that count; need \(m, 3\), one for each logit"):
        Logistic().start(x, labels, offset=np.ones(60))
    with pytest.raises(NonFiniteError, match="offset: row 2 is nan"):
        Regression().start(x, y, offset=np.where(np.arange(60) == 2, np.nan, 1.0))
    with pytest.raises(NonFiniteError, match="y - offset"):
        Regression().start(x, np.where(y > 10, 1e308, y), offset=np.full(60, -1e308))


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_folds_split_offsets(rng, classes):
    """By hand: the path of the training rows of each fold with their offsets, scored with those of its test rows."""
    x, y = table(rng, classes=classes)
    known, weights = known_of(rng, 60, classes), rng.uniform(0.5, 2, 60)
    family = Logistic() if classes else Regression()
    lambdas = [0.2, 0.05]
    options = {"folds": 3, "offset": known, "weights": weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)
        result = selection.cross_validate(family, x, y, lambdas, **options)
    pairs = list(selection.KFold(3, stratified=bool(classes)).split(x, y))
    for f, (train, test) in enumerate(pairs):
        solver = family.start(x[train], y[train], weights[train], offset=known[train])
        for i, lam in enumerate(lambdas):
            out = solver.fit(lam).output(x[test], known[test])
            if not classes:
                losses = (y[test] - out) ** 2
            elif classes == 2:
                losses = np.logaddexp(0, np.where(y[test] == 1, -out, out))
            else:
                losses = np.log(np.exp(out).sum(1)) - out[range(len(out)), y[test]]
            assert result.scores[f, i] == pytest.approx(np.average(losses, weights=weights[test]), rel=1e-9)
    assert result.path[0].offset


def test_nested_folds_imputed_gaps_and_criteria_take_offsets(rng):
    x, y = table(rng)
    known = 3 * known_of(rng, 60, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)
        beside = selection.nested_cross_validate(Regression(), x, y, [0.2, 0.05], outer=3, folds=3, offset=known)
        shifted = selection.nested_cross_validate(Regression(), x, y - known, [0.2, 0.05], outer=3, folds=3)
        assert beside.scores == pytest.approx(shifted.scores, rel=1e-9)
        gaps = np.where(rng.random(x.shape) < 0.05, np.nan, x)
        imputed = selection.Imputed(Regression())
        one = selection.cross_validate(imputed, gaps, y, [0.2, 0.05], folds=3, offset=known)
        two = selection.cross_validate(imputed, gaps, y - known, [0.2, 0.05], folds=3)
        assert one.scores == pytest.approx(two.scores, rel=1e-9)
    one = selection.criteria(Regression(), x, y, [0.2, 0.05], offset=known)
    two = selection.criteria(Regression(), x, y - known, [0.2, 0.05])
    for name in ("df", "loss", "gcv", "cp", "aic", "bic"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), rel=1e-9)


def test_selection_refuses_offsets_that_cannot_be(rng):
    x, y = table(rng)
    with pytest.raises(ShapeError, match=r"offset is \(5,\); need a number for each of 60 rows"):
        selection.cross_validate(Regression(), x, y, offset=np.ones(5))
    network = selection.Network(build=lambda: None, loss=None)
    with pytest.raises(ValueError, match="offset: Network takes no offset; Regression and Logistic do"):
        selection.cross_validate(network, x, y, offset=y)
    with pytest.raises(ValueError, match="y less its offset is 2 in all 60 rows"):
        selection.cross_validate(Regression(), x, y, offset=y - 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)
        assert selection.cross_validate(Regression(), x, np.ones(60), [0.1, 0.05], offset=y).lambda_min


def test_a_log_of_another_offset_is_refused(rng, tmp_path):
    x, y = table(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)
        selection.cross_validate(Regression(), x, y, [0.2, 0.05], offset=y / 2, log=tmp_path / "log")
        with pytest.raises(ValueError, match="offset"):
            selection.cross_validate(Regression(), x, y, [0.2, 0.05], offset=y / 3, log=tmp_path / "log")


def test_statsmodels_glm(rng):
    """A binomial GLM with an offset, without penalty."""
    sm = pytest.importorskip("statsmodels.api", reason="needs statsmodels")
    x, known = rng.standard_normal((60, 4)), rng.standard_normal(60)
    y = (rng.random(60) < 1 / (1 + np.exp(-x[:, 0] - known))).astype(np.int64)
    weights = 1.0 + np.arange(60) % 3
    oracle = sm.GLM(y, sm.add_constant(x), sm.families.Binomial(), offset=known, freq_weights=weights).fit(tol=1e-14)
    model = Logistic().start(x, y, weights, offset=known).fit(0.0)
    np.testing.assert_allclose(model.coefficients, oracle.params[1:], atol=1e-8)
    assert model.intercept == pytest.approx(oracle.params[0], abs=1e-8)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.4, 0.0])
def test_weights_reach_everything(rng, ratio, classes):
    """With factors, bounds, an offset and scaled columns: λ_max, coefficients and gap are those of repeated rows."""
    x, y = table(rng, m=48, classes=classes)
    known, times = known_of(rng, 48, classes), np.arange(48) % 3
    factor = np.array([0, 1, 2, 0.5, 1, 1, 3, 1.0])
    told = {"penalty_factor": factor, "lower": -0.3, "upper": [0.2, *[np.inf] * 7], "standardize": True}
    family = (Logistic if classes else Regression)(ratio, **told)
    weighted = family.start(x, y, times, offset=known)
    repeated = family.start(np.repeat(x, times, 0), np.repeat(y, times), offset=np.repeat(known, times, 0))
    top = weighted.lambda_max()
    assert top == pytest.approx(repeated.lambda_max(), rel=1e-9) and top > 0
    for share in (1.001, 0.2):
        one, two = (solver.fit(share * top * max(ratio, 1e-3)) for solver in (weighted, repeated))
        np.testing.assert_allclose(one.coefficients, two.coefficients, atol=1e-8)
        np.testing.assert_allclose(one.intercept, two.intercept, atol=1e-7)
        assert classes or one.gap == pytest.approx(two.gap, abs=1e-9)
