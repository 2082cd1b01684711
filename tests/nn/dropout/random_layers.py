"""The random layers, one of each kind, for tests that all of them pass: name -> (make(p), shape of x)."""

from minigrad import nn

LAYERS = {
    "Dropout": (lambda p, **options: nn.Dropout(p, **options), (6, 40)),
    "classical": (lambda p, **options: nn.Dropout(p, scaling="classical", **options), (6, 40)),
    "noise_shape": (lambda p, **options: nn.Dropout(p, noise_shape=(None, 1, None), **options), (6, 3, 40)),
    "shared rows": (lambda p, **options: nn.Dropout(p, noise_shape=(1, None), **options), (6, 40)),
    "Dropout1d": (lambda p, **options: nn.Dropout1d(p, **options), (6, 40, 3)),
    "Dropout2d": (lambda p, **options: nn.Dropout2d(p, **options), (6, 40, 2, 3)),
    "DropBlock2d": (lambda p, **options: nn.DropBlock2d(p, block_size=3, **options), (6, 4, 9, 8)),
    "WordDropout": (lambda p, **options: nn.WordDropout(p, **options), (6, 40, 3)),
    "StochasticDepth": (lambda p, **options: nn.StochasticDepth(p, **options), (6, 40)),
    "VariationalDropout": (lambda p, **options: nn.VariationalDropout(p, **options), (6, 3, 40)),
    "GaussianDropout": (lambda p, **options: nn.GaussianDropout(p, **options), (6, 40)),
    "GaussianNoise": (lambda p, **options: nn.GaussianNoise(p, **options), (6, 40)),
    "DropConnect": (lambda p, **options: nn.DropConnect(40, 7, p, dtype="float64", **options), (6, 40)),
}
MASKING = [name for name in LAYERS if not name.startswith(("Gaussian", "DropBlock"))]  # kept numbers are times 2
