"""Every example runs with --quick, from another folder, and ends with what to look at."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOUR = sorted((ROOT / "examples" / "tour").glob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py")) + TOUR
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
# The same of the tour, whose scripts assert their own numbers.
LAST_OF_TOUR = {
    "01_one_backward_pass": r"look at: the loss fell from 0\.6442 to 0\.0\d+, by gradients that three ways agree on",
    "02_write_an_op": r"look at: three bad points of 40 turn the slope 2 into 0\.39; with your op it is 1\.96",
    "03_write_a_penalty": r"look at: 2 of 8 weights are exactly what was believed; .* error is 0\.86, .* 1\.56",
    "04_l1_and_l2": r"look at: L2 shares the weight \(1\.74 and 1\.75\) .* L1 drops it \(exactly 0\)",
    "05_exact_zeros": r"look at: \d\d% of the weights are exactly 0, .* compact leaves \d+ of 4810 numbers",
    "06_dropout": r"look at: dropout trained to 1\.4\d+, the penalty that it amounts to solves to 1\.487",
    "07_choose_lambda": r"look at: λ from the folds costs 0\.26 more than .* no penalty costs 4\.02 more",
    "08_compile_a_step": r"look at: 100 losses of a compiled step are those of Python, bit for bit",
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
    found = re.match((LAST_OF_TOUR if path in TOUR else LAST)[path.stem], last)
    assert found, last
    if path not in TOUR:
        assert all(float(number) > 40 for number in found.groups()), last  # better than chance after few epochs
    assert list(tmp_path.iterdir()) == []  # an example writes nothing
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120


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
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""') and f"{path.name}" in text and "--quick" in text
    assert "__main__" not in text


def test_the_tour_is_eight_short_scripts_in_order():
    """Each says which of the eight it is, and uses only what is public: mg, its submodules and their names."""
    assert [path.name[:2] for path in TOUR] == [f"{number:02}" for number in range(1, 9)]
    for number, path in enumerate(TOUR, 1):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f'"""Tour {number} of {len(TOUR)}: ')
        assert 60 <= len(text.splitlines()) <= 100, path.name
        assert not re.search(r"\._[a-z]|from minigrad\.\w+\.\w+ import", text), path.name
        assert "assert " in text, f"{path.name} shows numbers and checks none"
