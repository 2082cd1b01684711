"""Epochs of training, beside NumPy by hand and PyTorch."""
