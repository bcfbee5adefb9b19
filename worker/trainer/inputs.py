"""What happens to raw rows before a network sees them, fitted on the training rows alone.

The exported network repeats it in Keras, so this is plain arithmetic that both can do alike. Raw
numbers are 32-bit floats here, because `keras.Model.predict` makes them so; the arithmetic is done
in 64 bits, because a large mean taken from a large number leaves nothing of 32.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from worker.trainer.split import Indices

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Method = Literal["standard", "minmax", "none", "byte", "largest"]

BYTE = 255.0
# Values that are scaled or summed together: half a MiB in 64 bits, which stays in a core's cache.
# That took a fifth of the processor time of pieces of 64 MiB.
CHUNK_VALUES = 1 << 16


@dataclass(frozen=True, slots=True)
class Scaling:
    """(x - centre) / spread; both have the shape of a row's last axis, or () for one of all."""

    centre: Doubles
    spread: Doubles

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Scale rows, (rows, ...), a piece at a time."""
        scaled = np.empty(x.shape, dtype=np.float32)
        for rows in _pieces(len(x), x[:1].size):
            piece = x[rows].astype(np.float32).astype(np.float64)
            scaled[rows] = (piece - self.centre) / self.spread
        return scaled


@dataclass(frozen=True, slots=True)
class Words:
    """A column of text: one input a category.

    Attributes:
        name: of the column.
        categories: in the order of their inputs; the empty text, last, is the missing cell. A text
            that is none of them is zero in all.
    """

    name: str
    categories: tuple[str, ...]

    def __call__(self, column: pl.Series) -> Floats:
        """One column a category, 0 or 1, (rows, categories)."""
        codes = column.fill_null("").replace_strict(
            {category: code for code, category in enumerate(self.categories)},
            default=len(self.categories),
            return_dtype=pl.Int64,
        )
        identity = np.eye(len(self.categories) + 1, len(self.categories), dtype=np.float32)
        one_hot: Floats = identity[codes.to_numpy()]
        return one_hot


@dataclass(frozen=True, slots=True)
class TableInputs:
    """The predictors of a table: first all numbers, then every text column's categories.

    Attributes:
        columns: the predictors in the order of the spec.
        numbers: those that hold numbers or booleans, in that order.
        fill: what stands for a missing number, of each.
        scaling: of the filled numbers.
        words: the text columns.
    """

    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    fill: Doubles
    scaling: Scaling
    words: tuple[Words, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one prepared row."""
        return (len(self.numbers) + sum(len(words.categories) for words in self.words),)

    def __call__(self, frame: pl.DataFrame) -> Floats:
        """Prepare rows, (rows, *shape)."""
        raw = numbers_of(frame, self.numbers)
        filled = np.where(np.isnan(raw), self.fill.astype(np.float32), raw)
        parts = [words(frame[words.name]) for words in self.words]
        return np.concatenate([self.scaling(filled), *parts], axis=1)


@dataclass(frozen=True, slots=True)
class ArrayInputs:
    """The x of arrays.

    Attributes:
        shape: of one row, raw and prepared.
        scaling: of the values.
    """

    shape: tuple[int, ...]
    scaling: Scaling

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Prepare rows, (rows, *shape)."""
        return self.scaling(x)


Inputs = TableInputs | ArrayInputs


def fit_table(
    training: pl.DataFrame,
    *,
    columns: Sequence[str],
    words: Sequence[Words],
    method: Method,
) -> TableInputs:
    """Fit means and scales of the numbers; the categories are known from all rows.

    A missing number is filled before the scale is taken, so the scale is that of what is trained
    on. A column without any number in the training rows is filled with 0.
    """
    texts = {text.name for text in words}
    numbers = tuple(name for name in columns if name not in texts)
    raw = numbers_of(training, numbers).astype(np.float64)
    present = ~np.isnan(raw)
    total = np.where(present, raw, 0.0).sum(axis=0)
    # As 32 bits hold it, so that training and exported network fill in the same number.
    fill = (total / np.maximum(1, present.sum(axis=0))).astype(np.float32).astype(np.float64)
    scaling = fit_scaling(np.where(present, raw, fill), method, axis=0)
    return TableInputs(tuple(columns), numbers, fill, scaling, tuple(words))


def fit_scaling(
    x: NDArray[np.generic], method: Method, axis: int | None, rows: Indices | None = None
) -> Scaling:
    """Fit a scale to raw training rows.

    The rows are read in pieces, which depend on their shape alone: sums are taken in 64 bits within
    each, and added up in their order. So the scale of the same rows is always the same, to the last
    bit, and they may be larger than memory.

    Args:
        x: (rows, ...), without missing values.
        method: "standard" (mean and population standard deviation), "minmax", "largest" (the
            largest absolute value, if above 1), "byte" (255), "none".
        axis: 0 for a scale a column, None for one of all values.
        rows: to fit to; at least one. All when left out.
    """
    shape = x.shape[1:] if axis == 0 else ()
    centre, spread = np.zeros(shape), np.ones(shape)
    if method == "none":
        return Scaling(centre, spread)
    if method == "byte":
        return Scaling(centre, np.full(shape, BYTE))
    fitted = _Fitted(x, np.arange(len(x)) if rows is None else rows, axis)
    lowest, highest = fitted.span()
    if method == "largest":
        return Scaling(centre, np.maximum(1.0, np.maximum(-lowest, highest)))
    if method == "standard":
        centre = fitted.mean(lambda piece: piece)
        spread = np.sqrt(fitted.mean(lambda piece: (piece - centre) ** 2))
    else:
        centre, spread = lowest, highest - lowest
    # A constant has no spread; rounding may leave it a tiny one.
    return Scaling(centre, np.where(lowest == highest, 1.0, spread))


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Rows that a scale is fitted to, read piece by piece, again for every figure.

    Attributes:
        x: all rows.
        rows: which of them, ascending.
        axis: 0 for figures a column, None for one of all values.
    """

    x: NDArray[np.generic]
    rows: Indices
    axis: int | None

    def span(self) -> tuple[Doubles, Doubles]:
        """The lowest and the highest value."""
        lowest, highest = np.asarray(np.inf), np.asarray(-np.inf)
        for piece in self._read():
            lowest = np.minimum(lowest, piece.min(axis=self.axis), dtype=np.float64)
            highest = np.maximum(highest, piece.max(axis=self.axis), dtype=np.float64)
        return np.asarray(lowest), np.asarray(highest)

    def mean(self, of: Callable[[Doubles], Doubles]) -> Doubles:
        """The mean of what becomes of the values."""
        total = np.asarray(0.0)
        for piece in self._read():
            total = total + of(piece.astype(np.float64)).sum(axis=self.axis)
        count = len(self.rows) * (1 if self.axis == 0 else max(1, self.x[:1].size))
        return np.asarray(total / count)

    def _read(self) -> Iterator[NDArray[np.generic]]:
        for piece in _pieces(len(self.rows), self.x[:1].size):
            yield self.x[self.rows[piece]]


def _pieces(rows: int, values: int) -> Iterator[slice]:
    """So many rows of so many values each, some at a time."""
    step = max(1, CHUNK_VALUES // max(1, values))
    for start in range(0, rows, step):
        yield slice(start, start + step)


def numbers_of(frame: pl.DataFrame, names: Sequence[str]) -> Floats:
    """Columns as raw 32-bit numbers, (rows, names), NaN where a cell is missing."""
    raw = np.empty((frame.height, len(names)), dtype=np.float32)
    for index, name in enumerate(names):
        raw[:, index] = frame[name].cast(pl.Float64).to_numpy()
    return raw
