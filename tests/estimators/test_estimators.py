"""minigrad.sklearn: scikit-learn's own checks, its tools, and the same models as ours."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn, the extra `sklearn`")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.linear_model import HuberRegressor as OtherHuber
from sklearn.linear_model import PoissonRegressor as OtherPoisson
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import minigrad as mg
from minigrad import linear_model, reg
from minigrad.data import moons, regression
from minigrad.sklearn import (
    ElasticNetRegressor,
    HuberRegressor,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
    PoissonRegressor,
)

ALL = [
    ElasticNetRegressor(),
    ElasticNetRegressor(l1=0.01, standardize=True),
    LogisticClassifier(),
    LogisticClassifier(l1=0.01, l2=0.0),
    PoissonRegressor(),
    HuberRegressor(scale=1.0),
    MLPClassifier(epochs=60),
    MLPRegressor(epochs=60, prox=reg.L1(1e-5)),
]


def expected_to_fail(estimator):
    """What perceptrons can't promise: where rows stand twice, batches of 32 are others than where they weigh 2; and
    on the reference backend, NumPy's BLAS rounds a row of a product by how many rows come with it."""
    if not isinstance(estimator, MLPClassifier | MLPRegressor):
        return {}
    found = {"check_sample_weight_equivalence_on_dense_data": "mini-batches of repeated rows are others"}
    if mg.kernels.backend() != "native":
        found["check_methods_subset_invariance"] = "NumPy's products depend on the batch"
    return found


@pytest.mark.filterwarnings("ignore")  # of the checks themselves
@parametrize_with_checks(ALL, expected_failed_checks=expected_to_fail)
def test_check_estimator(estimator, check):
    check(estimator)


def test_linear_models_are_scikit_learns():
    x, y, _ = regression(80, 6, noise=1.0, seed=1, dtype="float64")
    ours, theirs = ElasticNetRegressor(0.05, 0.2).fit(x, y), ElasticNet(alpha=0.25, l1_ratio=0.2, tol=1e-12).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-8)
    counts = np.random.default_rng(0).poisson(np.exp(x[:, 0] / 2))
    ours, theirs = PoissonRegressor(l2=0.1).fit(x, counts), OtherPoisson(alpha=0.1, tol=1e-12).fit(x, counts)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-5)
    assert ours.score(x, counts) == pytest.approx(theirs.score(x, counts), abs=1e-8)
    theirs = OtherHuber(alpha=0.1, tol=1e-10, max_iter=10_000).fit(x, y)
    ours = HuberRegressor(l2=0.1 * theirs.scale_ / 80, scale=theirs.scale_).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert HuberRegressor().fit(x, y).scale_ == linear_model.robust_scale(y)
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


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    ("keyword", "cure"),
    [
        ("hidden_layer_sizes", "hidden="),
        ("early_stopping", "validation_fraction="),
        ("alpha", "penalty=reg.L2"),
        ("max_iter", "epochs"),
        ("epoch", "did you mean 'epochs'"),
        ("solver", "optimizer"),
    ],
)
def test_keywords_of_other_perceptrons(kind, keyword, cure):
    with pytest.raises(TypeError, match=f"^{kind.__name__}: unknown keyword '{keyword}'") as told:
        kind(**{keyword: 1})
    assert cure in str(told.value)


def test_keywords_of_other_linear_models():
    with pytest.raises(TypeError, match=r"^ElasticNetRegressor: unknown keyword 'alpha'; use l1=alpha"):
        ElasticNetRegressor(alpha=1.0)
    with pytest.raises(TypeError, match=r"^LogisticClassifier: unknown keyword 'C'; use l2=1 / \(C \* rows\)"):
        LogisticClassifier(C=1.0)
    with pytest.raises(TypeError, match=r"^MLPClassifier: too many positional arguments; it takes .hidden"):
        MLPClassifier((8,), "relu", 0.5)


def test_hidden_units():
    x, y = moons(40)
    one, two = (MLPClassifier(hidden=hidden, epochs=1).fit(x, y) for hidden in (8, (8, 4)))
    assert [layer.weight.shape for layer in one.module_] == [(2, 8), (8, 2)]
    assert [layer.weight.shape for layer in two.module_] == [(2, 8), (8, 4), (4, 2)]
    for bad in (0, 2.5, "8", None, (8, 0), True):
        with pytest.raises((TypeError, ValueError), match="MLPClassifier: hidden is"):
            MLPClassifier(hidden=bad).fit(x, y)


def test_grids_over_strengths_inside_a_term():
    x, y = moons(60, noise=0.2, seed=1)
    shared = reg.L1(1e-3)
    model = MLPClassifier(prox=shared, epochs=30, lr=0.02)
    search = GridSearchCV(model, {"prox__l1": [1e-3, 10.0]}, cv=3).fit(x, y)
    assert search.best_params_ == {"prox__l1": 1e-3} and model.get_params()["prox__l1"] == 1e-3
    pipeline = make_pipeline(StandardScaler(), model).set_params(mlpclassifier__prox__l1=0.5)
    assert pipeline[-1].prox.l1 == 0.5 and shared.l1 == 1e-3  # the term itself is its user's
    both = MLPRegressor(penalty=reg.ElasticNet(0.1, 0.2)).set_params(penalty__l2=0.3, epochs=7)
    assert (both.penalty.l1, both.penalty.l2, both.epochs) == (0.1, 0.3, 7)
    with pytest.raises(ValueError, match="l1 is -1"):
        model.set_params(prox__l1=-1)
    for wrong in ({"prox__l3": 1.0}, {"penalty__l1": 1.0}):
        with pytest.raises(ValueError, match=r"list them whole, \{'(prox|penalty)': \[reg.L1"):
            model.set_params(**wrong)
    with pytest.raises(ValueError, match=r"prox is {'0.weight': "):
        MLPClassifier(prox={"0.weight": shared}).set_params(prox__l1=1.0)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_validation_rows_end_the_training(kind):
    x, y = moons(200, noise=0.3, seed=1)
    model = kind(hidden=32, lr=0.05, epochs=300, validation_fraction=0.2, patience=5).fit(x, y)
    losses = model.history_["val_loss"]
    assert model.n_iter_ < 300 and len(losses) - 1 - int(np.argmin(losses)) == 5
    assert kind(hidden=32, epochs=3).fit(x, y).n_iter_ == 3
    with pytest.raises(ValueError, match=r"validation_fraction is 1\.5"):
        kind(validation_fraction=1.5).fit(x, y)


def test_weights_of_rows():
    """In one batch a row of weight 2 is a row that stands twice, and one of weight 0 is none; the mean is 1."""
    x, y = moons(60, noise=0.2, seed=1)
    times = np.arange(60) % 3
    options = {"epochs": 30, "batch_size": 500, "lr": 0.02, "penalty": reg.L2(1e-2)}
    weighted = MLPClassifier(**options).fit(x, y, times)
    repeated = MLPClassifier(**options).fit(np.repeat(x, times, 0), np.repeat(y, times))
    scaled = MLPClassifier(**options).fit(x, y, times * 100.0)
    np.testing.assert_allclose(weighted.predict_proba(x), repeated.predict_proba(x), atol=1e-4)
    np.testing.assert_allclose(weighted.predict_proba(x), scaled.predict_proba(x), atol=1e-4)
    line = np.linspace(-1, 1, 50).reshape(-1, 1)
    heavy = MLPRegressor((), epochs=300, lr=0.02, batch_size=500).fit(
        np.repeat(line, 2, 0), np.tile([0.0, 1.0], 50), sample_weight=np.tile([1.0, 3.0], 50)
    )
    np.testing.assert_allclose(heavy.predict(line), 0.75, atol=0.01)
    with pytest.raises(ValueError, match="no weight below 0"):
        MLPClassifier().fit(x, y, -np.ones(60))


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_partial_fit(kind):
    """It goes on: also from a fit, and in a copy that was pickled between two calls."""
    x, y = moons(120, noise=0.2, seed=1)
    model = kind(hidden=16, lr=0.01)
    for i in range(30):
        model.partial_fit(x, y)
        if i == 9:
            twin = pickle.loads(pickle.dumps(model))
    assert model.n_iter_ == 30 and model.history_["epoch"] == list(range(1, 31))
    assert model.history_["loss"][-1] < 0.6 * model.history_["loss"][0]
    for _ in range(20):
        twin.partial_fit(x, y)
    assert (twin._output(x) == model._output(x)).all()
    fitted = kind(hidden=16, lr=0.01, epochs=5).fit(x, y)
    assert fitted.partial_fit(x, y).n_iter_ == 6
    assert fitted.fit(x, y).n_iter_ == 5


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_partial_fit_of_all_rows_is_fit(kind):
    """In one batch: the same start, and the moments of Adam go on from call to call."""
    x, y = moons(120, noise=0.2, seed=1)
    options = {"hidden": 16, "lr": 0.05, "batch_size": 500, "prox": reg.L1(1e-3)}
    whole, piecewise = kind(epochs=12, **options).fit(x, y), kind(**options)
    for _ in range(12):
        piecewise.partial_fit(x, y)
    np.testing.assert_allclose(piecewise._output(x), whole._output(x), atol=1e-3)


def test_partial_fit_knows_its_classes():
    x, y = moons(20)
    words = np.array(["no", "yes"])[y]
    model = MLPClassifier(hidden=4).partial_fit(x[:10], words[:10], classes=["maybe", "no", "yes"])
    assert model.partial_fit(x[10:], words[10:]).predict_proba(x).shape == (20, 3)
    with pytest.raises(ValueError, match="y has the class 'never', which is none of"):
        model.partial_fit(x[:1], ["never"])
    with pytest.raises(ValueError, match="at the first call they were"):
        model.partial_fit(x, words, classes=["no", "yes"])


def test_settings_that_train_nothing_or_are_no_optimizer():
    x, y = moons(40)
    for epochs in (0, -1):
        with pytest.raises(ValueError, match=f"MLPClassifier: epochs is {epochs}; need at least 1"):
            MLPClassifier(epochs=epochs).fit(x, y)
    for optimizer in ("adam", None):
        for train in (MLPClassifier(epochs=2, optimizer=optimizer).fit, MLPClassifier(optimizer=optimizer).partial_fit):
            with pytest.raises(TypeError, match=f"MLPClassifier: optimizer is {optimizer!r}; need a class of optim"):
                train(x, y, classes=[0, 1]) if train.__name__ == "partial_fit" else train(x, y)
    with pytest.raises(ValueError, match=r"LogisticClassifier: y has one class, 0\.0; need at least two"):
        LogisticClassifier().fit(x, np.zeros(40))
