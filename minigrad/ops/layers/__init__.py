"""Ops of layers that have kernels of their own."""
