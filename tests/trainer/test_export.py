"""The exported file is a network for raw rows, in plain Keras, anywhere."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from models.profile import DatasetProfile
from models.trial import TrialSpec
from store.formats.folder import write_arrays
from store.formats.npz import Arrays
from tests.trainer.trials import table, trial, x_of
from worker.trainer.data import Prepared, prepare
from worker.trainer.export import ExportMismatch, as_input, export
from worker.trainer.inputs import TableInputs
from worker.trainer.network import build
from worker.trainer.rows import Batch, Rows, Which
from worker.trainer.split import Indices

# Keras 3.15 hands TensorFlow's variables to NumPy the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RANDOM = np.random.default_rng(0)
ROWS = 120
DENSE = [{"layer": "Dense", "units": 8, "activation": "relu"}]
SOFTMAX = {"layer": "Dense", "units": 2, "activation": "softmax"}

COLUMNS: dict[str, list[Any]] = {
    "age": [None if i % 9 == 0 else 20.0 + i % 40 for i in range(ROWS)],
    "seconds/epoch": [1.6e9 + 1e6 * (i % 13) for i in range(ROWS)],
    "port of call": [None if i % 11 == 0 else ("Zürich", "a,b", 'q"')[i % 3] for i in range(ROWS)],
    "network": ["cast" if i % 2 else "where" for i in range(ROWS)],
    "flag": [i % 4 == 0 for i in range(ROWS)],
    "same": [0.1] * ROWS,
    "tiny": [1e-12 * (i % 17) for i in range(ROWS)],
    "y": [i % 5 // 3 for i in range(ROWS)],
    "wage": [100.0 * i - 3000 for i in range(ROWS)],
}
NUMBERS = ["age", "seconds/epoch", "flag", "same", "tiny"]
MIXED = ["port of call", "age", "network", "seconds/epoch", "flag"]


@dataclass(frozen=True)
class Trained:
    spec: TrialSpec
    folder: Path
    prepared: Prepared
    network: keras.Model

    def export(self, path: Path) -> Path:
        export(self.network, self.prepared, self.spec.compile.loss, self.folder, path)
        return path

    def own(self) -> Any:
        return np.asarray(self.network(x_of(self.prepared.validation), training=False))


def trained(folder: Path, profile: DatasetProfile, spec: TrialSpec) -> Trained:
    """A network whose every weight matters, biases and moving averages too."""
    prepared = prepare(folder, profile, spec)
    network = build(spec.network.layers, prepared.network_shape, spec.seed)
    draw = np.random.default_rng(1)
    for weight in network.weights:
        values = draw.normal(0, 0.3, weight.shape)
        weight.assign(values**2 + 0.1 if weight.name == "moving_variance" else values)
    return Trained(spec, folder, prepared, network)


def of_table(folder: Path, predictors: list[str], **spec: Any) -> Trained:
    data = {"target": "y", "predictors": predictors} | spec.pop("data", {})
    described = {"layers": [*DENSE, SOFTMAX]} | spec
    return trained(folder, table(folder, COLUMNS), trial(data=data, **described))


def of_arrays(folder: Path, x: Any, y: Any, **spec: Any) -> Trained:
    return trained(folder, write_arrays(Arrays(x, y), folder), trial(**spec))


def raw(predictors: list[str], rows: Indices) -> pl.DataFrame:
    frame: pl.DataFrame = pl.DataFrame({name: COLUMNS[name] for name in predictors})[rows.tolist()]
    return frame


def array_of(frame: pl.DataFrame) -> Any:
    """What a person would hand to predict: one float array, NaN where a cell is missing."""
    return np.array(
        [[np.nan if cell is None else float(cell) for cell in row] for row in frame.rows()]
    )


@pytest.mark.parametrize("scaling", ["auto", "minmax", "none"])
@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_a_table_of_numbers_is_predicted_from_one_raw_array(
    tmp_path: Path, scaling: str, missing: str
) -> None:
    net = of_table(tmp_path, NUMBERS, data={"scaling": scaling, "missing": missing})
    loaded = keras.saving.load_model(net.export(tmp_path / "n.keras"))
    rows = array_of(raw(NUMBERS, net.prepared.validation_rows))
    assert np.isnan(rows).any() == (missing == "impute")
    assert loaded.predict(rows, verbose=0) == pytest.approx(net.own(), abs=1e-5)
    assert np.asarray(loaded(rows)) == pytest.approx(net.own(), abs=1e-5)


def test_a_table_with_text_is_predicted_from_a_dict_of_raw_columns(tmp_path: Path) -> None:
    net = of_table(tmp_path, MIXED)
    loaded = keras.saving.load_model(net.export(tmp_path / "n.keras"))
    frame = raw(MIXED, net.prepared.validation_rows)

    def words(name: str) -> Any:
        return tf.constant([[word or ""] for word in frame[name]])

    rows = {
        "port of call": words("port of call"),
        "age": array_of(frame.select("age")),
        "network_": words("network"),
        "seconds_epoch": array_of(frame.select("seconds/epoch")),
        "flag": array_of(frame.select("flag")),
    }
    assert loaded.predict(rows, verbose=0) == pytest.approx(net.own(), abs=1e-5)


def test_a_table_of_text_alone_is_predicted(tmp_path: Path) -> None:
    net = of_table(tmp_path, ["network"])
    loaded = keras.saving.load_model(net.export(tmp_path / "n.keras"))
    frame = raw(["network"], net.prepared.validation_rows)
    rows = {"network_": tf.constant([[word] for word in frame["network"]])}
    assert loaded.predict(rows, verbose=0) == pytest.approx(net.own(), abs=1e-5)


def test_a_word_never_seen_is_none_of_the_categories(tmp_path: Path) -> None:
    net = of_table(tmp_path, ["network", "age"])
    loaded = keras.saving.load_model(net.export(tmp_path / "n.keras"))
    rows = {"network_": tf.constant([["unheard of"]]), "age": np.array([[30.0]])}
    assert isinstance(net.prepared.inputs, TableInputs)
    age = net.prepared.inputs.scaling(np.array([[30.0]]))
    alone = net.network(np.array([[age[0, 0], 0, 0]], dtype=np.float32))
    assert loaded.predict(rows, verbose=0) == pytest.approx(np.asarray(alone), abs=1e-5)


IMAGES = RANDOM.integers(0, 256, (90, 6, 5), dtype=np.uint8)
VECTORS = RANDOM.normal([0, 1e4, -3], [1, 1e3, 1e-3], (90, 3))
THREE = np.arange(90) % 3
OUT = {"layer": "Dense", "units": 3, "activation": "softmax"}
CONV = [
    {"layer": "Conv2D", "filters": 2, "kernel_size": 3},
    {"layer": "BatchNormalization"},
    {"layer": "Flatten"},
    {"layer": "Dropout", "rate": 0.5},
]


@pytest.mark.parametrize(
    ("x", "layers", "scaling"),
    [
        (IMAGES, DENSE, "auto"),
        (IMAGES, CONV, "auto"),
        (IMAGES, CONV, "standard"),
        (IMAGES, CONV, "none"),
        (IMAGES / 7.0, CONV, "auto"),
        (VECTORS, DENSE, "auto"),
        (VECTORS, DENSE, "minmax"),
    ],
)
def test_arrays_are_predicted_as_they_were_uploaded(
    tmp_path: Path, x: Any, layers: list[dict[str, Any]], scaling: str
) -> None:
    net = of_arrays(tmp_path, x, THREE, layers=[*layers, OUT], data={"scaling": scaling})
    loaded = keras.saving.load_model(net.export(tmp_path / "n.keras"))
    predicted = loaded.predict(x[net.prepared.validation_rows], verbose=0)
    assert predicted == pytest.approx(net.own(), abs=1e-5)
    assert predicted.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_regression_predicts_in_the_units_of_the_target(tmp_path: Path) -> None:
    data = {"target": "wage"}
    layers = [*DENSE, {"layer": "Dense", "units": 1}]
    net = of_table(tmp_path, NUMBERS, data=data, layers=layers, loss="MeanSquaredError")
    loaded = keras.saving.load_model(net.export(tmp_path / "n.keras"))
    rows = array_of(raw(NUMBERS, net.prepared.validation_rows))
    assert loaded.predict(rows, verbose=0) == pytest.approx(net.own(), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "units", "as_probability"),
    [
        ("SparseCategoricalCrossentropy", 2, keras.activations.softmax),
        ("BinaryCrossentropy", 1, keras.activations.sigmoid),
    ],
)
def test_logits_become_probabilities(
    tmp_path: Path, loss: str, units: int, as_probability: Callable[[Any], Any]
) -> None:
    layers = [*DENSE, {"layer": "Dense", "units": units}]
    net = of_table(tmp_path, NUMBERS, layers=layers, loss={"loss": loss, "from_logits": True})
    loaded = keras.saving.load_model(net.export(tmp_path / "n.keras"))
    rows = array_of(raw(NUMBERS, net.prepared.validation_rows))
    wanted = np.asarray(as_probability(tf.constant(net.own())))
    assert loaded.predict(rows, verbose=0) == pytest.approx(wanted, abs=1e-5)


def test_the_labels_and_inputs_lie_in_the_archive(tmp_path: Path) -> None:
    path = of_table(tmp_path, MIXED).export(tmp_path / "n.keras")
    notes = json.loads(zipfile.ZipFile(path).read("epochd.json"))
    assert notes["classes"] == ["0", "1"]
    assert list(notes["inputs"]) == MIXED
    assert notes["inputs"]["seconds/epoch"] == "seconds_epoch"
    assert notes["text"] == ["port of call", "network_"]


def test_without_validation_rows_training_rows_are_checked(tmp_path: Path) -> None:
    net = of_table(tmp_path, NUMBERS, fit={"validation_split": 0})
    assert net.export(tmp_path / "n.keras").exists()


def test_a_file_that_predicts_other_values_is_refused(tmp_path: Path) -> None:
    net = of_table(tmp_path, NUMBERS)
    assert isinstance(net.prepared.inputs, TableInputs)
    scaling = net.prepared.inputs.scaling
    wrong = replace(net.prepared.inputs, scaling=replace(scaling, centre=scaling.centre + 1))
    with pytest.raises(ExportMismatch):
        replace(net, prepared=replace(net.prepared, inputs=wrong)).export(tmp_path / "n.keras")


def test_a_network_whose_sums_overflow_is_written_all_the_same(tmp_path: Path) -> None:
    net = of_table(tmp_path, NUMBERS)
    net.network.set_weights([1e30 * each for each in net.network.get_weights()])
    assert not np.isfinite(net.own()).all()

    assert net.export(tmp_path / "n.keras").exists()


@dataclass
class Counted:
    """Rows that count how many of them are taken."""

    rows: Rows
    taken: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Which) -> Batch:
        batch = self.rows.take(which)
        self.taken += len(batch[0])
        return batch


@pytest.mark.parametrize("kind", ["table", "arrays"])
def test_few_rows_are_read_for_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("worker.trainer.export.CHECKED_ROWS", 10)
    monkeypatch.setattr("worker.trainer.export.CHECKED_BATCH", 4)
    net = (
        of_table(tmp_path, MIXED)
        if kind == "table"
        else of_arrays(tmp_path, VECTORS, THREE, layers=[*DENSE, OUT])
    )
    counted = Counted(net.prepared.validation)
    replace(net, prepared=replace(net.prepared, validation=counted)).export(tmp_path / "n.keras")
    assert counted.taken == 10 < len(counted)


def test_exporting_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    net = of_table(tmp_path, NUMBERS)
    before = net.own()
    net.export(tmp_path / "n.keras")
    assert np.array_equal(net.own(), before)


ELSEWHERE = """
import json, sys
for room in ("epochd", "api", "worker", "store", "search", "health", "models"):
    sys.modules[room] = None  # any import of it fails
import keras, numpy, tensorflow
found = []
for path, rows in json.load(sys.stdin):
    if isinstance(rows, dict):
        rows = {name: tensorflow.constant(column) for name, column in rows.items()}
    else:
        rows = numpy.array(rows)
    found.append(keras.saving.load_model(path).predict(rows, verbose=0).tolist())
print(json.dumps(found))
"""


def test_the_file_predicts_in_an_interpreter_that_knows_only_keras(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("numbers", "mixed", "images")]
    for folder in folders:
        folder.mkdir()
    nets = [
        of_table(folders[0], [name for name in NUMBERS if name != "age"]),
        of_table(folders[1], MIXED, data={"missing": "drop"}),
        of_arrays(folders[2], IMAGES, THREE, layers=[*CONV, OUT]),
    ]
    asked = []
    for net in nets:
        path = net.export(net.folder / "n.keras")
        if isinstance(net.prepared.inputs, TableInputs):
            frame = raw(list(net.prepared.inputs.columns), net.prepared.validation_rows)
            given = _plain(as_input(net.prepared.inputs, frame))
        else:
            given = IMAGES[net.prepared.validation_rows].tolist()
        asked.append((str(path), given))
    ran = subprocess.run(
        [sys.executable, "-I", "-c", ELSEWHERE],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    for net, found in zip(nets, json.loads(ran.stdout.splitlines()[-1]), strict=True):
        assert np.array(found) == pytest.approx(net.own(), abs=1e-5)


def _plain(given: Any) -> Any:
    """As JSON holds it."""
    if isinstance(given, dict):
        return {name: _plain(column) for name, column in given.items()}
    values = np.asarray(given)
    return (
        np.char.decode(values.astype(np.bytes_)).tolist()
        if values.dtype == object
        else (values.tolist())
    )
