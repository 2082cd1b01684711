"""Choosing λ and other settings on one's own data: folds, grids, paths, cross-validation, search.

`result = selection.cross_validate(linear_model.Regression(standardize=True), x, y)`, then `print(result.table())`,
`result.lambda_1se`, `result.model_1se.output(new_x)`.
"""

from .criteria import Criteria, criteria
from .crossvalidation import Nested, cross_validate, fit_path, lambda_grid, nested_cross_validate
from .folds import KFold
from .grids import LogUniform, Uniform, grid, log_spaced, random_settings
from .implicit import HyperGradient, hypergradient
from .imputed import Imputed
from .networks import Network
from .prepared import prepare
from .result import CrossValidation, SelectionWarning
from .scores import Score
from .search import Search, search
from .stability import stability
from .stable import Stability, bound_of
from .tune import NestedTuning, nested_tune, tune
from .tuned import Tuning
from .unrolled import NetworkGradient, Unrolled

__all__ = [
    "Criteria",
    "CrossValidation",
    "HyperGradient",
    "Imputed",
    "KFold",
    "LogUniform",
    "Nested",
    "NestedTuning",
    "Network",
    "NetworkGradient",
    "Score",
    "Search",
    "SelectionWarning",
    "Stability",
    "Tuning",
    "Uniform",
    "Unrolled",
    "bound_of",
    "criteria",
    "cross_validate",
    "fit_path",
    "grid",
    "hypergradient",
    "lambda_grid",
    "log_spaced",
    "nested_cross_validate",
    "nested_tune",
    "prepare",
    "random_settings",
    "search",
    "stability",
    "tune",
]
