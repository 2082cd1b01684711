"""Specs of the gradients of relu, tanh and sigmoid, which are ops of their own."""

from ops.specs import Spec, binary

from minigrad.ops.elementwise import fused_activations

SPECS = {
    "relu_grad": Spec(fused_activations.relu_grad, binary((-2.0, 2.0), (0.1, 2.0))),
    "tanh_grad": Spec(fused_activations.tanh_grad, binary()),
    "sigmoid_grad": Spec(fused_activations.sigmoid_grad, binary()),
}
