"""The progress of a run in a notebook: one output cell that changes in place, without widgets."""

from __future__ import annotations

import sys
from html import escape
from typing import Any

KEPT = 12  # lines of epochs that stay in sight


def shell() -> tuple[Any, Any] | None:
    """IPython's display function and HTML class where a notebook runs this process, else None.

    IPython is not imported: in a notebook it has been already. A terminal of IPython has no kernel, and no HTML.
    """
    ipython = sys.modules.get("IPython")
    session = ipython.get_ipython() if ipython is not None else None
    if session is None or not hasattr(session, "kernel"):
        return None
    display = sys.modules.get("IPython.display")
    return None if display is None else (display.display, display.HTML)


class Cell:
    """Lines of epochs, and below them the bar of the present one."""

    def __init__(self, found: tuple[Any, Any], batches: int) -> None:
        display, self.html = found
        self.batches = max(batches, 1)
        self.lines: list[str] = []
        self.bar = ""
        self.handle = display(self.html("<pre></pre>"), display_id=True)

    def update(self, completed: int, epoch: str, values: str) -> None:
        """The bar at `completed` batches."""
        self.bar = (
            f'<progress max="{self.batches}" value="{completed}"></progress> '
            f"epoch {escape(epoch)}, {completed} of {self.batches}&nbsp; {escape(values)}"
        )
        self._show()

    def write(self, text: str) -> None:
        """A line, or several; the first one, the names of the columns, stays."""
        self.lines += text.splitlines()
        if len(self.lines) > KEPT:
            self.lines = [self.lines[0], *self.lines[-KEPT + 1 :]]
        self._show()

    def stop(self) -> None:
        """The run is over: the lines stay, the bar goes."""
        self.bar = ""
        self._show()

    def _show(self) -> None:
        lines = escape("\n".join(self.lines))
        self.handle.update(self.html(f"<pre>{lines}</pre>{self.bar}"))
