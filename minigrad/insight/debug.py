"""What `minigrad.debug` offers: anomaly mode, and the trace of a backward pass."""

from .anomaly import anomaly
from .trace import trace

__all__ = ["anomaly", "trace"]
