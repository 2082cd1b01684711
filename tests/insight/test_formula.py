"""Formulas: brackets only where they are needed, names where there are any."""

import pytest

from minigrad.insight.formula import Call, Operand, formula

A, B, C = (("tensor", stamp) for stamp in (1, 2, 3))
X, Y = ("tensor", 10), ("tensor", 11)


def text(inner, outer, left=True):
    """outer(inner(a, b), c), or outer(c, inner(a, b)), as a formula."""
    a, b, c, x = (Operand(key, "?") for key in (A, B, C, X))
    calls = {X: Call(inner, (a, b), {}), Y: Call(outer, (x, c) if left else (c, x), {})}
    return formula(Y, calls, {A: "a", B: "b", C: "c"}.get)


@pytest.mark.parametrize(
    ("inner", "outer", "left", "right"),
    [
        ("add", "mul", "(a + b) · c", "c · (a + b)"),
        ("mul", "add", "a · b + c", "c + a · b"),
        ("sub", "sub", "a − b − c", "c − (a − b)"),
        ("div", "div", "a / b / c", "c / (a / b)"),
        ("mul", "mul", "a · b · c", "c · a · b"),
        ("add", "pow", "(a + b)^c", "c^(a + b)"),
        ("matmul", "sub", "a @ b − c", "c − a @ b"),
        ("maximum", "mul", "maximum(a, b) · c", "c · maximum(a, b)"),
    ],
)
def test_brackets(inner, outer, left, right):
    assert text(inner, outer) == left
    assert text(inner, outer, left=False) == right


def test_transposed_products_and_options():
    calls = {
        X: Call("matmul", (Operand(A, ""), Operand(B, "")), {"ta": True}),
        Y: Call("sum", (Operand(X, ""),), {"dim": (0,), "keepdim": False, "mask": object()}),
    }
    assert formula(Y, calls, {A: "a", B: "b"}.get) == "Σ(aᵀ @ b, dim=(0,))"


def test_a_negative_number_is_bracketed():
    calls = {Y: Call("square", (Operand(("plain", 5), "-2"),), {})}
    assert formula(Y, calls, {}.get) == "(-2)²"
