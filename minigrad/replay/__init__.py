"""mg.compile: a training step recorded once and replayed without Python."""

from .compiled import Step, compile

__all__ = ["Step", "compile"]
