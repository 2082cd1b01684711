"""What `import minigrad` brings along: NumPy and itself."""

import subprocess
import sys

EXTRAS = "matplotlib rich sklearn scipy joblib safetensors torch jax numba pytest hypothesis".split()  # noqa: SIM905
HEAVY = "urllib.request gzip http.client asyncio".split()  # noqa: SIM905


def test_extras_and_heavy_modules_are_not_imported():
    program = f"""
import sys, numpy
before = set(sys.modules)
import minigrad
print([name for name in {EXTRAS + HEAVY!r} if name in sys.modules and name not in before])
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_importing_reads_no_global_randomness():
    program = """
import random, numpy as np
random.seed(1); np.random.seed(1)
a = random.getstate(), np.random.get_state()[1].tolist()
import minigrad as mg
mg.nn.Sequential(mg.nn.Linear(3, 3), mg.nn.Dropout(0.5))(mg.tensor([[1.0, 2.0, 3.0]]))
print(a == (random.getstate(), np.random.get_state()[1].tolist()))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_without_the_gil_it_says_so():
    program = "import sys; sys._is_gil_enabled = lambda: False; import minigrad"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ImportError: minigrad needs the GIL" in done.stderr
