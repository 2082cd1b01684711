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

pytestmark = pytest.mark.sanitize
MEMORY = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREADS = ["-fsanitize=thread"]
# CPython keeps memory until it ends; a test asks for more memory than there is and expects an error.
ASAN_OPTIONS = "detect_leaks=0:allocator_may_return_null=1"


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


def test_tables_share_nothing():
    """Two threads run all kernels at once: no table writes to memory of its own."""
    needs(THREADS, "setarch")
    program = build("threads", "gcc", recipe().MACHINE, [*THREADS, "-O1", "-g1"])
    run("setarch", "-R", program, "threads")  # without -R some libtsan refuse the addresses that newer kernels hand out


def python_tests(name, flags, preload, *tests, **environment):
    """Run tests in a copy of the checkout whose modules are built with flags."""
    folder = ROOT / "build" / "cross" / name
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
    libraries = [subprocess.check_output(["gcc", f"-print-file-name={x}"], text=True).strip() for x in preload]
    command = ["setarch", "-R", sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, env={**os.environ, "LD_PRELOAD": ":".join(libraries), **environment}, **inside)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]


@pytest.mark.slow
def test_memory_of_the_modules():
    needs(MEMORY, "setarch")
    libraries = ["libasan.so", "libubsan.so"]
    python_tests("python-memory", MEMORY, libraries, "tests/kernels", ASAN_OPTIONS=ASAN_OPTIONS)
