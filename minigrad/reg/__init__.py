"""Regularizers: what is added to the loss or applied in the update, and on what.

`terms = reg.on(model, "*.weight", reg.L1(1e-3))`, then `loss + terms()`, or an optimizer's penalty=terms or prox=terms;
constraints are an optimizer's constraints=terms. `compact` and `sparsity` look at what the zeros are good for.
"""

from . import conventions
from .binding.on import everything, on, select
from .binding.ramp import Ramp
from .binding.term import Penalty
from .binding.terms import Terms
from .constraints import Box, MaxNorm, NonNegative, UnitNorm
from .outputs.activity import Activity, ActivityNorm
from .outputs.confidence import ConfidencePenalty
from .outputs.input_gradient import InputGradient
from .spectral_norm import SpectralNorm
from .weights.elastic_net import L1, L2, ElasticNet
from .weights.group_norms import GroupLasso, Norm, SparseGroupLasso
from .weights.named_groups import NamedGroupLasso
from .weights.orthogonal import Orthogonal
from .zeros.compact import compact
from .zeros.sparsity import sparsity

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
    "SpectralNorm",
    "Terms",
    "UnitNorm",
    "compact",
    "conventions",
    "everything",
    "on",
    "select",
    "sparsity",
]
