"""Ops that act on each element alone. Binary ones broadcast as NumPy does; a Python number takes the tensor's dtype."""

from __future__ import annotations

from .. import kernels as K
from ..engine import differentiable, flat
from .shape import match, sum


@differentiable(a=lambda g, y, a, b: match(g, a), b=lambda g, y, a, b: match(g, b))
def add(a, b):
    """y = a + b.

    >>> import minigrad as mg
    >>> mg.add(mg.tensor([1, 2]), 3)
    tensor([4., 5.])
    """
    y = K.empty_for(a, b)
    K.add(a, b, y)
    return y


@differentiable(a=lambda g, y, a, b: match(g, a), b=lambda g, y, a, b: match(neg(g), b))
def sub(a, b):
    """y = a - b.

    >>> import minigrad as mg
    >>> mg.sub(3, mg.tensor([1, 2]))
    tensor([2., 1.])
    """
    y = K.empty_for(a, b)
    K.sub(a, b, y)
    return y


@differentiable(a=lambda g, y, a, b: match(mul(g, b), a), b=lambda g, y, a, b: match(mul(g, a), b))
def mul(a, b):
    """y = a b.

    >>> import minigrad as mg
    >>> mg.mul(mg.tensor([1, 2]), mg.tensor([3, 4]))
    tensor([3., 8.])
    """
    y = K.empty_for(a, b)
    K.mul(a, b, y)
    return y


@differentiable(a=lambda g, y, a, b: match(div(g, b), a), b=lambda g, y, a, b: match(neg(mul(g, div(y, b))), b))
def div(a, b):
    """y = a / b; division by 0 gives an infinity or NaN, as IEEE 754 says.

    >>> import minigrad as mg
    >>> mg.div(mg.tensor([1, 2]), mg.tensor([4, 0]))
    tensor([0.25,  inf])
    """
    y = K.empty_for(a, b)
    K.div(a, b, y)
    return y


@differentiable(x=lambda g, y, x: neg(g))
def neg(x):
    """y = -x.

    >>> import minigrad as mg
    >>> mg.neg(mg.tensor([1, -2]))
    tensor([-1.,  2.])
    """
    y = K.empty_for(x, 0.0)
    K.neg(x, y)
    return y


@differentiable(x=lambda g, y, x: mul(g, sign(x)))
def abs(x):
    """y = |x|; the gradient at 0 is 0.

    >>> import minigrad as mg
    >>> mg.abs(mg.tensor([1, -2]))
    tensor([1., 2.])
    """
    y = K.empty_for(x, 0.0)
    K.abs(x, y)
    return y


@differentiable(x=flat)
def sign(x):
    """y = 1, 0 or -1, as x is positive, 0 or negative; NaN for NaN.

    >>> import minigrad as mg
    >>> mg.sign(mg.tensor([3, 0, -2]))
    tensor([ 1.,  0., -1.])
    """
    y = K.empty_for(x, 0.0)
    K.sign(x, y)
    return y


@differentiable(x=lambda g, y, x: mul(g, mul(2.0, x)))
def square(x):
    """y = x².

    >>> import minigrad as mg
    >>> mg.square(mg.tensor([3, -2]))
    tensor([9., 4.])
    """
    y = K.empty_for(x, 0.0)
    K.mul(x, x, y)
    return y


def _root_grad(g, y, x):
    z = div(mul(g, 0.5), y)
    return relu_grad(z, y) if _is_sum_of_squares(x) else z


def _is_sum_of_squares(x):
    """Whether x was recorded as Σ a²: √x is then a norm, and 0 is in the subdifferential of a norm at 0."""
    if x.op is not sum.op or not x.inputs:
        return False
    s = x.inputs[0]
    return s.op is square.op or (s.op is mul.op and s.inputs and s.inputs[0] is s.inputs[1])


@differentiable(x=_root_grad)
def sqrt(x):
    """y = √x; NaN below 0; the gradient at 0 is infinite, but 0 at √Σ a², the norm of a vector a of zeros.

    >>> import minigrad as mg
    >>> mg.sqrt(mg.tensor([9, -1]))
    tensor([ 3., nan])
    """
    y = K.empty_for(x, 0.0)
    K.sqrt(x, y)
    return y


@differentiable(x=lambda g, y, x: mul(g, y))
def exp(x):
    """y = eˣ, within 2 ulp.

    >>> import minigrad as mg
    >>> mg.exp(mg.tensor([0, 1]))
    tensor([1.       , 2.7182817])
    """
    y = K.empty_for(x, 0.0)
    K.exp(x, y)
    return y


@differentiable(x=lambda g, y, x: div(g, x))
def log(x):
    """y = ln x, within 2 ulp; -inf at 0, NaN below.

    >>> import minigrad as mg
    >>> mg.log(mg.tensor([1, 0, -1]))
    tensor([  0., -inf,  nan])
    """
    y = K.empty_for(x, 0.0)
    K.log(x, y)
    return y


@differentiable(x=lambda g, y, x: relu_grad(g, y))
def relu(x):
    """y = max(x, 0); the gradient at 0 is 0; NaN stays NaN.

    >>> import minigrad as mg
    >>> mg.relu(mg.tensor([-1, 0, 2]))
    tensor([0., 0., 2.])
    """
    y = K.empty_for(x, 0.0)
    K.relu(x, y)
    return y


@differentiable(x=lambda g, y, x: tanh_grad(g, y))
def tanh(x):
    """y = tanh x, within 2 ulp.

    >>> import minigrad as mg
    >>> mg.tanh(mg.tensor([0, -100]))
    tensor([ 0., -1.])
    """
    y = K.empty_for(x, 0.0)
    K.tanh(x, y)
    return y


@differentiable(x=lambda g, y, x: sigmoid_grad(g, y))
def sigmoid(x):
    """y = 1 / (1 + e⁻ˣ), within 2.5 ulp, without overflow.

    >>> import minigrad as mg
    >>> mg.sigmoid(mg.tensor([0, -1000]))
    tensor([0.5, 0. ])
    """
    y = K.empty_for(x, 0.0)
    K.sigmoid(x, y)
    return y


# The fused gradients, from the output y; ops of their own, so that they can be differentiated again.


@differentiable(g=lambda gg, z, g, y: match(relu_grad(gg, y), g), y=flat)
def relu_grad(g, y):
    """z = g where y > 0, else 0."""
    z = K.empty_for(g, y)
    K.relu_grad(g, y, z)
    return z


@differentiable(
    g=lambda gg, z, g, y: match(tanh_grad(gg, y), g), y=lambda gg, z, g, y: match(mul(gg, mul(g, mul(-2.0, y))), y)
)
def tanh_grad(g, y):
    """z = g (1 - y²)."""
    z = K.empty_for(g, y)
    K.tanh_grad(g, y, z)
    return z


@differentiable(
    g=lambda gg, z, g, y: match(sigmoid_grad(gg, y), g),
    y=lambda gg, z, g, y: match(mul(gg, mul(g, sub(1.0, mul(2.0, y)))), y),
)
def sigmoid_grad(g, y):
    """z = g y (1 - y)."""
    z = K.empty_for(g, y)
    K.sigmoid_grad(g, y, z)
    return z


ACTIVATION_GRADS = {"relu": relu_grad, "tanh": tanh_grad, "sigmoid": sigmoid_grad}
ACTIVATIONS = {"relu": relu, "tanh": tanh, "sigmoid": sigmoid}
