"""The built-in datasets that ship inside scikit-learn: they need no network.

Ingest alone imports this; scikit-learn takes seconds to import and the API process must not.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn import datasets

from models.errors import NotFound
from models.profile import DatasetProfile
from store.formats.folder import write_arrays, write_table
from store.formats.npz import Arrays
from store.formats.table import Table

TARGET = "target"


def write_bundled(name: str, into: Path) -> DatasetProfile:
    """Write the folder of a bundled dataset.

    Args:
        name: without "builtin:", one of BUNDLED.
        into: an existing, empty folder.

    Raises:
        NotFound: no bundled dataset has this name.
    """
    if name not in BUNDLED:
        raise NotFound(f"There is no bundled dataset {name!r}; there are {', '.join(BUNDLED)}.")
    return BUNDLED[name](into)


def _digits(into: Path) -> DatasetProfile:
    """1797 images of 8x8 with values from 0 to 16; float32 holds them exactly."""
    digits = datasets.load_digits()
    return write_arrays(Arrays(digits.images.astype(np.float32), digits.target), into)


def _classes(load: Callable[[], Any]) -> Callable[[Path], DatasetProfile]:
    """A table whose target is written out: "setosa", not 0."""

    def write(into: Path) -> DatasetProfile:
        bunch = load()
        frame = pl.DataFrame(bunch.data, schema=[str(name) for name in bunch.feature_names])
        labels = np.asarray(bunch.target_names)[bunch.target]
        return write_table(
            Table(frame.with_columns(pl.Series(TARGET, labels.tolist()))), into, TARGET
        )

    return write


def _diabetes(into: Path) -> DatasetProfile:
    """In units that people measure: scikit-learn's default is standardised over all rows."""
    bunch = datasets.load_diabetes(scaled=False)
    frame = pl.DataFrame(bunch.data, schema=list(bunch.feature_names))
    return write_table(Table(frame.with_columns(pl.Series(TARGET, bunch.target))), into, TARGET)


BUNDLED: dict[str, Callable[[Path], DatasetProfile]] = {
    "digits": _digits,
    "iris": _classes(datasets.load_iris),
    "wine": _classes(datasets.load_wine),
    "breast_cancer": _classes(datasets.load_breast_cancer),
    "diabetes": _diabetes,
}
