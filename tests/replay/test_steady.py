"""What NumPy makes of an argument, or decides by a number, is never kept for other arguments and numbers."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.replay.steady import Steady

X = np.random.default_rng(0).standard_normal((4, 6))
ROWS = np.array([0, 1, 2])
PLACES = np.array([[0, 1, 2, 3, 0, 1]])
# What is done with the weights (4, 6), an argument, and another one later.
USES = {
    "w[i]": (lambda w, i: w[i], ROWS, np.array([3, 2, 3])),
    "w[-i]": (lambda w, i: w[i], -ROWS, np.array([0, -1, 2])),
    "w[i], int32": (lambda w, i: w[i], ROWS.astype(np.int32), np.array([3, 2, 3], np.int32)),
    "w[i, i]": (lambda w, i: w[i, i], ROWS, np.array([3, 2, 3])),
    "w[:, i]": (lambda w, i: w[:, i], ROWS, np.array([3, 2, 3])),
    "w[mask]": (lambda w, m: w[m], X > 0, X[::-1] > 0),
    "gather": (lambda w, i: mg.gather(w, 0, i), PLACES, PLACES[:, ::-1]),
    "take_along_dim": (lambda w, i: mg.take_along_dim(w, i, 0), PLACES, PLACES[:, ::-1]),
    "masked_select": (lambda w, m: mg.masked_select(w, m), X > 0, X[::-1] > 0),
    "one_hot": (lambda w, i: mg.one_hot(i, 6) * w, np.arange(4), np.array([3, 3, 0, 1])),
    "where": (lambda w, m: mg.where(m, w, 0.0), X > 0, X < 0),
    "embedding": (lambda w, i: mg.embedding(i, w), ROWS, np.array([3, 2, 3])),
}


def made(use, compiled, arguments):
    w = mg.tensor(np.abs(X) + 0.5, requires_grad=True)

    def step(*given):
        w.grad = None
        loss = mg.sum(mg.square(use(w, *given)))
        loss.backward()
        return loss, w.grad

    step = mg.compile(step) if compiled else step
    return [[part.data.tobytes() for part in step(mg.tensor(a))] for a in arguments]


@pytest.mark.parametrize("name", USES)
def test_an_argument_that_changes_after_the_recordings(name):
    use, first, later = USES[name]
    arguments = [first, first, first, later, later, first]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is recorded again for the third time
        assert made(use, True, arguments) == made(use, False, arguments)


REFUSED = {
    "norm with p = 3": lambda w, x: mg.norm(w * x, 3, dim=1),
    "argmax": lambda w, x: mg.index_select(w, 1, mg.argmax(x, dim=1)),
    "argsort": lambda w, x: mg.topk(w * x, 2, dim=1).values,
    "any": lambda w, x: w * (1.0 if mg.any(x) else 2.0),
    "gt": lambda w, x: mg.where(x > 0, w, 0.0),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_numpy_decides_by_numbers_is_refused_by_name(words):
    with pytest.raises(mg.ReplayError, match=words):
        made(REFUSED[words], True, [X, -X, X])


WEIGHTS = mg.tensor(np.diag(np.arange(1, 5)).astype(np.float32))


def weighed(output, y):
    """Squares of the rows, weighed by class: where W[y, y] stands in the flattened W, NumPy computes."""
    return mg.mean(WEIGHTS[y, y] * mg.sum(mg.square(output - 1), dim=1))


def test_batches_of_a_loader_with_equal_labels():
    """Rows sorted by class: the first batches have the same labels, and an op that NumPy helps sees others later."""
    x, y = np.random.default_rng(1).standard_normal((40, 3)).astype(np.float32), np.repeat(np.arange(4), 10)

    def trained(compiled):
        mg.manual_seed(0)
        model = nn.Linear(3, 4)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = weighed(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        loader = mg.data.Loader(x, y, 5, shuffle=False)
        if compiled:
            step = mg.compile(step)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                losses = [step.epoch(loader) for _ in range(2)]
            return np.concatenate(losses).tolist()
        return [step(mg.tensor(a), mg.tensor(b)).item() for _ in range(2) for a, b in loader]

    assert trained(True) == trained(False)


def test_fit_with_equal_labels():
    x, y = np.random.default_rng(1).standard_normal((60, 3)).astype(np.float32), np.repeat(np.arange(3), 20)

    def trained(compiled):
        mg.manual_seed(0)
        model = nn.Linear(3, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loader = mg.data.Loader(x, y, 5, shuffle=False)
        history = mg.train.fit(model, loader, weighed, optimizer, epochs=3, compile=compiled)
        return list(history["loss"]), model.weight.data.tobytes()

    assert trained(True) == trained(False)


def test_for_how_many_steps():
    a, b = np.arange(4), np.arange(4) * 2.0
    steady = Steady([a, b], [a.copy(), b + 1])
    assert steady.broken([a, b]) == "" and "argument 0" in steady.broken([a + 1, b])
    column = np.array([0, 1, 2, 3, 0, 1, 2, 3, 1, 1, 1, 1])
    assert steady.steps([column, column], np.arange(12).reshape(3, 4)) == 2
    assert Steady([a], [a + 1]).steps([column], np.arange(12).reshape(3, 4)) == 3
