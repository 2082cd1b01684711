"""use_backend("compare"): good kernels pass, a broken one is caught with its arguments, trainings keep their bits."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels as K
from minigrad import nn, optim, reg
from minigrad.kernels import compared
from minigrad.lab.golden import kernel_calls

pytestmark = pytest.mark.skipif(K.runtime is None, reason="no compiled kernels in this installation")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_kernel_agrees(dtype):
    g = kernel_calls.given(dtype, 16, 32)
    with mg.use_backend("compare"):
        assert K.backend() == "compare"
        for name, (args, options) in kernel_calls.calls(g).items():
            getattr(K, name)(*args, **options)
        for name, options in kernel_calls.UPDATES.items():
            table, gradients = kernel_calls.table_of(g)
            getattr(K, name)(table, gradients, **options)


def broken(name, spoil):
    kernel = K._native[name]

    def wrong(*args, **options):
        result = kernel(*args, **options)
        spoil(*args)
        return result

    return compared.beside(name, wrong, getattr(K.reference, name))


def test_a_wrong_bit_of_an_exact_kernel_is_caught():
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)

    def spoil(x, out):
        out[1, 2] = np.nextafter(out[1, 2], np.float32(2))

    with pytest.raises(
        mg.KernelMismatch, match=r"relu\(float32 \(2, 3\), float32 \(2, 3\)\).* at \(1, 2\).*0 are allowed"
    ):
        broken("relu", spoil)(x, np.empty_like(x))


def test_a_wrong_sum_is_caught_and_a_rounding_is_not():
    x = np.linspace(-1, 1, 12).reshape(3, 4)

    def add(size):
        return lambda x, out, *rest: out.__setitem__(0, out[0] + size)

    broken("sum", add(1e-16))(x, np.zeros(3), 1, 2)
    with pytest.raises(mg.KernelMismatch, match=r"sum\(float64 \(3, 4\)"):
        broken("sum", add(1e-9))(x, np.zeros(3), 1, 2)
    with pytest.raises(mg.KernelMismatch, match="nan"):
        broken("sum", add(np.nan))(x, np.zeros(3), 1, 2)


def test_in_place_calls_and_tables():
    x = np.linspace(-1, 1, 12).reshape(3, 4)
    expected = np.tanh(x)
    with mg.use_backend("compare"):
        K.tanh(x, x)
    assert x == pytest.approx(expected)
    table, gradients = kernel_calls.table_of(kernel_calls.given())

    def spoil(table, gradients, **options):
        table.params[1][0, 0] += 1e-3

    with pytest.raises(mg.KernelMismatch, match=r"sgd_update.a table of 2 parameters"):
        broken("sgd_update", spoil)(table, gradients, **kernel_calls.UPDATES["sgd_update"])


def test_errors_are_those_of_the_kernel():
    with mg.use_backend("compare"), pytest.raises(mg.ShapeError):
        K.matmul(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3)))


def test_a_training_keeps_the_bits_of_native_kernels():
    def weights(backend):
        with mg.use_backend(backend):
            mg.manual_seed(0)
            model = nn.Sequential(
                nn.Linear(6, 8, activation="relu"), nn.Dropout(0.3), nn.BatchNorm1d(8), nn.Linear(8, 3)
            )
            draw = np.random.default_rng(0)
            x, y = draw.standard_normal((60, 6)).astype(np.float32), np.arange(60) % 3
            optimizer = optim.Adam(model.parameters(), lr=1e-2, prox=reg.on(model, "*.weight", reg.L1(1e-3)))
            mg.train.fit(model, mg.data.Loader(x, y, 20, seed=1), mg.cross_entropy, optimizer, epochs=2)
            return [p.data.tobytes() for p in model.parameters()]

    assert weights("compare") == weights("native")


def test_without_compiled_kernels(monkeypatch):
    monkeypatch.setattr(K, "_native", {})
    with pytest.raises(RuntimeError, match=r"use_backend.'compare'.: this process has no compiled kernels"):
        mg.use_backend("compare")
