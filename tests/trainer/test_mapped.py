"""Rows that stay on disk give the numbers of rows in memory, and take no memory of their own."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.trial import TrialSpec
from store.formats.folder import write_arrays
from store.formats.npz import Arrays
from tests.trainer.trials import trial, x_of, y_of
from worker import memory
from worker.memory import GIBIBYTE, MEBIBYTE
from worker.messages import Epoch
from worker.trainer import checkpoint, feed, inputs, mapped
from worker.trainer.checkpoint import Progress
from worker.trainer.data import Prepared, prepare
from worker.trainer.feed import RESIDENT_BYTES, resident_bytes
from worker.trainer.inputs import Method, fit_scaling
from worker.trainer.loop import BEGINNING, Loop, Position, Schedule
from worker.trainer.mapped import MappedRows
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.rows import HeldRows, Rows
from worker.trainer.trial import callbacks

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RANDOM = np.random.default_rng(5)
ROWS, EPOCHS, BATCH = 150, 3, 16
LABELS = np.arange(ROWS) % 3
IMAGES = (RANDOM.integers(0, 200, (ROWS, 6, 5)) + 20 * LABELS[:, None, None]).astype(np.uint8)
VECTORS = RANDOM.normal([0, 1e4, -3, 5], [1, 1e3, 1e-3, 2], (ROWS, 4)) + LABELS[:, None]
OUT = {"layer": "Dense", "units": 3, "activation": "softmax"}
FIT = {"epochs": EPOCHS, "batch_size": BATCH, "early_stopping": {"patience": 2}}


@dataclass(frozen=True, slots=True)
class Case:
    """A dataset with what is trained on it."""

    x: Any
    spec: TrialSpec

    def prepare(self, folder: Path) -> Prepared:
        return prepare(folder, write_arrays(Arrays(self.x, LABELS), folder), self.spec)


CASES = {
    "images": Case(
        IMAGES,
        trial(
            layers=[
                {"layer": "Conv2D", "filters": 3, "kernel_size": 3, "activation": "relu"},
                {"layer": "Flatten"},
                OUT,
            ],
            fit=FIT,
        ),
    ),
    "rows with class weights": Case(
        VECTORS,
        trial(
            data={"scaling": "standard"},
            layers=[{"layer": "Dense", "units": 8}, {"layer": "Dropout", "rate": 0.3}, OUT],
            loss="CategoricalCrossentropy",
            fit=FIT | {"class_weight": {"1": 3.0, "2": 0.5}},
        ),
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def _held(rows: Rows) -> HeldRows:
    x, y, *weights = rows.take(slice(None))
    return HeldRows(x=x, y=y, weights=weights[0].astype(np.float32) if weights else None)


@dataclass
class Training:
    """A training of a case, on rows that pass through in portions or lie on the device."""

    spec: TrialSpec
    prepared: Prepared
    portioned: bool
    folder: Path | None = None
    seen: list[Epoch] = field(default_factory=list)

    def run(self, resume: Path | None = None) -> None:
        spec = self.spec
        rows, validating = self.prepared.training, self.prepared.validation
        if not self.portioned:
            rows, validating = _held(rows), _held(validating)
        keras.backend.clear_session()
        self.network = build(spec.network.layers, self.prepared.network_shape, spec.seed)
        compile_network(self.network, spec.compile)
        self.callbacks = callbacks(spec)
        loop = Loop(
            Program(self.network, batch_size=BATCH, example=rows.take(slice(0, 1))),
            training=rows,
            validation=validating,
            schedule=Schedule(epochs=spec.fit.epochs, seed=spec.seed),
            callbacks=self.callbacks,
            on_epoch=self.seen.append,
            after_epoch=self._after,
            resident_bytes=0 if self.portioned else RESIDENT_BYTES,
        )
        if resume is None:
            loop.run(BEGINNING)
            return
        found = checkpoint.load(resume, self.network, self.callbacks)
        loop.run(found.progress.position, restore=lambda: found.restore(self.callbacks))

    def rows(self) -> list[dict[str, Any]]:
        return [row.model_dump(exclude={"seconds"}) for row in self.seen]

    def values(self) -> list[Any]:
        return [each.numpy() for each in (*self.network.weights, *self.network.optimizer.variables)]

    def _after(self, position: Position) -> None:
        if self.folder is not None:
            losses = tuple(row.metrics["loss"] for row in self.seen)
            progress = Progress(position=position, initial_loss=1.0, losses=losses)
            path = self.folder / f"{position.epoch}.npz"
            checkpoint.write(path, self.network, self.callbacks, progress)


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several portions of several pieces each, although there are few rows."""
    monkeypatch.setattr(feed, "PORTION_BYTES", 45 * 30 * 4)
    monkeypatch.setattr(mapped, "PIECE_BYTES", 10 * 30 * 4)


@pytest.mark.usefixtures("small_portions")
@each_case
def test_rows_are_the_same_however_they_are_taken(case: Case, tmp_path: Path) -> None:
    prepared = case.prepare(tmp_path)
    rows = prepared.training
    held = _held(rows)
    which = np.random.default_rng(1).permutation(len(rows))[:77]

    assert isinstance(rows, MappedRows)
    for taken in (which, which[:0], slice(3, 40), slice(None)):
        for mine, other in zip(rows.take(taken), held.take(taken), strict=True):
            assert (mine.dtype, mine.shape) == (other.dtype, other.shape)
            np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(
        x_of(rows), prepared.inputs(case.x[prepared.training_rows]).reshape(x_of(rows).shape)
    )


@pytest.mark.usefixtures("small_portions")
@each_case
def test_rows_from_disk_train_to_the_bits_of_rows_in_memory_also_when_resumed(
    case: Case, tmp_path: Path
) -> None:
    prepared = case.prepare(tmp_path)
    held = Training(case.spec, prepared, portioned=False)
    streamed = Training(case.spec, prepared, portioned=True, folder=tmp_path)
    held.run()
    streamed.run()

    assert len(held.seen) == EPOCHS
    assert streamed.rows() == held.rows()
    for mine, other in zip(streamed.values(), held.values(), strict=True):
        np.testing.assert_array_equal(mine, other)

    for epoch in range(1, EPOCHS):
        resumed = Training(case.spec, prepared, portioned=True)
        resumed.run(tmp_path / f"{epoch}.npz")
        assert resumed.rows() == held.rows()[epoch:]
        for mine, other in zip(resumed.values(), held.values(), strict=True):
            np.testing.assert_array_equal(mine, other)


def test_wide_targets_of_a_regression_come_from_the_file_too(tmp_path: Path) -> None:
    y = RANDOM.normal(size=(ROWS, 7))
    profile = write_arrays(Arrays(VECTORS, y), tmp_path)
    prepared = prepare(tmp_path, profile, trial(loss="MeanSquaredError"))
    rows = prepared.training

    assert isinstance(rows, MappedRows)
    assert isinstance(rows.target.values, np.memmap)
    np.testing.assert_array_equal(y_of(rows), y[prepared.training_rows].astype(np.float32))


@pytest.mark.parametrize("method", ["standard", "minmax", "largest"])
@pytest.mark.parametrize("axis", [0, None])
def test_a_scale_fitted_piece_by_piece_is_that_of_all_rows(
    monkeypatch: pytest.MonkeyPatch, method: Method, axis: int | None
) -> None:
    monkeypatch.setattr(inputs, "CHUNK_VALUES", 4 * 7)
    rows = np.flatnonzero(RANDOM.random(ROWS) < 0.7)

    scaling = fit_scaling(VECTORS, method, axis, rows)

    x = VECTORS[rows]
    lowest, highest = x.min(axis), x.max(axis)
    expected = {
        "standard": (x.mean(axis), x.std(axis)),
        "minmax": (lowest, highest - lowest),
        "largest": (0 * lowest, np.maximum(1, np.abs(x).max(axis))),
    }[method]
    np.testing.assert_allclose(scaling.centre, expected[0], rtol=1e-13)
    np.testing.assert_allclose(scaling.spread, expected[1], rtol=1e-10)
    assert scaling.centre.shape == scaling.spread.shape == np.shape(lowest)


def test_rows_of_a_kind_may_take_an_eighth_of_a_trainers_memory() -> None:
    assert resident_bytes(2 * GIBIBYTE, "cpu") == GIBIBYTE // 4
    assert resident_bytes(None, "cpu") == RESIDENT_BYTES
    assert resident_bytes(100 * GIBIBYTE, "a GPU") == RESIDENT_BYTES


@contextmanager
def _watched() -> Iterator[list[int]]:
    """The memory of this process as the watchdog counts it, every few milliseconds."""
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            usage = memory.usage(os.getpid())
            assert usage is not None
            seen.append(usage.memory)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def test_rows_larger_than_the_memory_that_is_left_are_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_bytes, allowed, columns = 256 * MEBIBYTE, 96 * MEBIBYTE, 4096
    rows = file_bytes // (4 * columns)
    monkeypatch.setattr(feed, "PORTION_BYTES", 8 * MEBIBYTE)
    spec = trial(layers=[{"layer": "Flatten"}, OUT], fit=FIT | {"epochs": 1})
    warm_up = tmp_path / "small"
    warm_up.mkdir()
    Training(spec, CASES["images"].prepare(warm_up), portioned=True).run()
    few = np.zeros((ROWS, columns), np.float32)
    profile = write_arrays(Arrays(few, LABELS), tmp_path).model_copy(update={"rows": rows})
    np.lib.format.open_memmap(  # zeros that nobody has written take no room on the disk
        tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(rows, columns)
    )
    np.save(tmp_path / "y.npy", np.arange(rows) % 3)

    with _watched() as seen:
        training = Training(spec, prepare(tmp_path, profile, spec), portioned=True)
        training.run()

    assert len(training.seen) == 1
    assert max(seen) - seen[0] < allowed
