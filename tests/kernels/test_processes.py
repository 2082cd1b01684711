"""Processes: a forked child computes, the environment is honoured or refused, a broken build is an error."""

import os
import subprocess
import sys

import pytest
from kernels.twins import needs_native

import minigrad.kernels as K

FORK = """
import os, signal, sys, threading
import numpy as np
import minigrad.kernels as K

K.set_num_threads(2)
a = np.ones((300, 300), np.float32)
out = np.empty_like(a)
K.matmul(a, a, out)                       # the parent has a helper now
stop = threading.Event()

def compute():                            # a thread of the parent is inside a job when it forks
    b, mine = np.ones((700, 700), np.float32), np.empty((700, 700), np.float32)
    while not stop.is_set():
        K.matmul(b, b, mine)

if len(sys.argv) > 1:
    threading.Thread(target=compute).start()
codes = set()
for _ in range(10):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)                  # a child that waits for its parent's threads waits for ever
        mine = np.empty_like(a)
        none = K.runtime.helpers() == 0
        K.matmul(a, a, mine)
        os._exit(0 if none and (mine == out).all() and K.get_num_threads() == 2 and K.runtime.helpers() == 1 else 1)
    codes.add(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.set()
again = np.empty_like(a)
K.matmul(a, a, again)
print("children", codes, "parent", (again == out).all(), K.get_num_threads(), K.runtime.helpers())
"""

EXIT = """
import sys, threading, time
import numpy as np
import minigrad.kernels as K

K.set_num_threads(2)
a = np.ones((400, 400), np.float32)

def compute():
    out = np.empty_like(a)
    while True:
        K.matmul(a, a, out)

out = np.empty_like(a)
K.matmul(a, a, out)
if sys.argv[1] == "asleep":
    time.sleep(0.05)
if sys.argv[1] == "computing":
    for _ in range(2):
        threading.Thread(target=compute, daemon=True).start()
    time.sleep(0.05)
print("ends")
"""

REFUSED = """
import resource, warnings
import numpy as np
import minigrad.kernels as K

a = np.ones((300, 300), np.float32)
out = np.empty_like(a)
K.matmul(a, a, out)
with open("/proc/self/statm") as f:
    now = int(f.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 20), resource.RLIM_INFINITY))
K.set_num_threads(3)
again = np.empty_like(a)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for _ in range(3):
        K.matmul(a, a, again)
print(len(said), said[0].message if said else None)
print(K.get_num_threads(), K.runtime.helpers(), (again == out).all())
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
K.set_num_threads(2)
K.matmul(a, a, again)
print(K.get_num_threads(), K.runtime.helpers(), (again == out).all())
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


def python(program, *words, **environment):
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("MINIGRAD", "OMP"))}
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(
        command, env={**keep, **environment}, capture_output=True, text=True, check=False, timeout=300
    )


@needs_native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("words", [(), ("busy",)], ids=["idle", "computing"])
def test_a_forked_child_has_a_team_of_its_own(words):
    done = python(FORK, *words)
    assert done.stdout == "children {0} parent True 2 1\n", done.stderr


@needs_native
@pytest.mark.parametrize("helper", ["spinning", "asleep", "computing"])
def test_the_interpreter_ends_whatever_the_helpers_do(helper):
    done = python(EXIT, helper)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")


@needs_native
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS, and has /proc/self/statm")
def test_threads_that_the_system_refuses_are_done_without():
    done = python(REFUSED, MINIGRAD_NUM_THREADS="1")
    once, after, again = done.stdout.splitlines()
    assert once.startswith("1 minigrad: the system started 0 of 2 helper threads") and "set_num_threads(3)" in once
    assert after == "1 0 True"
    assert again == "2 1 True"


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
        raise ImportError("libm.so.6: cannot open shared object file")
    return real(name, *rest)
importlib.import_module = broken
import minigrad
"""
    done = python(program)
    assert done.returncode == 1
    assert "libm.so.6: cannot open" in done.stderr


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
