"""A training killed by SIGKILL at random moments, and resumed until it is done, ends with the bits of one that was not.

The trainings are those of resumed_run.py, in processes of their own. Native kernels have the same bits with one thread
and with two, so that a resumed run takes another number of threads than the one before.
"""

import functools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minigrad as mg

SCRIPT = Path(__file__).with_name("resumed_run.py")
CASES = ["mlp", "averaged", "gru"]
BACKENDS = ["native", "reference"]
needs_sigkill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")


def start(case, folder, backend, threads, *step):
    environment = {**os.environ, "MINIGRAD_BACKEND": backend, "MINIGRAD_NUM_THREADS": str(threads)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder.parent.parent / "compiled")}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(Path(mg.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    )
    command = [sys.executable, SCRIPT, case, folder, *map(str, step)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=environment)
    assert child.stdout.readline() == b"begins\n", child.stderr.read()  # unbuffered: communicate() gets what follows
    return child


def finish(child):
    """The digest of a child that ends, None for one that was killed."""
    out, error = child.communicate(timeout=120)
    assert child.returncode in (0, -signal.SIGKILL), error.decode()
    return out.decode().strip() if child.returncode == 0 else None


@functools.cache
def uninterrupted(case, backend, folder):
    """(digest, seconds of the training)."""
    child = start(case, folder, backend, 1)
    begun = time.perf_counter()
    return finish(child), time.perf_counter() - begun


def survive(case, backend, kills, seed, tmp_path):
    """Kill and resume until `kills` were survived; whenever a training gets to its end, the next begins."""
    draw, trainings, done = random.Random(seed), 0, 0
    digest, seconds = uninterrupted(case, backend, tmp_path / "uninterrupted")
    assert digest
    while True:
        folder, threads = tmp_path / f"run{trainings}", 1 + done % 2
        if done >= kills:
            child = start(case, folder, backend, threads)
        elif draw.random() < 0.5:
            child = start(case, folder, backend, threads, draw.randrange(1, 250))
        else:
            child = start(case, folder, backend, threads)
            time.sleep(draw.uniform(0, 0.35 * seconds))
            child.kill()
        found = finish(child)
        if found is None:
            done += 1
            continue
        assert found == digest, f"{folder} after {done} kills"
        trainings += 1
        if done >= kills:
            return


@needs_sigkill
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_five_kills(case, backend, tmp_path):
    if backend == "native" and mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    survive(case, backend, 5, f"{case} {backend}", tmp_path)


@needs_sigkill
@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_a_hundred_kills(case, backend, tmp_path):
    if backend == "native" and mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    survive(case, backend, 100, 2026, tmp_path)


def test_a_file_of_one_backend_loads_in_the_other(tmp_path):
    """Bits of the two differ, so that the run is only finished, not compared."""
    if mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    for first, second in [("native", "reference"), ("reference", "native")]:
        folder = tmp_path / first
        child = start("gru", folder, first, 1, 300)  # the call of a save at which it kills itself
        assert finish(child) is None
        before = sorted(folder.iterdir())
        assert before, "nothing was saved before the kill"
        assert len(finish(start("gru", folder, second, 1))) == 64
        assert sorted(folder.iterdir())[-1].name == "epoch-0005.safetensors" > before[-1].name
