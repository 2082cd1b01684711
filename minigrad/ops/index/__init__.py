"""Ops that pick numbers by position, or put them there."""
