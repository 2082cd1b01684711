"""The kernels in NumPy: the definition of correct, and a backend of its own. One file for each family.

Every kernel writes into an array that its caller allocated (K.empty) and never changes its inputs, except the updates
and the descents, which change parameters and states in place. Elementwise kernels and matmul take any strides and
broadcast to `out`; all others take C-contiguous arrays (K.contiguous). An operand may be a Python number: it is rounded
to out's dtype. `out` is float32 or float64 and, for native kernels, C-contiguous.

The native kernels compute the same in a fixed order of operations, stated in src_c. Their results equal these bit for
bit if all operations are exact (copies, masks, relu, comparisons, penalty gradients), else within a few roundings.
"""

import numpy as np

from .conv import conv2d, conv2d_input, conv2d_weight
from .descent import coordinate_descent, group_descent
from .elementary import (
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
from .elementwise import (
    abs,
    add,
    div,
    exp,
    log,
    mul,
    neg,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    sign,
    sqrt,
    sub,
    tanh,
    tanh_grad,
)
from .embedding_bag import BAG_MAX, BAG_MEAN, BAG_SUM, embedding_bag, embedding_bag_dots, embedding_bag_grad
from .gather import add_at, class_places, join, place, take
from .group_norms import group_level, group_limit, group_norm, group_soft_threshold
from .losses import (
    MEAN,
    NONE,
    SUM,
    bce_with_logits,
    bce_with_logits_grad,
    cross_entropy,
    cross_entropy_grad,
    mse,
    mse_grad,
)
from .matmul import matmul
from .memory import alike, broadcast, contiguous, copy, empty, empty_for, empty_like, empty_product, empty_reduced
from .penalty import elastic_net, elastic_net_grad, soft_threshold
from .pool import avg_pool2d, avg_pool2d_grad, max_pool2d, pool_pick, pool_put
from .random import dropout, dropout_bits, masked_scale, normal, random_bits, uniform
from .recurrent import (
    gru_gates,
    gru_gates_grad,
    keep_steps,
    lstm_gates,
    lstm_gates_grad,
    rnn_gate,
    rnn_gate_grad,
)
from .reduce import check_finite, max, max_grad, mean, min, sum
from .scans import cumsum, norm, prod, prod_grad
from .softmax import log_softmax, log_softmax_grad, softmax, softmax_grad
from .sparse import sparse_dots, sparse_gram, sparse_sum
from .standardize import (
    running_moments,
    standardize_channels,
    standardize_channels_grad,
    standardize_rows,
    standardize_rows_grad,
)
from .update import adagrad_update, adam_update, rmsprop_update, segments, sgd_update

# NaN and infinity are results that kernels may give, so NumPy's warnings about them are off.
NAMES = sorted(name for name, kernel in globals().items() if callable(kernel))
for _name in NAMES:
    globals()[_name] = np.errstate(all="ignore")(globals()[_name])

# For mg.compile, three facts about kernels. WRITES: the arguments that a kernel writes, if they are not `out` alone.
WRITES = {
    "standardize_rows": ("out", "mean", "rstd"),
    "standardize_rows_grad": ("out", "weight_grad", "bias_grad"),
    "standardize_channels": ("out", "mean", "var", "rstd"),
    "standardize_channels_grad": ("out", "weight_grad", "bias_grad"),
    "running_moments": ("running_mean", "running_var", "count"),
    "embedding_bag": ("out", "largest"),
    "lstm_gates": ("gates", "new_c", "tanh_c", "out"),
    "gru_gates": ("gates", "out"),
    "rnn_gate_grad": ("dh", "dz"),
    "lstm_gates_grad": ("dh", "dc", "dz"),
    "gru_gates_grad": ("dh", "dz", "dp"),
    "conv2d": ("y",),
    "conv2d_input": ("x",),
    "conv2d_weight": ("w",),
    "max_pool2d": ("y", "index"),
    "pool_pick": ("y",),
    "pool_put": ("x",),
    "avg_pool2d": ("y",),
    "avg_pool2d_grad": ("x",),
    "elastic_net": ("value", "grad"),
    "max": ("out", "index"),
    "min": ("out", "index"),
    "cross_entropy": ("loss", "probs"),
    "bce_with_logits": ("loss",),
    "mse": ("loss",),
    "dropout": ("out", "bits"),
    "dropout_bits": ("bits",),
    "group_level": ("w", "step"),
    "coordinate_descent": ("w", "r"),
    "group_descent": ("w", "r"),
    "check_finite": (),
    **dict.fromkeys(("sgd_update", "adam_update", "rmsprop_update", "adagrad_update"), ("table",)),
}
# ADDS: kernels that read what their written arguments hold, because they add to it or change it.
ADDS = (
    "add_at",
    "group_level",
    "sparse_sum",
    "running_moments",
    "rnn_gate_grad",
    "lstm_gates_grad",
    "gru_gates_grad",
)
# SILENT: kernels that a replay need not repeat. REFUSED: kernels that it cannot repeat. Each with its reason.
SILENT = {
    **dict.fromkeys(
        ("empty", "empty_like", "empty_for", "empty_product", "empty_reduced"), "makes an array, which a replay keeps"
    ),
    "alike": "compares shapes, which a replay does not change",
    "broadcast": "makes a view",
    "segments": "makes a table, which a replay keeps",
}
REFUSED = {
    **dict.fromkeys(
        ("coordinate_descent", "group_descent"), "it sweeps until it has converged, which is no fixed list of calls"
    ),
    **dict.fromkeys(
        ("sparse_dots", "sparse_sum", "sparse_gram"), "solvers call it until they have converged, and no op does"
    ),
}
