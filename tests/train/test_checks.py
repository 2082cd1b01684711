"""Data, loss and optimizer as users mistake them: an error that says what to do, before a weight has moved."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim, reg
from minigrad.data import Loader
from minigrad.train import accuracy, evaluate, fit

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 4)).astype(np.float32)
Y = np.arange(24) % 2
V = (X @ np.array([[1.0], [2.0], [3.0], [4.0]])).astype(np.float32)


def classes(outputs=2):
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8, activation="tanh"), nn.Linear(8, outputs))


class Flat(nn.Module):
    """One number per row, (n,)."""

    def __init__(self):
        self.linear = nn.Linear(4, 1)

    def forward(self, x):
        return self.linear(x).reshape(-1)


def by_hand(output, target):
    return mg.square(output - mg.tensor(target)).mean()


def with_arrays(output, target):
    return mg.square(output - target).mean()


def names_turned(y_true, y_pred):
    return mg.mse(y_pred, y_true)


CE, SPLIT = mg.cross_entropy, data.split(X, Y)
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in (0, 8, 16)]
MISTAKES = {
    "x alone": (classes, X, CE, "data is a ndarray; need a pair"),
    "a share": (classes, 0.2, CE, "data is a float"),
    "a split": (classes, SPLIT, CE, "two pairs; need one.*its train or its test"),
    "batches": (classes, BATCHES, CE, "data is a list of 3"),
    "two batches": (classes, BATCHES[:2], CE, "two pairs"),
    "a generator": (classes, (batch for batch in BATCHES), CE, "data is a generator.*np.concatenate"),
    "swapped": (classes, (Y, X), CE, "are x and y swapped"),
    "swapped columns": (functools.partial(classes, 1), (V, X), mg.mse, "are x and y swapped"),
    "lengths": (classes, (X, Y[1:]), CE, "x has 24 rows, y has 23"),
    "(n,) for (n, 1)": (functools.partial(classes, 1), (X, V[:, 0]), mg.mse, r"y\.reshape\(-1, 1\)"),
    "(n, 1) for (n,)": (Flat, (X, V), mg.mse, r"y\.reshape\(-1\)"),
    "broadcast": (functools.partial(classes, 1), (X, V[:, 0]), by_hand, r"\(n, n\).*y\.reshape\(-1, 1\)"),
    "broadcast array": (functools.partial(classes, 1), (X, V[:, 0]), with_arrays, r"\(n, n\).*y\.reshape\(-1, 1\)"),
    "broadcast rows": (Flat, (X, V), by_hand, r"\(n,\).*\(n, n\).*y\.reshape\(-1\)"),
    "column of labels": (classes, (X, Y[:, None]), CE, r"need \(7,\)"),
    "float labels": (classes, (X, Y.astype(float)), CE, r"target\.astype\('int64'\) for an array"),
    "words": (classes, (X, np.where(Y, "yes", "no")), CE, r"np\.unique\(words, return_inverse=True\)\[1\]"),
    "labels from 1": (classes, (X, Y + 1), CE, "row 1 is 2; need labels from 0 to 1"),
    "signs": (classes, (X, 2 * Y - 1), CE, "row 0 is -1"),
    "labels from the end": (
        classes, (X, Y - 1), lambda o, t: -mg.log_softmax(o)[np.arange(len(t)), t].mean(), "row 0 is -1",
    ),
    "one output": (functools.partial(classes, 1), (X, Y), CE, "one for each class, or take bce_with_logits"),
    "one output, one class": (functools.partial(classes, 1), (X, 0 * Y), CE, "a softmax of one number is always 1"),
    "signs for weighted bce": (
        functools.partial(classes, 1), (X, 2 * Y[:, None] - 1),
        functools.partial(mg.binary_cross_entropy_with_logits, weight=[2.0]), "row 0 holds -1",
    ),
    "signs for bce": (functools.partial(classes, 1), (X, 2 * Y[:, None] - 1), mg.bce_with_logits, "row 0 holds -1"),
    "numbers for classes": (classes, (X, X[:, :2]), CE, "needs targets from 0"),
    "a class of loss": (classes, (X, Y), nn.CrossEntropyLoss, r"did you mean CrossEntropyLoss\(\)"),
    "a name of loss": (classes, (X, Y), "cross_entropy", "loss is 'cross_entropy'; need a function"),
    "loss turned": (functools.partial(classes, 1), (X, V), names_turned, r"takes \(y_true, y_pred\)"),
    "loss of one": (classes, (X, Y), lambda o: o.mean(), r"takes \(o\); it is called with \(output, target\)"),
    "loss of NumPy": (classes, (X, V), lambda o, t: ((o.data - t) ** 2).mean(), "loss returned a float"),
    "loss without return": (classes, (X, Y), lambda o, t: None, "returned a NoneType"),
    "loss of counts": (classes, (X, Y), lambda o, t: mg.sum(mg.tensor(t)), "loss returns int64"),
    "loss of rows": (classes, (X, Y), functools.partial(CE, reduction="none"), "one number per row; need their mean"),
    "loss of a column": (classes, (X, Y), lambda o, t: CE(o, t).reshape(1, 1), r"an array \(1, 1\)"),
    "objects": (classes, (X.astype(object), Y), CE, r"x is object.*astype\('float32'\)"),
    "half": (classes, (X.astype(np.float16), Y), CE, "x is float16"),
    "gaps": (classes, (np.where(X > 2, np.nan, X), Y), CE, "is nan; fill or drop"),
}  # fmt: skip


@pytest.mark.parametrize("act", ["fit", "evaluate"])
@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_named_before_a_weight_moves(case, act):
    make, given, loss, words = MISTAKES[case]
    model = make()
    before = model.state_dict()
    with pytest.raises((TypeError, ValueError, IndexError, ArithmeticError), match=words):
        if act == "evaluate":
            evaluate(model, given, loss)
        else:
            fit(model, given, loss, optim.SGD(model.parameters(), lr=0.1), epochs=1)
    assert all((before[name] == p.data).all() for name, p in model.named_parameters())
    assert model.training


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"validation_data": (X[:, :3], Y)}, r"validation_data: .*\(7, 3\); need \(rows, 4\)"),
        ({"validation_data": (X[:0], Y[:0])}, r"validation_data: x is \(0, 4\)"),
        ({"validation_data": (X, Y + 1)}, "validation_data: y: row 1 is 2"),
        ({"optimizer": optim.SGD}, r"optimizer is <class .*SGD'>; need an Optimizer"),
        ({"optimizer": mg.cross_entropy}, "optimizer is <function .*; need an Optimizer"),
        ({"model": nn.Linear}, "model is the class Linear"),
        ({"model": lambda x: x}, "model is a function"),
        ({"loss": optim.SGD([nn.Parameter([1.0])], lr=0.1)}, "loss is SGD"),
    ],
)
def test_arguments_in_other_places_than_their_own(change, words):
    model = classes()
    options = {"model": model, "data": (X, Y), "loss": CE, "optimizer": optim.SGD(model.parameters(), lr=0.1), **change}
    with pytest.raises((TypeError, ValueError), match=words):
        fit(**options, epochs=1)
    with pytest.raises(TypeError, match="evaluate: penalty is a float"):
        evaluate(model, (X, Y), CE, penalty=0.1)


def test_what_only_looks_like_a_mistake_is_taken():
    """Losses that arrange their arguments themselves, as many outputs as rows are tried, labels that are ignored."""
    for make, given, loss in [
        (functools.partial(classes, 1), (X, V[:, 0]), lambda o, t: by_hand(o[:, 0], t)),
        (functools.partial(classes, 1), (X, 2 * Y[:, None] - 1), lambda o, t: mg.bce_with_logits(o, (t + 1) / 2)),
        (functools.partial(classes, 7), (X, np.tile(V, 7)), by_hand),
        (functools.partial(classes, 7), (X, V), by_hand),  # (n, 7) and (n, 1): each output against the target
        (functools.partial(classes, 3), (X, np.where(Y, Y, -100)), CE),
        (functools.partial(classes, 3), (X, np.where(Y, Y, 255)), functools.partial(CE, ignore_index=255)),
        (functools.partial(classes, 1), (X, V), lambda o, t: mg.square(o - o.reshape(-1)).mean()),  # all pairs
        (classes, (((1.0, 2.0, 3.0, 4.0), (4.0, 3.0, 2.0, 1.0)), (0, 1)), CE),  # two rows and two labels
        (classes, ((X[0], X[1]), (0, 1)), CE),
        (classes, (X[:1], Y[:1]), CE),
        (functools.partial(classes, 1), (X[:1], V[:1, 0]), by_hand),
        (classes, (X.tolist(), Y.tolist()), CE),
        (classes, (mg.tensor(X), mg.tensor(Y)), CE),
        (classes, [X, Y], CE),
        (classes, data.Dataset(X, Y), CE),
        (classes, Loader(X, Y, 5), CE),
    ]:
        model = make()
        history = fit(model, given, loss, optim.SGD(model.parameters(), lr=0.01), epochs=1)
        assert np.isfinite(history.last["loss"])
        assert np.isfinite(evaluate(model, given, loss)["loss"])


def test_labels_out_of_range_pass_only_where_the_loss_ignores_them():
    for label, loss in [(-100, functools.partial(CE, ignore_index=0)), (-1, CE), (2, CE)]:
        y = Y.copy()
        y[9] = label
        with pytest.raises(ValueError, match=f"row 9 is {label}"):
            evaluate(classes(), (X, y), loss)
    y = Y.copy()
    y[9] = -100
    model = classes()
    kept = np.arange(24) != 9
    found = evaluate(model, (X, y), CE, [accuracy], batch_size=5)
    assert found == pytest.approx(evaluate(model, (X[kept], y[kept]), CE, [accuracy]), rel=1e-6)
    with pytest.raises(ValueError, match="row 0 is -100"):
        evaluate(model, (X, np.full(24, -100)), CE)
    with mg.no_grad():
        assert evaluate(model, (X, y), CE, [accuracy], batch_size=5) == found


class Bag(nn.Module):
    def __init__(self):
        self.table = nn.Parameter(RNG.standard_normal((50, 2)).astype(np.float32))

    def forward(self, words):
        return mg.embedding(words, self.table).mean(dim=1)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "int16"])
@pytest.mark.parametrize("loader", [True, False])
def test_integers_reach_an_embedding(backend, dtype, loader):
    words = RNG.integers(0, 50, (24, 3)).astype(dtype)
    model = Bag()
    given = Loader(words, Y, 6, seed=1) if loader else (words, Y)
    options = {} if loader else {"batch_size": 6, "seed": 1}
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    history = fit(model, given, CE, optimizer, epochs=8, validation_data=(words, Y), metrics=[accuracy], **options)
    assert history["loss"][-1] < history["loss"][0]
    assert evaluate(model, given, CE)["loss"] == history["val_loss"][-1]
    with pytest.raises(mg.DTypeError, match="the index is float32; need integers"):
        fit(model, (words.astype(float), Y), CE, optimizer, epochs=1)


@pytest.mark.parametrize("first", ["product", "dropout", "noise", "arithmetic", "scale in eval"])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_integer_tables_train_as_floats_would(backend, first, dtype):
    """The same bits: products take integers; for a model that begins with something else they are cast before."""

    class Pixels(nn.Module):
        def forward(self, x):
            return x * 0.01 if first == "arithmetic" or not self.training else x

    begin = {"product": nn.Flatten, "dropout": lambda: nn.Dropout(0.2), "noise": lambda: nn.GaussianNoise(0.1)}
    x = (np.abs(X) * 40).astype(dtype)

    def trained(x):
        mg.manual_seed(0)
        model = nn.Sequential(begin.get(first, Pixels)(), nn.Linear(4, 2))
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        history = fit(model, (x, Y), CE, optimizer, epochs=2, batch_size=9, validation_data=(x, Y))
        return model.state_dict(), [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows]

    (weights, rows), (right, right_rows) = trained(x), trained(x.astype(np.float32))
    assert rows == right_rows and all((weights[name] == right[name]).all() for name in right)


def test_integers_that_a_model_refuses_in_batches():
    pixels = (np.abs(X) * 40).astype(np.uint8)
    mg.manual_seed(0)
    model = nn.Sequential(nn.Dropout(0.2), nn.Linear(4, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with pytest.raises(mg.DTypeError, match="the Loader gives uint8, the model is float32; pass dtype to the Loader"):
        fit(model, Loader(pixels, Y, 6), CE, optimizer, epochs=1)
    fit(model, Loader(pixels, Y, 6, dtype="float32"), CE, optimizer, epochs=1)
    scaled = Loader(pixels, Y, 6, transform=lambda x, y, place: (x / 255, y))  # float64, cast in fit
    fit(model[1:], scaled, CE, optim.SGD(model[1:].parameters(), lr=0.01), epochs=1)


def test_a_term_on_the_gradient_by_the_input_asks_for_floats():
    counts = (np.abs(X) * 3).astype(int)
    model = classes()
    terms = reg.on(model, "", reg.InputGradient(0.1))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    history = fit(model, (counts, Y), CE, optimizer, terms, epochs=1, validation_data=(counts, Y))
    found = evaluate(model, (counts, Y), CE, penalty=terms, batch_size=5)
    assert history.last["val_total"] == pytest.approx(found["total"], rel=1e-5)


def test_checks_draw_nothing_and_leave_no_trace():
    """Trying integers and floats takes no call number, nor one of a layer with streams of its own."""
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5, seed=3), nn.Linear(4, 2))
    state = mg.rng.get_state()
    calls = model[1].calls.item()
    evaluate(model, ((np.abs(X) * 40).astype(np.uint8), Y), CE)
    assert mg.rng.get_state() == state and model[1].calls.item() == calls
    assert all(layer.training and layer.source is None and layer._last is None for layer in model.children()[:2])
