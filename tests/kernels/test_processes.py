"""Processes: a forked child computes, the environment is honoured or refused, a broken build is an error."""

import os
import subprocess
import sys

import pytest
from kernels.twins import needs_native

import minigrad.kernels as K

FORK = """
import os, signal, sys
import numpy as np
import minigrad.kernels as K

K.set_num_threads(2)
a = np.ones((300, 300), np.float32)
out = np.empty_like(a)
K.matmul(a, a, out)                       # the parent's thread pool exists now
pid = os.fork()
if pid == 0:
    signal.alarm(20)                      # a child that waits for its parent's threads waits for ever
    mine = np.empty_like(a)
    K.matmul(a, a, mine)
    threads = K.get_num_threads()
    os._exit(0 if (mine == out).all() and threads == 1 else 1)
_, status = os.waitpid(pid, 0)
K.matmul(a, a, out)
print("child", os.waitstatus_to_exitcode(status), "parent threads", K.get_num_threads())
"""

KEPT = """
import resource
import numpy as np
import minigrad.kernels as K
from minigrad.kernels import blocks
x = K.empty((60 << 20,), np.uint8)
del x
assert blocks.held()[1] >= 60 << 20
with open("/proc/self/statm") as f:
    now = int(f.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (16 << 20), resource.RLIM_INFINITY))
y = K.empty((61 << 20,), np.uint8)
assert blocks.held()[1] == 0
try:
    K.empty((200 << 20,), np.uint8)
except MemoryError:
    print("ended well")
"""


def python(program, **environment):
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("MINIGRAD", "OMP"))}
    return subprocess.run(
        [sys.executable, "-c", program], env={**keep, **environment}, capture_output=True, text=True, check=False
    )


@needs_native
def test_a_forked_child_computes_with_one_thread():
    done = python(FORK)
    assert done.stdout == "child 0 parent threads 2\n", done.stderr


SHOW = "import minigrad.kernels as K; print(K.backend(), K.cpu_variant(), K.get_num_threads())"


@needs_native
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"MINIGRAD_CPU": "generic", "MINIGRAD_NUM_THREADS": "3"}, "native generic 3"),
        ({"MINIGRAD_CPU": "naive", "OMP_NUM_THREADS": "2"}, "native naive 2"),
        ({"MINIGRAD_NUM_THREADS": "1", "OMP_NUM_THREADS": "2", "MINIGRAD_CPU": "generic"}, "native generic 1"),
        ({"MINIGRAD_BACKEND": "reference", "MINIGRAD_CPU": "generic", "OMP_NUM_THREADS": "1"}, "reference generic 1"),
    ],
)
def test_the_environment_chooses(environment, expected):
    assert python(SHOW, **environment).stdout.strip() == expected


@needs_native
@pytest.mark.parametrize(
    ("environment", "match"),
    [
        ({"MINIGRAD_CPU": "pdp11"}, "MINIGRAD_CPU='pdp11': this processor runs naive, generic"),
        ({"MINIGRAD_NUM_THREADS": "many"}, "MINIGRAD_NUM_THREADS='many': need a whole number"),
        ({"MINIGRAD_NUM_THREADS": "0"}, "at least 1"),
        ({"MINIGRAD_BACKEND": "cuda"}, "'cuda' is none of 'native', 'reference'"),
    ],
)
def test_the_environment_is_refused(environment, match):
    done = python(SHOW, **environment)
    assert done.returncode == 1
    assert match in done.stderr


def test_no_native_at_run_time_says_so_once():
    done = python("import minigrad, minigrad.kernels as K; print(K.backend())", MINIGRAD_NO_NATIVE="1")
    assert done.stdout.strip() == "reference"
    assert done.stderr.count("MINIGRAD_NO_NATIVE=1") == 1


@needs_native
def test_an_extension_that_does_not_load_is_an_error_not_a_fallback():
    program = """
import importlib, sys
real = importlib.import_module
def broken(name, *rest):
    if name.endswith("native.matmul"):
        raise ImportError("libgomp.so.1: cannot open shared object file")
    return real(name, *rest)
importlib.import_module = broken
import minigrad
"""
    done = python(program)
    assert done.returncode == 1
    assert "libgomp.so.1" in done.stderr


def test_set_num_threads_and_use_backend_refuse_nonsense():
    for n in (0, -1, 1.5, True, "2"):
        with pytest.raises(ValueError, match="set_num_threads"):
            K.set_num_threads(n)
    with pytest.raises(ValueError, match="none of"):
        K.use_backend("cuda")


def test_a_module_of_ones_own_serves_what_it_defines():
    import types

    mine = types.ModuleType("mine")
    mine.neg = lambda x, out: out.__setitem__(..., 42.0)
    before = K.backend()
    with K.use_backend(mine):
        assert K.backend() == "mine"
        assert "mine         neg" in K.report()
        import minigrad as mg

        assert mg.neg(mg.tensor([1.0])).tolist() == [42.0]
        assert mg.exp(mg.tensor([0.0])).tolist() == [1.0]
    assert K.backend() == before


@needs_native
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS, and has /proc/self/statm")
def test_what_is_kept_goes_before_memory_runs_out():
    done = python(KEPT)
    assert done.stdout == "ended well\n", done.stderr
