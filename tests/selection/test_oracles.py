"""scikit-learn's own cross-validation as oracle: the same λ, and fold errors that agree to 1e-6."""

import numpy as np
import pytest

from minigrad import linear_model as linear
from minigrad import selection

linear_model = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn, the extra `sklearn`")
NEWTON = "newton-cholesky"
ROWS = 120  # a multiple of the folds, so that λ per mean and scikit-learn's C or alpha per sum agree in every fold


def table(classes=0, seed=3):
    """Correlated columns, of which some matter; targets, or so many classes."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((ROWS, 12)) @ (np.eye(12) + 0.6 * np.diag(np.ones(11), 1)) + 0.5
    w = np.concatenate([rng.standard_normal((5, max(classes, 1))) * 1.5, np.zeros((7, max(classes, 1)))])
    y = x @ w + 1.5 * rng.standard_normal((ROWS, max(classes, 1)))
    if not classes:
        return x, y[:, 0] + 3.0
    return x, (y.argmax(1) if classes > 2 else (y[:, 0] > y[:, 0].mean()).astype(int))


def folds_of(y, stratified):
    return list(selection.KFold(5, stratified=stratified, seed=7).split(y, y))


def compare(family, x, y, lambdas, folds, errors, picked):
    """errors (λ, folds) and the picked λ are the oracle's."""
    result = selection.cross_validate(family, x, y, lambdas, folds=folds)
    np.testing.assert_allclose(result.scores.T, errors, rtol=1e-6, atol=1e-6)
    assert result.lambda_min == pytest.approx(picked, rel=1e-12)
    return result


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_lasso_cv_and_elastic_net_cv(ratio):
    x, y = table()
    folds = folds_of(y, False)
    lambdas = selection.lambda_grid(
        linear.Regression(ratio), selection.prepare(linear.Regression(ratio), x, y), count=30
    )
    oracle = linear_model.ElasticNetCV(l1_ratio=ratio, alphas=lambdas, cv=folds, tol=1e-10, max_iter=1_000_000)
    if ratio == 1:
        oracle = linear_model.LassoCV(alphas=lambdas, cv=folds, tol=1e-10, max_iter=1_000_000)
    oracle.fit(x, y)
    result = compare(linear.Regression(ratio), x, y, lambdas, folds, oracle.mse_path_, oracle.alpha_)
    np.testing.assert_allclose(result.model.coefficients, oracle.coef_, atol=1e-6)
    assert result.model.intercept == pytest.approx(oracle.intercept_, abs=1e-6)
    assert result.model_1se.nonzeros <= result.model.nonzeros


def test_lambda_max_is_scikit_learns():
    x, y = table()
    oracle = linear_model.LassoCV(cv=2).fit(x, y)
    assert linear.Regression().start(x, y).lambda_max() == pytest.approx(oracle.alphas_[0], rel=1e-9)


def test_ridge_cv():
    """RidgeCV's alpha is per sum: m λ, with the m of a training part. It keeps no fold errors but their mean."""
    x, y = table()
    folds = folds_of(y, False)
    lambdas = selection.log_spaced(10.0, 1e-3, 25)
    alphas = lambdas * (ROWS * 4 / 5)
    oracle = linear_model.RidgeCV(alphas=alphas, cv=folds, scoring="neg_mean_squared_error").fit(x, y)
    ridges = [linear_model.Ridge(alpha=alpha, solver="cholesky") for alpha in alphas]
    errors = np.array(
        [
            [((y[test] - ridge.fit(x[train], y[train]).predict(x[test])) ** 2).mean() for train, test in folds]
            for ridge in ridges
        ]
    )
    result = compare(linear.Regression(0.0), x, y, lambdas, folds, errors, oracle.alpha_ / (ROWS * 4 / 5))
    assert result.mean.min() == pytest.approx(-oracle.best_score_, rel=1e-6)


@pytest.mark.filterwarnings("ignore:the one-standard-error")
@pytest.mark.parametrize(
    ("classes", "ratio", "solver"),
    [(2, 0.0, NEWTON), (3, 0.0, NEWTON), (2, 1.0, "saga"), (2, 0.5, "saga"), (3, 1.0, "saga")],
)
def test_logistic_regression_cv(classes, ratio, solver):
    x, y = table(classes)
    folds = folds_of(y, True)
    lambdas = selection.log_spaced(0.15, 2e-3, 8)
    options = {"l1_ratios": (ratio,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    oracle = linear_model.LogisticRegressionCV(
        Cs=1 / (lambdas * ROWS * 4 / 5), cv=folds, solver=solver, tol=1e-10, max_iter=200_000, **options
    ).fit(x, y)
    errors = -np.asarray(oracle.scores_).reshape(5, len(lambdas)).T
    compare(linear.Logistic(ratio), x, y, lambdas, folds, errors, 1 / (float(oracle.C_) * ROWS * 4 / 5))
