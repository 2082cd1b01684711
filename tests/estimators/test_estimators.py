"""minigrad.sklearn: scikit-learn's own checks, its tools, and the same models as ours."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn, the extra `sklearn`")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import minigrad as mg
from minigrad import linear_model, reg
from minigrad.data import moons, regression
from minigrad.sklearn import ElasticNetRegressor, LogisticClassifier, MLPClassifier, MLPRegressor

ALL = [
    ElasticNetRegressor(), ElasticNetRegressor(l1=0.01, standardize=True), LogisticClassifier(),
    LogisticClassifier(l1=0.01, l2=0.0), MLPClassifier(epochs=60), MLPRegressor(epochs=60, prox=reg.L1(1e-5)),
]  # fmt: skip


def expected_to_fail(estimator):
    """On the reference backend: NumPy's BLAS rounds a row of a product by how many rows come with it."""
    if mg.kernels.backend() == "native" or not isinstance(estimator, MLPClassifier | MLPRegressor):
        return {}
    return {"check_methods_subset_invariance": "NumPy's products depend on the batch; those of native kernels do not"}


@pytest.mark.filterwarnings("ignore")  # of the checks themselves
@parametrize_with_checks(ALL, expected_failed_checks=expected_to_fail)
def test_check_estimator(estimator, check):
    check(estimator)


def test_linear_models_are_scikit_learns():
    x, y, _ = regression(80, 6, noise=1.0, seed=1, dtype="float64")
    ours, theirs = ElasticNetRegressor(0.05, 0.2).fit(x, y), ElasticNet(alpha=0.25, l1_ratio=0.2, tol=1e-12).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-8)
    labels = np.array(["low", "mid", "high"])[np.digitize(y, [-1, 1])]
    for classes in (labels, labels == "mid"):
        ours = LogisticClassifier(l2=0.1).fit(x, classes)
        theirs = LogisticRegression(C=1 / (0.1 * 80), tol=1e-10, max_iter=1000).fit(x, classes)
        assert ours.coef_.shape == theirs.coef_.shape and ours.intercept_.shape == theirs.intercept_.shape
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-6)
        np.testing.assert_allclose(ours.predict_log_proba(x), np.log(ours.predict_proba(x)), rtol=1e-12)
        assert (ours.classes_ == theirs.classes_).all() and ours.score(x, classes) == theirs.score(x, classes)


def test_estimators_are_the_models_of_linear():
    x, y, _ = regression(40, 3, noise=1.0, seed=1, dtype="float64")
    ours = ElasticNetRegressor(0.1, 0.0, tol=1e-12).fit(x, y)
    assert (ours.coef_ == linear_model.Regression().start(x, y).fit(0.1).coefficients).all() and ours.n_iter_ > 1


def test_pipelines_grids_and_copies():
    x, y = moons(120, noise=0.2, seed=1)
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(epochs=30, lr=0.02))
    terms = [None, reg.L2(1e-3), {"0.weight": reg.L1(1e-3), "1.*": reg.L2(1e-3)}]
    search = GridSearchCV(pipeline, {"mlpclassifier__penalty": terms, "mlpclassifier__hidden": [(8,), (16,)]}, cv=3)
    search.fit(x, y)
    assert search.best_score_ > 0.8 and len(search.cv_results_["params"]) == 6
    best = search.best_estimator_
    assert (pickle.loads(pickle.dumps(best)).predict_proba(x) == best.predict_proba(x)).all()
    again = clone(best).fit(x, y)
    assert (again.predict_proba(x) == best.predict_proba(x)).all()
    assert cross_val_score(LogisticClassifier(), x, y, cv=3, scoring="neg_log_loss").shape == (3,)


def test_mlps_take_terms_of_reg():
    x, y = moons(100, noise=0.2, seed=1)
    sparse = MLPClassifier(epochs=30, lr=0.02, prox=reg.L1(5e-3), random_state=3).fit(x, y)
    dense = MLPClassifier(epochs=30, lr=0.02, dropout=0.5, penalty=reg.L2(1e-2), random_state=3).fit(x, y)
    assert (sparse.module_[0].weight.data == 0).any() and not (dense.module_[0].weight.data == 0).any()
    assert dense.history_.penalties == ["L2(0.01) *.weight"] and dense.n_iter_ == 30
    other = MLPClassifier(epochs=30, lr=0.02, prox=reg.L1(5e-3), random_state=4).fit(x, y)
    assert (other.predict_proba(x) != sparse.predict_proba(x)).any()


def test_the_callers_random_numbers_are_left_alone():
    x, y = moons(40)
    before = mg.rng.get_state()
    MLPClassifier(epochs=1, dropout=0.5).fit(x, y)
    assert mg.rng.get_state() == before


def test_targets_of_any_size():
    x = np.linspace(-1, 1, 60).reshape(-1, 1)
    for scale in (1e-6, 1e6):
        y = scale * (3 + x[:, 0])
        assert MLPRegressor(epochs=80, lr=0.02).fit(x, y).score(x, y) > 0.95
    assert MLPRegressor(epochs=1).fit(x, np.full(60, 7.0)).predict(x) == pytest.approx(7, abs=2)


def test_one_class_and_no_fit():
    with pytest.raises(ValueError, match="y has one class"):
        LogisticClassifier().fit([[1.0], [2.0]], [1, 1])
    for estimator in ALL:
        with pytest.raises(NotFittedError):
            estimator.predict([[1.0]])
