"""The activations that a matrix product can apply by itself: relu, tanh, sigmoid."""

from __future__ import annotations

from ... import kernels as K
from ...engine import differentiable, flat
from ..shape.broadcast import match
from .arithmetic import mul, sub


@differentiable(x=lambda g, y, x: relu_grad(g, y))
def relu(x):
    """y = max(x, 0); the gradient at 0 is 0; NaN stays NaN.

    DTypeError for integers and booleans.

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

    DTypeError for integers and booleans.

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

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.sigmoid(mg.tensor([0, -1000]))
    tensor([0.5, 0. ])
    """
    y = K.empty_for(x, 0.0)
    K.sigmoid(x, y)
    return y


# The gradients of the activations, from the output y: each is an op, so that it can be differentiated again.


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
