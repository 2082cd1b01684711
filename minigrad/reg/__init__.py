"""Regularizers: what is added to the loss or applied in the update, and on what.

`terms = reg.on(model, "*.weight", reg.L1(1e-3))`, then `loss + terms()`, or an optimizer's penalty=terms or prox=terms;
constraints are an optimizer's constraints=terms. `compact` and `sparsity` look at what the zeros are good for.
"""

from . import conventions
from .activity import Activity, ActivityNorm
from .base import Penalty
from .compact import compact
from .confidence import ConfidencePenalty
from .constraints import Box, MaxNorm, NonNegative, UnitNorm
from .gradient import InputGradient
from .groups import GroupLasso, Norm, SparseGroupLasso
from .named_groups import NamedGroupLasso
from .orthogonal import Orthogonal
from .penalties import L1, L2, ElasticNet
from .schedule import Ramp
from .select import everything, on, select
from .sparsity import sparsity
from .terms import Terms

__all__ = [
    "L1",
    "L2",
    "Activity",
    "ActivityNorm",
    "Box",
    "ConfidencePenalty",
    "ElasticNet",
    "GroupLasso",
    "InputGradient",
    "MaxNorm",
    "NamedGroupLasso",
    "NonNegative",
    "Norm",
    "Orthogonal",
    "Penalty",
    "Ramp",
    "SparseGroupLasso",
    "Terms",
    "UnitNorm",
    "compact",
    "conventions",
    "everything",
    "on",
    "select",
    "sparsity",
]
