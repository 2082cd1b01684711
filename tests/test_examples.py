"""Every example runs with --quick, from another folder, and ends with what to look at."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
pytestmark = pytest.mark.skipif(not EXAMPLES, reason="needs the checkout, not an installed package")

# What the last line must say; numbers in it are checked below.
LAST = {
    "compiled": r"look at: (\d+\.\d)% of 359 digits",
    "digits": r"look at: (\d+\.\d)% of 359 digits",
    "pruning": r"look at: (\d+\.\d)% of 359 digits \(8 x 8 digits\) are read correctly; (\d+\.\d)% of the weights",
    "psalms": r"look at: (\d+\.\d)% of the letters kept back",
    "residual": r"look at: (\d+\.\d)% of 359 digits with a way around each layer",
    "time_travel": r"look at: (\d+\.\d)% of 359 digits, and each of (\d+) zeros",
    "words": r"look at: (\d+\.\d)% of 2400 words",
    "healthy": r"look at: (\d+\.\d)% of 359 digits with the remedy",
    "images": r"look at: (\d+\.\d+)% of 359 digits \(8 x 8 digits\)",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
        "XDG_CACHE_HOME": str(tmp_path),
        "MINIGRAD_NUM_THREADS": "1",
    }
    environment.pop("MINIGRAD_DATA", None)  # MNIST is for the long runs
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(path), "--quick"],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    found = re.match(LAST[path.stem], last)
    assert found, last
    assert all(float(number) > 40 for number in found.groups()), last  # better than chance after few epochs
    assert list(tmp_path.iterdir()) == []  # an example writes nothing
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_runs_as_a_script(path, tmp_path):
    """`make notebooks` runs it in a kernel; what its cells show is then looked at by nobody, but every line runs."""
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install minigrad[figures]")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "MINIGRAD_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(path)], capture_output=True, timeout=120, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_read_from_top_to_bottom(path):
    """It says at its head what it shows and how to run it, and hides nothing behind a main()."""
    text = path.read_text()
    assert text.startswith('"""') and f"{path.name}" in text and "--quick" in text
    assert "__main__" not in text
