"""The overhead of an op."""
