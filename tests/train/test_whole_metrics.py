"""Metrics of all rows against scikit-learn, over generated cases, to 1e-12; and the cases at the edge."""

import functools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from minigrad.train import (
    SklearnMetric,
    UndefinedMetricWarning,
    accuracy,
    average_precision,
    balanced_accuracy,
    binary_accuracy,
    confusion_matrix,
    f1,
    mean_absolute_error,
    precision,
    r2,
    recall,
    roc_auc,
    top_k_accuracy,
)

NAN = math.nan


@pytest.fixture
def sk():
    metrics = pytest.importorskip("sklearn.metrics", reason="compared with scikit-learn: pip install minigrad[sklearn]")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both sides warn of what has no value: seen in tests of its own
        yield metrics


def cases(classes, count=12):
    """Outputs with and without ties, targets, and weights or none; some classes are rare or missing."""
    rng = np.random.default_rng(classes)
    for i in range(count):
        n = int(rng.integers(2, 60))
        shape = (n,) if classes == 2 and i % 2 else (n, classes)
        x = rng.standard_normal(shape)
        x = np.round(x * 2) / 2 if i % 3 == 0 else x
        share = rng.random(classes) ** 2 * (rng.random(classes) > 0.2) + 1e-9
        y = rng.choice(classes, n, p=share / share.sum())
        weight = None if i % 2 else np.round(rng.random(n) * 3, 1)
        yield x, y, weight


def said(x):
    return x.argmax(1) if x.ndim == 2 else (x > 0).astype(int)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def close(ours, theirs):
    assert type(ours) is float
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("average", ["binary", "macro", "micro", "weighted"])
def test_f1_precision_and_recall(sk, classes, average):
    if average == "binary" and classes > 2:
        pytest.skip("average='binary' is of two classes")
    for x, y, weight in cases(classes):
        for zero in ("warn", 1, NAN):
            for ours, theirs in (
                (f1, sk.f1_score),
                (precision, sk.precision_score),
                (recall, sk.recall_score),
            ):
                want = theirs(y, said(x), average=average, zero_division=zero, sample_weight=weight)
                close(ours(x, y, weight, average=average, zero_division=zero), want)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_metrics_of_classes(sk, backend, classes):
    for x, y, weight in cases(classes):
        labels = range(classes)
        theirs = sk.confusion_matrix(y, said(x), sample_weight=weight, labels=labels)
        np.testing.assert_allclose(confusion_matrix(x, y, weight), theirs, rtol=1e-12)
        close(balanced_accuracy(x, y, weight), sk.balanced_accuracy_score(y, said(x), sample_weight=weight))
        if x.ndim == 2:
            close(accuracy(x, y, weight), sk.accuracy_score(y, said(x), sample_weight=weight))
            for k in range(1, classes if classes > 2 else 1):
                # Of equal scores scikit-learn takes the last class first: in mirrored columns that is the first.
                options = {"k": k, "sample_weight": weight, "labels": labels}
                close(
                    top_k_accuracy(x, y, weight, k=k), sk.top_k_accuracy_score(classes - 1 - y, x[:, ::-1], **options)
                )
        else:
            close(binary_accuracy(x, y, weight), sk.accuracy_score(y, said(x), sample_weight=weight))


def test_areas_of_two_classes(sk, backend):
    for x, y, weight in cases(2, 24):
        score = x if x.ndim == 1 else x[:, 1] - x[:, 0]
        if len(set(y[weight > 0] if weight is not None else y)) == 2:
            close(roc_auc(x, y, weight), sk.roc_auc_score(y, score, sample_weight=weight))
        close(average_precision(x, y, weight), sk.average_precision_score(y, score, sample_weight=weight))
        for metric in (roc_auc, average_precision, f1):
            if x.ndim == 1:  # one column, and float targets, as binary cross-entropy has them
                assert np.array_equal(metric(x, y), metric(x[:, None], y[:, None].astype(np.float32)), equal_nan=True)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_areas_of_several_classes(sk, backend, average):
    compared = 0
    for x, y, weight in cases(4, 30):
        y[:4] = np.arange(4)[: len(y)]
        p = softmax(x)
        if len(np.unique(p)) < p.size:
            continue  # softmax of two routes may tell ties apart
        options = {"average": average, "sample_weight": weight}
        binary = np.eye(4)[y]
        if len(set(y[weight > 0] if weight is not None else y)) == 4:
            close(roc_auc(x, y, weight, average=average), sk.roc_auc_score(y, p, multi_class="ovr", **options))
            compared += 1
        close(average_precision(x, y, weight, average=average), sk.average_precision_score(binary, p, **options))
    assert compared > 5


def test_metrics_of_numbers(sk, backend, rng):
    for shape in ((5,), (40,), (40, 1), (40, 3)):
        for i in range(12):
            t = rng.standard_normal(shape) * 10 ** rng.uniform(-3, 3) + 5
            y = t + rng.standard_normal(shape) * rng.uniform(0, 3)
            t = np.full(shape, 2.0) if i == 0 else t
            y = t.copy() if i < 2 else y
            weight = rng.random(shape[0]) if i % 2 else None
            close(r2(y, t, weight), sk.r2_score(t, y, sample_weight=weight))
            close(mean_absolute_error(y, t, weight), sk.mean_absolute_error(t, y, sample_weight=weight))


def test_against_pairs_and_loops(rng):
    """Without scikit-learn: the areas by their definition, pair by pair and threshold by threshold."""
    for x, y, weight in cases(2, 24):
        x, w = (x if x.ndim == 1 else x[:, 1] - x[:, 0]), np.ones(len(y)) if weight is None else weight
        mine, rest = [(a, b) for a, b, c in zip(x, w, y) if c], [(a, b) for a, b, c in zip(x, w, y) if not c]
        if not sum(b for _, b in mine) or not sum(b for _, b in rest):
            continue
        wins = [(v * u * ((a > b) + (a == b) / 2), v * u) for a, v in mine for b, u in rest]
        close(roc_auc(x, y, weight), sum(a for a, _ in wins) / sum(b for _, b in wins))
        area, found = 0.0, 0.0
        for threshold in sorted(set(x[w > 0]), reverse=True):
            hits = sum(b for a, b in mine if a >= threshold)
            all_ = hits + sum(b for a, b in rest if a >= threshold)
            area, found = area + (hits - found) / sum(b for _, b in mine) * hits / all_, hits
        close(average_precision(x, y, weight), area)


@pytest.mark.parametrize("classes", [2, 4])
def test_against_counts_by_hand(classes):
    """Without scikit-learn: the metrics of classes row by row, in fractions."""
    for x, y, weight in cases(classes, 20):
        w = [Fraction(1)] * len(y) if weight is None else [Fraction(value) for value in weight]
        pairs = list(zip(y, said(x), w))
        right, true, named = {}, {}, {}
        for c in range(classes):
            right[c] = sum(v for t, s, v in pairs if t == s == c)
            true[c] = sum(v for t, s, v in pairs if t == c)
            named[c] = sum(v for t, s, v in pairs if s == c)
        there = [c for c in range(classes) if true[c] or named[c]]
        if not there:
            continue

        def quotient(a, b):
            return a / b if b else Fraction(0)

        score = {c: quotient(2 * right[c], true[c] + named[c]) for c in there}
        every = sum(true.values())
        hits = quotient(sum(right.values()), every)
        options = {"sample_weight": weight, "zero_division": 0}
        close(f1(x, y, average="macro", **options), float(sum(score.values()) / len(there)))
        close(f1(x, y, average="micro", **options), float(hits))
        if every:
            close(f1(x, y, average="weighted", **options), float(sum(score[c] * true[c] for c in there) / every))
        for metric, over in ((precision, named), (recall, true)):
            by_class = [quotient(right[c], over[c]) for c in there]
            close(metric(x, y, average="macro", **options), float(sum(by_class) / len(there)))
            if classes == 2:
                close(metric(x, y, pos_label=0, **options), float(quotient(right[0], over[0])))
        recalls = [right[c] / true[c] for c in there if true[c]]
        if recalls:
            close(balanced_accuracy(x, y, weight), float(sum(recalls) / len(recalls)))


def test_r2_in_fractions(rng):
    for weight in (None, rng.random(20)):
        y, t = rng.standard_normal(20), rng.standard_normal(20)
        w = [Fraction(1)] * 20 if weight is None else list(map(Fraction, weight))
        y_, t_ = list(map(Fraction, y)), list(map(Fraction, t))
        mean = sum(a * b for a, b in zip(w, t_)) / sum(w)
        left = sum(a * (b - c) ** 2 for a, b, c in zip(w, t_, y_))
        around = sum(a * (b - mean) ** 2 for a, b in zip(w, t_))
        close(r2(y, t, weight), float(1 - left / around))
        by_hand = sum(a * abs(b - c) for a, b, c in zip(w, t_, y_)) / sum(w)
        close(mean_absolute_error(y, t, weight), float(by_hand))


@pytest.mark.parametrize(
    "metric",
    [
        accuracy,
        balanced_accuracy,
        top_k_accuracy,
        r2,
        mean_absolute_error,
        roc_auc,
        average_precision,
        functools.partial(f1, average="macro", zero_division=0),
    ],
)
def test_a_row_twice_is_a_row_of_weight_two(metric, rng):
    n = 30
    x = rng.standard_normal((n, 3))
    y = rng.integers(3, size=n) if metric not in (r2, mean_absolute_error) else rng.standard_normal((n, 3))
    weight = rng.integers(0, 3, n)
    twice = np.repeat(np.arange(n), weight)
    close(metric(x, y, weight), metric(x[twice], y[twice]))
    close(metric(x, y, np.ones(n)), metric(x, y))


WHOLE = [accuracy, balanced_accuracy, functools.partial(f1, average="micro"), roc_auc, average_precision]


@pytest.mark.parametrize("metric", WHOLE)
def test_nothing_and_nan(metric):
    assert math.isnan(metric(np.zeros((0, 3)), np.zeros(0, int)))
    assert math.isnan(metric(np.array([[NAN, 1, 2], [0, 1, 2]]), [0, 1]))
    assert math.isnan(metric(np.ones((2, 3)), [-100, -100]))
    full = metric(np.eye(3), [0, 1, 2])
    assert metric(np.append(np.eye(3), [[9, 9, 9]], 0), [0, 1, 2, -100]) == full
    assert metric(np.eye(3), np.eye(3)) == full == metric(mg.tensor(np.eye(3)), mg.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="the target holds 3; need classes from 0 to 2"):
        metric(np.eye(3), [0, 1, 3])
    with pytest.raises(mg.ShapeError, match=r"output \(3, 3\), target \(2,\)"):
        metric(np.eye(3), [0, 1])


@pytest.mark.parametrize("metric", [*WHOLE, r2, mean_absolute_error])
@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        ([1.0, 2.0], mg.ShapeError, r"sample_weight is \(2,\); need one number for each row, \(3,\)"),
        ([1.0, NAN, 2.0], mg.NonFiniteError, "sample_weight: row 1 is nan"),
        ([1.0, 2.0, -3.0], ValueError, "sample_weight: row 2 is -3.0; need at least 0"),
    ],
)
def test_bad_weights(metric, weight, error, words):
    y = np.eye(3) if metric in (r2, mean_absolute_error) else [0, 1, 2]
    with pytest.raises(error, match=words):
        metric(np.eye(3), y, weight)


def test_one_class_alone():
    with pytest.warns(UndefinedMetricWarning, match="roc_auc: class 1 has all rows, so that there is no ROC curve"):
        assert math.isnan(roc_auc([0.1, 0.2], [1, 1]))
    with pytest.warns(UndefinedMetricWarning, match="roc_auc: class 2 has no row"):
        assert math.isnan(roc_auc(np.eye(3)[:2], [0, 1]))
    with pytest.warns(UndefinedMetricWarning, match="average_precision: class 1 has no row"):
        assert average_precision([0.1, 0.2], [0, 0]) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="precision: 0 stands for 1 of 1 classes, which no answer names"):
        assert precision([-1.0, -2.0], [0, 1]) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="r2: there is no R² of 1 rows"):
        assert math.isnan(r2([1.0], [1.0]))
    assert math.isnan(f1([-1.0], [0], zero_division=NAN)) and f1([-1.0], [0], zero_division=1) == 1.0


def test_what_fits_nothing():
    for make, words in [
        (lambda: f1(np.eye(3), [0, 1, 2]), "f1: average='binary' is of two classes, and there are 3"),
        (lambda: f1([1.0], [1], average="mean"), "f1: average is 'mean'; need one of 'binary'"),
        (lambda: f1([1.0], [1], zero_division=0.5), "zero_division is 0.5"),
        (lambda: f1([1.0], [2]), "f1: the target holds 2; need 0 and 1"),
        (lambda: roc_auc([1.0], [0.5]), "roc_auc: the target holds 0.5; need 0 and 1"),
        (lambda: roc_auc([1.0], [1], average="micro"), "average is 'micro'; need 'macro' or 'weighted'"),
        (lambda: top_k_accuracy(np.eye(3), [0, 1, 2], k=3), "top_k_accuracy: k is 3; need less than 3"),
        (lambda: f1(mg.sigmoid(mg.tensor([1.0])), [1]), "f1: the output was made by a sigmoid"),
        (lambda: confusion_matrix([[NAN, 1.0]], [1]), "confusion_matrix: an output is NaN"),
    ]:
        with pytest.raises(ValueError, match=words):
            make()


def test_bits_do_not_depend_on_threads_or_the_order_of_memory(rng):
    x, y, weight = rng.standard_normal((5000, 4)).astype(np.float32), rng.integers(4, size=5000), rng.random(5000)
    for metric in (accuracy, balanced_accuracy, roc_auc, average_precision, functools.partial(f1, average="macro")):
        found = set()
        for threads in (1, 2):
            before = mg.get_num_threads()
            mg.set_num_threads(threads)
            try:
                found |= {metric(x, y, weight), metric(np.asfortranarray(x), y, weight[::-1][::-1])}
            finally:
                mg.set_num_threads(before)
        assert len(found) == 1


def test_metrics_of_sklearn(sk, rng):
    x, y, weight = rng.standard_normal((30, 3)), rng.integers(3, size=30), rng.random(30)
    p = softmax(x)
    one, flags = x[:, 0], (y > 0).astype(int)
    for metric, args, want in [
        (SklearnMetric(sk.matthews_corrcoef, "classes"), (x, y), sk.matthews_corrcoef(y, x.argmax(1))),
        (SklearnMetric(sk.log_loss, "probabilities"), (x, y), sk.log_loss(y, p)),
        (SklearnMetric(sk.log_loss, "probabilities"), (mg.softmax(mg.tensor(x)), y), sk.log_loss(y, p)),
        (SklearnMetric(sk.log_loss, "probabilities"), (one, flags), sk.log_loss(flags, 1 / (1 + np.exp(-one)))),
        (
            SklearnMetric(sk.brier_score_loss, "probabilities"),
            (x[:, :2], flags),
            sk.brier_score_loss(flags, softmax(x[:, :2])[:, 1]),
        ),
        (SklearnMetric(sk.roc_auc_score, "scores"), (x[:, :2], flags), sk.roc_auc_score(flags, x[:, 1] - x[:, 0])),
        (SklearnMetric(sk.hinge_loss, "scores"), (x, y), sk.hinge_loss(y, x)),
        (
            SklearnMetric(sk.roc_auc_score, "probabilities", multi_class="ovo"),
            (x, y),
            sk.roc_auc_score(y, p, multi_class="ovo"),
        ),
        (SklearnMetric(sk.median_absolute_error, "outputs"), (x, x + 1), 1.0),
        (SklearnMetric(sk.mean_squared_error, "outputs"), (x[:, :1], y), sk.mean_squared_error(y, x[:, 0])),
        (SklearnMetric(sk.log_loss, "probabilities"), (x, y, weight), sk.log_loss(y, p, sample_weight=weight)),
    ]:
        assert metric(*args) == pytest.approx(want, rel=1e-12)
    assert math.isnan(SklearnMetric(sk.log_loss, "scores")(np.full((2, 2), NAN), [0, 1]))
    assert (
        repr(SklearnMetric(sk.fbeta_score, "classes", beta=2)) == "SklearnMetric(fbeta_score, given='classes', beta=2)"
    )
    with pytest.raises(ValueError, match="given is 'proba'; need one of 'classes'"):
        SklearnMetric(sk.log_loss, "proba")
    with pytest.raises(TypeError, match="has no parameter sample_weight, and the data has weights"):
        SklearnMetric(lambda y_true, y_pred: 0.0, "classes")(x, y, weight)
