"""Bad arguments to every kernel of the table: an exception or an answer, never a crash, and nothing written on refusal.

The calls run in a process of their own, so that a crash is a failure here and not the end of all tests.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from kernels.twins import needs_native

import minigrad.kernels as K
from minigrad.kernels import reference

STREAM = {"key": 1, "stream": 2, "offset": 3}
X, Y = np.linspace(-1, 1, 12).reshape(3, 4), np.linspace(0, 1, 12).reshape(3, 4)
ROW, LABEL = np.ones(3), np.array([0, 3, 1])
CHANNELS = X.reshape(3, 4, 1)
OUTPUTS = {  # the positions of what a kernel writes; the last argument if it is not named here
    "max": [1, 2],
    "min": [1, 2],
    "elastic_net": [1, 2],
    "dropout": [1, 2],
    "dropout_bits": [0],
    "uniform": [0],
    "normal": [0],
    "random_bits": [0],
    "cross_entropy": [2, 3],
    "contiguous": [],
    "coordinate_descent": [3, 4],
    "max_pool2d": [1, 2],
    "standardize_rows": [1, 2, 3],
    "standardize_rows_grad": [4],
    "standardize_channels": [1, 2, 3, 4],
    "standardize_channels_grad": [4, 5, 6],
    "running_moments": [2, 3, 4],
    "lstm_gates": [4, 5, 6, 7],
    "gru_gates": [3, 4],
    "rnn_gate_grad": [1, 3],
    "lstm_gates_grad": [1, 2, 6],
    "gru_gates_grad": [1, 4, 5],
}
PLANES, FILTERS, SUMS = X.reshape(1, 1, 3, 4), Y[:2, :2].reshape(1, 1, 2, 2), Y[:2, :3].reshape(1, 1, 2, 3)
PLACES = np.array([0, 5, 11, 5, 2, 7]).reshape(1, 1, 2, 3)
SLIDING = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
GATES, GATES3, STATE = np.tile(X, 4), np.tile(Y, 3), Y - 0.5
WINDOWS = {"kernel": (2, 2), "stride": (1, 1), "padding": (0, 0)}


def calls():
    """A good call of every kernel that takes arrays: name -> (arguments, options)."""
    unary = ["neg", "abs", "sign", "sqrt", "exp", "log", "tanh", "sigmoid", "relu", "copy", "softmax", "log_softmax"]
    binary = ["add", "sub", "mul", "div", "relu_grad", "tanh_grad", "sigmoid_grad", "softmax_grad", "log_softmax_grad"]
    unary += ["expm1", "log1p", "log2", "sin", "cos", "tan", "sinh", "cosh", "asinh", "atan", "erf", "normal_cdf"]
    unary += ["softplus", "floor", "ceil", "gelu", "gelu_tanh"]
    binary += ["pow", "atan2", "hypot", "logaddexp", "maximum", "minimum", "step", "leaky_relu", "leaky_slope"]
    binary += ["gelu_grad", "gelu_tanh_grad"]
    found = {name: ([X, np.zeros_like(X)], {}) for name in unary}
    found |= {name: ([X, Y, np.zeros_like(X)], {}) for name in binary}
    found |= {name: ([X, Y, np.zeros(1)], {"reduction": 1}) for name in ("mse", "bce_with_logits")}
    found |= {
        name: ([X, Y, np.ones(1), np.zeros_like(X)], {"reduction": 1}) for name in ("mse_grad", "bce_with_logits_grad")
    }
    return found | {
        "contiguous": ([X], {}),
        "where": ([X > 0, X, Y, np.zeros_like(X)], {}),
        "take": ([X, LABEL % 3, np.zeros((3, 4))], {}),
        "add_at": ([X, LABEL % 3, np.zeros((3, 4))], {}),
        "class_places": ([LABEL, np.zeros(3, np.int64), 4], {}),
        "place": ([X, np.zeros((3, 4))], {}),
        "matmul": ([X, Y.T.copy(), np.zeros((3, 3))], {"bias": ROW}),
        "conv2d": ([PLANES, FILTERS, np.zeros((1, 1, 2, 3))], {**SLIDING, "bias": ROW[:1]}),
        "conv2d_input": ([SUMS, FILTERS, np.zeros((1, 1, 3, 4))], SLIDING),
        "conv2d_weight": ([PLANES, SUMS, np.zeros((1, 1, 2, 2))], SLIDING),
        "max_pool2d": ([PLANES, np.zeros((1, 1, 2, 3)), np.zeros((1, 1, 2, 3), int)], {**WINDOWS, "dilation": (1, 1)}),
        "pool_pick": ([PLANES, PLACES, np.zeros((1, 1, 2, 3))], {}),
        "pool_put": ([SUMS, PLACES, np.zeros((1, 1, 3, 4))], {}),
        "avg_pool2d": ([PLANES, np.zeros((1, 1, 2, 3))], WINDOWS),
        "avg_pool2d_grad": ([SUMS, np.zeros((1, 1, 3, 4))], WINDOWS),
        "sum": ([X, np.zeros(3), 1, 2], {}),
        "mean": ([X, np.zeros(4), 0, 1], {}),
        "max": ([X, np.zeros(3), np.zeros(3, np.int64), 1, 2], {}),
        "min": ([X, np.zeros(4), np.zeros(4, np.int64), 0, 1], {}),
        "cumsum": ([X, np.zeros((3, 4))], {"reverse": True}),
        "prod": ([X, np.zeros(3)], {}),
        "prod_grad": ([ROW, X, np.zeros((3, 4))], {}),
        "norm": ([X, np.zeros(3)], {}),
        "max_grad": ([ROW, LABEL, np.zeros((3, 4)), 1, 2], {}),
        "cross_entropy": ([X, LABEL, np.zeros(1), np.zeros_like(X)], {"reduction": 1}),
        "cross_entropy_grad": ([Y, LABEL, np.ones(1), np.zeros_like(X)], {"reduction": 1}),
        "standardize_rows": ([CHANNELS, np.zeros((3, 4, 1)), np.zeros(6), np.zeros(6)], {"groups": 2, "eps": 0.1}),
        "standardize_rows_grad": ([CHANNELS, CHANNELS, np.zeros(6), np.ones(6), np.zeros((3, 4, 1))], {"groups": 2}),
        "standardize_channels": ([CHANNELS, np.zeros((3, 4, 1)), np.zeros(4), np.zeros(4), np.zeros(4)], {"eps": 0.1}),
        "standardize_channels_grad": (
            [CHANNELS, CHANNELS, np.zeros(4), np.ones(4), np.zeros((3, 4, 1)), np.zeros(4), np.zeros(4)],
            {},
        ),
        "running_moments": (
            [ROW, ROW, np.zeros(3), np.ones(3), np.zeros(1, np.int64)],
            {"momentum": 0.5, "correction": 1.5},
        ),
        "rnn_gate": ([X, Y, STATE, np.zeros_like(X)], {"lengths": LABEL}),
        "lstm_gates": ([GATES, GATES, X, Y, np.zeros((3, 16)), *(np.zeros((3, 4)) for _ in range(3))], {"step": 1}),
        "gru_gates": ([GATES3, GATES3, X, np.zeros((3, 16)), np.zeros((3, 4))], {}),
        "rnn_gate_grad": ([X, np.ones((3, 4)), STATE, np.zeros((3, 4))], {}),
        "lstm_gates_grad": ([X, np.ones((3, 4)), np.ones((3, 4)), GATES, Y, STATE, np.zeros((3, 16))], {}),
        "gru_gates_grad": ([X, np.ones((3, 4)), GATES, Y, np.zeros((3, 12)), np.zeros((3, 12))], {"lengths": LABEL}),
        "keep_steps": ([CHANNELS, LABEL[:1].repeat(4), np.zeros((3, 4, 1))], {}),
        "embedding_bag": ([X, LABEL % 3, np.zeros((2, 4))], {"offsets": np.array([0, 1])}),
        "embedding_bag_grad": ([X[:2].copy(), LABEL % 3, np.zeros((3, 4))], {"offsets": np.array([0, 1])}),
        "embedding_bag_dots": ([X, X, LABEL % 3, np.zeros(3)], {}),
        "elastic_net": ([X, np.zeros(1), np.zeros_like(X)], {"l1": 0.1, "l2": 0.2}),
        "elastic_net_grad": ([X, np.zeros_like(X)], {"l1": 0.1, "l2": 0.2}),
        "soft_threshold": ([X, np.zeros_like(X)], {"step": 0.1, "l1": 0.1, "l2": 0.2}),
        "coordinate_descent": ([X.T @ X, Y[0], Y[1], X[2], X[1]], {"sweeps": 3}),
        "group_norm": ([X, np.zeros(4), 0, 1], {}),
        "group_soft_threshold": ([X, np.ones(4), np.zeros_like(X), 0, 1], {"l1": 0.1, "strength": 0.2}),
        "group_level": (
            [np.ones((3, 4)), X, X, np.ones(4), 0, 1],
            {"lr": 0.1, "root": 1.0, "eps": 0.1, "scale": 1.0},
        ),
        "group_limit": ([X, np.zeros_like(X), 1, 2], {"low": 0.1, "high": 0.2}),
        "dropout_bits": ([np.zeros(2, np.uint8), 12], {**STREAM, "p": 0.5}),
        "masked_scale": ([X, np.zeros(2, np.uint8), np.zeros_like(X)], {"scale": 2}),
        "dropout": ([X, np.zeros_like(X), np.zeros(2, np.uint8)], {**STREAM, "p": 0.5, "scale": 2}),
        "uniform": ([np.zeros(12)], {**STREAM, "low": 0, "high": 1}),
        "random_bits": ([np.zeros(12, np.uint64)], STREAM),
        "normal": ([np.zeros(12)], {**STREAM, "mean": 0, "std": 1}),
    }


UPDATES = {
    "sgd_update": {"momentum": 0.9},
    "adam_update": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "rmsprop_update": {"alpha": 0.9, "eps": 1e-8, "momentum": 0.9},
    "adagrad_update": {"eps": 1e-8},
}
OTHERS = {  # they compute nothing
    "check_finite",
    "empty",
    "empty_like",
    "empty_for",
    "empty_product",
    "empty_reduced",
    "alike",
    "broadcast",
    "segments",
    *UPDATES,
    "join",  # of a list: test_memory.py
}


def wrong_versions(x):
    """What may come in place of the array x: name -> value."""
    misaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    misaligned[...] = x
    strided = np.repeat(x, 2, axis=-1)[..., ::2]
    return {
        "None": None,
        "a list": x.tolist(),
        "a string": "x",
        "an object": object(),
        "objects": x.astype(object),
        "strings": x.astype(str),
        "integers": x.astype(np.int16),
        "float16": x.astype(np.float16),
        "float32": x.astype(np.float32),
        "complex": x.astype(complex),
        "misaligned": misaligned,
        "byte-swapped": x.astype(x.dtype.newbyteorder()),
        "strided": strided,
        "reversed": x[..., ::-1],
        "0-d": np.array(x.flat[0]),
        "empty": x[:0],
        "too short": x.ravel()[:-1],
        "too long": np.concatenate([x.ravel()] * 2),
        "one axis more": x[None],
        "a broadcast": np.broadcast_to(x.flat[0], x.shape),
        "a subclass": np.ma.masked_array(x),
    }


def copied(x):
    return x.copy() if isinstance(x, np.ndarray) else x


def plain(x, good):
    """The same numbers in an array that no kernel can object to; flat kernels take them in any shape."""
    if not isinstance(x, np.ndarray):
        return x
    y = np.array(x, x.dtype.newbyteorder("="), order="C", subok=False)
    return y.reshape(good.shape) if y.size == good.size else y


def attempt(name, arguments, options, outputs, good):
    """Call. If that is refused, the outputs have not changed; if not, they hold the reference's numbers."""
    before = {i: arguments[i].tobytes() for i in outputs if isinstance(arguments[i], np.ndarray)}
    expected = [plain(x, y) for x, y in zip(arguments, good)]
    try:
        getattr(K, name)(*arguments, **options)
    except Exception:
        for i, content in before.items():
            assert arguments[i].tobytes() == content, "written before it was refused"
        return "refused"
    getattr(reference, name)(*expected, **options)
    for i in before:
        if arguments[i].dtype.kind in "fc":
            np.testing.assert_allclose(arguments[i].ravel(), expected[i].ravel(), rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(arguments[i].ravel(), expected[i].ravel())
    return "answered"


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def main():
    """Print one line per call before it is made: the last line of a crashed process names the culprit."""
    refused = 0
    for name, (good, options) in calls().items():
        outputs = OUTPUTS.get(name, [max(i for i, x in enumerate(good) if isinstance(x, np.ndarray))])
        assert attempt(name, [copied(x) for x in good], options, outputs, good) == "answered", name
        for position, x in enumerate(good):
            if not isinstance(x, np.ndarray):
                continue
            for what, wrong in wrong_versions(x).items():
                print(name, position, what, flush=True)
                arguments = [wrong if i == position else copied(y) for i, y in enumerate(good)]
                refused += attempt(name, arguments, options, outputs, good) == "refused"
        for position in outputs:
            print(name, position, "read-only", flush=True)
            arguments = [read_only(y) if i == position else copied(y) for i, y in enumerate(good)]
            assert attempt(name, arguments, options, outputs, good) == "refused", (name, "read-only", position)
    print("done", refused)


@needs_native
def test_no_bad_argument_crashes_a_kernel():
    program = "import sys; sys.path[:0] = sys.argv[1:]; from kernels.test_bad_arguments import main; main()"
    folders = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *filter(None, sys.path)]
    environment = {**os.environ, "MINIGRAD_BACKEND": "native", "MINIGRAD_NUM_THREADS": "2", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", program, *folders]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"after {done.stdout.splitlines()[-1:]}, exit {done.returncode}: {done.stderr[-2000:]}"
    assert int(done.stdout.split()[-1]) > 500


@needs_native
def test_the_calls_cover_the_table():
    assert set(calls()) | OTHERS == set(reference.NAMES)


@needs_native
@pytest.mark.parametrize("name", sorted(calls()))
def test_none_is_refused(name):
    good, options = calls()[name]
    with K.use_backend("native"):
        for position, x in enumerate(good):
            if not isinstance(x, np.ndarray) or (name, position) == ("elastic_net", 2):
                continue
            with pytest.raises(TypeError):
                getattr(K, name)(*[None if i == position else copied(y) for i, y in enumerate(good)], **options)


@needs_native
@pytest.mark.parametrize(("update", "options"), UPDATES.items())
def test_updates_refuse_bad_tables_and_gradients(update, options):
    with K.use_backend("native"):
        for what, wrong in wrong_versions(np.ones(12)).items():
            if what in ("None", "one axis more", "a subclass"):
                continue  # no gradient; and 12 numbers in a row are a gradient, whatever their shape
            w = np.ones(12)
            table = K.segments([w], [np.zeros(12)], [np.zeros(12)])
            with pytest.raises((TypeError, ValueError)):
                getattr(K, update)(table, [wrong], **options)
            with pytest.raises((TypeError, ValueError)):
                K.segments([w], [wrong], [np.zeros(12)])
            assert (w == 1).all()
        for table in (None, 3, [np.ones(3)]):
            with pytest.raises((TypeError, AttributeError, ValueError)):
                getattr(K, update)(table, [None], **options)
