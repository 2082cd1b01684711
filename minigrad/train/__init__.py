"""Training: `fit` over the visible loop, its history, callbacks, metrics, and what was trained: evaluated, asked."""

from ..nn.prediction import predict
from .callbacks import Callback, EarlyStopping
from .checkpoint import Checkpoint
from .evaluate import evaluate
from .history import History
from .loop import fit
from .metrics import accuracy, binary_accuracy, mean_absolute_error
from .progress import Progress
from .run import Run
from .trajectory import AverageWeights, ClipGradients, LearningRate

__all__ = [
    "AverageWeights",
    "Callback",
    "Checkpoint",
    "ClipGradients",
    "EarlyStopping",
    "History",
    "LearningRate",
    "Progress",
    "Run",
    "accuracy",
    "binary_accuracy",
    "evaluate",
    "fit",
    "mean_absolute_error",
    "predict",
]
