"""Specs of ops/linalg/products.py and einsum.py."""

from hypothesis import strategies as st
from ops.specs import SIZES, Spec, values

import minigrad as mg
from minigrad.ops.linalg.einsum import diagonal


@st.composite
def sized(draw, *patterns, options=None):
    """One array per pattern of letters: equal letters are equal sizes."""
    n = {letter: draw(SIZES) for letter in sorted({*"".join(patterns)})}
    arrays = [values(tuple(n[c] for c in pattern), draw(st.integers(0, 999))) for pattern in patterns]
    return arrays, {name: draw(strategy) for name, strategy in (options or {}).items()}


@st.composite
def products(draw):
    """Operands of matmul: vectors, matrices, batches that broadcast; matrices may be stored transposed."""
    m, k, n = draw(SIZES), draw(SIZES), draw(SIZES)
    batch = [draw(SIZES) for _ in range(draw(st.integers(0, 2)))]

    def operand(rows, columns, vector):
        transposed = draw(st.booleans())
        if draw(st.integers(0, 3)) == 0:
            return (vector,), False
        kept = batch[draw(st.integers(0, len(batch))) :]
        stretched = [1 if draw(st.integers(0, 3)) == 0 else s for s in kept]
        return (*stretched, *((columns, rows) if transposed else (rows, columns))), transposed

    (a, ta), (b, tb) = operand(m, k, k), operand(k, n, k)
    return [values(a, draw(st.integers(0, 999))), values(b, draw(st.integers(0, 999)))], {"ta": ta, "tb": tb}


def swapped(x, transposed):
    return x.swapaxes(-1, -2) if transposed else x


def einsum(equation, *patterns):
    patterns = patterns or equation.partition("->")[0].replace(" ", "").split(",")
    return Spec(lambda *xs: mg.einsum(equation, *xs), sized(*patterns), lambda torch, *xs: torch.einsum(equation, *xs))


SCALES = {"beta": st.sampled_from([1, -0.5]), "alpha": st.sampled_from([1, 2.5])}
SPECS = {
    "matmul of vectors and batches": Spec(
        mg.matmul, products(), lambda torch, a, b, ta, tb: torch.matmul(swapped(a, ta), swapped(b, tb))
    ),
    "mm": Spec(mg.mm, sized("mk", "kn"), lambda torch, a, b: torch.mm(a, b)),
    "mv": Spec(mg.mv, sized("mk", "k"), lambda torch, a, b: torch.mv(a, b)),
    "dot": Spec(mg.dot, sized("k", "k"), lambda torch, a, b: torch.dot(a, b)),
    "vdot": Spec(mg.vdot, sized("k", "k"), lambda torch, a, b: torch.vdot(a, b)),
    "inner": [
        Spec(mg.inner, sized(a, b), lambda torch, a, b: torch.inner(a, b))
        for a, b in [("k", "k"), ("mk", "nk"), ("bmk", "k"), ("", "mn")]
    ],
    "outer": Spec(mg.outer, sized("m", "n"), lambda torch, a, b: torch.outer(a, b)),
    "bmm": Spec(mg.bmm, sized("bmk", "bkn"), lambda torch, a, b: torch.bmm(a, b)),
    "addmm": [
        Spec(mg.addmm, sized(c, "mk", "kn", options=SCALES), lambda torch, c, a, b, **how: torch.addmm(c, a, b, **how))
        for c in ("mn", "n", "")
    ],
    "linear": [
        Spec(mg.linear, sized(*patterns), lambda torch, *xs: torch.nn.functional.linear(*xs))
        for patterns in [("mk", "nk", "n"), ("k", "nk"), ("abk", "nk", "n"), ("mk", "k")]
    ],
    "tensordot": [
        Spec(
            mg.tensordot,
            sized(a, b, options={"dims": st.just(dims)}),
            lambda torch, a, b, dims: torch.tensordot(a, b, dims),
        )
        for a, b, dims in [
            ("abc", "bcd", 2),
            ("ab", "cd", 0),
            ("abc", "cbd", ([2, 1], [0, 1])),
            ("abc", "dba", ([0, -2], [-1, 1])),
        ]
    ],
    "diagonal": [
        Spec(diagonal, sized(pattern), lambda torch, x: torch.diagonal(x, dim1=-2, dim2=-1))
        for pattern in ("ii", "bii")
    ],
    "einsum": [
        einsum(e)
        for e in (
            "ij,jk->ik",
            "ij,jk",
            "ij->ji",
            "ij->",
            "ij->j",
            "ii",
            "ii->i",
            "iij->ij",
            "ijij->ji",
            "i,i->i",
            "i,i",
            "i,j->ij",
            "bij,bjk->bik",
            "bij,bkj->bik",
            "ij,ij,ij->i",
            "ij,jk,kl->il",
            "ab,cb,da,cd",
            "Ba, aB",
            ",ij->ji",
            "ijk,kl,jl->i",
        )
    ]
    + [
        einsum("...ij,...jk->...ik", "xyij", "xyjk"),
        einsum("...ij,...jk", "xyij", "jk"),
        einsum("...i->i...", "xyi"),
        einsum("i...,...->...", "ixy", "y"),
        einsum("b...->b", "bxy"),
    ],
}
