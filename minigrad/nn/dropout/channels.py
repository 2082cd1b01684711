"""Dropout where elements share their fate: channels of images, features or words of sequences, whole branches."""

from __future__ import annotations

from ...errors import ShapeError
from .dropout import Dropout, Shape


class Dropout1d(Dropout):
    """Drop whole channels: x (rows, channels, length), one bit for each row and channel.

    Neighbours along a signal tell the same, so an element that is dropped alone can be read off beside it. Formula,
    scaling, seed and masks are those of Dropout.

    source    Tompson, Goroshin, Jain, LeCun, Bregler 2015, Efficient object localization using convolutional networks,
              section 3.2

    ShapeError for x of another number of dimensions.

    >>> import minigrad as mg
    >>> y = mg.nn.Dropout1d(0.5, seed=1)(mg.tensor([[[1, 1, 1], [1, 1, 1]]]))
    >>> sorted({tuple(channel) for channel in y.data[0].tolist()})
    [(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)]
    """

    dims = "rows, channels, length"

    def __init__(self, p: float = 0.5, scaling: str = "inverted", seed: int | None = None) -> None:
        super().__init__(p, scaling, seed)

    def mask_shape(self, shape: Shape) -> Shape:
        wanted = self.dims.count(",") + 1
        if len(shape) != wanted:
            raise ShapeError(f"x is {shape}; need ({self.dims})")
        return (*shape[:2], *[1] * (wanted - 2))


class Dropout2d(Dropout1d):
    """Drop whole channels of images: x (rows, channels, height, width), one bit for each (see Dropout1d).

    >>> import minigrad as mg
    >>> layer = mg.nn.Dropout2d(0.5, seed=0)
    >>> y = layer(mg.ones(2, 8, 3, 3)).numpy()
    >>> sorted({len(set(channel.ravel().tolist())) for image in y for channel in image})  # all of a channel, or nothing
    [1]
    """

    dims = "rows, channels, height, width"


class WordDropout(Dropout1d):
    """Drop whole words: x (rows, steps, features), embedded words for instance, one bit for each row and step.

    Formula, scaling, seed and masks are those of Dropout. Where one fate is wanted for all places at which a word
    occurs, drop rows of the table instead: Embedding(..., dropout=p).

    source    Iyyer, Manjunatha, Boyd-Graber, Daumé III 2015, Deep unordered composition rivals syntactic methods for
              text classification, section 3.1

    >>> import minigrad as mg
    >>> y = mg.nn.WordDropout(0.5, seed=1)(mg.ones(1, 4, 2))
    >>> [word[0] == word[1] for word in y.data[0].tolist()]
    [True, True, True, True]
    """

    dims = "rows, steps, features"


class StochasticDepth(Dropout):
    """Drop all of x, the output of a branch, for single rows (mode="row") or for the whole batch (mode="batch").

    What is kept is divided by 1 - p. Used in the place where a branch joins its shortcut: nn.Residual(..., drop=p).
    Formula, seed and masks are those of Dropout; x is (rows, ...).

    source    Huang, Sun, Liu, Sedra, Weinberger 2016, Deep networks with stochastic depth (there classical scaling)

    ValueError for another mode; ShapeError for a single number.

    >>> import minigrad as mg
    >>> y = mg.nn.StochasticDepth(0.5, seed=2)(mg.ones(4, 2))
    >>> [row in ([0.0, 0.0], [2.0, 2.0]) for row in y.tolist()]
    [True, True, True, True]
    """

    def __init__(self, p: float = 0.5, mode: str = "row", scaling: str = "inverted", seed: int | None = None) -> None:
        super().__init__(p, scaling, seed)
        if mode not in ("row", "batch"):
            raise ValueError(f"StochasticDepth: mode is {mode!r}; need 'row' or 'batch'")
        self.mode = mode
        self.rows_share = mode == "batch"

    def mask_shape(self, shape: Shape) -> Shape:
        if not shape:
            raise ShapeError("x is a single number; need (rows, ...)")
        return (shape[0] if self.mode == "row" else 1, *[1] * (len(shape) - 1))

    def extra_repr(self) -> str:
        return super().extra_repr() + (", batch" if self.mode == "batch" else "")


class VariationalDropout(Dropout):
    """Drop a feature in all steps of a sequence: x (rows, steps, features), one bit for each row and feature.

    A mask that changes at every step adds noise that a recurrent network accumulates; one mask over time does not.
    Formula and scaling are those of Dropout. locked=True holds the mask over calls, until new_sequence(): for x (rows,
    features), one step a call, or for a sequence that comes in pieces.

    source    Gal, Ghahramani 2016, A theoretically grounded application of dropout in recurrent neural networks

    ShapeError for x that is not (rows, steps, features); single steps, (rows, features), need locked=True.

    >>> import minigrad as mg
    >>> layer = mg.nn.VariationalDropout(0.5, locked=True)
    >>> step = mg.tensor([[1.0] * 64])
    >>> first, second = layer(step), layer(step)
    >>> layer.new_sequence()
    >>> bool((first.data == second.data).all()), bool((first.data == layer(step).data).all())
    (True, False)
    """

    def __init__(
        self, p: float = 0.5, scaling: str = "inverted", seed: int | None = None, locked: bool = False
    ) -> None:
        super().__init__(p, scaling, seed)
        self.locked = bool(locked)

    def mask_shape(self, shape: Shape) -> Shape:
        if len(shape) == 3:
            return shape[0], 1, shape[2]
        if len(shape) == 2 and self.locked:
            return shape
        cure = ": single steps need locked=True" if len(shape) == 2 else ""
        raise ShapeError(f"x is {shape}; need (rows, steps, features){cure}")

    def drawn(self) -> tuple[int, int]:
        if not self.locked:
            return super().drawn()
        if self.held is None:
            self.held = super().drawn()
        self._last = self.held
        return self.held

    def new_sequence(self) -> None:
        """Let the next call in training draw another mask."""
        self.held = None

    def extra_repr(self) -> str:
        return super().extra_repr() + (", locked" if self.locked else "")
