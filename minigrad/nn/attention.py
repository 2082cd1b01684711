"""Multi-head attention, and a layer of a transformer's encoder. PyTorch's names, arguments and defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import finite, real_dtype, truth, whole
from ..engine import Tensor
from ..errors import DTypeError, ShapeError
from ..ops.elementwise.activations import gelu
from ..ops.elementwise.arithmetic import add
from ..ops.elementwise.fused_activations import relu
from ..ops.layers.attention import attention_weights
from ..ops.linalg.matmul import affine, matmul
from ..ops.reduce.statistics import mean
from ..ops.shape.slices import view
from ..ops.shape.views import permute, reshape
from ..tensor import tensor
from . import init as initializers
from .dropout.dropout import Dropout
from .linear import Linear
from .module import Module, Parameter
from .normalization import LayerNorm


class MultiheadAttention(Module):
    """softmax(q kᵀ / √(embed_dim / num_heads)) v for num_heads parts of projected queries, keys and values, projected.

    embed_dim    the width of queries and outputs; a head has embed_dim / num_heads of it
    dropout      the share of attention weights that is dropped in training
    kdim, vdim   the widths of keys and values, where they are others
    batch_first  False for inputs (steps, rows, width), True for (rows, steps, width); (steps, width) is one row
    bias         False for projections without bias

    Weights are stored (in, out), as those of Linear: in_proj_weight (embed_dim, 3 embed_dim) has the columns of
    queries, keys and values side by side and is PyTorch's transposed, in_proj_bias (3 embed_dim) is PyTorch's; with
    kdim or vdim there are q_proj_weight, k_proj_weight and v_proj_weight instead. out_proj is a Linear. Weights start
    Glorot-uniform, biases at 0.

    Called with (query, key, value) it returns (output, weights): weights (rows, queries, keys) is the mean over the
    heads, (rows, heads, queries, keys) with average_attn_weights=False, None with need_weights=False.
    key_padding_mask (rows, keys) and attn_mask, (queries, keys) or (rows · heads, queries, keys), are booleans, True
    where a key may *not* be seen, as in PyTorch (and the other way round in scaled_dot_product_attention), or numbers
    that are added. is_causal lets a query see keys up to its own number. A query that sees no key gets the bias alone.

    errors       ShapeError for widths, steps or masks that do not fit, ValueError for heads of unequal width

    source       Vaswani et al. 2017, Attention is all you need, section 3.2.2

    >>> import minigrad as mg
    >>> layer = mg.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = mg.rand(3, 5, 8)
    >>> y, weights = layer(x, x, x)
    >>> y.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: Any = "float32",
    ) -> None:
        name = "MultiheadAttention"
        self.embed_dim = n = whole(embed_dim, f"{name}: embed_dim", 1)
        self.num_heads = whole(num_heads, f"{name}: num_heads", 1)
        if n % self.num_heads:
            raise ValueError(f"{name}: embed_dim is {n}, num_heads {num_heads}; need heads of equal width")
        self.kdim = n if kdim is None else whole(kdim, f"{name}: kdim", 1)
        self.vdim = n if vdim is None else whole(vdim, f"{name}: vdim", 1)
        self.batch_first = truth(batch_first, f"{name}: batch_first")
        dtype = real_dtype(dtype, f"{name}: dtype")
        self.in_proj_weight = self.q_proj_weight = self.k_proj_weight = self.v_proj_weight = None
        if self.kdim == self.vdim == n:
            self.in_proj_weight = Parameter(initializers.glorot_uniform((n, 3 * n), dtype), dtype)
        else:
            self.q_proj_weight = Parameter(initializers.glorot_uniform((n, n), dtype), dtype)
            self.k_proj_weight = Parameter(initializers.glorot_uniform((self.kdim, n), dtype), dtype)
            self.v_proj_weight = Parameter(initializers.glorot_uniform((self.vdim, n), dtype), dtype)
        self.in_proj_bias = Parameter(initializers.zeros((3 * n,), dtype), dtype) if bias else None
        self.out_proj = Linear(n, n, bias=bool(bias), dtype=dtype)
        p = finite(dropout, f"{name}: dropout", 0.0, 1.0)
        self.dropout = Dropout(p) if p > 0 else None

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        same = key is query and value is query
        query, key, value = (x if isinstance(x, Tensor) else tensor(x) for x in (query, key, value))
        one_row = query.ndim == 2
        q, k, v = (self._rows_first(name, x, one_row) for name, x in (("query", query), ("key", key), ("value", value)))
        self._check(q, k, v)
        steps, keys = q.array.shape[1], k.array.shape[1]
        masks = self._masks(key_padding_mask, attn_mask, q.array.shape[0], steps, keys)
        heads = [self._heads(x) for x in (self._projected(q) if same else self._projected(q, k, v))]
        weights = attention_weights(heads[0], heads[1], masks, bool(is_causal), None)
        used = weights if self.dropout is None else self.dropout(weights)
        y = permute(matmul(used, heads[2]), dims=(0, 2, 1, 3))
        y = self.out_proj(reshape(y, shape=(q.array.shape[0], steps, self.embed_dim)))
        shown = (mean(used, dim=1) if average_attn_weights else used) if need_weights else None
        if one_row:
            y, shown = view(y, index=(0,)), None if shown is None else view(shown, index=(0,))
        elif not self.batch_first:
            y = permute(y, dims=(1, 0, 2))
        return y, shown

    def _rows_first(self, name: str, x: Tensor, one_row: bool) -> Tensor:
        """x as (rows, steps, width)."""
        if x.ndim != (2 if one_row else 3):
            raise ShapeError(
                f"{name} is {x.shape}; need {'(rows, steps' if self.batch_first else '(steps, rows'}, width)"
            )
        if one_row:
            return reshape(x, shape=(1, *x.array.shape))
        return x if self.batch_first else permute(x, dims=(1, 0, 2))

    def _check(self, q: Tensor, k: Tensor, v: Tensor) -> None:
        """Widths, rows and keys fit, and dtypes."""
        shapes = [x.array.shape for x in (q, k, v)]
        widths = (self.embed_dim, self.kdim, self.vdim)
        if tuple(s[2] for s in shapes) != widths or len({s[0] for s in shapes}) > 1 or shapes[1][1] != shapes[2][1]:
            raise ShapeError(
                f"query, key and value have rows, steps and widths {', '.join(map(str, shapes))}; need equal rows, as "
                f"many keys as values, and the widths {widths}"
            )
        dtype = self.out_proj.weight.array.dtype
        for x in (q, k, v):
            if x.array.dtype != dtype:
                raise DTypeError(f"an input is {x.array.dtype}, the weights {dtype}; use x.to({str(dtype)!r})")

    def _projected(self, q: Tensor, *others: Tensor) -> list[Tensor]:
        """Queries, keys and values (rows, steps, embed_dim); of one tensor by one product."""
        n, bias = self.embed_dim, self.in_proj_bias

        def product(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
            rows, steps, width = x.array.shape
            y = affine(reshape(x, shape=(rows * steps, width)), w, b)
            return reshape(y, shape=(rows, steps, y.array.shape[1]))

        parts = [slice(i * n, (i + 1) * n) for i in range(3)]
        if self.in_proj_weight is not None and not others:
            together = product(q, self.in_proj_weight, bias)
            return [view(together, index=(slice(None), slice(None), part)) for part in parts]
        inputs = (q, *others) if others else (q, q, q)
        weights: tuple[Any, ...] = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        if self.in_proj_weight is not None:
            weights = tuple(view(self.in_proj_weight, index=(slice(None), part)) for part in parts)
        biases = [None if bias is None else view(bias, index=(part,)) for part in parts]
        return [product(x, w, b) for x, w, b in zip(inputs, weights, biases)]

    def _heads(self, x: Tensor) -> Tensor:
        """(rows, steps, embed_dim) as (rows, heads, steps, width of a head)."""
        rows, steps, n = x.array.shape
        return permute(reshape(x, shape=(rows, steps, self.num_heads, n // self.num_heads)), dims=(0, 2, 1, 3))

    def _masks(self, padding: Any, mask: Any, rows: int, queries: int, keys: int) -> list[np.ndarray]:
        """The masks as attention_weights takes them: True where a key may be seen, or numbers to be added."""
        found = []
        if padding is not None:
            array = _array("key_padding_mask", padding, self.out_proj.weight)
            if array.shape not in ((rows, keys), (keys,)):
                raise ShapeError(f"key_padding_mask is {array.shape}; need ({rows}, {keys}): rows, keys")
            found.append(array.reshape(-1, 1, 1, keys))
        if mask is not None:
            array, many = _array("attn_mask", mask, self.out_proj.weight), rows * self.num_heads
            if array.shape == (many, queries, keys):
                array = array.reshape(rows, self.num_heads, queries, keys)
            elif array.shape != (queries, keys):
                need = f"({queries}, {keys}) or ({many}, {queries}, {keys})"
                raise ShapeError(f"attn_mask is {array.shape}; need {need}: queries, keys")
            found.append(array)
        return found

    def extra_repr(self) -> str:
        return f"{self.embed_dim}, {self.num_heads} heads" + ("" if self.in_proj_bias is not None else ", no bias")


def _array(name: str, mask: Any, like: Tensor) -> np.ndarray:
    """A mask where True forbids as an array where True allows; floats are taken in the dtype of `like`."""
    array = mask.array if isinstance(mask, Tensor) else np.asarray(mask)
    if array.dtype.kind not in "bf":
        raise DTypeError(f"{name} is {array.dtype}; need booleans, True where a key may not be seen, or floats")
    return ~array if array.dtype == bool else array.astype(like.array.dtype)


ACTIVATIONS: dict[str, Callable[..., Tensor]] = {"relu": relu, "gelu": gelu}


class TransformerEncoderLayer(Module):
    """Attention of a sequence to itself, then two linear layers on each step, each beside a shortcut and normalized.

    x = norm1(x + dropout1(attention(x))), y = norm2(x + dropout2(linear2(dropout(activation(linear1(x))))));
    with norm_first x + dropout1(attention(norm1(x))), and so on: that one trains without a warm-up of the rate.

    d_model, nhead    the width, and the heads of the attention
    dim_feedforward   the width between the two linear layers
    dropout           the share that each of the four dropouts drops in training
    activation        "relu", "gelu", or a function of tensors
    batch_first       False for x (steps, rows, width), True for (rows, steps, width)

    src_mask and src_key_padding_mask of a call are attn_mask and key_padding_mask of MultiheadAttention.

    source    Vaswani et al. 2017, Attention is all you need; norm_first: Xiong et al. 2020, On layer normalization in
              the transformer architecture

    ValueError for another activation, or an embed_dim that nhead does not divide.

    >>> import minigrad as mg
    >>> layer = mg.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    >>> layer(mg.rand(3, 5, 8)).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[..., Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = "float32",
    ) -> None:
        p = finite(dropout, "TransformerEncoderLayer: dropout", 0.0, 1.0)
        if not (callable(activation) or activation in ACTIVATIONS):
            raise ValueError(
                f"TransformerEncoderLayer: activation is {activation!r}; need 'relu', 'gelu' or a function"
            )
        self.self_attn = MultiheadAttention(d_model, nhead, p, bias, batch_first=batch_first, dtype=dtype)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype)
        self.dropout = Dropout(p)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1, self.dropout2 = Dropout(p), Dropout(p)
        self.activation, self.norm_first = activation, truth(norm_first, "TransformerEncoderLayer: norm_first")

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        x = src if isinstance(src, Tensor) else tensor(src)
        masks = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask, "is_causal": is_causal}
        if self.norm_first:
            x = add(x, self._attend(self.norm1(x), masks))
            return add(x, self._feed(self.norm2(x)))
        x = self.norm1(add(x, self._attend(x, masks)))
        return self.norm2(add(x, self._feed(x)))

    def _attend(self, x: Tensor, masks: dict[str, Any]) -> Tensor:
        return self.dropout1(self.self_attn(x, x, x, need_weights=False, **masks)[0])

    def _feed(self, x: Tensor) -> Tensor:
        act = ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        return self.dropout2(self.linear2(self.dropout(act(self.linear1(x)))))

    def extra_repr(self) -> str:
        name = self.activation if isinstance(self.activation, str) else getattr(self.activation, "__name__", "function")
        return name + (", norm first" if self.norm_first else "")
