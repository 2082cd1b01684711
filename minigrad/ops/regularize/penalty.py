"""The elastic-net penalty and its gradient: (l1, l2) mean l1 Σ|w| + (l2/2) Σw², here and everywhere."""

from __future__ import annotations

from ... import kernels as K
from ...engine import differentiable, full
from ..elementwise.arithmetic import mul
from ..shape.broadcast import sum


@differentiable(w=lambda g, y, w, *, l1, l2: elastic_net_grad(g, w, l1=l1, l2=l2))
def elastic_net(w, *, l1=0.0, l2=0.0):
    """y = l1 Σ|w| + (l2/2) Σw², one number from float64 accumulators; at w = 0 the gradient of |w| is 0.

    DTypeError for integers and booleans.

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
    """z = g (l2 w + l1 sign(w)), sign(0) = 0, for a single number g: what elastic_net's rule gives for w.

    Its own rules get gg, the gradient of z. z is g times a vector, so the gradient of g is gg · (that vector), which
    is z for g = 1. sign(w) is constant almost everywhere, so dz/dw is g l2, and l1 is not in it.
    """
    z = K.empty_like(w)
    K.elastic_net_grad(K.contiguous(w), z, l1=l1, l2=l2, scale=float(g))
    return z
