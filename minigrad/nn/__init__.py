"""Layers, losses and initializers. `nn.Module` is the tree that holds parameters; `nn.init` what they start from."""

from . import init
from .dropout import Dropout
from .layers import Dense, Flatten, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from .losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from .module import Module, Parameter

__all__ = [
    "BCEWithLogitsLoss", "CrossEntropyLoss", "Dense", "Dropout", "Flatten", "Linear", "MSELoss", "Module", "Parameter",
    "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh", "init",
]  # fmt: skip
