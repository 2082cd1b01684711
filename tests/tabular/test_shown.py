"""A model in words."""

import numpy as np
from tabular.models import KINDS

from minigrad import tabular


def test_everything_is_said(houses):
    model = tabular.train(houses, **KINDS["linear"])
    text = model.show()
    for word in (
        "price of houses.csv: linear regression, 5 inputs from 3 columns",
        "trained on 72 rows, 18 held out",
        "chosen by cross-validation: the best mean of 8 λ in 5 folds, mse ",
        "one standard error: λ = ",
        "rows held out",
        "numbers: size, rooms",
        "town: Aa, Bb, Cc",
        "left out: sold",
        "missing values: an error",
        "made with minigrad ",
    ):
        assert word in text, word
    row = next(line.split() for line in text.split("\n") if line.startswith("size "))
    size = model.names.index("size")
    np.testing.assert_allclose(float(row[1]), model.coefficients[size], rtol=1e-5)
    np.testing.assert_allclose(float(row[2]), model.coefficients[size] * model.scale[size], rtol=1e-5)


def test_classes_and_networks(houses):
    text = tabular.train(houses, **KINDS["logistic, three classes"]).show()
    assert "3 classes: Aa, Bb, Cc" in text and "penalty: l1 = 0.01, l2 = 0.1, as given" in text
    head = next(line for line in text.split("\n") if line.startswith("coefficients"))
    assert head.split() == ["coefficients,", "standardized", "Aa", "Bb", "Cc"]
    text = tabular.train(houses, **KINDS["mlp"]).show()
    assert "units 5-8-4-1, relu, dropout 0.2; 12 epochs, weights of epoch" in text
    assert "inputs and target are brought to mean 0" in text and "weights are not 0" in text


def test_the_intercept_at_the_means(houses):
    """Standardized, it is the prediction at the mean of all inputs."""
    model = tabular.train(houses, **KINDS["linear"])
    row = next(line.split() for line in model.show().split("\n") if line.startswith("(intercept)"))
    np.testing.assert_allclose(float(row[2]), model.predict(model.centre.reshape(1, -1))[0], rtol=1e-5)
