"""Layers, losses and initializers. `nn.Module` is the tree that holds parameters; `nn.init` what they start from."""

from . import init, utils
from .activations import (
    CELU,
    ELU,
    GELU,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)  # fmt: skip
from .dropconnect import DropConnect
from .dropout import Dropout
from .layers import Dense, Flatten, Linear, Sequential
from .losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HingeEmbeddingLoss,
    HingeLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    MultiMarginLoss,
    NLLLoss,
    SigmoidFocalLoss,
    SmoothL1Loss,
    SoftMarginLoss,
    SoftmaxFocalLoss,
)
from .module import Module, Parameter
from .monte_carlo import mc_predict
from .noise import GaussianDropout, GaussianNoise
from .random_layer import RandomLayer
from .replay import replay
from .shared_dropout import Dropout1d, Dropout2d, VariationalDropout

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "Dense",
    "DropConnect",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "MSELoss",
    "Module",
    "MultiMarginLoss",
    "NLLLoss",
    "Parameter",
    "RandomLayer",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SigmoidFocalLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "SoftmaxFocalLoss",
    "Softplus",
    "Softsign",
    "Tanh",
    "VariationalDropout",
    "init",
    "mc_predict",
    "replay",
    "utils",
]  # fmt: skip
