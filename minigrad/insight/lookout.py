"""How the views of a backward pass look on: a `with` block whose method `look` the engine calls."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any, TypeVar

from .. import engine
from ..engine import Tensor
from ..op import Op

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # the package

Self = TypeVar("Self", bound="Lookout")


class Lookout:
    """A `with` block in which `look` is called with every result of an op and with every gradient of a rule.

    The blocks nest: each of them sees everything. They hold for the whole process.
    """

    def __enter__(self: Self) -> Self:
        self.before, engine._watch = engine._watch, self._watch
        return self

    def __exit__(self, *error: object) -> None:
        engine._watch = self.before

    def _watch(self, *seen: Any) -> None:
        if self.before is not None:
            self.before(*seen)
        self.look(*seen)

    def look(
        self,
        op: Op,
        y: Tensor,
        inputs: tuple,
        options: dict,
        i: int | None = None,
        g: Any = None,
        gradient: Any = None,
    ) -> None:
        """Forward: y was made by op from inputs, and i is None. Backward: rule i of op made `gradient` of g.

        g is the gradient of y, summed and complete; options are those of the op, its defaults left out if nothing is
        recorded.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no look()")


def in_walk() -> bool:
    """Whether a walk is on the stack: the op that was just called is then part of a rule, or adds gradients."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not engine.walk.__code__:
        frame = frame.f_back
    return frame is not None


def caller() -> str:
    """The innermost line on the stack that is not minigrad's own: file:line in function."""
    frame = users_frame()
    code = frame.f_code
    return f"{_of_notebook(code.co_filename) or code.co_filename}:{frame.f_lineno} in {code.co_name}"


def users_frame() -> FrameType:
    """The innermost call on the stack that is not minigrad's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return frame


def _of_notebook(file: str) -> str:
    """`In[3]` for the code of a cell that IPython runs, which stands in a file of a made-up name; else nothing."""
    session = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    names = getattr(getattr(session, "compile", None), "format_code_name", lambda file: None)(file)
    return names[1] if names else ""


def modules_at_work() -> tuple[Any, ...]:
    """The modules whose `forward` is on the stack, the outermost first."""
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None:
        if frame.f_code.co_name == "forward":
            module = frame.f_locals.get("self")
            if hasattr(module, "named_parameters"):
                found.append(module)
        frame = frame.f_back
    return tuple(reversed(found))
