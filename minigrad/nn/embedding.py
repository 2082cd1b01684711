"""Embedding layers: rows of a table by number, and bags of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import finite, real_dtype, whole
from ..engine import Tensor
from ..errors import ShapeError
from ..ops.layers.embedding import MODES, embedding, embedding_bag
from . import init as initializers
from .dropout.dropout import mask, spread
from .dropout.random_layer import RandomLayer
from .module import Parameter


class _Table(RandomLayer):
    """What both layers share: the table `weight`, and in training whole rows of it dropped."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        init: str | Callable[..., Any],
        dropout: float,
        dtype: Any,
        seed: int | None,
    ) -> None:
        super().__init__(seed)
        name = type(self).__name__
        self.num_embeddings = whole(num_embeddings, f"{name}: num_embeddings", 1)
        self.embedding_dim = whole(embedding_dim, f"{name}: embedding_dim", 1)
        self.padding_idx = None
        if padding_idx is not None:
            n = self.num_embeddings
            self.padding_idx = whole(padding_idx, f"{name}: padding_idx", -n, n) % n
        self.dropout = finite(dropout, f"{name}: dropout (the share of rows that is dropped)", 0.0, 1.0)
        dtype, shape = real_dtype(dtype, f"{name}: dtype"), (self.num_embeddings, self.embedding_dim)
        weight = np.array(initializers.find(init)(shape, dtype))
        if weight.shape != shape:
            raise ShapeError(f"{name}: init returned {weight.shape}; need {shape}")
        if self.padding_idx is not None:
            weight[self.padding_idx] = 0
        self.weight = Parameter(weight, dtype)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **options: Any) -> Any:
        """A layer whose table is a copy of `embeddings` (entries, width), frozen unless freeze=False."""
        table = np.asarray(embeddings)
        if table.ndim != 2:
            raise ShapeError(f"{cls.__name__}: embeddings are {table.shape}; need (entries, width)")
        kept: dict[str, Any] = {"dtype": table.dtype if table.dtype == np.float64 else "float32", **options}
        make: Any = cls  # the layers take an init, and what else they take
        layer = make(table.shape[0], table.shape[1], init="zeros", **kept)
        layer.weight = Parameter(table, kept["dtype"])
        layer.weight.requires_grad_(not freeze)
        return layer

    def table(self) -> Tensor:
        """weight, in training with dropped rows: 0, and the others divided by 1 - dropout."""
        if not self.training:
            return self.weight
        drawn = self.draw() if self.dropout > 0 else None
        if drawn is None:
            return self.weight
        scale = 1 / (1 - self.dropout) if self.dropout < 1 else 0.0
        return spread(self.weight, (self.num_embeddings, 1), self.dropout, drawn, 0, scale)

    def last_mask(self) -> np.ndarray:
        """Which rows of the table the last call in training kept (entries,), drawn again from its stream."""
        return mask((self.num_embeddings,), self.dropout, *self.last_draw())

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}->{self.embedding_dim}"
        text += f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        return text + (f", dropout={self.dropout:g}" if self.dropout else "")


class Embedding(_Table):
    """The rows of a table that numbers name: x, integers of any shape, to (*x.shape, embedding_dim).

    weight       the table (num_embeddings, embedding_dim), a parameter
    padding_idx  a row that starts at 0 and gets no gradient: what fills short sequences up
    init         what the table starts from: a function of minigrad.nn.init or its name
    dropout      the probability with which a row is dropped in training, at all places where its number occurs; kept
                 rows are divided by 1 - dropout. One draw for each call, from the streams of Dropout; seed as there.
    errors       IndexError for a number outside of the table, DTypeError for numbers that are not whole

    gradient     of row i the sum of the gradients at all places where i occurs, added in the order of x
    source       of dropout: Gal, Ghahramani 2016, A theoretically grounded application of dropout in recurrent neural
                 networks, section 4.2; Merity, Keskar, Socher 2018, Regularizing and optimizing LSTM language models

    >>> import minigrad as mg
    >>> layer = mg.nn.Embedding(5, 3, padding_idx=0)
    >>> layer([[1, 4], [2, 0]]).shape, layer([0]).tolist()
    ((2, 2, 3), [[0.0, 0.0, 0.0]])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        init: str | Callable[..., Any] = "normal",
        dropout: float = 0.0,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(num_embeddings, embedding_dim, padding_idx, init, dropout, dtype, seed)

    def forward(self, x: Any) -> Tensor:
        return embedding(x, self.table(), self.padding_idx)


class EmbeddingBag(_Table):
    """The mean, the sum or the largest of the rows of a table that each bag of numbers names, to (bags, embedding_dim).

    Called with x (bags, n), or with x (n,) and offsets (bags,), where each bag begins in x; an empty bag gives 0.

    mode                 "mean", "sum" or "max"
    include_last_offset  whether offsets has one more, where the last bag ends
    padding_idx          a row that counts for nothing, also in a mean, starts at 0 and gets no gradient
    per_sample_weights   given to the call: a factor for each entry of x, with mode="sum"
    dropout              as in Embedding: whole rows of the table
    errors               IndexError for a number outside of the table, ShapeError, ValueError for bad offsets

    source               Joulin, Grave, Bojanowski, Mikolov 2017, Bag of tricks for efficient text classification

    >>> import minigrad as mg
    >>> layer = mg.nn.EmbeddingBag.from_pretrained([[1.0, 2.0], [3.0, 4.0]], mode="sum")
    >>> layer([0, 1, 1], offsets=[0, 1]).tolist()
    [[1.0, 2.0], [6.0, 8.0]]
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        mode: str = "mean",
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        init: str | Callable[..., Any] = "normal",
        dropout: float = 0.0,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"EmbeddingBag: mode is {mode!r}; need 'sum', 'mean' or 'max'")
        super().__init__(num_embeddings, embedding_dim, padding_idx, init, dropout, dtype, seed)
        self.mode, self.include_last_offset = mode, bool(include_last_offset)

    def forward(self, x: Any, offsets: Any = None, per_sample_weights: Any = None) -> Tensor:
        last, skip = self.include_last_offset, self.padding_idx
        return embedding_bag(x, self.table(), offsets, self.mode, per_sample_weights, last, skip)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, {self.mode}"
