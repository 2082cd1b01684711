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
from minigrad.lab.golden import kernel_calls
from minigrad.lab.golden.kernel_calls import UPDATES, given

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
    "group_descent": [6, 7],
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


def calls():
    """A good call of every kernel that takes arrays: name -> (arguments, options)."""
    found = kernel_calls.calls(given())
    return {name: call for name, call in found.items() if name not in OTHERS}


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
