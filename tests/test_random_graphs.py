"""Random graphs, walked in any order, against a naive engine: every derivative as a full matrix, by the chain rule.

The naive engine knows no backward pass. It differentiates each NumPy function by complex steps (exact to the last
digits: nothing is subtracted) and multiplies matrices forward. Beside it stands a model of what the engine promises
about freed graphs and later writes. Last, ⟨J v, u⟩ = ⟨v, Jᵀ u⟩ where tensors are large.
"""

import contextlib
import itertools

import numpy as np
import pytest

import minigrad as mg

pytest.importorskip("hypothesis", reason="random graphs need hypothesis: pip install minigrad[dev]")
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

tick = itertools.count().__next__
STEP = 1e-30


class Naive:
    """A value with its derivatives with respect to all tracked nodes before it, and to itself if it is tracked."""

    def __init__(self, value, parents=(), before=None, tracked=True):
        self.value, self.parents, self.order = np.asarray(value, np.float64), parents, tick()
        self.jacobians = {**(before or {}), **({self: np.eye(self.value.size)} if tracked else {})}
        self.tracked, self.freed, self.stale, self.grad = tracked, False, False, None


def naive(f, *xs, recorded=True):
    """f applied to nodes: the chain rule, ∂y/∂z = Σ over arguments x of ∂y/∂x ∂x/∂z."""
    values = [x.value for x in xs]
    before = {}
    for i, x in enumerate(xs if recorded else ()):
        columns = np.zeros((f(*values).size, x.value.size))
        for j in range(x.value.size):
            moved = x.value.astype(complex)
            moved.flat[j] += 1j * STEP
            columns[:, j] = np.imag(f(*values[:i], moved, *values[i + 1 :])).ravel() / STEP
        for z, jacobian in x.jacobians.items():
            before[z] = before.get(z, 0) + columns @ jacobian
    return Naive(f(*values), xs, before, tracked=bool(before))


def walk(output, oldest, free):
    """The nodes that a walk from output reaches, newest first, and frees on its way; None if it must raise."""
    pending, reached = {output}, set()
    while pending:
        node = max(pending, key=lambda n: n.order)
        pending.remove(node)
        reached.add(node)
        if node.freed or any(x.order > node.order for x in node.parents):  # written since it was used
            return None
        pending |= {x for x in node.parents if x.tracked and x.order >= oldest}
        node.freed = free and bool(node.parents)
    return reached


def np_softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


UNARY = {  # what it is called: ours, NumPy's (also of complex numbers), the least number of dimensions
    "neg": (mg.neg, np.negative, 0),
    "tanh": (mg.tanh, np.tanh, 0),
    "relu": (mg.relu, lambda x: np.where(x.real > 0, x, 0), 0),
    "square": (lambda x: mg.tanh(x) ** 2, lambda x: np.tanh(x) ** 2, 0),
    "sum": (mg.sum, lambda x: np.asarray(x.sum()), 0),
    "mean": (lambda x: x.mean(0, keepdim=True), lambda x: x.mean(0, keepdims=True), 1),
    "softmax": (mg.softmax, np_softmax, 1),
    "transpose": (lambda x: x.T, lambda x: x.T, 2),
    "rows": (lambda x: x[[-1, 0, -1]], lambda x: x[[-1, 0, -1]], 1),
    "reverse": (lambda x: x[..., ::-1], lambda x: x[..., ::-1], 1),
    "stack": (lambda x: mg.stack([x, x]), lambda x: np.stack([x, x]), 0),
    "expand": (lambda x: x.unsqueeze(-1).expand(*x.shape, 2), lambda x: np.repeat(x[..., None], 2, -1), 0),
    "mask": (lambda x: x[x.data > 0], lambda x: x[x.real > 0], 1),
    "outer": (lambda x: x.reshape(-1, 1) @ x.reshape(1, -1), lambda x: x.reshape(-1, 1) @ x.reshape(1, -1), 0),
}
BINARY = {
    "add": (mg.add, np.add),
    "sub": (mg.sub, np.subtract),
    "mul": (lambda a, b: mg.tanh(a) * b, lambda a, b: np.tanh(a) * b),
    "div": (lambda a, b: a / (b * b + 1.0), lambda a, b: a / (b * b + 1.0)),
    "cat": (lambda a, b: mg.cat([a.flatten(), b.flatten()]), lambda a, b: np.concatenate([a.ravel(), b.ravel()])),
}


OPS = sorted({*UNARY, *BINARY, "halves", "detach"})
SEEDS = st.integers(0, 2**32 - 1)  # Hypothesis draws the order of events; what they are is drawn evenly, from a seed


class Graphs(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.pairs = []  # (tensor, node): both engines' idea of one value

    def some(self, r):
        """Mostly one of the newest that ops made and that can still be walked, so that graphs grow deep."""
        live = [(x, n) for x, n in self.pairs if n.tracked and n.parents and not n.stale and not n.freed]
        pool = live[-5:] if live and r.random() < 0.7 else self.pairs
        return pool[r.integers(len(pool))]

    def keep(self, tensor, node):
        if 0 < node.value.size <= 12 and node.value.ndim <= 3:
            self.pairs.append((tensor, node))

    @initialize(seed=SEEDS)
    def leaves(self, seed):
        r = np.random.default_rng(seed)
        for shape, tracked in ((3,), True), ((2, 3), True), ((), True), ((3,), False):
            values = r.uniform(-1.5, 1.5, shape)
            self.keep(mg.tensor(values, requires_grad=tracked), Naive(values, tracked=tracked))

    def grow(self, seed):
        """Up to six nodes more, as every rule begins. Returns the random numbers with which it goes on."""
        r = np.random.default_rng(seed)
        for name in r.choice(OPS, r.integers(7)):
            (x, a), (z, b) = self.some(r), self.some(r)
            if a.stale or b.stale:
                continue
            if name == "detach":
                self.keep(x.detach(), Naive(a.value, tracked=False))
            elif name == "halves" and a.value.ndim and len(a.value) > 1:  # two outputs of one tensor
                first, second = x.split([1, len(a.value) - 1])
                self.keep(first, naive(lambda v: v[:1], a))
                self.keep(second, naive(lambda v: v[1:], a))
            elif name in UNARY and a.value.ndim >= UNARY[name][2]:
                self.keep(UNARY[name][0](x), naive(UNARY[name][1], a))
            elif name in BINARY and (a.value.shape == b.value.shape or 1 in (a.value.size, b.value.size)):
                recorded = r.random() < 0.9
                with contextlib.nullcontext() if recorded else mg.no_grad():
                    self.keep(BINARY[name][0](x, z), naive(BINARY[name][1], a, b, recorded=recorded))
        return r

    @rule(seed=SEEDS)
    def write(self, seed):
        """New numbers in a leaf. What was made of the old ones cannot be walked any more."""
        r = self.grow(seed)
        leaves = [pair for pair in self.pairs if pair[1].tracked and not pair[1].parents]
        tensor, node = leaves[r.integers(len(leaves))]
        if r.random() < 0.6:  # enough graphs shall live
            return
        node.value, node.order = r.uniform(-1.5, 1.5, node.value.shape), tick()
        with mg.no_grad():
            tensor.copy_(node.value)
        for _, other in self.pairs:
            other.stale |= other is not node and node in other.jacobians

    @rule(seed=SEEDS)
    def backward(self, seed):
        """Into the leaves; of a graph that is freed, or partly, or whose leaf was written to, an exception."""
        r = self.grow(seed)
        tensor, node = self.some(r)
        g, retain = r.uniform(-1, 1, node.value.shape), r.random() < 0.7
        reached = walk(node, 0, not retain) if node.tracked else None
        if reached is None:
            with pytest.raises(mg.GraphError):
                tensor.backward(g, retain_graph=retain)
            return
        tensor.backward(g, retain_graph=retain)
        for leaf in (n for n in reached if not n.parents):
            leaf.grad = (0 if leaf.grad is None else leaf.grad) + self.expected(node, leaf, g)

    @rule(seed=SEEDS)
    def grad(self, seed):
        """With respect to a leaf, to a node on the way, or to one that is not there.

        Ours may answer where the model refuses: an op of two is one node there, whose inner tensor nobody wrote. The
        answer must be right.
        """
        r = self.grow(seed)
        tensor, node = self.some(r)
        behind = [pair for pair in self.pairs if pair[1] in node.jacobians] if r.random() < 0.9 else []
        target, wanted = behind[r.integers(len(behind))] if behind else self.some(r)
        g, retain = r.uniform(-1, 1, node.value.shape), r.random() < 0.7
        reached = walk(node, wanted.order, not retain) if node.tracked and wanted.tracked else None
        try:
            got = mg.grad(tensor, target, g, retain_graph=retain)
        except mg.GraphError:
            assert reached is None or wanted not in reached
        else:
            np.testing.assert_allclose(got.data, self.expected(node, wanted, g), rtol=1e-9, atol=1e-9)

    @staticmethod
    def expected(node, wanted, g):
        return (g.ravel() @ node.jacobians[wanted]).reshape(wanted.value.shape)

    @invariant()
    def numbers_and_gradients_agree(self):
        for tensor, node in self.pairs:
            assert tensor.requires_grad == node.tracked
            if not node.stale:
                np.testing.assert_allclose(tensor.data, node.value, rtol=1e-9, atol=1e-9)
            assert (tensor.grad is None) == (node.grad is None)
            if node.grad is not None:
                np.testing.assert_allclose(tensor.grad.data, node.grad, rtol=1e-9, atol=1e-9)
        assert mg.is_grad_enabled()


Graphs.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestGraphs = Graphs.TestCase

R = np.random.default_rng(4)


def normal(*shape):
    return R.standard_normal(shape)


ROWS, FLAT = R.integers(0, 300, 2000), R.integers(0, 400, (300, 700))
LINEAR = {
    "matmul": (lambda a, b: mg.matmul(a, b), normal(300, 400), [normal(400, 250)]),
    "matmul tb": (lambda a, b: mg.matmul(b, a, ta=True, tb=True), normal(300, 400), [normal(400, 250)]),
    "cat": (lambda a, b: mg.cat([a, b, a], dim=1), normal(300, 400), [normal(300, 70)]),
    "stack of rows": (lambda a: mg.stack(list(a)[::-1], dim=1), normal(300, 400), []),
    "embedding": (lambda a: mg.embedding(ROWS, a), normal(300, 64), []),
    "gather": (lambda a: a.gather(1, FLAT), normal(300, 400), []),
    "scatter_add": (lambda a: mg.scatter_add(mg.tensor(np.zeros((300, 400))), 1, FLAT, a), normal(300, 700), []),
    "x[...]": (lambda a: a[::-2, FLAT[0], None], normal(50, 400, 9), []),
    "pad": (lambda a: mg.pad(a, (3, 9, 40, 0), "reflect"), normal(4, 300, 20), []),
    "roll, flip, repeat": (lambda a: a.roll((7, -9), (0, 1)).flip(0).repeat(2, 3), normal(200, 300), []),
    "mean": (lambda a: mg.mean(a, dim=(0, 2)), normal(30, 400, 20), []),
}
CURVED = {
    "affine": (
        lambda x, w, b: mg.affine(x, w, b, activation="tanh"),
        [normal(200, 300), normal(300, 100) / 17, normal(100)],
    ),
    "softmax": (mg.softmax, [normal(300, 400)]),
    "log_softmax": (lambda x: mg.log_softmax(x, dim=0), [normal(300, 400)]),
    "cross_entropy": (lambda x: mg.cross_entropy(x, ROWS % 400), [normal(2000, 400)]),
    "sigmoid": (mg.sigmoid, [normal(100, 1000)]),
}


def products(f, arrays, vs, jv):
    """⟨J v, u⟩ and ⟨v, Jᵀ u⟩ for a random u."""
    xs = [mg.tensor(x, requires_grad=True) for x in arrays]
    y = f(*xs)
    u = R.standard_normal(y.shape)
    gradients = mg.grad(y, xs, mg.tensor(u))
    return float((jv * u).sum()), sum(float((g.data * v).sum()) for g, v in zip(gradients, vs)), np.abs(jv * u).sum()


@pytest.mark.parametrize("name", LINEAR)
def test_inner_products_of_linear_ops(name, backend):
    """What is linear in its first argument is its own derivative."""
    f, x, constants = LINEAR[name]
    v = R.standard_normal(x.shape)
    if name == "cat":  # linear in both together
        constants = [np.zeros_like(c) for c in constants]
    jv = f(mg.tensor(v), *map(mg.tensor, constants)).data
    left, right, scale = products(lambda t: f(t, *map(mg.tensor, constants)), [x], [v], jv)
    assert abs(left - right) <= 1e-13 * scale


@pytest.mark.parametrize("name", CURVED)
def test_inner_products_of_curved_ops(name, backend):
    f, arrays = CURVED[name]
    vs = [R.standard_normal(x.shape) for x in arrays]
    eps = 1e-5
    ends = [f(*[mg.tensor(x + s * v) for x, v in zip(arrays, vs)]).data for s in (eps, -eps)]
    left, right, scale = products(f, arrays, vs, (ends[0] - ends[1]) / (2 * eps))
    assert abs(left - right) <= 1e-8 * scale
