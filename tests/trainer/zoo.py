"""Small trainings that between them use all that a training's state can consist of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from models.specs.compile import Precision
from models.trial import TrialSpec
from tests.trainer.trials import trial
from worker.messages import Epoch
from worker.trainer.loop import Loop, Position, Schedule
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.rows import HeldRows
from worker.trainer.trial import callbacks

ROWS = 120  # no multiple of the batch: the last one is partial
VALIDATION_ROWS = 50
BATCH = 32
EPOCHS = 5

_IMAGE: list[dict[str, Any]] = [
    {"layer": "Reshape", "target_shape": [6, 6, 1]},
    {"layer": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu"},
    {"layer": "MaxPooling2D"},
]
_NOISY: list[dict[str, Any]] = [
    {"layer": "GaussianNoise", "stddev": 0.1},
    {"layer": "Dense", "units": 16, "activation": "relu", "kernel_regularizer": "l2"},
    {"layer": "Dropout", "rate": 0.3},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Animal:
    """One training.

    Attributes:
        layers: before the output layer.
        fit: beyond epochs and batch size; early stopping only where it is given here.
        weighted: rows count differently in the loss.
    """

    name: str
    layers: list[dict[str, Any]]
    optimizer: dict[str, Any]
    fit: dict[str, Any] = field(default_factory=dict)
    weighted: bool = False
    precision: Precision = "float32"

    @property
    def spec(self) -> TrialSpec:
        fit = {"epochs": EPOCHS, "batch_size": BATCH, "early_stopping": None} | self.fit
        output = {"layer": "Dense", "units": 3, "activation": "softmax"}
        return trial(
            layers=[*self.layers, output],
            fit=fit,
            compile={
                "optimizer": self.optimizer,
                "metrics": ["accuracy"],
                "precision": self.precision,
            },
        )


ZOO = (
    Animal(
        name="noise, dropout, L2, class weights, Adam",
        layers=_NOISY,
        optimizer={"optimizer": "Adam", "learning_rate": 0.01, "amsgrad": True},
        weighted=True,
    ),
    Animal(
        name="batch normalization, RMSprop, a plateau after every epoch but the first",
        layers=[{"layer": "Dense", "units": 8}, {"layer": "BatchNormalization"}],
        optimizer={"optimizer": "RMSprop", "momentum": 0.5, "centered": True},
        fit={"reduce_lr_on_plateau": {"patience": 1, "factor": 0.5, "min_delta": 10}},
    ),
    Animal(
        name="a plateau with cooldown, and early stopping that does not come about",
        layers=[{"layer": "Dense", "units": 8, "activation": "relu"}],
        optimizer={"optimizer": "Adadelta", "learning_rate": 0.5},
        fit={
            "reduce_lr_on_plateau": {"patience": 1, "cooldown": 2, "min_delta": 10},
            "early_stopping": {"patience": 3},
        },
    ),
    Animal(
        name="a schedule, Nesterov momentum, a constraint, layer normalization",
        layers=[
            {"layer": "Dense", "units": 8, "kernel_constraint": {"constraint": "MaxNorm"}},
            {"layer": "LayerNormalization"},
        ],
        optimizer={
            "optimizer": "SGD",
            "momentum": 0.9,
            "nesterov": True,
            "learning_rate": {
                "schedule": "CosineDecay",
                "initial_learning_rate": 0.1,
                "decay_steps": 15,
            },
        },
    ),
    Animal(
        name="early stopping within its patience, which then restores an earlier epoch",
        layers=[{"layer": "Dense", "units": 32, "activation": "relu"}, *_NOISY],
        optimizer={"optimizer": "Adam", "learning_rate": 0.6},
        fit={"epochs": 12, "early_stopping": {"patience": 3, "restore_best_weights": True}},
    ),
    Animal(
        name="convolution, AdamW, clipping, rows in order",
        layers=[*_IMAGE, {"layer": "Flatten"}],
        optimizer={"optimizer": "AdamW", "clipnorm": 0.5},
        fit={"shuffle": False},
    ),
    Animal(
        name="separable convolution, batch normalization, global pooling, Nadam",
        layers=[
            *_IMAGE,
            {"layer": "SeparableConv2D", "filters": 4, "kernel_size": 2},
            {"layer": "BatchNormalization"},
            {"layer": "GlobalAveragePooling2D"},
        ],
        optimizer={"optimizer": "Nadam"},
    ),
    Animal(
        name="16 bits with a scaled loss, dropout, a plateau",
        layers=_NOISY,
        optimizer={"optimizer": "Adam", "learning_rate": 0.01, "clipnorm": 1.0},
        fit={"reduce_lr_on_plateau": {"patience": 1, "factor": 0.5, "min_delta": 10}},
        precision="mixed_float16",
    ),
    *(
        Animal(
            name=name,
            layers=[{"layer": "Dense", "units": 8}],
            optimizer={"optimizer": name, "learning_rate": 0.01},
        )
        for name in ("Adagrad", "Adamax", "Lion")
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """An animal, ready to be trained."""

    network: keras.Model
    callbacks: list[keras.callbacks.Callback]
    loop: Loop
    seen: list[Epoch]


class _EveryBatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Has to be called for each, so that no two run in one call."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Nothing to do."""


def ready(
    animal: Animal,
    *,
    after_epoch: Callable[["Training", Position], None] | None = None,
    between: Callable[[], None] = lambda: None,
    batch_by_batch: bool = False,
) -> Training:
    """Build all of it anew, in a process that may have trained others before."""
    spec = animal.spec
    network = build(spec.network.layers, (36,), spec.seed, spec.compile.precision)
    compile_network(network, spec.compile)
    chosen = callbacks(spec)
    x, y = _rows()
    seen: list[Epoch] = []
    training_rows = HeldRows(
        x=x[:ROWS],
        y=y[:ROWS],
        weights=np.array([1, 3, 0.5], "float32")[y[:ROWS]] if animal.weighted else None,
    )
    loop = Loop(
        Program(network, batch_size=BATCH, example=training_rows.take(slice(0, 1))),
        training=training_rows,
        validation=HeldRows(x=x[ROWS:], y=y[ROWS:]),
        schedule=Schedule(epochs=spec.fit.epochs, seed=spec.seed, shuffle=spec.fit.shuffle),
        callbacks=[*chosen, *([_EveryBatch()] if batch_by_batch else [])],
        between=between,
        on_epoch=seen.append,
        after_epoch=lambda position: after_epoch(training, position) if after_epoch else None,
    )
    training = Training(network=network, callbacks=chosen, loop=loop, seen=seen)
    return training


def _rows() -> tuple[Any, Any]:
    """Three classes, not quite apart, so that nothing is learned perfectly."""
    chance = np.random.default_rng(3)
    y = chance.integers(0, 3, ROWS + VALIDATION_ROWS)
    centres = chance.normal(size=(3, 36)) * 0.3
    return (centres[y] + chance.normal(size=(len(y), 36))).astype("float32"), y
