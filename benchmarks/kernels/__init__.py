"""The kernels, a file per family."""
