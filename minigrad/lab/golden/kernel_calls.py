"""One fixed call of every kernel of the table: arguments that need no kernel to be made."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import kernels as K

STREAM = {"key": 1, "stream": 2, "offset": 3}
SLIDING = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
WINDOWS = {"kernel": (2, 2), "stride": (1, 1), "padding": (0, 0)}
UNARY = "neg abs sign sqrt exp log tanh sigmoid relu copy softmax log_softmax expm1 log1p log2 sin cos tan sinh cosh "
UNARY += "asinh atan erf normal_cdf softplus floor ceil gelu gelu_tanh"
BINARY = "add sub mul div relu_grad tanh_grad sigmoid_grad softmax_grad log_softmax_grad pow atan2 hypot logaddexp "
BINARY += "maximum minimum step leaky_relu leaky_slope gelu_grad gelu_tanh_grad"
UPDATES: dict[str, dict[str, float]] = {
    "sgd_update": {"momentum": 0.9},
    "adam_update": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "rmsprop_update": {"alpha": 0.9, "eps": 1e-8, "momentum": 0.9},
    "adagrad_update": {"eps": 1e-8},
}
Calls = dict[str, tuple[list[Any], dict[str, Any]]]


class Given(NamedTuple):
    """What calls are made of: x and y in [-1, 1) and [0, 1), (rows, columns), both without a pattern."""

    x: np.ndarray
    y: np.ndarray
    index: np.ndarray  # type: ignore[assignment]  # (rows), of columns; tuples have a method of this name

    def zeros(self, *shape: int) -> np.ndarray:
        """Zeros of the dtype, in the shape of x if none is given."""
        return np.zeros(shape or self.x.shape, self.x.dtype)

    def ones(self, *shape: int) -> np.ndarray:
        """Ones of the dtype."""
        return np.ones(shape or self.x.shape, self.x.dtype)


def given(dtype: Any = np.float64, rows: int = 3, columns: int = 4) -> Given:
    """Numbers that are multiples of 2⁻²³, so that they are the same in both precisions; rows and columns at least 3.

    columns is even.
    """
    n = np.arange(rows * columns, dtype=np.uint64)
    x, y = ((n * factor + 12345) % 2**32 >> 8 for factor in (2654435761, 2246822519))
    index = np.arange(rows) * 3 % columns
    return Given(
        (x / 2**23 - 1).astype(dtype).reshape(rows, columns), (y / 2**24).astype(dtype).reshape(rows, columns), index
    )


def calls(g: Given) -> Calls:
    """A good call of every kernel that takes arrays, save updates: name -> (arguments, options). They share arrays."""
    found: Calls = {name: ([g.x, g.zeros()], {}) for name in UNARY.split()}
    found |= {name: ([g.x, g.y, g.zeros()], {}) for name in BINARY.split()}
    return found | _arrays(g) | _planes(g) | _reductions(g) | _losses(g) | _layers(g) | _recurrent(g) | _weights(g)


def table_of(g: Given) -> tuple[Any, list[np.ndarray]]:
    """The table of two parameters and their gradients, that an update changes: rates, penalties, proximal L1, decay."""
    parts = [g.x.copy(), g.y.copy()]
    table = K.segments(parts, *([np.abs(part) / 8 for part in parts] for _ in range(3)))
    table.scalars[0] = 0.125, 0.01, 0.02, 0, 0, 0.01, 0.5, 0.25
    table.scalars[1] = 0.0625, 0, 0, 0.01, 0.02, 0, 0.5, 0.25
    return table, [g.y - g.x, g.x * g.y]


def _arrays(g: Given) -> Calls:
    rows, columns = g.x.shape
    return {
        "contiguous": ([g.x], {}),
        "where": ([g.x > 0, g.x, g.y, g.zeros()], {}),
        "take": ([g.x, g.index % rows, g.zeros()], {}),
        "add_at": ([g.x, g.index % rows, g.zeros()], {}),
        "class_places": ([g.index % columns, np.zeros(rows, np.int64), columns], {}),
        "place": ([g.x, g.zeros()], {}),
        "join": ([[g.x, g.y], g.zeros(2 * rows, columns), 0], {}),
        "check_finite": ([g.x], {}),
        "masked_scale": ([g.x, np.full((g.x.size + 7) // 8, 0b10110001, np.uint8), g.zeros()], {"scale": 2}),
        "dropout_bits": ([np.zeros((g.x.size + 7) // 8, np.uint8), g.x.size], {**STREAM, "p": 0.5}),
        "dropout": (
            [g.x, g.zeros(), np.zeros((g.x.size + 7) // 8, np.uint8)],
            {**STREAM, "p": 0.5, "scale": 2},
        ),
        "uniform": ([g.zeros(g.x.size)], {**STREAM, "low": 0, "high": 1}),
        "random_bits": ([np.zeros(g.x.size, np.uint64)], STREAM),
        "normal": ([g.zeros(g.x.size)], {**STREAM, "mean": 0, "std": 1}),
    }


def _planes(g: Given) -> Calls:
    rows, columns = g.x.shape
    planes, filters = g.x[None, None], np.ascontiguousarray(g.y[:2, :2])[None, None]
    sums = np.ascontiguousarray(g.y[:-1, :-1])[None, None]
    small, places = sums.shape, (np.arange(sums.size) * 5 % g.x.size).reshape(sums.shape)
    return {
        "conv2d": ([planes, filters, g.zeros(*small)], {**SLIDING, "bias": g.ones(1)}),
        "conv2d_input": ([sums, filters, g.zeros(*planes.shape)], SLIDING),
        "conv2d_weight": ([planes, sums, g.zeros(1, 1, 2, 2)], SLIDING),
        "max_pool2d": ([planes, g.zeros(*small), np.zeros(small, int)], {**WINDOWS, "dilation": (1, 1)}),
        "pool_pick": ([planes, places, g.zeros(*small)], {}),
        "pool_put": ([sums, places, g.zeros(*planes.shape)], {}),
        "avg_pool2d": ([planes, g.zeros(*small)], WINDOWS),
        "avg_pool2d_grad": ([sums, g.zeros(*planes.shape)], WINDOWS),
    }


def _reductions(g: Given) -> Calls:
    rows, columns = g.x.shape
    return {
        "matmul": ([g.x, np.ascontiguousarray(g.y.T), g.zeros(rows, rows)], {"bias": g.ones(rows)}),
        "sum": ([g.x, g.zeros(rows), 1, 2], {}),
        "mean": ([g.x, g.zeros(columns), 0, 1], {}),
        "max": ([g.x, g.zeros(rows), np.zeros(rows, np.int64), 1, 2], {}),
        "min": ([g.x, g.zeros(columns), np.zeros(columns, np.int64), 0, 1], {}),
        "max_grad": ([g.ones(rows), g.index, g.zeros(), 1, 2], {}),
        "cumsum": ([g.x, g.zeros()], {"reverse": True}),
        "prod": ([1 + g.x / 64, g.zeros(rows)], {}),
        "prod_grad": ([g.ones(rows), 1 + g.x / 64, g.zeros()], {}),
        "norm": ([g.x, g.zeros(rows)], {}),
    }


def _losses(g: Given) -> Calls:
    mean = {"reduction": 1}
    found: Calls = {name: ([g.x, g.y, g.zeros(1)], mean) for name in ("mse", "bce_with_logits")}
    found |= {name: ([g.x, g.y, g.ones(1), g.zeros()], mean) for name in ("mse_grad", "bce_with_logits_grad")}
    return found | {
        "cross_entropy": ([g.x, g.index, g.zeros(1), g.zeros()], mean),
        "cross_entropy_grad": ([g.y, g.index, g.ones(1), g.zeros()], mean),
    }


def _layers(g: Given) -> Calls:
    rows, columns = g.x.shape
    x, shape = g.x[..., None], (rows, columns, 1)
    halves, wide, bags = np.zeros(2 * rows), lambda: np.zeros(columns), {"offsets": np.array([0, 1])}
    return {
        "standardize_rows": ([x, g.zeros(*shape), halves.copy(), halves.copy()], {"groups": 2, "eps": 0.1}),
        "standardize_rows_grad": ([x, x, halves, np.ones(2 * rows), g.zeros(*shape)], {"groups": 2}),
        "standardize_channels": ([x, g.zeros(*shape), wide(), wide(), wide()], {"eps": 0.1}),
        "standardize_channels_grad": (
            [x, x, wide(), np.ones(columns), g.zeros(*shape), g.zeros(columns), g.zeros(columns)],
            {},
        ),
        "running_moments": (
            [np.ones(rows), np.ones(rows), g.zeros(rows), g.ones(rows), np.zeros(1, np.int64)],
            {"momentum": 0.5, "correction": 1.5},
        ),
        "embedding_bag": ([g.x, g.index % rows, g.zeros(2, columns)], bags),
        "embedding_bag_grad": ([g.x[:2].copy(), g.index % rows, g.zeros()], bags),
        "embedding_bag_dots": ([g.x, g.x, g.index % rows, g.zeros(rows)], {}),
    }


def _recurrent(g: Given) -> Calls:
    rows, columns = g.x.shape
    four, three, state = np.tile(g.x, 4), np.tile(g.y, 3), g.y - g.x.dtype.type(0.5)
    lengths = {"lengths": g.index}
    return {
        "rnn_gate": ([g.x, g.y, state, g.zeros()], lengths),
        "lstm_gates": ([four, four, g.x, g.y, g.zeros(*four.shape), *(g.zeros() for _ in range(3))], {"step": 1}),
        "gru_gates": ([three, three, g.x, g.zeros(*four.shape), g.zeros()], {}),
        "rnn_gate_grad": ([g.x, g.ones(), state, g.zeros()], {}),
        "lstm_gates_grad": ([g.x, g.ones(), g.ones(), four, g.y, state, g.zeros(*four.shape)], {}),
        "gru_gates_grad": ([g.x, g.ones(), four, g.y, g.zeros(*three.shape), g.zeros(*three.shape)], lengths),
        "keep_steps": ([g.x[..., None], g.index[:1].repeat(columns), g.zeros(rows, columns, 1)], {}),
    }


def _weights(g: Given) -> Calls:
    columns = g.x.shape[1]
    gram = (np.minimum.outer(*[np.arange(1, columns + 1)] * 2) / columns).astype(g.x.dtype)  # positive definite
    csc = np.array([0, 2, 2, 3]), np.array([0, columns - 1, 1]), g.x[0, :3].copy()  # columns of 2, 0 and 1 entries
    return {
        "elastic_net": ([g.x, np.zeros(1), g.zeros()], {"l1": 0.1, "l2": 0.2}),
        "elastic_net_grad": ([g.x, g.zeros()], {"l1": 0.1, "l2": 0.2}),
        "soft_threshold": ([g.x, g.zeros()], {"step": 0.1, "l1": 0.1, "l2": 0.2}),
        "coordinate_descent": ([gram, g.y[0], g.y[1], g.x[2].copy(), g.x[1].copy()], {"sweeps": 3}),
        "group_descent": (
            [
                gram,
                g.y[0],
                abs(g.y[1]),
                g.ones(2),
                g.ones(2) * 99,
                np.array([0, 1, columns]),
                g.x[2].copy(),
                g.x[1].copy(),
            ],
            {"sweeps": 3},
        ),
        "sparse_dots": ([*csc, g.y[0], g.zeros(3)], {}),
        "sparse_sum": ([*csc, g.ones(3), g.x[1].copy()], {}),
        "sparse_gram": ([*csc, g.y[0], g.zeros(3, 3)], {}),
        "group_norm": ([g.x, np.zeros(columns), 0, 1], {}),
        "group_soft_threshold": ([g.x, g.ones(columns), g.zeros(), 0, 1], {"l1": 0.1, "strength": 0.2}),
        "group_level": (
            [g.ones(), g.x, g.y, g.ones(columns), 0, 1],
            {"lr": 0.1, "root": 1.0, "eps": 0.1, "scale": 1.0},
        ),
        "group_limit": ([g.x, g.zeros(), 1, 2], {"low": 0.1, "high": 0.2}),
    }
