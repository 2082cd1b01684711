"""NIST's linear problems by linear_model.Regression: at least 6 digits of each certified value, Filip's included."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from minigrad import linear_model

FOLDER = Path(__file__).parent / "lls"
CERTIFIED = json.loads((FOLDER / "certified.json").read_text())
# Measured: filip 7.4, wampler5 6.04, wampler4 8.0, wampler1 9.9, wampler3 10.0, all others above 12. By NumPy's lstsq
# (LAPACK): filip 7.4, wampler5 5.6, wampler4 7.6. Native kernels give these digits on every machine; the
# reference backend depends on NumPy's BLAS: one less is asked for.
DIGITS = {"filip": 7, "wampler5": 6, "wampler4": 8, "wampler1": 9, "wampler3": 9}


def load(name):
    """x with its powers, and y."""
    with open(FOLDER / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [column for column in rows[0] if column != "y"]
    x = np.array([[float(row[column]) for column in names] for row in rows])
    degree = CERTIFIED[name]["polynomial_degree"]
    if degree:
        x = np.column_stack([x[:, 0] ** power for power in range(1, degree + 1)])
    return x, np.array([float(row["y"]) for row in rows])


def digits(got, certified):
    """How many digits agree, at most 15; of a certified 0, how many digits are zeros."""
    got, certified = np.asarray(got), np.asarray(certified)
    off = np.abs(got - certified) / np.where(certified == 0, 1, np.abs(certified))
    return float(-np.log10(max(off.max(), 1e-15)))


@pytest.mark.parametrize("name", CERTIFIED)
def test_certified_coefficients(name, backend):
    x, y = load(name)
    certified, intercept = CERTIFIED[name], CERTIFIED[name]["intercept"]
    model = linear_model.Regression(fit_intercept=intercept).start(x, y).solve(0.0, 0.0)
    got = [model.intercept, *model.coefficients] if intercept else model.coefficients
    assert digits(got, certified["certified_coefficients"]) >= DIGITS.get(name, 11) - (backend == "reference")
    squares = float(((y - model.output(x)) ** 2).sum())
    expected = certified["certified_residual_sum_of_squares"]
    assert squares == pytest.approx(expected, rel=1e-6, abs=1e-12)
