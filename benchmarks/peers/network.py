"""The network that every peer trains, compiled, and what `fit` is told."""

from typing import Any

import keras
from task import VALIDATION_SPLIT, Task


def network(task: Task, rate: float) -> keras.Model:
    """Two hidden layers of 100."""
    model = keras.Sequential(
        [
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(task.classes, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def fitting(task: Task) -> dict[str, Any]:
    """All but rows and callbacks."""
    return {
        "epochs": task.epochs,
        "batch_size": task.batch_size,
        "validation_split": VALIDATION_SPLIT,
        "verbose": 0,
    }


def stopping(task: Task) -> keras.callbacks.Callback:
    """Ends a training that gets no better, and takes its best weights."""
    return keras.callbacks.EarlyStopping(patience=task.patience, restore_best_weights=True)
