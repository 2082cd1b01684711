"""minigrad: a regularization laboratory with its own reverse-mode engine.

`import minigrad as mg`: tensors and ops are here; `mg.nn` layers, `mg.reg` regularizers, `mg.optim` optimizers,
`mg.data` data sets and loaders, `mg.train` the loop, `mg.linear_model` linear models, `mg.selection` the choice of λ,
`mg.tabular` models of CSV files, kept with what new rows need,
`mg.testing` gradient checks, `mg.kernels` what computes; `mg.save` and `mg.load` files, `mg.interop` what is in them.
"""

import sys as _sys

import numpy as _np

try:
    from . import kernels
except (ValueError, RuntimeError) as _error:  # a variable of the environment, such as MINIGRAD_CPU, has a wrong value
    if (_sys.argv or [""])[0] != "-m" and not _sys.argv[0].endswith(("/minigrad", "\\minigrad", "minigrad.exe")):
        raise
    print(f"minigrad: {_error}", file=_sys.stderr)  # the command has no handler for errors yet: it is being imported
    raise SystemExit(2) from None

from .tensor import from_numpy, tensor  # isort: skip  (first: the module's name must not hide the function)
from . import data, interop, kernels, linear_model, methods, nn, optim, reg, rng, selection, tabular, train
from .engine import Tensor, differentiable, flat, grad
from .errors import DTypeError, GraphError, KernelMismatch, NonFiniteError, NotFittedError, ReplayError, ShapeError
from .insight import debug
from .insight import gradcheck as testing
from .insight.explain import explain
from .insight.profile import profile
from .interop.saving import load, save
from .kernels import get_num_threads, set_num_threads, use_backend
from .ops.create import arange, eye, full, full_like, linspace, ones, ones_like, rand, randn, zeros, zeros_like
from .ops.elementwise.activations import celu, elu, gelu, hardtanh, leaky_relu, logsigmoid, silu, softplus, softsign
from .ops.elementwise.arithmetic import abs, add, div, mul, neg, sign, square, sub
from .ops.elementwise.compare import (
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
from .ops.elementwise.exponential import (
    ceil,
    erf,
    exp,
    expm1,
    floor,
    log,
    log1p,
    log2,
    logaddexp,
    normal_cdf,
    pow,
    reciprocal,
    rsqrt,
    sqrt,
)
from .ops.elementwise.fused_activations import relu, sigmoid, tanh
from .ops.elementwise.mask import masked_scale
from .ops.elementwise.trigonometric import asinh, atan, atan2, cos, cosh, hypot, sin, sinh, tan
from .ops.elementwise.where import clamp, lerp, masked_fill, maximum, minimum, where
from .ops.index.diagonals import diag, tril, triu
from .ops.index.gather import gather, index_select, masked_select, scatter_add, take_along_dim
from .ops.index.pad import pad
from .ops.layers.attention import scaled_dot_product_attention
from .ops.layers.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from .ops.layers.embedding import embedding, embedding_bag, one_hot
from .ops.layers.normalization import batch_norm, group_norm, layer_norm, rms_norm
from .ops.layers.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from .ops.layers.recurrent import gru, gru_cell, lstm, lstm_cell, rnn, rnn_cell
from .ops.layers.unfold import fold, unfold, upsample
from .ops.linalg.einsum import einsum
from .ops.linalg.matmul import affine, matmul
from .ops.linalg.products import addmm, bmm, dot, inner, linear, mm, mv, outer, tensordot, vdot
from .ops.losses.binary import (
    bce_with_logits,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    hinge_embedding_loss,
    hinge_loss,
    kl_div,
    sigmoid_focal_loss,
    soft_margin_loss,
)
from .ops.losses.classes import cross_entropy, multi_margin_loss, nll_loss, softmax_focal_loss
from .ops.losses.regression import huber_loss, l1_loss, mse, mse_loss, smooth_l1_loss
from .ops.reduce.extremes import all, amax, amin, any, argmax, argmin, count_nonzero, max, min
from .ops.reduce.norms import cosine_similarity, norm, normalize
from .ops.reduce.order import argsort, sort, topk
from .ops.reduce.softmax import log_softmax, logsumexp, softmax
from .ops.reduce.statistics import cumsum, mean, prod, std, var
from .ops.regularize.dropout import dropout
from .ops.regularize.penalty import elastic_net
from .ops.shape.broadcast import broadcast_to, cast, sum, tile
from .ops.shape.join import cat, roll, stack
from .ops.shape.slices import chunk, flip, narrow, select, split, unbind
from .ops.shape.views import flatten, movedim, permute, reshape, squeeze, swapaxes, t, transpose, unsqueeze
from .public import put_names as _put_names
from .recording import is_grad_enabled, no_grad
from .replay import compile
from .rng import manual_seed
from .transforms.derivatives import hessian, hvp, jacobian, jvp, vjp
from .transforms.recompute import checkpoint
from .version import __version__

_put_names(globals(), "minigrad.ops.")

if not getattr(_sys, "_is_gil_enabled", lambda: True)():  # after the kernels: a compiled module brings the GIL back
    raise ImportError("minigrad needs the GIL, and this Python runs without it; start it with PYTHON_GIL=1")

# Two modules of insight/ and one of nn/ under their public names: `import minigrad.testing` finds what mg.testing is.
_sys.modules |= {f"{__name__}.debug": debug, f"{__name__}.testing": testing, f"{__name__}.nn.utils": nn.utils}
float32, float64, int64 = _np.dtype(_np.float32), _np.dtype(_np.float64), _np.dtype(_np.int64)
