"""The demo: one network with seven regularizers, and its report."""
