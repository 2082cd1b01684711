"""Fixtures that all tests share."""

import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # an installation without compiled kernels says so, once; that is no failure
    import minigrad as mg


# joblib's processes get this path, and import test modules by the names that pytest gave them: tests.selection....
sys.path.append(str(Path(__file__).parent.parent))


def pytest_sessionstart(session):
    """Ctrl-C interrupts, as at a prompt; and CI says which backend it expects, so that a wheel without its extension
    does not pass on the reference kernels.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a job in the background: tests of Ctrl-C and children
        signal.signal(signal.SIGINT, signal.default_int_handler)
    expected = os.environ.get("MINIGRAD_EXPECT_BACKEND")
    if expected and mg.kernels.backend() != expected:
        raise pytest.UsageError(f"expected backend {expected!r}, got:\n{mg.kernels.report()}")


@pytest.fixture(params=["reference", "native"])
def backend(request):
    """Run a test on both backends."""
    if request.param == "native" and mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    with mg.use_backend(request.param):
        yield request.param


@pytest.fixture
def rng():
    """NumPy random numbers for test data, the same in every run."""
    return np.random.default_rng(20261120)
