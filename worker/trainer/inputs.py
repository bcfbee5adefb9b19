"""What happens to raw rows before a network sees them, fitted on the training rows alone.

The exported network repeats it in Keras, so this is plain arithmetic that both can do alike. Raw
numbers are 32-bit floats here, because `keras.Model.predict` makes them so; the arithmetic is done
in 64 bits, because a large mean taken from a large number leaves nothing of 32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Method = Literal["standard", "minmax", "none", "byte", "largest"]

BYTE = 255.0
# Values that are scaled together; bounds what the 64-bit arithmetic needs beside the result.
CHUNK_VALUES = 1 << 23


@dataclass(frozen=True, slots=True)
class Scaling:
    """(x - centre) / spread; both have the shape of a row's last axis, or () for one of all."""

    centre: Doubles
    spread: Doubles

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Scale rows, (rows, ...), a piece at a time."""
        scaled = np.empty(x.shape, dtype=np.float32)
        step = max(1, CHUNK_VALUES // max(1, x[:1].size))
        for start in range(0, len(x), step):
            piece = x[start : start + step].astype(np.float32).astype(np.float64)
            scaled[start : start + step] = (piece - self.centre) / self.spread
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


def fit_scaling(x: NDArray[np.generic], method: Method, axis: int | None) -> Scaling:
    """Fit a scale to raw training rows.

    Args:
        x: (rows, ...), without missing values.
        method: "standard" (mean and population standard deviation), "minmax", "largest" (the
            largest absolute value, if above 1), "byte" (255), "none".
        axis: 0 for a scale a column, None for one of all values.
    """
    shape = x.shape[1:] if axis == 0 else ()
    lowest = np.asarray(x.min(axis=axis), dtype=np.float64)
    highest = np.asarray(x.max(axis=axis), dtype=np.float64)
    centre, spread = np.zeros(shape), np.ones(shape)
    if method == "standard":
        centre = np.asarray(x.mean(axis=axis, dtype=np.float64))
        spread = np.asarray(x.std(axis=axis, dtype=np.float64))
    elif method == "minmax":
        centre, spread = lowest, highest - lowest
    elif method == "largest":
        spread = np.maximum(1.0, np.maximum(-lowest, highest))
    elif method == "byte":
        spread = np.full(shape, BYTE)
    # A constant has no spread; rounding may leave it a tiny one.
    fitted = method in {"standard", "minmax"}
    return Scaling(centre, np.where((lowest == highest) & fitted, 1.0, spread))


def numbers_of(frame: pl.DataFrame, names: Sequence[str]) -> Floats:
    """Columns as raw 32-bit numbers, (rows, names), NaN where a cell is missing."""
    raw = np.empty((frame.height, len(names)), dtype=np.float32)
    for index, name in enumerate(names):
        raw[:, index] = frame[name].cast(pl.Float64).to_numpy()
    return raw
