"""derivatives: products with Jacobians and Hessians, and these themselves: differences, symmetry, PyTorch."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, rng
from minigrad.errors import DTypeError, GraphError, ShapeError
from minigrad.transforms import derivatives

RNG = np.random.default_rng(0)
W = RNG.standard_normal((3, 4))


def smooth(x):
    """(..., 3) -> (..., 4), row by row."""
    return mg.sin(mg.matmul(x, W)) * mg.exp(mg.tanh(mg.matmul(x, W)))


def two(a, b):
    """Two outputs of two inputs, (2, 3) and (3,)."""
    return mg.matmul(mg.sin(a), b), mg.exp(a) * b * b


def number(a, b):
    return (mg.sin(a) * b * b * b).sum() + mg.exp((a * a).sum() * 0.1)


A, B = RNG.standard_normal((2, 3)), RNG.standard_normal(3)


def differences(f, x, eps=1e-6):
    """Jacobian of a function of arrays by central differences, f(x).shape + x.shape."""
    columns = []
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = eps
        step = step.reshape(x.shape)
        columns.append((np.asarray(f(x + step)) - np.asarray(f(x - step))) / (2 * eps))
    return np.stack(columns, -1).reshape(*columns[0].shape, *x.shape)


def near(a, b, tolerance=1e-6):
    np.testing.assert_allclose(a.data if isinstance(a, mg.Tensor) else a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 3), (0, 3), (2, 2, 3)])
def test_jacobians_are_differences(backend, shape):
    x = RNG.standard_normal(shape)
    found = mg.jacobian(smooth, mg.tensor(x))
    assert found.shape == (*shape[:-1], 4, *shape) and not found.requires_grad
    if x.size:
        near(found, differences(lambda a: smooth(mg.tensor(a)).data, x))


def test_structures(backend):
    (aa, ab), (ba, bb) = mg.jacobian(two, (mg.tensor(A), mg.tensor(B)))
    assert (aa.shape, ab.shape, ba.shape, bb.shape) == ((2, 2, 3), (2, 3), (2, 3, 2, 3), (2, 3, 3))
    for found, i, j in ((aa, 0, 0), (ab, 0, 1), (ba, 1, 0), (bb, 1, 1)):

        def part(x, i=i, j=j):
            return two(*[mg.tensor(x if k == j else given) for k, given in enumerate((A, B))])[i].data

        near(found, differences(part, (A, B)[j]))
    one = mg.jacobian(lambda a, b: two(a, b)[0], (A, B))
    assert isinstance(one, tuple) and (one[0].data == aa.data).all()
    assert mg.jacobian(lambda a: two(a, mg.tensor(B)), A)[1].shape == (2, 3, 2, 3)
    assert mg.jacobian(lambda a: (two(a, mg.tensor(B))[0],), (A,))[0][0].shape == (2, 2, 3)


def test_products_are_those_of_the_jacobian(backend):
    (aa, ab), (ba, bb) = mg.jacobian(two, (A, B))
    u, v = RNG.standard_normal(2), RNG.standard_normal((2, 3))
    outputs, (va, vb) = mg.vjp(two, (A, B), (u, v))
    near(va, np.tensordot(u, aa.data, 1) + np.tensordot(v, ba.data, 2))
    near(vb, np.tensordot(u, ab.data, 1) + np.tensordot(v, bb.data, 2))
    right = two(mg.tensor(A), mg.tensor(B))
    assert all((a.data == b.data).all() and not a.requires_grad for a, b in zip(outputs, right))
    s, t = RNG.standard_normal((2, 3)), RNG.standard_normal(3)
    outputs, (ja, jb) = mg.jvp(two, (A, B), (s, t))
    near(ja, np.tensordot(aa.data, s, 2) + ab.data @ t)
    near(jb, np.tensordot(ba.data, s, 2) + bb.data @ t)
    assert all((a.data == b.data).all() for a, b in zip(outputs, right))
    eps = 1e-6
    ahead, behind = (two(mg.tensor(A + e * s), mg.tensor(B + e * t)) for e in (eps, -eps))
    near(ja, (ahead[0].data - behind[0].data) / (2 * eps))


def test_hessians_are_symmetric_and_differences(backend):
    (aa, ab), (ba, bb) = mg.hessian(number, (A, B))
    assert (aa.shape, ab.shape, ba.shape, bb.shape) == ((2, 3, 2, 3), (2, 3, 3), (3, 2, 3), (3, 3))
    full = np.block([[aa.data.reshape(6, 6), ab.data.reshape(6, 3)], [ba.data.reshape(3, 6), bb.data]])
    np.testing.assert_allclose(full, full.T, rtol=1e-12, atol=1e-12)

    def gradient(z):
        xs = [mg.tensor(part, requires_grad=True) for part in (z[:6].reshape(2, 3), z[6:])]
        return np.concatenate([g.data.reshape(-1) for g in mg.grad(number(*xs), xs)])

    near(full, differences(gradient, np.concatenate([A.reshape(-1), B])))
    v = RNG.standard_normal((2, 3)), RNG.standard_normal(3)
    value, (ha, hb) = mg.hvp(number, (A, B), v)
    near(np.concatenate([ha.data.reshape(-1), hb.data]), full @ np.concatenate([v[0].reshape(-1), v[1]]))
    assert value.item() == number(mg.tensor(A), mg.tensor(B)).item()


def test_a_hessian_of_a_network(backend):
    """Of a loss by the weights of a layer, symmetric although relu and softmax are in between."""
    mg.manual_seed(0)
    x, y = RNG.standard_normal((20, 3)), np.arange(20) % 3

    def loss(w1, w2):
        return mg.cross_entropy(mg.matmul(mg.relu(mg.matmul(x, w1)), w2), y)

    w1, w2 = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 3))
    (aa, ab), (ba, bb) = mg.hessian(loss, (w1, w2))
    full = np.block(
        [[aa.data.reshape(12, 12), ab.data.reshape(12, 12)], [ba.data.reshape(12, 12), bb.data.reshape(12, 12)]]
    )
    np.testing.assert_allclose(full, full.T, atol=1e-12)
    assert np.abs(full).max() > 0.01


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_rows_in_one_walk(backend, n, dtype, monkeypatch):
    mg.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(3, 6, activation="tanh", dtype=dtype), nn.Dropout(0.5), nn.Linear(6, 4, dtype=dtype)
    ).eval()
    x = RNG.standard_normal((n, 3)).astype(dtype)
    walks = []
    monkeypatch.setattr(derivatives, "grad", lambda *a, **o: walks.append(1) or mg.grad(*a, **o))
    found = mg.jacobian(net, x, batched=True)
    assert len(walks) == 1 and found.shape == (n, 4, 3)
    whole = mg.jacobian(net, x)
    assert len(walks) == 1 + 4 * n
    np.testing.assert_allclose(found.data, whole.data[np.arange(n), :, np.arange(n)], rtol=1e-5, atol=1e-7)
    images = mg.jacobian(lambda a: mg.sin(a).reshape(-1, 3, 1) * mg.tensor(np.ones((1, 2), dtype)), x, batched=True)
    assert images.shape == (n, 3, 2, 3)
    scalar = mg.jacobian(lambda a: mg.sum(a * a, dim=1), x, batched=True)
    near(scalar, 2 * x)
    pair = mg.jacobian(lambda a, b: a * b, (x, x + 1), batched=True)
    near(pair[0], (x + 1)[:, :, None] * np.eye(3))


def test_hessians_by_rows(backend):
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 6, activation="tanh", dtype="float64"), nn.Linear(6, 1, dtype="float64"))
    x = RNG.standard_normal((5, 3))
    for f in (net, lambda a: net(a).reshape(-1)):
        found = mg.hessian(f, x, batched=True)
        assert found.shape == (5, 3, 3)
        for i in range(5):
            near(found.data[i], mg.hessian(lambda a: net(a.reshape(1, 3)).sum(), x[i]).data, 1e-10)


@pytest.mark.parametrize(
    ("func", "words"),
    [
        (lambda x: x - x.mean(dim=0), "acts row by row"),
        (lambda x: mg.cumsum(x, dim=0), "acts row by row"),
        (lambda x: x / mg.norm(x), "acts row by row"),
        (lambda x: nn.Dropout(0.5)(mg.cat([x] * 20, dim=1)), r"dropout in training: model\.eval"),
        (lambda x: x.sum(), r"func made float64 \(\) of 4 rows"),
        (lambda x: x[:2], r"func made float64 \(2, 3\) of 4 rows"),
    ],
)
def test_what_does_not_act_row_by_row(func, words):
    with pytest.raises((GraphError, ShapeError), match=words):
        mg.jacobian(func, RNG.standard_normal((4, 3)), batched=True)


def test_a_single_row_beside_batch_statistics():
    """One row repeated has the statistics of one row: only other rows beside it show that they matter."""
    for n in (1, 3):
        with pytest.raises(GraphError, match="acts row by row"):
            mg.jacobian(lambda x: mg.sin(x - x.mean(dim=0)) + x, np.ones((n, 3)), batched=True)


def test_checks_of_rows_draw_nothing():
    before = rng.get_state()
    layer = nn.Dropout(0.5)
    with pytest.raises(GraphError):
        mg.jacobian(lambda x: layer(mg.cat([x] * 20, dim=1)), np.ones((4, 3)), batched=True)
    mg.jacobian(mg.sin, np.ones((4, 3)), batched=True)
    assert rng.get_state()["noise"] == before["noise"]


def test_derivatives_of_derivatives(backend):
    """create_graph: through the inputs, through v, and through tensors that func uses."""
    x, w = (
        mg.tensor([0.5, -1.0, 2.0], dtype="float64", requires_grad=True),
        mg.tensor(1.5, dtype="float64", requires_grad=True),
    )

    def f(a):
        return mg.sin(a * w) * a

    def by_hand(function):
        return mg.grad(function().sum(), [x, w])

    a, b = by_hand(lambda: mg.square(mg.jacobian(f, x, create_graph=True)))
    xs, ws = x.data, w.item()
    d = np.sin(xs * ws) + xs * ws * np.cos(xs * ws)  # the diagonal of the Jacobian
    near(a, 2 * d * (2 * ws * np.cos(xs * ws) - xs * ws * ws * np.sin(xs * ws)))
    near(b, (2 * d * (2 * xs * np.cos(xs * ws) - xs * xs * ws * np.sin(xs * ws))).sum())
    v = mg.tensor([1.0, 2.0, 3.0], dtype="float64", requires_grad=True)
    for product in (mg.vjp, mg.jvp):
        near(mg.grad(product(f, x, v, create_graph=True)[1].sum(), v), d)
        assert not product(f, x, v)[1].requires_grad and not product(f, x, v)[0].requires_grad
        near(mg.grad(product(f, x, v, create_graph=True)[0].sum(), x), d)
    h = mg.hvp(lambda a: (a * a * a).sum(), x, v, create_graph=True)[1]
    near(mg.grad(h.sum(), x), 6 * v.data)
    third = mg.jacobian(lambda a: mg.hessian(lambda b: (b * b * b).sum(), a, create_graph=True), x)
    near(third[1, 1, 1].item(), 6)
    assert third.shape == (3, 3, 3)
    rows = mg.jacobian(lambda a: a * a, x.reshape(3, 1), create_graph=True, batched=True)
    near(mg.grad(rows.sum(), x), [2, 2, 2])
    near(mg.grad(mg.hessian(lambda a: a * a * a, x.reshape(3, 1), create_graph=True, batched=True).sum(), x), [6, 6, 6])
    assert x.grad is None and w.grad is None


def test_strict(backend):
    x = np.ones(3)
    for act in (
        lambda f, **o: mg.vjp(f, (x, x), np.ones(3), **o)[1][1],
        lambda f, **o: mg.jacobian(f, (x, x), **o)[1],
        lambda f, **o: mg.jacobian(f, (x.reshape(3, 1), x.reshape(3, 1)), batched=True, **o)[1],
    ):
        assert not act(lambda a, b: mg.sin(a)).data.any()
        with pytest.raises(GraphError, match=r"strict=True.*does not depend on input 1"):
            act(lambda a, b: mg.sin(a), strict=True)
    constant = mg.tensor(np.ones(2))
    assert mg.jacobian(lambda a: constant, x).shape == (2, 3)
    assert not mg.jvp(lambda a: constant, x, x)[1].data.any()
    assert not mg.hvp(lambda a: a.sum(), x, x)[1].data.any() and not mg.hessian(lambda a: a.sum(), x).data.any()
    for act in (
        lambda: mg.jvp(lambda a: constant, x, x, strict=True),
        lambda: mg.hvp(lambda a: a.sum(), x, x, strict=True),
        lambda: mg.hessian(lambda a: a.sum(), x, strict=True),
    ):
        with pytest.raises(GraphError, match="strict=True"):
            act()


def test_settings_and_gradients_of_the_caller_stay(backend):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad():
        near(mg.jacobian(lambda a: a * a, x), [[2, 0], [0, 4]])
        assert not mg.is_grad_enabled()
    assert x.grad is None
    outer = mg.vjp(lambda a: a * x, x, np.float32([1, 1]))  # x inside is a constant of the function
    near(outer[1], [1, 2])


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: mg.jacobian(3, np.ones(2)), TypeError, r"jacobian: func is 3.*jacobian\(func, inputs\)"),
        (lambda: mg.hessian(np.ones(2), mg.sin), TypeError, "hessian: func is array.*the order is"),
        (lambda: mg.jacobian(mg.sin, np.arange(3)), DTypeError, r"jacobian: input 0 is int64 \(3,\)"),
        (lambda: mg.vjp(lambda a: 3.0, np.ones(2)), TypeError, "vjp: func returned a float"),
        (lambda: mg.vjp(lambda a: a > 0, np.ones(2)), DTypeError, r"vjp: func returned bool \(2,\)"),
        (
            lambda: mg.vjp(mg.sin, np.ones(2)),
            ShapeError,
            r"vjp: v is missing; need one of the shape of each output: float64",
        ),
        (lambda: mg.vjp(mg.sin, np.ones(2), np.ones(3)), ShapeError, r"vjp: v is float64 \(3,\); need float64 \(2,\)"),
        (lambda: mg.vjp(two, (A, B), np.ones(2)), ShapeError, "vjp: v has 1 parts"),
        (
            lambda: mg.jvp(two, (A, B), (A, A)),
            ShapeError,
            r"jvp: v\[1\] is float64 \(2, 3\); need float64 \(3,\), as the input",
        ),
        (
            lambda: mg.hvp(mg.sin, np.ones(2), np.ones(2)),
            ShapeError,
            r"hvp: func returned float64 \(2,\); need one number",
        ),
        (
            lambda: mg.hessian(mg.sin, np.ones(2)),
            ShapeError,
            "hessian: func returned.*batched=True takes one for each row",
        ),
        (lambda: mg.hessian(mg.sin, np.ones((2, 3)), batched=True), ShapeError, "need one number for each row"),
        (
            lambda: mg.jacobian(mg.sin, np.ones(()), batched=True),
            ShapeError,
            r"batched=True, and inputs are float64 \(\)",
        ),
        (lambda: mg.jacobian(two, (A, B), batched=True), ShapeError, "need .*, of one n"),
        (lambda: mg.jacobian(mg.sin, np.ones((0, 3)), batched=True), ShapeError, "at least one row"),
        (
            lambda: mg.jacobian(lambda a: (a, a), np.ones((2, 3)), batched=True),
            TypeError,
            "returned 2 tensors; need one",
        ),
        (lambda: mg.jacobian(mg.sin, np.ones(2), batched="no"), TypeError, "batched is 'no'"),
        (lambda: mg.jacobian(mg.sin, np.ones(2), strict=3), TypeError, "jacobian: strict is 3"),
    ],
)
def test_what_is_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()


def test_through_a_checkpoint(backend):
    plain = mg.hessian(lambda a: mg.square(smooth(a)).sum(), A)
    found = mg.hessian(lambda a: mg.square(mg.checkpoint(smooth, a)).sum(), A)
    near(found, plain.data, 1e-12)
    near(mg.jvp(functools.partial(mg.checkpoint, smooth), A, A)[1], mg.jvp(smooth, A, A)[1].data, 1e-12)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # PyTorch uses its own torch.jit.script in vmap
def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    func, given = torch.autograd.functional, [torch.tensor(x) for x in (A, B)]
    u, v, s, t = (RNG.standard_normal(shape) for shape in ((2,), (2, 3), (2, 3), (3,)))
    w = torch.tensor(W)

    def their_smooth(x):
        return torch.sin(x @ w) * torch.exp(torch.tanh(x @ w))

    def their_two(a, b):
        return torch.sin(a) @ b, torch.exp(a) * b * b

    def their_number(a, b):
        return (torch.sin(a) * b * b * b).sum() + torch.exp((a * a).sum() * 0.1)

    def alike(a, b):
        assert isinstance(a, tuple) == isinstance(b, tuple)
        for one, other in zip(a, b, strict=True) if isinstance(a, tuple) else ():
            alike(one, other)
        if not isinstance(a, tuple):
            assert a.shape == tuple(b.shape)
            np.testing.assert_allclose(a.data, b.numpy(), rtol=1e-10, atol=1e-12)

    pair, tensors = (A, B), tuple(given)
    theirs = [tuple(torch.tensor(x) for x in part) for part in ((u, v), (s, t))]
    for ours, other in [
        (mg.jacobian(smooth, A), func.jacobian(their_smooth, given[0])),
        (mg.jacobian(two, pair), func.jacobian(their_two, tensors)),
        (mg.vjp(two, pair, (u, v)), func.vjp(their_two, tensors, theirs[0])),
        (mg.jvp(two, pair, (s, t)), func.jvp(their_two, tensors, theirs[1])),
        (mg.hvp(number, pair, (s, t)), func.hvp(their_number, tensors, theirs[1])),
        (mg.hessian(number, pair), func.hessian(their_number, tensors)),
        (mg.jacobian(smooth, A, batched=True), torch.func.vmap(torch.func.jacrev(their_smooth))(given[0])),
        (mg.jacobian(lambda a: smooth(a)[0], (A,)), func.jacobian(lambda a: their_smooth(a)[0], (given[0],))),
        (mg.hessian(lambda a: a[0, 0], (A,)), func.hessian(lambda a: a[0, 0], (given[0],))),
        (mg.jvp(smooth, A, s), torch.func.jvp(their_smooth, (given[0],), (torch.tensor(s),))),
    ]:
        alike(ours, other)
