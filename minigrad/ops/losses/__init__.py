"""Losses, each with a fused gradient where training spends its time."""
