"""Identities: equal for what computes the same, in any process; others where code, constants or state differ."""

import functools
import re
import subprocess
import sys

import numpy as np
import pytest

from minigrad import nn, optim, reg, selection
from minigrad.selection.identity import identity

ENCLOSING = "def h(c):\n def g(x): return c * x\n return g\n"
HOLDING = "class C:\n def __init__(self, n): self.n = n\n"


def scope(**more):
    return {"reg": reg, "__name__": "somewhere", **more}


def made(text, **more):
    """A function of this source, as a notebook cell makes it."""
    place = scope(**more)
    exec(compile(text, "cell", "exec"), place)
    return place["f"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(lam): return reg.L1(lam)", "def f(lam): return reg.L1(2 * lam)"),
        ("def f(lam): return reg.L1(lam)", "def f(lam): return reg.L2(lam)"),
        ("f = lambda lam: lam * 2", "f = lambda lam: lam * 3"),
        ("def f(lam, l2=0.1): return lam", "def f(lam, l2=0.2): return lam"),
        ("def f(lam, *, l2=0.1): return lam", "def f(lam, *, l2=0.2): return lam"),
        ("def g(x): return x\ndef f(lam): return g(lam)", "def g(x): return -x\ndef f(lam): return g(lam)"),
        ("C = 1\ndef f(lam): return C * lam", "C = 2\ndef f(lam): return C * lam"),
        (f"{ENCLOSING}f = h(1)", f"{ENCLOSING}f = h(2)"),
        ("class f:\n def __call__(self): return 1", "class f:\n def __call__(self): return 2"),
        ("class f:\n size = 1", "class f:\n size = 2"),
        ("class B:\n def g(self): return 1\nclass f(B): pass", "class B:\n def g(self): return 2\nclass f(B): pass"),
        (f"{HOLDING}f = C(1)", f"{HOLDING}f = C(2)"),
        ("class C:\n def g(self): return 1\nf = C().g", "class C:\n def g(self): return 2\nf = C().g"),
        ("def f(lam): return {'a', 'b', 'c'}", "def f(lam): return {'a', 'b', 'd'}"),
        ("def f(lam): return [x for x in (1, 2)]", "def f(lam): return [x for x in (1, 3)]"),
    ],
)
def test_edits_are_seen(one, other):
    assert identity(made(one)) == identity(made(one)), one
    assert identity(made(one)) != identity(made(other)), other
    moved = identity(made("\n\n\n# a comment\n" + one))
    assert moved == identity(made(one)), "lines and comments do not count"


def test_objects():
    pairs = [
        (functools.partial(round, ndigits=1), functools.partial(round, ndigits=2)),
        (functools.partial(max, 1), functools.partial(min, 1)),
        (reg.L1(0.1), reg.L1(0.2)),
        (np.arange(3), np.arange(4)),
        (nn.Linear(2, 2), nn.Linear(2, 2)),  # other weights
        ({"a": 1}, {"a": 2}),
        ({1, 2}, {1, 3}),
        ([1], (1,)),
        (1, 1.0),
        (selection.Uniform(0, 1), selection.Uniform(0, 2)),
    ]
    for one, other in pairs:
        assert identity(one) != identity(other), one
    for same in (
        lambda: functools.partial(round, ndigits=1),
        lambda: reg.ElasticNet(0.1, 0.2),
        lambda: {"b", "a"},
        lambda: np.float64(0.1),
        lambda: optim.Adam,
        lambda: {"x": [1, (2, 3)]},
    ):
        assert identity(same()) == identity(same()) and not re.search("0x", identity(same()))


def test_what_calls_itself_ends():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert identity(even) != identity(odd)


def test_what_cannot_be_told_is_refused():
    with open(__file__, "rb") as file, pytest.raises(ValueError, match="can't be told from another of its kind"):
        identity(functools.partial(len, (x for x in "ab")))
    assert file.closed


def test_a_new_process_says_the_same():
    program = """
import functools, numpy as np
from minigrad import reg
from minigrad.selection.identity import identity
limits = {"small", "large", "medium", "none"}
class Task:
    def __init__(self, n): self.n, self.names = n, {"b", "a", "c"}
    def __call__(self, x): return x if x in {"u", "v", "w"} else limits
def both(lam, l2): return reg.ElasticNet(lam, l2)
print(identity(functools.partial(both, l2=0.1)), identity(Task(3)), identity(Task), identity(Task(3).__call__))
"""
    said = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }
    assert len(said) == 1
