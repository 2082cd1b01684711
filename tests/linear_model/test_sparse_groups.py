"""The sparse group penalty: its dual norm against a search, its conjugate, bounds of eigenvalues, descent."""

import math

import numpy as np
import pytest

from minigrad.linear_model.design import product
from minigrad.linear_model.sparse_groups import GroupBlock, Groups, SparseGroups, eigenvalue_bound, least_strength

GROUPS = Groups([[0, 3, 5], [1], [2, 4]])


class Plain:
    """½ vᵀ gram v - q v, as a Quadratic over the columns of the identity."""

    def __init__(self, gram, q):
        self.a, self.r, self.rows = gram, q.copy(), np.eye(len(q))

    def slopes(self, columns):
        return product(self.r.reshape(1, -1), columns)

    def gram(self, columns):
        return product(columns, product(self.a, columns), ta=True)

    def move(self, columns, step):
        self.r = self.r - product(self.a, product(columns, step, tb=True))[:, 0]


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.7, 1.0])
def test_the_dual_norm(ratio):
    """The least k that is feasible, to the last bit; its ends are the largest norm and the largest coordinate."""
    z = np.random.default_rng(1).standard_normal(6)
    l1, strength = np.full(6, ratio), (1 - ratio) * np.sqrt(GROUPS.sizes)
    k = least_strength(GROUPS, z, l1, strength)

    def fits(k):
        parts = [np.maximum(np.abs(z[c]) - k * ratio, 0) for c in GROUPS.columns]
        return all(np.linalg.norm(u) <= k * s * (1 + 1e-15) for u, s in zip(parts, strength))

    assert fits(k * (1 + 1e-14)) and not fits(k * (1 - 1e-14))
    if ratio == 1:
        assert k == np.abs(z).max()
    if ratio == 0:
        assert k == pytest.approx(max(np.linalg.norm(z[c]) / math.sqrt(len(c)) for c in GROUPS.columns), rel=1e-14)


def test_dual_norms_at_the_edges():
    zero, one = np.zeros(6), np.ones(6)
    assert least_strength(GROUPS, zero, one, np.ones(3)) == 0
    assert least_strength(GROUPS, zero, zero, np.zeros(3)) == 0
    assert least_strength(GROUPS, one, zero, np.array([1.0, 0.0, 1.0])) == math.inf
    assert least_strength(GROUPS, 1e-200 * one, zero, np.ones(3)) == pytest.approx(math.sqrt(3) * 1e-200)


def test_the_conjugate_and_the_room():
    """h*(z) = max over v of z v - h(v), by descent on it; without l2 it is 0 up to the dual norm."""
    z = 2 * np.random.default_rng(2).standard_normal((1, 6))
    l1, l2, strength = np.full(6, 0.4), np.full(6, 0.7), np.array([0.5, 0.2, 0.9])
    net = SparseGroups(GROUPS, l1, l2, strength, 0)
    v = np.zeros((1, 6))
    net.improve(Plain(np.zeros((6, 6)), z[0]), v, 1000, 1e-13)
    assert net.conjugate(z) == pytest.approx(float((z * v).sum()) - net.value(v), abs=1e-12)
    assert net.room(z) == 1
    bare = SparseGroups(GROUPS, l1, np.zeros(6), strength, 0)
    assert bare.room(z) == pytest.approx(1 / least_strength(GROUPS, z[0], l1, strength))
    assert bare.room(1e-3 * z) == 1 and bare.conjugate(z) == 0


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_eigenvalue_bounds(n):
    x = np.random.default_rng(n).standard_normal((n, n))
    a = x @ x.T
    top = np.linalg.eigvalsh(a)[-1]
    assert top * (1 - 1e-12) <= eigenvalue_bound(a) <= 1.06 * top
    assert eigenvalue_bound(1e-150 * a) == pytest.approx(1e-150 * eigenvalue_bound(a), rel=1e-9)
    assert eigenvalue_bound(np.zeros((n, n))) == 0


def problem(p=12, dependence=0.0, seed=3):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((40, p))
    x[:, 1:4] = dependence * x[:, [0]] + (1 - dependence) * x[:, 1:4]
    return x.T @ x / 40, x.T @ (x @ draw.standard_normal(p)) / 40


@pytest.mark.parametrize("strength", [0.4, 0.004])
@pytest.mark.parametrize("dependence", [0.0, 0.9, 0.999])
@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_descent_ends_at_the_optimum(ratio, dependence, strength):
    gram, q = problem(dependence=dependence)
    groups = Groups(np.arange(12).reshape(3, 4).tolist())
    net = SparseGroups(groups, np.full(12, strength * ratio), np.zeros(12), np.full(3, strength * (1 - ratio)), 0)
    v = np.zeros((1, 12))
    sweeps = net.improve(Plain(gram, q), v, 100_000, 1e-12)
    assert net.violation(v, (q - gram @ v[0]).reshape(1, -1)) < 2e-12
    assert sweeps < 350  # sweeps alone take 384 to 1277 where the penalty is small


def test_newton_steps_never_leave_their_signs(monkeypatch):
    """Without them the answer is the same."""
    gram, q = problem()
    groups = Groups(np.arange(12).reshape(3, 4).tolist())
    net = SparseGroups(groups, np.full(12, 0.3), np.zeros(12), np.full(3, 0.3), 0)
    found = []
    for steps in (GroupBlock.polish, lambda *_: None):
        monkeypatch.setattr(GroupBlock, "polish", steps)
        v = np.zeros((1, 12))
        net.improve(Plain(gram, q), v, 100_000, 1e-13)
        found.append(v[0])
    assert found[0] == pytest.approx(found[1], abs=1e-11) and (found[0] == 0).tolist() == (found[1] == 0).tolist()
