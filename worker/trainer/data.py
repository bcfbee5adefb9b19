"""From a dataset folder to the arrays that a network trains on.

Everything learned from the data (means, scales) is learned from the training rows alone; what was
learned goes with the prepared rows, so that export can repeat it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.data_meaning import TableReading, array_task, has_missing_category, read_table
from models.errors import Invalid, Issue
from models.profile import ArrayProfile, Column, DatasetProfile, TableProfile
from models.specs.data import DataSpec
from models.specs.losses import Encoding
from models.specs.shapes import network_input_shape
from models.trial import TrialSpec
from store.formats.folder import open_arrays, open_table
from worker.trainer.inputs import ArrayInputs, Inputs, Method, Words, fit_scaling, fit_table
from worker.trainer.labels import class_codes, column_values, encode, row_weights
from worker.trainer.split import Indices, Split, split

Raw = NDArray[np.generic] | pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A dataset ready for one training.

    Attributes:
        x_train, x_validation: float32, (rows, *network_shape); no rows where none validate.
        y_train, y_validation: as the loss wants them, see models.specs.losses.Encoding.
        weights: of the training rows in the loss, float32; None where all count the same.
        training_rows, validation_rows: row numbers in the dataset.
        inputs: what was done to the raw rows, before they took the network's shape.
        network_shape: of one row as the network gets it.
        classes: the labels in the order of the outputs; None for regression.
    """

    x_train: NDArray[np.float32]
    y_train: NDArray[np.generic]
    weights: NDArray[np.float32] | None
    x_validation: NDArray[np.float32]
    y_validation: NDArray[np.generic]
    training_rows: Indices
    validation_rows: Indices
    inputs: Inputs
    network_shape: tuple[int, ...]
    classes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Target:
    """What to predict, one entry a row.

    Attributes:
        values: float32, (rows, outputs); without columns for classification.
        codes: the class of every row; None for regression.
        classes: the labels; None for regression.
    """

    values: NDArray[np.float32]
    codes: Indices | None
    classes: tuple[str, ...] | None

    def encoded(self, rows: Indices, encoding: Encoding) -> NDArray[np.generic]:
        if self.codes is None or self.classes is None:
            return self.values[rows]
        return encode(self.codes[rows], encoding, len(self.classes))


def prepare(folder: Path, profile: DatasetProfile, trial: TrialSpec) -> Prepared:
    """Read, split, fit and encode the rows of one trial.

    Args:
        folder: of the ready dataset.
        profile: the dataset's.
        trial: with its loss resolved and its output layer in place.

    Raises:
        Invalid: the data spec does not fit the dataset, or too few rows are left.
    """
    if isinstance(profile, TableProfile):
        return _prepare_table(folder, profile, trial)
    return _prepare_arrays(folder, profile, trial)


def raw_rows(folder: Path, inputs: Inputs, rows: Indices) -> Raw:
    """Rows as they were uploaded: the predictors of a table, or x."""
    if isinstance(inputs, ArrayInputs):
        return np.asarray(open_arrays(folder).x[rows])
    return open_table(folder).select(inputs.columns).collect()[rows]


def _prepare_table(folder: Path, profile: TableProfile, trial: TrialSpec) -> Prepared:
    reading = read_table(profile, trial.data)
    names = [column.name for column in reading.predictors]
    frame = open_table(folder).select([*names, reading.target.name]).collect()
    words = [
        _words(frame[column.name], column, trial.data)
        for column in reading.predictors
        if column.type == "text"
    ]
    needed = (
        [*names, reading.target.name] if trial.data.missing == "drop" else [reading.target.name]
    )
    kept = frame.select(pl.all_horizontal(pl.col(needed).is_not_null())).to_series()
    row_numbers = np.flatnonzero(kept.to_numpy())
    frame = frame.filter(kept)
    target = _column_target(frame[reading.target.name], reading)
    chosen = _split(frame.height, trial, target)
    inputs = fit_table(
        frame[chosen.training],
        columns=names,
        words=words,
        method="standard" if trial.data.scaling == "auto" else trial.data.scaling,
    )
    return _prepared(
        trial,
        target,
        inputs,
        chosen,
        x=(inputs(frame[chosen.training]), inputs(frame[chosen.validation])),
        row_numbers=row_numbers,
    )


def _prepare_arrays(folder: Path, profile: ArrayProfile, trial: TrialSpec) -> Prepared:
    arrays = open_arrays(folder)
    _, classes = array_task(profile, trial.data)
    target = (
        _Target(arrays.y.reshape(profile.rows, -1).astype(np.float32), None, None)
        if classes is None
        else _Target(_no_values(profile.rows), class_codes(arrays.y, classes), classes)
    )
    chosen = _split(profile.rows, trial, target)
    training = arrays.x[chosen.training]
    per_column = len(profile.x_shape) == 1
    scaling = fit_scaling(training, _method(profile, trial.data), axis=0 if per_column else None)
    inputs = ArrayInputs(profile.x_shape, scaling)
    return _prepared(
        trial,
        target,
        inputs,
        chosen,
        x=(inputs(training), inputs(arrays.x[chosen.validation])),
        row_numbers=np.arange(profile.rows),
    )


def _prepared(
    trial: TrialSpec,
    target: _Target,
    inputs: Inputs,
    chosen: Split,
    *,
    x: tuple[NDArray[np.float32], NDArray[np.float32]],
    row_numbers: Indices,
) -> Prepared:
    shape = network_input_shape(trial.network.layers, inputs.shape)
    encoding = trial.compile.loss.encoding
    weights = (
        None
        if target.codes is None or target.classes is None
        else row_weights(target.codes[chosen.training], trial.fit, target.classes)
    )
    return Prepared(
        x_train=x[0].reshape(len(x[0]), *shape),
        y_train=target.encoded(chosen.training, encoding),
        weights=weights,
        x_validation=x[1].reshape(len(x[1]), *shape),
        y_validation=target.encoded(chosen.validation, encoding),
        training_rows=row_numbers[chosen.training],
        validation_rows=row_numbers[chosen.validation],
        inputs=inputs,
        network_shape=shape,
        classes=target.classes,
    )


def _split(rows: int, trial: TrialSpec, target: _Target) -> Split:
    chosen = split(rows, trial.fit, trial.seed, target.codes)
    wants = 1 if trial.fit.validation_split > 0 else 0
    if not len(chosen.training) or len(chosen.validation) < wants:
        message = (
            f"Of {rows} rows {len(chosen.training)} are left to train on and "
            f"{len(chosen.validation)} to validate on."
        )
        raise Invalid([Issue("/data", "too_few_rows", message)])
    return chosen


def _column_target(column: pl.Series, reading: TableReading) -> _Target:
    if reading.classes is None:
        values = column.cast(pl.Float64).to_numpy().astype(np.float32)
        return _Target(values[:, None], None, None)
    codes = class_codes(column_values(column), reading.classes)
    return _Target(_no_values(len(column)), codes, reading.classes)


def _no_values(rows: int) -> NDArray[np.float32]:
    return np.empty((rows, 0), dtype=np.float32)


def _words(column: pl.Series, described: Column, data: DataSpec) -> Words:
    """The categories of all rows, so that the network's width is known from the profile."""
    categories = column.drop_nulls().unique().sort().to_list()
    missing = [""] if has_missing_category(described, data) else []
    return Words(column.name, (*categories, *missing))


def _method(profile: ArrayProfile, data: DataSpec) -> Method:
    """What "auto" is for arrays, as models.specs.data says it."""
    if data.scaling != "auto":
        return data.scaling
    if profile.x_dtype == "uint8":
        return "byte"
    return "standard" if len(profile.x_shape) == 1 else "largest"
