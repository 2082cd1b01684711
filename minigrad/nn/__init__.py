"""Layers, losses and initializers. `nn.Module` is the tree that holds parameters; `nn.init` what they start from."""

from . import init
from .activations import CELU, ELU, GELU, Hardtanh, LeakyReLU, LogSigmoid, SiLU, Softplus, Softsign
from .dropout import Dropout
from .layers import Dense, Flatten, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from .losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from .module import Module, Parameter

__all__ = [
    "CELU", "ELU", "GELU", "BCEWithLogitsLoss", "CrossEntropyLoss", "Dense", "Dropout", "Flatten", "Hardtanh",
    "LeakyReLU", "Linear", "LogSigmoid", "MSELoss", "Module", "Parameter", "ReLU", "Sequential", "SiLU", "Sigmoid",
    "Softmax", "Softplus", "Softsign", "Tanh", "init",
]  # fmt: skip
