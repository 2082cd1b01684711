"""update: tables of odd segments; every variant equals the naive twin and the NumPy reference, bit for bit."""

import numpy as np
import pytest
from kernels.twins import EDGES, SPECIALS, assert_one_answer, bits, needs_native, sums_in_order

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference
from minigrad.kernels.reference.segments import CORRECTION1, CORRECTION2, DECAY, L1, L2, LR, PROX_L1, PROX_L2

pytestmark = needs_native
SIZES = [*EDGES, 4095, 4096, 4097, 30_011]  # the last makes several threads worth while
ADAM = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8}
RMSPROP = {"alpha": 0.99, "eps": 1e-8}
UPDATES = {  # kernel, number of states, settings
    "sgd": ("sgd_update", 0, {}),
    "momentum": ("sgd_update", 1, {"momentum": 0.9}),
    "nesterov": ("sgd_update", 1, {"momentum": 0.9, "nesterov": True}),
    "adam": ("adam_update", 2, ADAM),
    "adam without eps": ("adam_update", 2, {**ADAM, "eps": 0.0}),  # a root of 0: steps are infinite, or NaN
    "amsgrad": ("adam_update", 3, {**ADAM, "amsgrad": True}),
    "rmsprop": ("rmsprop_update", 1, RMSPROP),
    "rmsprop momentum": ("rmsprop_update", 2, {**RMSPROP, "momentum": 0.9}),
    "rmsprop centered": ("rmsprop_update", 2, {**RMSPROP, "centered": True}),
    "rmsprop both": ("rmsprop_update", 3, {**RMSPROP, "momentum": 0.9, "centered": True}),
    "adagrad": ("adagrad_update", 1, {"eps": 1e-10}),
}
ROWS = {  # what a row asks for beyond a step
    "plain": {},
    "decay": {DECAY: 0.1},
    "l1": {L1: 0.1},
    "l2": {L2: 0.2, DECAY: 0.1},
    "l1 l2": {L1: 0.1, L2: 0.2},
    "prox l1": {PROX_L1: 5.0},
    "prox l2": {PROX_L2: 3.0, DECAY: 0.1},
    "prox l1 l2": {PROX_L1: 5.0, PROX_L2: 3.0},
    "all": {L1: 0.1, L2: 0.2, PROX_L1: 5.0, PROX_L2: 3.0, DECAY: 0.1},
}


def model(sizes, n_states, dtype, seed=0):
    """(parameters, states, gradients): plain numbers, then specials at the head of every array."""
    rng = np.random.default_rng(seed)

    def arrays(transform=lambda x: x):
        made = [transform(rng.standard_normal(n)).astype(dtype) for n in sizes]
        for i, x in enumerate(made):
            x[: len(SPECIALS)] = np.roll(SPECIALS, rng.integers(12) * (i > 0))[: x.size].astype(dtype)
        return made

    return arrays(), [arrays(np.abs if k else lambda x: x) for k in range(n_states)], arrays()


def run(update, kernels, n_states, dtype, rows, steps=2, sizes=SIZES, **settings):
    """All arrays that `steps` updates leave behind."""
    params, states, grads = model(sizes, n_states, dtype)
    table = kernels.segments(params, *states)
    table.scalars[:, LR], table.scalars[:, CORRECTION1], table.scalars[:, CORRECTION2] = 0.05, 0.3, 0.7
    for i, row in enumerate(rows):
        for column, x in row.items():
            table.scalars[i, column] = x
    grads[4], grads[6] = None, False
    seen = []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            getattr(kernels, update)(table, grads, **settings)
            seen.append(table.sums.copy())
    return (*params, *[x for state in states for x in state]), seen


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(("update", "n_states", "settings"), UPDATES.values(), ids=UPDATES)
def test_one_answer(update, n_states, settings, row, dtype):
    rows = [ROWS[row]] * len(SIZES)

    def compute(kernels=K):
        arrays, sums = run(update, kernels, n_states, dtype, rows, **settings)
        return (*arrays, *sums) if kernels is K else (arrays, sums)

    with K.use_backend("native"):
        native = assert_one_answer(compute, threads=(1, 2, 3) if row in ("plain", "all") else (1,))
    arrays, sums = compute(reference)
    for i, (got, expected) in enumerate(zip(native, arrays)):
        assert bits(got) == bits(expected), f"array {i} of sizes {SIZES}"
    for got, expected in zip(native[len(arrays) :], sums, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_one_table_differ(dtype):
    rows = [list(ROWS.values())[i % len(ROWS)] for i in range(len(SIZES))]
    together, sums = run("adam_update", K, 2, dtype, rows, **ADAM)
    for name, row in ROWS.items():
        alone, alone_sums = run("adam_update", K, 2, dtype, [row] * len(SIZES), **ADAM)
        for i in range(len(SIZES)):
            if rows[i] is ROWS[name]:
                assert bits(together[i]) == bits(alone[i])
                np.testing.assert_array_equal(sums[1][i], alone_sums[1][i])


def test_gradients_none_and_false():
    params, states, _ = model([5, 5, 5], 2, np.float64)
    before = [x.copy() for x in (*params, *states[0], *states[1])]
    table = K.segments(params, *states)
    table.scalars[:, LR], table.scalars[:, L1] = 0.1, 1.0
    K.adam_update(table, [False, None, np.zeros(5)], **ADAM)
    after = [*params, *states[0], *states[1]]
    for x, y in zip(after[::3], before[::3]):  # False: as before
        assert bits(x) == bits(y)
    assert bits(params[1]) != bits(before[1])  # None: the penalty acts
    np.testing.assert_array_equal(table.sums[:, 0], [np.abs(x).sum() for x in before[:3]])
    np.testing.assert_array_equal(table.sums[:, 1], 0)


def test_any_shape_and_mixed_dtypes():
    params = [np.ones((3, 4)), np.ones((2, 1, 2), np.float32), np.ones(())]
    table = K.segments(params)
    table.scalars[:, LR] = 0.5
    K.sgd_update(table, [np.ones((3, 4)), np.ones((2, 1, 2), np.float32), np.ones(())])
    assert [x.shape for x in params] == [(3, 4), (2, 1, 2), ()]
    assert all((x == 0.5).all() for x in params)


def test_sums_are_in_float64():
    w = np.full(1_000_003, 0.1, np.float32)
    table = K.segments([w])
    table.scalars[:, L1] = table.scalars[:, L2] = 1
    K.sgd_update(table, [False])
    exact = float(np.float32(0.1))
    np.testing.assert_allclose(table.sums[0], [w.size * exact, w.size * exact * exact], rtol=1e-13)


@pytest.mark.parametrize(("dtype", "small", "tiny"), [(np.float32, 1e-30, 1e-15), (np.float64, 1e-290, 1e-150)])
def test_denormals_do_not_stay(dtype, small, tiny):
    """A moment of 4 units in the last place times 0.9 rounds to 4 units: without the flush it stays for ever."""
    least = np.finfo(dtype).smallest_subnormal
    w, m, v, buf = (np.full(40, 4 * least, dtype) for _ in range(4))
    table, momentum = K.segments([w], [m], [v]), K.segments([w], [buf])
    K.adam_update(table, [None], **ADAM)
    K.sgd_update(momentum, [None], momentum=0.9)
    assert not m.any()
    assert not v.any()
    assert not w.any()
    assert not buf.any()

    m[:], v[:] = 0, 0
    g = np.resize(np.array([tiny * 0.99, -tiny * 0.99, tiny * 1.01, -tiny * 1.01, np.nan], dtype), 40)
    K.adam_update(table, [g], **ADAM)
    np.testing.assert_array_equal(m != 0, np.resize([False, False, True, True, True], 40))
    np.testing.assert_array_equal(v != 0, m != 0)
    assert np.isnan(v[4::5]).all()
    m[:] = np.resize(np.array([small * 0.99, -small * 1.01, np.nan, -small * 0.99, small * 1.01], dtype), 40)
    K.adam_update(table, [None], **ADAM)
    np.testing.assert_array_equal(m != 0, np.resize([False, True, True, False, True], 40))

    w, v, mean, buf = (np.full(40, 4 * least, dtype) for _ in range(4))
    rmsprop = K.segments([w], [v], [mean], [buf])
    K.rmsprop_update(rmsprop, [None], **UPDATES["rmsprop both"][2])
    assert not any(x.any() for x in (w, v, mean, buf))
    K.adagrad_update(K.segments([w], [v]), [g], eps=1e-10)
    np.testing.assert_array_equal(v != 0, np.resize([False, False, True, True, True], 40))


@pytest.mark.parametrize("kernels", [K, reference])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_variance_that_rounding_makes_negative_counts_as_zero(kernels, dtype):
    """A gradient that stays the same takes v and m² to one number; the root of -1e-17 would be NaN."""
    m = np.linspace(0.1, 3, 40).astype(dtype)
    w, v = np.zeros(40, dtype), np.nextafter(m * m, dtype(0))
    v[0] = np.nan
    table = kernels.segments([w], [v], [m])
    table.scalars[:, LR] = 1.0
    kernels.rmsprop_update(table, [np.ones(40, dtype)], alpha=1.0, eps=0.5, centered=True)
    assert np.isnan(w[0])
    assert (w[1:] == -2).all()


def test_one_table_serves_both_backends():
    results = []
    for first, second in [(K, reference), (reference, K), (reference, reference)]:
        params, states, grads = model([7, 40], 2, np.float64)
        table = first.segments(params, *states)
        table.scalars[:, LR] = 0.1
        with np.errstate(all="ignore"):
            second.adam_update(table, grads, **ADAM)
        results.append((*params, table.sums))
    for other in results[1:]:
        assert [bits(x) for x in other] == [bits(x) for x in results[0]]


def test_a_table_keeps_its_arrays_alive():
    table = K.segments([np.full(100_000, 2.0)], [np.zeros(100_000)])
    table.scalars[:, LR] = 1
    K.sgd_update(table, [np.ones(100_000)], momentum=0.5)
    assert (table.params[0] == 1).all()
    assert (table.states[0][0] == 1).all()


def readonly(x):
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    ("params", "states", "error"),
    [
        ([np.zeros(4, np.int64)], [], DTypeError),
        ([readonly(np.zeros(4))], [], ValueError),
        ([np.zeros((4, 4)).T], [], ValueError),
        ([np.zeros(8)[::2]], [], ValueError),
        ([np.zeros(33, np.uint8)[1:].view(np.float64)], [], ValueError),
        ([[1.0, 2.0]], [], TypeError),
        ([np.zeros(4)], [[np.zeros(5)]], ShapeError),
        ([np.zeros(4)], [[np.zeros(4, np.float32)]], ShapeError),
        ([np.zeros(4)], [[readonly(np.zeros(4))]], ValueError),
        ([np.zeros(4)], [[]], ShapeError),
        ([np.zeros(4)], [[np.zeros(4)]] * 4, ShapeError),
        ([np.zeros(4)], [[None]], TypeError),
        ([None], [], TypeError),
    ],
)
def test_bad_tables_are_refused(params, states, error):
    with pytest.raises(error):
        K.segments(params, *states)


@pytest.mark.parametrize(
    ("grads", "error"),
    [
        ([np.ones(4)], ShapeError),
        ([np.ones(4)] * 3, ShapeError),
        ([np.ones(4), np.ones(5)], ShapeError),
        ([np.ones(4), np.ones(4, np.float32)], ShapeError),
        ([np.ones(4), np.ones(8)[::2]], ValueError),
        ([np.ones(4), [1.0] * 4], TypeError),
        ([np.ones(4), True], TypeError),
        (None, TypeError),
    ],
)
def test_bad_gradients_are_refused_before_anything_is_written(grads, error):
    params = [np.zeros(4), np.zeros(4)]
    table = K.segments(params)
    table.scalars[:, LR] = 1
    with pytest.raises(error):
        K.sgd_update(table, grads)
    assert not params[0].any()


@pytest.mark.parametrize("name", [name for name in UPDATES if name != "sgd"])
def test_missing_states_are_refused(name):
    update, n_states, settings = UPDATES[name]
    with pytest.raises(ShapeError, match=f"{update}: .* {n_states} states"):
        getattr(K, update)(K.segments([np.zeros(4)], *[[np.zeros(4)]] * (n_states - 1)), [None], **settings)


@pytest.mark.parametrize("kernels", [K, reference])
@pytest.mark.parametrize("update", ["adam", "sgd"])
def test_sums_are_formed_only_while_they_are_asked_for(kernels, update):
    """The weights move by the same bits; sums stay what they were."""
    name, n_states, settings = UPDATES[update]
    found = []
    for summed in (True, False):
        params, states, grads = model([40, 5000], n_states, np.float32)
        table = kernels.segments(params, *states)
        assert table.summed
        table.summed = summed
        table.sums[...] = -1
        table.scalars[:, LR], table.scalars[:, L1], table.scalars[:, PROX_L2] = 0.1, 0.2, 0.3
        with np.errstate(all="ignore"):
            getattr(kernels, name)(table, grads, **settings)
        found.append((b"".join(map(bits, params)), (table.sums == -1).all()))
    assert found[0][0] == found[1][0]
    assert [untouched for _, untouched in found] == [False, True]


def test_sums_are_added_piece_after_piece():
    """Pieces are collected 512 at a time, across parameters: each once, in order; each parameter is updated once."""
    rng = np.random.default_rng(8)
    sizes = [3, 509 * 4096 + 1, 0, 4096, 3 * 4096, 5000, 600 * 4096]
    ws = [rng.standard_normal(n) for n in sizes]
    gs = [rng.standard_normal(n) for n in sizes]
    with K.use_backend("native"):
        expected = [sums_in_order(w) for w in ws]

        def update():
            table = K.segments([w.copy() for w in ws])
            table.scalars[:, LR], table.scalars[:, PROX_L1] = 0.1, 1e-9
            K.sgd_update(table, gs)
            return (table.sums, *table.params)

        sums, *moved = assert_one_answer(update, (1, 2, 3))
    assert [tuple(row) for row in sums] == expected
    for w, g, to in zip(ws, gs, moved, strict=True):
        np.testing.assert_allclose(to, w - 0.1 * g, atol=1e-9)


def test_an_empty_table():
    table = K.segments([], [], [])
    K.adam_update(table, [], **ADAM)
    assert table.sums.shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 31, 4097, 30_011])
def test_both_routes_give_one_value_of_a_penalty(dtype, n):
    w = np.random.default_rng(n).standard_normal(n).astype(dtype)
    table, value = K.segments([w]), np.empty(())
    table.scalars[:, L1], table.scalars[:, L2] = 0.5, 0.25
    K.sgd_update(table, [None])
    K.elastic_net(w, value, l1=0.5, l2=0.25)
    assert value == 0.5 * table.sums[0, 0] + 0.125 * table.sums[0, 1]
