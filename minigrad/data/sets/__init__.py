"""Data sets by name: digits, MNIST, and those that are made."""
