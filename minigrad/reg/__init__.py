"""Regularizers: what is added to the loss or applied in the update, and on which parameters.

`terms = reg.on(model, "*.weight", reg.L1(1e-3))`, then `loss + terms()`, or an optimizer's penalty=terms or prox=terms.
"""

from . import conventions
from .penalties import L1, L2, ElasticNet
from .select import everything, on, select
from .terms import Terms

__all__ = ["L1", "L2", "ElasticNet", "Terms", "conventions", "everything", "on", "select"]
