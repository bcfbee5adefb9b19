"""Looks at arrays once, in pieces, and writes down what specs are checked against."""

import numpy as np

from models.labels import can_be_label, is_label
from models.profile import MAX_CLASSES, ArrayProfile, ValueCount, Warned
from store.formats.npz import Array, Arrays, chunks
from store.formats.profile import LARGEST_WHOLE, MAX_LABEL_CHARACTERS, rare_class, rounded


def array_profile(arrays: Arrays) -> ArrayProfile:
    """Describe x and y; the counted labels are empty when y cannot be a label."""
    y = arrays.y
    numeric = y.dtype.kind != "U"
    integral = numeric and bool(((y == np.floor(y)) & (np.abs(y) <= LARGEST_WHOLE)).all())
    classes = _classes(y, integral=integral) if y.ndim == 1 else ()
    spans = [(piece.min().item(), piece.max().item()) for piece in chunks(arrays.x)]
    return ArrayProfile(
        rows=len(y),
        x_shape=arrays.x.shape[1:],
        x_dtype=str(arrays.x.dtype),
        y_shape=y.shape[1:],
        y_dtype=str(y.dtype) if numeric else "str",
        y_integral=integral,
        classes=classes,
        minimum=float(min(low for low, _ in spans)),
        maximum=float(max(high for _, high in spans)),
        y_minimum=float(y.min()) if numeric else None,
        y_maximum=float(y.max()) if numeric else None,
        y_standard_deviation=rounded(float(y.std())) if numeric else None,
        test_rows=0 if arrays.y_test is None else len(arrays.y_test),
        warnings=_warnings(classes, len(y), numeric=numeric),
    )


def _classes(y: Array, *, integral: bool) -> tuple[ValueCount, ...]:
    values, rows = np.unique(y, return_counts=True)
    if y.dtype.kind == "U":
        label = len(values) <= MAX_CLASSES and max(map(len, values)) <= MAX_LABEL_CHARACTERS
    else:
        label = integral and can_be_label(len(values), len(y))
        values = values.astype(np.int64) if label else values
    if not label:
        return ()
    return tuple(
        ValueCount(value=str(value), rows=count)
        for value, count in zip(values.tolist(), rows.tolist(), strict=True)
    )


def _warnings(classes: tuple[ValueCount, ...], rows: int, *, numeric: bool) -> tuple[Warned, ...]:
    if numeric and not is_label(len(classes), rows):
        return ()
    return tuple(rare_class(classes, column=None))
