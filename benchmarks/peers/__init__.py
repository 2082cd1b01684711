"""What several families share of the peers: NumPy by hand, JAX."""
