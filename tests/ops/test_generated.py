"""Ops on generated arguments: gradients to second order, every layout, both backends, and PyTorch's answers."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.insight.gradcheck import gradcheck

pytest.importorskip("hypothesis", reason="generated cases need hypothesis: pip install minigrad[dev]")
from hypothesis import HealthCheck, given, settings
from ops import specs

SPECS = specs.load()
NAMES = [f"{name}-{i}" for i, (name, _) in enumerate(SPECS)]
FEW = settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
each = pytest.mark.parametrize("spec", [spec for _, spec in SPECS], ids=NAMES)


def outputs(result):
    """The tensors that an op returned, one or several."""
    return list(result) if isinstance(result, tuple) else [result]


def real(x):
    return x.dtype.kind == "f"


def layouts(x):
    """The array x in other memory layouts."""
    yield np.asarray(x, order="F")  # asfortranarray would make a vector of a number
    yield np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x
    yield x[::-1].copy()[::-1] if x.ndim else x


@each
def test_gradients_of_generated_cases(spec, backend):
    @FEW
    @given(spec.cases)
    def check(case):
        arrays, options = case
        if spec.order == 0 or not any(real(a) and a.size for a in arrays):
            return

        def one(*tensors):  # of several outputs, the real ones side by side
            found = [y for y in outputs(spec.ours(*tensors, **options)) if real(y)]
            return found[0] if len(found) == 1 else mg.cat([y.reshape(-1) for y in found])

        assert gradcheck(one, arrays, order=spec.order)

    check()


@each
def test_layout_and_backend_change_nothing(spec):
    @FEW
    @given(spec.cases)
    def check(case):
        arrays, options = case

        def call(arrays):
            return [y.data for y in outputs(spec.ours(*[mg.from_numpy(a) for a in arrays], **options))]

        plain = call(arrays)
        for other in zip(*map(layouts, arrays)):
            for got, expected in zip(call(list(other)), plain):
                if mg.kernels.backend() == "native":
                    np.testing.assert_array_equal(got, expected)
                else:
                    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
        with mg.use_backend("reference"):
            for got, expected in zip(call(arrays), plain):
                assert got.shape == expected.shape
                assert got.dtype == expected.dtype
                np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)

    check()


@pytest.mark.peers
@each
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_agreement_with_pytorch(spec, dtype):
    torch = pytest.importorskip("torch", reason="peers: pip install torch==2.13.0")
    if spec.theirs is None:
        pytest.skip("PyTorch has no such function")
    bounds = {"rtol": spec.rtol, "atol": spec.atol} if dtype == "float64" else spec.float32

    @FEW
    @given(spec.cases)
    def check(case):
        arrays, options = case
        arrays = [a.astype(dtype) if real(a) else a for a in arrays]
        ours = [mg.tensor(a, requires_grad=real(a)) for a in arrays]
        theirs = [torch.tensor(a, requires_grad=real(a)) for a in arrays]
        for y, t in zip(outputs(spec.ours(*ours, **options)), outputs(spec.theirs(torch, *theirs, **options))):
            expected = t.detach().numpy()
            assert y.shape == expected.shape
            assert y.dtype == expected.dtype
            np.testing.assert_allclose(y.data, expected, **bounds)
            if y.requires_grad:
                weights = np.random.default_rng(1).uniform(0.5, 1.5, expected.shape).astype(dtype)
                y.backward(mg.tensor(weights), retain_graph=True)
                t.backward(torch.tensor(weights), retain_graph=True)
        for x, t in zip(ours, theirs):
            assert (x.grad is None) == (t.grad is None)
            if x.grad is not None:
                np.testing.assert_allclose(x.grad.data, t.grad.numpy(), **bounds)

    check()
