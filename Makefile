# Two commands do everything on a fresh machine: `make demo` and `make test`. Python: make PYTHON=python3.12 ...
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard minigrad/kernels/native/*.pyx minigrad/kernels/native/*.pxd src_c/*/*)

.PHONY: help demo test bench notebooks docs lint golden cross sanitize sanitize-modules clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     build, train, and write a report to look at"
	@echo "make test     build and run the tests and doctests"
	@echo "make bench    the benchmarks against NumPy (and PyTorch, JAX, numba where installed)"
	@echo "make docs     the documentation as a site, in build/docs"
	@echo "make notebooks"
	@echo "              examples/notebooks as notebooks that were run, into build/notebooks (installs jupytext, ipykernel)"
	@echo "make lint     ruff, mypy, and the stubs against the code"
	@echo "make cross    the C kernels with gcc, clang and for NEON under qemu: one set of hashes"
	@echo "make sanitize the C kernels under the address, undefined-behaviour and thread sanitizers"
	@echo "              (make sanitize-modules: the Cython modules too, about 10 minutes)"
	@echo "make golden   rewrite the golden hashes (and say why in the CHANGELOG)"
	@echo "make clean    remove what was built"

demo: $(VENV)/.built
	$(BIN)/minigrad demo

test: $(VENV)/.built
	$(BIN)/pytest -q --doctest-modules minigrad tests

bench: $(VENV)/.built
	$(BIN)/minigrad bench

docs: $(VENV)/.built $(VENV)/.docs
	$(BIN)/python -m docs.site build/docs

# Scripts in cells, run as notebooks in a kernel of the environment: a cell that fails stops it.
notebooks: $(VENV)/.built
	$(BIN)/pip install --quiet --disable-pip-version-check "jupytext>=1.16" "nbclient>=0.10" ipykernel
	mkdir -p build/notebooks
	for script in examples/notebooks/*.py; do \
	  made=build/notebooks/$$(basename $$script .py).ipynb; \
	  $(BIN)/jupytext --quiet --to ipynb --output $$made $$script && \
	  MPLBACKEND= PATH="$(abspath $(BIN)):$$PATH" $(BIN)/jupyter-execute --inplace $$made || exit 1; \
	done

lint: $(VENV)/.built
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest minigrad.engine --mypy-config-file pyproject.toml

cross: $(VENV)/.built
	$(BIN)/pytest -q -m cross tests/cross

sanitize: $(VENV)/.built
	$(BIN)/pytest -q -m "sanitize and not slow" tests/cross

sanitize-modules: $(VENV)/.built
	$(BIN)/pytest -q -m sanitize tests/cross

golden: $(VENV)/.built
	$(BIN)/python -m minigrad.lab.golden --write
	$(BIN)/python tests/cross/selftest.py --write

clean:
	rm -rf build dist $(VENV) *.egg-info minigrad/kernels/native/*.so minigrad-demo minigrad-articles minigrad-claims minigrad-papers
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are files, not the folder: a creation that failed half-way leaves the folder behind.
$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" 2>/dev/null || \
	  { echo "minigrad needs Python 3.10 or newer; $(PYTHON) is not: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -Ic "import venv, ensurepip" 2>/dev/null || \
	  { echo "minigrad needs Python's venv module (Debian: apt install python3-venv)"; exit 1; }
	@[ "$$MINIGRAD_NO_NATIVE" = 1 ] || $(PYTHON) -c "import os, sys, sysconfig; \
	  sys.exit(not os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))" || \
	  { echo "minigrad needs the Python headers (Debian: apt install python3-dev), or MINIGRAD_NO_NATIVE=1"; exit 1; }
	@[ "$$MINIGRAD_NO_NATIVE" = 1 ] || $(PYTHON) -c "import os, shutil, sys, sysconfig; \
	  cc = (os.environ.get('CC') or sysconfig.get_config_var('CC') or 'cc').split()[0]; sys.exit(not shutil.which(cc))" || \
	  { echo "minigrad needs a C compiler (Debian: apt install build-essential; or set CC), or MINIGRAD_NO_NATIVE=1"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip "setuptools>=77" "Cython>=3.1" "numpy>=2.0"
	MINIGRAD_NO_NATIVE=1 $(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[dev]"
	@touch $@

# The packages of the extra alone: installing the project again, without a compiler, would remove the kernels.
$(VENV)/.docs: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check $$($(BIN)/python -c \
	  "from importlib.metadata import requires as r; print(*(x.split(';')[0] for x in r('minigrad') if 'docs' in x))")
	@touch $@

$(VENV)/.built: $(VENV)/.ready setup.py $(SOURCES)
	$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@
