"""minigrad explain: a script's backward pass as a page to click through."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..insight.explain import Explanation
from ..insight.lookout import in_walk
from ..insight.trace import trace
from ..nn.module import Module
from .options import at_least
from .scripts import Enough, run_script

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
    """A trace that ends the script with the first op after the nth walk."""

    def __init__(self, nth: int, numbers: int) -> None:
        super().__init__(numbers=numbers)
        self.nth = nth

    def look(self, *seen: Any) -> None:
        forward = len(seen) == 4
        if forward and len(self.walks) >= self.nth and not in_walk():
            raise Enough
        super().look(*seen)


def run_explain(options: argparse.Namespace) -> None:
    script = Path(options.script)
    seen = Until(options.nth, options.numbers)
    variables = run_script(script, options.arguments, seen)
    for name, value in variables.items():
        if isinstance(value, Module) and not name.startswith("_"):
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
