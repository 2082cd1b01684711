"""The command `minigrad`: the demo, the choice of λ, and what this installation computes with."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from . import kernels
from .commands import choose_options
from .errors import NonFiniteError
from .lab.pages import console
from .lab.pages.console import USER_ERROR
from .version import __version__

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0, 2 after an error of the user's, 130 after Ctrl-C, 141 if not read."""
    with console.any_encoding():
        return console.to_the_end(lambda: _main(arguments))


def _main(arguments: Sequence[str] | None) -> int:
    options, rest = parser().parse_known_args(arguments)
    if rest and options.command != "bench":
        options.refuse(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    threads = kernels.get_num_threads()
    try:
        if getattr(options, "threads", None) is not None:
            kernels.set_num_threads(options.threads)
        options.run(options)
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
    return 0


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = console.Parser(
        prog="minigrad", description="minigrad: a regularization laboratory with its own engine."
    )
    top.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (add_demo, add_articles, add_claims, add_cv, add_path, add_cost, add_bench, add_info):
        command = add(commands)
        command.set_defaults(refuse=command.error)
        if add is not add_bench:  # which passes all of its options on
            command.add_argument(
                "--threads", type=_at_least(1), metavar="N", help="threads of the kernels (same results for any)"
            )
    return top


def add_demo(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    demo = commands.add_parser(
        "demo",
        help="train one network with seven regularizers and write a report",
        description="Trains one network on handwritten digits with no penalty, L2, L1 (by sub-gradient and proximal), "
        "elastic net, dropout, and dropout with L2, over several seeds; prints a table and writes a report to look at. "
        "With --data mnist it trains a network of 784-64-64-10 units on MNIST with two readings of one L2 penalty.",
    )
    demo.add_argument("--data", choices=("digits", "mnist"), default="digits",
                      help="the digits in the package (default), or MNIST, found in $MINIGRAD_DATA/mnist")  # fmt: skip
    demo.add_argument("--out", type=Path, default=Path("minigrad-demo"), metavar="FOLDER",
                      help="where the report goes (default: ./minigrad-demo)")  # fmt: skip
    demo.add_argument("--seeds", type=_at_least(1), metavar="N", help="number of seeds (default: 10; mnist: 3)")
    demo.add_argument("--epochs", type=_at_least(1), metavar="N", help="epochs of training (default: 60; mnist: 10)")
    demo.add_argument("--quick", action="store_true", help="a few seeds and epochs only: to see that it works")
    demo.add_argument("--no-figures", action="store_true", help="a report of tables only, without matplotlib")
    demo.add_argument(
        "--download", action="store_true", help="with --data mnist: download what is missing, and check it"
    )
    demo.set_defaults(run=run_demo)
    return demo


def add_cv(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    return choose_options.add(commands, "cv", _at_least)


def add_path(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    return choose_options.add(commands, "path", _at_least)


def add_cost(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    cost = commands.add_parser(
        "cost",
        help="what each regularizer costs: time and memory of a step, prediction, parameters",
        description="Times training steps of a network of relu layers, with and without each term, in turn; "
        "minigrad.lab.cost.of does the same for a model of your own.",
    )
    cost.add_argument("--data", choices=("digits", "mnist"), default="digits", help="where a batch comes from")
    cost.add_argument("--hidden", type=_at_least(1), nargs="+", metavar="N", help="hidden units (default: 128 128)")
    cost.add_argument("--batch-size", type=_at_least(1), default=32, metavar="N", help="rows of the batch (32)")
    cost.add_argument("--terms", nargs="+", metavar="TERM", help="L1, L2, elastic-net, group-lasso, max-norm, "
                      "dropout, Gaussian-dropout, DropConnect, clipping, averages, zeros, compact (all)")  # fmt: skip
    cost.add_argument("--rounds", type=_at_least(1), metavar="N", help="how often each row is timed (21)")
    cost.add_argument("--json", action="store_true", help="print JSON instead of a table")
    cost.set_defaults(run=run_cost)
    return cost


def add_articles(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    articles = commands.add_parser(
        "articles",
        help="five articles on regularization: their programs with their mistakes, corrected and measured",
        description="Runs the programs of examples/articles and writes what they say and show as one page.",
    )
    articles.add_argument("numbers", nargs="*", metavar="NUMBER", help="000 to 004 (default: all)")
    articles.add_argument("--out", type=Path, default=Path("minigrad-articles"), metavar="FOLDER",
                          help="where the page goes (default: ./minigrad-articles)")  # fmt: skip
    articles.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    articles.add_argument("--no-figures", action="store_true", help="a page without figures, without matplotlib")
    articles.set_defaults(run=run_articles)
    return articles


def add_claims(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    claims = commands.add_parser(
        "claims",
        help="what is said of regularization, each with a criterion: does it hold?",
        description="Runs the programs of examples/claims: mathematical criteria are asserted, empirical ones print "
        "`holds`, `does not hold` or `undecided` with their figures; writes a page.",
    )
    claims.add_argument("numbers", nargs="*", metavar="CLAIM", help="C3, for instance (default: all)")
    claims.add_argument("--out", type=Path, default=Path("minigrad-claims"), metavar="FOLDER",
                        help="where the page goes (default: ./minigrad-claims)")  # fmt: skip
    claims.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    claims.add_argument("--jobs", type=_at_least(1), default=1, metavar="N", help="claims side by side, by joblib (1)")
    claims.add_argument("--no-figures", action="store_true", help="a page without figures, without matplotlib")
    claims.set_defaults(run=run_claims)
    return claims


def add_bench(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    bench = commands.add_parser(
        "bench", add_help=False, help="the kernels against NumPy and, where installed, PyTorch, JAX and numba"
    )
    bench.add_argument("families", nargs="*")
    bench.set_defaults(run=run_bench)
    return bench


def add_info(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    info = commands.add_parser(
        "info",
        help="what this installation computes with",
        description="Version, kernels, threads and paths: for bug reports.",
    )
    info.set_defaults(run=run_info)
    return info


def run_demo(options: argparse.Namespace) -> None:
    from .lab.demo import mnist, report

    console.make_folder(options.out)  # before the work, not after it
    one_thread(options)
    job = {"digits": report, "mnist": mnist}[options.data]
    job.main(options)


def run_cost(options: argparse.Namespace) -> None:
    from .lab.cost import cost

    options.terms = options.terms or cost.TERMS
    options.rounds = options.rounds or cost.ROUNDS
    one_thread(options)
    cost.main(options)


def run_articles(options: argparse.Namespace) -> None:
    from .lab.gallery import pages

    one_thread(options)
    pages.main(options, pages.ARTICLES)


def run_claims(options: argparse.Namespace) -> None:
    from .lab.gallery import pages

    one_thread(options)
    pages.main(options, pages.CLAIMS)


def one_thread(options: argparse.Namespace) -> None:
    """Compute with one thread unless --threads says otherwise.

    Batches of 32 rows leave a second thread little to gain. Where other processes keep the cores busy it has much to
    lose: measured at a load of 11 on two cores, 0.6 s with one thread became 33 s with two.
    """
    if options.threads is None:
        kernels.set_num_threads(1)


def run_bench(options: argparse.Namespace) -> None:
    from .lab import shipped

    sys.path.insert(0, str(shipped.root()))
    from benchmarks.harness.command import main as bench  # type: ignore[import-not-found, unused-ignore]

    if bench([*options.families, *options.rest], "minigrad bench"):
        raise SystemExit(USER_ERROR)


def run_info(options: argparse.Namespace) -> None:
    from .data.sets import mnist

    found = [str(folder) for folder in mnist.folders() if folder.is_dir()]
    lines = {
        "minigrad": f"{__version__}, {Path(__file__).parent}",
        "python": f"{platform.python_version()} on {platform.platform()}",
        "mnist": found[0] if found else f"not found in {' or '.join(map(str, mnist.folders()))}",
    }
    print("\n".join(f"{name:<12} {value}" for name, value in lines.items()))
    print(kernels.report())


def _at_least(low: int):
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(f"{text!r}: need a whole number of at least {low}")
        return value

    return number
