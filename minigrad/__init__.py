"""minigrad: a regularization laboratory with its own reverse-mode engine.

`import minigrad as mg`: tensors and ops are here; `mg.nn` layers, `mg.reg` regularizers, `mg.optim` optimizers,
`mg.data` data sets and loaders, `mg.train` the loop, `mg.linear_model` linear models, `mg.selection` the choice of λ,
`mg.testing` gradient checks, `mg.kernels` what computes.
"""

import sys as _sys

import numpy as _np

from .tensor import from_numpy, tensor  # isort: skip  (first: the module's name must not hide the function)
from . import data, debug, kernels, linear_model, methods, nn, optim, reg, rng, selection, testing, train
from .engine import Tensor, differentiable, flat, grad
from .errors import DTypeError, GraphError, NonFiniteError, NotFittedError, ShapeError
from .kernels import get_num_threads, set_num_threads, use_backend
from .ops.activations import celu, elu, gelu, hardtanh, leaky_relu, logsigmoid, silu, softplus, softsign
from .ops.arrange import flatten, movedim, squeeze, swapaxes, t, tile, unsqueeze
from .ops.binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    hinge_embedding_loss,
    hinge_loss,
    kl_div,
    sigmoid_focal_loss,
    soft_margin_loss,
)
from .ops.choose import clamp, lerp, masked_fill, maximum, minimum, where
from .ops.classification import cross_entropy, multi_margin_loss, nll_loss, softmax_focal_loss
from .ops.compare import (
    allclose,
    eq,
    equal,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    ne,
)
from .ops.create import arange, eye, full, full_like, linspace, ones, ones_like, rand, randn, zeros, zeros_like
from .ops.diagonals import diag, tril, triu
from .ops.einsum import einsum
from .ops.elementwise import abs, add, div, exp, log, mul, neg, relu, sigmoid, sign, sqrt, square, sub, tanh
from .ops.extremes import all, amax, amin, any, argmin, count_nonzero, max, min
from .ops.functions import ceil, erf, expm1, floor, log1p, log2, logaddexp, normal_cdf, pow, reciprocal, rsqrt
from .ops.indexing import embedding, gather, index_select, masked_select, one_hot, pad, scatter_add, take_along_dim
from .ops.linalg import affine, matmul
from .ops.losses import bce_with_logits, mse
from .ops.norms import cosine_similarity, norm, normalize
from .ops.order import argsort, sort, topk
from .ops.penalty import elastic_net
from .ops.pieces import cat, chunk, flip, narrow, roll, select, split, stack, unbind
from .ops.products import addmm, bmm, dot, inner, linear, mm, mv, outer, tensordot, vdot
from .ops.random import dropout, masked_scale
from .ops.reduce import argmax, log_softmax, mean, softmax
from .ops.regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from .ops.shape import broadcast_to, cast, permute, reshape, sum, transpose
from .ops.statistics import cumsum, logsumexp, prod, std, var
from .ops.trigonometric import asinh, atan, atan2, cos, cosh, hypot, sin, sinh, tan
from .recording import is_grad_enabled, no_grad
from .rng import manual_seed

if not getattr(_sys, "_is_gil_enabled", lambda: True)():  # after the kernels: a compiled module brings the GIL back
    raise ImportError("minigrad needs the GIL, and this Python runs without it; start it with PYTHON_GIL=1")

__version__ = "0.1.0"
float32, float64, int64 = _np.dtype(_np.float32), _np.dtype(_np.float64), _np.dtype(_np.int64)
