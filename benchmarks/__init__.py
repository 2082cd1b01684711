"""Benchmarks of minigrad beside NumPy by hand, naive C, PyTorch, JAX and numba: `python -m benchmarks --help`.

A family is a file: matmul.py, penalty.py, ... hold the cases and, side by side, how each peer computes them. Every peer
runs in processes of its own (worker.py), in short slices that take turns (driver.py). Rows that lose stay in the table.
"""
