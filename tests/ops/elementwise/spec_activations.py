"""Specs of ops/elementwise/activations.py."""

from ops.specs import Spec, binary, unary

import minigrad as mg
from minigrad.ops.elementwise import activations

AWAY = {"avoid": (0.0,)}
WIDE = {"low": -30.0, "high": 30.0}
SPECS = {
    "leaky_relu": [
        Spec(mg.leaky_relu, unary(**AWAY), lambda torch, x: torch.nn.functional.leaky_relu(x)),
        Spec(lambda x: mg.leaky_relu(x, 0.2), unary(**AWAY), lambda torch, x: torch.nn.functional.leaky_relu(x, 0.2)),
    ],
    "exponential_unit": [
        Spec(mg.elu, unary(**AWAY), lambda torch, x: torch.nn.functional.elu(x)),
        Spec(lambda x: mg.elu(x, 0.7), unary(**AWAY), lambda torch, x: torch.nn.functional.elu(x, 0.7)),
        Spec(
            lambda x: mg.celu(x, 0.7),
            unary(**AWAY),
            lambda torch, x: torch.nn.functional.celu(x, 0.7),
            rtol=1e-7,  # PyTorch's gradient holds 1 / alpha in float32
        ),
    ],
    "leaky_slope": Spec(lambda x: activations.leaky_slope(x, 0.2), unary(**AWAY)),
    "gelu": [
        Spec(mg.gelu, unary(**WIDE), lambda torch, x: torch.nn.functional.gelu(x)),
        Spec(
            lambda x: mg.gelu(x, approximate="tanh"),
            unary(**WIDE),
            lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
        ),
    ],
    "gelu_grad": [
        Spec(activations.gelu_grad, binary()),
        Spec(lambda g, x: activations.gelu_grad(g, x, approximate="tanh"), binary()),
    ],
    "silu": Spec(mg.silu, unary(), lambda torch, x: torch.nn.functional.silu(x)),
    "logsigmoid": Spec(mg.logsigmoid, unary(**WIDE), lambda torch, x: torch.nn.functional.logsigmoid(x)),
    "softplus": [
        Spec(mg.softplus, unary(avoid=(20.0,), **WIDE), lambda torch, x: torch.nn.functional.softplus(x)),
        Spec(
            lambda x: mg.softplus(x, beta=2.5, threshold=3),
            unary(avoid=(1.2,)),
            lambda torch, x: torch.nn.functional.softplus(x, beta=2.5, threshold=3),
        ),
    ],
    "softsign": Spec(mg.softsign, unary(**AWAY), lambda torch, x: torch.nn.functional.softsign(x)),
    "hardtanh": [
        Spec(mg.hardtanh, unary(avoid=(-1, 1)), lambda torch, x: torch.nn.functional.hardtanh(x)),
        Spec(
            lambda x: mg.hardtanh(x, -0.5, 1.5),
            unary(avoid=(-0.5, 1.5)),
            lambda torch, x: torch.nn.functional.hardtanh(x, -0.5, 1.5),
        ),
    ],
}
