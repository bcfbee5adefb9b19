"""Writes a trained network with its preprocessing as one `.keras` file that plain Keras loads.

No custom objects, no Lambda, nothing of epochd: Keras's own layers and operations repeat what
`worker.trainer.inputs` did, and the written file is loaded again and held against the network.

What the file takes:

- a table of numbers and booleans: one array, (rows, columns), columns in the order of the spec's
  predictors, NaN where a cell is missing;
- a table with text: a dict with one input a column, (rows, 1) each; text as strings, "" where a
  cell is missing. A "/" in a column's name is a "_" in its input's. `model(...)` takes NumPy
  arrays, `model.predict(...)` takes strings only as `tf.constant`;
- arrays: x as it was uploaded.

Keras has no place for labels, so they lie in the archive as `epochd.json`, beside Keras's own
members: `zipfile.ZipFile(path).read("epochd.json")`.
"""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import polars as pl
import tensorflow as tf
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.errors import EpochdError
from models.specs.losses import LossSpec
from worker.trainer.data import Prepared, Raw, raw_rows
from worker.trainer.inputs import (
    ArrayInputs,
    Inputs,
    Scaling,
    TableInputs,
    Words,
    numbers_of,
)

NOTES = "epochd.json"
# Of the validation rows; enough to meet every category and every missing column.
CHECKED_ROWS = 2048
CHECKED_BATCH = 256
# Sums of float32 in another order differ in their last digits; a wrong column differs in the first.
RELATIVE_TOLERANCE = 1e-3
ABSOLUTE_TOLERANCE = 1e-4

# Names that the outer network uses itself.
_PARTS = ("preprocessing", "network", "probabilities")


class ExportMismatch(EpochdError):
    """The exported network does not predict what the trained one does."""

    code: ClassVar[str] = "export_mismatch"


class Notes(BaseModel):
    """What Keras's file cannot say about itself.

    Attributes:
        classes: the labels in the order of the outputs; a single output is the probability of the
            second. None for regression.
        inputs: the columns in order, by the name of their input; all share the input "rows" when
            the file takes one array. Empty for arrays.
        text: those of the inputs that take strings.
        shape: of one row of x; None for a table.
    """

    model_config = ConfigDict(frozen=True)

    classes: tuple[str, ...] | None
    inputs: Mapping[str, str]
    text: tuple[str, ...]
    shape: tuple[int, ...] | None


def export(
    network: keras.Model, prepared: Prepared, loss: LossSpec, folder: Path, path: Path
) -> None:
    """Write the network with its preprocessing, and check what was written.

    Args:
        network: trained; it stays as it is.
        prepared: the rows it was trained on, with what was done to them.
        loss: if it takes logits, the file turns them into probabilities.
        folder: of the dataset, for the raw rows of the check.
        path: to write, ends in ".keras".

    Raises:
        ExportMismatch: the file predicts other values from raw validation rows.
    """
    finish = _finish(loss)
    exported = with_preprocessing(network, prepared.inputs, prepared.network_shape, finish)
    exported.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NOTES, _notes(prepared).model_dump_json(indent=2))
    _check(path, network, finish, prepared, folder)


def with_preprocessing(
    network: keras.Model,
    inputs: Inputs,
    network_shape: Sequence[int],
    finish: Literal["softmax", "sigmoid"] | None = None,
) -> keras.Model:
    """The network behind Keras's own version of its preprocessing; the weights are shared.

    The preprocessing is a network of its own, because column names are free: inside it none can
    clash with the name of a step.
    """
    taken, preprocessing = _preprocessing(inputs, tuple(network_shape))
    outputs = network(preprocessing(list(taken.values())))
    if finish is not None:
        outputs = keras.layers.Activation(finish, name="probabilities", dtype="float32")(outputs)
    several = isinstance(inputs, TableInputs) and bool(inputs.words)
    return keras.Model(taken if several else list(taken.values())[0], outputs)  # noqa: RUF015


def as_input(inputs: Inputs, raw: Raw) -> Any:
    """Raw rows in the form that the exported network takes."""
    if not isinstance(inputs, TableInputs) or not isinstance(raw, pl.DataFrame):
        return raw
    if not inputs.words:
        return numbers_of(raw, inputs.numbers)
    text = {words.name for words in inputs.words}
    return {
        name: tf.constant(raw[column].fill_null("").to_list(), shape=(raw.height, 1))
        if column in text
        else tf.constant(numbers_of(raw, [column]))
        for column, name in _input_names(inputs.columns).items()
    }


def _preprocessing(inputs: Inputs, shape: tuple[int, ...]) -> tuple[dict[str, Any], keras.Model]:
    """The outer inputs by name, and the network that turns them into what was trained on."""
    if isinstance(inputs, ArrayInputs):
        taken = {"x": keras.Input(inputs.shape, name="x", dtype="float32")}
        inner = [keras.Input(inputs.shape, dtype="float32")]
        prepared = _scaled(inner[0], inputs.scaling)
    elif not inputs.words:
        columns = len(inputs.numbers)
        taken = {"rows": keras.Input((columns,), name="rows", dtype="float32")}
        inner = [keras.Input((columns,), dtype="float32")]
        prepared = _scaled(_filled(inner[0], inputs), inputs.scaling)
    else:
        text = {words.name for words in inputs.words}
        types = ["string" if column in text else "float32" for column in inputs.columns]
        names = _input_names(inputs.columns).values()
        taken = {
            name: keras.Input((1,), name=name, dtype=dtype)
            for name, dtype in zip(names, types, strict=True)
        }
        inner = [keras.Input((1,), dtype=dtype) for dtype in types]
        prepared = _mixed(dict(zip(inputs.columns, inner, strict=True)), inputs)
    if shape != inputs.shape:
        prepared = keras.layers.Reshape(shape)(prepared)
    return taken, keras.Model(inner, prepared, name="preprocessing")


def _mixed(columns: Mapping[str, Any], inputs: TableInputs) -> Any:
    """Numbers first, then every text column's categories, as TableInputs has them."""
    parts = [_one_hot(columns[words.name], words) for words in inputs.words]
    if inputs.numbers:
        numbers = _joined([columns[name] for name in inputs.numbers])
        parts = [_scaled(_filled(numbers, inputs), inputs.scaling), *parts]
    return _joined(parts)


def _joined(parts: Sequence[Any]) -> Any:
    return keras.ops.concatenate(list(parts), axis=-1) if len(parts) > 1 else parts[0]


def _filled(x: Any, inputs: TableInputs) -> Any:
    return keras.ops.where(keras.ops.isnan(x), inputs.fill.astype(np.float32), x)


def _scaled(x: Any, scaling: Scaling) -> Any:
    """In 64 bits, as the training rows were. `Normalization` would keep means in 32."""
    x = keras.ops.cast(x, "float64")
    if scaling.centre.any():
        x = keras.ops.subtract(x, scaling.centre)
    if (scaling.spread != 1).any():
        x = keras.ops.divide(x, scaling.spread)
    return keras.ops.cast(x, "float32")


def _one_hot(column: Any, words: Words) -> Any:
    """One column a category; the lookup's first column, for unknown words, is cut off."""
    lookup = keras.layers.StringLookup(
        vocabulary=list(words.categories), num_oov_indices=1, output_mode="one_hot"
    )
    return lookup(column)[:, 1:]


def _input_names(columns: Sequence[str]) -> dict[str, str]:
    """Column -> input; Keras allows no "/" in a name, and no name twice."""
    names: dict[str, str] = {}
    for column in columns:
        name = column.replace("/", "_")
        while name in _PARTS or name in names.values():
            name += "_"
        names[column] = name
    return names


def _finish(loss: LossSpec) -> Literal["softmax", "sigmoid"] | None:
    if not getattr(loss, "from_logits", False):
        return None
    return "sigmoid" if loss.encoding == "binary" else "softmax"


def _notes(prepared: Prepared) -> Notes:
    inputs = prepared.inputs
    if isinstance(inputs, ArrayInputs):
        return Notes(classes=prepared.classes, inputs={}, text=(), shape=inputs.shape)
    names = _input_names(inputs.columns)
    return Notes(
        classes=prepared.classes,
        inputs=names if inputs.words else dict.fromkeys(inputs.columns, "rows"),
        text=tuple(names[words.name] for words in inputs.words),
        shape=None,
    )


def _check(
    path: Path,
    network: keras.Model,
    finish: Literal["softmax", "sigmoid"] | None,
    prepared: Prepared,
    folder: Path,
) -> None:
    """Predict validation rows (training rows where none validate) by file and by network."""
    validates = len(prepared.validation_rows) > 0
    rows = (prepared.validation_rows if validates else prepared.training_rows)[:CHECKED_ROWS]
    ready = prepared.validation if validates else prepared.training
    reloaded = keras.saving.load_model(path, compile=False)
    for start in range(0, len(rows), CHECKED_BATCH):
        batch = slice(start, min(start + CHECKED_BATCH, len(rows)))
        x, *_ = ready.take(batch)
        wanted = network(x, training=False)
        if finish is not None:
            wanted = keras.activations.get(finish)(wanted)
        raw = raw_rows(folder, prepared.inputs, rows[batch])
        found = reloaded(as_input(prepared.inputs, raw), training=False)
        _compare(np.asarray(found), np.asarray(wanted))


def _compare(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    """Where the trained network's sums overflow there is nothing to compare with."""
    if found.shape != wanted.shape:
        raise ExportMismatch(f"The exported network predicts {found.shape}, not {wanted.shape}.")
    finite = np.isfinite(wanted)
    found, wanted = found[finite], wanted[finite]
    size = max(1.0, float(np.abs(wanted).max(initial=0.0)))
    close = np.isclose(found, wanted, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE * size)
    if not close.all():
        worst = float(np.abs(found - wanted).max())
        raise ExportMismatch(
            f"The exported network predicts other values than the trained one: they differ by up "
            f"to {worst:.3g} on outputs of size {size:.3g}."
        )
