"""Random chains of convolutions, norms, activations, pools, residual sums and linear layers: compact equals them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, reg

pytest.importorskip("hypothesis", reason="needs hypothesis: pip install hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.Identity)


class Builder:
    """Draws a chain, its numbers, and which of them are zero."""

    def __init__(self, seed, dtype):
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype

    def some(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def conv(self, a, b, same=False):
        kind = self.some("plain", "plain", "circular", "grouped")
        groups = self.some(*[g for g in (1, 2, 3) if a % g == b % g == 0]) if kind == "grouped" else 1
        k = self.some(1, 3)
        padding = "same" if same or self.rng.random() < 0.5 else 0
        return nn.Conv2d(
            a,
            b,
            k,
            padding=padding,
            groups=groups,
            bias=bool(self.rng.random() < 0.7),
            padding_mode="circular" if kind == "circular" else "zeros",
            activation=self.some(None, "relu", "tanh"),
            dtype=self.dtype,
        )

    def piece(self, a, same):
        """Layers from a channels to b."""
        b = self.some(2, 3, 4, 6)
        layers = [self.conv(a, b, same)]
        if self.rng.random() < 0.4:
            layers.append(nn.Conv2d(b, b, 3, padding=1, groups=b, dtype=self.dtype))
        if self.rng.random() < 0.6:
            layers.append(nn.BatchNorm2d(b, track_running_stats=bool(self.rng.random() < 0.8), dtype=self.dtype))
        layers.append(self.some(*ACTIVATIONS)())
        if not same and self.rng.random() < 0.3:
            layers.append(
                self.some(
                    nn.MaxPool2d(2),
                    nn.AvgPool2d(2, ceil_mode=True),
                    nn.AvgPool2d(3, 1, 1),
                    nn.Dropout2d(0.3, "classical"),
                )
            )
        return layers, b

    def residual(self, a):
        layers, b = self.piece(a, same=True)
        shortcut = None
        if self.rng.random() < 0.4:
            c = self.some(2, 4)
            shortcut = nn.Sequential(self.conv(a, c, same=True), nn.BatchNorm2d(c, dtype=self.dtype))
        else:
            c = a
        return nn.Residual(*layers, self.conv(b, c, same=True), shortcut=shortcut), c

    def chain(self):
        first, a = self.piece(3, same=False)
        layers = [*first]
        for _ in range(self.rng.integers(1, 3)):
            if self.rng.random() < 0.5:
                block, a = self.residual(a)
                layers.append(block)
            else:
                more, a = self.piece(a, same=False)
                layers.append(nn.Sequential(*more))
        side = self.some(1, 2)
        layers += [nn.AdaptiveAvgPool2d(side), nn.Flatten()]
        n = a * side * side
        if self.rng.random() < 0.3:
            layers.append(nn.BatchNorm1d(n, dtype=self.dtype))
        hidden = self.some(3, 5)
        layers += [
            nn.Linear(n, hidden, dtype=self.dtype),
            self.some(*ACTIVATIONS)(),
            nn.Linear(hidden, 2, dtype=self.dtype),
        ]
        return self.filled(nn.Sequential(*layers))

    def filled(self, model):
        """Numbers everywhere, and zeros: filters, channels, scales and biases of the chosen ones."""
        for layer in model.modules():
            for name in layer._parts:
                t = getattr(layer, name)
                if name != "num_batches_tracked":
                    array = self.rng.standard_normal(t.shape)
                    array = np.abs(array) + 0.5 if name == "running_var" else array
                    with mg.no_grad():
                        t.copy_((self.emptied(array) if name in ("weight", "bias") else array).astype(self.dtype))
        return model.eval()

    def emptied(self, array):
        share = self.some(0, 0.3, 0.7, 1.0) if self.rng.random() < 0.9 else 1.0
        array[self.rng.random(len(array)) < share * 0.8] = 0
        if array.ndim > 1:
            array[:, self.rng.random(array.shape[1]) < share * 0.8] = 0
        return array


def size(model):
    return sum(p.data.size for p in model.parameters())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("which", ["native", "reference"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_a_random_chain_computes_the_same_in_fewer_channels(which, dtype, seed):
    if which == "native" and mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    with mg.use_backend(which):
        builder = Builder(seed, dtype)
        model = builder.chain()
        before = model.state_dict()
        small = reg.compact(model)
        x = mg.tensor(builder.rng.standard_normal((3, 3, 21, 20)).astype(dtype))
        a, b = model(x).data, small(x).data
        far = 1e-12 if dtype == "float64" else 2e-6
        np.testing.assert_allclose(b, a, rtol=far, atol=far * max(1, np.abs(a).max()))
        assert size(small) <= size(model)
        assert all((before[name] == array).all() for name, array in model.state_dict().items())
        again = reg.compact(small)
        assert size(again) == size(small)
        np.testing.assert_allclose(again(x).data, b, rtol=far, atol=far * max(1, np.abs(a).max()))
