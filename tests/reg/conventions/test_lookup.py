"""What users write of other libraries, read: strengths, what is touched, what is missing, and what cannot be read."""

import json

import pytest

from minigrad import cli
from minigrad.reg import conventions as c

# of 100 rows, whose y has a standard deviation of 2
STRENGTHS = {
    "sklearn.Ridge(alpha=3)": (0, 0.03),
    "Ridge(3)": (0, 0.03),
    "scikit-learn Ridge alpha=3": (0, 0.03),
    "sklearn.linear_model.Lasso(alpha=0.1, max_iter=5000)": (0.1, 0),
    "ElasticNet(alpha=2, l1_ratio=0.25)": (0.5, 1.5),
    "LogisticRegression(C=0.5)": (0, 0.02),
    "LogisticRegression(penalty=l1, C=0.5)": (0.02, 0),
    "LogisticRegression(penalty='elasticnet', l1_ratio=0.25, C=0.5)": (0.005, 0.015),
    "LogisticRegression(penalty=None)": (0, 0),
    "SGDClassifier(penalty='elasticnet', alpha=0.1, l1_ratio=0.2)": (0.02, 0.08),
    "MLPClassifier(hidden_layer_sizes=[64, 64], alpha=0.1)": (0, 0.001),
    "MLPClassifier(alpha=0.1, batch_size=20)": (0, 0.005),
    "PoissonRegressor(alpha=0.3)": (0, 0.3),
    "HuberRegressor(alpha=0.5)": (0, 0.01),
    "QuantileRegressor(alpha=0.2)": (0.2, 0),
    "LinearSVC(C=0.5, penalty='l1')": (0.02, 0),
    "keras l2(0.01)": (0, 0.02),
    "keras.regularizers.L1L2(l1=0.1, l2=0.2)": (0.1, 0.4),
    "tf.keras.regularizers.l1": (0.01, 0),
    'Dense(64, kernel_regularizer="l2")': (0, 0.02),
    "keras.layers.Conv2D(8, 3, kernel_regularizer=keras.regularizers.l1(0.3), activation='relu')": (0.3, 0),
    "torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)": (0, 1e-4),
    "PyTorch Adam weight_decay=0.5": (0, 0.5),
    "glmnet lambda=0.1 alpha=0.5": (0.05, 0.025),
    "glmnet(x, y, lambda = 0.1, alpha=0.5, family='binomial', standardize=FALSE)": (0.05, 0.05),
    "glmnet lambda=0.1 alpha=0.5 family=poisson": (0.05, 0.05),
    "sm.OLS(y, X).fit_regularized(alpha=0.2, L1_wt=0.25)": (0.05, 0.15),
    "statsmodels Logit.fit_regularized(alpha=3)": (0.03, 0),
    "xgboost booster=gblinear lambda=2 alpha=1": (1, 2),
    "xgb.XGBRegressor(n_estimators=100)": (0, 0.01),
    "article_002(1)": (0, 0.01),
}


@pytest.mark.parametrize("text", STRENGTHS)
def test_strengths(text):
    found = c.read(text, rows=100, sd_y=2.0)
    assert (found.l1, found.l2) == pytest.approx(STRENGTHS[text], rel=1e-12)
    assert found.coupled and found.decay is None
    assert "l1 = " in str(found) and json.loads(json.dumps(found.as_dict()))["l2"] == found.l2
    assert c.read(found.text, rows=100, sd_y=2.0).l2 == found.l2  # what is printed can be read again


@pytest.mark.parametrize(
    ("text", "decay"),
    [
        ("torch AdamW weight_decay=1e-4", 1e-4),
        ("torch.optim.AdamW(params)", 0.01),
        ("torch NAdam(weight_decay=0.1, decoupled_weight_decay=True)", 0.1),
        ("keras AdamW", 0.004),
        ("keras.optimizers.Adam(1e-3, weight_decay=0.1)", 0.1),
        ("optax.adamw(1e-3)", 1e-4),
    ],
)
def test_decoupled_decay_is_no_penalty(text, decay):
    found = c.read(text)
    assert (found.coupled, found.l1, found.l2, found.decay) == (False, None, None, decay)
    assert "biases too" in found.touches and "decoupled" in str(found)


def test_the_functions_say_the_same():
    assert c.read("glmnet lambda=0.1 alpha=0.3", sd_y=3.0).l2 == c.glmnet(0.1, 0.3, sd_y=3.0).l2
    assert c.read("Ridge(alpha=2)", rows=7).l2 == c.sklearn_ridge(2, 7).l2
    assert c.read("keras l2(0.1)").l2 == c.keras_l2(0.1).l2
    assert c.read("OLS.fit_regularized(alpha=0.2, L1_wt=0.25)").l2 == c.statsmodels(0.2, 0.25).l2
    assert c.read("xgboost booster=gblinear lambda=2").l2 == c.xgboost_linear(2).l2


def test_what_a_layer_penalizes():
    both = c.read("Dense(64, kernel_regularizer=l2(0.01), bias_regularizer='l1')")
    assert both.l2 == 0.02 and "biases" in both.remarks[0] and "l1 = 0.01" in both.remarks[0]
    assert "biases" in c.read("Dense(64, bias_regularizer=l2(0.1))").touches
    assert c.read("Dense(64)").touches.startswith("nothing")
    assert "intercept" in c.read("LogisticRegression(solver='liblinear')", rows=9).remarks[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ridge(alpha=3)", "give rows=... (--rows N)"),
        ("LogisticRegression()", "the number of training rows"),
        ("glmnet lambda=1 alpha=0.5", "--sd-y S"),
        ("glmnet alpha=0.5", "which lambda?"),
        ("Rigde(alpha=3)", "did you mean sklearn.linear_model.Ridge?"),
        ("keras l3(1)", "known are keras."),
        ("Adam(weight_decay=1)", "keras.optimizers.Adam, torch.optim.Adam"),
        ("sklearn", "which of its regularizers? ElasticNet"),
        ("Ridge(alpha=-1)", "Ridge: alpha is -1.0; need a finite number, at least 0"),
        ("Ridge(alpha=x)", "Ridge: alpha is 'x'"),
        ("Ridge(__import__('os').system('ls'))", "Ridge: alpha is __import__('os').system('ls'); need a finite number"),
        ("Lasso(alpha=1", "at character 14, the end where a comma or ')' should be"),
        ("Lasso(alpha=1))", "at character 15, ')' where nothing more should be"),
        ("Lasso(alpha=1, alpha=2)", "alpha is given twice"),
        ("Lasso(alpha=1, 2)", "name=value, as after the first such"),
        ("1 + 1", "'1' where a name such as sklearn.Ridge should be"),
        ("", "the end where a name"),
        ("Lasso(" * 30, "more than 20 calls"),
        ("Dense(3, kernel_regularizer=ortho(1))", "l1, l2 and l1_l2"),
        ("LogisticRegression(penalty='l3')", "need 'l1', 'l2', 'elasticnet' or None"),
    ],
)
def test_what_cannot_be_read(text, message):
    with pytest.raises(ValueError) as error:
        c.read(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ridge(alhpa=3)", "unknown argument 'alhpa'; did you mean 'alpha'?"),
        ("Lasso(1, True, 3)", "takes alpha, fit_intercept: 3 values are too many"),
        (3, "is read from a string"),
    ],
)
def test_arguments_that_the_library_does_not_take(text, message):
    with pytest.raises(TypeError) as error:
        c.read(text)
    assert message in str(error.value)


def test_facts_are_checked():
    with pytest.raises(ValueError, match="rows is 0"):
        c.read("Ridge(1)", rows=0)
    with pytest.raises(ValueError, match="sd_y is -1"):
        c.read("glmnet lambda=1", sd_y=-1)


def test_every_name_that_is_listed_is_read():
    for name in c.known():
        text = f"{name}(lambda=1)" if name == "glmnet" else f"{name}(1.0)" if name.startswith("article") else name
        assert c.read(text, rows=10, sd_y=1.0).text.startswith(name)


def test_on_the_command_line(capsys):
    assert cli.main(["convention", "sklearn", "Ridge", "alpha=3", "--rows", "100"]) == 0
    assert "l2 = 0.03" in capsys.readouterr().out
    assert cli.main(["convention", "torch AdamW weight_decay=0.1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decay"] == 0.1
    assert cli.main(["convention", "--list"]) == 0 and "keras.regularizers.L2" in capsys.readouterr().out
    assert cli.main(["convention", "Ridge(alpha=3)"]) == 2 and "--rows N" in capsys.readouterr().err
    assert cli.main(["convention", "Ridge(alhpa=3)"]) == 2 and "did you mean" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["convention"])
