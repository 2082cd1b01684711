"""NIST's nonlinear problems: scipy's least_squares with the Jacobian by minigrad, from both starts, to 6 digits."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import differentiable, div, exp, log, mul, neg
from minigrad.ops.elementwise.arithmetic import add, square

FOLDER = Path(__file__).parent / "nls"


# What a user writes where an op is missing: the forward in NumPy, the rule in ops.
@differentiable(x=lambda g, y, x: mul(g, cos(x)))
def sin(x):
    return np.sin(x)


@differentiable(x=lambda g, y, x: neg(mul(g, sin(x))))
def cos(x):
    return np.cos(x)


@differentiable(x=lambda g, y, x: div(g, add(1.0, square(x))))
def arctan(x):
    return np.arctan(x)


def power(x, p):
    return exp(p * log(x))


def lanczos(x, b1, b2, b3, b4, b5, b6):
    return b1 * exp(-b2 * x) + b3 * exp(-b4 * x) + b5 * exp(-b6 * x)


def gauss(x, b1, b2, b3, b4, b5, b6, b7, b8):
    return b1 * exp(-b2 * x) + b3 * exp(-square((x - b4) / b5)) + b6 * exp(-square((x - b7) / b8))


def cubics(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + x * (b2 + x * (b3 + x * b4))) / (1.0 + x * (b5 + x * (b6 + x * b7)))


def chwirut(x, b1, b2, b3):
    return exp(-b1 * x) / (b2 + b3 * x)


def saturation(x, b1, b2):
    return b1 * (1.0 - exp(-b2 * x))


def enso(x, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    total = b1
    for a, b, period in ((b2, b3, 12.0), (b5, b6, b4), (b8, b9, b7)):
        angle = 2 * math.pi * x / period
        total = total + a * cos(angle) + b * sin(angle)
    return total


MODELS = {
    "Bennett5": lambda x, b1, b2, b3: b1 * power(b2 + x, -1.0 / b3),
    "BoxBOD": saturation,
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "DanWood": lambda x, b1, b2: b1 * power(x, b2),
    "ENSO": enso,
    "Eckerle4": lambda x, b1, b2, b3: b1 / b2 * exp(-0.5 * square((x - b3) / b2)),
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": cubics,
    "Kirby2": lambda x, b1, b2, b3, b4, b5: (b1 + x * (b2 + x * b3)) / (1.0 + x * (b4 + x * b5)),
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "MGH09": lambda x, b1, b2, b3, b4: b1 * (x * x + x * b2) / (x * x + x * b3 + b4),
    "MGH10": lambda x, b1, b2, b3: b1 * exp(b2 / (x + b3)),
    "MGH17": lambda x, b1, b2, b3, b4, b5: b1 + b2 * exp(-x * b4) + b3 * exp(-x * b5),
    "Misra1a": saturation,
    "Misra1b": lambda x, b1, b2: b1 * (1.0 - 1.0 / square(1.0 + 0.5 * b2 * x)),
    "Misra1c": lambda x, b1, b2: b1 * (1.0 - power(1.0 + 2.0 * b2 * x, -0.5)),
    "Misra1d": lambda x, b1, b2: b1 * b2 * x / (1.0 + b2 * x),
    "Nelson": lambda x1, x2, b1, b2, b3: b1 - b2 * x1 * exp(-b3 * x2),
    "Rat42": lambda x, b1, b2, b3: b1 / (1.0 + exp(b2 - b3 * x)),
    "Rat43": lambda x, b1, b2, b3, b4: b1 / power(1.0 + exp(b2 - b3 * x), 1.0 / b4),
    "Roszman1": lambda x, b1, b2, b3, b4: b1 - b2 * x - arctan(b3 / (x - b4)) / math.pi,
    "Thurber": cubics,
}


def read(name):
    """(starts, certified, y, inputs) of a file: its header says on which lines they stand."""
    lines = (FOLDER / f"{name}.dat").read_text().splitlines()
    said = [
        re.search(rf"{what}\s*\(lines\s+(\d+) to\s+(\d+)\)", "\n".join(lines[:12]))
        for what in ("Starting Values", "Data")
    ]
    (first, last), (begin, end) = ([int(n) for n in found.groups()] for found in said)
    table = np.array([[float(n) for n in line.split("=")[1].split()] for line in lines[first - 1 : last]])
    data = np.array([[float(n) for n in line.split()] for line in lines[begin - 1 : end]])
    y = np.log(data[:, 0]) if name == "Nelson" else data[:, 0]
    return table[:, :2].T, table[:, 2], y, list(data[:, 1:].T)


def problem(name):
    """Residuals and Jacobian as functions of b. Every row has parameters of its own, so one walk gives all rows."""
    starts, certified, y, inputs = read(name)
    inputs = [mg.tensor(x) for x in inputs]

    def predict(b, requires_grad=False):
        parameters = [mg.tensor(np.full(len(y), value), requires_grad=requires_grad) for value in b]
        return MODELS[name](*inputs, *parameters), parameters

    def residuals(b):
        return predict(b)[0].data - y

    def jacobian(b):
        output, parameters = predict(b, requires_grad=True)
        return np.column_stack([g.data for g in mg.grad(output.sum(), parameters)])

    return starts, certified, residuals, jacobian


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", MODELS)
def test_certified_parameters(name, start):
    optimize = pytest.importorskip("scipy.optimize", reason="needs scipy, which the extra `sklearn` brings")
    starts, certified, residuals, jacobian = problem(name)
    with np.errstate(all="ignore"):
        found = optimize.least_squares(
            residuals, starts[start], jacobian, x_scale="jac", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=5000
        )
    np.testing.assert_allclose(found.x, certified, rtol=1e-6)


@pytest.mark.parametrize("name", ["ENSO", "Roszman1", "Hahn1", "Nelson"])
def test_jacobian_by_differences(name):
    """So that a wrong rule is not taken for a hard problem."""
    _, certified, residuals, jacobian = problem(name)
    got = jacobian(certified)
    for j, b in enumerate(certified):
        step = 1e-6 * abs(b)
        sides = [residuals(certified + sign * step * (np.arange(len(certified)) == j)) for sign in (1, -1)]
        expected = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(got[:, j], expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())
