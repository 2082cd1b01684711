"""Optimizers. `penalty=` and `prox=` take terms of `minigrad.reg.on` into the update."""

from ..insight.updates import stepping
from . import lr_scheduler
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .averaging import EMA
from .base import Optimizer
from .binding import steps_taken
from .fista import FISTA, ISTA
from .lambda_lr import LambdaLR
from .one_cycle import OneCycleLR
from .plateau import ReduceLROnPlateau
from .rmsprop import RMSprop
from .schedules import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    Schedule,
    StepLR,
)
from .sequential import SequentialLR
from .sgd import SGD

stepping(Optimizer, steps_taken)

__all__ = [
    "EMA",
    "FISTA",
    "ISTA",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "Schedule",
    "SequentialLR",
    "StepLR",
    "lr_scheduler",
]
