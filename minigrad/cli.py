"""The command `minigrad`: models of tables, the choice of λ, the demo, and what this installation computes with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import kernels
from .commands.articles import add_articles
from .commands.ask import add_ask
from .commands.bench import add_bench
from .commands.claims import add_claims
from .commands.convention import add_convention
from .commands.cost import add_cost
from .commands.cv import add_cv
from .commands.demo import add_demo
from .commands.diagnose import add_diagnose
from .commands.doctor import add_doctor
from .commands.explain import add_explain
from .commands.info import add_info
from .commands.options import INTERRUPTED, at_least
from .commands.papers import add_papers
from .commands.path import add_path
from .commands.predict import add_predict
from .commands.profile import add_profile
from .commands.show import add_show
from .commands.stability import add_stability
from .commands.train import add_train
from .commands.tune import add_tune
from .errors import NonFiniteError
from .lab.pages import console
from .lab.pages.console import USER_ERROR
from .version import __version__

RUN_SCRIPTS = ("diagnose", "explain", "profile")  # the commands that run a script of the user's


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, 2 after an error of the user's, or 130 after Ctrl-C.

    It is 141 if the reader of the output closed the pipe, and 1 if `diagnose` found something.
    """
    with console.any_encoding():
        return console.to_the_end(lambda: _main(arguments))


def _main(arguments: Sequence[str] | None) -> int:
    given, for_script = apart(sys.argv[1:] if arguments is None else list(arguments))
    options, rest = parser().parse_known_args(given)
    if for_script:
        options.arguments = [*options.arguments, *for_script]
    if rest and options.command != "bench":
        options.refuse(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = given[given.index("bench") + 1 :] if options.command == "bench" else rest
    threads = kernels.get_num_threads()
    try:
        if getattr(options, "threads", None) is not None:
            kernels.set_num_threads(options.threads)
        status = options.run(options)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, ImportError, NonFiniteError, MemoryError) as error:
        said = console.os_error(error) if isinstance(error, OSError) else str(error)
        print(f"minigrad {options.command}: {said or 'not enough memory'}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("\nminigrad: interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        kernels.set_num_threads(threads)
    return status or 0


def apart(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments of a command that runs a script, and the arguments of the script, which follow after --.

    They are separated here, because argparse gives them to the script only if no option is between the script and --.
    """
    if arguments[:1] and arguments[0] in RUN_SCRIPTS and "--" in arguments:
        place = arguments.index("--")
        return arguments[:place], arguments[place + 1 :]
    return arguments, []


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = console.Parser(prog="minigrad", description="minigrad: a regularization laboratory with its own engine.")
    top.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    adds = (
        *(add_train, add_predict, add_show, add_cv, add_path, add_stability, add_tune),
        *(add_demo, add_articles, add_claims, add_papers, add_convention),
        *(add_cost, add_explain, add_profile, add_diagnose, add_ask, add_doctor, add_bench, add_info),
    )
    for add in adds:
        command = add(commands)
        command.set_defaults(refuse=command.error)
        if add is not add_bench:  # which passes all of its options on
            command.add_argument(
                "--threads", type=at_least(1), metavar="N", help="threads of the kernels (same results for any)"
            )
    return top
