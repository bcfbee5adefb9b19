"""Hyperband or a random search of KerasTuner's over a small space: the best val_loss it finds.

What is asked stands in one JSON object; the space is that of benchmarks/quality/regret.py.
"""

import argparse
import json
from typing import Any

import keras
import keras_tuner
import numpy as np


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the epochs and trainings of all trials; the tuner gives each a copy."""

    ended: list[int] = []  # noqa: RUF012 - shared by the copies, on purpose
    begun: list[int] = []  # noqa: RUF012 - the same

    def on_train_begin(self, _logs: object = None) -> None:
        """One more training."""
        self.begun.append(1)

    def on_epoch_end(self, epoch: int, _logs: object = None) -> None:
        """One more epoch."""
        self.ended.append(epoch)


def tuner(task: dict[str, Any]) -> keras_tuner.Tuner:
    """The one that is asked for."""

    def build(choices: keras_tuner.HyperParameters) -> keras.Model:
        model = keras.Sequential(
            [
                keras.layers.Dense(choices.Int("units", 8, 256, sampling="log"), "relu"),
                keras.layers.Dropout(choices.Float("dropout", 0, 0.5)),
                keras.layers.Dense(choices.Int("units_2", 8, 256, sampling="log"), "relu"),
                keras.layers.Dense(task["classes"], "softmax"),
            ]
        )
        rate = choices.Float("learning_rate", 1e-4, 0.1, sampling="log")
        # Time is not measured here: without XLA, a new width costs no compiling by it.
        model.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", jit_compile=False
        )
        return model

    files = {"directory": task["folder"], "project_name": "search", "seed": task["seed"]}
    if task["tuner"] == "hyperband":
        return keras_tuner.Hyperband(build, "val_loss", max_epochs=task["epochs"], **files)
    return keras_tuner.RandomSearch(build, "val_loss", max_trials=task["trials"], **files)


def main() -> None:
    """Search, and print what it found and what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=json.loads)
    task = parser.parse_args().task
    keras.utils.set_random_seed(task["seed"])
    with np.load(task["data"]) as arrays:
        x, y, training = arrays["x"], arrays["y"], int(arrays["training"])
    search = tuner(task)
    search.search(
        x[:training],
        y[:training],
        validation_data=(x[training:], y[training:]),
        epochs=task["epochs"],
        batch_size=task["batch_size"],
        callbacks=[Epochs()],
        verbose=0,
    )
    best = search.oracle.get_best_trials(1)[0].score
    print(json.dumps({"loss": best, "fits": len(Epochs.begun), "epochs": len(Epochs.ended)}))


main()
