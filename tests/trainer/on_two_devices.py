"""Trains on one device and on two, and prints both as JSON; run as a process of its own.

TensorFlow divides its CPU into two devices only before anything else is done with it.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.measurements import Measurement
from store.formats.builtin import write_bundled
from tests.trainer.trials import trial
from tests.trainer.wires import Heard
from worker.messages import (
    Checkpointed,
    CheckpointFile,
    Checkpointing,
    Epoch,
    Finished,
    Started,
    Train,
)
from worker.trainer.devices import placement
from worker.trainer.loop import Loop, Position, Schedule
from worker.trainer.measure import Measuring
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.programs import Programs
from worker.trainer.rows import HeldRows
from worker.trainer.trial import attempt

BATCH = 16
EPOCHS = 3
VALIDATION_ROWS = 27

_HIDDEN: dict[str, Any] = {"layer": "Dense", "units": 8, "activation": "relu"}
_CONSTRAINED = _HIDDEN | {
    "kernel_regularizer": "l2",
    "kernel_constraint": {"constraint": "MaxNorm", "max_value": 1.5},
}
_CLIPPED = {"optimizer": "AdamW", "learning_rate": 0.01, "clipnorm": 0.1, "weight_decay": 0.01}
_SOFTMAX = {"layer": "Dense", "units": 3, "activation": "softmax"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One training.

    Attributes:
        weighted: rows count differently in the loss.
        outlier: the target is a number, of which one in the second half of the first batch is so
            large that only the second device's gradients are not finite.
    """

    rows: int
    layers: list[dict[str, Any]]
    compiled: dict[str, Any]
    weighted: bool = False
    outlier: bool = False


CASES = {
    "whole batches": Case(
        rows=5 * BATCH, layers=[_HIDDEN, _SOFTMAX], compiled={"metrics": ["accuracy"]}
    ),
    "a last batch of 11": Case(
        rows=5 * BATCH + 11,
        layers=[_CONSTRAINED, {"layer": "BatchNormalization"}, _SOFTMAX],
        compiled={"metrics": ["accuracy"], "optimizer": _CLIPPED},
        weighted=True,
    ),
    "a last batch of 1, steps skipped": Case(
        rows=5 * BATCH + 1,
        layers=[_HIDDEN, {"layer": "Dense", "units": 1}],
        compiled={
            "metrics": ["mae"],
            "precision": "mixed_float16",
            "loss": "MeanSquaredError",
            "optimizer": {"optimizer": "SGD", "learning_rate": 1e-4},
        },
        outlier=True,
    ),
}


def train(case: Case, devices: int) -> dict[str, Any]:
    """The losses and metrics, and what else shows that the same was done."""
    spec = trial(layers=case.layers, compile=case.compiled)
    training, validation = _rows(case)
    where = placement(devices)
    with where.scope():
        network = build(spec.network.layers, (6,), spec.seed, spec.compile.precision)
        compile_network(network, spec.compile)
    seen: list[Epoch] = []
    program = Program(
        network, batch_size=BATCH, example=training.take(slice(0, 1)), placement=where
    )
    measuring = Measuring(program, trial=spec, training=training, validation=validation)
    measured = [_numbers(measuring.begin(_nothing))]

    def after_epoch(position: Position) -> None:
        found = measuring.epoch_ended(position.epoch, last=True, between=_nothing)
        assert found is not None
        measured.append(_numbers(found))

    loop = Loop(
        program,
        training=training,
        validation=validation,
        schedule=Schedule(epochs=EPOCHS, seed=1, shuffle=False),
        callbacks=[keras.callbacks.TerminateOnNaN()],
        on_epoch=seen.append,
        before_epoch=measuring.epoch_begins,
        after_epoch=after_epoch,
    )
    initial = loop.initial_loss()
    loop.run()
    return {
        "initial": [initial],
        "history": [value for row in seen for value in row.metrics.values()],
        "steps": [int(network.optimizer.iterations.numpy())],
        "measured": measured,
        "weights": [float(np.linalg.norm(weight)) for weight in network.get_weights()],
    }


def _nothing() -> None:
    """Nobody wants it to stop."""


def _numbers(found: Measurement) -> list[float]:
    """Some of each kind, where they apply."""
    layers = [
        (each.zeros, each.kernel_gradient, each.bias_norm, each.update_ratio)
        for each in found.layers
    ]
    paired = None if found.since_last is None else found.since_last.mean
    numbers = [found.loss, paired, *(number for each in layers for number in each)]
    return [number for number in numbers if number is not None]


def _rows(case: Case) -> tuple[HeldRows, HeldRows]:
    rows = case.rows
    chance = np.random.default_rng(3)
    x = chance.normal(size=(rows + VALIDATION_ROWS, 6)).astype("float32")
    y = x[:, :1] if case.outlier else np.argmax(x[:, :3], axis=1)
    if case.outlier:
        y[BATCH * 3 // 4] = 200
    weights = np.array([1, 3, 0.5], "float32")[y[:rows]] if case.weighted else None
    return HeldRows(x=x[:rows], y=y[:rows], weights=weights), HeldRows(x=x[rows:], y=y[rows:])


def resume() -> dict[str, Any]:
    """A trial as a trainer is given it, and again from its first checkpoint."""
    spec = trial(
        layers=[
            _HIDDEN,
            {"layer": "Dropout", "rate": 0.2},
            {"layer": "Dense", "units": 10, "activation": "softmax"},
        ],
        fit={"epochs": 4},
    )
    programs = Programs()
    with TemporaryDirectory() as folder:
        profile = write_bundled("digits", Path(folder))

        def run(found: tuple[CheckpointFile, ...]) -> tuple[Finished, Heard]:
            wire = Heard()
            plan = Train(
                trial=spec,
                profile=profile,
                folder=folder,
                network=f"{folder}/network.keras",
                checkpointing=Checkpointing(folder=folder, seconds=0, found=found),
            )
            ended = attempt(plan, wire, programs)
            assert isinstance(ended, Finished), ended
            return ended, wire

        ended, whole = run(())
        files = [each.file for each in whole.reports if isinstance(each, Checkpointed)]
        again, rest = run((files[0],))
    started = next(each for each in whole.reports if isinstance(each, Started))
    return {
        "engine": started.engine,
        "row_losses": [_mean(ended), _mean(again)],
        "after": files[0].epoch,
        "epochs": [whole.metrics(), rest.metrics()],
    }


def _mean(ended: Finished) -> float:
    """The mean of the row losses."""
    assert ended.row_losses is not None
    return float(np.frombuffer(ended.row_losses.values, "<f4").mean())


if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    cases = {name: [train(case, devices) for devices in (1, 2)] for name, case in CASES.items()}
    json.dump({"cases": cases, "resumed": resume()}, sys.stdout)
