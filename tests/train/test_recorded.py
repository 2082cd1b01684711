"""What acts in each batch, or weights it, in fit(compile=True): replayed as far as it goes, with the bits of fit."""

import numpy as np
import pytest
from train.test_replayed import RNG, T, X, Y, fitted, same, units

import minigrad as mg
from minigrad import nn, optim, reg, train

W = RNG.uniform(0.5, 2.0, 74).astype(np.float32)
SIGNS, BITS = np.sign(T), (T > 0).astype(np.float32)


def rooted(output, y, w):
    """A weighted mean under a root: fit counts it by the weights of the rows."""
    return mg.sqrt((mg.square(output - y).mean(1) * w).sum() / w.sum())


LOSSES: dict = {
    "weights of rows": {"data": (X, Y, W)},
    "weights of rows, float64": {"data": (X, Y, W.astype(np.float64))},
    "weights of rows, all one": {"data": (X, Y, np.ones_like(W))},
    "weights of rows, squares": {"data": (X, T, W), "loss": mg.mse},
    "weights of rows, bits": {"data": (X, BITS, W), "loss": nn.BCEWithLogitsLoss()},
    "weights of classes": {"loss": nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.3])},
    "weights of classes, an array": {"loss": nn.CrossEntropyLoss(weight=np.array([1.0, 2.0, 0.3]))},
    "weights of classes, a tensor": {"loss": nn.CrossEntropyLoss(weight=mg.tensor([1.0, 2.0, 0.3]))},
    "weights of both": {"loss": nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.3]), "data": (X, Y, W)},
    "weights of the signs": {"loss": nn.BCEWithLogitsLoss(pos_weight=[1.0, 2.0, 3.0]), "data": (X, BITS)},
    "smoothed labels": {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)},
    "smoothed and weighted": {"loss": nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.3], label_smoothing=0.1)},
    "log-probabilities": {"loss": lambda o, y: mg.nll_loss(mg.log_softmax(o), y)},
    "log-probabilities, weighted": {"loss": lambda o, y: mg.nll_loss(mg.log_softmax(o), y, weight=[1.0, 2.0, 0.3])},
    "a mean of rows and one of elements": {"loss": lambda o, y: mg.cross_entropy(o, y) + 0.5 * mg.square(o).mean()},
    "a mean and one by classes": {
        "loss": lambda o, y: mg.cross_entropy(o, y, weight=[1.0, 2.0, 0.3]) - mg.sigmoid(o).mean() / 3
    },
    "a mean and a sum": {"loss": lambda o, y: mg.cross_entropy(o, y) + 0.01 * mg.square(o).sum()},
    "weights of rows in what no graph explains": {
        "loss": lambda o, y, sample_weight: rooted(o, y, sample_weight),
        "data": (X, T, W),
    },
    "a sum": {"loss": nn.CrossEntropyLoss("sum")},
    "half a sum of squares": {"loss": lambda o, y: mg.square(o - y).sum() / 2, "data": (X, T)},
    "signs": {"loss": nn.HingeLoss(), "data": (X, SIGNS)},
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_that_weight_and_add(name):
    same(**LOSSES[name])


class Halve(train.Callback):
    """A user's callback that looks at all gradients, and changes them."""

    def on_gradients(self, run):
        for p in run.model.parameters():
            p.grad = mg.tensor(0.5 * p.grad.data)


class Sums(train.Callback):
    """A user's callback that lets the gradients of two batches add up, by fit's own means."""

    def on_gradients(self, run):
        run.skip_update = run.keep_gradients = run.batch % 2 == 1


def bound(term, make=optim.Adam, **options):
    return lambda m: make(m.parameters(), prox=reg.on(m, "*.weight", term), **options)


EACH: dict = {
    "accumulated": {"callbacks": lambda m, o: [train.AccumulateGradients(3)], "least": 12},
    "accumulated, weighted by classes": {
        "callbacks": lambda m, o: [train.AccumulateGradients(2)],
        "loss": nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.3]),
    },
    "accumulated, averaged, scheduled": {
        "callbacks": lambda m, o: [
            train.AccumulateGradients(2),
            train.AverageWeights(0.9),
            train.LearningRate(optim.LinearLR(o, 0.1), every="batch"),
        ]
    },
    "norms": {"callbacks": lambda m, o: [train.GradientNorms(by_parameter=True), train.ClipGradients(0.3)]},
    "clipped by norm": {"callbacks": lambda m, o: [train.ClipGradients(0.3)]},
    "clipped by value": {"callbacks": lambda m, o: [train.ClipGradients(clip_value=0.01)]},
    "skipping": {"callbacks": lambda m, o: [train.SkipNonFinite()]},
    "stopping": {"callbacks": lambda m, o: [train.StopOnNonFinite()]},
    "a plateau by batch": {
        "callbacks": lambda m, o: [
            train.LearningRate(optim.ReduceLROnPlateau(o, patience=1), every="batch", monitor="loss")
        ]
    },
    "a schedule of rate and momentum": {
        "make_optimizer": lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9),
        "callbacks": lambda m, o: [train.LearningRate(optim.OneCycleLR(o, 0.1, 32), every="batch")],
        "least": 12,
    },
    "a user's callback": {"callbacks": lambda m, o: [Halve()]},
    "gradients that fit keeps": {"callbacks": lambda m, o: [Sums()], "least": 5},
    "groups in the loss": {"penalty": lambda m, o: reg.on(m, "*.weight", reg.GroupLasso(0.02))},
    "sparse groups in the loss": {"penalty": lambda m, o: reg.on(m, "*.weight", reg.SparseGroupLasso(0.02, 0.5))},
    "orthogonal": {"penalty": lambda m, o: reg.on(m, "*.weight", reg.Orthogonal(0.02))},
    "groups in the prox": {"make_optimizer": bound(reg.GroupLasso(0.02), optim.SGD, lr=0.1)},
    "groups in the prox of Adam": {"make_optimizer": bound(reg.GroupLasso(0.02))},
    "groups of several parameters in the prox": {
        "make_optimizer": lambda m: optim.Adam(m.parameters(), prox=reg.on(m, reg.everything, units()))
    },
    "a schedule beside groups": {
        "make_optimizer": bound(reg.GroupLasso(0.02), optim.SGD, lr=0.1),
        "callbacks": lambda m, o: [train.LearningRate(optim.LinearLR(o, 0.1), every="batch")],
    },
    "gradients by the input": {
        "penalty": lambda m, o: reg.on(m, "", reg.InputGradient(0.02)),
        "make": lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)),
    },
    "a tiny eps": {"make_optimizer": lambda m: optim.Adam(m.parameters(), eps=1e-14)},
}


@pytest.mark.parametrize("name", EACH)
def test_what_acts_in_each_batch(name):
    same(**EACH[name])


def broken():
    data = X.copy()
    data[40] = 1e30
    return data


@pytest.mark.parametrize("policy", [train.SkipNonFinite, train.StopOnNonFinite])
def test_batches_that_are_not_finite(policy):
    ends = []
    for compiled in (False, True):
        callback = policy()
        found = fitted(compiled, callbacks=[callback], data=(broken(), T), loss=mg.mse)
        ends.append((found, callback.state_dict()))
    assert ends[0] == ends[1]


class Root(nn.Module):
    """A finite loss whose gradient is infinite where the input is 0."""

    def __init__(self):
        self.layer, self.norm = nn.Linear(6, 3), nn.BatchNorm1d(3)

    def forward(self, x):
        return mg.sqrt(mg.abs(self.norm(self.layer(x)) * 0 + x[:, :3]) + self.layer.bias * 0)


@pytest.mark.parametrize("policy", [train.SkipNonFinite, train.StopOnNonFinite])
def test_gradients_that_are_not_finite(policy):
    """Later than the recordings; dropout, averages and schedules as in Python."""
    data, ends = X.copy(), []
    data[40, 0] = 0.0
    for compiled in (False, True):
        callbacks = [policy()]

        def made(model, optimizer, callbacks=callbacks):
            schedule = train.LearningRate(optim.LinearLR(optimizer, 0.1), every="batch")
            callbacks[1:] = [train.AverageWeights(0.9), schedule, train.GradientNorms()]
            return callbacks

        activity = {"penalty": lambda m, o: reg.on(m, "layer", reg.Activity(l1=1e-2))}
        found = fitted(compiled, callbacks=made, data=(data, T), loss=mg.mse, make=Root, **activity)
        ends.append((repr(found), [repr(callback.state_dict()) for callback in callbacks]))
    assert ends[0] == ends[1]
    assert "stop" in policy.__name__.lower() or callbacks[0].batches != []


def test_norms_are_those_of_every_update():
    ends = []
    for compiled in (False, True):
        norms, clips = train.GradientNorms(by_parameter=True), train.ClipGradients(0.3)
        found = fitted(compiled, callbacks=[norms, clips])
        ends.append((found, clips.norms))
        assert len(clips.norms) == 32
    assert ends[0] == ends[1]


def test_rows_that_are_ignored():
    """Batches with the label -100 are made in Python, where the loss sees which they are; the others are replayed."""
    labels = Y.copy()
    labels[60:62] = -100
    same(data=(X, labels), least=8)
    same(data=(X, labels), loss=nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.3]), least=8)
    same(data=(X, labels), loss=nn.NLLLoss(), make=lambda: nn.Sequential(nn.Linear(6, 3), LogSoftmax()), least=8)


class LogSoftmax(nn.Module):
    def forward(self, x):
        return mg.log_softmax(x)


@pytest.mark.parametrize(
    "loss, why",
    [
        (nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.3], ignore_index=2), "which rows are ignored is found out in Python"),
        (nn.SoftmaxFocalLoss(), "softmax_focal_loss cannot be replayed: the mask of its classes is made by NumPy"),
    ],
)
def test_losses_that_are_refused_say_why_in_one_line(loss, why):
    labels = np.where(Y == 2, 1, Y)
    labels[::5] = 2  # some in each batch, and never all
    expected = fitted(False, loss=loss, data=(X, labels))
    with pytest.warns(UserWarning, match=why) as said:
        assert fitted(True, loss=loss, data=(X, labels)) == expected
    assert len(str(said[0].message)) < 300
    assert "train.fit" not in str(said[0].message)


class Weighed(nn.Module):
    """Python reads its weights: a recording sees a number."""

    def __init__(self):
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        return self.layer(x) * float(np.abs(self.layer.weight.array).sum())


def test_what_python_computes_of_the_weights_is_no_constant():
    """Though no weight changes between the first batches, whose gradients are accumulated."""
    options = {"make": Weighed, "callbacks": lambda m, o: [train.AccumulateGradients(4)]}
    expected = fitted(False, **options)
    with pytest.warns(UserWarning, match="mul cannot be replayed: a number that it gets changes"):
        assert fitted(True, **options) == expected


def test_a_first_batch_that_is_not_finite():
    """It is made again in Python, from the same streams."""
    data, ends = X.copy(), []
    data[3] = 1e30
    for compiled in (False, True):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        optimizer, skip = optim.Adam(model.parameters()), train.SkipNonFinite()
        loader = mg.data.Loader(data, T, 10, shuffle=False)
        history = train.fit(model, loader, mg.mse, optimizer, epochs=4, callbacks=[skip], compile=compiled)
        ends.append((history["loss"], model[0].weight.data.tobytes(), mg.rng.get_state(), skip.batches))
    assert ends[0] == ends[1]
    assert skip.batches == [(1, 1), (2, 1), (3, 1), (4, 1)]
