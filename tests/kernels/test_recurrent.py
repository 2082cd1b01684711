"""Steps of recurrent networks: one answer, NumPy's answer, a step by hand, rows that stand alone, bad input."""

import numpy as np
import pytest
from kernels.twins import SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

REALS = [np.float32, np.float64]
WIDTHS = [1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 65]
pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def case(width, dtype, rows=5, special=False, seed=0):
    """name -> array: what all kernels read."""
    rng = np.random.default_rng(seed + width)
    factors = {"z": 4, "p": 4, "h": 1, "c": 1, "g": 1, "dh": 1, "dc": 1}
    found = {name: rng.normal(size=(rows, k * width)).astype(dtype) for name, k in factors.items()}
    if special:
        for x in found.values():
            x.reshape(-1)[rng.integers(0, x.size, 3)] = rng.choice(np.array(SPECIALS).astype(dtype), 3)
    return {**found, "lengths": rng.integers(1, 4, rows)}


def all_kernels(given, step=1, lengths=True, kernels=K):
    """What every kernel writes, gradients from the states that the steps gave."""
    z, p, h, c, g = (given[name] for name in "zphcg")
    rows, width = h.shape
    new = lambda k: np.full((rows, k * width), 7, h.dtype)
    options = {"lengths": given["lengths"] if lengths else None, "step": step}
    found = []
    gates, new_c, tanh_c, out = new(4), new(1), new(1), new(1)
    kernels.lstm_gates(z, p, h, c, gates, new_c, tanh_c, out, **options)
    dh, dc, dz = given["dh"].copy(), given["dc"].copy(), new(4)
    kernels.lstm_gates_grad(g, dh, dc, gates, c, tanh_c, dz, **options)
    found += [gates, new_c, tanh_c, out, dh, dc, dz]
    z, p, gates, out = (
        np.ascontiguousarray(z[:, : 3 * width]),
        np.ascontiguousarray(p[:, : 3 * width]),
        new(4),
        new(1),
    )
    kernels.gru_gates(z, p, h, gates, out, **options)
    dh, dz, dp = given["dh"].copy(), new(3), new(3)
    kernels.gru_gates_grad(g, dh, gates, h, dz, dp, **options)
    found += [gates, out, dh, dz, dp]
    z, p = np.ascontiguousarray(z[:, :width]), np.ascontiguousarray(p[:, :width])
    for relu in (False, True):
        out, dh, dz = new(1), given["dh"].copy(), new(1)
        kernels.rnn_gate(z, p, h, out, relu=relu, **options)
        kernels.rnn_gate_grad(g, dh, out, dz, relu=relu, **options)
        found += [out, dh, dz]
    kept = np.full((2, rows, width), 7, h.dtype)
    kernels.keep_steps(np.stack([h, c]), given["lengths"], kept)
    return (*found, kept)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("width", WIDTHS)
def test_one_answer(width, dtype):
    for special in (False, True):
        given = case(width, dtype, special=special)
        for lengths in (False, True):
            assert_one_answer(lambda given=given, lengths=lengths: all_kernels(given, lengths=lengths), threads=(1,))


@pytest.mark.parametrize("dtype", REALS)
def test_one_answer_of_many_rows(dtype):
    given = case(65, dtype, rows=300)
    assert_one_answer(lambda: all_kernels(given), threads=(1, 2, 3))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("width", WIDTHS)
def test_agrees_with_reference(width, dtype):
    eps = np.finfo(dtype).eps
    given = case(width, dtype)
    for step, lengths in ((0, False), (1, True), (2, True)):
        pairs = zip(all_kernels(given, step, lengths), all_kernels(given, step, lengths, reference), strict=True)
        for i, (got, expected) in enumerate(pairs):
            np.testing.assert_allclose(got, expected, rtol=16 * eps, atol=32 * eps, err_msg=f"output {i}")


def test_a_step_by_hand():
    one = np.ones((1, 1))
    zero = np.zeros((1, 4))
    gates, new_c, tanh_c, out = np.empty((1, 4)), np.empty((1, 1)), np.empty((1, 1)), np.empty((1, 1))
    K.lstm_gates(zero, zero, one, 3 * one, gates, new_c, tanh_c, out)
    assert gates.tolist() == [[0.5, 0.5, 0.0, 0.5]]
    assert new_c.item() == 1.5
    np.testing.assert_allclose([tanh_c.item(), out.item()], [np.tanh(1.5), 0.5 * np.tanh(1.5)], rtol=1e-15)
    K.gru_gates(zero[:, :3].copy(), zero[:, :3].copy(), 3 * one, gates, out)
    assert out.item() == 1.5
    K.rnn_gate(-one, 3 * one, one, out, relu=True)
    assert out.item() == 2.0


@pytest.mark.parametrize("dtype", REALS)
def test_a_row_behind_its_end_keeps_its_state_and_passes_the_gradient_on(dtype):
    given = case(9, dtype)
    given["lengths"][:] = [1, 2, 3, 1, 2]
    gone = given["lengths"] <= 1
    gates, new_c, tanh_c, out, dh, dc, dz, gates3, out3, dh3, dz3, dp3, *_ = all_kernels(given, step=1)
    for kept, before in ((out, given["h"]), (new_c, given["c"]), (dc, given["dc"]), (out3, given["h"])):
        assert bits(kept[gone]) == bits(before[gone])
        assert not (kept[~gone] == before[~gone]).all(1).any()
    for empty in (gates, tanh_c, dz, gates3, dz3, dp3):
        assert not empty[gone].any()
        assert empty[~gone].any(1).all()
    for passed in (dh, dh3):
        assert bits(passed[gone]) == bits((given["g"] + given["dh"])[gone])


@pytest.mark.parametrize("dtype", REALS)
def test_a_row_stands_alone(dtype):
    given = case(33, dtype)
    whole = all_kernels(given)
    for r in (0, 2, 4):
        alone = all_kernels({name: x[r : r + 1].copy() for name, x in given.items()})
        for a, b in zip(whole[:-1], alone[:-1], strict=True):
            assert bits(a[r : r + 1]) == bits(b)


def test_bad_input_is_refused_before_anything_is_written():
    given = case(4, np.float32)
    arrays = {name: given[name] for name in "zphc"}
    arrays |= {name: np.full((5, k * 4), 7, np.float32) for name, k in (("gates", 4), ("new_c", 1), ("tanh_c", 1))}
    arrays["out"] = np.full((5, 4), 7, np.float32)
    wide = np.full((5, 32), 7, np.float32)
    for error, text, bad in [
        (ShapeError, r"z is float32 \(5, 12\); need float32 \(5, 16\)", {"z": given["z"][:, :12].copy()}),
        (ShapeError, "a state is", {"h": given["h"][0]}),
        (DTypeError, "c is float64", {"c": given["c"].astype(float)}),
        (ValueError, "strided", {"p": wide[:, :16]}),
        (ValueError, "need it C-contiguous", {"gates": wide[:, :16]}),
        (ValueError, "new_c shares memory", {"new_c": arrays["c"]}),
        (ValueError, "out shares memory", {"out": arrays["tanh_c"]}),
        (DTypeError, "lengths are int32", {"lengths": np.ones(5, np.int32)}),
        (ShapeError, "lengths are .*; need 5", {"lengths": np.ones(4, np.int64)}),
    ]:
        options = {"lengths": bad.pop("lengths")} if "lengths" in bad else {}
        with pytest.raises(error, match=text):
            K.lstm_gates(*{**arrays, **bad}.values(), **options)
    assert all((arrays[name] == 7).all() for name in ("gates", "new_c", "tanh_c", "out"))
    with pytest.raises(ShapeError, match="keep_steps: x is"):
        K.keep_steps(np.ones((2, 3)), np.ones(3, np.int64), np.ones((2, 3)))
