"""The methods of Tensor beyond the core's list in tensor.py: one line for each, by family."""

from __future__ import annotations

from typing import Any

from .tensor import attach

METHODS: dict[str, Any] = {}

attach(METHODS)
