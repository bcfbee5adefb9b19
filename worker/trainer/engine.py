"""The machine below a training: its device, its threads, and what has to be done only once."""

import gc
import os
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from pydantic import JsonValue

from models.trial import TrialSpec
from worker.trainer.loop import Loop, Rows, Schedule
from worker.trainer.optimizer import wants_jit


def warm_up() -> str:
    """Train a tiny network, so that the first trial does not pay for what happens only once.

    Returns:
        "cpu", or the GPU's name.
    """
    network = keras.Sequential(
        [keras.layers.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(2, "softmax")]
    )
    network.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rows = Rows(x=np.zeros((8, 2), dtype=np.float32), y=np.zeros(8, dtype=np.int64))
    Loop(
        network,
        training=rows,
        validation=rows,
        schedule=Schedule(epochs=1, batch_size=4, seed=0),
        callbacks=[],
    ).run()
    forget()
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
        xla: whether XLA compiles the steps.
        reason: why.
    """

    xla: bool
    reason: str

    def view(self) -> dict[str, JsonValue]:
        """For the trial's view."""
        return {
            "device": device(),
            "threads": int(os.environ.get("TF_NUM_INTRAOP_THREADS", "0")) or os.cpu_count(),
            "compiled": "step",
            "xla": self.xla,
            "reason": self.reason,
        }


def choose(trial: TrialSpec) -> Engine:
    """Decide how to train a trial.

    Where the spec leaves it open, a CPU trains without XLA: compiling a step takes it seconds, and
    a step alone gains little from it.
    """
    if trial.compile.jit_compile != "auto":
        return Engine(trial.compile.jit_compile, "as the spec says")
    if device() == "cpu":
        return Engine(xla=False, reason="on a CPU, compiling a step costs more than it gains")
    xla = wants_jit(trial.compile, trial.network.layers, gpu=True)
    return Engine(xla, "chosen for a GPU")


def forget() -> None:
    """Let go of the last network, so that a trainer of many trials does not grow with each."""
    keras.backend.clear_session()
    gc.collect()
