"""What `minigrad.debug` offers: anomaly mode, the trace of a backward pass, and a page that explains one."""

from .anomaly import anomaly
from .explain import Explanation, explain
from .trace import trace

__all__ = ["Explanation", "anomaly", "explain", "trace"]
