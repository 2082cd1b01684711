"""Ops that make one number of many: sums, means, extremes, norms, softmax, sorting."""
