"""minigrad explain: a script's backward pass as a page to click through."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from ..engine import walk
from ..insight.explain import Explanation
from ..insight.trace import trace
from .options import at_least
from .scripts import Enough, models_of, run_script

ENGINE = walk.__code__.co_filename  # the file of backward and of grad

EXAMPLES = """\
examples:
  minigrad explain train.py                       run it up to its first backward, and write explain.html
  minigrad explain train.py --nth 100 -o p.html   the hundredth
  minigrad explain train.py --text                the same as a table in the terminal
  minigrad explain train.py -- --epochs 3         what stands behind -- goes to the script"""


def add_explain(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    explain = commands.add_parser(
        "explain",
        help="run a script up to a backward pass, and show each of its steps on a page",
        description="Runs a script, stops it after its first (or nth) backward, and writes a page that steps through "
        "the forward and the backward pass: each op, each rule as a formula with its numbers, each sum of gradients.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    explain.add_argument("script", help="a Python script that calls backward")
    explain.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="for the script, behind --")
    explain.add_argument("--nth", type=at_least(1), default=1, metavar="N", help="which backward pass (the first)")
    explain.add_argument("-o", "--out", default="explain.html", metavar="FILE", help="the page (explain.html)")
    explain.add_argument("--numbers", type=at_least(0), default=16, metavar="N", help="show tensors of up to N numbers")
    form = explain.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="print a table instead")
    form.add_argument("--dot", action="store_true", help="print the graph as DOT, for graphviz")
    form.add_argument("--mermaid", action="store_true", help="print the graph as Mermaid")
    explain.set_defaults(run=run_explain)
    return explain


class Until(trace):
    """A trace that ends the script right behind its nth backward, before anything else of the script runs."""

    def __init__(self, nth: int, numbers: int) -> None:
        super().__init__(numbers=numbers)
        self.nth = nth
        self.outer: FrameType | None = None  # the engine's call that the nth walk is made in
        self.complete = False  # whether that walk has come to its end
        self.over = False  # whether the script was ended, and what is seen now is what others do on the way out

    def look(self, *seen: Any) -> None:
        if self.over:
            return
        super().look(*seen)
        if self.outer is None and len(self.walks) >= self.nth:
            self.outer, self.kept = outermost(walk), sys.getprofile()
            sys.setprofile(self._returns)

    def _returns(self, frame: FrameType, event: str, result: Any) -> None:
        """Python tells of each return: that of the walk, and then that of backward, or grad, behind which it ends."""
        if event != "return":
            return
        if frame.f_code is walk.__code__:
            self.complete = result is not None  # an error in a rule returns nothing
        if frame is self.outer:
            sys.setprofile(self.kept)
            if self.complete:
                self.over = True
                raise Enough

    def __exit__(self, *error: object) -> None:
        if self.outer is not None:
            sys.setprofile(self.kept)
        self.outer = None
        super().__exit__(*error)


def outermost(function: Any) -> FrameType | None:
    """The call of the engine that a walk is made in: backward or grad, the outermost if walks are in walks."""
    frame: FrameType | None = sys._getframe(1)
    found = None
    while frame is not None:
        if frame.f_code is function.__code__:
            found = frame
        frame = frame.f_back
    while found is not None and found.f_back is not None and found.f_back.f_code.co_filename == ENGINE:
        found = found.f_back
    return found


def run_explain(options: argparse.Namespace) -> None:
    script = Path(options.script)
    seen = Until(options.nth, options.numbers)
    variables = run_script(script, options.arguments, seen)
    for name, value in models_of(variables):
        seen.name(value, name)
    if len(seen.walks) < options.nth:
        said = "calls no backward" if not seen.walks else f"calls backward {len(seen.walks)} times"
        raise ValueError(f"{script} {said}; --nth is {options.nth}")
    page = Explanation(seen, options.nth - 1, f"Backward pass {options.nth} of {script.name}")
    if options.text:
        print(seen.table(options.nth - 1))
    elif options.dot:
        print(page.dot(), end="")
    elif options.mermaid:
        print(page.mermaid(), end="")
    else:
        path = page.save(options.out)
        ops = sum(node.op is not None for node in page.nodes.values())
        print(f"{path}: {ops} ops forward, {len(page.visits)} visited backward; open it in a browser")
