"""Ops that arrange numbers, and the sums that undo a broadcast. No other family is imported here."""
