"""Activations as layers, for Sequential: thin modules over ops."""

from __future__ import annotations

from typing import Any

from ..engine import Tensor
from ..ops.elementwise import activations as ops
from ..ops.elementwise.fused_activations import relu, sigmoid, tanh
from ..ops.reduce.softmax import softmax
from .module import Module


class ReLU(Module):
    """max(x, 0).

    >>> import minigrad as mg
    >>> mg.nn.ReLU()(mg.tensor([-2, 0, 3]))
    tensor([0., 0., 3.])
    """

    def forward(self, x: Any) -> Tensor:
        return relu(x)


class Tanh(Module):
    """tanh x.

    >>> import minigrad as mg
    >>> mg.nn.Tanh()(mg.tensor([-1e4, 0, 1e4]))
    tensor([-1.,  0.,  1.])
    """

    def forward(self, x: Any) -> Tensor:
        return tanh(x)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ). Losses "with logits" apply it themselves and refuse its output.

    >>> import minigrad as mg
    >>> mg.nn.Sigmoid()(mg.tensor([-1e4, 0, 1e4]))
    tensor([0. , 0.5, 1. ])
    """

    def forward(self, x: Any) -> Tensor:
        return sigmoid(x)


class Softmax(Module):
    """Probabilities along dim. cross_entropy applies it itself and refuses its output.

    >>> import minigrad as mg
    >>> mg.nn.Softmax(dim=1)(mg.tensor([[0.0, 0.0], [0.0, -1e4]]))
    tensor([[0.5, 0.5],
            [1. , 0. ]])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        return softmax(x, dim=self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LeakyReLU(Module):
    """x where x > 0, else negative_slope x.

    >>> from minigrad import nn
    >>> nn.LeakyReLU(0.2)
    LeakyReLU(negative_slope=0.2)
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Tensor:
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where x > 0, else alpha (eˣ - 1).

    >>> import minigrad as mg
    >>> mg.nn.ELU()(mg.tensor([-1e4, 0, 3]))
    tensor([-1.,  0.,  3.])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Tensor:
        return ops.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class CELU(ELU):
    """x where x > 0, else alpha (exp(x / alpha) - 1).

    >>> import minigrad as mg
    >>> mg.nn.CELU(alpha=0.5)(mg.tensor([-1e4, 0, 3]))
    tensor([-0.5,  0. ,  3. ])
    """

    def forward(self, x: Any) -> Tensor:
        return ops.celu(x, self.alpha)


class GELU(Module):
    """x Φ(x); approximate="tanh" takes the form with tanh.

    ValueError for another approximate.

    >>> import minigrad as mg
    >>> mg.nn.GELU()(mg.tensor([0, 1e4]))
    tensor([    0., 10000.])
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate is {approximate!r}; need 'none' or 'tanh'")
        self.approximate = approximate

    def forward(self, x: Any) -> Tensor:
        return ops.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x / (1 + e⁻ˣ).

    >>> import minigrad as mg
    >>> mg.nn.SiLU()(mg.tensor([0, 1e4]))
    tensor([    0., 10000.])
    """

    def forward(self, x: Any) -> Tensor:
        return ops.silu(x)


class Hardtanh(Module):
    """x between min_val and max_val, else the nearer one.

    ValueError unless min_val < max_val.

    >>> import minigrad as mg
    >>> mg.nn.Hardtanh()(mg.tensor([-2, 0, 3]))
    tensor([-1.,  0.,  1.])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: min_val is {min_val}, max_val is {max_val}; need min_val < max_val")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Any) -> Tensor:
        return ops.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class Softplus(Module):
    """ln(1 + exp(beta x)) / beta; x itself where beta x > threshold.

    >>> import minigrad as mg
    >>> mg.nn.Softplus()(mg.tensor([-1e4, 0, 1e4]))
    tensor([0.000000e+00, 6.931472e-01, 1.000000e+04])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Tensor:
        return ops.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """x / (1 + |x|).

    >>> import minigrad as mg
    >>> mg.nn.Softsign()(mg.tensor([-1, 0, 3]))
    tensor([-0.5 ,  0.  ,  0.75])
    """

    def forward(self, x: Any) -> Tensor:
        return ops.softsign(x)


class LogSigmoid(Module):
    """ln(1 / (1 + e⁻ˣ)).

    >>> import minigrad as mg
    >>> mg.nn.LogSigmoid()(mg.tensor([0, 1e4]))
    tensor([-0.6931472, -0.       ])
    """

    def forward(self, x: Any) -> Tensor:
        return ops.logsigmoid(x)
