"""Penalties on weights: elastic net, norms of groups, orthogonality."""
