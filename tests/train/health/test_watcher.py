"""train.Watch: numbers by hand, bits of a watched training, compiled or not, loops of one's own, what it writes."""

import copy
import json
import pickle
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from train.patients import DIGITS, adam, kinds, linear, mlp, network, relu, sgd, watched

import minigrad as mg
from minigrad import data, engine, nn, optim, reg, train
from minigrad.train.health.course import constant_loss
from minigrad.train.health.watcher import due, period

X, Y = DIGITS


def test_numbers_by_hand():
    """y = relu(x W) v, one step: norms of outputs, gradients and updates as NumPy has them."""
    model = network(lambda: nn.Linear(2, 3, bias=False, activation="relu"), lambda: nn.Linear(3, 1, bias=False))
    x = np.array([[1.0, 2.0], [-1.0, 0.5], [0.5, -2.0], [2.0, 1.0]], np.float32)
    t = np.array([[1.0], [0.0], [2.0], [-1.0]], np.float32)
    w, v = (p.data.astype(np.float64) for p in model.parameters())
    watch = train.Watch()
    train.fit(model, (x, t), mg.mse, optim.SGD(model.parameters(), lr=0.5), epochs=1, batch_size=4, callbacks=[watch])
    h = np.maximum(x @ w, 0)
    g = 2 * (h @ v - t) / 4
    gh = (g @ v.T) * (h > 0)
    first, last = watch.table
    near = lambda value: pytest.approx(value, rel=1e-5)
    assert first["layer"] == "0" and first["op"] == "relu"
    assert first["output"] == near(np.sqrt((h**2).mean()))
    assert first["zeros"] == near((h == 0).mean())
    assert first["dead"] == near((h == 0).all(axis=0).mean())
    assert first["gradient"] == near(np.linalg.norm(g @ v.T))
    assert last["gradient"] == near(np.linalg.norm(g))
    assert first["weight_gradient"] == near(np.linalg.norm(x.T @ gh))
    assert first["weight"] == near(np.linalg.norm(w))
    assert first["update"] == near(0.5 * np.linalg.norm(x.T @ gh))
    assert last["ratio"] == near(0.5 * np.linalg.norm(h.T @ g) / np.linalg.norm(v))
    assert watch.steps[0].loss == near(((h @ v - t) ** 2).mean())


def test_units_of_convolutions_are_channels():
    model = network(lambda: nn.Conv2d(1, 3, 3), nn.ReLU, nn.Flatten, lambda: linear(108, 10))
    with mg.no_grad():
        model[0].bias.copy_(np.array([0, -1e3, 0], np.float32))
    watch = watched(model, rows=(X.reshape(-1, 1, 8, 8), Y), epochs=1)
    row = watch.table[0]
    assert (row["layer"], row["op"]) == ("0", "relu")
    assert row["dead"] == pytest.approx(1 / 3)


def test_functions_in_forward_are_seen_like_layers():
    class Own(nn.Module):
        def __init__(self):
            mg.manual_seed(0)
            self.w, self.out = nn.Parameter(np.eye(64, 16, dtype=np.float32)), linear(16, 10)

        def forward(self, x):
            return self.out(mg.tanh(x @ self.w))

    rows = watched(Own(), epochs=1).table
    assert [(row["layer"], row["op"]) for row in rows[:2]] == [("w", "tanh"), ("out", "affine")]
    assert rows[0]["saturated"] == 0


def trained(compile=False, callbacks=(), batches=None):
    mg.manual_seed(0)
    model = nn.Sequential(relu(64, 24), nn.Dropout(0.3), linear(24, 10))
    terms = reg.on(model, "*.weight", reg.L1(1e-4))
    optimizer = optim.Adam(model.parameters(), lr=1e-2, prox=terms)
    history = train.fit(
        model,
        (X[:600], Y[:600]),
        mg.cross_entropy,
        optimizer,
        epochs=4,
        validation_data=(X[600:800], Y[600:800]),
        metrics=[train.accuracy],
        callbacks=list(callbacks),
        seed=0,
        compile=compile,
    )
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
    return b"".join(p.data.tobytes() for p in model.parameters()), rows


@pytest.mark.parametrize("every", ["1 epoch", "2 epochs", 5, 1])
@pytest.mark.parametrize("compile", [False, True])
def test_watching_changes_no_bit(every, compile):
    watch = train.Watch(every)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no batch is made in Python because it could not be replayed
        assert trained(compile, [watch]) == trained()
    assert engine._watch is None
    per, batches = period(every)[0], 19
    numbers = [n for n in range(1, 4 * batches + 1) if due(n, per * batches or every)]
    assert [step.number for step in watch.steps] == numbers


def test_compiled_and_eager_see_the_same():
    seen = []
    for compile in (False, True):
        watch = train.Watch(7)
        trained(compile, [watch])
        seen.append(watch.to_json())
    assert seen[0] == seen[1]


def test_only_watched_batches_are_made_in_python_when_compiled():
    class Count(train.Callback):
        made = 0

        def next_batch(self, run):
            return float("inf")

        def on_batch_begin(self, run):
            self.made += 1

    count, watch = Count(), train.Watch("2 epochs")
    trained(True, [count, watch])
    assert count.made == len(watch.steps) < 20


def test_a_batch_without_an_update_is_watched_at_the_next_one():
    watch = train.Watch(5)
    trained(callbacks=[watch, train.AccumulateGradients(2)])
    numbers = [step.number for step in watch.steps]
    assert numbers[:3] == [2, 4, 6]  # the updates after batches 1 and 2, 3 and 4, ...
    assert all(w.update > 0 for step in watch.steps for w in step.weights)


def test_two_watches_and_wrong_intervals_are_refused():
    model = mlp()
    with pytest.raises(ValueError, match="two of them"):
        train.fit(model, DIGITS, mg.cross_entropy, sgd(0.1)(model), epochs=1, callbacks=[train.Watch(), train.Watch(5)])
    assert engine._watch is None
    for every in ("1 week", "0 epochs", 0, -1):
        with pytest.raises(ValueError, match="every"):
            train.Watch(every)
    with pytest.raises(TypeError, match="every"):
        train.Watch(None)


def test_a_loop_of_ones_own():
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    with train.Watch(10).loop(model, optimizer) as watch:
        for i in range(25):
            optimizer.zero_grad()
            mg.cross_entropy(model(mg.tensor(X[32 * i : 32 * i + 32])), Y[32 * i : 32 * i + 32]).backward()
            optimizer.step()
    assert [step.number for step in watch.steps] == [1, 2, 4, 8, 11, 21]
    assert watch.course.updates == 25 and "step" not in vars(optimizer) and engine._watch is None
    assert watch.steps[0].loss == pytest.approx(float(np.log(10)), rel=0.2)
    assert not optimizer._hooks


def test_an_error_puts_everything_back():
    class Broken(train.Callback):
        def on_batch_end(self, run):
            raise RuntimeError("broken")

    model = mlp()
    optimizer = sgd(0.1)(model)
    for callbacks in ([train.Watch(1), Broken()], [Broken(), train.Watch(1)]):
        with pytest.raises(RuntimeError, match="broken"):
            train.fit(model, DIGITS, mg.cross_entropy, optimizer, callbacks=callbacks)
        assert engine._watch is None and not optimizer._hooks


def test_unwatched_reports():
    watch = train.Watch()
    assert watch.findings == [] and watch.table == []
    assert watch.report().startswith("no step was watched")
    assert repr(watch) == "Watch(every='1 epoch'; 0 watched steps: nothing found)"
    with pytest.raises(ValueError, match="no step was watched"):
        watch.plot()
    assert json.loads(watch.to_json())["findings"] == []
    assert "no step was watched" in watch._repr_html_()


def test_what_is_written(tmp_path):
    model = mlp()
    with mg.no_grad():
        model[0].bias.copy_(np.full(32, -100, np.float32))
    watch = watched(model, epochs=2)
    page = watch.save(tmp_path / "health.html").read_text(encoding="utf-8")
    assert "<h2>dead: 0</h2>" in page and "He" in page and "prefers-color-scheme: dark" in page
    drawings = page.count("<svg")
    assert drawings >= 3 and page.count('<svg role="img" aria-label=') == drawings
    for svg in page.split('<figure class="drawn">')[1:]:
        ElementTree.fromstring(svg[svg.index("<svg") : svg.index("</svg>") + 6])
    found = json.loads(watch.to_json(tmp_path / "health.json"))
    assert found["findings"][0]["kind"] == "dead" and found["findings"][0]["numbers"]["limit"] == 0.5
    assert found["table"][0]["saturated"] is None  # NaN is no JSON
    assert "try: biases that start at 0" in watch.report()
    assert "<b>found: dead</b>" in watch._repr_html_()


def test_plot():
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="plots need matplotlib: pip install 'minigrad[figures]'")
    figure = watched(mlp(), epochs=2).plot()
    assert [axis.get_title() for axis in figure.axes] == [
        "The loss",
        "The gradient through depth",
        "Updates beside weights",
        "Dead units",
    ]
    pyplot.close(figure)


def test_copies_have_what_was_seen():
    watch = watched(mlp(), epochs=1)
    for twin in (copy.deepcopy(watch), pickle.loads(pickle.dumps(watch))):
        assert twin.to_json() == watch.to_json()


def test_it_is_used_anew():
    watch = train.Watch()
    for _ in range(2):
        model = mlp()
        train.fit(model, DIGITS, mg.cross_entropy, adam(1e-3)(model), epochs=1, callbacks=[watch])
    assert watch.course.updates == 57 and kinds(watch) == []


@pytest.mark.parametrize(
    ("loss", "constant"),
    [
        ("mse", np.array([[1.0, 0.0], [3.0, 0.0]])),
        ("bce_with_logits", np.array([1.0, 0.0, 0.0, 0.0])),
        ("cross_entropy", np.eye(3)[[0, 1, 1, 2]]),
        ("cross_entropy", np.array([0, 1, 1, 2, -100])),
    ],
)
def test_the_loss_of_a_constant_is_the_least_of_all(loss, constant):
    function = {"mse": mg.mse, "bce_with_logits": mg.bce_with_logits, "cross_entropy": mg.cross_entropy}[loss]
    columns = 3 if loss == "cross_entropy" else constant[0].size
    output = nn.Parameter(np.zeros((1, columns) if constant[0].size > 1 or columns == 3 else (1,)), "float64")
    optimizer = optim.SGD([output], lr=0.5)
    ones = np.ones((len(constant), 1) if output.ndim == 2 else (len(constant),))
    for _ in range(2000):
        optimizer.zero_grad()
        value = function(mg.tensor(ones, "float64") * output, constant)
        value.backward()
        optimizer.step()
    assert constant_loss(loss, [constant]) == pytest.approx(value.item(), rel=1e-4)


def test_rows_with_weights_have_no_constant():
    x, y = data.load_digits()
    watch = watched(mlp(), rows=(x, y, np.linspace(0.5, 1.5, len(y)).astype(np.float32)), epochs=1)
    assert np.isnan(watch.course.constant())
