"""Layers, losses and initializers. `nn.Module` is the tree that holds parameters; `nn.init` what they start from."""

from . import init, utils
from .dropconnect import DropConnect
from .dropout import Dropout
from .layers import Dense, Flatten, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from .losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from .module import Module, Parameter
from .monte_carlo import mc_predict
from .noise import GaussianDropout, GaussianNoise
from .random_layer import RandomLayer
from .replay import replay
from .shared_dropout import Dropout1d, Dropout2d, VariationalDropout

__all__ = [
    "BCEWithLogitsLoss", "CrossEntropyLoss", "Dense", "DropConnect", "Dropout", "Dropout1d", "Dropout2d", "Flatten",
    "GaussianDropout", "GaussianNoise", "Linear", "MSELoss", "Module", "Parameter", "RandomLayer", "ReLU", "Sequential",
    "Sigmoid", "Softmax", "Tanh", "VariationalDropout", "init", "mc_predict", "replay", "utils",
]  # fmt: skip
