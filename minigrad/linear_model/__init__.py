"""Linear models with L1, L2 and the elastic net: exact solvers, and their paths down from λ_max.

    regression   1/2 Σ ωᵢ (yᵢ - b - xᵢ w)²          + l1 Σ|w| + (l2/2) Σw²,   ωᵢ = 1/m unless rows have weights
    logistic     Σ ωᵢ (log loss of row i's logits)  + l1 Σ|w| + (l2/2) Σw²

The intercept b is not penalised. l1 = λ ρ and l2 = λ (1 - ρ) with ρ = l1_ratio, as glmnet and scikit-learn's ElasticNet
mean it. All of it is float64, by the kernels of the project: one answer on every machine.
"""

from .design import Design
from .logistic import Logistic
from .model import ConvergenceWarning, LinearModel
from .regression import Regression
from .two_steps import adaptive, relaxed

__all__ = ["ConvergenceWarning", "Design", "LinearModel", "Logistic", "Regression", "adaptive", "relaxed"]
