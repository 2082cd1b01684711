"""Training: `fit` over the visible loop, its history, callbacks, metrics, and what was trained: evaluated, asked."""

from ..nn.prediction import predict
from .borrowed import SklearnMetric
from .callbacks import Callback, EarlyStopping
from .checkpoint import Checkpoint
from .class_metrics import balanced_accuracy, confusion_matrix, f1, precision, recall
from .evaluate import evaluate
from .gradients import AccumulateGradients, GradientNorms
from .health.watcher import Watch
from .history import History
from .limits import SkipNonFinite, StopOnNonFinite, TimeLimit
from .logs import CSVLogger, JSONLogger
from .loop import fit
from .metrics import accuracy, binary_accuracy, mean_absolute_error, r2, top_k_accuracy
from .outcomes import UndefinedMetricWarning, over_all_rows
from .progress import Progress
from .rank_metrics import average_precision, roc_auc
from .rate_search import RateSearch, find_lr
from .resume import newest_checkpoint
from .run import Run
from .tensorboard import TensorBoard
from .trajectory import AverageWeights, ClipGradients, LearningRate
from .travel.kept import Record
from .travel.opened import OpenRun, open_run

__all__ = [
    "AccumulateGradients",
    "AverageWeights",
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "ClipGradients",
    "EarlyStopping",
    "GradientNorms",
    "History",
    "JSONLogger",
    "LearningRate",
    "OpenRun",
    "Progress",
    "RateSearch",
    "Record",
    "Run",
    "SkipNonFinite",
    "SklearnMetric",
    "StopOnNonFinite",
    "TensorBoard",
    "TimeLimit",
    "UndefinedMetricWarning",
    "Watch",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "binary_accuracy",
    "confusion_matrix",
    "evaluate",
    "f1",
    "find_lr",
    "fit",
    "mean_absolute_error",
    "newest_checkpoint",
    "open_run",
    "over_all_rows",
    "precision",
    "predict",
    "r2",
    "recall",
    "roc_auc",
    "top_k_accuracy",
]
