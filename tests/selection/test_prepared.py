"""What is refused before any fit: targets, inputs, scores and folds that can't be right, by the user's names."""

import math

import numpy as np
import pytest

from minigrad import linear_model as linear
from minigrad import mse, nn, reg, selection
from minigrad.errors import DTypeError, NonFiniteError, ShapeError
from minigrad.selection.prepared import prepare

X = np.random.default_rng(0).standard_normal((60, 3))
CLASSES, NUMBERS = linear.Logistic(), linear.Regression()
WORDS = np.array(["oak", "pine", "yew"])[np.arange(60) % 3]


class Watched(linear.Logistic):
    """Counts how often it was given rows."""

    starts = 0

    def start(self, *arguments, **options):
        Watched.starts += 1
        return super().start(*arguments, **options)


def refused(choose, y, match, family=None, x=X, error=ValueError, **options):
    Watched.starts = 0
    with pytest.raises(error, match=match):
        choose(family or Watched(), x, y, **{"lambdas": [0.1, 0.01], **options})
    assert Watched.starts == 0


@pytest.mark.parametrize("gap", [None, math.nan, np.float32("nan"), np.datetime64("NaT", "D")])
def test_a_class_that_is_missing_is_named_by_its_row(gap):
    y = np.array(["no", "yes", gap] + ["no", "yes", "no"] * 19, dtype=object)
    refused(selection.cross_validate, y, "y: row 2 is .*missing there, and in 1 of 60 rows", error=NonFiniteError)


def test_gaps_of_other_targets():
    y = X[:, 0].copy()
    y[7] = math.nan
    for made in (y, y.astype(object), np.ma.masked_invalid(y), y.reshape(-1, 1)):
        refused(selection.cross_validate, made, "y: row 7 is", NUMBERS, error=NonFiniteError)
    y = X[:, 0].astype(object)
    y[5] = None
    refused(selection.cross_validate, y, "y: row 5 is None", NUMBERS, error=NonFiniteError)
    y = X[:, 0].copy()
    y[4] = math.inf
    refused(selection.cross_validate, y, "y: row 4 is inf", NUMBERS, error=NonFiniteError)


def test_gaps_of_inputs_name_their_row_in_the_table_and_the_cure():
    x = X.copy()
    x[50, 1] = math.nan
    refused(
        selection.cross_validate, X[:, 0], "x: row 50, column 1 is nan.*selection.Imputed", NUMBERS, x, NonFiniteError
    )
    assert prepare(selection.Imputed(NUMBERS), x, X[:, 0]).x.shape == (60, 3)
    masked = np.ma.masked_invalid(x)
    refused(selection.cross_validate, X[:, 0], "masked array has gaps", NUMBERS, masked, NonFiniteError)


def test_words_among_the_inputs_are_named():
    x = X.astype(object)
    x[3, 1] = "north"
    refused(selection.cross_validate, X[:, 0], "x: row 3, column 1 is 'north'", NUMBERS, x, DTypeError)
    x[3, 1] = None
    assert math.isnan(prepare(selection.Imputed(NUMBERS), x, X[:, 0]).x[3, 1])
    assert prepare(NUMBERS, X.astype(object), X[:, 0]).x.dtype == np.float64


def test_numbers_are_no_classes_and_classes_no_numbers():
    for y in (X[:, 0], X[:, 0].astype(object), X[:, :1]):
        refused(selection.cross_validate, y, "measured numbers, such as .* in row 0, 60 different values in 60 rows")
    refused(selection.cross_validate, np.arange(60), "60 different values in 60 rows: numbers, not classes")
    refused(
        selection.cross_validate,
        WORDS,
        "y holds words, such as 'oak', and Regression predicts numbers",
        NUMBERS,
        error=DTypeError,
    )
    refused(
        selection.cross_validate, WORDS.astype(object), "y holds words", selection.Imputed(NUMBERS), error=DTypeError
    )
    refused(selection.cross_validate, np.array([1, "a"] * 30, object), "y mixes int and str", error=DTypeError)


@pytest.mark.parametrize(
    "y",
    [
        np.arange(60) % 2 == 0,
        (np.arange(60) % 2).astype(float),
        np.arange(60) % 2 * 7 - 3,
        WORDS,
        WORDS.astype(object),
        (np.arange(60) % 3).reshape(-1, 1),
    ],
)
def test_classes_of_any_kind_are_taken(y):
    data = prepare(CLASSES, X, y)
    assert data.y.dtype == np.int64 and (data.names[data.y] == np.ravel(y)).all()


def test_constant_targets_and_constant_inputs():
    refused(selection.cross_validate, np.ones(60), "y is 1 in all 60 rows: a constant target", NUMBERS)
    refused(selection.cross_validate, np.array(["oak"] * 60), "y is 'oak' in all 60 rows", error=ShapeError)
    for family in (NUMBERS, selection.Network(None, mse, classifies=False)):
        refused(
            selection.cross_validate, X[:, 0], "x: every column is constant in all 60 rows", family, np.ones((60, 3))
        )
    through_zero = linear.Regression(fit_intercept=False)
    assert selection.cross_validate(through_zero, np.ones((60, 1)), 3 + X[:, 0], [0.1], refit=False).mean[0] < 2


@pytest.mark.parametrize(
    ("family", "score"),
    [
        (NUMBERS, "accuracy"),
        (NUMBERS, "log_loss"),
        (NUMBERS, "neg_log_loss"),
        (selection.Imputed(NUMBERS), "accuracy"),
        (CLASSES, "mse"),
        (CLASSES, "neg_mean_squared_error"),
        (selection.Network(None, mse, classifies=False), "accuracy"),
        (selection.Network(None, mse), "mse"),
        (NUMBERS, selection.scores.SCORES["accuracy"]),
    ],
)
def test_scores_of_another_kind_of_target(family, score):
    kind = type(getattr(family, "family", family)).__name__
    y = WORDS if family.classifies else X[:, 0]
    for choose in (selection.cross_validate, selection.nested_cross_validate):
        refused(choose, y, f"score '(accuracy|log_loss|mse)' is one of .*{kind} predicts", family, score=score)


def test_a_score_of_ones_own_is_taken_as_it_is():
    score = selection.Score("absolute", lambda output, y: float(np.abs(output - y).mean()))
    assert selection.cross_validate(NUMBERS, X, X[:, 0], [0.1], score=score, refit=False).score == "absolute"


def test_classes_with_too_few_rows_are_named():
    y = np.array(["common"] * 39 + ["other"] * 20 + ["rare"])
    refused(selection.cross_validate, y, "class 'rare' has 1 row in all, none of them among the .* of 5; each")
    y = np.array(["common"] * 38 + ["other"] * 20 + ["rare"] * 2)
    refused(selection.nested_cross_validate, y, "class 'rare' has .* outer fold")
    assert selection.cross_validate(CLASSES, X, y, [0.1], refit=False).counts.tolist() == [5]


def test_folds_that_lack_a_class_are_named():
    y, rows = np.repeat(["oak", "pine", "yew"], 20), np.arange(60)
    blocks = [(np.delete(rows, block), block) for block in np.split(rows, 3)]
    refused(selection.cross_validate, y, "class 'oak' has 20 rows .* fold 0 of 3", folds=blocks)
    refused(selection.cross_validate, y, "class 'pine' .* fold 0 of 2", folds=selection.KFold(2, seed=1).split(X[:3]))


@pytest.mark.parametrize("folds", ["5", 5.0, None, True])
def test_folds_of_a_wrong_kind(folds):
    refused(selection.cross_validate, WORDS, "folds is", folds=folds, error=TypeError)


def test_a_splitter_that_needs_groups():
    split = pytest.importorskip("sklearn.model_selection", reason="needs scikit-learn, the extra `sklearn`")
    refused(
        selection.cross_validate,
        WORDS,
        r"needs groups; pass groups=, .* or its pairs, folds=list\(GroupKFold",
        folds=split.GroupKFold(3),
    )


def test_networks_are_asked_too():
    family = selection.Network(lambda: nn.Linear(3, 3), mse)
    refused(selection.cross_validate, np.array(["a"] * 59 + ["b"]), "class 'b' has 1 row", family)


@pytest.mark.parametrize("family", [linear.Regression, linear.Logistic, None, "lasso", np.zeros(3)])
def test_what_is_no_family(family):
    with pytest.raises(TypeError, match=r"family is (the class|None|'lasso'|array).*need an object such as"):
        selection.cross_validate(family, X, WORDS, [0.1])


def test_shapes_that_no_fold_could_take():
    refused(
        selection.cross_validate,
        X[:, 0],
        r"x is \(60,\); need rows and columns: x.reshape",
        NUMBERS,
        X[:, 0],
        ShapeError,
    )
    refused(selection.cross_validate, X, r"y is \(60, 3\); need one number per row", NUMBERS, error=ShapeError)


@pytest.mark.parametrize(
    "family", [NUMBERS, CLASSES, selection.Imputed(NUMBERS), selection.Network(None, mse, classifies=False)]
)
def test_a_sentinel_near_the_largest_number_is_named(family):
    x = X.copy()
    x[7, 2] = -1.7976931348623157e308
    y = WORDS if family.classifies else X[:, 0]
    refused(
        selection.cross_validate, y, r"x: row 7, column 2 is -1.79769e\+308, out of range", family, x, NonFiniteError
    )


@pytest.mark.filterwarnings("ignore::minigrad.selection.SelectionWarning")
@pytest.mark.parametrize("scale", [1e160, 1e-160])
def test_targets_without_squares_are_refused_and_inputs_are_scaled(scale):
    refused(
        selection.cross_validate,
        X[:, 0] * scale,
        "squared errors of that size leave the range",
        NUMBERS,
        error=NonFiniteError,
    )
    y = X[:, 0] + 0.1 * X[:, 1] ** 2
    plain, scaled = (selection.cross_validate(NUMBERS, x, y, count=5, refit=False) for x in (X, X * scale))
    np.testing.assert_allclose(scaled.scores, plain.scores, rtol=1e-9)
    np.testing.assert_allclose(scaled.lambdas / scale, plain.lambdas, rtol=1e-9)


def test_keywords_and_grids_that_are_not_as_said():
    for act, match in (
        (lambda: selection.cross_validate(NUMBERS, X, X[:, 0], fold=3), "unknown keyword 'fold'; did you mean 'folds'"),
        (lambda: linear.Regression(alpha=1.0), "Regression: unknown keyword 'alpha'; strengths are given later"),
        (lambda: linear.Logistic(l1ratio=1.0), "Logistic: unknown keyword 'l1ratio'; did you mean 'l1_ratio'"),
        (lambda: selection.cross_validate(NUMBERS, X, X[:, 0], count=1), "count is 1; need at least 2"),
        (lambda: selection.cross_validate(NUMBERS, X, X[:, 0], ratio=2.0), "ratio.* is 2.0.*at most 1"),
        (lambda: selection.cross_validate(NUMBERS, X, X[:, 0], [0.1], score=np.mean), "score is the function mean"),
        (lambda: selection.nested_cross_validate(NUMBERS, X, X[:, 0], [0.1], folds=[]), "folds is a list; inner folds"),
        (lambda: selection.Network(nn.Linear(3, 1), mse), "build is a network; need a function"),
        (lambda: selection.Network(None, mse, penalty=reg.L1(0.1)), "penalty is <L1.*; need a function of λ"),
        (lambda: list(selection.KFold(3, stratified=True).split(X, X[:, 0])), "stratified folds need classes, and y"),
        (lambda: selection.search(len, [{"a": 1}], X, X[:, 0], score="accuracy"), "one of classes, and y holds"),
        (lambda: selection.search(len, [{"a": 1}], X, WORDS, score="mse"), "y holds words; number them"),
    ):
        with pytest.raises((TypeError, ValueError), match=match):
            act()


def test_a_network_of_numbers_is_told_how_to_say_so():
    family = selection.Network(build=lambda: nn.Linear(2, 1), loss=mse)
    x = np.arange(40.0).reshape(20, 2)
    with pytest.raises(ValueError, match="Network predicts classes: pass classifies=False"):
        selection.cross_validate(family, x, x[:, 0] + 0.5)


def test_refit_is_true_or_false():
    with pytest.raises(TypeError, match="cross_validate: refit is 'min'; need True or False"):
        selection.cross_validate(linear.Regression(), np.eye(9), np.arange(9.0), refit="min")
