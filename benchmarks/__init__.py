"""Benchmarks of minigrad beside NumPy by hand, naive C, PyTorch, JAX and numba: `python -m benchmarks --help`.

Every peer runs in processes of its own (worker.py), in short slices that take turns (driver.py). Rows that lose stay.

A family is a file: matmul.py, penalty.py, ... Side by side it holds

    cases(sizes, quick)       the sizes, as Case (case.py): name, dtype, parameters, operations and bytes of a call
    by_kernels(K, case)       label -> Run for this project, on the reference and the native backend
    by_numpy, by_torch, ...   the same for a peer, as many labels as it has good ways; a peer without one is left out

and says TITLE, UNIT (of its rate), ROOFS (what bounds it: "FMA", "copy", both), KERNELS (those that must be native for
a native row), STATEFUL, ALL_VARIANTS, and the TOLERANCE within which all peers must give the same numbers. It may name
the peer that the others are held to (BASE, else NumPy), and add lines below its table (notes). Where a call takes long,
seconds(case) says how long all rounds of a case may take.
"""
