"""Elementary functions called with arguments of every size."""

import numpy as np

import minigrad.kernels as K

TWO = [
    "pow",
    "atan2",
    "hypot",
    "logaddexp",
    "maximum",
    "minimum",
    "step",
    "leaky_relu",
    "leaky_slope",
    "gelu_grad",
    "gelu_tanh_grad",
]


def compute(name, *operands):
    out = np.empty_like(operands[0])
    with K.use_backend("native"), np.errstate(all="ignore"):
        getattr(K, name)(*operands, out)
    return out


def arguments(name, n, seed):
    """float64 operands of every size and sign, the functions' bends, and for angles multiples of a quarter turn."""
    rng = np.random.default_rng(seed)

    def spread(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), n)) * rng.choice([-1.0, 1.0], n)

    small, any_size = np.concatenate([rng.uniform(-3, 3, n), spread(1e-20, 1)]), spread(1e-300, 1e300)
    if name in ("sin", "cos", "tan"):
        return [np.concatenate([small, rng.uniform(-1e6, 1e6, n), any_size, np.pi / 2 * rng.integers(0, 2**35, n)])]
    if name == "pow":  # results of every size
        a = np.concatenate([np.abs(any_size), np.exp(rng.uniform(-0.01, 0.01, n)), 1 + spread(1e-12, 1e-3)])
        return [a, rng.uniform(-745, 709, a.size) / np.log(a)]
    if name in TWO:
        return [np.concatenate([any_size, small]), np.concatenate([any_size * spread(1e-3, 1e3), small[::-1]])]
    wide = {"expm1": 709.0, "sinh": 710.4, "cosh": 710.4, "softplus": 740.0}.get(name)
    x = np.concatenate([small, rng.uniform(-wide, wide, n) if wide else any_size])
    if name == "log2":
        return [np.concatenate([np.abs(x), 1 + spread(1e-15, 0.3)])]
    return [np.where(x < -1, -1 / x, x) if name == "log1p" else x]
