"""Optimizers. `penalty=` and `prox=` take terms of `minigrad.reg.on` into the update."""

from .adam import Adam, AdamW
from .base import Optimizer
from .fista import FISTA, ISTA
from .sgd import SGD

__all__ = ["FISTA", "ISTA", "SGD", "Adam", "AdamW", "Optimizer"]
