"""Optimizers. `penalty=` and `prox=` take terms of `minigrad.reg.on` into the update."""

from .adam import Adam, AdamW
from .base import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
