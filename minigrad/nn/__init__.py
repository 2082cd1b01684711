"""Layers, losses and initializers. `nn.Module` is the tree that holds parameters; `nn.init` what they start from."""

from . import clipping as utils
from . import init
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
)
from .attention import MultiheadAttention, TransformerEncoderLayer
from .cells import GRUCell, LSTMCell, RNNCell
from .containers import Identity, Lambda, ModuleDict, ModuleList, ParameterList, Residual
from .conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .dropout.channels import Dropout1d, Dropout2d, StochasticDepth, VariationalDropout, WordDropout
from .dropout.drop_block import DropBlock2d
from .dropout.dropconnect import DropConnect
from .dropout.dropout import Dropout
from .dropout.monte_carlo import mc_predict
from .dropout.noise import GaussianDropout, GaussianNoise
from .dropout.random_layer import RandomLayer
from .dropout.redraw import replay
from .dropout.zoneout import Zoneout
from .embedding import Embedding, EmbeddingBag
from .linear import Dense, Linear
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
from .normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm
from .parametrizations import remove_parametrizations, spectral_norm
from .pool import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d, Unfold, Upsample
from .recurrent import GRU, LSTM, RNN
from .sequential import Flatten, Sequential
from .summary import Summary, summary

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dense",
    "DropBlock2d",
    "DropConnect",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNorm",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiMarginLoss",
    "MultiheadAttention",
    "NLLLoss",
    "Parameter",
    "ParameterList",
    "RMSNorm",
    "RNNCell",
    "RandomLayer",
    "ReLU",
    "Residual",
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
    "StochasticDepth",
    "Summary",
    "Tanh",
    "TransformerEncoderLayer",
    "Unfold",
    "Upsample",
    "VariationalDropout",
    "WordDropout",
    "Zoneout",
    "init",
    "mc_predict",
    "remove_parametrizations",
    "replay",
    "spectral_norm",
    "summary",
    "utils",
]
