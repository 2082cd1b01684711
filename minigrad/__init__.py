"""minigrad: a regularization laboratory with its own reverse-mode engine.

`import minigrad as mg`: tensors and ops are here; `mg.nn` layers, `mg.reg` regularizers, `mg.optim` optimizers,
`mg.data` data sets and loaders, `mg.train` the loop, `mg.testing` gradient checks, `mg.kernels` what computes.
"""

import numpy as _np

from .tensor import from_numpy, tensor  # isort: skip  (first: the module's name must not hide the function)
from . import data, debug, kernels, methods, nn, optim, reg, rng, testing, train
from .engine import Tensor, differentiable, flat, grad, is_grad_enabled, no_grad
from .errors import DTypeError, GraphError, NonFiniteError, NotFittedError, ShapeError
from .kernels import get_num_threads, set_num_threads, use_backend
from .ops.einsum import einsum
from .ops.elementwise import abs, add, div, exp, log, mul, neg, relu, sigmoid, sign, sqrt, square, sub, tanh
from .ops.linalg import affine, matmul
from .ops.losses import bce_with_logits, binary_cross_entropy_with_logits, cross_entropy, mse, mse_loss
from .ops.penalty import elastic_net
from .ops.products import addmm, bmm, dot, inner, linear, mm, mv, outer, tensordot, vdot
from .ops.random import dropout, masked_scale
from .ops.reduce import argmax, log_softmax, max, mean, softmax
from .ops.shape import broadcast_to, cast, permute, reshape, sum, transpose
from .rng import manual_seed

__version__ = "0.1.0"
float32, float64, int64 = _np.dtype(_np.float32), _np.dtype(_np.float64), _np.dtype(_np.int64)
