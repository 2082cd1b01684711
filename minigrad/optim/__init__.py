"""Optimizers. `penalty=` and `prox=` take terms of `minigrad.reg.on` into the update."""

from . import schedules as lr_scheduler
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .averaging import EMA
from .base import Optimizer
from .fista import FISTA, ISTA
from .rmsprop import RMSprop
from .schedules import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    ReduceLROnPlateau,
    Schedule,
    SequentialLR,
    StepLR,
)
from .sgd import SGD

__all__ = [
    "EMA", "FISTA", "ISTA", "SGD", "Adagrad", "Adam", "AdamW", "ConstantLR", "CosineAnnealingLR", "LinearLR",
    "Optimizer", "RMSprop", "ReduceLROnPlateau", "Schedule", "SequentialLR", "StepLR", "lr_scheduler",
]  # fmt: skip
