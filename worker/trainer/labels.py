"""Writes the target as a loss wants it, and how much each row counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.specs.fit import FitSpec
from models.specs.losses import Encoding
from worker.trainer.split import Indices


@dataclass(frozen=True, slots=True)
class Target:
    """What to predict, one entry a row of the dataset.

    Attributes:
        values: numbers, (rows, outputs), in memory or mapped; without columns for classification.
        codes: the class of every row; None for regression.
        classes: the labels; None for regression.
    """

    values: NDArray[np.generic]
    codes: Indices | None
    classes: tuple[str, ...] | None

    @classmethod
    def of_numbers(cls, values: NDArray[np.generic]) -> Self:
        """A regression's, from (rows,) or (rows, outputs)."""
        return cls(values.reshape(len(values), -1), None, None)

    @classmethod
    def of_classes(cls, codes: Indices, classes: tuple[str, ...]) -> Self:
        """A classification's."""
        return cls(np.empty((len(codes), 0), dtype=np.float32), codes, classes)

    def encoded(self, rows: Indices, encoding: Encoding) -> NDArray[np.generic]:
        """These rows as a loss wants them."""
        if self.codes is None or self.classes is None:
            return self.values[rows].astype(np.float32)
        return encode(self.codes[rows], encoding, len(self.classes))


def class_codes(values: NDArray[np.generic], classes: Sequence[str]) -> Indices:
    """The class of every row as its position among the sorted classes.

    Args:
        values: labels, (rows,): text, whole numbers or booleans.
        classes: all of them, sorted as what they are.
    """
    if values.dtype.kind in "buif":
        known = [label == "true" if values.dtype.kind == "b" else int(label) for label in classes]
        return np.searchsorted(np.asarray(known), values)
    return np.searchsorted(np.asarray(classes), values.astype(np.str_))


def column_values(column: pl.Series) -> NDArray[np.generic]:
    """A target column without gaps as an array: text, numbers or booleans."""
    values: NDArray[np.generic] = column.to_numpy()
    return values.astype(np.str_) if column.dtype == pl.String else values


def encode(codes: Indices, encoding: Encoding, classes: int) -> NDArray[np.generic]:
    """Classes as a loss wants them: the shapes are those of models.specs.losses.Encoding."""
    if encoding == "one_hot":
        one_hot: NDArray[np.float32] = np.eye(classes, dtype=np.float32)[codes]
        return one_hot
    if encoding == "binary":
        return codes.astype(np.float32)[:, None]
    return codes.astype(np.int64)


def row_weights(codes: Indices, fit: FitSpec, classes: Sequence[str]) -> NDArray[np.float32] | None:
    """How much each training row counts in the loss, (rows,); None where all count the same.

    "balanced" is scikit-learn's: rows / (classes present * rows of the class).
    """
    if fit.class_weight is None:
        return None
    if fit.class_weight == "balanced":
        counts = np.bincount(codes, minlength=len(classes))
        weights = len(codes) / (np.count_nonzero(counts) * np.maximum(1, counts))
    else:
        weights = np.asarray([fit.class_weight.get(label, 1.0) for label in classes])
    weighed: NDArray[np.float32] = weights.astype(np.float32)[codes]
    return weighed
