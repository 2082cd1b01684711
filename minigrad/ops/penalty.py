"""The elastic-net penalty and its gradient, (l1, l2) meaning l1 Σ|w| + (l2/2) Σw² everywhere; and norms."""

from __future__ import annotations

from .. import kernels as K
from ..engine import differentiable, full
from .elementwise import add, div, mul, sign, square, sub
from .shape import sum


@differentiable(w=lambda g, y, w, *, l1, l2: elastic_net_grad(g, w, l1=l1, l2=l2))
def elastic_net(w, *, l1=0.0, l2=0.0):
    """y = l1 Σ|w| + (l2/2) Σw², one number from float64 accumulators; at w = 0 the gradient of |w| is 0.

    >>> import minigrad as mg
    >>> mg.elastic_net(mg.tensor([3, -4]), l1=1.0, l2=2.0)
    tensor(32.)
    """
    y = K.empty((), w.dtype)
    K.elastic_net(K.contiguous(w), y, l1=l1, l2=l2)
    return y


@differentiable(
    g=lambda gg, z, g, w, *, l1, l2: sum(mul(gg, elastic_net_grad(full(g, 1.0), w, l1=l1, l2=l2))),
    w=lambda gg, z, g, w, *, l1, l2: mul(gg, mul(g, l2)),
)
def elastic_net_grad(g, w, *, l1=0.0, l2=0.0):
    """z = g (l2 w + l1 sign(w)), sign(0) = 0, for a single number g."""
    z = K.empty(w.shape, w.dtype)
    K.elastic_net_grad(K.contiguous(w), z, l1=l1, l2=l2, scale=float(g))
    return z


def _half_inverse(y):
    """1 / (2y), and 0 where y is 0; sign is 0 or 1 here, so that nothing is divided by 0."""
    there = sign(y)
    return div(mul(0.5, there), add(y, sub(1.0, there)))


@differentiable(x=lambda g, y, x: mul(g, _half_inverse(y)))
def root(x):
    """y = √x whose gradient at 0 is 0, to any order: what gives a norm a sub-gradient at 0 where sqrt has NaN."""
    y = K.empty_for(x, 0.0)
    K.sqrt(x, y)
    return y


def norm(x, dim=None, keepdim=False):
    """y = √Σx² over dim (an axis, several, or all); the gradient x / y is 0 where y is 0.

    >>> import minigrad as mg
    >>> x = mg.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    >>> norm(x, dim=1).sum().backward()
    >>> x.grad
    tensor([[0.6, 0.8],
            [0. , 0. ]])
    """
    return root(sum(square(x), dim=dim, keepdim=keepdim))
