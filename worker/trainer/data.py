"""From a dataset folder to the rows that a network trains on.

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
from models.specs.shapes import network_input_shape
from models.trial import TrialSpec
from store.formats.folder import open_arrays, open_table
from worker.trainer.inputs import ArrayInputs, Inputs, Method, Words, fit_scaling, fit_table
from worker.trainer.labels import Target, class_codes, column_values, row_weights
from worker.trainer.mapped import MappedRows
from worker.trainer.rows import HeldRows, Rows
from worker.trainer.split import Indices, Split, split

Raw = NDArray[np.generic] | pl.DataFrame
Weights = NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A dataset ready for one training.

    Attributes:
        training, validation: x is float32, (rows, *network_shape); y is as the loss wants it, see
            models.specs.losses.Encoding. Only training rows may have weights. There are no
            validation rows where none validate.
        training_rows, validation_rows: row numbers in the dataset.
        inputs: what was done to the raw rows, before they took the network's shape.
        network_shape: of one row as the network gets it.
        classes: the labels in the order of the outputs; None for regression.
    """

    training: Rows
    validation: Rows
    training_rows: Indices
    validation_rows: Indices
    inputs: Inputs
    network_shape: tuple[int, ...]
    classes: tuple[str, ...] | None


def prepare(folder: Path, profile: DatasetProfile, trial: TrialSpec) -> Prepared:
    """Split the rows of one trial, fit to those that train, and make all ready to be taken.

    Tables are read into memory; arrays stay in their files until rows of them are taken.

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
    """Rows as they were uploaded, at least one: the predictors of a table, or x."""
    if isinstance(inputs, ArrayInputs):
        return np.asarray(open_arrays(folder).x[rows])
    first, last = int(rows.min()), int(rows.max())
    span = open_table(folder).slice(first, last - first + 1)
    return span.select(inputs.columns).collect()[rows - first]


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
    shape = network_input_shape(trial.network.layers, inputs.shape)

    def held(rows: Indices, weights: Weights = None) -> HeldRows:
        return HeldRows(
            x=inputs(frame[rows]).reshape(len(rows), *shape),
            y=target.encoded(rows, trial.compile.loss.encoding),
            weights=weights,
        )

    return Prepared(
        training=held(chosen.training, _weights(trial, target, chosen)),
        validation=held(chosen.validation),
        training_rows=row_numbers[chosen.training],
        validation_rows=row_numbers[chosen.validation],
        inputs=inputs,
        network_shape=shape,
        classes=target.classes,
    )


def _prepare_arrays(folder: Path, profile: ArrayProfile, trial: TrialSpec) -> Prepared:
    arrays = open_arrays(folder)
    _, classes = array_task(profile, trial.data)
    target = (
        Target.of_numbers(arrays.y)
        if classes is None
        else Target.of_classes(class_codes(arrays.y, classes), classes)
    )
    chosen = _split(profile.rows, trial, target)
    axis = 0 if len(profile.x_shape) == 1 else None
    scaling = fit_scaling(arrays.x, _method(profile, trial.data), axis, chosen.training)
    inputs = ArrayInputs(profile.x_shape, scaling)
    shape = network_input_shape(trial.network.layers, inputs.shape)

    def mapped(rows: Indices, weights: Weights = None) -> MappedRows:
        return MappedRows(
            x=arrays.x,
            numbers=rows,
            inputs=inputs,
            shape=shape,
            target=target,
            encoding=trial.compile.loss.encoding,
            weights=weights,
        )

    return Prepared(
        training=mapped(chosen.training, _weights(trial, target, chosen)),
        validation=mapped(chosen.validation),
        training_rows=chosen.training,
        validation_rows=chosen.validation,
        inputs=inputs,
        network_shape=shape,
        classes=target.classes,
    )


def _weights(trial: TrialSpec, target: Target, chosen: Split) -> Weights:
    if target.codes is None or target.classes is None:
        return None
    return row_weights(target.codes[chosen.training], trial.fit, target.classes)


def _split(rows: int, trial: TrialSpec, target: Target) -> Split:
    chosen = split(rows, trial.fit, trial.seed, target.codes)
    wants = 1 if trial.fit.validation_split > 0 else 0
    if not len(chosen.training) or len(chosen.validation) < wants:
        message = (
            f"Of {rows} rows {len(chosen.training)} are left to train on and "
            f"{len(chosen.validation)} to validate on."
        )
        raise Invalid([Issue("/data", "too_few_rows", message)])
    return chosen


def _column_target(column: pl.Series, reading: TableReading) -> Target:
    if reading.classes is None:
        values = column.cast(pl.Float64).to_numpy().astype(np.float32)
        return Target.of_numbers(values)
    codes = class_codes(column_values(column), reading.classes)
    return Target.of_classes(codes, reading.classes)


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
