"""Linear models with L1, L2 and the elastic net: exact solvers, and their paths down from λ_max.

    regression   1/2 Σ ωᵢ (yᵢ - b - xᵢ w)²          + l1 Σ|w| + (l2/2) Σw²,   ωᵢ = 1/m unless rows have weights
    logistic     Σ ωᵢ (log loss of row i's logits)  + l1 Σ|w| + (l2/2) Σw²
    Poisson      Σ ωᵢ (exp(ηᵢ) - yᵢ ηᵢ), η = b + x w + offset   + the same
    Huber        Σ ωᵢ (a square near 0, straight beyond)        + the same

    groups       one of these losses                     + λ Σ √p_g ‖w_g‖ + ...: see GroupLasso

The intercept b is not penalised. l1 = λ ρ and l2 = λ (1 - ρ) with ρ = l1_ratio, as glmnet and scikit-learn's ElasticNet
mean it. All of it is float64, by the kernels of the project: one answer on every machine.
"""

from .design import Design
from .generalized import GeneralizedModel
from .group_lasso import GroupLasso
from .huber import Huber, robust_scale
from .logistic import Logistic
from .model import ConvergenceWarning, LinearModel
from .poisson import Poisson
from .regression import Regression
from .two_steps import adaptive, relaxed

__all__ = [
    "ConvergenceWarning",
    "Design",
    "GeneralizedModel",
    "GroupLasso",
    "Huber",
    "LinearModel",
    "Logistic",
    "Poisson",
    "Regression",
    "adaptive",
    "relaxed",
    "robust_scale",
]
