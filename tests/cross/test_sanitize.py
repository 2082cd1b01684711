"""AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer find nothing. `make sanitize` runs this file.

The self-test gives each kernel memory that ends where its arrays end. What it cannot show are the Cython modules: the
slow tests build those with the sanitizers, in a copy, and run tests/kernels in a Python that was started under them.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest
from cross.selftest import FILE, ROOT, build, differences, hashes, missing, recipe, run
from cross.team import build_team, run_team

pytestmark = pytest.mark.sanitize
MEMORY = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREADS = ["-fsanitize=thread"]
# CPython keeps memory until it ends; tests ask for more memory than there is and expect an error.
OPTIONS = "detect_leaks=0:allocator_may_return_null=1"


def needs(flags, *programs):
    if absent := missing("gcc", *programs):
        pytest.skip(absent)
    probe = ["gcc", *flags, "-x", "c", "-", "-o", os.devnull]
    if subprocess.run(probe, input="int main(void) { return 0; }", text=True, capture_output=True).returncode:
        pytest.skip(f"gcc has no {flags[0]} here")


def test_memory():
    needs(MEMORY)
    program = build("memory", "gcc", recipe().MACHINE, [*MEMORY, "-O1", "-g1"])
    wrong = differences(hashes(program), json.loads(FILE.read_text()))
    assert not wrong, f"another level of optimization gives other bits in\n{wrong}"


@pytest.mark.parametrize(
    ("flags", "jobs", "words"), [(MEMORY, 50_000, ["fork"]), (THREADS, 20_000, [])], ids=["memory", "threads"]
)
def test_the_team(tmp_path, flags, jobs, words):
    """Every part of every job once. (ThreadSanitizer does not follow threads into a forked child.)"""
    needs(flags, "setarch")
    program = build_team("gcc", tmp_path, [*flags, "-O1", "-g1"])
    run_team(program, jobs, *words, before=["setarch", "-R"])


def test_tables_share_nothing():
    """Two threads run all kernels at once: no table writes to memory of its own."""
    needs(THREADS, "setarch")
    program = build("threads", "gcc", recipe().MACHINE, [*THREADS, "-O1", "-g1"])
    run("setarch", "-R", program, "threads")  # without -R some libtsan refuse the addresses that newer kernels hand out


def python_tests(folder, flags, preload, **environment):
    """Run the kernel tests in `folder`, a copy of the checkout whose modules are built with flags."""
    for part in ("minigrad", "src_c", "tests"):
        ignore = shutil.ignore_patterns("*.so", "__pycache__", ".hypothesis")
        shutil.copytree(ROOT / part, folder / part, ignore=ignore, dirs_exist_ok=True)
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / part, folder)
    (folder / "setup.py").write_text((ROOT / "setup.py").read_text().replace('"-O3"', '"-O1"'))
    inside = {"cwd": folder, "check": False, "text": True, "capture_output": True}
    compiler = {**os.environ, "CC": " ".join(["gcc", "-g1", *flags])}
    done = subprocess.run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], env=compiler, **inside)
    assert done.returncode == 0, done.stderr[-4000:]
    libraries = [run("gcc", f"-print-file-name={library}").strip() for library in preload]  # a path stays as it is
    environment = {**os.environ, "LD_PRELOAD": ":".join(libraries), "OPENBLAS_NUM_THREADS": "1", **environment}
    command = ["setarch", "-R", sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "tests/kernels"]
    command += ["--deselect=tests/kernels/test_processes.py"]  # new processes, forked ones with threads among them
    command += ["--deselect=tests/kernels/test_team.py::test_every_part_is_computed_once"]  # has none
    done = subprocess.run(command, env=environment, **inside)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]


@pytest.mark.slow
def test_memory_of_the_modules(tmp_path):
    needs(MEMORY, "setarch")
    python_tests(tmp_path, MEMORY, ["libasan.so", "libubsan.so"], ASAN_OPTIONS=OPTIONS)


@pytest.mark.slow
def test_threads_of_the_modules(tmp_path):
    needs(THREADS, "setarch")
    python_tests(tmp_path, THREADS, ["libtsan.so"], TSAN_OPTIONS=f"{OPTIONS}:exitcode=66")
