"""Products by PyTorch's names: each is `matmul` (or a product of elements) after shapes are checked or arranged."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...engine import Tensor
from ...errors import ShapeError
from ..elementwise.arithmetic import add, mul
from ..shape.axes import normalize_dims
from ..shape.broadcast import cast
from ..shape.views import permute, reshape
from .matmul import affine, matmul


def check_dims(op: str, **tensors: tuple[Tensor, int]) -> None:
    """Raise unless each tensor has its number of dimensions: name=(tensor, number). The error shows all shapes."""
    for name, (t, _) in tensors.items():
        if not isinstance(t, Tensor):
            raise TypeError(f"{op}: {name} is a {type(t).__name__}; need a tensor: minigrad.tensor(...)")
    if any(t.ndim != wanted for t, wanted in tensors.values()):
        came = ", ".join(f"{name} is {t.shape}" for name, (t, _) in tensors.items())
        need = ", ".join(f"{wanted} for {name}" for name, (_, wanted) in tensors.items())
        raise ShapeError(f"{op}: {came}; need dimensions: {need} (matmul takes vectors, matrices and batches)")


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """y = input mat2, (m, k) by (k, n).

    TypeError for what is no tensor, ShapeError for dimensions or sizes that do not fit, DTypeError for two dtypes.

    >>> import minigrad as mg
    >>> mg.mm(mg.tensor([[1, 2]]), mg.tensor([[3], [4]]))
    tensor([[11.]])
    """
    check_dims("mm", input=(input, 2), mat2=(mat2, 2))
    return matmul(input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """y = input vec, (m, k) by (k,).

    TypeError for what is no tensor, ShapeError for dimensions or sizes that do not fit, DTypeError for two dtypes.

    >>> import minigrad as mg
    >>> mg.mv(mg.tensor([[1, 2], [3, 4]]), mg.tensor([1, 1]))
    tensor([3., 7.])
    """
    check_dims("mv", input=(input, 2), vec=(vec, 1))
    return matmul(input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """y = Σ inputᵢ tensorᵢ of two vectors: a number.

    TypeError for what is no tensor, ShapeError for dimensions or sizes that do not fit, DTypeError for two dtypes.

    >>> import minigrad as mg
    >>> mg.dot(mg.tensor([1, 2, 3]), mg.tensor([1, 10, 100]))
    tensor(321.)
    """
    check_dims("dot", input=(input, 1), tensor=(tensor, 1))
    return matmul(input, tensor)


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """y = Σ inputᵢ otherᵢ, the same as dot. (PyTorch conjugates a complex input; minigrad has no complex numbers.)

    TypeError for what is no tensor, ShapeError for what are no vectors of one size.

    >>> import minigrad as mg
    >>> mg.vdot(mg.tensor([1, 2]), mg.tensor([3, 4]))
    tensor(11.)
    """
    check_dims("vdot", input=(input, 1), other=(other, 1))
    return matmul(input, other)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """y = Σ over the last dimension of both, of shape input.shape[:-1] + other.shape[:-1]; with a number, the product.

    ShapeError if the last sizes differ, DTypeError for two dtypes.

    >>> import minigrad as mg
    >>> mg.inner(mg.tensor([[1, 2], [3, 4]]), mg.tensor([1, 10]))
    tensor([21., 43.])
    """
    if input.ndim == 0 or other.ndim == 0:
        return mul(input, other)
    return tensordot(input, other, dims=([-1], [-1]))


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """y[i, j] = inputᵢ vec2ⱼ of two vectors.

    TypeError for what is no tensor, ShapeError for dimensions or sizes that do not fit, DTypeError for two dtypes.

    >>> import minigrad as mg
    >>> mg.outer(mg.tensor([1, 2]), mg.tensor([1, 10]))
    tensor([[ 1., 10.],
            [ 2., 20.]])
    """
    check_dims("outer", input=(input, 1), vec2=(vec2, 1))
    return matmul(reshape(input, shape=(input.size, 1)), reshape(vec2, shape=(1, vec2.size)))


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """yᵢ = inputᵢ mat2ᵢ, (b, m, k) by (b, k, n); no broadcasting (matmul does).

    ShapeError for batches of two sizes, or matrices that do not fit.

    >>> import minigrad as mg
    >>> mg.bmm(mg.tensor([[[1, 2]], [[3, 4]]]), mg.tensor([[[1], [1]], [[2], [2]]]))
    tensor([[[ 3.]],
    <BLANKLINE>
            [[14.]]])
    """
    check_dims("bmm", input=(input, 3), mat2=(mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: input is {input.shape}, mat2 is {mat2.shape}; need batches of one size")
    return matmul(input, mat2)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """y = beta input + alpha mat1 mat2; input broadcasts to (m, n). If beta is 0, input is ignored, even a NaN in it.

    ShapeError if the sizes of mat1 and mat2 do not fit, or input does not broadcast to (m, n).

    >>> import minigrad as mg
    >>> mg.addmm(mg.tensor([1.0]), mg.tensor([[1, 2]]), mg.tensor([[3], [4]]), beta=2, alpha=10)
    tensor([[112.]])
    """
    check_dims("addmm", mat1=(mat1, 2), mat2=(mat2, 2))
    shape = mat1.shape[0], mat2.shape[1]
    fits = len(input.shape) <= 2 and all(n in (1, s) for n, s in zip(input.shape[::-1], shape[::-1]))
    if not fits:
        raise ShapeError(f"addmm: input is {input.shape}; it does not broadcast to mat1 mat2, {shape}")
    y = matmul(mat1, mat2)
    if alpha != 1:
        y = mul(float(alpha), y)
    if beta == 0:
        return y
    return add(input if beta == 1 else mul(float(beta), input), y)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = input weightᵀ + bias, as PyTorch stores it: weight (out, in); input (..., in), bias (out,).

    A weight (in,) gives one output, without that dimension. Integers and booleans in the input are converted to the
    weight's dtype. (`affine` and `nn.Linear` store (in, out).)

    ShapeError if the last sizes of input and weight differ, or the bias is not (out,).

    >>> import minigrad as mg
    >>> mg.linear(mg.tensor([1, 2]), mg.tensor([[1, 1], [0, 3]]), mg.tensor([10, 20]))
    tensor([13., 26.])
    """
    shape, own = input.shape, weight.shape
    if len(own) not in (1, 2) or not shape or shape[-1] != own[-1]:
        raise ShapeError(f"linear: input is {shape}, weight is {own}; need (..., in) and (out, in)")
    outputs = own[:-1]
    if bias is not None and bias.shape != outputs:
        raise ShapeError(f"linear: bias is {bias.shape}; need {outputs}")
    if len(own) == 1:
        if input.array.dtype.kind != "f":
            input = cast(input, dtype=weight.dtype)
        y = matmul(input, weight)
        return y if bias is None else add(y, bias)
    if len(shape) == 2:
        return affine(input, permute(weight, dims=(1, 0)), bias)
    rows = reshape(input, shape=(math.prod(shape[:-1]), shape[-1]))
    return reshape(affine(rows, permute(weight, dims=(1, 0)), bias), shape=shape[:-1] + outputs)


def _summed_dims(a: Tensor, b: Tensor, dims: int | Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """The dimensions of a and those of b that tensordot sums over, in pairs."""
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(f"tensordot: dims is {dims}, a is {a.shape}, b is {b.shape}; need 0 <= dims <= both")
        dims = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    of_a, of_b = ([normalize_dims("tensordot", d, t.ndim)[0] for d in ds] for t, ds in ((a, dims[0]), (b, dims[1])))
    sizes_differ = [a.shape[d] for d in of_a] != [b.shape[d] for d in of_b]
    if sizes_differ or len({*of_a}) < len(of_a) or len({*of_b}) < len(of_b):
        raise ShapeError(
            f"tensordot: a is {a.shape}, b is {b.shape}, dims are {of_a} and {of_b}; need pairs of equal sizes, each "
            "once"
        )
    return of_a, of_b


def tensordot(a: Tensor, b: Tensor, dims: int | Sequence[Sequence[int]] = 2) -> Tensor:
    """y = Σ over pairs of dimensions: the last `dims` of a with the first of b, or dims = (those of a, those of b).

    The shape of y is the other dimensions of a, then the other dimensions of b. ShapeError if the sizes of a pair
    differ, or a dimension is named twice.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1, 2], [3, 4]])
    >>> mg.tensordot(x, x, dims=([0], [0]))
    tensor([[10., 14.],
            [14., 20.]])
    """
    of_a, of_b = _summed_dims(a, b, dims)
    left, right = [d for d in range(a.ndim) if d not in of_a], [d for d in range(b.ndim) if d not in of_b]
    shape = [a.shape[d] for d in left], [b.shape[d] for d in right]
    k = math.prod(a.shape[d] for d in of_a)
    y = matmul(
        reshape(permute(a, dims=(*left, *of_a)), shape=(math.prod(shape[0]), k)),
        reshape(permute(b, dims=(*of_b, *right)), shape=(k, math.prod(shape[1]))),
    )
    return reshape(y, shape=(*shape[0], *shape[1]))
