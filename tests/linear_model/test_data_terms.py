"""Each loss of a row: its slopes and curvatures against differences, its dual against a search, its deviance."""

import numpy as np
import pytest

from minigrad.linear_model.data_terms import AbsoluteTails, Counts, Squares, TwoClasses, times_log

Y = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
T = np.array([-2.0, 0.3, 4.0, 1.5, -0.7, 0.1])
TERMS = {
    "squares": Squares(3 * Y - 1),
    "huber": AbsoluteTails(3 * Y - 1, 0.8),
    "counts": Counts(4 * Y),
    "two classes": TwoClasses(Y),
}


@pytest.mark.parametrize("name", TERMS)
def test_slopes_and_curvatures(name):
    term, h = TERMS[name], 1e-5
    slopes = (term.values(T + h) - term.values(T - h)) / (2 * h)
    assert -term.residuals(T) == pytest.approx(slopes, abs=1e-8)
    bends = (term.residuals(T - h) - term.residuals(T + h)) / (2 * h)
    true = np.where(bends == 0, term.curvatures(T)[0], bends)  # beyond Huber's threshold there is none
    assert term.curvatures(T)[0] == pytest.approx(true, abs=1e-8)


@pytest.mark.parametrize("name", ["huber", "two classes"])
def test_the_second_curvature_is_that_of_a_majorizer(name):
    term = TERMS[name]
    for move in np.linspace(-6, 6, 241):
        above = term.values(T) - term.residuals(T) * move + 0.5 * term.curvatures(T)[-1] * move**2
        assert (term.values(T + move) <= above + 1e-12).all()


@pytest.mark.parametrize("name", TERMS)
def test_the_dual_is_the_least_of_loss_and_line(name):
    """-f*(-u) = min over t of f(t) + u (t - offset)."""
    term, offset = TERMS[name], np.linspace(-0.5, 0.5, len(T))
    u = 0.7 * term.residuals(T)
    t = np.linspace(-12, 12, 240_001)
    for i in range(len(T)):
        alone = type(term)(term.y[i : i + 1], *([term.limit] if name == "huber" else []))
        each = alone.values(t) if name != "two classes" else np.logaddexp(0, t) - term.y[i] * t
        least = (each + u[i] * (t - offset[i])).min()
        assert term.dual(u, offset)[i] == pytest.approx(least, abs=1e-6)


@pytest.mark.parametrize("name", TERMS)
def test_balanced_residuals_sum_to_0_and_stay_in_the_domain(name):
    term, share = TERMS[name], np.arange(1.0, 7.0) / 21
    u = term.balanced(term.residuals(T), share)
    assert share @ u == pytest.approx(0, abs=1e-15)
    if name == "huber":
        assert np.abs(u).max() <= 0.8
    if name == "counts":
        assert (term.y - u >= 0).all()
    if name == "two classes":
        assert ((term.y - u >= 0) & (term.y - u <= 1)).all()


@pytest.mark.parametrize("name", TERMS)
def test_deviance_is_twice_the_loss_above_the_best(name):
    term = TERMS[name]
    best = np.array(
        [
            (type(term)(np.full(24001, y), *([0.8] if name == "huber" else [])))
            .values(np.linspace(-30, 30, 24001))
            .min()
            for y in term.y
        ]
    )
    assert term.deviance(T) == pytest.approx(2 * (term.values(T) - best), abs=1e-5)
    assert (term.deviance(T) >= 0).all()


def test_far_outputs():
    counts = Counts(np.array([0.0, 3.0]))
    assert counts.values(np.array([-800.0, 800.0])).tolist() == [0.0, np.inf]
    assert counts.deviance(np.array([-800.0, -800.0]))[0] == 0.0
    assert TwoClasses(np.array([1.0, 0.0])).values(np.array([800.0, 800.0])).tolist() == [0.0, 800.0]
    assert times_log(np.array([0.0, 2.0])).tolist() == pytest.approx([0.0, 2 * np.log(2)])
