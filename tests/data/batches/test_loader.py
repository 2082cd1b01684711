"""loader: each epoch visits each row once, in an order that (seed, epoch) fix, beside its own target."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from kernels.twins import every_variant, needs_native

import minigrad as mg
import minigrad.kernels as K
from minigrad import rng
from minigrad.data import Draws, Loader, Mixup, RandomFlip, RandomShift
from minigrad.errors import DTypeError, NonFiniteError, ShapeError


def make(n=10, **options):
    options.setdefault("batch_size", 4)
    return Loader(np.stack([np.arange(n), -np.arange(n)], 1).astype(np.float32), np.arange(n), **options)


def labels(loader):
    return np.concatenate([y for _, y in loader]).tolist()


@pytest.mark.parametrize("backend", ["reference", K.backend()])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize(("n", "batch_size"), [(10, 4), (8, 4), (1, 1), (3, 3), (5, 1)])
def test_batches(backend, shuffle, drop_last, n, batch_size):
    with K.use_backend(backend):
        loader = make(n, batch_size=batch_size, shuffle=shuffle, drop_last=drop_last)
        batches = list(loader)
    assert len(batches) == len(loader) == (n // batch_size if drop_last else -(-n // batch_size))
    assert all(len(x) == len(y) == batch_size for x, y in batches[:-1])
    seen = np.concatenate([y for _, y in batches])
    assert len(set(seen.tolist())) == len(seen) == (n // batch_size * batch_size if drop_last else n)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), np.stack([seen, -seen], 1))
    if not shuffle:
        np.testing.assert_array_equal(seen, np.arange(len(seen)))


def test_epochs_differ_and_repeat_by_number():
    loader = make(50)
    first, second = labels(loader), labels(loader)
    assert first != second
    assert loader.epoch == 2
    loader.set_epoch(1)
    assert labels(loader) == second
    loader.set_epoch(0)
    assert labels(loader) == first
    assert labels(make(50, batch_size=7)) == first  # the batch size cuts the order, it does not change it
    assert labels(make(50, seed=1)) != first


def test_the_order_is_that_of_its_stream():
    np.testing.assert_array_equal(make(50, seed=3).order(5), rng.permutation(50, 3, rng.stream(rng.SHUFFLE, 5)))


def test_the_order_depends_on_nothing_else():
    before = rng.get_state()
    expected = make(20, seed=2).order(1).tolist()
    assert rng.get_state() == before
    rng.manual_seed(99)
    np.random.seed(1)
    assert make(20, seed=2).order(1).tolist() == expected
    rng.set_state(before)
    program = (
        "import numpy as np, minigrad.data as d; print(d.Loader(np.eye(20), range(20), 3, seed=2).order(1).tolist())"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(expected)


def test_an_iteration_that_was_broken_off_is_over():
    loader = make(50)
    whole = labels(make(50))
    next(iter(loader))
    assert loader.epoch == 1
    assert labels(loader) != whole
    a, b = iter(loader), iter(loader)  # two at once do not disturb each other
    assert next(a).y.tolist() != next(b).y.tolist()
    assert len([*a]) == len([*b]) == len(loader) - 1


def test_batches_are_copies():
    loader = make(6, shuffle=False)
    for x, y in loader:
        x[...], y[...] = 77, 77
    assert labels(loader) == list(range(6))
    assert loader.x.max() == 5


IMAGES = np.arange(1.0, 20 * 64 + 1).reshape(20, 1, 8, 8)


def served(transform, seed=5, epoch=2, **options):
    loader = Loader(IMAGES, np.arange(20) % 3, seed=seed, transform=transform, **{"batch_size": 4, **options})
    loader.set_epoch(epoch)
    return [np.concatenate(part) for part in zip(*loader)]


@pytest.mark.parametrize("batch_size", [1, 3, 7, 20])
def test_transforms_depend_on_seed_epoch_and_place_not_on_batches(batch_size):
    """Mixup pairs rows of a batch, so it comes last and apart; its shares are those of the places all the same."""
    both = [RandomFlip(), RandomShift(2)]
    x, y = served(both)
    np.testing.assert_array_equal(served(both, batch_size=batch_size)[0], x)
    np.testing.assert_array_equal(served(both, batch_size=batch_size)[1], y)
    in_order = served(both, shuffle=False)[0]
    assert (served(both, shuffle=False, seed=6)[0] != in_order).any()
    assert (served(both, shuffle=False, epoch=3)[0] != in_order).any()


@needs_native
def test_transforms_depend_neither_on_threads_nor_on_global_streams():
    transforms = [RandomFlip(), RandomShift(2), Mixup(0.4, classes=3)]
    results, state = [], rng.get_state()
    with K.use_backend("native"):
        for _ in every_variant(threads=(1, 3)):
            np.random.seed(len(results))
            before = np.random.get_state()[1].copy()
            results.append(served(transforms))
            assert (np.random.get_state()[1] == before).all()
    assert rng.get_state() == state
    for x, y in results[1:]:
        np.testing.assert_array_equal(x, results[0][0])
        np.testing.assert_array_equal(y, results[0][1])
    with K.use_backend("reference"):
        np.testing.assert_allclose(served(transforms)[0], results[0][0], rtol=1e-12)


def test_each_transform_has_numbers_of_its_own():
    seen = []

    def spy(x, y, place):
        seen.append(Draws(place, len(x)).bits(3))
        return x, y

    x, _ = served([spy, spy], batch_size=20, shuffle=False)
    np.testing.assert_array_equal(x, IMAGES)
    assert len(np.unique(np.stack(seen))) == 2 * 20 * 3


def test_evaluation_takes_the_rows_as_they_are():
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Flatten(), mg.nn.Linear(64, 3, dtype="float64"))
    loader = Loader(IMAGES / 1280, np.arange(20) % 3, 4, transform=[RandomFlip(), Mixup(1.0, classes=3)])
    plain = mg.train.evaluate(model, (loader.x, loader.y), mg.cross_entropy)
    assert mg.train.evaluate(model, loader, mg.cross_entropy) == plain
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    history = mg.train.fit(model, loader, mg.cross_entropy, optimizer, epochs=3, metrics=[mg.train.accuracy])
    assert len(history) == 3 and loader.epoch == 3


def test_dtype_casts_data_and_real_targets_once():
    loader = Loader(np.ones((3, 2), np.uint8), np.ones(3), 2, dtype="float32")
    assert [(x.dtype, y.dtype) for x, y in loader] == [(np.float32, np.float32)] * 2
    assert next(iter(Loader(np.ones((3, 2)), [0, 1, 2], 2))).y.dtype == np.int64
    images = next(iter(Loader(np.ones((3, 1, 4, 4)), [0, 1, 2], 2))).x
    assert images.shape == (2, 1, 4, 4)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size is 2.0"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"n": 3, "drop_last": True}, ValueError, "3 rows make no batch of 4"),
        ({"n": 0}, ShapeError, r"x is \(0, 2\)"),
        ({"dtype": "int32"}, DTypeError, "int32"),
        ({"transform": 3}, TypeError, "transform is 3; need functions"),
        ({"transform": [RandomFlip]}, TypeError, "RandomFlip'>; need functions"),
    ],
)
def test_bad_arguments(options, error, words):
    with pytest.raises(error, match=words):
        make(**options)


def test_bad_data_and_epochs():
    with pytest.raises(ShapeError, match="x has 2 rows, y has 3"):
        Loader(np.ones((2, 2)), np.ones(3), 1)
    with pytest.raises(NonFiniteError, match="x: row 1, column 0 is inf"):
        Loader([[1.0], [np.inf]], [0, 1], 1)
    for epoch in (-1, 2**48):
        with pytest.raises(ValueError, match="epoch is"):
            make().set_epoch(epoch)
    assert "3 batches of 4" in repr(make())


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_go_on_at_their_own_epoch(duplicate):
    x = np.arange(10 * 64, dtype=np.float32).reshape(10, 1, 8, 8)
    loader = Loader(x, np.arange(10), 4, seed=3, transform=[RandomShift(1), RandomFlip(), Mixup(0.2, classes=10)])
    half = iter(loader)
    next(half)
    twin = duplicate(loader)
    right = [[x.tobytes() for x, _ in loader] for _ in range(2)]
    assert (twin.epoch, loader.epoch) == (1, 3)
    assert [[x.tobytes() for x, _ in twin] for _ in range(2)] == right
    assert len(list(half)) == 2


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("int64", "int64"),
        ("int32", "int32"),
        ("uint8", "uint8"),
        ("bool", "bool"),
        ("int16", "int64"),
        ("uint32", "int64"),
        ("uint64", "int64"),
        (">i4", "int32"),
    ],
)
def test_integers_stay_integers(dtype, kept):
    x = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    batches = list(Loader(x, [0, 1, 0], 2, shuffle=False))
    assert {str(batch.x.dtype) for batch in batches} == {kept}
    assert np.concatenate([batch.x for batch in batches]).tolist() == x.tolist()
    assert next(iter(Loader(x, [0, 1, 0], 2, dtype="float32"))).x.dtype == np.float32
    with pytest.raises(DTypeError, match="x is uint64 and holds 18446744073709551615"):
        Loader(np.full((1, 1), 2**64 - 1, np.uint64), [0], 1)
    with pytest.raises(DTypeError, match="y is uint64 and holds"):
        Loader([[1.0]], np.full(1, 2**64 - 1, np.uint64), 1)


def test_what_a_transform_returns_is_checked():
    x, y = np.ones((4, 2), np.float32), np.zeros(4)

    def served(step):
        return next(iter(Loader(x, y, 4, transform=step)))

    assert served(lambda x, y, place: (x * np.float64(2.0), y)).x.dtype == np.float32
    for step, error, words in [
        (lambda x, y, place: x, TypeError, "returned a ndarray; need a pair"),
        (lambda x, y, place: None, TypeError, "returned a NoneType"),
        (lambda x, y, place: (x[:2], y), ShapeError, r"returned x \(2, 2\), y \(4,\)"),
        (lambda x, y, place: (x.sum(), y), ShapeError, r"returned x \(\)"),
    ]:
        with pytest.raises(error, match=words):
            served(step)
    assert len(served(lambda x, y, place: (x[:2], y[:2])).x) == 2


@pytest.mark.parametrize("name", ["shuffle", "drop_last"])
def test_yes_and_no_are_said_as_true_and_false(name):
    for value in ("no", "yes", None, 2, 0.0):
        with pytest.raises(TypeError, match=f"Loader: {name} is {value!r}; need True or False"):
            make(**{name: value})
    assert getattr(make(**{name: np.False_}), name) is False and getattr(make(**{name: 1}), name) is True


AUGMENTED = [RandomShift(1), RandomFlip(), Mixup(0.4, classes=3)]


@pytest.mark.parametrize(
    ("shuffle", "drop_last", "weighted"), [(True, False, True), (False, True, False), (True, True, False)]
)
def test_a_position_gives_the_rest_of_its_epoch(backend, shuffle, drop_last, weighted):
    options = {"shuffle": shuffle, "drop_last": drop_last, "transform": AUGMENTED, "seed": 4}
    weight = np.linspace(0, 1, 22) if weighted else None

    def fresh():
        return Loader(IMAGES[np.arange(22) % 20], np.arange(22) % 3, 4, weight=weight, **options)

    def bits(batches):
        return [[part.tobytes() for part in batch] for batch in batches]

    one = fresh()
    epochs = [bits(one) for _ in range(3)]
    for epoch in (0, 2):
        for batch in (1, 4, len(one)):
            loader = fresh()
            loader.set_position(epoch, batch)
            twin = pickle.loads(pickle.dumps(loader))
            assert bits(loader) == epochs[epoch][batch:]
            assert loader.epoch == epoch + 1
            if epoch == 0:
                assert bits(loader) == epochs[1]  # whole again
            assert bits(twin) == epochs[epoch][batch:]
    loader.set_position(1, 2)
    loader.set_epoch(1)
    assert bits(loader) == epochs[1]


def test_positions_that_are_none():
    loader = make(10)
    for epoch, batch, error, words in [
        (0, 4, ValueError, "set_position: batch is 4; need less than 4"),
        (0, -1, ValueError, "batch is -1"),
        (0, 1.0, TypeError, "batch is 1.0; need a whole number"),
        (-1, 0, ValueError, "set_position: epoch is -1"),
    ]:
        with pytest.raises(error, match=words):
            loader.set_position(epoch, batch)
    assert labels(loader) == labels(make(10))


@pytest.mark.parametrize("shuffle", [True, False])
def test_weights_stay_beside_their_rows(backend, shuffle):
    loader = make(10, shuffle=shuffle, weight=np.arange(10))
    for batch in loader:
        x, y, weight = batch
        assert weight.tolist() == y.tolist() == x[:, 0].tolist() == batch.weight.tolist()
        assert weight.dtype == x.dtype
    assert len(next(iter(make(10)))) == 2
    assert "weighted" in repr(loader) and "weighted" not in repr(make(10))


@pytest.mark.parametrize(
    ("x", "dtype", "weight", "made"),
    [
        (np.float32, None, [1.0, 2.0], "float32"),
        (np.float64, None, np.float32([1, 2]), "float64"),
        (np.int64, None, [1, 2], "float32"),
        (np.int64, None, [0.1, 2], "float64"),
        (np.int64, "float32", [0.1, 2], "float32"),
    ],
)
def test_weights_have_the_dtype_of_the_rows(x, dtype, weight, made):
    batch = next(iter(Loader(np.ones((2, 1), x), [0, 1], 2, dtype=dtype, weight=weight)))
    assert batch.weight.dtype == made


@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        ([1.0, 2.0], ShapeError, r"Loader: weight is \(2,\); need one number for each row, \(3,\)"),
        ([[1.0], [2.0], [3.0]], ShapeError, r"weight is \(3, 1\)"),
        (2.0, ShapeError, "weight is a single number"),
        ([1.0, np.nan, 2.0], NonFiniteError, "Loader: weight: row 1 is nan"),
        ([1.0, np.inf, 2.0], NonFiniteError, "Loader: weight: row 1 is inf"),
        ([1.0, 1e60, 2.0], NonFiniteError, "row 1 is 1e\\+60, too large for float32"),
        ([1.0, 2.0, -0.5], ValueError, "Loader: weight: row 2 is -0.5; need weights of at least 0"),
        ([0, 0, 0], ValueError, "Loader: weight: all 3 are 0"),
        (["a", "b", "c"], DTypeError, "Loader: weight is <U1"),
    ],
)
def test_bad_weights(weight, error, words):
    with pytest.raises(error, match=words):
        make(3, weight=weight)


def test_transforms_and_weights():
    """Flips leave weights where they are; what changes the number of rows has to say theirs."""
    x, y = np.ones((4, 2), np.float32), np.arange(4)

    class First:
        def __call__(self, x, y, place):
            return x[:2], y[:2]

        def weighted(self, x, y, weight, place):
            return x[:2], y[:2], np.float64(3) * weight[:2]

    def served(step):
        return next(iter(Loader(x, y, 4, shuffle=False, transform=step, weight=[1, 2, 3, 4])))

    assert served(lambda x, y, place: (2 * x, y)).weight.tolist() == [1, 2, 3, 4]
    assert served(First()).weight.tolist() == [3, 6] and served(First()).weight.dtype == np.float32
    with pytest.raises(ShapeError, match="made 2 rows of 4, whose weights it does not say"):
        served(lambda x, y, place: (x[:2], y[:2]))
    for wrong, words in [((x, y), "need \\(x, y, weight\\)"), ((x, y, x), "returned weights float32 \\(4, 2\\)")]:
        step = First()
        step.weighted = lambda x, y, weight, place, wrong=wrong: wrong
        with pytest.raises((TypeError, ShapeError), match=words):
            served(step)
