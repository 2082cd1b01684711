"""recompute: a checkpoint changes what is remembered, and no bit of what is computed."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, rng
from minigrad.errors import GraphError
from minigrad.recording import mode


def leaf(shape, seed=0, dtype=np.float32):
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype), requires_grad=True)


def bits(tensors):
    return [None if x is None else np.asarray(x.data if isinstance(x, mg.Tensor) else x).tobytes() for x in tensors]


def plain(function, *args, **options):
    return function(*args, **options)


class Network(nn.Module):
    """Segments with shared weights, residual sums, dropout of both kinds, a weight that is used outside."""

    def __init__(self, call, depth=4):
        mg.manual_seed(1)
        self.call = call
        self.first = nn.Linear(6, 8)
        self.shared = nn.Linear(8, 8, activation="tanh")
        self.blocks = nn.Sequential(
            *[
                nn.Sequential(
                    nn.Linear(8, 8), nn.Dropout(0.4), nn.GaussianNoise(0.1), nn.Dropout(0.3, seed=i), nn.ReLU()
                )
                for i in range(depth)
            ]
        )
        self.last = nn.Linear(8, 3)

    def segment(self, block, x, h):
        return mg.add(self.shared(block(x)), mg.mul(mg.add(x, h), mg.add(x, x)))

    def forward(self, x):
        h = x = self.first(x)
        for block in self.blocks:
            x = self.call(self.segment, block, x, h=h)
        return self.last(mg.add(x, mg.mul(h, self.shared(h))))


def trained(call, steps=3):
    model = Network(call)
    rows, labels = np.random.default_rng(0).standard_normal((10, 6)).astype(np.float32), np.arange(10) % 3
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    seen = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(mg.tensor(rows)), labels)
        loss.backward()
        seen += [loss, *(p.grad for p in model.parameters())]
        optimizer.step()
    return bits([*seen, *model.parameters(), *model.state_dict().values()]), rng.get_state()


def test_training_has_the_bits_of_training_without(backend):
    """Weights used in several segments and outside, so that the order in which their gradients are added matters."""
    assert trained(mg.checkpoint) == trained(plain)


def test_checkpoints_in_checkpoints(backend):
    def nested(function, *args, **options):
        return mg.checkpoint(lambda *a, **o: mg.checkpoint(function, *a, **o), *args, **options)

    assert trained(nested) == trained(plain)

    whole = Network(mg.checkpoint)
    inner = whole.forward
    whole.forward = lambda x: mg.checkpoint(inner, x)
    right = Network(plain)
    rows = np.random.default_rng(0).standard_normal((10, 6)).astype(np.float32)
    found = []
    for model in (whole, right):
        mg.manual_seed(5)
        for block in model.blocks:
            block[3].calls.copy_(0)
        loss = mg.square(model(mg.tensor(rows))).mean()
        loss.backward()
        found.append((bits([loss, *(p.grad for p in model.parameters())]), rng.get_state()))
    assert found[0] == found[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_second_order(backend, dtype):
    def function(x, w):
        return mg.tanh(mg.matmul(x, w)) * mg.exp(mg.sin(mg.matmul(x, w)))

    def derivatives(call):
        x, w = leaf((4, 3), 0, dtype), leaf((3, 5), 1, dtype)
        y = call(function, call(mg.tanh, x), w)
        first = mg.grad(mg.square(y).sum(), [x, w], create_graph=True)
        second = mg.grad(mg.square(first[0]).sum() + mg.square(first[1]).sum(), [x, w], create_graph=True)
        third = mg.grad(mg.square(second[0]).sum(), [x, w])
        return [y, *first, *second, *third]

    for a, b in zip(derivatives(mg.checkpoint), derivatives(plain)):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-6)
    assert bits(derivatives(mg.checkpoint)[:3]) == bits(derivatives(plain)[:3])


def test_gradcheck():
    assert mg.testing.gradcheck(
        lambda x, w: mg.checkpoint(lambda a, b: mg.softmax(mg.matmul(a, b)) * mg.exp(a[:, :2]), x, w),
        [np.random.default_rng(0).standard_normal(s) for s in ((3, 4), (4, 2))],
    )


def test_outputs_in_every_structure(backend):
    def several(x, w):
        h = mg.tanh(mg.matmul(x, w))
        return {"h": h, "more": [mg.exp(h), (mg.sum(h, dim=1), 3, x)], "index": mg.argmax(h, dim=1)}

    def derivatives(call):
        x, w = leaf((4, 3)), leaf((3, 5), 1)
        out = call(several, x, w)
        assert out["more"][1][1] == 3 and out["index"].dtype == np.int64 and out["more"][1][2] is x
        a, (b, (c, _, _)) = out["h"], out["more"]
        loss = mg.square(a).sum() + (a * b).sum() + mg.exp(c).sum()
        return bits([a, b, c, loss, *mg.grad(loss, [x, w])])

    assert derivatives(mg.checkpoint) == derivatives(plain)
    x, unused = leaf((4,)), leaf((4,), 1)
    a, _ = mg.checkpoint(lambda x: (mg.exp(x), x * unused), x)
    a.sum().backward()
    assert unused.grad.data.tolist() == [0] * 4
    with pytest.raises(GraphError, match=r"outputs are float32.*float64.*need one dtype"):
        mg.checkpoint(lambda x: (mg.exp(x), mg.cast(x, dtype="float64") * 2), leaf((2,)))


def test_graphs_of_one_and_of_none():
    x, constant = leaf((3,)), mg.tensor([1.0, 2.0, 3.0])
    assert mg.checkpoint(lambda x: x, x) is x
    assert not mg.checkpoint(lambda x: x * 2, constant).requires_grad
    assert mg.checkpoint(lambda: None) is None
    with mg.no_grad():
        assert not mg.checkpoint(lambda x: x * 2, x).requires_grad
    y = mg.checkpoint(lambda: x * 2)  # nothing by argument
    y.sum().backward()
    assert x.grad.data.tolist() == [2, 2, 2]
    view = mg.checkpoint(lambda x: x.reshape(3, 1), x)
    assert not np.shares_memory(view.data, x.data)


def test_graphs_are_freed_and_retained():
    x = leaf((3,))
    y, seed = mg.checkpoint(mg.exp, x), np.ones(3)
    once = mg.grad(y, x, seed, retain_graph=True)
    assert bits([mg.grad(y, x, seed)]) == bits([once])
    with pytest.raises(GraphError, match="checkpoint was freed"):
        mg.grad(y, x, seed)


def test_hooks_on_both_sides():
    def derivatives(call):
        x, seen = leaf((3,)), []

        def inside(t):
            h = mg.exp(t)
            h.register_hook(lambda g: seen.append(bits([g])) or g * 2)
            return h * t

        x.register_hook(lambda g: seen.append(bits([g])))
        y = call(inside, x * 3)
        y.register_hook(lambda g: seen.append(bits([g])))
        (y * x).sum().backward()
        return bits([x.grad]), seen

    assert derivatives(mg.checkpoint) == derivatives(plain)


def test_random_numbers_are_those_of_the_first_time_and_count_once(backend):
    mine = rng.Streams(4)

    def noisy(x):
        return x * mg.tensor(rng.normal(3)) + mg.tensor(mine.uniform(3)) * mg.randn(3)

    def derivatives(call):
        mg.manual_seed(9)
        mine.seed(4)
        locked = nn.VariationalDropout(0.5, locked=True)
        x = leaf((3,))
        y = call(lambda x: noisy(x) * locked(x.reshape(1, 3)).reshape(-1), x)
        middle = rng.get_state()
        noise = rng.normal(2)  # between forward and backward
        locked.new_sequence()
        y.sum().backward()
        return bits([y, x.grad, noise]), rng.get_state(), mine.get_state(), middle

    assert derivatives(mg.checkpoint) == derivatives(plain)


def test_statistics_and_counters_of_layers_are_left_alone(backend):
    layer = nn.Dropout(0.5, seed=2)
    x = leaf((40,))
    y = mg.checkpoint(lambda x: layer(x) * layer(x), x)
    assert layer.calls.item() == 2
    y.sum().backward()
    assert layer.calls.item() == 2
    assert bits([layer(x)]) != bits([y])


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_count_a_batch_once(backend, momentum):
    def trained(call):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5, momentum=momentum), nn.ReLU(), nn.Linear(5, 2))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for i in range(3):
            optimizer.zero_grad()
            x = mg.tensor(np.random.default_rng(i).standard_normal((6, 3)).astype(np.float32))
            mg.square(call(model, x)).mean().backward()
            optimizer.step()
        return bits(model.state_dict().values())

    assert trained(mg.checkpoint) == trained(plain)


@pytest.mark.parametrize("kind", ["numpy", "closure", "parameter", "mode", "fewer draws", "more draws", "outputs"])
def test_what_is_not_the_same_twice_is_refused(kind):
    x, w = leaf((5,)), leaf((5,), 1)
    calls = []
    generator = np.random.default_rng(0)
    dropout = nn.Dropout(0.5)

    def function(x):
        calls.append(1)
        if kind == "numpy":
            return x * generator.standard_normal(5).astype(np.float32)
        if kind == "closure":
            return x * float(len(calls))
        if kind == "fewer draws":
            return dropout(x) * (dropout(x).detach() * 0 if len(calls) == 1 else 0.0)
        if kind == "more draws":
            return dropout(x) * (1.0 if len(calls) == 1 else dropout(x).detach())
        if kind == "outputs":
            return x * 2 if len(calls) == 1 else 3
        return dropout(x) * w

    y = mg.checkpoint(function, x).sum()
    if kind == "parameter":
        with mg.no_grad():
            w.copy_(np.ones(5))
    if kind == "mode":
        dropout.eval()
    words = "input of checkpoint, shape .*was written" if kind == "parameter" else "something else the second time"
    with pytest.raises(GraphError, match=words):
        y.backward()
    assert mode.draws is None and mode.recording


def test_a_variable_of_a_loop_is_noticed():
    x = leaf((3,))
    y = x
    for factor in (2.0, 3.0):
        y = mg.checkpoint(lambda t: t * factor, y)
    with pytest.raises(GraphError, match="no variable of a loop that has gone on"):
        y.sum().backward()


def test_an_error_in_the_function_leaves_nothing_behind():
    x = leaf((3,))
    with pytest.raises(ZeroDivisionError):
        mg.checkpoint(lambda x: x * (1 / 0), x)
    assert mode.draws is None and mode.recording
    with pytest.raises(TypeError, match="checkpoint: function is 3; need a function"):
        mg.checkpoint(3, x)
    layer, x = nn.Dropout(0.5), leaf((100,))
    assert bits([layer(x)]) != bits([layer(x)])  # draws go on as ever


def test_nothing_is_left_of_a_segment_but_its_output():
    inside = []

    def segment(x):
        h = mg.exp(x)
        inside.append(weakref.ref(h))
        return mg.sin(h) * h

    x = leaf((4,))
    gc.disable()
    try:
        y = mg.checkpoint(segment, x)
        assert inside[0]() is None
        y.sum().backward()
        assert len(inside) == 2 and inside[1]() is None
    finally:
        gc.enable()


def chain(call, depth=1000, width=2000, every=50):
    """Peak of memory, in vectors of the chain, of forward and backward; and the gradient."""
    x = leaf((width,))

    def segment(y, count):
        for _ in range(count):
            y = mg.sin(y)
        return y

    gc.collect()
    tracemalloc.start()
    y = x
    for _ in range(depth // every):
        y = call(segment, y, every)
    y.sum().backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (4 * width), bits([y, x.grad])


def test_a_chain_of_a_thousand_layers_keeps_the_results_between_checkpoints(backend):
    """20 results between checkpoints, and 50 inside of one, instead of 1000."""
    (most, right), (least, found) = chain(plain), chain(mg.checkpoint)
    assert found == right
    assert most > 1000 and least < 150


def test_with_fit_and_penalties():
    def trained(call):
        mg.manual_seed(0)

        class Model(nn.Module):
            def __init__(self):
                self.a, self.b, self.drop = nn.Linear(4, 16), nn.Linear(16, 3), nn.Dropout(0.3)

            def forward(self, x):
                return self.b(call(lambda x: self.drop(mg.tanh(self.a(x))), x))

        model = Model()
        terms = reg.on(model, "*.weight", reg.ElasticNet(l1=1e-3, l2=1e-2))
        optimizer = optim.Adam(model.parameters(), lr=0.01, penalty=terms)
        x = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
        history = mg.train.fit(model, (x, np.arange(30) % 3), mg.cross_entropy, optimizer, epochs=3, batch_size=7)
        return history["loss"], bits(model.parameters())

    assert trained(mg.checkpoint) == trained(plain)


def test_in_a_compiled_step():
    if mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")

    def trained(call, compiled):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 16, activation="tanh"), nn.Dropout(0.3), nn.Linear(16, 3))
        optimizer = optim.Adam(model.parameters(), lr=0.01)

        def step(x, y):
            optimizer.zero_grad()
            loss = mg.cross_entropy(model[2](call(model[:2], x)), y)
            loss.backward()
            optimizer.step()
            return loss

        x, y = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32), np.arange(8) % 3
        act = mg.compile(step) if compiled else step
        with mg.use_backend("native"):
            for _ in range(6):
                act(x, y)
        return bits(model.parameters())

    right = trained(plain, False)
    assert trained(mg.checkpoint, False) == right and trained(mg.checkpoint, True) == right
