"""One answer: the golden runs give the hashes of minigrad/lab/golden on every variant, with any number of threads."""

import os
import subprocess
import sys

import pytest
from kernels.twins import every_variant, needs_native

import minigrad as mg
from minigrad.lab.golden import runs as golden


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_variant_and_thread_count_gives_the_golden_hashes(dtype):
    with mg.use_backend("native"):
        for variant, threads in every_variant(threads=(1, 2, 3)):
            assert not golden.differences(dtype), f"{variant}, {threads} threads: {golden.differences(dtype)}"


@needs_native
def test_a_fresh_process_with_another_hash_seed_and_settings_gives_the_golden_hashes():
    environment = {**os.environ, "PYTHONHASHSEED": "77", "MINIGRAD_NUM_THREADS": "3", "MINIGRAD_CPU": "generic"}
    environment["OPENBLAS_CORETYPE"] = "Haswell"
    done = subprocess.run(
        [sys.executable, "-m", "minigrad.lab.golden"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "generic, 3 threads" in done.stdout


@needs_native
def test_a_changed_bit_is_found_and_placed():
    real = mg.kernels.adam_update

    def nudged(table, grads, **options):
        real(table, grads, **options)
        table.params[0].flat[5] *= 1 + 1e-6

    mg.kernels.adam_update = nudged
    try:
        assert "run 'dense', stage 'first update', in 0.weight, all" in golden.differences("float32")
    finally:
        mg.kernels.adam_update = real
