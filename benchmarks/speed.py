"""The trainer's loop against `keras.Model.fit`, turn by turn in one process.

Rows, networks, optimizers and threads are the same.

A process of its own (`python -m benchmarks.speed table`), so that TensorFlow is in none that
measures something else. `fit` is called as one would, so Keras decides whether XLA compiles it.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks import data
from benchmarks.figures import Figure
from models.resolve import resolve
from models.specs.experiment import ExperimentSpec
from models.trial import TrialSpec
from store.formats.folder import write_arrays
from store.formats.npz import Arrays
from worker.messages import Epoch
from worker.trainer import engine
from worker.trainer.data import Prepared, prepare
from worker.trainer.loop import Loop, Schedule
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network, loss, metric, optimizer
from worker.trainer.program import Program
from worker.trainer.programs import Programs, key
from worker.trainer.rows import HeldRows, Rows

MNIST_ROWS, CONVOLUTION_ROWS = 42_000, 10_000
EPOCHS = 20
# What is timed of an epoch's figure in one round, after one round of which nothing is timed.
EPOCHS_A_ROUND = 2
MATRIX = 2048

Layers = list[dict[str, object]]
DENSE: Layers = [{"layer": "Dense", "units": 100, "activation": "relu"}] * 2
NORMALIZED: Layers = [
    {"layer": "Dense", "units": 100, "activation": "relu"},
    {"layer": "BatchNormalization"},
    {"layer": "Dropout", "rate": 0.2},
] * 2
CONVOLUTIONS: Layers = [
    {"layer": "Conv2D", "filters": 16, "kernel_size": 3, "activation": "relu"},
    {"layer": "MaxPooling2D"},
    {"layer": "Conv2D", "filters": 32, "kernel_size": 3, "activation": "relu"},
    {"layer": "MaxPooling2D"},
    {"layer": "Conv2D", "filters": 64, "kernel_size": 3, "activation": "relu"},
    {"layer": "Flatten"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A training, and its rows as the trainer prepares them."""

    trial: TrialSpec
    prepared: Prepared

    def built(self) -> keras.Model:
        """The network, untrained and not compiled."""
        return build(self.trial.network.layers, self.prepared.network_shape, self.trial.seed)

    @property
    def training(self) -> HeldRows:
        """The rows to train on, in memory for everybody."""
        return _held(self.prepared.training)

    @property
    def validation(self) -> HeldRows | None:
        """The rows to validate with."""
        return _held(self.prepared.validation) if len(self.prepared.validation) else None


def _held(rows: Rows) -> HeldRows:
    x, y = rows.take(slice(None))
    return HeldRows(x=x, y=y)


def case(x: data.Array, y: data.Array, layers: Layers, *, validation_split: float) -> Case:
    """A training with Adam of 20 epochs in batches of 32."""
    spec = ExperimentSpec.model_validate(
        {
            "data": {"dataset": "benchmark"},
            "network": {"layers": layers},
            "compile": {"optimizer": {"optimizer": "Adam"}, "metrics": ["accuracy"]},
            "fit": {
                "epochs": EPOCHS,
                "validation_split": validation_split,
                "early_stopping": None,
            },
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        profile = write_arrays(Arrays(x, y), Path(folder))
        trial = resolve(spec, {}, profile, seed=0)
        return Case(trial=trial, prepared=prepare(Path(folder), profile, trial))


def lent(case: Case, programs: Programs) -> Program:
    """The program that trains it, kept or made, with new weights."""
    trial, training = case.trial, case.training
    xla = engine.choose(trial, len(training)).xla
    example = training.take(slice(0, 1))

    def made() -> Program:
        network = case.built()
        compile_network(network, trial.compile)
        batch_size = trial.fit.batch_size
        return Program(network, batch_size=batch_size, example=example, xla=xla)

    program = programs.lend(key(trial, example, xla=xla), made)
    program.begin_anew(case.built(), trial.compile.optimizer.constant_rate)
    return program


def ours(case: Case, programs: Programs, epochs: int) -> list[float]:
    """Train as the trainer does; each epoch's seconds.

    Args:
        case: what to train.
        programs: what was compiled for trainings before this one.
        epochs: how many of it; how it is compiled is decided by how many it asks for.
    """
    trial = case.trial
    rows: list[Epoch] = []
    program = lent(case, programs)
    Loop(
        program,
        training=case.training,
        validation=case.validation,
        schedule=Schedule(epochs=epochs, seed=trial.seed),
        callbacks=[],
        on_epoch=rows.append,
    ).run()
    return [row.seconds for row in rows]


class Fit:
    """The same network, trained by Keras."""

    def __init__(self, case: Case) -> None:
        spec = case.trial.compile
        self._case = case
        self._network = case.built()
        self._network.compile(
            optimizer=optimizer(spec.optimizer, plain=True),
            loss=loss(spec.loss),
            metrics=[metric(each, spec.loss.encoding) for each in spec.metrics],
        )

    def train(self, epochs: int) -> list[float]:
        """Each epoch's seconds."""
        training, validation = self._case.training, self._case.validation
        clock = _Clock()
        self._network.fit(
            training.x,
            training.y,
            batch_size=self._case.trial.fit.batch_size,
            epochs=epochs,
            validation_data=None if validation is None else (validation.x, validation.y),
            callbacks=[clock],
            verbose=0,
        )
        return clock.seconds


class _Clock(keras.callbacks.Callback):  # type: ignore[misc] # keras is untyped
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._begun = 0.0

    def on_epoch_begin(self, _epoch: int, _logs: object = None) -> None:
        self._begun = time.perf_counter()

    def on_epoch_end(self, _epoch: int, _logs: object = None) -> None:
        self.seconds.append(time.perf_counter() - self._begun)


def epoch_figure(what: str, case: Case, rounds: int, times: float) -> tuple[Figure, float]:
    """Seconds an epoch, all compiling done before; the figure, and the loop's seconds."""
    programs, fit = Programs(), Fit(case)
    ours(case, programs, EPOCHS_A_ROUND)
    fit.train(1)
    loop_seconds, fit_seconds = [], []
    for _ in range(rounds):
        loop_seconds.append(statistics.mean(ours(case, programs, EPOCHS_A_ROUND)))
        fit_seconds.append(statistics.mean(fit.train(EPOCHS_A_ROUND)))
    engine.forget()
    how = "XLA" if engine.choose(case.trial, len(case.training)).xla else "no XLA"
    what = f"{what}, seconds an epoch ({how}), against fit"
    return _compared(what, loop_seconds, fit_seconds, times), statistics.median(loop_seconds)


def trial_figures(what: str, case: Case, rounds: int) -> list[Figure]:
    """A whole training from building the network: the first of its shape, and the second."""
    first, second, fit = [], [], []
    for number in range(rounds):
        programs = Programs()
        first.append(_trial_seconds(case, programs, 2 * number))
        second.append(_trial_seconds(case, programs, 2 * number + 1))
        fit.append(_timed(lambda: Fit(case).train(EPOCHS)))
        engine.forget()
    return [
        _compared(f"{what}, first trial of that shape, against fit", first, fit, 2.5),
        _compared(f"{what}, second trial of that shape, against fit", second, fit, 25),
    ]


def _trial_seconds(case: Case, programs: Programs, seed: int) -> float:
    again = replace(case, trial=case.trial.model_copy(update={"seed": seed}))
    seconds = _timed(lambda: ours(again, programs, EPOCHS))
    engine.forget()
    return seconds


def floor_figure(case: Case, seconds: float) -> Figure:
    """How far a dense network's epoch is from the time of its matrix products alone.

    A row costs two operations a weight forward, two for the weight's gradient and two for the
    gradient of the layer's input, which the first layer does not need.
    """
    kernels = [weight.shape for weight in case.built().trainable_weights if len(weight.shape) == 2]
    weights = [int(np.prod(shape)) for shape in kernels]
    operations = len(case.training) * (6 * sum(weights) - 2 * weights[0])
    rate = _matrix_rate()
    floor = operations / rate
    return Figure(
        "the dense MNIST epoch above its floating-point floor",
        f"{seconds / floor:.1f}x: {seconds:.3f} s, floor {floor:.3f} s "
        f"({operations / 1e9:.1f} GFLOP at {rate / 1e9:.0f} GFLOP/s)",
        "2x",
        seconds <= 2 * floor,
    )


def _matrix_rate() -> float:
    """Operations a second of this machine, in the product of two large float32 matrices."""
    matrix = tf.random.normal((MATRIX, MATRIX))
    product = tf.function(lambda a: tf.reduce_sum(a @ a), autograph=False)
    float(product(matrix))
    return 2 * MATRIX**3 / min(_timed(lambda: float(product(matrix))) for _ in range(10))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _compared(what: str, ours: Sequence[float], fit: Sequence[float], times: float) -> Figure:
    ratios = [theirs / mine for mine, theirs in zip(ours, fit, strict=True)]
    ratio = statistics.median(ratios)
    return Figure(
        what,
        f"{ratio:.1f}x ({min(ratios):.1f} to {max(ratios):.1f}): "
        f"{statistics.median(ours):.3f} against {statistics.median(fit):.3f} s",
        f"{times:g}x",
        ratio >= times,
    )


def measure_table(rounds: int) -> list[Figure]:
    """The figures of a small table."""
    with tempfile.TemporaryDirectory() as folder:
        table = data.titanic(Path(folder))
    engine.warm_up()
    small = case(table.x, table.y, DENSE, validation_split=0.3)
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS", "all")
    many = "1 thread" if threads == "1" else f"{threads} threads"
    what = f"10-100-100-2 Adam, {table.name}, {len(small.training)} rows, 20 epochs, {many}"
    return trial_figures(what, small, rounds)


def measure_images(rounds: int) -> list[Figure]:
    """The figures of images."""
    with tempfile.TemporaryDirectory() as folder:
        images = data.mnist(Path(folder), MNIST_ROWS)
    flat = images.x.reshape(len(images.x), -1)
    some = images.x[:CONVOLUTION_ROWS, ..., np.newaxis]
    engine.warm_up()
    dense = case(flat, images.y, DENSE, validation_split=0)
    normalized = case(flat, images.y, NORMALIZED, validation_split=0)
    convolutions = case(some, images.y[:CONVOLUTION_ROWS], CONVOLUTIONS, validation_split=0)
    named = f"Adam, {images.name}"
    dense_figure, seconds = epoch_figure(f"784-100-100-10 {named}", dense, rounds, 10)
    return [
        dense_figure,
        floor_figure(dense, seconds),
        epoch_figure(
            f"Conv 16-32-64 Adam, {CONVOLUTION_ROWS:,} of these", convolutions, rounds, 1.8
        )[0],
        epoch_figure(f"BatchNorm + Dropout dense {named}", normalized, rounds, 3.5)[0],
    ]


def main() -> None:
    """Print the figures as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", choices=("table", "images"))
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    measure = measure_table if chosen.rows == "table" else measure_images
    print(json.dumps([asdict(figure) for figure in measure(chosen.rounds)]))


if __name__ == "__main__":
    main()
