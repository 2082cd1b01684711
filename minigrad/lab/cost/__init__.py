"""What regularization costs in time and memory, term by term."""

from .cost import of

__all__ = ["of"]
