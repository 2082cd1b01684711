"""The reference kernels beyond the core's, family by family: reference.py takes them into its table."""
# ruff: noqa: F401

from .reference_adaptive import adagrad_update, rmsprop_update
from .reference_descent import coordinate_descent
from .reference_elementary import (
    asinh,
    atan,
    atan2,
    ceil,
    cos,
    cosh,
    erf,
    expm1,
    floor,
    gelu,
    gelu_grad,
    gelu_tanh,
    gelu_tanh_grad,
    hypot,
    leaky_relu,
    leaky_slope,
    log1p,
    log2,
    logaddexp,
    maximum,
    minimum,
    normal_cdf,
    pow,
    sin,
    sinh,
    softplus,
    step,
    tan,
    where,
)
from .reference_groups import group_level, group_limit, group_norm, group_soft_threshold
from .reference_normal import normal
from .reference_pieces import join
from .reference_scans import cumsum, norm, prod, prod_grad
