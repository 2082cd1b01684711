"""Layers, losses and initializers. `nn.Module` is the tree that holds parameters; `nn.init` what they start from."""

from . import init
from .dropout import Dropout
from .layers import Dense, Flatten, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
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

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "Dense", "Dropout", "Flatten", "HingeEmbeddingLoss",
    "HingeLoss", "HuberLoss", "KLDivLoss", "L1Loss", "Linear", "MSELoss", "Module", "MultiMarginLoss", "NLLLoss",
    "Parameter", "ReLU", "Sequential", "Sigmoid", "SigmoidFocalLoss", "SmoothL1Loss", "SoftMarginLoss", "Softmax",
    "SoftmaxFocalLoss", "Tanh", "init",
]  # fmt: skip
