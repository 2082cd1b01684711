"""Values, gradients and proximal maps by their mathematics; strengths that make no sense."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import reg

TERMS = [reg.L1(0.3), reg.L2(0.7), reg.ElasticNet(0.3, 0.7), reg.ElasticNet(l2=0.7), reg.L1(0.0)]


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.name)
def test_value_and_gradient(backend, rng, term):
    w = rng.standard_normal((4, 5))
    w[0, 0] = 0
    expected = term.l1 * np.abs(w).sum() + term.l2 / 2 * (w * w).sum()
    assert term.value(w) == pytest.approx(expected, rel=1e-14)
    assert term.value(mg.tensor(w).T) == pytest.approx(expected, rel=1e-14)
    t = mg.tensor(w, requires_grad=True)
    value = term(t)
    assert value.shape == ()
    value.backward()
    np.testing.assert_allclose(t.grad.data, term.l1 * np.sign(w) + term.l2 * w, rtol=1e-14)
    assert mg.testing.gradcheck(term, [w + 2 * np.sign(w) + (w == 0)])


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.name)
@pytest.mark.parametrize("step", [0.0, 0.5, 3.0])
def test_prox_is_the_minimum(backend, rng, term, step):
    v = np.concatenate([rng.standard_normal(20), [0.0, -0.0, 0.15, -0.15]])
    w = term.prox(v, step).data
    grid = np.linspace(-3, 3, 60_001)  # (w - v)²/2 + step R(w) on a fine grid

    def objective(w):
        return (w - v[:, None]) ** 2 / 2 + step * (term.l1 * np.abs(w) + term.l2 / 2 * w**2)

    best = grid[objective(grid[None]).argmin(1)]
    assert (objective(w[:, None])[:, 0] <= objective(best[:, None])[:, 0] + 1e-15).all()
    np.testing.assert_allclose(w, best, atol=1e-4)
    assert (w[np.abs(v) <= step * term.l1] == 0).all()
    assert not np.signbit(w[w == 0]).any() or term.l1 * step == 0


def test_prox_makes_a_constant(backend):
    v = mg.tensor([1.0, -0.2], requires_grad=True)
    w = reg.L1(0.5).prox(v, 1.0)
    assert w.data.tolist() == [0.5, 0.0]
    assert not w.requires_grad
    assert v.data.tolist() == [1.0, np.float32(-0.2)]
    with pytest.raises(ValueError, match="step is -1"):
        reg.L1(0.5).prox(v, -1)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "0.1", None, [0.1]])
@pytest.mark.parametrize("make", [reg.L1, reg.L2, lambda x: reg.ElasticNet(l2=x)])
def test_strengths_are_checked(make, value):
    with pytest.raises(ValueError, match=r"need a finite number, at least 0\.0"):
        make(value)


def test_strengths_may_change_and_are_checked_again():
    term = reg.L1(0.1)
    term.l1 = 0.2
    assert term.value([1.0, -1.0]) == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"L1: l1 is -0\.2"):
        term.l1 = -0.2
    with pytest.raises(AttributeError):
        term.lambda_ = 0.2


def test_a_penalty_says_what_it_is():
    assert repr(reg.ElasticNet(0.001, 0.01)) == "<ElasticNet(0.001, 0.01): l1 = 0.001, l2 = 0.01; moment: loss>"
    assert repr(reg.conventions.keras_l2(0.01)) == "<L2(0.02): l1 = 0, l2 = 0.02; moment: loss>"


def test_integers_are_refused(backend):
    with pytest.raises(TypeError, match="int64"):
        reg.L2(0.1).value(np.arange(3))
    with pytest.raises(TypeError, match="int64"):
        reg.L2(0.1)(mg.tensor(np.arange(3)))
