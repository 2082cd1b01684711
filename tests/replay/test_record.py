"""Steps that cannot be replayed are refused by name, with the user's line and the cure; what can be is found to be."""

import numpy as np
import pytest
from replay.twins import T, X, Y, assert_twins, classifier, network

import minigrad as mg
from minigrad import ReplayError, nn, optim

x8, y8 = X[:8], Y[:8]


def refused(step, match, times=3, inputs=(x8, y8)):
    """The step raises ReplayError within `times` calls, and says so."""
    step = mg.compile(step)
    with pytest.raises(ReplayError, match=match):
        for _ in range(times):
            step(*inputs)


def trained(forward, optimizer_of=lambda model: optim.SGD(model.parameters(), lr=0.1)):
    """A step with a loss of its own: forward(model, x, y) -> loss."""
    mg.manual_seed(0)
    model = network()
    optimizer = optimizer_of(model)

    def step(x, y):
        optimizer.zero_grad()
        loss = forward(model, x, y)
        loss.backward()
        optimizer.step()
        return loss

    return step


class Counting:
    """A number that is another one in each step."""

    def __init__(self):
        self.n = 0

    def __call__(self):
        self.n += 1
        return self.n


def test_a_number_that_changes():
    count = Counting()

    def forward(model, x, y):
        return mg.cross_entropy(model(x), y) * (1.0 / count())

    refused(
        trained(forward),
        r"compile: mul, in test_record.py, line \d+ \(return mg.cross_entropy.*\) cannot be replayed: a number that it "
        r"gets changes from step to step \(0.5, then 0.333.*\): pass it as an argument of the step",
    )


def test_a_number_given_as_an_argument():
    def run(compiled):
        mg.manual_seed(0)
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x, y, factor):
            optimizer.zero_grad()
            loss = mg.cross_entropy(model(x), y) * factor
            loss.backward()
            optimizer.step()
            return loss

        step = mg.compile(step) if compiled else step
        return [step(mg.tensor(x8), mg.tensor(y8), mg.tensor(1 / (1 + i))).item() for i in range(6)]

    assert run(True) == run(False)


def test_control_flow():
    count = Counting()

    def forward(model, x, y):
        output = model(x)
        return mg.cross_entropy(output if count() % 2 else mg.tanh(output), y)

    refused(trained(forward), r"the step before called tanh in its place|the step before called cross_entropy")


def test_a_shape_that_changes():
    count = Counting()

    def forward(model, x, y):
        n = 2 + count()
        return mg.cross_entropy(model(x)[:n], y[:n])

    refused(trained(forward), "an array that it gets was .* and is .*; a step has fixed shapes")


def test_data_that_python_makes():
    def forward(model, x, y):
        return mg.mse(model(x), mg.tensor(np.random.default_rng(count()).normal(size=(8, 3)).astype(np.float32)))

    count = Counting()
    refused(
        trained(forward), "reads an array that Python makes anew in each step, with other numbers: pass it as an arg"
    )


def test_labels_that_numpy_copies():
    data = [Y[i : i + 8] for i in range(0, 48, 8)]

    def forward(model, x, y):
        return mg.cross_entropy(model(x), data.pop())

    refused(trained(forward), r"cross_entropy.* reads an array that Python makes anew")


def test_data_that_is_equal_in_each_step_is_a_constant():
    """Labels from outside, which are copied in each step, but are the same ones."""

    def make():
        model, optimizer, _ = classifier()()

        def step(x, y):
            optimizer.zero_grad()
            output = model(x)
            loss = mg.mse(output, mg.tensor(np.ones((len(x), 3), np.float32)))
            loss.backward()
            optimizer.step()
            return loss, output

        return model, optimizer, step

    assert_twins(make)


def test_gradients_that_add_up():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        mg.cross_entropy(model(x), y).backward()
        optimizer.step()

    refused(step, r"optimizer.zero_grad\(\) in the step|in another place", times=4)


def test_gradients_of_several_batches_in_one_step_add_up():
    def make():
        model, optimizer, _ = classifier()()

        def step(x, y):
            optimizer.zero_grad()
            for part in (slice(0, 2), slice(2, 4)):
                output = model(x[part])
                loss = mg.cross_entropy(output, y[part])
                loss.backward()
            optimizer.step()
            return loss, model(x)

        return model, optimizer, step

    assert_twins(make)


def test_a_result_kept_for_the_next_step():
    model, held = network(), [mg.tensor(0.0)]

    def step(x, y):
        held[0] = held[0] * 0.9 + mg.cross_entropy(model(x), y).detach()
        return held[0]

    refused(step, "reads what the step before computed and Python kept|in another place", times=4)


def test_a_constant_that_the_step_writes():
    """copy_ gives a constant new memory, so that views keep their numbers; in a compiled step once and for all."""
    ends = []
    for compiled in (False, True):
        mean, seen = mg.tensor(np.zeros(6, np.float32)), []

        def step(x, y, mean=mean):
            with mg.no_grad():
                mean.copy_(mean * 0.9 + x.mean(dim=0) * 0.1)
            return (x - mean).sum() + y.sum()

        step = mg.compile(step) if compiled else step
        before = mean.data
        seen += [step(mg.tensor(x8 + i), mg.tensor(y8)).item() for i in range(6)]
        ends.append((seen, mean.data.tobytes()))
        assert not before.any(), "a view from before"
    assert ends[0] == ends[1]


def test_a_rate_that_the_step_sets():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        mg.cross_entropy(model(x), y).backward()
        optimizer.param_groups[0]["lr"] *= 0.9
        optimizer.step()

    refused(
        step, r"compile: SGD.* the step sets lr \(0.09.*, then 0.08.*\): set it between two steps, or let a schedule"
    )


READS = {
    "item": lambda t: t.item(),
    "print": lambda t: print(t),
    "format": lambda t: f"{t:.3f}",
    "float": float,
    "bool": lambda t: bool(t),
    "numpy": lambda t: t.detach().numpy(),
    "data": lambda t: t.data,
    "tolist": lambda t: t.tolist(),
    "asarray": np.asarray,
    "np.mean": lambda t: np.mean(t.detach()),
}


@pytest.mark.parametrize("name", READS)
def test_looking_at_numbers(name):
    def forward(model, x, y):
        loss = mg.cross_entropy(model(x), y)
        READS[name](loss)
        return loss

    refused(trained(forward), r"of a tensor inside a step .* Return the tensor from the step, and look at it outside")
    assert mg.tensor(1.5).item() == 1.5, "and outside of it all can be read"


def test_dividing_by_a_number_read():
    refused(trained(lambda model, x, y: mg.cross_entropy(model(x), y) / 2.0 * float(mg.tensor(2.0))), "float")


def test_results_that_are_no_tensors():
    refused(lambda x, y: np.ones(3), "the step returns a ndarray.*; return tensors")


def test_views_are_what_they_show():
    """Transposes, slices and broadcasts are other arrays on the same memory."""

    def make():
        model, optimizer, _ = classifier()()

        def step(x, y):
            optimizer.zero_grad()
            with mg.no_grad():  # a view of a parameter is copied where no graph guards it
                scale = (model[0].weight.reshape(-1) * 0.1).sum() * 0.0 + 1.0
            hidden = scale * mg.relu(x @ model[0].weight + model[0].bias)
            parts = mg.cat([hidden[:, 4:], hidden[:, :4]], dim=1)
            output = (model[1].weight.T @ parts.T).T + model[1].bias
            loss = mg.cross_entropy(output.reshape(3, -1).T.reshape(-1, 3), y)
            loss.backward()
            optimizer.step()
            return loss, output

        return model, optimizer, step

    assert_twins(make)


def test_a_graph_from_before_a_replay_is_told_apart():
    """A replay writes the weights: a graph that used the old ones raises."""
    model, _, step = classifier()()
    step = mg.compile(step)
    for _ in range(3):
        step(x8, y8)
    loss = mg.cross_entropy(model(mg.tensor(x8)), y8)
    step(x8, y8)
    with pytest.raises(mg.GraphError, match="written"):
        loss.backward()


def test_a_weight_of_another_array_is_noticed():
    model, _, step = classifier()()
    step = mg.compile(step)
    for _ in range(4):
        step(x8, y8)
    model[0].bias.array = model[0].bias.array.copy()
    before = model[0].bias.data.copy()
    for _ in range(3):
        step(x8, y8)
    assert (model[0].bias.data != before).any()


def test_anomaly_mode_sees_every_op():
    _, _, step = classifier()()
    step = mg.compile(step)
    for _ in range(3):
        step(x8, y8)
    bad = x8.copy()
    bad[2] = 3e38
    with mg.debug.anomaly(), pytest.raises(mg.NonFiniteError, match="affine"):
        step(bad, y8)


CHANGES = {
    "a layer": lambda model: setattr(model[0], "weight", nn.Parameter(np.zeros((6, 8), np.float32))),
    "another layer": lambda model: model.__setitem__(1, nn.Linear(8, 3, init="zeros")),
    "frozen": lambda model: setattr(model[1].weight, "requires_grad", False),
    "a hook of a tensor": lambda model: model[0].weight.register_hook(lambda g: g * 0.0),
    "a hook of a layer": lambda model: model[0].register_forward_hook(lambda module, x, y: y * 2.0),
    "a number of a layer": lambda model: setattr(model[2], "p", 0.9),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_model_that_changed_is_recorded_again(name):
    ends = []
    for compiled in (False, True):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 3), nn.Dropout(0.1))
        optimizer = optim.SGD(list(model.parameters()), lr=0.1)

        def step(x, y, model=model, optimizer=optimizer):
            for p in model.parameters():  # those that the optimizer does not hold as well
                p.grad = None
            loss = mg.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        step = mg.compile(step) if compiled else step
        losses = []
        for i in range(8):
            if i == 4:
                CHANGES[name](model)
            losses.append(step(mg.tensor(x8), mg.tensor(y8)).item())
        ends.append((losses, [p.data.tobytes() for p in model.parameters()]))
    assert ends[0] == ends[1]


def test_a_step_inside_a_step():
    inner = mg.compile(lambda x: x * 2)
    refused(lambda x, y: inner(x), "a compiled step is called inside another one")


def test_masks_of_classes_are_refused_by_name():
    model = nn.Linear(6, 3)
    refused(lambda x, y: mg.softmax_focal_loss(model(x), y), "softmax_focal_loss.* the mask of its classes")
    refused(lambda x, y: mg.cross_entropy(model(x), y, ignore_index=1), "which rows are ignored is found out in Python")


def test_regression_targets_of_another_dtype():
    """float64 beside float32: what NumPy would copy is copied by a kernel."""

    def step(x, t):
        return (x * mg.tensor(2.0, dtype="float64")).sum() + t.sum()

    step = mg.compile(step)
    expected = (mg.tensor(X) * mg.tensor(2.0, dtype="float64")).sum() + mg.tensor(T).sum()
    assert [step(X, T).item() for _ in range(4)] == [expected.item()] * 4
