"""Tables of measurements that scikit-learn bundles, by which rules may be changed."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from benchmarks.health.rows import Array, Rows, standardized


def iris() -> Rows:
    """Which of three kinds of iris, by four lengths in centimetres?"""
    return Rows("classes", *_table(datasets.load_iris))


def breast_cancer() -> Rows:
    """Is a tumour malignant, by thirty measurements of its cells, 0.001 to 4,000?"""
    return Rows("classes", *_table(datasets.load_breast_cancer))


def wine() -> Rows:
    """Which of three growers, by thirteen measurements in their own units?"""
    return Rows("classes", *_table(datasets.load_wine))


def digits() -> Rows:
    """Which digit, by 8 x 8 greys from 0 to 16?"""
    return Rows("classes", *_table(datasets.load_digits))


def diabetes() -> Rows:
    """How far has it gone in a year? Half of that cannot be told."""
    found = datasets.load_diabetes(scaled=False)
    return Rows("numbers", np.asarray(found.data), standardized(np.asarray(found.target)))


def proline() -> Rows:
    """How much of an amino acid is in a wine, by twelve other measurements in their own units?"""
    found = datasets.load_wine()
    x = np.asarray(found.data, np.float64)
    of = list(found.feature_names).index("proline")
    return Rows("numbers", np.delete(x, of, axis=1), standardized(x[:, of]))


def _table(load: Callable[[], Any]) -> tuple[Array, Array]:
    found = load()
    return np.asarray(found.data, np.float64), np.asarray(found.target, np.float64)
