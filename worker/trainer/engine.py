"""The machine below a training: its device, its threads, and what has to be done only once."""

import gc
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import keras
import numpy as np
import tensorflow as tf
from pydantic import JsonValue

from models.specs.compile import Precision
from models.specs.layers.convolution import Convolution
from models.trial import TrialSpec
from worker.trainer import devices
from worker.trainer.loop import Loop, Schedule
from worker.trainer.program import Program
from worker.trainer.rows import HeldRows

Gpu = TypeVar("Gpu")

# XLA takes seconds to compile a program, and saves some tenth of a millisecond a step: it pays
# from so many steps on. Fixed numbers, not a measurement, so that the same trial gives the same
# numbers wherever and whenever it is trained.
XLA_PAYS_FROM_STEPS = 10_000


# What a trainer is told of its worker's settings beside TensorFlow's own variables.
ALLOW_GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"
GPUS_PER_TRIAL = "EPOCHD_GPUS_PER_TRIAL"


def grow_memory(gpus: Sequence[Gpu], grow: Callable[[Gpu, bool], None]) -> None:
    """Let TensorFlow take a GPU's memory as it needs it; by itself it takes all of it at once.

    Args:
        gpus: all that are seen, none of them in use yet.
        grow: switches that on for one of them.
    """
    if os.environ.get(ALLOW_GROWTH, "true").lower() == "false":
        return
    for gpu in gpus:
        grow(gpu, True)


def warm_up() -> str:
    """Train a tiny network, so that the first trial does not pay for what happens only once.

    Returns:
        "cpu", or the GPU's name.
    """
    grow_memory(tf.config.list_physical_devices("GPU"), tf.config.experimental.set_memory_growth)
    network = keras.Sequential(
        [keras.layers.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(2, "softmax")]
    )
    network.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rows = HeldRows(x=np.zeros((8, 2), dtype=np.float32), y=np.zeros(8, dtype=np.int64))
    Loop(
        Program(network, batch_size=4, example=rows.take(slice(0, 1))),
        training=rows,
        validation=rows,
        schedule=Schedule(epochs=1, seed=0),
        callbacks=[],
    ).run()
    gc.collect()
    # All that is loaded by now stays for good, and need not be looked through after each trial.
    gc.freeze()
    return device()


def device() -> str:
    """What a trial trains on here."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "cpu"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))


@dataclass(frozen=True, slots=True)
class Engine:
    """How a trial is trained here.

    Attributes:
        xla: whether XLA compiles the training.
        reason: why.
        precision: what the layers compute in.
        devices: how many share every batch.
    """

    xla: bool
    reason: str
    precision: Precision = "float32"
    devices: int = 1

    def view(self) -> dict[str, JsonValue]:
        """For the trial's view."""
        return {
            "device": device(),
            "devices": self.devices,
            "threads": int(os.environ.get("TF_NUM_INTRAOP_THREADS", "0")) or os.cpu_count(),
            "compiled": "epoch",
            "xla": self.xla,
            "precision": self.precision,
            "reason": self.reason,
        }


def choose(trial: TrialSpec, rows: int) -> Engine:
    """Decide how to train a trial, where the spec leaves it open.

    Args:
        trial: resolved.
        rows: to train on.
    """
    allowed = int(os.environ.get(GPUS_PER_TRIAL, "1"))
    several = sharing(trial, seen=len(devices.names()), allowed=allowed)
    xla, reason = _xla(trial, rows) if several == 1 else (False, "not with several devices")
    precision = trial.compile.precision
    if precision != "float32" and device() == "cpu":
        reason += f"; {precision} gains nothing on a CPU"
    return Engine(xla, reason, precision, several)


def sharing(trial: TrialSpec, *, seen: int, allowed: int) -> int:
    """How many devices train it: as many as can share its batch evenly.

    One where the spec wants XLA, which does not go with several.

    Args:
        trial: resolved.
        seen: devices that are there.
        allowed: that one trial may take.
    """
    if trial.compile.jit_compile is True:
        return 1
    counts = range(1, min(seen, allowed) + 1)
    return max(count for count in counts if trial.fit.batch_size % count == 0)


def _xla(trial: TrialSpec, rows: int) -> tuple[bool, str]:
    """Whether XLA compiles it, and why.

    On a GPU XLA usually wins. On a CPU it loses with convolutions (17 against 1.6 s of processor
    time an epoch of a small convolutional net), and compiling has to be worth it.
    """
    if trial.compile.jit_compile != "auto":
        return trial.compile.jit_compile, "as the spec says"
    if device() != "cpu":
        return True, "usually faster on a GPU"
    if any(isinstance(layer, Convolution) for layer in trial.network.layers):
        return False, "slower with convolutions on a CPU"
    steps = trial.fit.epochs * math.ceil(rows / trial.fit.batch_size)
    if steps < XLA_PAYS_FROM_STEPS:
        return False, f"{steps} steps at most; compiling pays from {XLA_PAYS_FROM_STEPS} on"
    return True, f"up to {steps} steps, which pay for compiling"


def forget() -> None:
    """Let go of the last network, so that a trainer of many trials does not grow with each.

    Keras's `clear_session` would also throw away what is compiled.
    """
    gc.collect()
